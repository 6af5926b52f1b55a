# The counters behind liveness_stats: what each of them counts, that nothing is
# counted which is rolled back, what becomes of them when the server stops, and who
# may read and reset them.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('stats');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_prepared_transactions = 5\nrestart_after_crash = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');
my $file = $node->data_dir . '/pg_stat/liveness.stat';

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub error_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

sub is_refused
{
	my ($role, $sql, $what) = @_;
	return like(error_of("SET ROLE $role; $sql;"), qr/ERROR:  42501: permission denied/, $what);
}

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
		$node->poll_query_until('postgres', "SELECT current_setting('liveness.$name') = '$value'")
		  or die "liveness.$name did not change";
	}
	return;
}

# The worker says so when it has opened the buffer
sub wait_for_worker
{
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND query LIKE 'liveness: %'})
	  or die 'the worker is not there';
	return;
}

my @counters = qw(emitted_total dropped_total flush_rows_total flush_failed_total rows_set_aside_total
	rows_lost_total buffer_high_water features_runs_total features_providers_total features_errors_total
	hourly_runs_total hourly_rows_total hourly_errors_total hourly_late_total retention_runs_total
	retention_rows_total retention_errors_total sessions_runs_total sessions_rows_total sessions_errors_total
	session_close_failed_total buffered);
my @durations = map { "${_}_last_duration_seconds" } qw(flush features hourly retention sessions);
my @sizes = qw(buffered_bytes buffer_size_bytes);

sub counters
{
	return { map { split /\|/ } split /\n/, query(q{SELECT substr(name, length('liveness_') + 1), value FROM liveness_stats WHERE name !~ '_(seconds|bytes)$'}) };
}

sub value
{
	my ($name) = @_;
	return query("SELECT value FROM liveness_stats WHERE name = 'liveness_$name'");
}

sub since
{
	return query('SELECT DISTINCT since FROM liveness_stats');
}

# What all counters should be by now: each step says what it adds, and no other may
# have moved
my %expected;
sub begin_anew
{
	%expected = map { $_ => 0 } @counters;
	return;
}

sub counted
{
	my ($what, %more) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$expected{$_} += $more{$_} for keys %more;
	return is_deeply(counters(), \%expected, $what);
}

sub lines_of_log
{
	my ($offset) = @_;
	return slurp_file($node->logfile, $offset);
}

# Without the library preloaded there are no counters, and all that counts works
like(error_of('SELECT * FROM liveness_stats;'), qr/ERROR:  55000: the counters of liveness are not available\nHINT:  .*shared_preload_libraries/,
	'not preloaded: there are no counters, and a hint says why');
like(error_of('SELECT liveness_stats_reset();'), qr/ERROR:  55000: .*\nHINT:  .*shared_preload_libraries/, 'nor anything to reset');
is(query(q{SELECT liveness_close_session(-1, 'x')}), 'f', 'a close that fails works');
is(query(q{INSERT INTO provider_sessions (provider_id) VALUES ('a'); INSERT INTO provider_heartbeats (provider_id) VALUES ('a'), ('b');
	SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch()}), '1|2|0', 'and the rollups, and the retention');
query('CALL liveness_prune()');
is(query(q{SELECT liveness_internal.liveness_record_error('features', 'what'); SELECT errors, last_error FROM liveness_jobs WHERE job = 'features'}), "\n1|what", 'and an error is noted');
is(query(q{SELECT liveness_internal.liveness_count('features_runs_total', 1)}), '', 'counting does nothing');
like(error_of(q{SELECT liveness_internal.liveness_count('nonsense', 1);}), qr/ERROR:  42704: "nonsense" is not a counter/, 'though it must be a counter');
ok(!-e $file, 'and no file is written');

# The buffer of 64 kB is emptied on demand only: it counts what is in it and no clock.
# No lookback: a run of the hourly rollup writes the cells touched and no others.
$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'liveness'
liveness.database = 'postgres'
liveness.scheduler = off
liveness.buffer_size = 64kB
liveness.batch_size = 100000
liveness.flush_interval = 1h
liveness.rollup_lookback = 0
END
query('TRUNCATE provider_heartbeats, provider_heartbeats_hourly, provider_sessions, provider_reliability_features, liveness_internal.liveness_job_state');
my $before = query('SELECT clock_timestamp()');
$node->restart;
ok(!-e $file, 'a server without the library has left no counters');
wait_for_worker();

