# On Citus itself, where it is installed: a coordinator and two workers on loopback beside a
# plain server with the same rows.  Rollups, retention and sessions write the same, and every
# function and view reads the same; what an engine's limit forbids is refused clearly.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Distributed;
use Liveness::Installation qw(linked_installation);

chomp(my $sharedir = `pg_config --sharedir`);
plan skip_all => 'Citus is not installed' unless -e "$sharedir/extension/citus.control";

# where another version is put at the end
my ($installation, $extensions) = linked_installation("$PostgreSQL::Test::Utils::tmp_check/linked");
my %node;
for my $name (qw(plain coordinator worker1 worker2))
{
	my $citus = $name eq 'plain' ? '' : 'citus, ';
	$node{$name} = PostgreSQL::Test::Cluster->new($name, install_path => $installation);
	$node{$name}->init;
	$node{$name}->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nlisten_addresses = '127.0.0.1'\nmax_connections = 100\nmax_prepared_transactions = 100\n"
		. "shared_preload_libraries = '${citus}liveness'\nliveness.scheduler = off\nliveness.session_timeout = '30d'\n"
		. ($citus ? "wal_level = logical\ncitus.enable_statistics_collection = off\n" : '')
		. ($name =~ /plain|coordinator/ ? "liveness.database = 'liv'\n" : ''));
	$node{$name}->start;
	$node{$name}->safe_psql('postgres', 'CREATE DATABASE liv');
	$node{$name}->safe_psql('liv', 'CREATE EXTENSION citus') if $citus;
	$node{$name}->safe_psql('liv', 'CREATE EXTENSION liveness');
}

answers_from(sub { my ($sql) = @_; return map { $node{$_}->safe_psql('liv', $sql) } qw(plain coordinator) });

sub error_of
{
	my ($name, $sql, $role) = @_;
	my $err = '';
	$node{$name}->psql('liv', "\\set VERBOSITY verbose\n" . ($role ? "SET ROLE $role;\n" : '') . $sql, stderr => \$err);
	return $err;
}

sub add_worker
{
	my ($name) = @_;
	$node{coordinator}->safe_psql('liv', "SELECT citus_add_node('127.0.0.1', " . $node{$name}->port . ')');
}

both(rows_of_three_weeks());
like(error_of('coordinator', 'SELECT liveness_distribute(0)'), qr/ERROR:  22023: shard_count must be positive/, 'no shards are refused');
$node{coordinator}->safe_psql('liv', "SELECT citus_set_coordinator_host('127.0.0.1', " . $node{coordinator}->port . ')');
add_worker('worker1');
$node{coordinator}->safe_psql('liv', 'CREATE ROLE early LOGIN');
both(q{DO $$BEGIN IF to_regrole('early') IS NULL THEN CREATE ROLE early LOGIN; END IF; END$$});
both(q{SELECT liveness_grant_reader('early')});
# while the tables are filled, and rolled up
same(q{SELECT liveness_rollup_features('2026-03-21 02:00+00'), liveness_rollup_hourly()}, 'before');
like($node{coordinator}->safe_psql('liv', 'SELECT liveness_distribute(4)'), qr/^5 tables are distributed by provider_id in 4 shards and 3 are copied to each of 1 worker nodes \(8 of them since this call\)/, 'all is distributed');
add_worker('worker2');
like(error_of('coordinator', 'SELECT liveness_rollup_features()'), qr/ERROR:  55000: node 127\.0\.0\.1:\d+ \(new\) was added and is not prepared.*HINT:  Call public\.liveness_distribute\(\) once more/s, 'a worker that was added is to be prepared');
like($node{coordinator}->safe_psql('liv', 'SELECT liveness_distribute()'), qr/ 2 worker nodes \(0 of them since this call\)/, 'a worker was added, and nothing is distributed twice');
$node{coordinator}->safe_psql('liv', q{SELECT replicate_reference_tables('block_writes')});
$node{coordinator}->safe_psql('liv', q{SELECT citus_move_shard_placement(s.shardid, '127.0.0.1', } . $node{worker1}->port . q{, '127.0.0.1', } . $node{worker2}->port . q{, 'block_writes')
	FROM pg_dist_shard s WHERE s.logicalrelid = 'provider_sessions'::regclass ORDER BY s.shardid LIMIT 1});
cmp_ok($node{coordinator}->safe_psql('liv', q{SELECT count(DISTINCT nodeport) FROM pg_dist_shard_placement p JOIN pg_dist_shard s USING (shardid) WHERE s.logicalrelid = 'provider_sessions'::regclass}), '==', 2, 'shards are on both');
same('SELECT count(*), sum(id) FROM provider_sessions', 'the sessions are there');
same('SELECT count(*), sum(id) FROM provider_heartbeats', 'and the heartbeats');
is($node{coordinator}->safe_psql('liv', 'SELECT pg_relation_size(c) FROM unnest($${provider_heartbeats,provider_sessions}$$::regclass[]) c'), "0\n0", 'no copy is left behind');

compare_rollups();
compare_reads();


