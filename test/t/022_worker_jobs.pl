# The worker's jobs: when they run and when not, what becomes of one that fails or
# waits, and as whom they and the writing of heartbeats run.
use strict;
use warnings;

use IPC::Run;
use Liveness::Jobs qw(wait_for_no_job_of);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# At debug1 the server logs each start and end of a background process
my $settings = q{
	timezone = 'UTC'
	log_statement = none
	log_min_messages = debug1
	max_logical_replication_workers = 0
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.flush_interval = '100ms'
};

sub new_node
{
	my ($name, $more) = @_;
	my $new = PostgreSQL::Test::Cluster->new($name);
	$new->init;
	$new->append_conf('postgresql.conf', $settings . ($more // ''));
	$new->start;
	return $new;
}

my $node;

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub poll
{
	my ($sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until('postgres', $sql), $name);
}

# The worker has a state once it has opened the buffer
sub wait_for_worker
{
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL}) or die 'there is no worker';
	return query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'liveness worker'});
}

sub wait_for_no_job
{
	return wait_for_no_job_of($node);
}

# Wait until so many jobs have ended since a place in the log
sub wait_for_jobs_to_end
{
	my ($n, $offset) = @_;
	$node->wait_for_log(qr/(?:background worker "liveness job" \(PID \d+\) exited with exit code 0.*?){$n}/s, $offset);
	return;
}

# Change settings; the worker and its jobs know them when this returns, for the
# server tells them before it takes new sessions
sub set
{
	my (%value) = @_;
	while (my ($name, $value) = each %value)
	{
		$node->append_conf('postgresql.conf', "liveness.$name = '$value'\n");
	}
	$node->reload;
	while (my ($name, $value) = each %value)
	{
		$node->poll_query_until('postgres', "SELECT current_setting('liveness.$name') = '$value'") or die "liveness.$name did not change";
	}
	return;
}

sub restart_with
{
	my (%value) = @_;
	while (my ($name, $value) = each %value)
	{
		$node->append_conf('postgresql.conf', "liveness.$name = '$value'\n");
	}
	$node->restart;
	wait_for_worker();
	return;
}

sub runs
{
	return query(q{SELECT string_agg(job || ' ' || runs, ' ' ORDER BY job) FROM liveness_jobs});
}

sub runs_of
{
	my ($job) = @_;
	return query("SELECT runs FROM liveness_jobs WHERE job = '$job'");
}

sub counter
{
	my ($name) = @_;
	return query("SELECT value FROM liveness_stats WHERE name = 'liveness_$name'");
}