is(query('SELECT string_agg(name, $$ $$ ORDER BY name) FROM liveness_stats'), join(' ', sort map { "liveness_$_" } @counters, @durations, @sizes), 'every counter is there');
is(query(q{SELECT count(*) FILTER (WHERE name LIKE 'liveness\_%'), count(DISTINCT help), min(length(help)) > 10, count(DISTINCT since), bool_and(since > '}
		. $before . q{'), bool_and(since < now()), bool_and(value = 0 OR name = 'liveness_buffer_size_bytes') FROM liveness_stats}),
	'29|29|t|1|t|t|t', 'named for us, explained, with one beginning, and all zero');
begin_anew();

# The buffer
is(query(q{SELECT count(*) FROM (SELECT liveness_emit('p' || g, at => '2026-01-01 00:00+00') AS taken FROM generate_series(1, 5) g) e WHERE taken}), 5, 'five heartbeats are emitted');
counted('and counted', emitted_total => 5, buffered => 5, buffer_high_water => 5);
is(value('flush_last_duration_seconds'), 0, 'nothing was written yet');
is(query('SELECT liveness_flush()'), 5, 'they are written');
counted('and counted', flush_rows_total => 5, buffered => -5);
cmp_ok(value('flush_last_duration_seconds'), '>', 0, 'it took time');
query(q{SELECT liveness_emit('p1', at => '2026-01-01 01:30+00'), liveness_emit('p1', at => '2026-01-01 02:30+00')});
counted('two more: at most five were there at once', emitted_total => 2, buffered => 2);
query('SELECT liveness_flush()');
counted('and these are written', flush_rows_total => 2, buffered => -2);
like(error_of('SELECT liveness_emit(NULL);'), qr/ERROR:  23502/, 'one that is refused with an error');
counted('is no heartbeat');

# The hourly rollup: p1 has three cells, p2 to p5 one
is(query('SELECT liveness_rollup_hourly()'), 7, 'seven cells');
counted('a run, seven rows', hourly_runs_total => 1, hourly_rows_total => 7);
query('SELECT liveness_rollup_hourly()');
counted('a run with nothing to do is one', hourly_runs_total => 1);
is(query(q{SELECT liveness_rollup_hourly('2026-01-01 01:00+00', '2026-01-01 03:00+00')}), 2, 'two of them again');
counted('a run of a range', hourly_runs_total => 1, hourly_rows_total => 2);

# The features
query(q{INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('p1', '2026-01-01'), ('p2', '2026-01-01'), ('p2', '2026-01-02'), ('p3', '2026-01-01')});
query('SELECT liveness_rollup_features()') for 1 .. 2;
counted('three providers, two runs', features_runs_total => 2, features_providers_total => 6);
query(q{CALL liveness_run('features')});
counted('liveness_run is one too', features_runs_total => 1, features_providers_total => 3);
is(query('SELECT count(*), min(as_of) > now() - interval \'1 hour\' FROM liveness_internal.liveness_shock_estimate'), '3|t', 'which also estimates how far providers fall together');

# The retention, up to a given hour.  Before it deletes anything it rolls up the new
# heartbeat and, once more, the seven cells: a run of the hourly rollup.
my $retain = q{now() - timestamptz '2026-01-02 00:30+00'};
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('new')});
query("CALL liveness_prune($retain)");
counted('seven heartbeats are pruned', retention_runs_total => 1, retention_rows_total => 7, hourly_runs_total => 1, hourly_rows_total => 8);
query("CALL liveness_prune($retain)");
counted('nothing is left for the next run', retention_runs_total => 1);
is(query("SELECT liveness_prune_batch($retain)"), 0, 'nor for a batch');
counted('which is one, too', retention_runs_total => 1);

# Heartbeats that come too late
query(q{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'late', '2026-01-01 00:10+00' FROM generate_series(1, 3)});
is(query('SELECT liveness_rollup_hourly()'), 0, 'three heartbeats of a closed hour');
counted('are late', hourly_runs_total => 1, hourly_late_total => 3);
query("SELECT liveness_prune_batch($retain)");
counted('and go, as late as before', retention_runs_total => 1, retention_rows_total => 3);
query(q{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'late', '2026-01-01 00:10+00' FROM generate_series(1, 2)});
query("SELECT liveness_prune_batch($retain)");
counted('two that no rollup has seen', retention_runs_total => 1, retention_rows_total => 2, hourly_late_total => 2);
is(value('hourly_late_total'), query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), 'liveness_job_state has the same number');

# Other retentions count their rows in the same place: an hour, a closed session and its features
query(q{
	INSERT INTO provider_heartbeats_hourly (provider_id, hour) VALUES ('gone', '2025-01-01 00:00+00');
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('gone', '2025-01-01 00:00+00', '2025-01-02 00:00+00');
	INSERT INTO provider_reliability_features (provider_id, updated_at) VALUES ('gone', '2025-01-02 00:00+00');
	DELETE FROM provider_heartbeats_hourly WHERE hour = '2026-01-01 00:00+00' OR hour = '2026-01-01 01:00+00' OR hour = '2026-01-01 02:00+00'});
set(hourly_retention => '31d', session_retention => '31d');
query("CALL liveness_prune($retain)");
counted('an hour, a session, a row of features', retention_runs_total => 1, retention_rows_total => 3);
set(hourly_retention => -1, session_retention => -1);

# Durations are those of liveness_jobs
is(query(q{
	SELECT string_agg(j.job, ' ' ORDER BY j.job)
	FROM liveness_jobs j JOIN liveness_stats c ON c.name = 'liveness_' || j.job || '_last_duration_seconds'
	WHERE c.value > 0 AND c.value < 60 AND abs(c.value - extract(epoch FROM j.last_duration)::float8) < 0.0000005}),
	'features hourly retention', 'the durations are those of the last runs, to the microsecond');
is(query(q{
	SELECT string_agg(j.job, ' ' ORDER BY j.job)
	FROM liveness_jobs j JOIN liveness_stats c ON c.name = 'liveness_' || j.job || '_runs_total' WHERE c.value = j.runs}),
	'features hourly retention', 'and so are the runs');

# Errors: those that a scheduler's call has noted
query(q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH ROW EXECUTE FUNCTION fail();
	CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON provider_heartbeats_hourly FOR EACH ROW EXECUTE FUNCTION fail();
	CREATE TRIGGER fail BEFORE DELETE ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION fail()});
