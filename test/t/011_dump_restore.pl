# Dump and restore into another database, in every format, of one table, and of a whole
# cluster with its roles: no row and no privilege is lost, ids go on, and the hourly
# rollup starts again without touching what was pruned.
use strict;
use warnings;

use Liveness::Catalog qw(contents difference members);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

$node->safe_psql('postgres', 'CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE ops');

for my $schema ('public', 'my Schema')
{
	my $source = $schema eq 'public' ? 'source' : 'source2';
	$node->safe_psql('postgres', "CREATE DATABASE $source");
	$node->safe_psql($source, $schema eq 'public' ? 'CREATE EXTENSION liveness' : qq{CREATE SCHEMA "$schema"; CREATE EXTENSION liveness SCHEMA "$schema"});
	$node->safe_psql($source, qq{SET search_path = "$schema", pg_catalog;} . q{
		INSERT INTO provider_heartbeats (provider_id, at, status, memory_available_gb, capacity, thermal_state)
			SELECT 'p' || g % 3, '2026-01-01 00:00+00'::timestamptz + g * interval '10 minutes', E'it''s\\\\ "odd"\n', nullif(g % 4, 0), '{"slots": [1, null]}', 'fair' FROM generate_series(1, 40) g;
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('new', now()), ('inf', 'infinity');
		SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('ops');
		REVOKE EXECUTE ON FUNCTION liveness_score FROM PUBLIC;
		GRANT SELECT (provider_id) ON provider_sessions TO PUBLIC;
		SELECT liveness_open_session('p1', 'c', '2026-01-01 00:00+00');
		SELECT liveness_close_session(1, 'read_error', '2026-01-01 05:00+00', '2026-01-01 04:59+00', 5, 6);
		SELECT liveness_open_session('p1', 'c', now() - interval '1 hour'), liveness_open_session('é', '', now() - interval '1 hour');
		SELECT liveness_exclude('p1', '2026-01-01 00:00+00', '2026-01-02 00:00+00', 'disk'), liveness_exclude(NULL, now());
		SELECT liveness_rollup_features(), liveness_rollup_hourly();
		-- half of an hour is gone
		SELECT liveness_prune_batch('1 day', 20);
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', '2026-01-01 00:00+00'), ('new', now());
	});
	my $before = contents($node, $source);
	my $members = members($node, $source);
	my $max = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_heartbeats});
	my $max_session = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_sessions});
	my $cells = $node->safe_psql($source, qq{TABLE "$schema".provider_heartbeats_hourly ORDER BY 1, 2});
	is($node->safe_psql($source, qq{SELECT count(*) FROM "$schema".provider_heartbeats}), 24, "$schema: 42 heartbeats written, 20 pruned, 2 more written");

	for my $format ('plain', 'custom', 'directory')
	{
		my $target = "${source}_$format";
		my $file = $node->basedir . "/$target";
		my $what = "$schema, $format";

		$node->safe_psql('postgres', "CREATE DATABASE $target");
		my @jobs = $format eq 'directory' ? ('--jobs', 2) : ();
		$node->command_ok([ 'pg_dump', '--format', $format, @jobs, '--file', $file, $source ], "$what: pg_dump");
		$node->command_ok(
			$format eq 'plain'
			? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', $file, '-d', $target ]
			: [ 'pg_restore', '--exit-on-error', @jobs, '-d', $target, $file ],
			"$what: restored without an error");
		is(difference($before, contents($node, $target)), '', "$what: every row is there, and sequences are where they were");
		is(difference($members, members($node, $target)), '', "$what: every object, with who may do what");
		is($node->safe_psql($target, qq{SELECT nextval('"$schema".provider_heartbeats_id_seq')}), $max + 1, "$what: ids of heartbeats go on");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_open_session('x')}), $max_session + 1, "$what: ids of sessions go on");
		is($node->safe_psql($target, qq{SELECT * FROM "$schema".liveness_jobs ORDER BY 1}), $node->safe_psql($source, qq{SELECT * FROM "$schema".liveness_jobs ORDER BY 1}),
			"$what: liveness_jobs goes on");

		# The watermark is another database's.  What is late, or in a closed hour,
		# makes no cell; new has one, or two across the hour, of two heartbeats.
		isnt($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_hourly()}), 0, "$what: the first rollup starts again");
		is($node->safe_psql($target, qq{TABLE "$schema".provider_heartbeats_hourly ORDER BY 1, 2}) =~ s/^new\|[^\n]*\n?//mgr, $cells =~ s/^new\|[^\n]*\n?//mgr,
			"$what: and leaves closed hours as they were");
		is($node->safe_psql($target, qq{SELECT sum(heartbeat_count) FROM "$schema".provider_heartbeats_hourly WHERE provider_id = 'new'}), 2, "$what: what had not been rolled up is");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_hourly()}), 0, "$what: the second has nothing to do");
		isnt($node->safe_psql($target, qq{SELECT watermark_of FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}),
			$node->safe_psql($source, qq{SELECT watermark_of FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), "$what: the watermark is its own");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_prune_batch('1 day', 100)}), 21, "$what: the retention goes on");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_features()}), 3, "$what: and so do the features");
	}
}