sub emits_ok
{
	my ($provider, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	query("SELECT liveness_emit('$provider')");
	query('SELECT liveness_flush()');
	return is(query("SELECT count(*) FROM provider_heartbeats WHERE provider_id = '$provider'"), 1, $name);
}

# ---------- servers that need some time, which the others use ----------

# Two processes: the worker, and one job at a time. It looks for a free one every 10 s.
my $narrow = $node = new_node('narrow', "max_worker_processes = 2\nliveness.scheduler = off\n");
query('CREATE EXTENSION liveness');
restart_with(scheduler => 'worker');

# A server whose worker finds no extension; created later, by a superuser who will
# not be one for long, in a schema whose name must be quoted
my $late = $node = new_node('late', "liveness.rollup_interval = '1h'\n");
$node->poll_query_until('postgres', q{SELECT query = 'liveness: look for the extension' AND state = 'idle' FROM pg_stat_activity WHERE backend_type = 'liveness worker'})
  or die 'the worker does not look for the extension';
# All jobs were due at once
unlike(slurp_file($node->logfile), qr/liveness job/, 'no process of a job is started where there is no extension');
query(q{
	CREATE ROLE fleet_owner SUPERUSER;
	GRANT CREATE ON DATABASE postgres TO fleet_owner;
	SET ROLE fleet_owner;
	CREATE SCHEMA "my %s Schema";
	CREATE EXTENSION liveness SCHEMA "my %s Schema";
	RESET ROLE;
	ALTER ROLE fleet_owner NOSUPERUSER;
});
my $created_at = query('SELECT clock_timestamp()');
is(query('SELECT "my %s Schema".liveness_emit($$first$$)'), 't', 'heartbeats are taken as soon as the extension is there');
query('SELECT "my %s Schema".liveness_flush()');
is(query('SELECT provider_id FROM "my %s Schema".provider_heartbeats'), 'first', 'and written');
query(q{INSERT INTO "my %s Schema".provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('first', now() - interval '2 hours', now() - interval '1 hour')});

# ---------- when jobs run ----------

$node = new_node('jobs', "liveness.scheduler = off\nmax_prepared_transactions = 1\n");
query(q{
	CREATE EXTENSION liveness;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('a', now() - interval '48 hours', now() - interval '24 hours');
	INSERT INTO provider_heartbeats (provider_id, at)
		SELECT 'a', date_trunc('hour', now()) - interval '2 hours' + g * interval '5 minutes' FROM generate_series(1, 3) g;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('old', now() - interval '40 days');
});
is(runs(), 'features 0 hourly 0 retention 0', 'nothing runs with liveness.scheduler = off');
restart_with(scheduler => 'worker');
# the retention has the hours rolled up that it is about to prune
poll(q{SELECT bool_and(runs = 1 OR job = 'hourly' AND runs = 2) FROM liveness_jobs}, 'all three run promptly after start');
# one day of 14
is(query('SELECT provider_id, sessions_count, median_session_seconds, round(uptime_pct::numeric, 5) FROM provider_reliability_features'), 'a|1|86400|0.07143', 'features');
is(query(q{SELECT provider_id, heartbeat_count FROM provider_heartbeats_hourly ORDER BY 1}), "a|3\nold|1", 'hours');
is(query('SELECT provider_id, count(*) FROM provider_heartbeats GROUP BY 1'), 'a|3', 'the old heartbeat was pruned');
is(query(q{SELECT last_rows FROM liveness_jobs WHERE job = 'retention'}), 1, 'and is counted');
is(query('SELECT sum(errors) FROM liveness_jobs'), 0, 'without errors');
my ($features, $hourly);
my $retention = runs_of('retention');
set(rollup_interval => '1s');
poll(q{SELECT min(runs) >= 4 FROM liveness_jobs WHERE job <> 'retention'}, 'again and again with liveness.rollup_interval = 1s');
is(runs_of('retention'), $retention, 'but not the retention, which is due in an hour');

# A run by hand counts: within half an interval the worker leaves its own out
set(rollup_interval => '1h');
wait_for_no_job();
query("CALL liveness_run('$_')") for qw(features hourly retention);
my $runs = runs();
my $offset = -s $node->logfile;
restart_with();
wait_for_jobs_to_end(3, $offset);
is(runs(), $runs, 'what has just been run by hand is not run again at start');
query(q{UPDATE liveness_internal.liveness_job_state SET runs = 0, last_started_at = now() - CASE job WHEN 'features' THEN interval '25 minutes' ELSE interval '31 minutes' END});
$offset = -s $node->logfile;
restart_with();
wait_for_jobs_to_end(3, $offset);
is(runs(), 'features 0 hourly 1 retention 1', 'within half an interval, which is 30 minutes');
query(q{UPDATE liveness_internal.liveness_job_state SET runs = 0, last_started_at = now() + interval '1 day'});
restart_with();
poll('SELECT bool_and(runs = 1) FROM liveness_jobs', 'a last run in the future does not keep them: the clock was set back');

# The retention finds the hourly rollup under way, without which it prunes nothing
query(q{
	UPDATE liveness_internal.liveness_job_state SET runs = 0, last_started_at = CASE job WHEN 'retention' THEN now() - interval '1 day' ELSE now() END;
	UPDATE liveness_internal.liveness_job_state SET pruned_before = NULL WHERE job = 'hourly';
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('old', now() - interval '39 days');
});
wait_for_no_job();
my $keeper = $node->background_psql('postgres');
$keeper->query_safe(q{BEGIN; SELECT liveness_internal.liveness_lock_job('hourly', false)});
$offset = -s $node->logfile;
query('SELECT pg_terminate_backend(' . wait_for_worker() . ')');
wait_for_jobs_to_end(3, $offset);
is(runs_of('retention'), 0, 'the retention waits for the hourly rollup to end');
$keeper->quit;
poll(q{SELECT runs = 1 FROM liveness_jobs WHERE job = 'retention'}, 'and runs soon after that, not in an hour');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'old'}), 0, 'with its work done');