like(error_of(q{CALL liveness_run('features');}), qr/ERROR:  P0001: no/, 'features fails');
counted('counted', features_errors_total => 1);
like(error_of('SELECT liveness_rollup_features();'), qr/ERROR:  P0001: no/, 'the function alone');
counted('notes nothing');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('new')});
for my $n (1 .. 2)
{
	like(error_of(q{CALL liveness_run('hourly');}), qr/ERROR:  P0001: no/, 'hourly fails');
	counted("counted: $n", hourly_errors_total => 1);
}
query(q{DROP TRIGGER fail ON provider_heartbeats_hourly; INSERT INTO provider_heartbeats (provider_id, at) VALUES ('old', '2026-01-03 00:00+00')});
like(error_of(q{CALL liveness_run('retention');}), qr/ERROR:  P0001: no/, 'the retention fails');
counted('counted, and the hourly rollup that it had begun with is not', retention_errors_total => 1);
like(error_of(q{CALL liveness_run('nonsense');}), qr/ERROR:  22023/, 'a job that does not exist');
counted('has no counter');
query('DROP TRIGGER fail ON provider_reliability_features; DROP TRIGGER fail ON provider_heartbeats');
is(query(q{
	SELECT string_agg(j.job, ' ' ORDER BY j.job)
	FROM liveness_jobs j JOIN liveness_stats c ON c.name = 'liveness_' || j.job || '_errors_total' WHERE c.value = j.errors AND c.value > 0}),
	'features hourly retention', 'liveness_jobs has the same numbers');

