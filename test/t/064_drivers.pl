# Each function that a coordinator calls, by position and by name, with the types that the drivers of
# Python, Node and Go bind by themselves: what comes back, and what is in the tables then.
use strict;
use warnings;

use IPC::Run;
use Liveness::Clients qw(client_commands);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($commands, $missing) = client_commands("$ENV{TESTDIR}/clients/drivers");
plan skip_all => 'no driver is there' unless %$commands;

my $node = PostgreSQL::Test::Cluster->new('drivers');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
# times without a zone are five hours behind UTC in January
$node->append_conf('postgresql.conf', <<'END');
timezone = 'America/New_York'
shared_preload_libraries = 'liveness'
liveness.database = 'fleet'
END
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE fleet; CREATE ROLE coordinator LOGIN');
$node->safe_psql('fleet', q{
	CREATE EXTENSION liveness;
	SELECT liveness_grant_writer('coordinator'), liveness_grant_reader('coordinator');
	SELECT liveness_rollup_features()});
$node->poll_query_until('fleet', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'fleet' AND backend_type = 'liveness worker'})
  or die 'the worker stays away';

# What each call returns.  Open sessions are those of m-3, m-4, m-5 and of the UUID.
my $common = <<'END';
open.position true
open.name true
open.again true
opens.position 2
opens.name 1
opens.uuid 1
opens.empty 0
close.position true
close.name true
close.again false
stale.position 0
stale.name 0
orphans.position 4
orphans.name 0
emit.position true
emit.name true
emit.nulls true
emit.numbers true
emit.naive true
emit.json true
emit.uuid true
batch.position 2
batch.name 1
flush true
candidates.position 0
candidates.name 0
END
# What only some of them can do.  42883: there is no such function of uuid, or of json.
my %special = (
	python => <<'END',
emit.uuid_cast true
emit.uuid_bound error 42883
emit.json_bound error 42883
batch.json_cast 1
batch.json_bound error 42883
END
	# an array of PostgreSQL is no JSON
	node => <<'END',
batch.array_bound error 22P02
END
	go => <<'END',
emit.uuid_cast true
emit.uuid_bound error 22021
emit.bytes_bound error of the driver
batch.text 1
END
);

# Provider, memory_pressure, cpu_usage, thermal state, three memories, backend, capacity, time in UTC
my $document = '{"gpus": [1, 2]}';
my $then = '2026-01-02 03:04:05.678';
my $full = "m-1|0.25|0.5|fair|12.5|1.5|0.75|ready|$document|$then";
my $machine = '6f9619ff-8b86-d011-b42d-00cf4fc964ff';
my %beats = (
	position => $full,
	name => $full,
	nulls => 'nulls|0|0|||||||now',
	numbers => 'm-1|0.25|1||1.0995116e+12|NaN||||now',
	naive => 'm-1|0|0|||||||2026-01-02 08:04:05',
	json => "m-1|0|0||||||$document|now",
	uuid => "$machine|0|0|||||||now",
	map({ $_ => "m-1|0|0.5||||||$document|$then" } qw(batch1 batch2 batch3)),
);

foreach my $language (sort keys %$commands)
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'fleet', PGUSER => 'coordinator');
	my ($out, $err) = ('', '');
	IPC::Run::run($commands->{$language}, '<', \undef, '>', \$out, '2>', \$err);
	is($err, '', "$language: nothing is wrong");
	$out =~ s/ (True|False)$/ \L$1/mg;
	is(join("\n", sort split /\n/, $out), join("\n", sort split /\n/, $common . $special{$language}), "$language: what the calls return");

	my %expected = %beats;
	$expected{uuid_cast} = $beats{uuid} if $language ne 'node';
	$expected{batch4} = $beats{batch1} if $language ne 'node';
	is( $node->safe_psql('fleet', qq{
			SELECT CASE active_model WHEN '' THEN provider_id ELSE active_model END COLLATE "C", provider_id, memory_pressure, cpu_usage, thermal_state, memory_available_gb,
				gpu_memory_active_gb, gpu_memory_cache_gb, backend_state, capacity, CASE WHEN at > '2026-06-01' THEN 'now' ELSE (at AT TIME ZONE 'UTC')::text END
			FROM provider_heartbeats WHERE status = '$language' ORDER BY 1}),
		join("\n", map { "$_|$expected{$_}" } sort keys %expected), "$language: the heartbeats");
	is( $node->safe_psql('fleet', qq{
			SELECT provider_id, CASE WHEN connected_at < '2026-06-01' THEN (connected_at AT TIME ZONE 'UTC')::text ELSE 'now' END,
				CASE WHEN disconnected_at < '2026-06-01' AND disconnect_reason <> 'coordinator_restart' THEN (disconnected_at AT TIME ZONE 'UTC')::text END,
				disconnect_reason, last_heartbeat_at AT TIME ZONE 'UTC', requests_served, tokens_generated
			FROM provider_sessions WHERE coordinator_id = '$language' ORDER BY provider_id}),
		<<"END" =~ s/\n\z//r, "$language: the sessions");
$machine|now||coordinator_restart||0|0
m-1|$then|2026-01-02 04:00:00|read_error|$then|7|1099511627776
m-2|$then|2026-01-02 04:00:00|clean_close||0|1
m-3|$then||coordinator_restart||0|0
m-4|$then||coordinator_restart||0|0
m-5|now||coordinator_restart||0|0
END
}
note("left out: $_: $missing->{$_}") foreach sort keys %$missing;

$node->stop;
done_testing();