# ---------- who runs them ----------

for my $other (qw(cron off))
{
	set(scheduler => 'worker', rollup_interval => '1s');
	my $before = runs_of('hourly');
	poll("SELECT runs > $before FROM liveness_jobs WHERE job = 'hourly'", "liveness.scheduler = worker: they run");
	set(scheduler => $other);
	wait_for_no_job();
	$runs = runs();
	query('SELECT pg_sleep(2.5)');	# that nothing happens takes time
	is(runs(), $runs, "liveness.scheduler = $other: they do not");
	emits_ok("x $other", 'heartbeats are written still');
}
set(scheduler => 'worker');
poll(q{SELECT min(runs) > } . (split / /, $runs)[1] . q{ FROM liveness_jobs WHERE job <> 'retention'}, 'back to worker: they run again');

set(rollup_interval => 0);
wait_for_no_job();
query(q{UPDATE liveness_internal.liveness_job_state SET runs = 0, last_started_at = now() - interval '1 day'});
restart_with();
poll(q{SELECT runs = 1 FROM liveness_jobs WHERE job = 'retention'}, 'liveness.rollup_interval = 0 leaves the retention');
wait_for_no_job();
is(runs(), 'features 0 hourly 0 retention 1', 'and no rollup');

# ---------- a job that fails ----------

query(q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no features today' USING HINT = 'Tomorrow.'; END$$;
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH ROW EXECUTE FUNCTION fail();
});
my $errors_before = counter('features_errors_total');
$offset = -s $node->logfile;
set(rollup_interval => '1s');
poll(q{SELECT errors > 0 FROM liveness_jobs WHERE job = 'features'}, 'a failing job');
$hourly = runs_of('hourly');
is(query(q{SELECT last_error, last_error_at > now() - interval '1 minute' FROM liveness_jobs WHERE job = 'features'}), 'no features today|t', 'is noted in liveness_jobs');
ok($node->log_contains(qr/LOG:  job "features" of liveness failed: no features today\n[^\n]*HINT:  Tomorrow\./, $offset), 'and logged');
emits_ok('y', 'heartbeats are written');
poll('SELECT runs >= ' . ($hourly + 6) . q{ FROM liveness_jobs WHERE job = 'hourly'}, 'the hourly rollup runs every second');
poll(q{SELECT errors >= 4 FROM liveness_jobs WHERE job = 'features'}, 'the features rollup is tried again');
my $errors = query(q{SELECT errors FROM liveness_jobs WHERE job = 'features'});
my @failed = slurp_file($node->logfile, $offset) =~ / \d\d:(\d\d:[\d.]+) [^\n]*LOG:  job "features" of liveness failed/g;
my ($first, $fourth) = map { my ($minutes, $seconds) = split /:/; $minutes * 60 + $seconds } @failed[ 0, 3 ];
# after 0, 1, 3, 7 s; once a second it would be after 3
cmp_ok(($fourth - $first) * 1000 % 3_600_000, '>', 5000, 'but less and less often');
query('DROP TRIGGER fail ON provider_reliability_features');
poll(q{SELECT runs > 0 FROM liveness_jobs WHERE job = 'features'}, 'and recovers by itself');
is(query(q{SELECT last_error, errors >= } . $errors . q{ FROM liveness_jobs WHERE job = 'features'}), 'no features today|t', 'what was stays on record');
is(query(qq{SELECT (SELECT value - $errors_before FROM liveness_stats WHERE name = 'liveness_features_errors_total') = errors FROM liveness_jobs WHERE job = 'features'}), 't', 'the counters have it too');
$features = runs_of('features');
poll("SELECT runs >= $features + 3 FROM liveness_jobs WHERE job = 'features'", 'then every second again');

# ---------- a job that waits ----------