# Sessions that are not open: closed already, unknown, NULL
my $id = query(q{SELECT liveness_open_session('s')});
is(query("SELECT liveness_close_session($id, 'x')"), 't', 'a close');
counted('that succeeds is not counted');
is(query("SELECT liveness_close_session($id, 'x')"), 'f', 'the second');
counted('is', session_close_failed_total => 1);
is(query(q{SELECT liveness_close_session(-1, 'x'), liveness_close_session(NULL, 'x')}), 'f|f', 'and two of sessions that never were');
counted('too', session_close_failed_total => 2);
like(error_of(q{SELECT liveness_close_session(-1, 'x', 'infinity');}), qr/ERROR:  22008/, 'one that is an error');
counted('is not');

# A full buffer, over a table that is locked.  A heartbeat takes 112 bytes and its
# text, to a multiple of 8: 120, of which 65,536 bytes hold 546.  The worker tries to
# write them as soon as an eighth is taken.
set(flush_timeout => '200ms');
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK provider_heartbeats');
my $offset = -s $node->logfile;
my $failed = value('flush_failed_total');
is(query(q{SELECT count(*) FROM (SELECT liveness_emit('x') AS taken FROM generate_series(1, 600)) e WHERE taken}), 546, '546 of 600 heartbeats find room');
is(join(' ', map { value($_) } @sizes), '65520 65536', 'it is as full as that');
like(lines_of_log($offset), qr/LOG:  heartbeat buffer is full, 1 heartbeats were dropped so far/, 'the log says so');
unlike(lines_of_log($offset), qr/heartbeat buffer is full.*heartbeat buffer is full/s, 'once');
my $waiter = $node->background_psql('postgres');
$waiter->query_until(qr/started/, "\\echo started\nSELECT liveness_flush();\n");
$node->poll_query_until('postgres', qq{SELECT value > $failed FROM liveness_stats WHERE name = 'liveness_flush_failed_total'}) or die 'the worker does not give up';
pass('an attempt to write them has failed, as is counted');
$locker->query_safe('ROLLBACK');
$locker->quit;
set(flush_timeout => '30s');
query('SELECT liveness_flush()');
counted('546 of 600 were taken and written in the end, the others are dropped', emitted_total => 546, dropped_total => 54, buffer_high_water => 541,
	flush_rows_total => 546, flush_failed_total => value('flush_failed_total') - $failed);
like($waiter->query('SELECT 1'), qr/^(546\n)?1$/, 'whoever waits for the first is told');
$waiter->quit;

# Heartbeats that cannot be inserted, and those of an extension that was dropped
query('ALTER TABLE provider_heartbeats ADD CHECK (cpu_usage <= 1)');
query(q{SELECT liveness_emit('y', cpu_usage => cpu) FROM unnest(ARRAY[0, 0.5, 2, 1]::real[]) cpu});
is(query('SELECT liveness_flush()'), 3, 'one of four heartbeats cannot be inserted');
counted('and is set aside', emitted_total => 4, flush_rows_total => 3, rows_set_aside_total => 1);
query(q{SELECT liveness_emit('y'), liveness_emit('z')});
query('DROP EXTENSION liveness; CREATE EXTENSION liveness');
counted('counters are the server\'s, not the extension\'s', emitted_total => 2, buffered => 2);
is(query('SELECT liveness_flush()'), 0, 'heartbeats of an extension that was dropped');
counted('are set aside', rows_set_aside_total => 2, buffered => -2);

# liveness_internal.liveness_count is exact about what it is given
query(q{SELECT liveness_internal.liveness_count('hourly_rows_total', 3), liveness_internal.liveness_count('hourly_rows_total', 0.4), liveness_internal.liveness_count('hourly_rows_total', 0),
	liveness_internal.liveness_count('hourly_rows_total', NULL), liveness_internal.liveness_count(NULL, 1), liveness_internal.liveness_count('hourly_last_duration_seconds', 1.25)});
counted('liveness_count', hourly_rows_total => 3);
is(value('hourly_last_duration_seconds'), 1.25, 'which sets a duration');
like(error_of("SELECT liveness_internal.liveness_count('$_', 1);"), qr/ERROR:  42704: "$_" is not a counter of liveness/, "$_ is no counter") for 'liveness_emitted_total', 'buffered', '';
like(error_of("SELECT liveness_internal.liveness_count('hourly_rows_total', '$_');"), qr/ERROR:  22003: cannot count \Q$_\E in/i, "$_ is no number to add") for -1, 'NaN', 'infinity', '1e+300';
counted('and neither counts');

