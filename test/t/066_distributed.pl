# The statements for Citus beside those for a plain server, on one plain server: a stand-in
# for Citus' catalog switches the way in a copy of the database.  Both must write the same
# rows after every rollup, and read the same.  What Citus refuses is looked for in the
# catalog and in the plans.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('distributed');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nliveness.scheduler = off\nliveness.session_timeout = '30d'\n");
$node->start;

sub both
{
	my ($sql) = @_;
	return map { $node->safe_psql($_, $sql) } qw(plain citus);
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
	my ($db, $sql) = @_;
	my $err = '';
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('plain', q{
	CREATE EXTENSION liveness;
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
$node->safe_psql('postgres', 'CREATE DATABASE citus TEMPLATE plain');

# The stand-in: a catalog of the name that Citus has, a member of an extension of its name
like(error_of('citus', 'SELECT liveness_distribute()'), qr/ERROR:  55000: there is no Citus/, 'without Citus nothing is distributed');
my $standin = q{
	SET allow_system_table_mods = on;
	CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", colocationid int);
};
$node->safe_psql('citus', $standin);
is($node->safe_psql('citus', q{INSERT INTO pg_dist_partition VALUES ('provider_sessions', 'h', 1); SELECT liveness_internal.liveness_distributed()}), 'f', 'a table of that name alone is not asked');
$node->safe_psql('citus', q{
	SET allow_system_table_mods = on;
	INSERT INTO pg_extension SELECT 99998, 'citus', oid, 'pg_catalog'::regnamespace, false, '13', NULL, NULL FROM pg_roles WHERE rolname = current_user;
	ALTER EXTENSION citus ADD TABLE pg_dist_partition;
});
like(error_of('citus', 'SELECT liveness_rollup_features()'), qr/ERROR:  55000: Citus distributes some tables of liveness.*HINT:  Call public\.liveness_distribute\(\)/s, 'half of the layout is refused');
$node->safe_psql('citus', q{
	TRUNCATE pg_dist_partition;
	INSERT INTO pg_dist_partition SELECT r::regclass, 'h', 1 FROM unnest('{provider_heartbeats,provider_heartbeats_hourly,provider_sessions,provider_reliability_features,liveness_internal.liveness_provider_hazard}'::text[]) r;
	INSERT INTO pg_dist_partition SELECT r::regclass, 'n', 0 FROM unnest('{provider_exclusions,provider_groups,liveness_internal.liveness_fleet_hazard}'::text[]) r;
});
is($node->safe_psql('citus', 'SELECT liveness_internal.liveness_distributed()'), 't', 'the whole layout is seen');
$node->safe_psql('citus', 'SELECT liveness_internal.liveness_distribute_reads()');
like(error_of('citus', 'SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: \S*provider_heartbeats is distributed by Citus/, 'what is distributed is not partitioned');
like(error_of('citus', q{SELECT liveness_sessionize('2026-03-21', '2026-03-22')}), qr/ERROR:  0A000: sessions are not made of heartbeats/, 'nor are sessions made of heartbeats');

# Catalog rules
is($node->safe_psql('citus', q{
	WITH RECURSIVE reader (classid, objid) AS (
		SELECT 'pg_class'::regclass::oid, logicalrelid::oid FROM pg_dist_partition
		UNION
		SELECT CASE d.classid WHEN 'pg_rewrite'::regclass THEN 'pg_class'::regclass::oid ELSE d.classid END, coalesce(w.ev_class, d.objid)
		FROM reader r
		JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype = 'n' AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
		LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
	)
	SELECT p.oid::regprocedure FROM reader r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid WHERE p.pronargs > 0}), '', 'no function in SQL that has arguments reads the tables');
is($node->safe_psql('citus', q{SELECT oid::regprocedure FROM pg_proc WHERE 'plan_cache_mode=force_generic_plan' = ANY (proconfig)}), '', 'none asks for a generic plan');
is($node->safe_psql('plain', q{
	SELECT a.aggfnoid FROM pg_aggregate a JOIN pg_type t ON t.oid = a.aggtranstype
	WHERE a.aggfnoid::regproc::text ~ 'liveness_fleet_' AND (a.aggcombinefn = 0 OR t.typtype = 'p')}), '', 'what adds up the fleet combines, and its state is of a type that goes over the wire');
is($node->safe_psql('plain', q{
	SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
	WHERE p.proname !~ 'partition' AND (p.prosrc ~ 'EXISTS \(SELECT FROM (public|liveness_internal)\.(provider_|liveness_(provider_hazard|fleet_hazard|last_signs|live_sessions))' OR p.prosrc ~ '\mctid\M')}), '', 'no empty select list over them in PL/pgSQL, and no ctid');

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

my $from = -s $node->logfile;
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
both('TRUNCATE provider_exclusions');
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

my $log = slurp_file($node->logfile, $from);
unlike($log, qr/WARNING|ERROR/, 'no warning, and no error');

# Sessions and reads
for my $call (q{SELECT provider_id, session_id IS NOT NULL FROM liveness_open_sessions('{a,b,a,p1}', 'c1', '2026-03-21 06:00+00')},
	q{SELECT liveness_open_session('a', 'c1', '2026-03-21 06:10+00') IS NOT NULL}, q{SELECT liveness_close_session(1, 'x')},
	q{SELECT liveness_close_session(max(id), 'clean_close', '2026-03-21 06:20+00') FROM provider_sessions WHERE provider_id = 'b'},
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

# The plans
$from = -s $node->logfile;
$node->safe_psql('citus', q{
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	UPDATE liveness_internal.liveness_job_state SET swept_at = NULL;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', now());
	SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch('1 day', 10);
});
$log = slurp_file($node->logfile, $from);
like($log, qr/Insert on provider_reliability_features/, 'plans are told');
unlike($log, qr/Named Tuplestore Scan/, 'no statement reads a tuplestore, which no shard has');

# Another node than the coordinator, and the end of an update there
$node->safe_psql('citus', q{
	SET allow_system_table_mods = on;
	CREATE TABLE pg_catalog.pg_dist_local_group (groupid int);
	INSERT INTO pg_dist_local_group VALUES (1);
	ALTER EXTENSION citus ADD TABLE pg_dist_local_group;
});
like(error_of('citus', "SELECT $_"), qr/ERROR:  55000: liveness writes through the coordinator of Citus/, "not on another node: $_") for qw(liveness_rollup_features() liveness_rollup_hourly());
$node->safe_psql('citus', q{SELECT liveness_internal.liveness_guard_node()});
like(error_of('citus', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1')}), qr/ERROR:  55000: this node of Citus draws no ids/, 'nor is a heartbeat written there');
my $again = slurp_file("$ENV{TESTDIR}/../sql/distribute_again.sql");
my $view = q{SELECT pg_get_viewdef('liveness_internal.liveness_running') ~ 'NOT MATERIALIZED'};
is($node->safe_psql('citus', $view), 't', 'a view is worded for Citus');
$node->safe_psql('citus', 'CREATE OR REPLACE VIEW liveness_internal.liveness_running AS SELECT NULL::text AS provider_id, NULL::timestamptz AS since, NULL::int AS spells, NULL::real[] AS hazard');
$node->safe_psql('citus', $again);
is($node->safe_psql('citus', $view), 't', 'and after an update again');
$node->safe_psql('plain', $again);
is($node->safe_psql('plain', $view), 'f', 'but not on a plain server');

$node->stop;
done_testing();
