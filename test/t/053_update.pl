# ALTER EXTENSION UPDATE to versions that are made here, in a copy of the installation:
# 1.1, by a script that does nothing, and 1.2, which changes a function, a table and a
# view. The worker runs meanwhile, rows and members stay, and a library of another version
# than the SQL is told of.
use strict;
use warnings;

use Liveness::Catalog qw(contents difference members);
use Liveness::Installation qw(linked_installation);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($installation, $extensions) = linked_installation("$PostgreSQL::Test::Utils::tmp_check/linked");

sub provide_version
{
	my ($from, $to, $script) = @_;
	my $control = slurp_file("$extensions/liveness.control") =~ s/^(default_version = )'.*'/$1'$to'/mr;
	unlink "$extensions/liveness.control";
	append_to_file("$extensions/liveness.control", $control);
	append_to_file("$extensions/liveness--$from--$to.sql", qq{\\echo Use "ALTER EXTENSION liveness UPDATE" to load this file. \\quit\n$script});
	return;
}

my $node = PostgreSQL::Test::Cluster->new('update', install_path => $installation);
$node->init;
$node->append_conf('postgresql.conf', q{
	timezone = 'UTC'
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	liveness.flush_interval = '10ms'
	liveness.heartbeat_retention = 0
});
$node->start;

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub warning_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('postgres', $sql, stderr => \$err);
	return $err;
}

# A coordinator that beats all the while: how many heartbeats were taken
my $taken = 0;
sub beat
{
	$taken += query(q{SELECT count(*) FILTER (WHERE liveness_emit('beating', at => '2026-01-20 00:00+00')) FROM generate_series(1, 100)});
	return;
}

query(q{
	CREATE ROLE reader; CREATE ROLE ops;
	CREATE EXTENSION liveness;
	SELECT liveness_grant_reader('reader'), liveness_grant_operator('ops');
	COMMENT ON TABLE provider_sessions IS 'ours';
	INSERT INTO provider_heartbeats (provider_id, at, capacity) SELECT 'p' || g % 30, '2026-01-01 00:00+00'::timestamptz + g * interval '10 minutes', '{"slots": 1}' FROM generate_series(1, 3000) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 30, now() - g * interval '30 minutes', now() - g * interval '30 minutes' + interval '8 hours', 'read_error' FROM generate_series(20, 1200) g;
	CREATE VIEW best AS SELECT provider_id, liveness_score FROM liveness_reliability(max_rows => 3)});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL}) or die 'there is no worker';
is(warning_of('SELECT liveness_rollup_features(), liveness_rollup_hourly()'), '', 'of one version, they say nothing');
beat();
query('SELECT liveness_flush()');

# 1.1
my $rows = contents($node, 'postgres');
my $members = members($node, 'postgres');
provide_version('1.0', '1.1', '');
my $old = $node->background_psql('postgres');
is($old->query(q{SELECT schedule FROM liveness_internal.liveness_cron_jobs() WHERE name = 'liveness retention'}), '17 * * * *', 'a session that began before');
query('ALTER EXTENSION liveness UPDATE');
is(query(q{SELECT extversion FROM pg_extension WHERE extname = 'liveness'}), '1.1', 'updated');
is(difference($rows, contents($node, 'postgres')), '', 'every row stays');
is(difference($members =~ s/"extversion": "1\.0"/"extversion": "1.1"/r, members($node, 'postgres')), '', 'and every member as it was, with its privileges and comments');
beat();
query('SELECT liveness_flush()');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'beating'}), 200, 'the worker that ran writes on');
my $warning = qr/WARNING:  extension liveness is of version 1\.1, and its library of version 1\.0\nHINT:  .*ALTER EXTENSION liveness UPDATE.*restart the server/;
like(warning_of("SELECT $_"), $warning, "$_ tells that the library is another") for qw(liveness_rollup_features() liveness_rollup_hourly());
like(warning_of(q{CALL liveness_run('features')}), $warning, 'liveness_run, too');
# the worker's jobs tell the log
my $log = -s $node->logfile;
$node->append_conf('postgresql.conf', "liveness.scheduler = worker\nliveness.rollup_interval = '1s'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM liveness_jobs WHERE job IN ('features', 'hourly') AND runs > 2}) or die 'the worker runs no job';
like(slurp_file($node->logfile, $log), qr/WARNING:  extension liveness is of version 1\.1, and its library of version 1\.0/, 'and so does what the worker runs');

# 1.2, while it runs; the rows of before are there
provide_version('1.1', '1.2', <<'SQL');
CREATE OR REPLACE FUNCTION liveness_internal.liveness_cron_jobs()
RETURNS TABLE (name text, schedule text, command text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'liveness ' || j.job, '42 * * * *', 'CALL @extschema@.liveness_run(' || quote_literal(j.job) || ')'
	FROM (VALUES ('features'), ('hourly'), ('retention')) j (job);
END;
ALTER TABLE @extschema@.provider_sessions ADD COLUMN region text NOT NULL DEFAULT '';
CREATE VIEW @extschema@.provider_regions AS SELECT region, count(*) AS sessions FROM @extschema@.provider_sessions GROUP BY region;
SQL
my $sessions = query('SELECT md5(string_agg(s::text, chr(10) ORDER BY s.id)) FROM provider_sessions s');
beat();
query('ALTER EXTENSION liveness UPDATE');
beat();
query('SELECT liveness_flush()');
is($old->query(q{SELECT DISTINCT schedule FROM liveness_internal.liveness_cron_jobs()}), '42 * * * *', 'the session of before sees a function that was changed');
is(query(q{SET ROLE ops; SELECT DISTINCT schedule FROM liveness_internal.liveness_cron_jobs()}), '42 * * * *', 'with the privileges it had');
is(query('SELECT md5(string_agg((s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at, s.requests_served, s.tokens_generated, s.coordinator_id)::text, chr(10) ORDER BY s.id)) FROM provider_sessions s'),
	$sessions, 'the sessions, with a column more');
is(query('TABLE provider_regions'), '|1181', 'which a new view shows');
my $runs = query('SELECT sum(runs) FROM liveness_jobs');
$node->poll_query_until('postgres', "SELECT sum(runs) > $runs FROM liveness_jobs") or die 'the worker runs no job';
is(query('SELECT sum(errors) FROM liveness_jobs'), 0, 'the jobs go on');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'beating'}), $taken, 'and no heartbeat was lost on the way');
is($taken, 400, 'of four hundred');
is(query('SELECT count(*) FROM best'), 3, 'what depends on it works');

# An update that needs a function that this library does not have changes nothing
provide_version('1.2', '1.3', q{
	DROP VIEW @extschema@.provider_regions;
	CREATE FUNCTION @extschema@.liveness_new() RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C;});
like(warning_of('ALTER EXTENSION liveness UPDATE'), qr/ERROR:  could not find function "liveness_new" in file/, 'SQL that needs a newer library');
is(query(q{SELECT extversion, to_regclass('provider_regions') FROM pg_extension WHERE extname = 'liveness'}), '1.2|provider_regions', 'is not installed in parts');

# By way of 1.0 and 1.1
query('DROP EXTENSION liveness CASCADE; CREATE EXTENSION liveness VERSION \'1.2\'');
is(query('SELECT count(*) FROM provider_regions'), 0, 'a new 1.2 goes through the updates');

$old->quit;
$node->stop;
done_testing();
