# On Citus itself, where it is installed: a coordinator and two workers on loopback beside a
# plain server with the same rows.  Rollups, retention and sessions write the same, and every
# function and view reads the same; what an engine's limit forbids is refused clearly.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $sharedir = `pg_config --sharedir`);
plan skip_all => 'Citus is not installed' unless -e "$sharedir/extension/citus.control";

my %node;
for my $name (qw(plain coordinator worker1 worker2))
{
	my $citus = $name eq 'plain' ? '' : 'citus, ';
	$node{$name} = PostgreSQL::Test::Cluster->new($name);
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

sub both
{
	my ($sql) = @_;
	return map { $node{$_}->safe_psql('liv', $sql) } qw(plain coordinator);
}

sub same
{
	my ($sql, $what) = @_;
	my ($plain, $citus) = both($sql);
	is($citus, $plain, $what);
	return $plain;
}

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

both(q{
	-- 30 providers, three weeks, a session each eight hours; the last of two in three is open
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
	SELECT 'p' || p, s.since, CASE WHEN n < 60 OR p % 3 = 0 THEN s.since + (1 + (p * n * 31) % 25000) * interval '1 s' END,
		CASE WHEN n < 60 OR p % 3 = 0 THEN (ARRAY['clean_close', 'read_error', 'coordinator_restart', 'stale_heartbeat'])[1 + (p * n) % 4] ELSE '' END, 'c' || p % 2
	FROM generate_series(1, 30) p, generate_series(0, 60) n,
		LATERAL (SELECT '2026-03-01 00:00+00'::timestamptz + n * interval '8 hours' + (p * 7919 % 3600) * interval '1 s' AS since) s;
	-- three hours of heartbeats, every minute
	INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb)
	SELECT 'p' || p, '2026-03-21 00:00+00'::timestamptz + n * interval '1 min' + p * interval '1 s', (p % 10) / 10.0, (n % 7) / 7.0,
		(ARRAY['nominal', 'fair', 'serious', ''])[1 + (p + n) % 4], 8 + p
	FROM generate_series(1, 30) p, generate_series(0, 179) n;
	INSERT INTO provider_groups SELECT 'p' || p, 'g' || p % 5 FROM generate_series(1, 30) p;
	INSERT INTO provider_exclusions (provider_id, since, until) VALUES
		('p3', '2026-03-15', '2026-03-16'), (NULL, '2026-03-10', '2026-03-10 01:00');
});
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

# Rollups
my @tables = (
	'SELECT * FROM provider_reliability_features ORDER BY provider_id',
	'SELECT as_of, counted_at, counted_since, settings, (SELECT array_agg(round(h::numeric, 8)) FROM unnest(hazard) h) FROM liveness_internal.liveness_fleet_hazard',
	'SELECT provider_id, as_of, spells, (SELECT array_agg(round(h::numeric, 4)) FROM unnest(hazard) h), spell_since, spell_until, spell_uncensored, fingerprint, digest, counted_digest FROM liveness_internal.liveness_provider_hazard ORDER BY provider_id');

sub features
{
	my ($what, $at) = @_;
	same("SELECT liveness_rollup_features('$at')", "$what: as many providers");
	my $n = 0;
	same($_, "$what: table " . ++$n) for @tables;
}

features('the first run', '2026-03-21 03:00:30+00');
features('nothing changed', '2026-03-21 03:05:30+00');
both(q{UPDATE provider_sessions SET disconnected_at = '2026-03-21 03:06+00', disconnect_reason = 'read_error' WHERE provider_id = 'p4' AND disconnected_at IS NULL});
features('one closed', '2026-03-21 03:10:30+00');
both(q{DO $$DECLARE s record; BEGIN
	SELECT t.id, t.disconnected_at - interval '1 second' AS at INTO s FROM provider_sessions t WHERE t.provider_id = 'p6' AND t.connected_at > '2026-03-12' ORDER BY t.connected_at LIMIT 1;
	UPDATE provider_sessions t SET disconnected_at = s.at WHERE t.provider_id = 'p6' AND t.id = s.id;
END$$});
features('a close noted late', '2026-03-21 03:15:30+00');
both(q{DELETE FROM provider_sessions WHERE provider_id = 'p9'; DELETE FROM provider_sessions WHERE provider_id = 'p12' AND connected_at > '2026-03-03'});
features('providers vanished', '2026-03-21 03:20:30+00');
both(q{INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'new' || n, '2026-03-21 03:21+00' FROM generate_series(1, 3) n});
features('others came', '2026-03-21 03:25:30+00');
features('the next interval', '2026-03-21 04:00:30+00');
both('DELETE FROM provider_exclusions');
features('no excluded time', '2026-03-21 04:05:30+00');
features('an earlier instant', '2026-03-18 12:00+00');
features('before all', '2026-02-01 00:00+00');
features('and back', '2026-03-21 05:00:30+00');

my $hours = 'SELECT * FROM provider_heartbeats_hourly ORDER BY provider_id, hour';