$keeper = $node->background_psql('postgres');
$keeper->query_safe('BEGIN; LOCK TABLE provider_reliability_features IN ACCESS EXCLUSIVE MODE');
my $waiting = q{FROM pg_stat_activity WHERE backend_type = 'liveness job' AND wait_event_type = 'Lock'};
poll("SELECT count(*) = 1 $waiting", 'the features rollup waits for a lock');
is(query("SELECT datname, application_name, query, state $waiting"), 'postgres|liveness job: features|liveness: roll up features|active', 'as pg_stat_activity shows');
like(query(q{SELECT datname, backend_type, application_name, query FROM pg_stat_activity WHERE backend_type = 'liveness worker'}),
	qr/^postgres\|liveness worker\|liveness worker\|liveness: [a-z ]+$/, 'which shows the worker too');
($features, $hourly) = (runs_of('features'), runs_of('hourly'));
emits_ok('z', 'heartbeats are written meanwhile');
poll("SELECT runs >= $hourly + 3 FROM liveness_jobs WHERE job = 'hourly'", 'and the hourly rollup runs');
is(query("SELECT count(*) $waiting"), 1, 'no second one joins it');
is(runs_of('features'), $features, 'it waits still');

# Whoever ends it is not told that it failed
my $pid = query("SELECT pid $waiting");
$errors = query(q{SELECT errors FROM liveness_jobs WHERE job = 'features'});
query("SELECT pg_terminate_backend($pid)");
poll("SELECT count(*) = 1 $waiting AND pid <> $pid", 'terminated, it comes back');
is(query(q{SELECT errors FROM liveness_jobs WHERE job = 'features'}), $errors, 'and no error is noted');
$keeper->query_safe('COMMIT');
$keeper->quit;
poll("SELECT runs > $features FROM liveness_jobs WHERE job = 'features'", 'with the lock released, it goes on');

# A shutdown does not wait for a job
query(q{BEGIN; LOCK TABLE provider_reliability_features IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'keeper'});
$node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting") or die 'the job does not wait';
ok($node->stop('fast', fail_ok => 1), 'a shutdown does not wait for a job that waits');
$node->start;
query(q{COMMIT PREPARED 'keeper'});

# ---------- both by the worker and by hand ----------

set(scheduler => 'off');
wait_for_no_job();
query(q{
	CREATE TABLE noted (job text, who text);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.runs > coalesce(OLD.runs, 0) THEN
			INSERT INTO public.noted VALUES (NEW.job, current_setting('application_name'));
		END IF;
		RETURN NULL;
	END $$;
	TRUNCATE liveness_internal.liveness_job_state;
	CREATE TRIGGER note AFTER INSERT OR UPDATE ON liveness_internal.liveness_job_state FOR EACH ROW EXECUTE FUNCTION note();
	SELECT liveness_stats_reset();
});
my $script = $node->basedir . '/by_hand.sql';
append_to_file($script, "CALL liveness_run('features');\nCALL liveness_run('hourly');\n\\set ms random(0, 800)\n\\sleep :ms ms\n");
$offset = -s $node->logfile;
set(scheduler => 'worker');
my ($out, $err) = ('', '');
IPC::Run::run([ 'pgbench', '-n', '-c', 2, '-t', 12, '-f', $script, $node->connstr('postgres') . ' application_name=by_hand' ], '>', \$out, '2>', \$err);
is($?, 0, 'two sessions run both rollups by hand, and none of the runs fails') or diag($err);
poll(q{SELECT count(*) = 2 FROM (SELECT DISTINCT job FROM noted WHERE who LIKE 'liveness job: %' AND job <> 'retention') n}, 'the worker does so too');
set(scheduler => 'off');
wait_for_no_job();
for my $job (qw(features hourly))
{
	my $skipped = () = $err =~ /NOTICE:  another run of the $job rollup is in progress/g;
	is(query("SELECT count(*) FROM noted WHERE job = '$job' AND who = 'by_hand'"), 24 - $skipped, "$job: each of the 24 was a run or said that another was in progress");
	is(query("SELECT runs = (SELECT count(*) FROM noted n WHERE n.job = j.job), errors FROM liveness_jobs j WHERE job = '$job'"), 't|0', 'all runs are counted, by whomever');
	is(counter("${job}_runs_total") . ' ' . counter("${job}_errors_total"), runs_of($job) . ' 0', 'by the counters too');
}
ok(!$node->log_contains(qr/ (?:ERROR|FATAL|PANIC):|job "\w+" of liveness failed|deadlock/, $offset), 'without an error');
$node->stop;