# What is rolled back is not counted
my $close = q{SELECT liveness_close_session(-1, 'x');};
my $duration = value('features_last_duration_seconds');
query('INSERT INTO provider_sessions (provider_id) VALUES ($$a$$), ($$b$$); INSERT INTO provider_heartbeats (provider_id) VALUES ($$a$$)');
query("BEGIN; SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch(), liveness_internal.liveness_record_error('hourly', 'x'); $close ROLLBACK");
counted('nothing of a transaction that is rolled back');
is(value('features_last_duration_seconds'), $duration, 'no duration either');
error_of("BEGIN; $close SELECT 1/0; COMMIT;");
counted('or that has failed');
my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; $close SELECT liveness_rollup_features()");
counted('nor before it commits');
$session->query_safe('COMMIT');
counted('but then', session_close_failed_total => 1, features_runs_total => 1, features_providers_total => 2);
$session->quit;
query("BEGIN; SAVEPOINT a; $close ROLLBACK TO a; COMMIT");
counted('a savepoint that is rolled back');
query("BEGIN; SAVEPOINT a; $close ROLLBACK TO a; $close COMMIT");
counted('and one more after it', session_close_failed_total => 1);
query("BEGIN; SAVEPOINT a; $close RELEASE a; COMMIT");
counted('a savepoint that is released', session_close_failed_total => 1);
query("BEGIN; SAVEPOINT a; $close RELEASE a; ROLLBACK");
counted('in a transaction that is not');
query("BEGIN; $close SAVEPOINT a; $close SAVEPOINT b; $close SAVEPOINT c; $close RELEASE c; RELEASE b; RELEASE a; COMMIT");
counted('nested ones', session_close_failed_total => 4);
query("BEGIN; $close SAVEPOINT a; $close SAVEPOINT b; $close SAVEPOINT c; $close RELEASE c; ROLLBACK TO b; $close RELEASE a; $close COMMIT");
counted('b is rolled back, with the c released into it: 2 before, 2 after', session_close_failed_total => 4);
# Each subtransaction once looked at all that the transaction had counted, which took minutes here
is(error_of(q{
	SET statement_timeout = '60s';
	DO $$
	BEGIN
		FOR i IN 1 .. 200000 LOOP
			BEGIN
				PERFORM liveness_internal.liveness_count('session_close_failed_total', 1);
				IF i % 4 = 0 THEN RAISE EXCEPTION SQLSTATE 'XX999'; END IF;
			EXCEPTION WHEN SQLSTATE 'XX999' THEN NULL;
			END;
		END LOOP;
	END $$;
}), '', '200,000 subtransactions that count');
counted('three of four', session_close_failed_total => 150_000);
query("BEGIN; SAVEPOINT a; SAVEPOINT b; $close RELEASE b; ROLLBACK TO a; COMMIT");
counted('a is rolled back, with the b released into it');
query("BEGIN; SAVEPOINT a; $close SAVEPOINT a; $close ROLLBACK TO a; ROLLBACK TO a; RELEASE a; RELEASE a; COMMIT");
counted('of two of the same name the second is rolled back', session_close_failed_total => 1);
query(q{BEGIN; SELECT liveness_internal.liveness_count('features_last_duration_seconds', 5); SAVEPOINT a; SELECT liveness_internal.liveness_count('features_last_duration_seconds', 7); ROLLBACK TO a; COMMIT});
is(value('features_last_duration_seconds'), 5, 'a duration is the last one that stays');
query(q{
	DO $$
	BEGIN
		PERFORM liveness_close_session(-1, 'x');
		BEGIN
			PERFORM liveness_close_session(-1, 'x');
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
			PERFORM liveness_close_session(-1, 'x');
		END;
		BEGIN
			PERFORM liveness_close_session(-1, 'x');
		EXCEPTION WHEN division_by_zero THEN
		END;
	END $$});
counted('blocks in PL/pgSQL are the same: one of four has failed', session_close_failed_total => 3);
query(q{
	DO $$
	BEGIN
		FOR i IN 1 .. 5 LOOP
			PERFORM liveness_close_session(-1, 'x');
			IF i % 2 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
		END LOOP;
	END $$});