# Aggregates over the fleet: a shard sends one state
same(q{SELECT liveness_percentiles(uptime_pct, '{0,0.25,0.5,1}') FROM provider_reliability_features}, 'percentiles');
same(q{SELECT survival_agg(last_session_duration_seconds, failures_count > 5), survival_agg(last_session_duration_seconds, failures_count > 5, 60) FROM provider_reliability_features}, 'curves');
same(q{SELECT survival_merge(c) FROM (SELECT provider_id, survival_agg(extract(epoch FROM disconnected_at - connected_at)::float8, true) AS c FROM provider_sessions WHERE disconnected_at > connected_at GROUP BY 1) s}, 'and curves of curves');
for my $sql ('SELECT * FROM network_availability', q{SELECT survival_agg(uptime_pct, true), survival_agg(uptime_pct, true, 0) FROM provider_reliability_features},
	q{SELECT survival_merge(c) FROM (SELECT provider_id, survival_agg(uptime_pct, true) AS c FROM provider_reliability_features GROUP BY 1) s})
{
	like($node{coordinator}->safe_psql('liv', "EXPLAIN VERBOSE $sql"), qr/coord_combine_agg.*worker_partial_agg\('public\.(liveness_percentiles|survival_)/s, "combined on the shards: $sql");
}
same('SELECT count(*) > 0 FROM liveness_metrics', 'metrics');
same(q{SELECT name, labels, round(value::numeric, 4) FROM liveness_metrics WHERE name ~ '^liveness_(fleet_(providers|connected|vanished|highly|uptime)|provider_(score|stays|connected)|model_(spells|frailty)|exclusions)' ORDER BY name, labels::text COLLATE "C"}, 'which are the same');
same('SELECT providers, spells, round(failures_per_day_1h::numeric, 6) FROM liveness_model', 'the model');
same("SELECT count(*) FROM $_", $_) for qw(provider_session_history provider_heartbeat_history provider_availability_matrix provider_disconnect_reasons provider_stale_sessions liveness_jobs liveness_stats);
same(q{SELECT segments FROM liveness_checkpoint('p1', '24 hours', '5 min')}, 'checkpoints');
same(q{SELECT count(*) > 0 FROM liveness_calibration('4 hours', '2026-03-10', '2026-03-21', '12 hours')}, 'calibration');
same(q{SELECT count(*) FROM liveness_place(2, '4 hours')}, 'placement');
same(q{SELECT count(*) FROM liveness_internal.liveness_estimate_shocks('2026-03-21')}, 'shocks');
same(q{SELECT liveness_exclude('p1', '2026-03-19', '2026-03-20', 'x') IS NOT NULL}, 'time is excluded');
same(q{SELECT provider_id, since, reason FROM provider_exclusions ORDER BY 1, 2}, 'and noted');
same(q{SELECT liveness_forget_provider('p2')}, 'a provider is forgotten');
both(q{SET client_min_messages = error; CALL liveness_run('features'); CALL liveness_run('hourly'); CALL liveness_run('retention'); CALL liveness_prune('1 day', 1000)});
same('SELECT job, errors FROM liveness_jobs ORDER BY 1', 'jobs run');

# What is built on liveness: the statements of the admin API, each planned once for several calls too, the
# statements that the examples are, and the report
my $project = "$ENV{TESTDIR}/..";

# Figures and their order depend on the moment
sub same_keys
{
	my ($sql, $what) = @_;
	my ($plain, $citus) = map { my %key = map { $_ => 1 } /"(\w+)" ?:/g; join ' ', sort keys %key } both($sql);
	is($citus, $plain, $what);
	return;
}

my %arguments = (
	at_risk => q{('1 hour', 0.01)}, availability => '', candidates => q{('4 hours', 0, NULL)}, checkpoint => q{('p1', '24 hours', '5 min', NULL)},
	heartbeats => q{('p1', NULL, NULL, 3)}, heartbeats_hourly => q{('p1', NULL, NULL, 2)}, liveness => q{('p1')}, place => q{(2, '4 hours', 0.1, '[]')},
	probability => q{('p1', '4 hours')}, reliability => '(0, NULL, NULL, NULL, NULL, 5)', remaining => q{('p1', NULL)}, replicas => q{('4 hours', 0.9, 3, '["p2"]')},
	sessions => q{('p1', NULL, 3)});
is_deeply([ map { s{.*/}{}r =~ s/\.sql$//r } sort glob "$project/examples/admin-api/sql/*.sql" ], [ sort keys %arguments ], 'the statements of the admin API are known here');
for my $name (sort keys %arguments)
{
	my $statement = 'PREPARE s AS ' . slurp_file("$project/examples/admin-api/sql/$name.sql") . ';' . "EXECUTE s$arguments{$name};" x 7;
	same_keys($statement, "admin API: $name");
}
same('PREPARE s AS ' . slurp_file("$project/examples/admin-api/sql/heartbeats_hourly.sql") . ";EXECUTE s$arguments{heartbeats_hourly}", 'admin API: hours');
both(slurp_file($_)) for sort glob "$project/examples/*.sql";
pass('the examples run');
both('CREATE EXTENSION liveness_report');
same(q{SELECT max_rows, liveness_report(max_rows => max_rows) LIKE '%</html>%' FROM generate_series(1, 2) max_rows}, 'the report is written');

# Heartbeats by the buffer
both(q{SELECT liveness_emit('p' || g % 30, at => '2026-03-21 08:00+00') FROM generate_series(1, 2000) g});
both('SELECT liveness_flush()');
same(q{SELECT count(*), count(DISTINCT provider_id) FROM provider_heartbeats WHERE at = '2026-03-21 08:00+00'}, 'what was emitted is written');

# Roles
both('CREATE ROLE ops LOGIN; CREATE ROLE coordinates LOGIN');
both(q{SELECT liveness_grant_operator('ops')});
both(q{SELECT liveness_grant_writer('coordinates')});
both($_) for q{SET ROLE coordinates; SELECT liveness_open_session('w1', 'c'); SELECT liveness_close_orphans('c'); INSERT INTO provider_heartbeats (provider_id) VALUES ('w1')},
	'SET ROLE ops; SELECT liveness_rollup_features(), liveness_rollup_hourly(); CALL liveness_prune(); SELECT count(*) FROM liveness_candidates($$1 hour$$, 0)',
	'SET ROLE early; SELECT count(*) FROM provider_liveness; SELECT count(*) FROM provider_spells';
pass('roles do what they are granted');
like(error_of('coordinator', 'DELETE FROM provider_sessions', 'early'), qr/permission denied/, 'and no more');

# What is refused
for my $worker (qw(worker1 worker2))
{
	like(error_of($worker, q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1')}), qr/ERROR:  55000: this node of Citus draws no ids.*HINT:  Write through the coordinator/s, "$worker takes no heartbeat");
	like(error_of($worker, q{SELECT liveness_open_session('p1', 'c')}), qr/ERROR:  55000:/, 'nor a session');
	like(error_of($worker, q{SELECT liveness_emit('p1')}), qr/ERROR:  55000: liveness takes heartbeats on the coordinator.*HINT:  Write through the coordinator/s, 'not by the buffer');
	like(error_of($worker, 'SELECT liveness_rollup_features()'), qr/ERROR:  55000: liveness writes through the coordinator of Citus/, 'nor runs a rollup');
	like(error_of($worker, 'SELECT liveness_distribute()'), qr/ERROR:  55000: this is not the coordinator/, 'nor distributes');
	is($node{$worker}->safe_psql('liv', 'SELECT count(*) FROM provider_sessions'), $node{coordinator}->safe_psql('liv', 'SELECT count(*) FROM provider_sessions'), 'and reads all');
}
like(error_of('coordinator', q{SET liveness.resume_within = '1min'; SELECT liveness_rollup_features()}), qr/ERROR:  55000: node 127\.0\.0\.1:\d+ .* has other settings/, 'nodes that would compute otherwise are noticed');
like(error_of('coordinator', 'SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: \S*provider_heartbeats is distributed by Citus/, 'no partitions');
compare_sessions_of_heartbeats();

# An update, by the script that the next version would have: it words views and functions for a plain
# server, and then for Citus again
sub worded
{
	my ($name) = @_;
	return $node{$name}->safe_psql('liv', q{
		SELECT format('%s: %s', p.oid::regprocedure, md5(pg_get_functiondef(p.oid)))
		FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND p.prokind <> 'a'
		UNION ALL
		SELECT format('%s: %s', c.oid::regclass, md5(pg_get_viewdef(c.oid)))
		FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
		WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND c.relkind = 'v'
		ORDER BY 1});
}
my $next = "$PostgreSQL::Test::Utils::tmp_check/project";
mkdir $next or die "$next: $!";
system('cp', '-r', (map { "$project/$_" } qw(src sql scripts META.json liveness.control)), glob("$project/liveness--*.sql"), $next) == 0 or die 'cp failed';
my ($old) = slurp_file("$next/liveness.control") =~ /^default_version = '(.*)'$/m;
my $new = $old =~ s/(\d+)$/$1 + 1/er;
command_ok([ "$next/scripts/new-version", $new ], 'the next version is begun');
unlink "$extensions/liveness.control";
system('cp', "$next/liveness.control", glob("$next/liveness--*--$new.sql"), $extensions) == 0 or die 'cp failed';
my %worded = map { $_ => worded($_) } qw(coordinator worker1);
isnt($worded{coordinator}, worded('plain'), 'on Citus, some views and functions are worded otherwise');
both('ALTER EXTENSION liveness UPDATE');
for my $name (qw(plain coordinator worker1 worker2))
{
	is($node{$name}->safe_psql('liv', q{SELECT extversion FROM pg_extension WHERE extname = 'liveness'}), $new, "$name is updated");
}
$node{coordinator}->safe_psql('liv', 'SELECT liveness_distribute()');
is(worded($_), $worded{$_}, "and $_ is worded as before") for qw(coordinator worker1);
compare_reads();

$_->stop for values %node;
done_testing();
