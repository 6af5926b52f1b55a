# The statements for Citus beside those for a plain server, on one plain server: a stand-in
# for Citus' catalog switches the way in a copy of the database.  Both must write the same
# rows after every rollup, and read the same.  What Citus refuses is looked for in the
# catalog and in the plans.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Distributed;

my $node = PostgreSQL::Test::Cluster->new('distributed');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nliveness.scheduler = off\nliveness.session_timeout = '30d'\n");
$node->start;

answers_from(sub { my ($sql) = @_; return map { $node->safe_psql($_, $sql) } qw(plain citus) });

sub error_of
{
	my ($db, $sql) = @_;
	my $err = '';
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('plain', 'CREATE EXTENSION liveness;' . rows_of_three_weeks());
$node->safe_psql('postgres', 'CREATE DATABASE citus TEMPLATE plain');

# The stand-in: a catalog of the name that Citus has, a member of an extension of its name
like(error_of('citus', 'SELECT liveness_distribute()'), qr/ERROR:  55000: there is no Citus/, 'without Citus nothing is distributed');
my $standin = q{
	SET allow_system_table_mods = on;
	CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", colocationid int);
	CREATE FUNCTION pg_catalog.run_command_on_all_nodes(command text, OUT nodeid int, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE plpgsql AS $$
	BEGIN
		nodeid := 1;
		success := true;
		EXECUTE command INTO result;
		RETURN NEXT;
	END $$;
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

my $from = -s $node->logfile;
compare_rollups();
my $log = slurp_file($node->logfile, $from);
unlike($log, qr/WARNING|ERROR/, 'no warning, and no error');
compare_reads();
compare_sessions_of_heartbeats();

# What Citus brings together from shards: of an aggregate without these it pulls the rows.
is($node->safe_psql('plain', q{SELECT string_agg(DISTINCT p.proname, ' ') FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_type t ON t.oid = a.aggtranstype
	WHERE p.proname ~ '^(survival_|liveness_percentiles|liveness_fleet)' AND (t.typtype = 'p' OR a.aggcombinefn = 0)}), '', 'aggregates over the fleet combine on shards');
is($node->safe_psql('plain', q{SELECT string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname) FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
	WHERE p.proname ~ '^(survival_|liveness_percentiles|liveness_fleet)'}), 'liveness_fleet_ages liveness_fleet_hours liveness_fleet_prior liveness_percentiles survival_agg survival_merge', 'which are these');

# The plans
$from = -s $node->logfile;
$node->safe_psql('citus', q{
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	UPDATE liveness_internal.liveness_job_state SET swept_at = NULL;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', now());
	SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch('1 day', 10), liveness_internal.liveness_run_sessions(true);
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
