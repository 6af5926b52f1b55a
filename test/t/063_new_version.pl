# A version to come, made up in a copy of the project by scripts/new-version: a column more in
# provider_reliability_features, in liveness_features_row and in what liveness_candidates
# returns, a view and a function.  What was installed before is updated to it, first with the
# library of before; what users have made and been granted stays, in a dump too, and the catalogs are those
# of the new version anew.
use strict;
use warnings;

use File::Copy qw(copy);
use Liveness::Catalog qw(difference members);
use Liveness::Installation qw(linked_installation);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$ENV{TESTDIR}/..";
my $project = "$PostgreSQL::Test::Utils::tmp_check/project";
mkdir $project or die "$project: $!";
system('cp', '-r', (map { "$root/$_" } qw(src sql scripts Makefile META.json liveness.control)), glob("$root/liveness--*.sql"), $project) == 0 or die 'cp failed';

sub version
{
	my ($version) = slurp_file("$project/liveness.control") =~ /^default_version = '(.*)'$/m;
	return $version;
}

# Changes the one file of a pattern that has the text
sub change
{
	my ($files, $from, $to) = @_;
	my @has = grep { slurp_file($_) =~ $from } glob "$project/$files";
	die "not one file of $files has $from: @has" unless @has == 1;
	my $text = slurp_file($has[0]) =~ s/$from/$to/r;
	unlink $has[0];
	append_to_file($has[0], $text);
	return;
}

my $old = version();
my $new = $old =~ s/(\d+)$/$1 + 1/er;
command_like([ "$project/scripts/new-version", $new ], qr/^sql\/updates\/$old--$new\.sql: for you to fill$/m, 'scripts/new-version says what it does');
command_fails_like([ "$project/scripts/new-version", $new ], qr/version $new is there already/, 'once');
is(version(), $new, 'it sets the version');
is(slurp_file("$project/liveness--$old.sql"), slurp_file("$root/liveness--$old.sql"), 'and leaves the script of before');
my ($head) = slurp_file("$project/liveness--$old--$new.sql") =~ /\A(.*?\n\\echo [^\n]*)\n/s;
like($head, qr/\n\\echo Use "ALTER EXTENSION liveness UPDATE TO '$new'" to load this file\. \\quit\z/, 'the update script is none for psql');