counted('of five transactions in a DO three commit', session_close_failed_total => 3);
query('CREATE TABLE deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
like(error_of("BEGIN; $close INSERT INTO deferred VALUES (1), (1); COMMIT;"), qr/ERROR:  23505/, 'a COMMIT that fails');
counted('is none');

# Prepared transactions, one of them over a restart
query("BEGIN; $close PREPARE TRANSACTION 'a'");
query(q{COMMIT PREPARED 'a'});
counted('a prepared transaction counts once', session_close_failed_total => 1);
query("BEGIN; $close SAVEPOINT a; $close ROLLBACK TO a; PREPARE TRANSACTION 'b'");
my $since = since();
$node->restart;
query(q{COMMIT PREPARED 'b'});
counted('over a restart too', session_close_failed_total => 1);
is(since(), $since, 'and the counters are the old ones');

# A clean stop, and a start
my $durations = q{SELECT string_agg(value::text, ' ' ORDER BY name) FROM liveness_stats WHERE name ~ '_seconds$'};
my $seconds = query($durations);
for my $mode ('fast', 'smart')
{
	ok(!-e $file, 'while the server runs there is no file');
	$node->stop($mode);
	is(-s $file, 16 + 26 * 8, "a $mode stop writes one");
	$node->start;
	counted("$mode: the counters are as they were");
	is(since(), $since, "$mode: they began when they did");
	is(query($durations), $seconds, "$mode: durations too");
	query("$close");
	counted("$mode: and they go on", session_close_failed_total => 1);
}
$node->stop;
my $single = '';
IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ], '<', \"$close\n", '>&', \$single)
  or die "single-user mode: $single";
$node->start;
# 14 preloads nothing in that mode
counted('a session in single-user mode counts as well', session_close_failed_total => query('SHOW server_version_num') < 150000 ? 0 : 1);
is(since(), $since, 'and keeps the beginning');

# Heartbeats that cannot be written before the server stops: an error that no row is to blame for
wait_for_worker();
query(q{
	CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE disk_full; END$$;
	CREATE TRIGGER disk_full BEFORE INSERT ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
	SELECT liveness_emit('y'), liveness_emit('z')});
$offset = -s $node->logfile;
$node->restart;
like(lines_of_log($offset), qr/LOG:  2 heartbeats were still in the buffer when the server stopped/, 'what is lost by a stop is logged');
counted('and counted', emitted_total => 2, flush_failed_total => 1, rows_lost_total => 2);
query('DROP TRIGGER disk_full ON provider_heartbeats');
is($expected{emitted_total}, $expected{flush_rows_total} + $expected{rows_set_aside_total} + $expected{rows_lost_total}, 'every heartbeat has gone somewhere');

# A crash: of the server, of its first process, of a backend
sub begun_anew
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	begin_anew();
	counted("$what: the counters are zero");
	is(query("SELECT DISTINCT since > '$since' AND since <= now() FROM liveness_stats"), 't', "$what: and say since when");
	is(query($durations), '0 0 0 0 0', "$what: no duration either");
	ok(!-e $file, "$what: there is no file");
	$since = since();
	query($close);
	counted("$what: counting goes on", session_close_failed_total => 1);
	return;
}

$node->stop('immediate');
ok(!-e $file, 'an immediate stop writes no file');
$node->start;
begun_anew('immediate stop');
my $pid = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
$node->kill9;
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	# until it has gone, and the last of its children too
	last if !kill(0, $pid) && $node->start(fail_ok => 1);
	usleep(100_000);
}
begun_anew('kill -9 of the server');
my $victim = $node->background_psql('postgres', on_error_stop => 0);
$pid = $victim->query_safe('SELECT pg_backend_pid()');
kill 'KILL', $pid;
$node->poll_query_until('postgres', "SELECT since > '$since' FROM liveness_stats LIMIT 1") or die 'the server does not come back';
eval { $victim->quit };
begun_anew('kill -9 of a backend');
$node->restart;
counted('and a clean restart keeps them again');
is(since(), $since, 'with their beginning');

