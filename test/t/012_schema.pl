# The extension in schemas with odd names, not in the path, with and without
# preloading; what stands in its way; and what it leaves behind.
use strict;
use warnings;

use Liveness::Catalog qw(catalog_rows difference);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init;
$node->start;

sub error_of
{
	my ($db, $sql) = @_;
	my $err = '';
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# All that can be called, every name qualified
sub exercise
{
	my ($db, $schema, $what) = @_;
	my $call = sub {
		my ($sql) = @_;
		$sql =~ s/\@\./"$schema"./g;
		my ($out, $err) = ('', '');
		$node->psql($db, $sql, stdout => \$out, stderr => \$err);
		return $out . $err;
	};

	is($call->(q{SELECT @.liveness_open_session('p', 'c', now() - interval '1 hour')}), 1, "$what: open");
	is($call->(q{SELECT @.liveness_open_session('p', 'c', now() - interval '30 minutes')}), 2, "$what: supersede");
	is($call->(q{SELECT @.liveness_close_session(2, 'x')}), 't', "$what: close");
	is($call->(q{SELECT @.liveness_open_session('q', 'c', now() - interval '1 hour')}), 3, "$what: open another");
	is($call->(q{SELECT @.liveness_close_orphans('c')}), 1, "$what: orphans");
	is($call->(q{SELECT @.liveness_close_stale()}), 0, "$what: stale");
	is($call->(q{INSERT INTO @.provider_heartbeats (provider_id, at) VALUES ('p', now()), ('p', '2026-01-01 00:00+00')}), '', "$what: heartbeats");
	is($call->(q{SELECT @.liveness_rollup_hourly()}), 2, "$what: hourly rollup");
	is($call->(q{SELECT @.liveness_rollup_hourly('2026-01-01', '2026-02-01')}), 1, "$what: of a range");
	is($call->(q{SELECT @.liveness_rollup_features()}), 2, "$what: features rollup");
	is($call->(q{SELECT count(*) FROM @.liveness_features_at(now())}), 2, "$what: features");
	is($call->(q{SELECT @.liveness_prune_batch('28 days')}), 1, "$what: a batch");
	is($call->(q{CALL @.liveness_prune()}), '', "$what: the retention");
	is($call->(qq{CALL \@.liveness_run('$_')}), '', "$what: run $_") for qw(features hourly retention);
	is($call->(q{SELECT count(*) FROM @.liveness_reliability()}), 2, "$what: the ranking");
	is($call->(q{SELECT count(*) FROM @.liveness_heatmap('p')}), 8, "$what: a heatmap");
	is($call->(qq{SELECT count(*) >= 0 FROM \@.$_}), 't', "$what: $_")
	  for qw(provider_liveness provider_session_history provider_heartbeat_history provider_availability_matrix
		provider_disconnect_reasons provider_stale_sessions network_availability liveness_jobs);
	is($call->(qq{SELECT \@.liveness_grant_$_('"Odd %s Role"')}), '', "$what: grant $_") for qw(reader writer operator);
	is($call->(q{SET ROLE "Odd %s Role"; SELECT @.liveness_rollup_hourly(), @.liveness_open_session('r'), (SELECT count(*) FROM @.liveness_jobs)}), '0|4|3', "$what: which is enough");
	is($call->(q{SELECT runs > 0, errors FROM @.liveness_jobs}), "t|0\nt|0\nt|0", "$what: no error was noted");
	return;
}

# What is in a schema, and what of us is anywhere
sub leftovers
{
	my ($db, $schema) = @_;
	return $node->safe_psql($db, qq{
		SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = n), (SELECT count(*) FROM pg_proc WHERE pronamespace = n),
			(SELECT count(*) FROM pg_type WHERE typnamespace = n), (SELECT count(*) FROM pg_operator WHERE oprnamespace = n),
			(SELECT count(*) FROM pg_constraint WHERE connamespace = n), (SELECT count(*) FROM pg_opclass WHERE opcnamespace = n),
			(SELECT count(*) FROM pg_class WHERE relname ~ '^(provider|liveness|idx_provider|network)_') +
			(SELECT count(*) FROM pg_proc WHERE proname ~ '^(liveness|survival)_') + (SELECT count(*) FROM pg_type WHERE typname ~ '^_?(liveness|survival)_')
		FROM (SELECT '"$schema"'::regnamespace AS n) n});
}

