# pg_cron as the scheduler: what liveness_schedule() registers, that pg_cron runs it,
# for whom, and beside the worker; and that the statements in the hints work as they
# stand there.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
shared_preload_libraries = 'liveness'
max_worker_processes = 24
liveness.database = 'postgres'
liveness.scheduler = cron
liveness.rollup_interval = 1s
liveness.flush_interval = 100ms
END
$node->start;
plan skip_all => 'pg_cron is not there'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'}) eq '0';

# A database and a schema with odd names, which are not pg_cron's
my $fleet = q{fleet's "DB"};
$node->safe_psql('postgres', 'CREATE EXTENSION liveness; CREATE DATABASE "fleet\'s ""DB"""; CREATE DATABASE third');
$node->safe_psql($fleet, 'CREATE SCHEMA "odd schema"; CREATE EXTENSION liveness SCHEMA "odd schema"');
$node->safe_psql('third', 'CREATE SCHEMA "100% %s"; CREATE EXTENSION liveness SCHEMA "100% %s"');

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub error_of
{
	my ($sql, $db) = @_;
	my $err = '';
	$node->psql($db // 'postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# The statements of a hint, as somebody would copy them
sub statements_of
{
	my ($err) = @_;
	return join "\n", $err =~ /^((?:SELECT|CREATE) .*;)$/mg;
}

sub restart_with
{
	my ($conf) = @_;
	$node->append_conf('postgresql.conf', $conf);
	$node->restart;
	return;
}

sub wait_for
{
	my ($sql, $db) = @_;
	$node->poll_query_until($db // 'postgres', $sql) or die "it never came true: $sql";
	return;
}

# Without pg_cron
for my $function ('liveness_schedule', 'liveness_unschedule')
{
	like(error_of("SELECT $function();"), qr/ERROR:  55000: pg_cron is not loaded\n.*HINT:  .*shared_preload_libraries.*cron\.database_name = 'postgres'.*\nCREATE EXTENSION pg_cron;\nSELECT public\.liveness_schedule\(\);\n/s,
		"$function without pg_cron says what it takes");
}
my $statements = statements_of(error_of('SELECT liveness_schedule();'));
is($statements, "CREATE EXTENSION pg_cron;\nSELECT public.liveness_schedule();", 'in two statements');

# With liveness.scheduler = cron the worker writes heartbeats and runs no job
wait_for(q{SELECT liveness_emit('p', at => '2026-01-01 00:00+00')});
my $emitted = 1;
do
{
	wait_for("SELECT count(*) = $emitted FROM provider_heartbeats");
	query(q{SELECT liveness_emit('p', at => '2026-01-01 00:00+00')});
	$emitted++;
} until (query(q{SELECT now() > pg_postmaster_start_time() + interval '3 s'}) eq 't');
wait_for("SELECT count(*) = $emitted FROM provider_heartbeats");
is(query('SELECT sum(runs), sum(errors), count(last_started_at) FROM liveness_jobs'), '0|0|0', 'scheduler = cron: in three intervals the worker has run no job, and written all heartbeats');
is(query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'liveness job'}), 0, 'nor does it now');
$node->append_conf('postgresql.conf', "liveness.scheduler = worker\n");
$node->reload;
wait_for(q{SELECT bool_and(runs > 0) FROM liveness_jobs WHERE job <> 'retention'});
is(query('SELECT sum(errors) FROM liveness_jobs'), 0, 'with scheduler = worker it does');

# Loaded, but not created; jobs one after the other, so that none finds another at work
restart_with(<<'END');
shared_preload_libraries = 'pg_cron, liveness'
cron.database_name = 'postgres'
cron.use_background_workers = on
cron.max_running_jobs = 1
liveness.scheduler = cron
END
query('TRUNCATE liveness_internal.liveness_job_state, provider_heartbeats, provider_heartbeats_hourly');
my $err = error_of('SELECT liveness_schedule();');
like($err, qr/ERROR:  55000: the extension pg_cron is not installed in this database\nHINT:  /, 'loaded, but not created');
is(statements_of($err), $statements, 'the hint is shorter, the statements are the same');
is(error_of(statements_of($err)), '', 'and work');

# What is registered.  A command calls the extension's procedure, if it is that: here only
# the call is told.
my $call = q{regexp_replace(command, '^DO \$\$BEGIN IF .* THEN (CALL liveness_internal\.liveness_run\(''\w+'')::pg_catalog\.text, NULL::pg_catalog\.interval, NULL::pg_catalog\.int4\); END IF; END\$\$$', '\1)') AS command};
my $jobs = qq{SELECT jobname, schedule, $call, database, username, active FROM cron.job ORDER BY jobname, username};
my $three = <<'END' =~ s/\n\z//r;
liveness features|*/5 * * * *|CALL liveness_internal.liveness_run('features')|postgres|postgres|t
liveness hourly|*/5 * * * *|CALL liveness_internal.liveness_run('hourly')|postgres|postgres|t
liveness retention|17 * * * *|CALL liveness_internal.liveness_run('retention')|postgres|postgres|t
END
$three =~ s/\|postgres\|t$/'|' . query('SELECT current_user') . '|t'/mge;
is(query($jobs), $three, 'three jobs, two of them every five minutes, one hourly');
my $ids = query('SELECT string_agg(jobid::text, $$ $$ ORDER BY jobid) FROM cron.job');
query('SELECT liveness_schedule()');
is(query($jobs), $three, 'called twice: still three');
is(query('SELECT string_agg(jobid::text, $$ $$ ORDER BY jobid) FROM cron.job'), $ids, 'and the same');
query(q{SELECT cron.schedule('liveness', '0 0 1 1 *', 'SELECT 1'), cron.schedule('liveness features of mine', '0 0 1 1 *', 'SELECT 2'), cron.schedule('0 0 1 1 *', 'SELECT 3')});
my $mine = q{SELECT string_agg(command, ' ' ORDER BY command) FROM cron.job WHERE command LIKE 'SELECT _'};
query('SELECT liveness_unschedule()');
is(query('SELECT count(*) FROM cron.job'), 3, 'liveness_unschedule takes the three away');
is(query($mine), 'SELECT 1 SELECT 2 SELECT 3', 'and no other');
is(error_of('SELECT liveness_unschedule();'), '', 'once more does no harm');
query('SELECT liveness_schedule()');
query(q{SELECT cron.alter_job(jobid, schedule := '1 2 3 4 *') FROM cron.job WHERE jobname = 'liveness hourly'});
query('SELECT liveness_schedule()');
is(query($jobs =~ s/ORDER/WHERE command LIKE 'DO %' ORDER/r), $three, 'scheduled again: three, and a schedule that was changed is the old one');
query(q{SELECT cron.unschedule(jobid) FROM cron.job WHERE command LIKE 'SELECT _'});

# In another database pg_cron is not, and takes jobs for it all the same
$err = error_of('SELECT "odd schema".liveness_schedule();', $fleet);
like($err, qr/ERROR:  55000: pg_cron runs in database postgres, not in this one\nHINT:  Connect to database postgres, and run:\nSELECT cron\.schedule_in_database\(/, 'another database: where to go');
like(error_of('SELECT "odd schema".liveness_unschedule();', $fleet), qr/ERROR:  55000: pg_cron runs in database postgres/, 'to unschedule too');
$statements = statements_of($err);
is(scalar(() = $statements =~ /^SELECT cron\.schedule_in_database\(.*\);$/mg), 3, 'and three statements');
is(error_of($statements), '', 'which work');
is(error_of($statements), '', 'and again');
is(query(qq{SELECT jobname, schedule, $call, active FROM cron.job WHERE database = \$\$fleet's "DB"\$\$ ORDER BY jobname}), <<'END' =~ s/\n\z//r, 'three jobs there');
liveness features in fleet's "DB"|*/5 * * * *|CALL liveness_internal.liveness_run('features')|t
liveness hourly in fleet's "DB"|*/5 * * * *|CALL liveness_internal.liveness_run('hourly')|t
liveness retention in fleet's "DB"|17 * * * *|CALL liveness_internal.liveness_run('retention')|t
END
query('SELECT liveness_unschedule(), liveness_schedule()');
is(query('SELECT count(*) FROM cron.job'), 6, 'they are not those of this database');
$err = error_of('SELECT "100% %s".liveness_schedule();', 'third');
like($err, qr/ERROR:  55000: pg_cron runs in database postgres/, 'a schema with per cent signs');
like(statements_of($err), qr/CALL liveness_internal\.liveness_run\(''features''::pg_catalog\.text, .*\); END IF; END\$\$', 'third'\);\n/, 'has such statements, too');

# Roles: the operator's jobs are its own
query(q{CREATE ROLE ops LOGIN; CREATE ROLE ops2 LOGIN; CREATE ROLE nobody LOGIN; SELECT liveness_grant_operator('ops'), liveness_grant_operator('ops2')});
like(error_of("SET ROLE nobody; SELECT $_();"), qr/ERROR:  42501: permission denied for function $_/, "$_ is not for everybody") for 'liveness_schedule', 'liveness_unschedule';
like(error_of('SET ROLE ops; SELECT liveness_schedule();'), qr/ERROR:  42501: permission denied for schema cron/, 'an operator cannot without pg_cron\'s own grant');
query('GRANT USAGE ON SCHEMA cron TO ops, ops2');
is(error_of('SET ROLE ops; SELECT liveness_schedule();'), '', 'an operator schedules');
is(error_of('SET ROLE ops; SELECT liveness_schedule();'), '', 'and again');
my $of_ops = qq{SELECT jobname, $call, database FROM cron.job WHERE username = 'ops' ORDER BY jobname};
my $three_of_ops = $three =~ s/\|[^|]*(?=\|CALL)|\|[^|]*\|t$//mgr;
is(query($of_ops), $three_of_ops, 'three jobs of its own');
is(query('SELECT count(*) FROM cron.job'), 9, 'beside the others');
is(error_of("$_ SELECT liveness_unschedule();"), '', 'others take theirs away') for '', 'SET ROLE ops2;';
is(query($of_ops), $three_of_ops, 'and leave these');
query('SELECT liveness_schedule()');
is(error_of('SET ROLE ops; SELECT liveness_unschedule();'), '', 'the operator');
is(query($of_ops), '', 'takes its own away');
is(query('SELECT count(*) FROM cron.job'), 6, 'and no other');
is(error_of('SET ROLE ops; SELECT liveness_schedule();'), '', 'and is back');

my $all_done = q{SELECT bool_and(coalesce(d.status IN ('succeeded', 'failed'), false)) FROM cron.job j LEFT JOIN cron.job_run_details d ON d.jobid = j.jobid};

# By pg_cron's clock, which every version has ticking once a minute: all nine jobs at
# the next tick.  Here features fail for the owner, and not for the operator.  What a
# tick may have run before is forgotten.
query(q{
	TRUNCATE liveness_internal.liveness_job_state, provider_reliability_features, provider_heartbeats_hourly, cron.job_run_details;
	CREATE TABLE ran (job text, role text, process text);
	GRANT INSERT ON ran TO ops;
	CREATE FUNCTION note_run() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.ran SELECT NEW.job, current_user, backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid();
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_run AFTER INSERT OR UPDATE OF runs ON liveness_internal.liveness_job_state FOR EACH ROW WHEN (NEW.runs > 0) EXECUTE FUNCTION note_run();
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF current_user <> 'ops' THEN
			RAISE EXCEPTION 'no features for you';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION fail();
	INSERT INTO provider_sessions (provider_id) VALUES ('p'), ('q');
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', '2026-01-01 00:00+00'), ('p', '2026-01-01 00:10+00'), ('p', '2026-01-01 00:20+00'), ('q', now())});
$node->safe_psql($fleet, q{
	INSERT INTO "odd schema".provider_sessions (provider_id) VALUES ('a'), ('b'), ('c');
	INSERT INTO "odd schema".provider_heartbeats (provider_id, at) VALUES ('a', '2026-01-01 00:00+00'), ('a', '2026-01-01 00:10+00'), ('b', now())});
query(q{UPDATE cron.job SET schedule = '* * * * *'});
wait_for(q{SELECT count(*) = (SELECT count(*) FROM cron.job) FROM cron.job j WHERE EXISTS (SELECT FROM cron.job_run_details d WHERE d.jobid = j.jobid AND d.status IN ('succeeded', 'failed'))});
query(q{UPDATE cron.job SET schedule = '0 0 1 1 *'});
wait_for($all_done);
my $details = qq{SELECT DISTINCT d.database, d.username = 'ops', $call, d.status FROM cron.job_run_details d};
is(query("$details WHERE username <> 'ops' AND database = 'postgres' ORDER BY 3"), <<'END' =~ s/\n\z//r, 'pg_cron has run the jobs, and one has failed');
postgres|f|CALL liveness_internal.liveness_run('features')|failed
postgres|f|CALL liveness_internal.liveness_run('hourly')|succeeded
postgres|f|CALL liveness_internal.liveness_run('retention')|succeeded
END
like(query(q{SELECT return_message FROM cron.job_run_details WHERE status = 'failed' LIMIT 1}), qr/no features for you/, 'pg_cron knows why');
is(query(q{SELECT DISTINCT j.last_error, j.errors = count(*) OVER () FROM liveness_jobs j, cron.job_run_details d WHERE j.job = 'features' AND d.status = 'failed'}), 'no features for you|t', 'liveness_jobs, too');
is(query(q{SELECT count(*), sum(errors) FROM liveness_jobs WHERE job <> 'features' AND runs > 0}), '2|0', 'the others have no error');
is(query("$details WHERE username = 'ops' ORDER BY 3"), <<'END' =~ s/\n\z//r, 'the operator\'s have all succeeded');
postgres|t|CALL liveness_internal.liveness_run('features')|succeeded
postgres|t|CALL liveness_internal.liveness_run('hourly')|succeeded
postgres|t|CALL liveness_internal.liveness_run('retention')|succeeded
END
is(query(q{SELECT DISTINCT job, role, process FROM ran WHERE role = 'ops' ORDER BY job}), "features|ops|pg_cron\nhourly|ops|pg_cron\nretention|ops|pg_cron", 'and ran as the operator');
is(query(q{SELECT count(*) FROM ran WHERE process <> 'pg_cron'}), 0, 'the worker has run none');
is(query(q{SELECT string_agg(provider_id || ' ' || sessions_count, ', ' ORDER BY provider_id) FROM provider_reliability_features}), 'p 1, q 1', 'the features are there');
is(query(q{SELECT string_agg(provider_id || ' ' || heartbeat_count, ', ' ORDER BY provider_id) FROM provider_heartbeats_hourly}), 'p 3, q 1', 'and the hours');
is(query(q{SELECT string_agg(provider_id, ' ') FROM provider_heartbeats}), 'q', 'and the retention has pruned');
is(query("$details WHERE database NOT IN ('postgres') ORDER BY 3"), <<'END' =~ s/\n\z//r, 'in the other database all have succeeded');
fleet's "DB"|f|CALL liveness_internal.liveness_run('features')|succeeded
fleet's "DB"|f|CALL liveness_internal.liveness_run('hourly')|succeeded
fleet's "DB"|f|CALL liveness_internal.liveness_run('retention')|succeeded
END
is($node->safe_psql($fleet, q{SELECT count(*), sum(errors) FROM "odd schema".liveness_jobs WHERE runs > 0}), '3|0', 'where liveness_jobs has them');
is($node->safe_psql($fleet, q{SELECT (SELECT count(*) FROM "odd schema".provider_reliability_features),
	(SELECT string_agg(provider_id || ' ' || heartbeat_count, ', ' ORDER BY provider_id) FROM "odd schema".provider_heartbeats_hourly),
	(SELECT string_agg(provider_id, ' ') FROM "odd schema".provider_heartbeats)}), '3|a 2, b 1|b', 'and the tables what they did');

# The worker, pg_cron (by connections now) and four clients, all at once.  @reboot is
# pg_cron's start; the worker begins then too.
query(q{
	DROP TRIGGER fail ON provider_reliability_features;
	TRUNCATE liveness_internal.liveness_job_state, ran, provider_heartbeats, provider_heartbeats_hourly, cron.job_run_details;
	-- for each run of a rollup, what it saw when it began to write
	CREATE TABLE writes (what text, xid xid8 DEFAULT pg_current_xact_id(), seen pg_snapshot DEFAULT pg_current_snapshot());
	GRANT INSERT ON writes TO ops;
	CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.writes (what) VALUES (TG_TABLE_NAME);
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_write BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION note_write();
	CREATE TRIGGER note_write BEFORE INSERT OR UPDATE ON provider_heartbeats_hourly FOR EACH STATEMENT EXECUTE FUNCTION note_write();
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'h' || g % 10, '2026-01-01 00:00+00'::timestamptz + g * interval '1 minute' FROM generate_series(0, 999) g});
query(q{UPDATE cron.job SET schedule = '@reboot', nodename = '} . $node->host . q{'});
restart_with(<<'END');
cron.use_background_workers = off
cron.max_running_jobs = 9
liveness.scheduler = worker
END
my %scripts = (
	features => q{CALL liveness_run('features');},
	hourly => q{CALL liveness_run('hourly');},
	write => q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('w' || :client_id, now());},
	emit => q{SELECT liveness_emit('e' || :client_id);});
my @args;
for my $name (sort keys %scripts)
{
	my $path = $node->basedir . "/$name.sql";
	append_to_file($path, "$scripts{$name}\n");
	push @args, '-f', $path;
}
# heartbeats are taken once the worker says that it waits for them
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND query LIKE 'liveness: %'});
$node->command_ok([ 'pgbench', '-n', '-c', 4, '-j', 2, '-t', 100, '--random-seed', 42, @args, 'postgres' ], 'four clients run the jobs, too');
wait_for($all_done);
wait_for(q{SELECT count(DISTINCT job) = 2 FROM ran WHERE job <> 'retention' AND process = 'liveness job'});
is(query(q{SELECT sum(errors), count(last_error), bool_and(runs > 0 OR job = 'retention') FROM liveness_jobs}), '0|0|t', 'the rollups have run, and no job has failed');
is(query('SELECT string_agg(DISTINCT status, $$ $$) FROM cron.job_run_details'), 'succeeded', 'by pg_cron neither');
unlike(slurp_file($node->logfile), qr/job "\w+" of liveness failed/, 'nor by the worker');
is(query(q{
	SELECT count(*) FROM writes a JOIN writes b ON a.what = b.what AND a.xid < b.xid
	WHERE NOT pg_visible_in_snapshot(a.xid, b.seen) AND NOT pg_visible_in_snapshot(b.xid, a.seen)}), 0, 'no two runs of a rollup were at work together');
cmp_ok(query('SELECT count(DISTINCT xid) FROM writes'), '>', 10, 'of many');
query(q{SELECT liveness_flush()});
wait_for(q{SELECT liveness_rollup_hourly() IS NOT NULL}) for 1 .. 2;
wait_for(q{SELECT liveness_prune_batch('28 days') = 0});
is(query(q{
	SELECT count(*) FROM (SELECT provider_id, date_trunc('hour', at) AS hour, count(*) AS n FROM provider_heartbeats GROUP BY 1, 2) h
	FULL JOIN provider_heartbeats_hourly k USING (provider_id, hour) WHERE provider_id NOT LIKE 'h%' AND h.n IS DISTINCT FROM k.heartbeat_count}), 0, 'every heartbeat is in its hour once');
is(query(q{SELECT sum(heartbeat_count), count(*) FROM provider_heartbeats_hourly WHERE provider_id LIKE 'h%'}), '1000|170', 'those that were pruned, too: ten providers, 17 hours');

# Another schema, in pg_cron's own database, with pg_cron by background workers again.
# Jobs that are left of the old schema become those of the new one.
is(error_of('SET ROLE ops; SELECT liveness_unschedule();'), '', 'the operator goes');
query(q{UPDATE cron.job SET schedule = '0 0 1 1 *'});
restart_with(<<'END');
shared_preload_libraries = 'liveness, pg_cron'
cron.use_background_workers = on
liveness.scheduler = off
END
query(q{
	SELECT cron.unschedule(jobid) FROM cron.job WHERE database <> 'postgres';
	DROP EXTENSION liveness CASCADE;
	CREATE SCHEMA "odd schema";
	CREATE EXTENSION liveness SCHEMA "odd schema";
	SELECT "odd schema".liveness_schedule()});
is(query($jobs), $three, 'another schema: three jobs');
query(q{UPDATE cron.job SET schedule = '@reboot'; TRUNCATE cron.job_run_details});
$node->restart;
wait_for($all_done);
is(query(q{SELECT count(*), min(status), max(status) FROM cron.job_run_details}), '3|succeeded|succeeded', 'which succeed');
is(query('SELECT string_agg(job || $$ $$ || runs || $$ $$ || errors, $$, $$ ORDER BY job) FROM "odd schema".liveness_jobs'), 'features 1 0, hourly 1 0, retention 1 0', 'and did run');
is(error_of('SELECT "odd schema".liveness_unschedule();'), '', 'and are unscheduled');
is(query('SELECT count(*) FROM cron.job'), 0, 'all three');

# pg_cron's own log, by the statement of the page: one of three rows is older than a week
my ($delete_log) = slurp_file("$ENV{TESTDIR}/../docs/schedule.md") =~ /^    (SELECT cron\.schedule\('delete the log.*?\);)\n/ms;
query($delete_log);
query(q{UPDATE cron.job_run_details SET end_time = now() - CASE runid WHEN (SELECT min(runid) FROM cron.job_run_details) THEN interval '8 days' ELSE interval '6 days' END});
query(query(q{SELECT command FROM cron.job WHERE jobname = 'delete the log of pg_cron'}));
is(query('SELECT count(*) FROM cron.job_run_details'), 2, 'the log of pg_cron is deleted after a week');
query(q{SELECT cron.unschedule('delete the log of pg_cron')});

# Jobs outlive the extension.  Whoever may create in its schema, and schemas, makes what they
# called, and has it called by nobody.
query(q{
	DROP TABLE IF EXISTS ran;
	CREATE TABLE taken (role text, job text);
	GRANT INSERT ON taken TO PUBLIC;
	CREATE ROLE mallory;
	GRANT CREATE ON DATABASE postgres TO mallory;
	SELECT "odd schema".liveness_schedule();
	UPDATE cron.job SET schedule = '@reboot';
	TRUNCATE cron.job_run_details;
	DROP EXTENSION liveness CASCADE});
$node->restart;
wait_for($all_done);
is(query('SELECT count(*), min(status), max(status) FROM cron.job_run_details'), '3|succeeded|succeeded', 'jobs of an extension that was dropped do nothing');
query(q{
	TRUNCATE cron.job_run_details;
	SET ROLE mallory;
	CREATE SCHEMA liveness_internal;
	CREATE TABLE liveness_internal.liveness_granted_role (role text);
	CREATE PROCEDURE liveness_internal.liveness_run(job text, retain interval, batch_size int) LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.taken VALUES (current_user, job); END$$;
	CREATE PROCEDURE liveness_internal.liveness_run(job text) LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.taken VALUES (current_user, job); END$$});
$node->restart;
wait_for($all_done);
is(query('SELECT count(*), min(status), max(status) FROM cron.job_run_details'), '3|succeeded|succeeded', 'nor where somebody else has a schema of that name');
is(query('SELECT count(*) FROM taken'), 0, 'whose procedure is not called');
query('SET client_min_messages = warning; DROP SCHEMA liveness_internal CASCADE; CREATE SCHEMA other; CREATE EXTENSION liveness SCHEMA other; TRUNCATE cron.job_run_details');
$node->restart;
wait_for($all_done);
is(query('SELECT count(*), min(status), max(status) FROM cron.job_run_details'), '3|succeeded|succeeded', 'where the extension is back, in whichever schema');
is(query('SELECT (SELECT count(*) FROM taken), (SELECT sum(runs) FROM other.liveness_jobs), (SELECT sum(errors) FROM other.liveness_jobs)'), '0|3|0', 'they run it again');

query('SELECT other.liveness_unschedule(); DROP EXTENSION liveness; DROP SCHEMA other; CREATE EXTENSION liveness SCHEMA "odd schema"');

# pg_cron has moved to another database, and left its extension here
restart_with("cron.database_name = 'third'\n");
like(error_of('SELECT "odd schema".liveness_schedule();'), qr/ERROR:  55000: pg_cron runs in database third, not in this one\nHINT:  /, 'where pg_cron does not run any more it takes no jobs');
is(query('SELECT count(*) FROM cron.job'), 0, 'none at all');
$err = error_of('SELECT "100% %s".liveness_schedule();', 'third');
is(statements_of($err), qq{CREATE EXTENSION pg_cron;\nSELECT "100% %s".liveness_schedule();}, 'where it does now, the schema with per cent signs is in the hint');
is(error_of(statements_of($err), 'third'), '', 'whose statements work');
is($node->safe_psql('third', "SELECT $call FROM cron.job ORDER BY jobname"), <<'END' =~ s/\n\z//r, 'and in the jobs');
CALL liveness_internal.liveness_run('features')
CALL liveness_internal.liveness_run('hourly')
CALL liveness_internal.liveness_run('retention')
END
is(error_of('SELECT "100% %s".liveness_unschedule();', 'third'), '', 'which are unscheduled');
is($node->safe_psql('third', 'SELECT count(*) FROM cron.job'), 0, 'as elsewhere');

# and has gone, but for a setting that stayed
restart_with(<<'END');
shared_preload_libraries = 'liveness'
cron.database_name = 'fleet''s "DB"'
END
like(error_of('SELECT "odd schema".liveness_schedule();'), qr/ERROR:  55000: .*HINT:  .*shared_preload_libraries/s, 'where it is not loaded any more, the hint says so');
like(error_of('SELECT "odd schema".liveness_schedule();', $fleet), qr/ERROR:  55000: .*HINT:  .*shared_preload_libraries/s, 'and where it is configured, but not loaded');

$node->stop;
done_testing();
