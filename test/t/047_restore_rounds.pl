# Restores into the database that the worker serves, with jobs each second, jobs by hand in
# a loop, and heartbeats all the while.  Tables of the user, whose rows take time to copy, come between
# those of the extension, so that jobs would find some full and others empty.  No row is
# lost, no hour overwritten, no error printed, and the rollups go on.
# LIVENESS_RESTORE_ROUNDS: how many, each in the next way; default: each way once.
use strict;
use warnings;

use Liveness::Catalog qw(difference);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @ways = (
	[ 'psql', 'made by the dump', 'plain' ],
	[ 'pg_restore --jobs=4', 'made before', 'directory', '--jobs=4' ],
	[ 'psql', 'made before', 'plain' ],
	[ 'pg_restore', 'made by the dump', 'custom' ],
	[ 'pg_restore --jobs=4', 'made by the dump', 'directory', '--jobs=4' ],
	[ 'pg_restore --single-transaction', 'made before', 'custom', '--single-transaction' ],
	[ 'pg_restore --data-only', 'made before', 'custom', '--data-only', '--disable-triggers' ]);
my $rounds = $ENV{LIVENESS_RESTORE_ROUNDS} || @ways;

my $node = PostgreSQL::Test::Cluster->new('restores');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
shared_preload_libraries = 'liveness'
liveness.database = 'served'
liveness.rollup_interval = 1s
liveness.flush_interval = 0.2
END
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('postgres', 'CREATE DATABASE served');

sub query
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'served', $sql);
}

# Five days of heartbeats, of which the last but one and half of an hour are left, but all
# hours; and what takes two seconds to copy, in the order of their names between the extension's tables
query(q{
	CREATE EXTENSION liveness;
	CREATE FUNCTION slow(x int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN true; END $$;
	CREATE TABLE liveness_job_statement (x int CHECK (slow(x)));
	CREATE TABLE provider_heartbeats_a (x int CHECK (slow(x)));
	CREATE TABLE provider_heartbeats_z (x int CHECK (slow(x)));
	CREATE TABLE provider_reliability_z (x int CHECK (slow(x)));
	INSERT INTO liveness_job_statement SELECT generate_series(1, 5);
	INSERT INTO provider_heartbeats_a SELECT generate_series(1, 5);
	INSERT INTO provider_heartbeats_z SELECT generate_series(1, 5);
	INSERT INTO provider_reliability_z SELECT generate_series(1, 5);
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage)
		SELECT 'p' || g % 20, date_trunc('hour', now()) - interval '5 days' + g * interval '30 s', g % 10 / 10.0 FROM generate_series(0, 5 * 2880 - 1) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 20, now() - g * interval '3 hours', now() - g * interval '3 hours' + interval '1 hour', 'read_error' FROM generate_series(1, 200) g;
	SELECT liveness_rollup_hourly(), liveness_rollup_features();
	SELECT liveness_prune_batch('2 days', 3 * 2880 - 70);
	-- late, for a closed hour, and not rolled up yet
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', now() - interval '4 days'), ('p2', now() - interval '1 day');
}, 'source');

# What is not of this minute, and not of the load
my %rows = (
	heartbeats => q{SELECT h::text FROM provider_heartbeats h WHERE provider_id <> 'live' AND status <> 'after'},
	hours => q{SELECT to_jsonb(k)::text FROM provider_heartbeats_hourly k WHERE provider_id NOT IN ('live', 'after') AND NOT (provider_id = 'p2' AND hour = date_trunc('hour', now() - interval '1 day'))},
	sessions => 'SELECT s::text FROM provider_sessions s',
	user => 'SELECT x FROM liveness_job_statement UNION ALL SELECT x FROM provider_heartbeats_a UNION ALL SELECT x FROM provider_heartbeats_z UNION ALL SELECT x FROM provider_reliability_z');