# A file that is not what we wrote
my $magic = substr(do { $node->stop; slurp_file($file) }, 0, 4);
$node->start;
my %damage = (
	'empty' => sub { '' },
	'truncated' => sub { substr($_[0], 0, 100) },
	'a byte short' => sub { substr($_[0], 0, -1) },
	'a byte long' => sub { $_[0] . 'x' },
	'garbage' => sub { substr('liveness ' x 100, 0, length $_[0]) },
	'of another version' => sub { reverse($magic) . substr($_[0], 4) },
	'of other counters' => sub { substr($_[0], 0, 4) . pack('L', 21) . substr($_[0], 8) });
for my $what (sort keys %damage)
{
	$node->stop;
	my $content = slurp_file($file);
	unlink $file;
	append_to_file($file, $damage{$what}->($content));
	$offset = -s $node->logfile;
	$node->start;
	like(lines_of_log($offset), qr/LOG:  ignoring invalid data in file "pg_stat\/liveness\.stat"/, "$what: a file that is damaged is logged");
	begun_anew($what);
}
$node->stop;
unlink $file;
$offset = -s $node->logfile;
$node->start;
unlike(lines_of_log($offset), qr/pg_stat\/liveness/, 'no file is not worth a line');
begun_anew('no file');

# A file that cannot be written, or read: the server stops and starts all the same
sub stop_without_file
{
	my ($what, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$offset = -s $node->logfile;
	ok($node->stop('fast', fail_ok => 1), "$what: the server stops");
	like(lines_of_log($offset), qr/LOG:  could not write file "pg_stat\/liveness\.stat\.tmp": $error/, "$what: logged");
	like(lines_of_log($offset), qr/database system is shut down/, "$what: a clean stop");
	ok(!-e $file, "$what: no file");
	return;
}

my $dir = $node->data_dir . '/pg_stat';
chmod 0500, $dir;
stop_without_file('a directory that is closed', 'Permission denied');
chmod 0700, $dir;
$node->start;
begun_anew('a directory that was closed');
mkdir "$file.tmp";
stop_without_file('a directory in the way', 'Is a directory');
rmdir "$file.tmp";
$node->start;
begun_anew('a directory that was in the way');
SKIP:
{
	skip 'there is no /dev/full', 10 if !-e '/dev/full';
	symlink '/dev/full', "$file.tmp" or die "symlink: $!";
	stop_without_file('a full disk', 'No space left on device');
	ok(!-l "$file.tmp", 'a full disk: nothing is left half written');
	$node->start;
	begun_anew('a disk that was full');
}
$node->stop;
chmod 0000, $file;
$offset = -s $node->logfile;
$node->start;
like(lines_of_log($offset), qr/LOG:  could not open file "pg_stat\/liveness\.stat": Permission denied/, 'a file that cannot be read is logged');
unlink $file;
begun_anew('a file that could not be read');

# Reset
wait_for_worker();
query(q{SELECT liveness_emit('y'), liveness_emit('z'); SELECT liveness_flush(); SELECT liveness_emit('y'), liveness_emit('z'), liveness_emit('z'); SELECT liveness_rollup_features()});
counted('something to reset', emitted_total => 5, flush_rows_total => 2, buffered => 3, buffer_high_water => 3, features_runs_total => 1, features_providers_total => 2);
is(query('SELECT count(*) FROM liveness_stats WHERE name ~ $$^liveness_(flush|features)_last_duration_seconds$$ AND value > 0'), 2, 'durations too');
query(q{CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE operator; CREATE ROLE nobody;
	SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('operator')});
is_refused($_, 'SELECT liveness_stats_reset()', "not for $_") for qw(reader writer operator nobody);
counted('nothing was reset');
is(since(), $since, 'nor the beginning');
query('SELECT liveness_stats_reset()');
begin_anew();
counted('all is zero, but for what is in the buffer', buffered => 3, buffer_high_water => 3);
is(query($durations), '0 0 0 0 0', 'and the durations');
is(query("SELECT bool_and(since > '$since' AND since <= now()) FROM liveness_stats"), 't', 'since then');
query(q{SELECT liveness_emit('y')});
counted('the next heartbeat is the fourth in the buffer', emitted_total => 1, buffered => 1, buffer_high_water => 1);
is(query('SELECT liveness_flush()'), 4, 'which are written');
counted('and counted', flush_rows_total => 4, buffered => -4);
$since = since();
$session = $node->background_psql('postgres');
$session->query_safe("BEGIN; $close");
query('SELECT liveness_stats_reset()');
$session->query_safe('COMMIT');
$session->quit;
begin_anew();
counted('what commits after a reset is counted after it', session_close_failed_total => 1);
query('BEGIN; SELECT liveness_stats_reset(); ROLLBACK');
begin_anew();
counted('a reset is not rolled back');
$since = since();
$node->restart;
is(since(), $since, 'the new beginning is kept like the old one');
counted('and so are the zeros');
is($node->safe_psql('template1', 'CREATE EXTENSION liveness; SELECT DISTINCT since FROM liveness_stats'), $since, 'other databases see the same counters');
$node->safe_psql('template1', "$close DROP EXTENSION liveness");
counted('and add to them', session_close_failed_total => 1);

# Who may
wait_for_worker();
is(query("SET ROLE $_; SELECT count(*) FROM liveness_stats"), 29, "$_ reads the counters") for qw(reader operator);
is(query(qq{SET ROLE writer; $close SELECT liveness_emit('y')}), "f\nt", 'writer closes sessions and emits');
counted('and is counted', session_close_failed_total => 1, emitted_total => 1, buffered => 1, buffer_high_water => 1);
is(query('SET ROLE writer; SELECT liveness_flush()'), 1, 'and flushes');
counted('too', flush_rows_total => 1, buffered => -1);
is_refused('writer', 'SELECT FROM liveness_stats', 'but reads no counters');
is_refused('writer', q{SELECT liveness_internal.liveness_count('emitted_total', 1)}, 'and makes none up');
is_refused('reader', $_, "reader: not $_") for q{SELECT liveness_close_session(-1, 'x')}, q{SELECT liveness_emit('y')}, 'SELECT liveness_flush()',
	'SELECT liveness_internal.liveness_count_failed_close()', q{SELECT liveness_internal.liveness_count('emitted_total', 1)};
is_refused('operator', $_, "operator: not $_") for q{SELECT liveness_close_session(-1, 'x')}, q{SELECT liveness_emit('y')};
is_refused('nobody', $_, "PUBLIC: not $_") for 'SELECT FROM liveness_stats', 'SELECT FROM liveness_internal.liveness_counters()', q{SELECT liveness_close_session(-1, 'x')},
	q{SELECT liveness_emit('y')}, 'SELECT liveness_flush()', 'SELECT liveness_internal.liveness_count_failed_close()', q{SELECT liveness_internal.liveness_count('emitted_total', 1)};
counted('nothing of that was counted');
query(q{SET ROLE operator; CALL liveness_run('features')});
counted('operator runs jobs, which count', features_runs_total => 1, features_providers_total => 2);
query('GRANT EXECUTE ON FUNCTION liveness_stats_reset() TO operator');
query('SET ROLE operator; SELECT liveness_stats_reset()');
begin_anew();
counted('and resets, once it is granted');

# Many at once
sub pgbench
{
	my ($sql, $what) = @_;
	my $script = $node->basedir . '/pgbench.sql';
	unlink $script;
	append_to_file($script, $sql);
	$node->command_ok([ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', 200, '-f', $script, 'postgres' ], $what);
	return;
}
pgbench("$close\n", 'eight sessions close 200 times each what is not open');
counted('none is missed', session_close_failed_total => 1600);
pgbench("BEGIN;\n$close\nSAVEPOINT a;\n$close\nROLLBACK TO a;\n$close\nCOMMIT;\nBEGIN;\n$close\nROLLBACK;\n", 'and again, with savepoints');
counted('two of four stay', session_close_failed_total => 3200);
pgbench("SELECT liveness_emit('x');\n", 'eight sessions emit 200 heartbeats each into a buffer for 546');
query('SELECT liveness_flush()');
my ($emitted, $dropped) = map { value($_) - $expected{$_} } qw(emitted_total dropped_total);
is($emitted + $dropped, 1600, 'each was taken or dropped');
cmp_ok($emitted, '>=', 546, 'what there was room for was taken');
counted('and written', emitted_total => $emitted, dropped_total => $dropped, flush_rows_total => $emitted, buffer_high_water => value('buffer_high_water') - $expected{buffer_high_water});

$node->stop;
done_testing();