# The SQL of the new version
sub after
{
	my ($files, $text, $more) = @_;
	change($files, qr/(?<=\Q$text\E)/, $more);
	return;
}
after('sql/once/provider_reliability_features.sql', 'bridged_seconds bigint NOT NULL DEFAULT 0', ",\n\trestarts_count int NOT NULL DEFAULT 0");
append_to_file("$project/sql/once/provider_reliability_features.sql", "COMMENT ON COLUMN provider_reliability_features.restarts_count IS 'Made up';\n");
after('sql/once/liveness_features.sql', "\tbridged_seconds bigint", ",\n\trestarts_count int");
after('sql/replace/liveness_features_at.sql', '(w.features).bridged_seconds', ",\n\t\t(w.features).restarts_count");
after('sql/once/liveness_candidate.sql', "\tcoordinator_id text", ",\n\tmore int");
append_to_file("$project/sql/once/liveness_candidate.sql", "COMMENT ON COLUMN liveness_candidate.more IS 'Made up';\n");
change("sql/replace/$_.sql", qr/(?<=b\.coordinator_id)(?=\s+FROM (?:best b|\())/, ', 7') for qw(liveness_candidates liveness_candidates_at);
append_to_file("$project/sql/replace/provider_restarts.sql", q{CREATE VIEW provider_restarts AS
	SELECT f.provider_id, f.restarts_count
	FROM provider_reliability_features f;
COMMENT ON VIEW provider_restarts IS 'Made up';
COMMENT ON COLUMN provider_restarts.provider_id IS 'The machine';
COMMENT ON COLUMN provider_restarts.restarts_count IS 'Made up';
});
append_to_file("$project/sql/replace/liveness_restarts.sql", q{CREATE FUNCTION liveness_restarts(provider_id text)
RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT f.restarts_count FROM @extschema@.provider_restarts f WHERE f.provider_id = $1 AND length(f.provider_id::varchar) > 0;
END;
COMMENT ON FUNCTION liveness_restarts(text) IS 'Made up';
});
after('sql/order', "replace/liveness_candidates_at.sql\n", "replace/provider_restarts.sql\nreplace/liveness_restarts.sql\n");
after('sql/replace/internal/liveness_privileges.sql', "FROM (VALUES\n", "\t\t('TABLE', 'provider_restarts', 'SELECT', '{reader,operator}'),\n\t\t('ROUTINE', 'liveness_restarts(text)', 'EXECUTE', '{reader,operator}'),\n");
append_to_file("$project/sql/updates/$old--$new.sql", q{ALTER TABLE provider_reliability_features ADD COLUMN restarts_count int NOT NULL DEFAULT 0;
COMMENT ON COLUMN provider_reliability_features.restarts_count IS 'Made up';
ALTER TYPE liveness_features_row ADD ATTRIBUTE restarts_count int;
ALTER TYPE liveness_candidate ADD ATTRIBUTE more int;
COMMENT ON COLUMN liveness_candidate.more IS 'Made up';
});
command_ok([ "$project/scripts/sql" ], 'scripts/sql');
my $script = slurp_file("$project/liveness--$old--$new.sql");
is(join(' ', sort $script =~ /^(CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TYPE|TABLE|AGGREGATE|PROCEDURE) [\w.]+)/mg),
	'CREATE FUNCTION liveness_restarts CREATE OR REPLACE FUNCTION liveness_candidates CREATE OR REPLACE FUNCTION liveness_candidates_at CREATE OR REPLACE FUNCTION liveness_features_at CREATE OR REPLACE VIEW liveness_internal.liveness_privileges CREATE VIEW provider_restarts',
	'the update replaces what changed, and creates what is new');

# Its library
after('src/features_row.h', 'X(arg, BRIDGED_SECONDS, bridged_seconds, INT8OID, "0::int8")', qq{ \\\n\tX(arg, RESTARTS_COUNT, restarts_count, INT4OID, "0")});
after('src/features.c', "values[COL_SPELLS_COUNT] = Int32GetDatum((int32) Min(nspells, PG_INT32_MAX));\n", "\tvalues[COL_RESTARTS_COUNT] = Int32GetDatum(42);\n");
my ($compiler) = split ' ', `pg_config --cc`;
my $pgxs = `pg_config --pgxs`;
chomp $pgxs;
my $can_build = -e $pgxs && system("command -v $compiler > $project/make.log") == 0;
is($can_build ? system("make -s -C $project with_llvm=no liveness.so > $project/make.log 2>&1") : 0, 0, 'the library is built') or diag(slurp_file("$project/make.log"));

my ($installation, $extensions, $libraries) = linked_installation("$PostgreSQL::Test::Utils::tmp_check/linked");
my $node = PostgreSQL::Test::Cluster->new('new_version', install_path => $installation);
$node->init;
$node->append_conf('postgresql.conf', q{
	timezone = 'UTC'
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
});
$node->start;

sub query
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'postgres', $sql);
}

