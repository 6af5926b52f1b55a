# What a database or a role has set for everybody neither keeps the worker and the jobs
# from their work nor changes what they do: isolation, read-only, timeouts, replication
# role, row-level security, and more.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('settings');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
shared_preload_libraries = 'liveness'
liveness.database = 'fleet'
liveness.scheduler = off
liveness.rollup_interval = 1s
liveness.flush_interval = 100ms
liveness.heartbeat_retention = 28d
END
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE fleet');

# The settings of a statement of our own, which come before those of the database
my $plain = '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_isolation=read\ committed -c default_transaction_read_only=off -c search_path=public -c session_replication_role=origin';
$ENV{PGOPTIONS} = $plain;

sub query
{
	my ($sql, $options) = @_;
	local $ENV{PGOPTIONS} = "$plain " . ($options // '');
	return $node->safe_psql('fleet', $sql);
}

sub error_of
{
	my ($sql, $options) = @_;
	my $err = '';
	local $ENV{PGOPTIONS} = "$plain " . ($options // '');
	$node->psql('fleet', "\\set VERBOSITY verbose\n$sql", stderr => \$err, on_error_stop => 0);
	return $err;
}

sub poll
{
	my ($sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until('fleet', $sql), $name);
}

sub schedule
{
	my ($by) = @_;
	$node->append_conf('postgresql.conf', "liveness.scheduler = $by\n");
	$node->reload;
	return;
}

query('CREATE EXTENSION liveness');

# ---------- the worker ----------

# Some are for a connection alone; the worker gets those of the database, and of all roles
my %hostile = (
	default_transaction_isolation => 'serializable',
	default_transaction_read_only => 'on',
	default_transaction_deferrable => 'on',
	statement_timeout => '1ms',
	lock_timeout => '1ms',
	idle_in_transaction_session_timeout => '1ms',
	session_replication_role => 'replica',
	row_security => 'on',
	search_path => 'nowhere',
	standard_conforming_strings => 'off',
	transform_null_equals => 'on',
	array_nulls => 'off',
	quote_all_identifiers => 'on',
	bytea_output => 'escape',
	DateStyle => 'German',
	IntervalStyle => 'sql_standard',
	extra_float_digits => '-15',
	check_function_bodies => 'off',
	'plpgsql.extra_errors' => 'all',
	'plpgsql.variable_conflict' => 'use_column',
	($node->pg_version >= 17 ? (transaction_timeout => '1ms', restrict_nonsystem_relation_kind => 'view, foreign-table') : ()));

sub set_for
{
	my ($whom) = @_;
	query("ALTER $whom SET $_ = '$hostile{$_}'") for sort keys %hostile;
	return;
}

# A trigger sees what the worker's statements see; as a table's owner has it, it fires
query(q{
	CREATE TABLE seen (application text, name text, value text);
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.seen SELECT current_setting('application_name'), s.name, s.setting FROM pg_catalog.pg_settings s
		WHERE s.name = ANY ('{transaction_isolation,transaction_read_only,transaction_deferrable,statement_timeout,lock_timeout,transaction_timeout,session_replication_role,row_security,search_path,DateStyle}');
		RETURN NULL;
	END $$;
	CREATE TRIGGER see AFTER INSERT ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION see();
	CREATE TRIGGER see AFTER INSERT OR UPDATE ON provider_heartbeats_hourly FOR EACH STATEMENT EXECUTE FUNCTION see();
	CREATE TRIGGER see AFTER INSERT OR UPDATE ON provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION see();
	INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('p', now() - interval '1 hour')});
set_for('DATABASE fleet');
set_for('ROLE ALL');

# One batch of heartbeats, one run of each job: how they have gone
sub work_of_worker
{
	my ($name, $jobs) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	query('UPDATE liveness_internal.liveness_job_state SET last_started_at = NULL, runs = 0, errors = 0, last_error = NULL');
	poll(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL}, "$name: a worker");
	is(query(q{SELECT liveness_emit('p'), liveness_emit('p', at => now() - interval '40 days'), liveness_flush()}), 't|t|2', "$name: heartbeats are written");
	schedule('worker');
	poll("SELECT bool_and(runs > 0) FROM liveness_jobs WHERE job IN ($jobs)", "$name: the jobs have run");
	poll(q{SELECT watermark = (SELECT last_value FROM provider_heartbeats_id_seq) FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}, "$name: and the watermark moves");
	schedule('off');
	poll(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'liveness job'}, "$name: no job is left");
	is(query('SELECT sum(errors), min(last_error) FROM liveness_jobs'), '0|', "$name: without an error");
	return;
}
$node->restart;
work_of_worker('hostile settings', q{'features', 'hourly', 'retention'});
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE at < now() - interval '30 days'}), 0, 'old heartbeats are pruned');
is(query(q{SELECT DISTINCT name, value FROM seen WHERE name NOT IN ('transaction_timeout', 'DateStyle') ORDER BY 1}), <<'END' =~ s/\n\z//r, 'what its statements see is what it has pinned');
lock_timeout|0
row_security|off
search_path|pg_catalog, pg_temp
session_replication_role|origin
statement_timeout|0
transaction_deferrable|off
transaction_isolation|read committed
transaction_read_only|off
END
is(query(q{SELECT count(DISTINCT application) FROM seen}), 4, 'for the worker and its three jobs');
query('ALTER DATABASE fleet RESET ALL; ALTER ROLE ALL RESET ALL');
work_of_worker('the same worker, once they were reset', q{'features', 'hourly'});
set_for('DATABASE fleet');
work_of_worker('and set again', q{'features', 'hourly'});
query('ALTER DATABASE fleet RESET ALL');
query('DROP FUNCTION see() CASCADE; TRUNCATE liveness_internal.liveness_job_state, provider_heartbeats, provider_heartbeats_hourly');

# ---------- isolation, by hand and by liveness_run ----------

my $watermark = q{SELECT watermark = (SELECT last_value FROM provider_heartbeats_id_seq) FROM liveness_internal.liveness_job_state WHERE job = 'hourly'};
for my $level ('repeatable\ read', 'serializable')
{
	my $isolation = "-c default_transaction_isolation=$level";

	query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p')}, $isolation);
	query('SELECT liveness_rollup_hourly()', $isolation) for 1 .. 2;
	is(query($watermark), 't', "$level: the second run by hand moves the watermark");

	# with a writer that goes on over a run
	my $writer = $node->background_psql('fleet');
	$writer->query_safe(q{BEGIN; INSERT INTO provider_heartbeats (provider_id) VALUES ('slow')});
	query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p')}, $isolation);
	query('SELECT liveness_rollup_hourly()', $isolation);
	is(query($watermark), 'f', "$level: not past a writer that goes on");
	$writer->query_safe('COMMIT');
	$writer->quit;
	my $held = query(q{SELECT watermark FROM liveness_internal.liveness_job_state WHERE job = 'hourly'});
	query('SELECT liveness_rollup_hourly()', $isolation);
	is(query(q{SELECT watermark FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), $held, "$level: nor in the run that learns of its end");
	query('SELECT liveness_rollup_hourly()', $isolation);
	is(query($watermark), 't', "$level: in the end it does");
	is(query(q{SELECT sum(heartbeat_count) = (SELECT count(*) FROM provider_heartbeats) FROM provider_heartbeats_hourly}), 't', "$level: and every heartbeat is in its hour");

	query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p')}, $isolation);
	is(error_of(q{CALL liveness_run('hourly');}, $isolation), '', "$level: liveness_run");
	is(query($watermark), 't', "$level: takes a new snapshot, and moves it at once");
	is(error_of(q{CALL liveness_run('features');}, $isolation), '', "$level: features");
}
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', now() - interval '40 days')});
query(q{SELECT liveness_partition_heartbeats('1 day', now() - interval '41 days', now() + interval '1 day')});
is(error_of('CALL liveness_prune();', '-c default_transaction_isolation=serializable'), '', 'serializable: the retention');
is(query(q{SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() WHERE since > '-infinity' AND until < now() - interval '30 days'}), 0, 'drops partitions');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE at < now() - interval '30 days'}), 0, 'with what was in them');