$node->safe_psql('postgres', 'CREATE ROLE "Odd %s Role"');
my $n = 0;
for my $preload (0, 1)
{
	if ($preload)
	{
		$node->append_conf('postgresql.conf', "shared_preload_libraries = 'liveness'\n");
		$node->restart;
		is($node->safe_psql('postgres', 'SHOW liveness.window_days'), 14, 'preloaded: settings are there at once');
	}
	for my $schema ('my Schema', 'select', "Ärger; %s %I", '100%')
	{
		my $db = 'db' . $n++;
		my $what = "$schema, " . ($preload ? 'preloaded' : 'not preloaded');

		$node->safe_psql('postgres', "CREATE DATABASE $db");
		$node->safe_psql($db, qq{CREATE SCHEMA "$schema"});
		is(error_of($db, qq{CREATE EXTENSION liveness SCHEMA "$schema";}), '', "$what: created");
		exercise($db, $schema, $what);
		$node->safe_psql($db, 'DROP OWNED BY "Odd %s Role"');
		$node->safe_psql($db, 'DROP EXTENSION liveness');
		is(leftovers($db, $schema), '0|0|0|0|0|0|0', "$what: dropped, and nothing is left");
		$node->safe_psql($db, qq{DROP SCHEMA "$schema"});
		$node->safe_psql('postgres', "DROP DATABASE $db");
	}
}

# The first schema of the path, unless it is told otherwise
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE SCHEMA first; SET search_path = first, public; CREATE EXTENSION liveness');
is($node->safe_psql('fresh', q{SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'provider_sessions'}), 'first', 'it goes where the path begins');
like(error_of('fresh', 'ALTER EXTENSION liveness SET SCHEMA public;'), qr/ERROR:  0A000/, 'and stays there');
like(error_of('fresh', 'CREATE SCHEMA second; CREATE EXTENSION liveness SCHEMA second;'), qr/ERROR:  42710/, 'there is one a database');
$node->safe_psql('fresh', 'DROP EXTENSION liveness');

# What a session or a database may have set changes nothing of what is made
sub made
{
	my ($db) = @_;
	return $node->safe_psql($db, q{
		SET search_path = pg_catalog;
		SET standard_conforming_strings = on;
		SET quote_all_identifiers = off;
		SET datestyle = 'ISO';
		SET intervalstyle = 'postgres';
		SELECT pg_describe_object(d.classid, d.objid, 0), obj_description(d.objid, d.classid::regclass::name),
			CASE d.classid WHEN 'pg_proc'::regclass THEN (SELECT CASE p.prokind WHEN 'a' THEN '' ELSE pg_get_functiondef(p.oid) END FROM pg_proc p WHERE p.oid = d.objid)
				WHEN 'pg_class'::regclass THEN pg_get_viewdef(d.objid) END
		FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		WHERE e.extname = 'liveness' AND d.deptype = 'e'
		ORDER BY 1});
}

$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('plain', 'CREATE SCHEMA "my Schema"; CREATE EXTENSION liveness SCHEMA "my Schema"');
my $plain = made('plain');
my @settings = ('backslash_quote = off', 'quote_all_identifiers = on', 'transform_null_equals = on', 'array_nulls = off',
	'check_function_bodies = off', q{plpgsql.extra_errors = 'all'}, 'plpgsql.variable_conflict = use_variable',
	'plpgsql.variable_conflict = use_column', 'default_transaction_isolation = serializable', 'row_security = off',
	'session_replication_role = replica', q{datestyle = 'German'}, 'intervalstyle = sql_standard', 'bytea_output = escape',
	q{timezone = 'Asia/Kathmandu'}, q{search_path = ''}, 'client_encoding = SQL_ASCII', 'xmloption = document', 'extra_float_digits = 0');
# from 19 on there is no other value
unshift @settings, 'standard_conforming_strings = off'
  if $node->psql('postgres', 'SET standard_conforming_strings = off') == 0;
for my $settings (@settings, join('; ALTER DATABASE set SET ', @settings))
{
	my $what = $settings =~ /;/ ? 'all of them' : $settings;
	$node->safe_psql('postgres', "CREATE DATABASE set; ALTER DATABASE set SET $settings");
	is(error_of('set', qq{CREATE SCHEMA "my Schema"; CREATE EXTENSION liveness SCHEMA "my Schema";}), '', "$what: created");
	is(difference($plain, made('set')), '', "$what: what is made is the same");
	if ($settings eq 'standard_conforming_strings = off')
	{
		exercise('set', 'my Schema', $what);
		cmp_ok($node->safe_psql('set', q{SELECT "my Schema".liveness_partition_heartbeats()}), '>=', 7, "$what: partitions are made");
		cmp_ok($node->safe_psql('set', q{SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions()}), '>=', 7, "$what: and known");
		$node->safe_psql('set', 'DROP OWNED BY "Odd %s Role"');
	}
	$node->safe_psql('postgres', 'DROP DATABASE set');
}