# Two tables, into a database where the extension is; its sequence goes along by the name
$node->safe_psql('postgres', 'CREATE DATABASE one_table');
$node->safe_psql('one_table', 'CREATE EXTENSION liveness');
my $file = $node->basedir . '/one_table';
$node->command_ok([ 'pg_dump', '--table', 'provider_sessions*', '--table', 'provider_exclusions', '--file', $file, 'source' ], 'pg_dump of two tables');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', 'one_table' ], 'restored beside the others');
my $features = q{SELECT f::text FROM liveness_features_at('2026-01-02 00:00+00') f};
is($node->safe_psql('one_table', $_), $node->safe_psql('source', $_), 'nothing is different') for 'TABLE provider_sessions ORDER BY id', $features;
is($node->safe_psql('one_table', q{SELECT liveness_open_session('x')}), 4, 'ids go on after the 3');

# What pg_dump leaves out of an extension's tables, printed as SQL
$node->safe_psql('postgres', 'CREATE DATABASE extras; CREATE DATABASE extras_restored');
$node->safe_psql('extras', 'CREATE EXTENSION liveness');
is($node->safe_psql('extras', 'SELECT * FROM liveness_dump_extras()'), '', 'of a new extension nothing is left out');
$node->safe_psql('extras', q{
	CREATE TYPE region AS ENUM ('eu', 'us');
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.region = 'us'; RETURN NEW; END $$;
	CREATE PUBLICATION "My pub" FOR TABLE provider_sessions (id, provider_id) WHERE (provider_id <> 'x'), provider_heartbeats;
	CREATE PUBLICATION everything FOR ALL TABLES;
	ALTER TABLE provider_sessions ADD COLUMN region region NOT NULL DEFAULT 'eu', ADD COLUMN "Twice" bigint GENERATED ALWAYS AS (2 * requests_served) STORED,
		ADD CONSTRAINT "known region" CHECK (region IN ('eu', 'us')), ADD CONSTRAINT later CHECK (tokens_generated >= 0) NOT VALID, ADD UNIQUE (id),
		ALTER COLUMN coordinator_id DROP NOT NULL, ALTER COLUMN coordinator_id SET DEFAULT 'main', ALTER COLUMN provider_id SET STATISTICS 700,
		ALTER COLUMN provider_id SET (n_distinct = -0.1), ALTER COLUMN disconnect_reason SET STORAGE EXTERNAL, ALTER COLUMN disconnect_reason SET COMPRESSION pglz,
		SET (autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = off), REPLICA IDENTITY FULL, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	ALTER TABLE provider_reliability_features SET (fillfactor = 80);
	CREATE INDEX covering ON provider_sessions (provider_id, connected_at) INCLUDE (disconnected_at, disconnect_reason);
	CREATE INDEX ON provider_heartbeats ((status || 'x'), provider_id);
	ALTER INDEX provider_heartbeats_expr_provider_id_idx ALTER COLUMN 1 SET STATISTICS 50;
	DROP INDEX idx_provider_sessions_disconnected_at;
	CLUSTER provider_sessions USING covering;
	CREATE STATISTICS both_of_them (dependencies) ON provider_id, coordinator_id FROM provider_sessions;
	ALTER STATISTICS both_of_them SET STATISTICS 300;
	CREATE TRIGGER "note it" BEFORE INSERT ON provider_sessions FOR EACH ROW WHEN (NEW.coordinator_id = 'us') EXECUTE FUNCTION note();
	CREATE TRIGGER off BEFORE INSERT ON provider_sessions FOR EACH ROW EXECUTE FUNCTION note();
	ALTER TABLE provider_sessions DISABLE TRIGGER off;
	CREATE RULE kept AS ON DELETE TO provider_reliability_features WHERE OLD.provider_id = 'kept' DO INSTEAD NOTHING;
	CREATE POLICY own ON provider_sessions AS RESTRICTIVE FOR SELECT TO reader, ops USING (region = 'eu');
	CREATE POLICY everybody ON provider_sessions USING (true) WITH CHECK (provider_id <> '');
	COMMENT ON COLUMN provider_sessions.region IS E'where it\nstands';
	COMMENT ON INDEX covering IS 'for the rollup';
	COMMENT ON TABLE provider_sessions IS 'sessions of ours';
	INSERT INTO provider_sessions (provider_id, region, coordinator_id, requests_served) VALUES ('p', 'us', NULL, 4), ('q', 'eu', 'us', 5);
	INSERT INTO provider_heartbeats (provider_id) VALUES ('p');
});
my %extras = map { $_ => $node->safe_psql('extras', "SELECT * FROM liveness_dump_extras('$_')") } 'pre-data', 'post-data';
is($node->safe_psql('extras', 'SELECT * FROM liveness_dump_extras()'), "$extras{'pre-data'}\n$extras{'post-data'}", 'both sections are all');
my $dump = $node->basedir . '/extras';
$node->command_ok([ 'pg_dump', '--format', 'custom', '--file', $dump, 'extras' ], 'pg_dump of tables that were changed');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'extras_restored', '--section', 'pre-data', $dump ], 'its first section');
isnt($node->safe_psql('extras_restored', 'SELECT * FROM liveness_internal.liveness_table_details() ORDER BY statement'), $node->safe_psql('extras', 'SELECT * FROM liveness_internal.liveness_table_details() ORDER BY statement'), 'leaves out a lot');
$node->safe_psql('extras_restored', $extras{'pre-data'});
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'extras_restored', '--section', 'data', '--section', 'post-data', $dump ], 'once the columns are there, the rest');
$node->safe_psql('extras_restored', $extras{'post-data'});
is(difference($node->safe_psql('extras', "SELECT $_ ORDER BY 1"), $node->safe_psql('extras_restored', "SELECT $_ ORDER BY 1")), '', "then nothing is different: $_")
  for 'statement FROM liveness_internal.liveness_table_details()', 'liveness_dump_extras()', 's::text FROM provider_sessions s', 'h::text FROM provider_heartbeats h',
  'c.relname, a.attname, a.attnotnull, a.attstattarget, a.attstorage FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname ~ $$^provider_$$ AND a.attnum > 0',
  'p::text FROM pg_policies p', 'p::text FROM pg_publication_tables p', 'pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal', 'pg_get_statisticsobjdef(oid) FROM pg_statistic_ext',
  'indexdef FROM pg_indexes WHERE schemaname = $$public$$', 'relname, reloptions, relrowsecurity, relforcerowsecurity, relreplident FROM pg_class WHERE relnamespace = $$public$$::regnamespace';
