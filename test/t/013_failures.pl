# Runs that are cancelled, fail, or go down with the server: what was there before
# is whole, the lock is free, and the next run does the work.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('failures');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	-- A gate: whoever writes the row, or deletes below the count, waits while it is closed
	CREATE TABLE gate (closed_for text, below bigint);
	CREATE FUNCTION gate_row() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.provider_id = (SELECT closed_for FROM public.gate) THEN
			PERFORM pg_advisory_xact_lock_shared(1);
		END IF;
		RETURN NEW;
	END $$;
	CREATE FUNCTION gate_delete() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF (SELECT count(*) FROM public.provider_heartbeats) < (SELECT below FROM public.gate) THEN
			PERFORM pg_advisory_xact_lock_shared(1);
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER gate BEFORE INSERT OR UPDATE ON provider_reliability_features FOR EACH ROW EXECUTE FUNCTION gate_row();
	CREATE TRIGGER gate BEFORE INSERT OR UPDATE ON provider_heartbeats_hourly FOR EACH ROW EXECUTE FUNCTION gate_row();
	CREATE TRIGGER gate AFTER DELETE ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION gate_delete();
	INSERT INTO gate VALUES ('p500', 0);
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || g, '2026-01-01 00:00+00' FROM generate_series(1, 600) g;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g, '2026-01-01 00:00+00' FROM generate_series(1, 600) g;
	SELECT liveness_rollup_features('2026-01-02 00:00+00'), liveness_rollup_hourly();
});

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

my $everything = q{
	SELECT md5(string_agg(f::text, '' ORDER BY f::text)) FROM (SELECT to_jsonb(f) - 'n' AS f FROM provider_reliability_features f
		UNION ALL SELECT to_jsonb(h) FROM provider_heartbeats_hourly h UNION ALL SELECT to_jsonb(s) FROM liveness_internal.liveness_job_state s) f
};

# Run a statement up to the gate; returns the session, and what is to be done with
# it is the caller's
sub run_to_the_gate
{
	my ($sql) = @_;
	my $keeper = $node->background_psql('postgres');
	$keeper->query_safe('SELECT pg_advisory_lock(1)');
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/started/, "\\echo started\n$sql;\n");
	$node->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") or die 'it did not come to the gate';
	return ($keeper, $session, $pid);
}

# Cancel a statement at the gate; returns its error
sub cancel_at_the_gate
{
	my ($keeper, $session, $pid) = run_to_the_gate(@_);
	is(query("SELECT pg_cancel_backend($pid)"), 't', "cancelled: $_[0]");
	$node->poll_query_until('postgres', "SELECT state LIKE 'idle%' FROM pg_stat_activity WHERE pid = $pid") or die 'it did not end';
	$session->{timeout}->reset if $session->{timeout};
	$session->query('SELECT 1');
	my $err = $session->{stderr};
	$session->quit;
	$keeper->quit;
	return $err;
}

# A cancelled rollup
my $before = query($everything);
query(q{INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('p601', '2026-01-01 00:00+00'); INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g, '2026-01-01 00:01+00' FROM generate_series(1, 601) g});
cancel_at_the_gate(q{SELECT liveness_rollup_features('2026-01-03 00:00+00')});
is(query($everything), $before, 'nothing of the features rollup is left');
cancel_at_the_gate('SELECT liveness_rollup_hourly()');
is(query($everything), $before, 'nothing of the hourly rollup, nor of its watermark');
cancel_at_the_gate(q{CALL liveness_run('features')});
is(query($everything), $before, 'nothing of liveness_run: a cancel is not an error of the job');
is(query(q{SELECT liveness_rollup_features('2026-01-03 00:00+00'), liveness_rollup_hourly()}), '601|601', 'the locks are free, and the next runs do the work');
is(query('SELECT DISTINCT heartbeat_count FROM provider_heartbeats_hourly ORDER BY 1'), "1\n2", 'whole');
is(query('SELECT DISTINCT updated_at FROM provider_reliability_features'), '2026-01-03 00:00:00+00', 'for everybody');

# A session that is terminated
$before = query($everything);
query(q{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g, '2026-01-01 00:02+00' FROM generate_series(1, 600) g});
for my $run ('liveness_rollup_hourly()', q{liveness_rollup_hourly('-infinity', 'infinity')}, q{liveness_rollup_features('2026-01-04 00:00+00')}, q{liveness_prune_batch('1 day', 250)})
{
	my ($keeper, $session, $pid) = run_to_the_gate("SELECT $run");
	is(query("SELECT pg_terminate_backend($pid, 60000)"), 't', "terminated: $run");
	$keeper->quit;
	eval { $session->quit };
	is(query($everything), $before, 'nothing of it is left');
}