# Tables in the way
for my $schema ('public', 'my Schema', '100%')
{
	$node->safe_psql('fresh', qq{CREATE SCHEMA IF NOT EXISTS "$schema"; CREATE TABLE "$schema".provider_sessions (id bigint); INSERT INTO "$schema".provider_sessions VALUES (1)});
	like(error_of('fresh', qq{CREATE EXTENSION liveness SCHEMA "$schema";}),
		qr/ERROR:  42P07: schema "?\Q$schema\E"? already holds provider_sessions\nHINT:  .*docs\/install\.md/, "$schema: a table in the way is refused, with a way out");
	is($node->safe_psql('fresh', qq{SELECT count(*) FROM "$schema".provider_sessions}), 1, "$schema: and left alone");
}
is($node->safe_psql('fresh', 'CREATE SCHEMA empty; CREATE EXTENSION liveness SCHEMA empty; SELECT empty.liveness_rollup_features()'), 0, 'a table elsewhere is none of our business');

# In use, and dropped: every catalog is as it was before, row by row
$node->safe_psql('postgres', 'CREATE DATABASE used; CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE ops');
my $before = catalog_rows($node, 'used');
cmp_ok(scalar(split /\n/, $before), '>', 10_000, 'catalogs are read');
$node->safe_psql('used', q{
	CREATE EXTENSION liveness;
	SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('ops');
	INSERT INTO provider_heartbeats (provider_id, at, capacity) SELECT 'p' || g % 10, now() - g * interval '1 hour', '{}' FROM generate_series(1, 1000) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 10, now() - g * interval '1 hour', now() - g * interval '1 hour' + interval '50 minutes', 'read_error' FROM generate_series(1, 500) g;
	SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch();
	-- what users hang on it
	CREATE TABLE mine AS SELECT provider_id, survival_agg(1, true) AS curve FROM provider_sessions GROUP BY 1;
	CREATE INDEX ON mine (survival_at(curve, 1));
	CREATE VIEW best AS SELECT * FROM liveness_reliability(max_rows => 3);
	CREATE FUNCTION score_of(provider_liveness) RETURNS real LANGUAGE sql RETURN $1.liveness_score;
	CREATE INDEX ON provider_heartbeats (status);
	CREATE STATISTICS several ON provider_id, disconnect_reason FROM provider_sessions;
	CREATE TRIGGER noted BEFORE UPDATE ON provider_sessions FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
	CREATE POLICY own ON provider_sessions FOR SELECT TO reader USING (true);
	GRANT SELECT (provider_id) ON provider_sessions TO PUBLIC;
	ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;
	ANALYZE;
});
cmp_ok(scalar(split /\n/, difference($before, catalog_rows($node, 'used'))), '>', 0, 'and differ while it is there');
like(error_of('used', 'DROP EXTENSION liveness;'), qr/ERROR:  2BP01: .*DETAIL:  .*column curve of table mine/s, 'what users have made is not dropped unasked');
$node->safe_psql('used', 'DROP EXTENSION liveness CASCADE');
is($node->safe_psql('used', 'SELECT * FROM mine ORDER BY 1 LIMIT 1'), 'p0', 'with CASCADE a column of a curve goes, and the rest of the table stays');
is($node->safe_psql('used', q{SELECT count(*) FROM pg_class WHERE relname = 'best'}), 0, 'and so does a view');
$node->safe_psql('used', 'DROP TABLE mine; ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM reader');
is(join(', ', sort map { /^([-+] \w+)/ } split /\n/, difference($before, catalog_rows($node, 'used'))),
	'+ pg_namespace, + pg_shdepend, + pg_shdepend, + pg_shdepend, - pg_namespace', 'it leaves that the three roles may use the schema, which is not its own');
$node->safe_psql('used', 'REVOKE USAGE ON SCHEMA public FROM reader, writer, ops');
is(difference($before, catalog_rows($node, 'used')), '', 'and without that, nothing');
is($node->safe_psql('used', 'CREATE EXTENSION liveness; SELECT liveness_rollup_features()'), 0, 'it can be created again');

# An unprivileged owner of the database cannot create it
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
like(error_of('owned', 'SET ROLE owner; CREATE EXTENSION liveness;'), qr/ERROR:  42501/, 'it takes a superuser');

$node->stop;
done_testing();