my %before = map { $_ => query($rows{$_}, 'source') } sort keys %rows;
my $state = q{SELECT max(pruned_before), sum(late) FROM liveness_internal.liveness_job_state WHERE job = 'hourly'};
my ($pruned_before, $late) = split /\|/, query($state, 'source');
isnt($pruned_before, '-infinity', 'hours are closed');
my %dump;
for my $format ('plain', 'custom', 'directory')
{
	$dump{$format} = $node->basedir . "/dump.$format";
	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $dump{$format}, 'source' ], "pg_dump --format $format");
}

# What the load does until it is told to stop, whether there is an extension or not
my $load = $node->basedir . '/load.sql';
append_to_file($load, join '', (<<'END') x 200_000);
SELECT liveness_emit('live');
SELECT liveness_rollup_hourly();
SELECT liveness_rollup_features();
SELECT liveness_emit('live');
SELECT liveness_prune_batch('5 days', 1000);
SELECT pg_sleep(0.01);
END

for my $round (0 .. $rounds - 1)
{
	my ($how, $made, $format, @options) = @{ $ways[$round % @ways] };
	my $what = "round $round: $how, the extension $made";
	my $out = $node->basedir . "/load.$round";

	query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
	my $running = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('served'), '-f', $load ], '<', \undef, '>', $out, '2>', '/dev/null');
	if ($made eq 'made before')
	{
		query('CREATE EXTENSION liveness');
		$node->poll_query_until('served', q{SELECT count(*) = 3 AND min(runs) > 0 FROM liveness_jobs}) or die 'jobs do not run';
		$node->poll_query_until('served', q{SELECT EXISTS (SELECT FROM provider_heartbeats_hourly WHERE provider_id = 'live')}) or die 'the load does not run';
	}
	if (grep { $_ eq '--data-only' } @options)
	{
		run_command([ 'pg_restore', '--section', 'pre-data', '-d', $node->connstr('served'), $dump{$format} ]);
	}
	my ($said, $errors) = run_command(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-o', '/dev/null', '-d', $node->connstr('served'), '-f', $dump{$format} ]
		: [ 'pg_restore', @options, '-d', $node->connstr('served'), $dump{$format} ]);
	is($errors =~ s/^.*NOTICE:  extension "liveness" already exists, skipping\n//mr, '', "$what: no error");

	# the rollups go on: a run by the worker has taken what was written after the restore
	query(q{INSERT INTO provider_heartbeats (provider_id, status, at) VALUES ('after', 'after', now()), ('p3', 'after', now() - interval '4 days')});
	ok($node->poll_query_until('served', q{SELECT EXISTS (SELECT FROM provider_heartbeats_hourly WHERE provider_id = 'after')}), "$what: the hourly rollup goes on");
	my $restored = query('SELECT now()');
	ok($node->poll_query_until('served', qq{SELECT count(*) = 20 AND min(updated_at) > '$restored' FROM provider_reliability_features}), "$what: so do the features");
	ok($node->poll_query_until('served', q{SELECT EXISTS (SELECT FROM provider_heartbeats WHERE provider_id = 'live')}), "$what: heartbeats are emitted");
	$running->kill_kill;
	my $emitted = () = slurp_file($out) =~ /^t$/mg;
	query('SELECT liveness_flush()');

	cmp_ok(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'live'}), '>=', $emitted, "$what: what was emitted meanwhile is there");
	for my $rows (sort keys %rows)
	{
		is(difference($before{$rows}, query($rows{$rows})), '', "$what: $rows are as they were");
	}
	my ($closed, $counted) = split /\|/, query($state);
	is($closed, $pruned_before, "$what: closed hours are");
	cmp_ok($counted, '>=', $late, "$what: and late heartbeats stay counted");
	query('SELECT liveness_prune_batch()');
	is(query('SELECT job, count(*) FROM liveness_internal.liveness_job_state GROUP BY 1 ORDER BY 1'), "features|1\nhourly|1\nretention|1", "$what: each job has one row again");
	is(query('SELECT count(*) FROM liveness_internal.liveness_fleet_hazard'), 1, "$what: and so has the fleet");
	is(query(q{SELECT count(*) FROM pg_locks WHERE classid = 'pg_extension'::regclass AND objsubid = 4 AND mode = 'ShareLock'}), 0, "$what: nothing holds the jobs up");
}

$node->stop;
done_testing();