# ---------- few processes ----------

$node = $narrow;
ok($node->log_contains(qr/LOG:  no background process is free for job "hourly" of liveness, trying again\n[^\n]*HINT:  If this goes on, raise max_worker_processes\./),
	'too few processes: the log says so');
poll('SELECT bool_and(runs >= 1) FROM liveness_jobs', 'the jobs take turns');
is(query('SELECT sum(errors) FROM liveness_jobs'), 0, 'without errors');
$node->append_conf('postgresql.conf', "max_worker_processes = 1\n");
query('TRUNCATE liveness_internal.liveness_job_state');
$offset = -s $node->logfile;
restart_with();
$node->wait_for_log(qr/no background process is free for job "retention"/, $offset);
is(() = slurp_file($node->logfile, $offset) =~ /no background process is free for job/g, 3, 'a single one, the worker: said of each job, once');
emits_ok('narrow', 'it writes heartbeats');
is(runs(), 'features 0 hourly 0 retention 0', 'and no job runs');
# now it is the launcher's
$node->append_conf('postgresql.conf', "max_logical_replication_workers = 1\n");
$node->restart;
$node->psql('postgres', q{SELECT liveness_emit('x')}, stderr => \$err);
like($err, qr/ERROR: .*needs the liveness worker, which is not running\nHINT: .*max_worker_processes/, 'not even the worker: emit says what may be the reason');
$node->stop;

# ---------- privileges ----------

$node = $late;
query(qq{ALTER ROLE CURRENT_USER IN DATABASE postgres SET search_path = "my %s Schema", public});
poll('SELECT bool_and(runs = 1) FROM liveness_jobs', 'an extension created later: the jobs find it');
is(query(qq{SELECT max(last_started_at) - '$created_at' < interval '30 minutes' FROM liveness_jobs}), 't', 'long before liveness.rollup_interval is over, and that of the retention, an hour each');
is(query('SELECT provider_id, sessions_count FROM provider_reliability_features'), 'first|1', 'in a schema with a difficult name: features');
is(query('SELECT provider_id, heartbeat_count FROM provider_heartbeats_hourly'), 'first|1', 'and hours');
is(query(q{SELECT e.extowner::regrole, r.rolsuper FROM pg_extension e JOIN pg_roles r ON r.oid = e.extowner WHERE extname = 'liveness'}), 'fleet_owner|f', 'its owner is no superuser any more');