# ---------- read-only ----------

my $before = query('SELECT string_agg(s::text, $$ $$ ORDER BY job) FROM liveness_internal.liveness_job_state s');
for my $job ('features', 'hourly', 'retention')
{
	my $err = error_of("CALL liveness_run('$job');", '-c default_transaction_read_only=on');
	like($err, $job eq 'retention' ? qr/ERROR:  25006: cannot execute/ : qr/ERROR:  25006: cannot execute liveness_rollup_$job/, "read-only: liveness_run('$job') says what could not be done");
	like($err, qr/WARNING:  01000: the error of job "$job" cannot be noted in liveness_jobs: cannot execute/, 'and that it could not be noted');
}
is(query('SELECT string_agg(s::text, $$ $$ ORDER BY job) FROM liveness_internal.liveness_job_state s'), $before, 'and nothing was');
query(q{CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no %', TG_TABLE_NAME; END$$;
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON liveness_internal.liveness_job_state FOR EACH ROW EXECUTE FUNCTION fail();
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION fail()});
like(error_of(q{CALL liveness_run('features');}), qr/WARNING: .*no liveness_job_state\n.*ERROR:  P0001: no provider_reliability_features/s, 'whatever the recorder fails of, the first error is the one that is raised');
query('DROP FUNCTION fail() CASCADE');