my $section_error = '';
$node->psql('extras', q{SELECT liveness_dump_extras('data')}, stderr => \$section_error);
like($section_error, qr/ERROR:  there is no section 'data'\nHINT: /, 'another section is refused');

# A cluster: roles, a setting of the database, and the rest
$node->safe_psql('postgres', 'ALTER DATABASE source SET liveness.window_days = 21');
$file = $node->basedir . '/all';
$node->command_ok([ 'pg_dumpall', '--exclude-database', 'source?*', '--exclude-database', 'one_table', '--exclude-database', 'extras*', '--file', $file ], 'pg_dumpall');
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$other->start;
# the one role that both have
$other->command_checks_all([ 'psql', '-X', '-q', '-f', $file, '-d', 'postgres' ], 0, [], [qr/\A(?:psql:\S+: ERROR:  role "[^"]+" already exists\n)\z/], 'into another cluster, without an error but for the superuser');
is(difference(contents($node, 'source'), contents($other, 'source')), '', 'every row is there');
is(difference(members($node, 'source'), members($other, 'source')), '', 'every object, with who may do what');
is($other->safe_psql('source', q{SET ROLE writer; SELECT liveness_open_session('x')}), 4, 'the writer writes');
is($other->safe_psql('source', 'SET ROLE ops; SELECT liveness_rollup_features(); SELECT DISTINCT window_days FROM provider_reliability_features'), "3\n21", 'the operator rolls up, by the setting of the database');

$other->stop;
$node->stop;
done_testing();