# mallory may put triggers on the tables, and hopes that a superuser comes along
query(q{
	CREATE ROLE mallory;
	CREATE SCHEMA lair AUTHORIZATION mallory;
	GRANT USAGE ON SCHEMA "my %s Schema" TO mallory;
	GRANT TRIGGER ON provider_heartbeats, provider_reliability_features TO mallory;
	SET ROLE mallory;
	GRANT USAGE ON SCHEMA lair TO PUBLIC;
	CREATE TABLE lair.seen (id bigserial, trigger text, application text, role text, path text, mine text);
	CREATE TABLE lair.tried (trigger text, what text, error text);
	GRANT ALL ON ALL TABLES IN SCHEMA lair TO PUBLIC;
	GRANT USAGE ON SEQUENCE lair.seen_id_seq TO PUBLIC;
	CREATE FUNCTION lair.spy() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		what text;
	BEGIN
		INSERT INTO lair.seen (trigger, application, role, path, mine)
			VALUES (TG_NAME, current_setting('application_name'), current_user, current_setting('search_path'), current_setting('lair.mine', true));
		FOREACH what IN ARRAY ARRAY[
			format('SET ROLE %I', session_user), 'SET LOCAL ROLE NONE', 'RESET ROLE',
			format('SET SESSION AUTHORIZATION %I', session_user), 'RESET SESSION AUTHORIZATION',
			format('SELECT set_config(%L, %L, false)', 'role', session_user),
			'ALTER ROLE mallory SUPERUSER', 'CREATE TEMPORARY TABLE t ()', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'] LOOP
			BEGIN
				EXECUTE what;
				INSERT INTO lair.tried VALUES (TG_NAME, what, 'succeeded as ' || current_user);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO lair.tried VALUES (TG_NAME, what, SQLERRM);
			END;
		END LOOP;
		PERFORM set_config('search_path', 'lair', false), set_config('lair.mine', 'left behind', false),
			set_config('default_transaction_read_only', 'on', false), set_config('statement_timeout', '1', false);
		RETURN NEW;
	END $$;
	CREATE TRIGGER at_once BEFORE INSERT ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION lair.spy();
	CREATE CONSTRAINT TRIGGER later AFTER INSERT ON provider_heartbeats DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.spy();
	CREATE TRIGGER at_once BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH ROW EXECUTE FUNCTION lair.spy();
	CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE ON provider_reliability_features DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.spy();
});
emits_ok('spied', 'a heartbeat with triggers on the table');
my $seen = q{SELECT DISTINCT trigger, application, role FROM lair.seen ORDER BY 1};
is(query($seen), "at_once|liveness worker|fleet_owner\nlater|liveness worker|fleet_owner", 'they run as the owner of the extension, also the one that is deferred');
is(query(q{SELECT path, mine FROM lair.seen WHERE trigger = 'at_once'}), 'pg_catalog, pg_temp|', 'with a search_path that nobody can put anything into');
my $tried = q{SELECT count(*), count(*) FILTER (WHERE error LIKE 'succeeded%'), count(*) FILTER (WHERE error ~ 'within security-(definer function|restricted operation)') FROM lair.tried WHERE trigger = };
is(query("$tried 'at_once'"), '9|0|8', 'nine ways out are barred, eight because of where it runs');
is(query("$tried 'later'"), '9|0|8', 'also to the deferred trigger');
like(query(q{SELECT DISTINCT error FROM lair.tried WHERE what LIKE 'ALTER ROLE%'}), qr/^(must be superuser|permission denied) to alter .*role/, 'and one by privileges');
emits_ok('spied again', 'a second heartbeat, with whatever settings the first has left');
is(query(q{SELECT path, mine FROM lair.seen WHERE trigger = 'at_once' ORDER BY id}), "pg_catalog, pg_temp|\npg_catalog, pg_temp|", 'which is none');

# The same for a job
query('TRUNCATE lair.seen, lair.tried');
set(rollup_interval => '1s');
$node->poll_query_until('postgres', q{SELECT count(*) >= 4 FROM lair.seen}) or die 'no job runs';
is(query($seen), "at_once|liveness job: features|fleet_owner\nlater|liveness job: features|fleet_owner", 'jobs run as the owner, too');
is(query(q{SELECT count(*) FROM lair.tried WHERE error LIKE 'succeeded%'}), 0, 'with no way out');
is(query(q{SELECT errors FROM liveness_jobs WHERE job = 'features'}), 0, 'and do their work');
set(rollup_interval => 0);
wait_for_no_job();

# To defer a trigger until the transaction ends, when the owner is gone, is an error
query(q{
	TRUNCATE lair.seen, lair.tried;
	SET ROLE mallory;
	CREATE FUNCTION lair.defer() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN SET CONSTRAINTS ALL DEFERRED; RETURN NEW; END$$;
	CREATE TRIGGER a_defer BEFORE INSERT ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION lair.defer();
});
$offset = -s $node->logfile;
is(query(q{SELECT liveness_emit('deferred')}), 't', 'a heartbeat whose trigger is to be deferred');
$node->wait_for_log(qr/could not write heartbeats from the buffer: cannot fire deferred trigger within security-restricted operation/, $offset);
is(query('SELECT count(*) FROM lair.seen'), 0, 'the trigger does not run at all');
query('DROP TRIGGER a_defer ON provider_heartbeats');
query('SELECT liveness_flush()');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'deferred'}), 1, 'without that, the heartbeat is written');
is(query($seen), "at_once|liveness worker|fleet_owner\nlater|liveness worker|fleet_owner", 'and the triggers run as the owner');
is(counter('rows_set_aside_total'), 0, 'none was set aside');
is(query(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'mallory is what she was');

$node->stop;
done_testing();