# ---------- row-level security ----------

query(q{
	CREATE ROLE ops; CREATE ROLE tenant;
	SELECT liveness_grant_operator('ops'), liveness_grant_reader('tenant');
	INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('q', now() - interval '1 hour')});
query('SELECT liveness_rollup_features()');
my $features = query('SELECT string_agg(provider_id || $$ $$ || sessions_count, $$, $$ ORDER BY provider_id) FROM provider_reliability_features');
is($features, 'p 1, q 1', 'features of two');
for my $table ('provider_sessions', 'provider_heartbeats', 'provider_reliability_features', 'provider_heartbeats_hourly')
{
	query("ALTER TABLE $table ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON $table TO ops, tenant USING (provider_id = 'p')");
	my %fails = (
		provider_sessions => [ 'liveness_rollup_features()', 'liveness_internal.liveness_prune_derived(1)' ],
		provider_heartbeats => [ 'liveness_rollup_hourly()', q{liveness_rollup_hourly('-infinity', NULL)}, 'liveness_prune_batch()', q{liveness_internal.liveness_prune_step(now(), 1, now(), '{}', 0)} ],
		provider_reliability_features => [ 'liveness_rollup_features()' ],
		provider_heartbeats_hourly => [ q{liveness_rollup_hourly('-infinity', NULL)} ]);
	for my $call (@{ $fails{$table} })
	{
		like(error_of("SET ROLE ops; SELECT $call;"), qr/ERROR:  42501: query would be affected by row-level security policy for table "$table"/, "a policy on $table: $call is an error");
	}
	is(query("SELECT count(*) > 0 FROM $table WHERE provider_id = 'q'"), 't', 'and nothing is lost') if $table ne 'provider_heartbeats' && $table ne 'provider_heartbeats_hourly';
	my %job = (provider_sessions => 'features', provider_heartbeats => 'hourly', provider_reliability_features => 'features', provider_heartbeats_hourly => '');
	if ($job{$table})
	{
		query('UPDATE liveness_internal.liveness_job_state SET last_error = NULL');
		like(error_of("SET ROLE ops; CALL liveness_run('$job{$table}');"), qr/ERROR:  42501: query would be affected/, "by liveness_run('$job{$table}'), too");
		like(query("SELECT last_error FROM liveness_jobs WHERE job = '$job{$table}'"), qr/^query would be affected/, 'which notes it');
	}
	query("DROP POLICY own ON $table; ALTER TABLE $table DISABLE ROW LEVEL SECURITY");
}
is(query('SELECT string_agg(provider_id || $$ $$ || sessions_count, $$, $$ ORDER BY provider_id) FROM provider_reliability_features'), $features, 'no provider was reset');

# ---------- the role of the worker ----------

sub worker_role
{
	my ($role) = @_;
	$node->append_conf('postgresql.conf', "liveness.worker_role = '$role'\n");
	$node->reload;
	poll(qq{SELECT current_setting('liveness.worker_role') = '$role'}, "liveness.worker_role = '$role'");
	return;
}