# The server crashes in the middle of both
{
	my ($keeper, $session) = run_to_the_gate('SELECT liveness_rollup_hourly()');
	my ($keeper2, $session2);
	$session2 = $node->background_psql('postgres', on_error_stop => 0);
	my $pid2 = $session2->query_safe('SELECT pg_backend_pid()');
	$session2->query_until(qr/started/, "\\echo started\nSELECT liveness_rollup_features('2026-01-04 00:00+00');\n");
	$node->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid2") or die 'it did not come to the gate';
	$node->stop('immediate');
	eval { $_->quit } for $keeper, $session, $session2;
	$node->start;
}
is(query($everything), $before, 'after a crash in the middle of both rollups everything is as it was');
is(query(q{SELECT liveness_rollup_hourly(), liveness_rollup_features('2026-01-04 00:00+00')}), '600|601', 'and they run again');
is(query('SELECT sum(heartbeat_count), (SELECT count(*) FROM provider_heartbeats) FROM provider_heartbeats_hourly'), '1801|1801', 'to the last heartbeat');
is(query('SELECT liveness_rollup_hourly()'), 0, 'after which nothing is new');
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '2026-01-01 00:05+00')});
is(query('SELECT liveness_rollup_hourly()'), 1, 'and ids go on above the watermark, though a crash skips some');

# A cancelled retention keeps the batches that are done
query(q{UPDATE gate SET closed_for = NULL, below = 1200});
my $all = query('SELECT count(*) FROM provider_heartbeats');
is($all, 1802, '1,802 old heartbeats');
cancel_at_the_gate(q{CALL liveness_prune('1 day', 250)});
is(query('SELECT count(*) FROM provider_heartbeats'), 1302, 'two batches of 250 are gone, the third is not');
is(query('SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly'), 1802, 'the hours keep their counts');
query('UPDATE gate SET below = 0');
query(q{CALL liveness_prune('1 day', 250)});
is(query('SELECT count(*) FROM provider_heartbeats'), 0, 'the next run does the rest');
is(query(q{SELECT last_rows, errors FROM liveness_jobs WHERE job = 'retention'}), '1302|0', 'a cancel is no error');
is(query('SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly'), 1802, 'and takes no cell');

# An error is noted in liveness_jobs by what a scheduler calls, and raised as it was
my $jobs = q{SELECT job, runs, errors, last_error, last_error_at > now() - interval '1 minute' FROM liveness_jobs WHERE job = };
my $runs = query(q{SELECT runs FROM liveness_jobs WHERE job = 'features'});
$before = query('SELECT md5(string_agg(f::text, $$$$ ORDER BY provider_id)) FROM provider_reliability_features f');
query('ALTER TABLE provider_reliability_features ADD CONSTRAINT no_more CHECK (updated_at < $$2026-02-01$$)');
like(error_of(q{CALL liveness_run('features');}), qr/ERROR:  23514: .*violates check constraint "no_more"\n.*DETAIL:  Failing row/s, 'liveness_run raises the error');
is(query("$jobs 'features'"), "features|$runs|1|new row for relation \"provider_reliability_features\" violates check constraint \"no_more\"|t", 'and notes it');
is(query('SELECT md5(string_agg(f::text, $$$$ ORDER BY provider_id)) FROM provider_reliability_features f'), $before, 'the features are as they were');
like(error_of(q{SELECT liveness_rollup_features();}), qr/ERROR:  23514/, 'the function alone');
is(query(q{SELECT errors FROM liveness_jobs WHERE job = 'features'}), 1, 'cannot');
query('ALTER TABLE provider_reliability_features DROP CONSTRAINT no_more');
query(q{CALL liveness_run('features')});
is(query("$jobs 'features'"), 'features|' . ($runs + 1) . '|1|new row for relation "provider_reliability_features" violates check constraint "no_more"|t', 'the next run succeeds; what was stays on record');
query('ALTER TABLE provider_heartbeats_hourly ADD CONSTRAINT no_more CHECK (heartbeat_count < 2) NOT VALID');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('x'), ('x')});
$runs = query(q{SELECT runs FROM liveness_jobs WHERE job = 'hourly'});
my $state = query(q{SELECT watermark, pending, swept_at FROM liveness_internal.liveness_job_state WHERE job = 'hourly'});
like(error_of(q{CALL liveness_run('hourly');}), qr/ERROR:  23514/, 'the hourly rollup fails');
is(query("$jobs 'hourly'"), "hourly|$runs|1|new row for relation \"provider_heartbeats_hourly\" violates check constraint \"no_more\"|t", 'noted');
is(query(q{SELECT watermark, pending, swept_at FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), $state, 'and the watermark is where it was');
query('ALTER TABLE provider_heartbeats_hourly DROP CONSTRAINT no_more');
query(q{CALL liveness_run('hourly')});
cmp_ok(query(q{SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly WHERE provider_id = 'x'}), '==', 2, 'so that nothing is missed');
like(error_of(q{CALL liveness_run('vacuum');}), qr/ERROR:  22023: there is no job 'vacuum'\nHINT:  .*features, hourly, retention and sessions/, 'there is no other job');
like(error_of(q{CALL liveness_run(NULL);}), qr/ERROR:  22023/, 'NULL is none');
like(error_of(q{BEGIN; CALL liveness_run('hourly');}), qr/ERROR:  2D000: .*\nHINT: /, 'not in a transaction block');

$node->stop;
done_testing();