sub hourly
{
	my ($what, $sql) = @_;
	same($sql // 'SELECT liveness_rollup_hourly()', "$what: as many cells");
	same($hours, "$what: the cells");
	same(q{SELECT watermark IS NOT NULL, pruned_before, late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}, "$what: the state");
}

hourly('the first run');
hourly('nothing new');
both(q{INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || p, '2026-03-21 01:30:30+00', 0.9 FROM generate_series(1, 20) p});
hourly('most cells of an hour');
both(q{INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) VALUES ('p1', '2026-03-21 00:30:30+00', 0.8), ('p2', '1970-01-01 00:00:01+00', 0.7), ('p2', 'infinity', 0.1), ('p3', '-infinity', 0.1)});
hourly('single cells, and clocks that are wrong');
both(q{UPDATE provider_heartbeats_hourly SET heartbeat_count = 7, max_thermal_state = 'x' WHERE provider_id = 'p5'});
hourly('a range', q{SELECT liveness_rollup_hourly('2026-03-21 00:10+00', '2026-03-21 01:10+00')});
hourly('all', q{SELECT liveness_rollup_hourly('-infinity', NULL)});

same(q{SELECT liveness_prune_batch(now() - '2026-03-21 01:00+00', 1000)}, 'a batch of the retention');
same('SELECT count(*), min(at) FROM provider_heartbeats', 'what it left');
same(q{SELECT liveness_prune_batch(now() - '2026-03-21 01:00+00', 100000)}, 'the rest of it');
hourly('after the retention');
both(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '2026-03-21 00:10+00')});
hourly('a heartbeat for a closed hour');


# Sessions and reads
for my $call (q{SELECT provider_id, session_id IS NOT NULL FROM liveness_open_sessions('{a,b,a,p1}', 'c1', '2026-03-21 06:00+00')},
	q{SELECT liveness_open_session('a', 'c1', '2026-03-21 06:10+00') IS NOT NULL}, q{SELECT liveness_close_session(1, 'x')},
	q{DO $$DECLARE latest bigint; BEGIN SELECT max(id) INTO latest FROM provider_sessions WHERE provider_id = 'b'; PERFORM liveness_close_session(latest, 'clean_close', '2026-03-21 06:20+00'); END$$},
	q{SELECT liveness_close_orphans('c1')}, q{SELECT liveness_close_stale('1 hour')})
{
	same($call, $call);
	same('SELECT provider_id, connected_at, disconnected_at > now() - interval \'1 hour\', disconnect_reason, coordinator_id FROM provider_sessions ORDER BY 1, 2, 3, 4, 5', 'and the sessions');
}
both(q{SELECT liveness_open_session('p' || p, 'c9', '2026-03-21 07:00+00') FROM generate_series(1, 9) p});
both(q{SELECT liveness_rollup_features()});
same($_, $_) for (
	q{SELECT provider_id, round(uptime_pct::numeric, 6), failures_count FROM liveness_features_at('2026-03-21 05:00+00', 14) ORDER BY 1},
	q{SELECT provider_id, probability BETWEEN 0 AND 1 FROM liveness_candidates('4 hours', 0) ORDER BY 1},
	q{SELECT provider_id, round(probability::numeric, 9), round(lower::numeric, 9), round(upper::numeric, 9) FROM liveness_candidates_at('2026-03-21 03:00+00', '4 hours', 0)},
	q{SELECT liveness_probability('p1', '4 hours') BETWEEN 0 AND 1, liveness_remaining('p1') > interval '0'},
	q{SELECT * FROM liveness_uptime('2026-03-10', '2026-03-20') ORDER BY 1}, q{SELECT * FROM liveness_uptime('2026-03-10', '2026-03-20', 'p5')},
	q{SELECT * FROM liveness_fleet_connected('2026-03-10', '2026-03-12')},
	q{SELECT predictor, n, held, round(brier::numeric, 9), round(log_loss::numeric, 9), round(ece::numeric, 9) FROM liveness_backtest('4 hours', '2026-03-10', '2026-03-21', '12 hours')},
	q{SELECT count(*) FROM liveness_explain('p5')}, q{SELECT count(*) FROM liveness_heatmap('p5')},
	q{SELECT provider_id FROM liveness_reliability(max_rows => 500) ORDER BY 1}, q{SELECT survival_at(liveness_fleet_survival('2026-03-21', 14), 3600)},
	q{SELECT count(*) FROM liveness_replicas('4 hours')}, q{SELECT provider_id FROM liveness_at_risk('1 hour', 0.01) ORDER BY 1},
	q{SELECT provider_id, connected FROM provider_liveness ORDER BY 1}, q{SELECT provider_id, since, sessions, failed FROM provider_spells ORDER BY 1, 2},
	q{SELECT count(*) FROM provider_outages}, q{SELECT providers, connected, vanished, p50_uptime_pct FROM network_availability});


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
	like(error_of($worker, 'SELECT liveness_rollup_features()'), qr/ERROR:  55000: liveness writes through the coordinator of Citus/, 'nor runs a rollup');
	like(error_of($worker, 'SELECT liveness_distribute()'), qr/ERROR:  55000: this is not the coordinator/, 'nor distributes');
	is($node{$worker}->safe_psql('liv', 'SELECT count(*) FROM provider_sessions'), $node{coordinator}->safe_psql('liv', 'SELECT count(*) FROM provider_sessions'), 'and reads all');
}
like(error_of('coordinator', q{SET liveness.resume_within = '1min'; SELECT liveness_rollup_features()}), qr/ERROR:  55000: node 127\.0\.0\.1:\d+ .* has other settings/, 'nodes that would compute otherwise are noticed');
like(error_of('coordinator', 'SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: \S*provider_heartbeats is distributed by Citus/, 'no partitions');
like(error_of('coordinator', q{SELECT liveness_sessionize('2026-03-21', '2026-03-22')}), qr/ERROR:  0A000: sessions are not made of heartbeats/, 'nor sessions of heartbeats');

$_->stop for values %node;
done_testing();