# A stranger with TRIGGER on the tables, of an extension that a superuser owns
query(q{
	CREATE ROLE mallory; CREATE ROLE jobs NOLOGIN; CREATE SCHEMA lair AUTHORIZATION mallory; GRANT USAGE ON SCHEMA lair TO PUBLIC;
	SELECT liveness_grant_writer('jobs'), liveness_grant_operator('jobs');
	GRANT USAGE ON SCHEMA public, liveness_internal TO mallory;
	GRANT TRIGGER ON provider_heartbeats, provider_heartbeats_hourly, provider_reliability_features, liveness_internal.liveness_job_state TO mallory;
	SET ROLE mallory;
	CREATE TABLE lair.ran (tab text, role text, super boolean, became text);
	GRANT INSERT ON lair.ran TO PUBLIC;
	CREATE FUNCTION lair.note() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		became text;
	BEGIN
		IF current_setting('application_name') !~ '^liveness' THEN
			RETURN NULL;
		END IF;
		BEGIN
			EXECUTE 'SET ROLE ' || session_user;
			became := session_user;
		EXCEPTION WHEN OTHERS THEN
			became := SQLSTATE;
		END;
		INSERT INTO lair.ran SELECT TG_TABLE_NAME, current_user, rolsuper, became FROM pg_catalog.pg_roles WHERE rolname = current_user;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON public.provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION lair.note();
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON public.provider_heartbeats_hourly FOR EACH STATEMENT EXECUTE FUNCTION lair.note();
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON public.provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION lair.note();
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON liveness_internal.liveness_job_state FOR EACH STATEMENT EXECUTE FUNCTION lair.note()});
worker_role('jobs');
work_of_worker('worker_role', q{'features', 'hourly'});
is(query('SELECT DISTINCT role, super, became FROM lair.ran'), 'jobs|f|42501', 'what it does, and the triggers of others on the tables, is done as this role, which cannot become another');
is(query('SELECT count(DISTINCT tab) FROM lair.ran'), 4, 'on four tables');
is(error_of(q{SET liveness.worker_role = 'postgres';}) =~ s/\n.*//sr, 'psql:<stdin>:2: ERROR:  55P02: parameter "liveness.worker_role" cannot be changed now', 'nobody sets it for a session');

# One that is not there is an error, and not the owner
query('TRUNCATE lair.ran');
my $log = -s $node->logfile;
worker_role('nobody there');
query(q{SELECT liveness_emit('p')});
ok($node->wait_for_log(qr/could not write heartbeats from the buffer: role "nobody there" of liveness\.worker_role does not exist/, $log), 'a role that does not exist is an error of the writes');
my $errors = query(q{SELECT value FROM liveness_stats WHERE name = 'liveness_hourly_errors_total'});
query('UPDATE liveness_internal.liveness_job_state SET last_started_at = NULL');
query('DELETE FROM lair.ran');
schedule('worker');
ok($node->wait_for_log(qr/job "hourly" of liveness failed: role "nobody there" of liveness\.worker_role does not exist/, $log), 'and of the jobs');
poll(qq{SELECT value > $errors FROM liveness_stats WHERE name = 'liveness_hourly_errors_total'}, 'which is counted');
is(query('SELECT count(*) FROM lair.ran'), 0, 'nothing runs as the owner instead');
query('CREATE ROLE "nobody there"; SELECT liveness_grant_writer($$"nobody there"$$), liveness_grant_operator($$"nobody there"$$)');
is(query('SELECT liveness_flush() >= 0'), 't', 'once the role is there, the heartbeat is written');
poll(q{SELECT bool_or(role = 'nobody there') FROM lair.ran}, 'as that role');
schedule('off');

# Partitions are made with the owner's rights: no trigger is fired by that
query(q{
	TRUNCATE lair.ran; GRANT TRIGGER ON ALL TABLES IN SCHEMA public TO mallory;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('ahead', now() + interval '20 days');
	SET ROLE mallory;
	CREATE FUNCTION lair.note_row() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO lair.ran VALUES (TG_TABLE_NAME, current_user);
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_row AFTER DELETE ON public.provider_heartbeats_after FOR EACH ROW EXECUTE FUNCTION lair.note_row()});
my $extend = q{SELECT liveness_partition_heartbeats('1 day', NULL, now() + interval '21 days');};
like(error_of($extend), qr/WARNING:  01000: no partition was made from .* because a trigger would run/, 'no heartbeat is moved where a trigger would run as the owner');
is(query('SELECT count(*) FROM lair.ran'), 0, 'and none has');
query('DROP FUNCTION lair.note_row() CASCADE');
is(error_of($extend), '', 'without the trigger');
is(query(q{SELECT count(*) FROM ONLY provider_heartbeats_after WHERE provider_id = 'ahead'}), 0, 'it is moved');

$node->stop;
done_testing();
