# Objects of others that stand where a name is looked up (in a path, in the extension's
# own schema, among the temporary ones) run in none of its functions; code of others on
# its tables gains nothing from the worker; and no input becomes SQL.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Jobs qw(wait_for_no_job_of);
use Liveness::Traps qw(trap_maker_sql own_signatures_sql);

my $node = PostgreSQL::Test::Cluster->new('hostile');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
jit = off
fsync = off
log_statement = none
log_min_messages = debug1
log_min_error_statement = panic
autovacuum = off
shared_preload_libraries = 'liveness'
liveness.scheduler = off
liveness.flush_interval = 1h
END
$node->start;

# Whatever databases and roles have for a path, this is ours.  A flush that waits for what
# can never be written is to fail.
my $limit = "-c statement_timeout=${PostgreSQL::Test::Utils::timeout_default}s";
$ENV{PGOPTIONS} = "$limit -c search_path=pg_catalog";

# What a role gets to see
sub as
{
	my ($role, $db, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	return $err eq '' ? $out : "$out\n$err";
}

sub query
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'hostile', $sql);
}

sub poll
{
	my ($sql) = @_;
	$node->poll_query_until('hostile', $sql) or die "it never came true: $sql";
	return;
}

sub no_trap
{
	my ($name, $db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(query('SELECT last_value, is_called FROM lair.trapped', $db), '1|f', "$name: no trap has run");
}

my $superuser = query('SELECT current_user', 'postgres');
query(q{
	CREATE ROLE fleet_owner LOGIN SUPERUSER;
	CREATE ROLE coord LOGIN; CREATE ROLE ops LOGIN; CREATE ROLE analyst LOGIN; CREATE ROLE mallory LOGIN;
	CREATE DATABASE clean; CREATE DATABASE taken}, 'postgres');

my $worker = q{FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL};

sub schedule
{
	my ($by) = @_;
	$node->append_conf('postgresql.conf', "liveness.scheduler = $by\n");
	return $node->reload;
}

# Have each job run: a new worker runs them as soon as it may.  Returns how that went.
sub run_jobs
{
	my ($schema) = @_;
	my $jobs = ($schema // 'fleet') . '.liveness_jobs';
	poll("SELECT count(*) = 1 $worker");
	my $pid = query("SELECT pid $worker");
	query("SELECT pg_terminate_backend($pid)");
	poll("SELECT count(*) = 1 $worker AND pid <> $pid");
	query('UPDATE liveness_internal.liveness_job_state SET last_started_at = NULL, runs = 0, errors = 0');
	schedule('worker');
	poll("SELECT bool_and(runs + errors > 0) FROM $jobs");
	schedule('off');
	wait_for_no_job_of($node);
	return query(qq{SELECT string_agg(job || ' ' || runs || ' ' || errors, ', ' ORDER BY job) FROM $jobs});
}

# Have it write a heartbeat
sub emit
{
	my ($provider) = @_;
	poll("SELECT count(*) = 1 $worker");
	return as('coord', 'hostile', "SELECT fleet.liveness_emit('$provider'); SELECT fleet.liveness_flush()");
}

# ---------- the same calls in both databases ----------

# Every argument is there, and of the type declared: so it is ours that is called,
# whatever else has its name.  @ is pg_catalog's.
my %calls = (
	coord => [
		q{SELECT fleet.liveness_open_session(@text 'p1', @text 'c', @timestamptz '2025-01-01 00:00+00')},
		q{SELECT fleet.liveness_open_session(@text 'p1', @text 'c', @timestamptz '2025-01-02 00:00+00')},
		q{SELECT fleet.liveness_open_session(@text 'p2', @text 'c', @timestamptz '2025-01-02 00:00+00')},
		q{SELECT fleet.liveness_close_session(@int8 '2', @text 'read_error', @timestamptz '2025-01-02 09:00+00', @timestamptz '2025-01-02 08:00+00', @int8 '1', @int8 '1')},
		q{INSERT INTO fleet.provider_heartbeats (provider_id, at, cpu_usage) VALUES ('p1', '2025-01-01 00:10+00', 0.5), ('p2', '2025-01-02 01:00+00', 0), ('p2', '2025-01-02 02:00+00', 0)},
		q{SELECT fleet.liveness_close_stale(@interval '1 hour', @text 'c')},
		q{SELECT fleet.liveness_open_session(@text 'p3', @text 'c', @timestamptz '2025-01-03 00:00+00')},
		q{SELECT fleet.liveness_close_orphans(@text 'c', @text 'coordinator_restart')},
		q{SELECT fleet.liveness_open_session(@text 'p4', @text 'c', @timestamptz '2025-01-03 00:00+00')},
		q{TABLE liveness_internal.liveness_last_signs},
	],
	ops => [
		q{SELECT fleet.liveness_rollup_features(@timestamptz '2025-01-10 00:00+00', 14)},
		# and once more when they have vanished
		q{SELECT fleet.liveness_rollup_features(@timestamptz '2025-06-01 00:00+00', 14)},
		# before the rollup, so that it is the retention that counts what is late from the second turn on
		q{SELECT fleet.liveness_prune_batch(@interval '28 days', 1)},
		q{SELECT fleet.liveness_rollup_hourly(NULL::@timestamptz, NULL::@timestamptz)},
		q{SELECT fleet.liveness_rollup_hourly(@timestamptz '2025-01-01 00:00+00', @timestamptz '2025-02-01 00:00+00')},
		q{CALL fleet.liveness_prune(@interval '28 days', 1)},
		q{CALL fleet.liveness_run(@text 'features')}, q{CALL fleet.liveness_run(@text 'hourly')}, q{CALL fleet.liveness_run(@text 'retention')}, q{CALL fleet.liveness_run(@text 'x')},
		q{SELECT liveness_internal.liveness_prune_derived(1)},
		q{SELECT liveness_internal.liveness_record_error(@text 'hourly', @text 'x')},
		q{SELECT fleet.liveness_schedule()}, q{SELECT fleet.liveness_unschedule()}, q{SELECT * FROM liveness_internal.liveness_cron_jobs()},
		q{SELECT fleet.liveness_rollup_features(@timestamptz '2025-01-10 00:00+00', 14)},
		q{SELECT job, late FROM liveness_internal.liveness_job_state},
	],
	analyst => [
		'SELECT as_of, hazard, counted_at, counted_since FROM liveness_internal.liveness_fleet_hazard', 'SELECT provider_id, as_of, spells, hazard, spell_since, spell_until FROM liveness_internal.liveness_provider_hazard ORDER BY 1', 'SELECT horizon, phi, psi, cuts, cases, held FROM liveness_internal.liveness_shock_estimate ORDER BY 1', (map { "TABLE fleet.$_" } qw(provider_heartbeats provider_heartbeats_hourly provider_sessions provider_reliability_features
			provider_heartbeat_history provider_availability_matrix provider_disconnect_reasons network_availability)),
		q{SELECT provider_id, liveness_score, connected, connected_since, last_heartbeat_at FROM fleet.provider_liveness},
		q{SELECT id, is_open FROM fleet.provider_session_history}, q{SELECT id, last_sign_of_life FROM fleet.provider_stale_sessions},
		q{SELECT job, last_rows, last_error, runs, errors FROM fleet.liveness_jobs}, q{SELECT name FROM fleet.liveness_stats},
		q{SELECT * FROM fleet.liveness_features_at(@timestamptz '2025-01-10 00:00+00', 14)},
		q{SELECT * FROM fleet.liveness_reliability(@float8 '0', @float8 '0', @float8 '0', @float8 '0', @float8 '0.9', 50)},
		q{SELECT * FROM fleet.liveness_heatmap(@text 'p1')}, q{SELECT * FROM fleet.liveness_explain(@text 'p1')},
		q{SELECT * FROM fleet.liveness_uptime(@timestamptz '2025-01-01 00:00+00', @timestamptz '2025-02-01 00:00+00')},
		q{SELECT * FROM fleet.liveness_fleet_connected(@timestamptz '2025-01-01 00:00+00', @timestamptz '2025-01-03 00:00+00', @interval '1 hour')},
		q{SELECT provider_id, session_id FROM fleet.liveness_candidates(@interval '1 hour', @float8 '0', 50)},
		q{SELECT * FROM fleet.liveness_candidates_at(@timestamptz '2025-01-02 03:00+00', @interval '1 hour', @float8 '0', 50)},
		q{SELECT * FROM fleet.liveness_backtest(@interval '1 hour', @timestamptz '2025-01-01 00:00+00', @timestamptz '2025-01-03 00:00+00', @interval '2 hours')},
		q{SELECT * FROM fleet.liveness_calibration(@interval '1 hour', @timestamptz '2025-01-01 00:00+00', @timestamptz '2025-01-03 00:00+00', @interval '2 hours')},
		q{SELECT fleet.survival_agg(@float8 '2', true), fleet.liveness_percentiles(@float8 '2', ARRAY[@float8 '0.5'])},
		q{SELECT fleet.liveness_mean_matrix(@jsonb '[]')},
	]);
my @everything = map { @{ $calls{$_} } } qw(coord ops analyst);

# In a database that has a lair: with temporary relations, whose names are types too, in
# the way, and by the path that the database sets
sub transcript
{
	my ($role, $db, $calls) = @_;
	local $ENV{PGOPTIONS} = $db eq 'clean' ? $ENV{PGOPTIONS} : $limit;
	my $temp = $db eq 'clean' ? '' : q{SELECT lair.fill_temp('{computed,cells,touched,text,int4,int8,float8,bool,name,interval,timestamptz,jsonb,numeric,regclass,regrole,pg_class,pg_locks,pg_depend,pg_proc,pg_settings,pg_extension,provider_heartbeats,provider_heartbeats_hourly,provider_sessions,provider_reliability_features,liveness_internal.liveness_job_state,liveness_internal.liveness_fleet_hazard,liveness_internal.liveness_provider_hazard,liveness_internal.liveness_last_signs}') \gset};
	my $result = as($role, $db, join "\n", '\set SHOW_CONTEXT never', $temp, map { s/\@/pg_catalog./gr . ';' } @$calls);
	$result =~ s/^(psql:<stdin>:)\d+/$1/mg;
	return $result =~ s/\b$db\b/DATABASE/gr;
}

# Compare transcripts; tell the lines that differ
sub same_ok
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;
	my @differ = grep { ($got[$_] // '') ne ($expected[$_] // '') } 0 .. ($#got > $#expected ? $#got : $#expected);
	ok(!@differ, $name) or diag(map { sprintf "-%.300s\n+%.300s\n", $expected[$_] // '', $got[$_] // '' } splice @differ, 0, 5);
	return;
}

# Everybody does what is theirs to do, then two who may do everything do all of it
my @turns = ((map { [ $_, $calls{$_} ] } qw(coord ops analyst)), [ 'fleet_owner', \@everything ], [ $superuser, \@everything ]);

sub create_fleet
{
	my ($db) = @_;
	query('CREATE SCHEMA fleet AUTHORIZATION fleet_owner', $db);
	query('ALTER ROLE fleet_owner SUPERUSER', $db);
	is(as('fleet_owner', $db, 'SET search_path = evil, pg_catalog; CREATE EXTENSION liveness SCHEMA fleet'), '', "$db: created");
	query('ALTER ROLE fleet_owner NOSUPERUSER', $db);
	is(as('fleet_owner', $db, q{SELECT fleet.liveness_grant_writer('coord'), fleet.liveness_grant_operator('ops'), fleet.liveness_grant_reader('analyst')}), '||', "$db: its owner, no superuser any more, grants");
	return;
}
create_fleet('clean');
my @expected = map { transcript($_->[0], 'clean', $_->[1]) } @turns, @turns;
unlike("@expected[0 .. 2]", qr/ERROR:  (?!pg_cron is not loaded|there is no job)/, 'nobody is denied anything');

# ---------- in the path ----------

# mallory owns a schema that everybody has before pg_catalog
my $script = slurp_file($node->config_data('--sharedir') . '/extension/liveness--1.0.sql');
my %named = map { $_ => 1 } $script =~ /\b([a-z_0-9]+)\(/g;
query('CREATE SCHEMA lair AUTHORIZATION mallory; CREATE SCHEMA evil AUTHORIZATION mallory; GRANT USAGE ON SCHEMA evil TO PUBLIC', 'taken');
is(as('mallory', 'taken', trap_maker_sql()), '', 'traps can be made');
is(as('mallory', 'taken', q[SELECT lair.find_better('{] . join(',', sort keys %named) . q[}')]), '', 'and it is known which');
my %copied = as('mallory', 'taken', q{SELECT * FROM lair.copy_catalog('evil')}) =~ /^(\w+)\|(\d+)$/mg;
cmp_ok($copied{functions}, '>', 2000, 'functions stand in the path');
cmp_ok($copied{aggregates}, '>', 100, 'aggregates');
cmp_ok($copied{operators}, '>', 700, 'operators');
cmp_ok($copied{relations}, '>', 100, 'relations');
is($copied{types}, 16, 'and types');
cmp_ok(as('mallory', 'taken', q{SELECT lair.set_better('evil')}), '>', 800, 'and what fits better than the original');
query('CREATE DATABASE hostile TEMPLATE taken', 'postgres');
$node->append_conf('postgresql.conf', "liveness.database = 'hostile'\n");
$node->restart;
query('GRANT SELECT ON ALL TABLES IN SCHEMA evil TO PUBLIC');
like(as('coord', 'hostile', "SET search_path = evil, pg_catalog;\n$_->[0]"), qr/ERROR:  trapped by $_->[1]/, "a trap: $_->[0]")
  for [ 'SELECT now()', 'evil.now' ], [ 'SELECT 1 < 2', 'evil."operator <"' ], [ 'SELECT max(1)', 'evil."transfn of max"' ], [ q{SELECT 'x'::text}, 'type text' ], [ 'TABLE pg_class', 'pg_class' ],
  [ q{SET search_path = evil; SELECT count(x) FROM (VALUES ('a'::pg_catalog.text)) v (x)}, 'evil."transfn of count"' ],
  [ qq{SELECT lair.fill_temp('{computed}') \\gset\nTABLE computed}, 'pg_temp.computed' ];
is(query('SELECT last_value FROM lair.trapped'), 7, 'each time it is counted');
query('ALTER SEQUENCE lair.trapped RESTART');
query('ALTER DATABASE hostile SET search_path = evil, pg_temp, pg_catalog, public');
query("ALTER ROLE $_ IN DATABASE hostile SET search_path = evil, pg_catalog, pg_temp, fleet") for 'ops', $superuser;

create_fleet('hostile');
no_trap('CREATE EXTENSION');
for my $i (0 .. $#turns)
{
	same_ok(transcript($turns[$i][0], 'hostile', $turns[$i][1]), $expected[$i], "$turns[$i][0] gets what the clean database says");
}
no_trap('with hostile schemas in the path');

# ---------- in the extension's own schema ----------

# mallory may create there, too: other functions of our names
my @signatures = split /\n/, query(own_signatures_sql(), 'clean');
my $overload = q[SELECT lair.set_better('fleet'), lair.overload('fleet', '{] . join(',', map { "\"$_\"" } @signatures) . q[}')];
query('GRANT ALL ON SCHEMA fleet TO mallory');
like(as('mallory', 'hostile', $overload), qr/^\d{3,4}\|\d{3}$/, 'functions of our names, and what fits better than the original, among ours');
for my $i (0 .. $#turns)
{
	same_ok(transcript($turns[$i][0], 'hostile', $turns[$i][1]), $expected[@turns + $i], "with hostile objects in our schema: $turns[$i][0]");
}
no_trap('with hostile objects in our schema');

# The worker, under the same conditions: features to be reset, hours to be closed, two heartbeats too late for theirs
query(q{INSERT INTO fleet.provider_heartbeats (provider_id, at) SELECT 'p1', pruned_before - g * interval '1 minute' FROM liveness_internal.liveness_job_state, generate_series(1, 2) g WHERE job = 'hourly'});
query(q{SELECT fleet.liveness_open_session('p4', 'c')});
my $late = query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'});
is(run_jobs(), 'features 1 0, hourly 1 0, retention 1 0', 'the worker runs its jobs');
is(query(q{SELECT (SELECT string_agg(provider_id, ' ') FROM fleet.provider_reliability_features WHERE sessions_count > 0), (SELECT count(*) FROM fleet.provider_heartbeats), late >= } . $late . q{ + 2 FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), 'p4|0|t',
	'which do what they should');
is(emit('w'), "t\n1", 'and writes heartbeats');
no_trap('the worker');

# Nor does what makes a call by name ambiguous: one argument less, and one more that may be left out
my $ours = q{FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND p.prokind IN ('f', 'p') AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[]};
my $kind = q{CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, format('%I.%I', p.pronamespace::regnamespace, p.proname)};
my $result = q{CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL)};
my $types = q{FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n)};
my $variants = qq{FROM (SELECT $kind, concat_ws(', ', (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n) $types), 'int DEFAULT 0'), $result $ours
		UNION SELECT $kind, (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n) $types WHERE n < p.pronargs), $result $ours AND p.pronargs > 0
	) v (kind, name, args, result) WHERE v.name LIKE 'fleet.%' AND v.name NOT LIKE '%.survival_curve%'};
my $ambiguous = query("SELECT string_agg(format('lair.set(%L, %L, %L, %L)::int', v.kind, v.name, v.args, v.result), ' + ') $variants");
my $undo = query("SELECT string_agg(format('lair.try(%L)::int', format('DROP %s %s(%s)', v.kind, v.name, replace(v.args, ' DEFAULT 0', ''))), ' + ') $variants");
cmp_ok(as('mallory', 'hostile', "SELECT $ambiguous"), '>', 60, 'functions of ours with an argument more, or less');
like(as('ops', 'hostile', 'SELECT fleet.liveness_rollup_features(pg_catalog.now(), 1::pg_catalog.int4)'), qr/ERROR:  function fleet\.liveness_rollup_features\(timestamp with time zone, integer\) is not unique/, 'a call by name is ambiguous');
is(run_jobs(), 'features 1 0, hourly 1 0, retention 1 0', 'which stops no job of the worker');
is(as('ops', 'hostile', query(q{SELECT string_agg(command, '; ') FROM liveness_internal.liveness_cron_jobs()})), '', 'nor of pg_cron');
is(query('SELECT sum(runs), sum(errors) FROM fleet.liveness_jobs'), '6|0', 'each has run');
is(as('analyst', 'hostile', "SELECT count(*) >= 0 FROM fleet.$_"), 't', "$_ is what it was") for 'provider_liveness', 'provider_stale_sessions', 'provider_spells', 'liveness_metrics', 'network_availability';
no_trap('and all that it does');
cmp_ok(as('mallory', 'hostile', "SELECT $undo"), '>', 60, 'which go again');

# ---------- in the schema before the extension ----------

query('CREATE SCHEMA fleet; GRANT ALL ON SCHEMA fleet TO mallory', 'taken');
like(as('mallory', 'taken', $overload), qr/^\d{3,4}\|\d{3}$/, 'the same, before there is an extension');
like(as($superuser, 'taken', 'CREATE EXTENSION liveness SCHEMA fleet'), qr/ERROR:  schema fleet holds what would take the place of .*function fleet\.count\(text\), .*operator fleet\.\|\|\(double precision\[\],double precision\[\]\).*\nHINT:  Create the extension in another schema/,
	'it is not created where it would use what others made, and names that');
no_trap('CREATE EXTENSION', 'taken');
is(query('SELECT count(*) FROM pg_extension', 'taken'), 1, 'there is none but plpgsql');
for my $way (
	[ 'function', q{CREATE FUNCTION way.liveness_score(float8, float8, float8, float8, timestamptz, timestamptz) RETURNS int LANGUAGE sql AS $$SELECT 1$$}, 'function "liveness_score" already exists' ],
	[ 'procedure', q{CREATE PROCEDURE way.liveness_run(text) LANGUAGE sql AS $$SELECT 1$$}, 'function "liveness_run" already exists' ],
	[ 'aggregate', q{DO $$BEGIN PERFORM lair.set_aggregate('way', 'liveness_percentiles', 'float8, float8[]', 'int'); END$$}, 'function "liveness_percentiles" already exists' ],
	[ 'table', 'CREATE TABLE way.provider_spells (job text)', 'relation "provider_spells" already exists' ],
	[ 'view', 'CREATE VIEW way.network_availability AS SELECT 1', 'relation "network_availability" already exists' ],
	[ 'sequence', 'CREATE SEQUENCE way.provider_heartbeats_id_seq', 'table "provider_heartbeats_id_seq" is not a member of the extension' ],
	[ 'relation with the name of an index', 'CREATE TABLE way.idx_provider_heartbeats_at ()', 'relation "idx_provider_heartbeats_at" already exists' ],
	[ 'type', 'CREATE TYPE way.liveness_features_row AS (x int)', 'type "liveness_features_row" already exists' ],
	[ 'type with the name of a table', 'CREATE DOMAIN way.provider_sessions AS int', 'type "provider_sessions" already exists' ],
	[ 'domain', 'CREATE DOMAIN way.survival_curve AS int', 'type "survival_curve" already exists' ])
{
	my ($name, $sql, $error) = @$way;
	query('DROP SCHEMA IF EXISTS way CASCADE; CREATE SCHEMA way; GRANT ALL ON SCHEMA way TO mallory', 'taken');
	is(as('mallory', 'taken', $sql), '', "a $name is there already");
	like(as($superuser, 'taken', 'CREATE EXTENSION liveness SCHEMA way'), qr/ERROR:  \Q$error\E/, 'and is not taken over');
}

# ---------- code of others in the worker ----------

# As the owner of two tables mallory has more than triggers at hand: a default, a CHECK,
# an index, a rule; a policy is for who reads only, so the owner is to be let past it.  Each tries what it could gain, and leaves something behind.
my $victim = $node->background_psql('hostile');
query(q{
	CREATE TABLE lair.victim AS SELECT } . $victim->query_safe('SELECT pg_backend_pid()') . q{ AS pid;
	GRANT SELECT ON lair.victim TO PUBLIC;
	DROP SCHEMA evil CASCADE;
	TRUNCATE fleet.provider_heartbeats, fleet.provider_heartbeats_hourly;
	ALTER TABLE fleet.provider_heartbeats OWNER TO mallory;
	ALTER TABLE fleet.provider_heartbeats_hourly OWNER TO mallory});
is(as('mallory', 'hostile', <<'SQL'), '', 'mallory owns two tables');
GRANT SELECT, INSERT, UPDATE, DELETE ON fleet.provider_heartbeats, fleet.provider_heartbeats_hourly TO fleet_owner;
GRANT USAGE, SELECT ON SEQUENCE fleet.provider_heartbeats_id_seq TO fleet_owner;
CREATE TABLE lair.seen (n serial, xid xid8, application text, place text, role text, left_behind text);
CREATE TABLE lair.tried (place text, what text, error text);
GRANT ALL ON lair.seen, lair.tried, lair.seen_n_seq TO PUBLIC;
CREATE FUNCTION lair.spy(place text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	what text;
BEGIN
	IF current_setting('application_name') !~ '^liveness' THEN
		RETURN '';
	END IF;
	INSERT INTO lair.seen (xid, application, place, role, left_behind)
		SELECT pg_current_xact_id(), current_setting('application_name'), place, current_user,
			concat_ws(', ', current_setting('search_path'), current_setting('default_transaction_isolation'), nullif(current_setting('lair.mine', true), ''),
				current_setting('liveness.window_days'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()));
	PERFORM set_config('search_path', 'lair', false), set_config('default_transaction_isolation', 'serializable', false), set_config('lair.mine', 'mine', false);
	FOREACH what IN ARRAY ARRAY[
		'SELECT pg_advisory_lock(4711)', 'SET liveness.window_days = 3', 'PREPARE mine AS SELECT 1', 'LISTEN mine', 'DECLARE mine CURSOR WITH HOLD FOR SELECT 1', 'CREATE TEMP TABLE mine ()',
		'SET ROLE ' || session_user, 'RESET ROLE', 'SET SESSION AUTHORIZATION ' || session_user, 'CREATE ROLE mine SUPERUSER', 'SET session_replication_role = replica',
		'ALTER SYSTEM SET liveness.window_days = 3', 'COPY (SELECT 1) TO PROGRAM ''true''', 'COPY (SELECT 1) TO ''/dev/null''', 'TABLE pg_authid', 'SELECT pg_read_file(''PG_VERSION'')',
		'SELECT pg_terminate_backend(pid) FROM lair.victim'] LOOP
		BEGIN
			EXECUTE what;
			INSERT INTO lair.tried VALUES (place, what, NULL);
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO lair.tried VALUES (place, what, SQLERRM);
		END;
	END LOOP;
	RETURN '';
END $$;
CREATE FUNCTION lair.immutable_spy(provider text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	result text;
BEGIN
	SELECT lair.spy('index') INTO result;
	RETURN result;
END $$;
ALTER TABLE fleet.provider_heartbeats ADD COLUMN mine text DEFAULT lair.spy('default'), ADD CHECK (lair.spy('check') = '');
CREATE INDEX ON fleet.provider_heartbeats (lair.immutable_spy(provider_id));
ALTER TABLE fleet.provider_heartbeats ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON fleet.provider_heartbeats USING (true) WITH CHECK (lair.spy('policy') = '');
CREATE RULE r AS ON INSERT TO fleet.provider_heartbeats DO ALSO INSERT INTO lair.tried SELECT lair.spy('rule');
ALTER TABLE fleet.provider_heartbeats_hourly ADD COLUMN mine text DEFAULT lair.spy('default'), ADD CHECK (lair.spy('check') = '');
CREATE INDEX ON fleet.provider_heartbeats_hourly (lair.immutable_spy(provider_id));
SQL

my $left_behind = q{SELECT DISTINCT left_behind FROM (SELECT DISTINCT ON (xid) left_behind FROM lair.seen ORDER BY xid, n) first};
my $attempts = q{SELECT count(DISTINCT place), count(DISTINCT what), string_agg(DISTINCT what, ', ' ORDER BY what) FILTER (WHERE error IS NULL) FROM lair.tried WHERE what IS NOT NULL};
my $log_before = -s $node->logfile;
is(as('coord', 'hostile', q{SELECT fleet.liveness_emit('a')}), 't', 'a heartbeat');
like(as('coord', 'hostile', q{SET statement_timeout = '1s'; SELECT fleet.liveness_flush()}), qr/ERROR:  canceling statement due to statement timeout/, 'is not written where a policy could refuse some');
$node->wait_for_log(qr/could not write heartbeats from the buffer: query would be affected by row-level security policy for table "provider_heartbeats"/, $log_before);
query('ALTER ROLE fleet_owner BYPASSRLS');
is(as('coord', 'hostile', 'SELECT fleet.liveness_flush() >= 0'), 't', 'the worker writes to them for who may see all rows');
is(emit('b'), "t\n1", 'and again');
is(run_jobs(), 'features 1 0, hourly 1 0, retention 1 0', 'its jobs, too');
is(query(q{SELECT string_agg(provider_id || ' ' || heartbeat_count, ', ' ORDER BY provider_id) FROM fleet.provider_heartbeats_hourly}), 'a 1, b 1', 'with the usual result');
is(query('SELECT DISTINCT application, place, role FROM lair.seen ORDER BY 1, 2'), <<'END' =~ s/\n\z//r, q{code of a table's owner runs as the extension's});
liveness job: hourly|check|fleet_owner
liveness job: hourly|default|fleet_owner
liveness job: hourly|index|fleet_owner
liveness worker|check|fleet_owner
liveness worker|default|fleet_owner
liveness worker|index|fleet_owner
liveness worker|rule|fleet_owner
END
is(query($attempts), '4|17|SELECT pg_advisory_lock(4711)', 'in four places, and gains nothing');
is(query($left_behind), 'pg_catalog, pg_temp, read committed, 14, 0', 'of what it leaves behind the next unit finds nothing');
is($victim->query_safe('SELECT 1'), 1, 'a superuser\'s session is there still');

# Owned by a superuser, it runs as one; but what would outlive the unit is refused, or undone
query('ALTER ROLE fleet_owner SUPERUSER; TRUNCATE lair.seen, lair.tried');
$victim->quit;
is(emit('c'), "t\n1", 'the same with a superuser as the owner') for 1 .. 2;
is(query('SELECT DISTINCT role FROM lair.seen'), 'fleet_owner', 'whose code runs as that superuser');
is(query(q{SELECT string_agg(DISTINCT what, ', ' ORDER BY what) FROM lair.tried WHERE error ~ 'within security-(definer function|restricted operation)'}),
	"CREATE TEMP TABLE mine (), DECLARE mine CURSOR WITH HOLD FOR SELECT 1, LISTEN mine, PREPARE mine AS SELECT 1, RESET ROLE, SET ROLE $superuser, SET SESSION AUTHORIZATION $superuser",
	'cannot become another, or leave things in the session');
is(query(q{SELECT count(*) FROM lair.tried WHERE what ~ '^SET liveness' AND error IS NULL}) > 0, 1, 'a setting can be changed');
is(query($left_behind), 'pg_catalog, pg_temp, read committed, 14, 0', 'and is what it was for the next unit');
is(query(q{SELECT count(*) FROM pg_locks l, pg_stat_activity a WHERE l.locktype = 'advisory' AND a.pid = l.pid AND a.backend_type = 'liveness worker'}), 0, 'no lock stays');
query('ALTER ROLE fleet_owner NOSUPERUSER');

# ---------- no input becomes SQL ----------

# What ends a string, an identifier, a format, a line, a dollar quote, a comment
my $odd = qq{x'); DROP TABLE fleet.provider_sessions; --" \\' \\\\ %s %1\$s %n \$\$ \${1} /* \n{"a":1}};
my $literal = "'" . $odd =~ s/'/''/gr . "'";
query(q{
	DROP RULE r ON fleet.provider_heartbeats;
	ALTER TABLE fleet.provider_heartbeats OWNER TO fleet_owner, DISABLE ROW LEVEL SECURITY;
	ALTER TABLE fleet.provider_heartbeats_hourly OWNER TO fleet_owner;
	DROP OWNED BY mallory CASCADE;
	TRUNCATE fleet.provider_heartbeats, fleet.provider_heartbeats_hourly, fleet.provider_sessions, fleet.provider_reliability_features RESTART IDENTITY});

# $odd is to be given back as it is, once a row
sub odd_ok
{
	my ($sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$sql =~ s/\?/$literal/g;
	return is(query($sql), $odd, $name);
}

query("SELECT fleet.liveness_open_session($literal, $literal, '2025-01-01 00:00+00')");
odd_ok('SELECT provider_id FROM fleet.provider_sessions WHERE coordinator_id = ?', 'a session of an odd provider and coordinator');
is(query("SELECT fleet.liveness_open_session($literal, $literal, '2025-01-01 01:00+00'), fleet.liveness_close_session(2, $literal, '2025-01-01 02:00+00')"), '2|t', 'superseded, and closed for an odd reason');
odd_ok('SELECT disconnect_reason FROM fleet.provider_sessions WHERE id = 2', 'which is kept');
is(query("SELECT fleet.liveness_open_session($literal, $literal, now()), fleet.liveness_close_stale('1 s', $literal), fleet.liveness_close_orphans($literal, $literal), fleet.liveness_open_session($literal, $literal, clock_timestamp())"), '3|0|1|4', 'of an odd coordinator');
is(query('SELECT fleet.liveness_rollup_features()'), 1, 'features');
odd_ok('SELECT provider_id FROM fleet.provider_reliability_features', 'of an odd provider');
odd_ok('SELECT reason FROM fleet.provider_disconnect_reasons', 'an odd reason');
odd_ok(q{SELECT provider_id FROM fleet.liveness_candidates('1 hour', 0)}, 'a candidate');
is(query("SELECT count(*) FROM fleet.liveness_heatmap($literal)"), 8, 'its week');
is(query('SET liveness.censored_reasons = ' . $literal =~ s/"/""/gr =~ s/^'(.*)'$/'"$1"'/rs . "; SELECT fleet.liveness_is_censored($literal)"), 't', 'a censored reason');
poll("SELECT count(*) = 1 $worker");
is(query("SELECT fleet.liveness_emit($literal, $literal, 0, 0, $literal, NULL, NULL, NULL, $literal, $literal, to_jsonb(${literal}::text)), fleet.liveness_flush()"), 't|1', 'a heartbeat of odd texts');
odd_ok(q{SELECT provider_id FROM fleet.provider_heartbeats WHERE (status, thermal_state, backend_state, active_model, capacity->>0) = (?, ?, ?, ?, ?)} =~ s/->>0/#>>'{}'/r, 'is written as it is');
is(query('SELECT fleet.liveness_rollup_hourly()'), 1, 'an hour');
odd_ok('SELECT provider_id FROM fleet.provider_heartbeats_hourly WHERE max_thermal_state = ?', 'of it');
query("ALTER TABLE fleet.provider_heartbeats ADD CONSTRAINT even CHECK (provider_id <> $literal) NOT VALID");
my $offset = -s $node->logfile;
is(query("SELECT fleet.liveness_emit($literal), fleet.liveness_flush()"), 't|0', 'one that cannot be inserted');
my $logged = $odd =~ s/\n/\n\t/gr;
ok($node->wait_for_log(qr/The first is of provider "\Q$logged\E"/, $offset), 'is told by its name');
query("SELECT liveness_internal.liveness_record_error('hourly', $literal)");
odd_ok(q{SELECT last_error FROM fleet.liveness_jobs WHERE job = 'hourly'}, 'an odd error is noted');
for my $call (
	[ "SELECT liveness_internal.liveness_raise('P0001', $literal, $literal, $literal)", "ERROR:  $odd\nDETAIL:  $odd\nHINT:  $odd" ],
	[ "CALL fleet.liveness_run($literal)", 'ERROR:  there is no job ' . query("SELECT quote_literal($literal)") ],
	[ "SELECT liveness_internal.liveness_setting_interval($literal)", qq{"$odd"} ],
	[ "SELECT liveness_internal.liveness_count($literal, 1)", qq{"$odd"} ])
{
	like(as($superuser, 'hostile', $call->[0]), qr/\Q$call->[1]\E/, "an error repeats it: " . $call->[0] =~ s/\(.*//sr);
}

# Roles: each gets what it is to have and cannot name another
my $role = '"' . $odd =~ s/"/""/gr . '"';
query("CREATE ROLE $role; CREATE ROLE \"public, mallory\"");
for my $grant ([ 'reader', 'provider_liveness', 'SELECT' ], [ 'writer', 'provider_sessions', 'INSERT' ], [ 'operator', 'provider_heartbeats_hourly', 'UPDATE' ])
{
	is(as('fleet_owner', 'hostile', "SELECT fleet.liveness_grant_$grant->[0]((SELECT oid FROM pg_roles WHERE rolname = $literal)::regrole)"), '', "liveness_grant_$grant->[0] to an odd role");
	is(query("SELECT has_table_privilege($literal, 'fleet.$grant->[1]', '$grant->[2]')"), 't', 'grants');
}
query(q{SELECT fleet.liveness_grant_reader('"public, mallory"')});
is(query(q{SELECT has_table_privilege('public, mallory', 'fleet.provider_liveness', 'SELECT'), has_table_privilege('mallory', 'fleet.provider_liveness', 'SELECT')}), 't|f', 'and to no other');

# The extension's schema keeps its name, whoever asks and however: what is text in the
# catalogs would not follow, and call what somebody else put into a schema of the old name.
like(as($superuser, 'postgres', q{CREATE SCHEMA "we""ird'; %s $$ \\ fleet"; CREATE EXTENSION liveness SCHEMA "we""ird'; %s $$ \\ fleet"}), qr/ERROR:  invalid character in extension "liveness" schema/, 'not every schema is taken');
query('ALTER SCHEMA fleet OWNER TO fleet_owner; GRANT CREATE ON DATABASE hostile TO fleet_owner, mallory');
for my $who ($superuser, 'fleet_owner')
{
	for my $setting ($who eq $superuser ? ('', 'SET session_replication_role = replica;') : (''))
	{
		like(as($who, 'hostile', "$setting ALTER SCHEMA fleet RENAME TO another"), qr/ERROR:  the schemas fleet and liveness_internal cannot be renamed while the extension liveness is in them\nHINT:  /, "$who $setting cannot rename the schema");
	}
	like(as($who, 'hostile', 'ALTER EXTENSION liveness SET SCHEMA lair'), qr/ERROR: /, "$who cannot move the extension");
}
is(query(q{SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'liveness'}), 'fleet', 'it is what it was');
is(as('mallory', 'hostile', 'CREATE SCHEMA of_mallory; ALTER SCHEMA of_mallory RENAME TO still_of_mallory; ALTER SCHEMA still_of_mallory OWNER TO mallory'), '', 'other schemas can be altered by those whose they are');
is(query(q{SELECT t.evtenabled, t.evtowner = 10, p.proowner = 10 FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid WHERE t.evtname = 'liveness_refuse_rename'}), 'A|t|t', 'what refuses runs as whoever alters a schema, so nobody but the superuser of initdb can change it');

# ---------- schemas of names that were ours ----------

# Whose the extension's schema is may drop it, and the extension with it.  Then mallory has
# schemas of both names, and everything in them that was there, as traps.
my $functions = query(qq{SELECT string_agg(format('lair.set(%L, %L, %L, %L)::int', v.kind, v.name, v.args, v.result), ' + ')
	FROM (SELECT $kind, (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n) $types), $result $ours
		AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[] || p.prorettype) t JOIN pg_type y ON y.oid = t WHERE y.typnamespace <> 'pg_catalog'::regnamespace)) v (kind, name, args, result)});
my $relations = query(q{SELECT string_agg(format('lair.try(%L)::int', format('CREATE VIEW %s AS SELECT lair.trap(%L) AS job', d.objid::regclass, d.objid::regclass)), ' + ')
	FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'v') WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness')});
my $cron = query(q{SELECT string_agg(command, '; ') FROM liveness_internal.liveness_cron_jobs()});
query('SET client_min_messages = warning; DROP SCHEMA IF EXISTS lair CASCADE; CREATE SCHEMA lair AUTHORIZATION mallory; ALTER SCHEMA fleet OWNER TO mallory; GRANT CREATE ON DATABASE hostile TO mallory');
is(as('mallory', 'hostile', trap_maker_sql()), '', 'traps can be made');
like(as('mallory', 'hostile', $_), qr/ERROR:  (permission denied for|must be owner of) schema liveness_internal/, "while the extension is there: $_")
  for 'CREATE FUNCTION liveness_internal.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'ALTER SCHEMA liveness_internal RENAME TO mine', 'DROP SCHEMA liveness_internal CASCADE', 'CREATE VIEW liveness_internal.v AS SELECT 1';
is(as('mallory', 'hostile', 'SET client_min_messages = warning; DROP SCHEMA fleet CASCADE; CREATE SCHEMA fleet; CREATE SCHEMA liveness_internal; GRANT USAGE ON SCHEMA fleet, liveness_internal TO PUBLIC'), '', 'the owner of its schema drops it');
is(query('SELECT count(*) FROM pg_extension'), 1, 'and the extension');
cmp_ok(as('mallory', 'hostile', "SELECT $functions"), '>', 80, 'traps in the place of its functions');
cmp_ok(as('mallory', 'hostile', "SELECT $relations"), '>', 15, 'and of its relations');
is(as('mallory', 'hostile', "GRANT SELECT ON ALL TABLES IN SCHEMA $_ TO PUBLIC"), '', "everybody may use those of $_") for 'fleet', 'liveness_internal';
like(as($superuser, 'hostile', "CALL liveness_internal.liveness_run('features', NULL, NULL)"), qr/ERROR:  trapped by/, 'as this shows');
like(as($superuser, 'hostile', 'TABLE liveness_internal.liveness_granted_role'), qr/ERROR:  trapped by/, 'and this');
query('ALTER SEQUENCE lair.trapped RESTART');
is(as($superuser, 'hostile', $cron), '', 'a command that pg_cron has kept does nothing');
like(as($superuser, 'hostile', "CREATE EXTENSION liveness SCHEMA $_"), qr/ERROR:  (schema "liveness_internal" already exists|\S+ fleet already holds provider_)/, "the extension is not made in $_, where mallory has a schema of its name") for 'public', 'fleet';
my $log_start = -s $node->logfile;
schedule('worker');
query("SELECT pg_terminate_backend(pid) $worker");
poll("SELECT count(*) = 1 $worker");
like(as($superuser, 'hostile', 'SET search_path = fleet, pg_catalog; SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension'), qr/^1$/, 'a worker without the extension');
schedule('off');
query('SET client_min_messages = warning; DROP SCHEMA liveness_internal CASCADE; CREATE SCHEMA other; CREATE EXTENSION liveness SCHEMA other');
is(run_jobs('other'), 'features 1 0, hourly 1 0, retention 1 0', 'in another schema it is made, and the worker runs its jobs');
is(as($superuser, 'hostile', $cron), '', 'so do the commands that pg_cron has kept');
is(query('SELECT sum(runs), sum(errors) FROM other.liveness_jobs'), '6|0', 'with the procedure of the extension');
unlike(join("\n", map { as($superuser, 'hostile', s/\bfleet\./other./gr =~ s/\@/pg_catalog./gr . ';') } @everything), qr/trapped|fleet\./, 'nothing calls what is in the old one');
no_trap('schemas of names that were ours');

$node->stop;
done_testing();