sub error_of
{
	my ($sql, $db) = @_;
	my $err = '';
	$node->psql($db // 'postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Who may do what with any object of ours, or of its schema
sub privileges
{
	my ($db) = @_;
	return query(q{
		WITH object (classid, objid, sub, acl, kind, owner) AS (
			SELECT 'pg_class'::regclass, oid, 0, relacl, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END, relowner FROM pg_class WHERE relkind IN ('r', 'v', 'S')
			UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, attacl, NULL, NULL FROM pg_attribute WHERE attacl IS NOT NULL
			UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proacl, 'f', proowner FROM pg_proc
			UNION ALL SELECT 'pg_type'::regclass, oid, 0, typacl, 'T', typowner FROM pg_type
			UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspacl, 'n', nspowner FROM pg_namespace
		)
		SELECT DISTINCT concat_ws(' ', pg_describe_object(o.classid, o.objid, o.sub), coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), a.privilege_type, a.is_grantable)
		FROM object o
		JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
		CROSS JOIN LATERAL aclexplode(coalesce(o.acl, acldefault(o.kind::"char", o.owner))) a
		ORDER BY 1}, $db);
}

my $known = 'SELECT relation, phase, rank, statement, undo FROM liveness_internal.liveness_dump_known ORDER BY 1, 2, 3, 4';
my $site = q{
	SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('ops'), liveness_grant_monitor('exporter');
	GRANT SELECT ON provider_liveness TO guest WITH GRANT OPTION;
	GRANT SELECT (provider_id) ON provider_sessions TO guest;
	GRANT EXECUTE ON FUNCTION liveness_candidates, liveness_features_at TO guest;
	REVOKE EXECUTE ON FUNCTION liveness_score FROM PUBLIC;
	REVOKE SELECT ON liveness_metrics FROM ops;
	ALTER TABLE provider_reliability_features SET (autovacuum_vacuum_scale_factor = 0.07);
	CREATE INDEX of_the_site ON provider_sessions (coordinator_id);
	COMMENT ON TABLE provider_sessions IS 'ours';
	CREATE VIEW likeliest AS SELECT * FROM liveness_candidates('1 hour', 0);
	CREATE VIEW back_then AS SELECT * FROM liveness_candidates_at('2026-01-02 12:00+00', '1 hour', 0);
	CREATE VIEW best AS SELECT * FROM liveness_reliability(max_rows => 3);
	CREATE VIEW would_be AS SELECT * FROM liveness_features_at()};
query('CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE ops; CREATE ROLE exporter; CREATE ROLE guest');
query("CREATE EXTENSION liveness VERSION '$old'; $site");
query(q{
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 3, now() - g * interval '10 hours', now() - g * interval '10 hours' + interval '8 hours', 'read_error' FROM generate_series(1, 30) g;
	SELECT liveness_open_session('p1');
	SELECT liveness_rollup_features()});
my $privileges = privileges('postgres');
my $extras = query('SELECT liveness_dump_extras()');
is(query('SELECT (SELECT count(*) FROM likeliest), (SELECT count(*) FROM best), (SELECT count(*) FROM would_be)'), '1|3|3', 'views of users');

# The scripts of the new version, the library of before
for my $name ('liveness.control', "liveness--$new.sql", "liveness--$old--$new.sql")
{
	unlink "$extensions/$name";
	copy("$project/$name", "$extensions/$name") or die "$name: $!";
}
query('ALTER EXTENSION liveness UPDATE');
is(query(q{SELECT extversion FROM pg_extension WHERE extname = 'liveness'}), $new, 'updated');
my $hint = qr/ERROR:  55000: the row of (?:public\.)?liveness_features_row is not the one that the library of liveness $old makes\nDETAIL:  It has \d+ columns, the library knows \d+\.\nHINT:  .*if it is older, restart the server/;
like(error_of($_), $hint, "$_ tells what to do") for 'SELECT liveness_rollup_features();', 'SELECT * FROM liveness_features_at();', 'SELECT * FROM would_be;',
	'SELECT liveness_features(connected_at, disconnected_at, disconnect_reason, now(), 14) FROM provider_sessions GROUP BY provider_id;',
	q{CALL liveness_run('features');};
is(query(q{SELECT more, (SELECT count(*) FROM likeliest), (SELECT count(*) FROM best) FROM liveness_candidates('1 hour', 0)}), '7|1|3', 'what the library has no part in works');
is(query('SELECT liveness_dump_extras()'), $extras, 'what the site made of the tables is told as before');

# Privileges
my $role = sub { query("SET ROLE $_[0]; $_[1]") };
is(join("\n", grep { /^-/ } split /\n/, difference($privileges, privileges('postgres'))), '', 'every privilege is there');
is(query(q{SELECT has_table_privilege('reader', 'provider_restarts', 'SELECT'), has_function_privilege('public', 'liveness_restarts(text)', 'EXECUTE')}), 'f|f', 'nobody has any on what is new');
query('SELECT liveness_regrant(); REVOKE SELECT ON liveness_metrics FROM ops');
is($role->('reader', q{SELECT count(*), max(liveness_restarts('p1')) FROM provider_restarts}), '3|0', 'until liveness_regrant() gives it to readers');
is($role->('guest', 'SELECT count(DISTINCT provider_id) FROM provider_sessions'), 3, 'who was granted something by hand has it');
$privileges = privileges('postgres');

# A dump and restore
query('CREATE DATABASE restored');
command_ok([ 'pg_dump', '-Fc', '-f', "$project/dump", $node->connstr('postgres') ], 'pg_dump');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$project/dump" ], 'pg_restore');
is(difference($privileges, privileges('restored')), '', 'every privilege arrives, given by hand or by us');

# The new version anew has what the updated one has
query('CREATE DATABASE anew');
query("CREATE EXTENSION liveness; $site", 'anew');
is(difference(privileges('anew'), $privileges), '', 'the privileges are those of the version anew');
is(difference(members($node, 'anew'), members($node, 'postgres')), '', 'and so are all objects');
is(difference(query($known, 'anew'), query($known)), '', 'and what is known of the tables');

# A function of somebody else, which a new function of ours would call by mistake
query('CREATE DATABASE before');
query("CREATE EXTENSION liveness VERSION '$old'; SELECT liveness_open_session('p1', '', now() - interval '1 hour')", 'before');
query(q{CREATE FUNCTION length(varchar) RETURNS int LANGUAGE sql AS 'SELECT 1'}, 'before');
like(error_of('ALTER EXTENSION liveness UPDATE;', 'before'), qr/ERROR:  42710: schema public holds what would take the place of objects of PostgreSQL or of liveness: function public\.length\(character varying\)/, 'an update calls nothing of strangers');
query(q{
	DROP FUNCTION length(varchar);
	CREATE DOMAIN region AS text;
	CREATE FUNCTION here() RETURNS region LANGUAGE sql IMMUTABLE AS $$SELECT 'here'$$;
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
	ALTER TABLE provider_sessions ADD COLUMN region region DEFAULT here(), ADD CHECK (region <> here()::text || 'not');
	CREATE INDEX ON provider_sessions ((region || here()));
	CREATE TRIGGER note BEFORE INSERT ON provider_sessions FOR EACH ROW EXECUTE FUNCTION note()}, 'before');

# The library of the new version
SKIP: {
	skip 'no compiler: the library of the new version', 7 unless $can_build;
	unlink "$libraries/liveness.so";
	copy("$project/liveness.so", "$libraries/liveness.so") or die "liveness.so: $!";
	chmod 0755, "$libraries/liveness.so";
	$node->restart;
	is(error_of('SELECT liveness_rollup_features();'), '', 'with the library of the new version the rollup says nothing');
	is(query('SELECT DISTINCT restarts_count FROM provider_restarts'), 42, 'and writes the new column');
	is(query('SELECT DISTINCT restarts_count FROM liveness_features_at()'), 42, 'which liveness_features_at has');
	is(query('SELECT (SELECT count(*) FROM likeliest), (SELECT count(*) FROM best), (SELECT count(*) FROM would_be)'), '1|3|3', 'the views of users work');
	like(error_of('SELECT liveness_rollup_features();', 'before'),
		qr/ERROR:  55000: the row of (?:public\.)?liveness_features_row is not the one that the library of liveness $new makes\nDETAIL:  .*\nHINT:  .*run ALTER EXTENSION liveness UPDATE/, 'where the SQL is of before, it tells what to do');
	is(query('SELECT count(*) FROM provider_session_history', 'before'), 1, 'and what it has no part in works');
	query('ALTER EXTENSION liveness UPDATE', 'before');
	is(query('SELECT liveness_rollup_features()', 'before'), 1, 'until the update, which leaves the site what is its own');
}

$node->stop;
done_testing();
