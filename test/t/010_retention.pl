# The retention as a procedure, with COMMIT after each batch, and its settings,
# which are read again on reload.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('retention');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	-- who deleted how many heartbeats, and in which transaction
	CREATE TABLE deletions (n serial, xid bigint DEFAULT txid_current(), rows bigint);
	CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.deletions (rows) SELECT count(*) FROM gone;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_deletion AFTER DELETE ON provider_heartbeats
		REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_deletion();
	CREATE VIEW batches AS SELECT string_agg(rows::text, ' ' ORDER BY n) AS sizes, count(DISTINCT xid) = count(*) AS apart FROM deletions WHERE rows > 0;
});

sub query
{
	return $node->safe_psql('postgres', shift);
}

# Change settings and wait until new sessions have them
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

sub error_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Rows for the test: 25 heartbeats of 40 days ago, five hours, five an hour
sub fill
{
	query(q{
		TRUNCATE provider_heartbeats, provider_heartbeats_hourly, liveness_internal.liveness_job_state, deletions;
		INSERT INTO provider_heartbeats (provider_id, at)
			SELECT 'a', date_trunc('hour', now(), 'UTC') - interval '40 days' + g * interval '12 minutes' FROM generate_series(0, 24) g;
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('new', now());
	});
	return;
}

# Batches
fill();
query('CALL liveness_prune(NULL, 10)');
is(query('TABLE batches'), '10 10 5|t', 'batches of 10, each a transaction');
is(query('SELECT string_agg(provider_id, $$ $$) FROM provider_heartbeats'), 'new', 'what is not old stays');
is(query('SELECT provider_id, count(*), sum(heartbeat_count) FROM provider_heartbeats_hourly GROUP BY 1 ORDER BY 1'), "a|5|25\nnew|1|1", 'all were rolled up before');
is(query(q{SELECT last_rows, runs, errors, last_error FROM liveness_jobs WHERE job = 'retention'}), '25|1|0|', 'liveness_jobs: one run, 25 rows');
fill();
set(prune_batch_size => 7);
query('CALL liveness_prune()');
is(query('TABLE batches'), '7 7 7 4|t', 'liveness.prune_batch_size');
fill();
query("CALL liveness_run('retention')");
is(query('TABLE batches'), '7 7 7 4|t', 'liveness_run does the same');
query('CALL liveness_prune()');
is(query(q{SELECT last_rows, runs FROM liveness_jobs WHERE job = 'retention'}), '0|2', 'a run with nothing to do is a run');
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('b', now() - interval '3 days'), ('c', now() - interval '5 days')});
query(q{CALL liveness_prune('4 days')});
is(query('SELECT string_agg(provider_id, $$ $$ ORDER BY provider_id) FROM provider_heartbeats'), 'b new', 'retain is an argument');
query('CALL liveness_prune()');
is(query('SELECT string_agg(provider_id, $$ $$ ORDER BY provider_id) FROM provider_heartbeats'), 'b new', 'or the setting: 28 days');

# Where it cannot commit
like(error_of('BEGIN; CALL liveness_prune();'), qr/ERROR:  2D000: liveness_prune commits.*HINT:  .*liveness_prune_batch\(\)/s, 'not in a transaction block');
like(error_of('CALL liveness_prune()\; SELECT 1;'), qr/ERROR:  2D000: liveness_prune commits.*HINT: /s, 'nor in a message of several statements');
like(error_of('CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN CALL liveness_prune(); END$$; SELECT f();'), qr/ERROR:  2D000/, 'nor in a function');
like(error_of(q{CALL liveness_prune(batch_size => 0)}), qr/ERROR:  22023: batch_size 0 is out of range/, 'batch_size 0 is refused');
like(error_of(q{CALL liveness_prune('-1 day')}), qr/ERROR:  22023: retain must not be negative/, 'and a negative age');
is(error_of('DO $$BEGIN CALL liveness_prune(); END$$;'), '', 'a DO block outside of a transaction can commit');

# liveness.heartbeat_retention
fill();
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('b', now() - interval '3 hours')});
set(heartbeat_retention => '2h');
is(query('SELECT liveness_prune_batch(), liveness_prune_batch(NULL, 100), liveness_prune_batch()'), '7|19|0', 'liveness.heartbeat_retention = 2h');
is(query('SELECT string_agg(provider_id, $$ $$) FROM provider_heartbeats'), 'new', 'leaves what is younger');
fill();
for my $off (0, -1)
{
	set(heartbeat_retention => $off);
	is(query('SELECT liveness_prune_batch(), liveness_internal.liveness_prune_cut(NULL) IS NULL'), '0|t', "$off turns it off");
	query('CALL liveness_prune()');
	is(query('SELECT count(*) FROM provider_heartbeats'), 26, 'for the procedure too');
}
is(query(q{SELECT liveness_prune_batch('28 days', 100)}), 25, 'but not for an age that is given');

# liveness.hourly_retention, liveness.session_retention: never less than the window and a day
sub fill_derived
{
	query(q{
		TRUNCATE provider_heartbeats, provider_heartbeats_hourly, provider_sessions, provider_exclusions, provider_reliability_features, liveness_internal.liveness_job_state;
		INSERT INTO provider_heartbeats_hourly (provider_id, hour)
			SELECT 'd' || d, date_trunc('hour', now(), 'UTC') - d * interval '24 hours' FROM unnest(ARRAY[1, 14, 15, 16, 30, 32]) d;
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at)
			SELECT 's' || d, now() - interval '100 days', now() - d * interval '24 hours' FROM unnest(ARRAY[1, 14, 16, 30, 32]) d;
		INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('open', now() - interval '100 days');
		INSERT INTO provider_exclusions (provider_id, since, until)
			SELECT 'x' || d, now() - interval '100 days', now() - d * interval '24 hours' FROM unnest(ARRAY[1, 14, 16, 30, 32]) d;
		INSERT INTO provider_exclusions (since, until) VALUES (now() - interval '100 days', NULL), (now() - interval '100 days', 'infinity');
		INSERT INTO provider_reliability_features (provider_id, updated_at)
			SELECT 'f' || d, now() - d * interval '24 hours' FROM unnest(ARRAY[1, 14, 16, 30, 32]) d;
		INSERT INTO provider_reliability_features (provider_id, updated_at) VALUES ('open', now() - interval '50 days'), ('s32', now() - interval '50 days');
	});
	return;
}
my $left = q{
	SELECT (SELECT string_agg(provider_id, ' ' ORDER BY hour DESC) FROM provider_heartbeats_hourly),
		(SELECT string_agg(provider_id, ' ' ORDER BY disconnected_at DESC) FROM provider_sessions),
		(SELECT string_agg(coalesce(provider_id, '*'), ' ' ORDER BY until DESC) FROM provider_exclusions),
		(SELECT string_agg(provider_id, ' ' ORDER BY updated_at DESC, provider_id) FROM provider_reliability_features)
};
fill_derived();
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15 d16 d30 d32|open s1 s14 s16 s30 s32|* * x1 x14 x16 x30 x32|f1 f14 f16 f30 f32 open s32', 'by default they are kept for ever');
set(hourly_retention => '31d');
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15 d16 d30|open s1 s14 s16 s30 s32|* * x1 x14 x16 x30 x32|f1 f14 f16 f30 f32 open s32', 'liveness.hourly_retention = 31d');
is(query(q{SELECT last_rows FROM liveness_jobs WHERE job = 'retention'}), 1, 'liveness_jobs counts them');
set(session_retention => '31d');
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15 d16 d30|open s1 s14 s16 s30|* * x1 x14 x16 x30|f1 f14 f16 f30 open',
	'liveness.session_retention = 31d: closed sessions, exclusions that are over, and features of those who have none left');
is(query(q{SELECT last_rows FROM liveness_jobs WHERE job = 'retention'}), 4, 'counted too');
fill_derived();
set(hourly_retention => '1d', session_retention => '1h');
is(query(q{SELECT liveness_internal.liveness_setting_interval('hourly_retention'), liveness_internal.liveness_setting_interval('session_retention')}), '360:00:00|360:00:00', 'less than 15 days is 15 days');
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15|open s1 s14|* * x1 x14|f1 f14 open', 'for a window of 14');
fill_derived();
set(window_days => 30);
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15 d16 d30|open s1 s14 s16 s30|* * x1 x14 x16 x30|f1 f14 f16 f30 open', 'and 31 for one of 30');
fill_derived();
set(window_days => 14, hourly_retention => -1, session_retention => 0);
query('CALL liveness_prune()');
is(query($left), 'd1 d14 d15 d16 d30 d32|open s1 s14 s16 s30 s32|* * x1 x14 x16 x30 x32|f1 f14 f16 f30 f32 open s32', '-1 and 0 turn them off again');

# liveness.prune_budget: the batch that uses it up is the last; the trigger is our slow
# disk, to the second batch
set(heartbeat_retention => '28d', prune_batch_size => 1, prune_budget => '5s', hourly_retention => '31d');
fill();
query(q{
	INSERT INTO provider_heartbeats_hourly (provider_id, hour) VALUES ('d32', date_trunc('hour', now(), 'UTC') - interval '768 hours');
	CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(5) FROM public.batches WHERE sizes = '1 1'; RETURN NULL; END$$;
	CREATE TRIGGER slow AFTER DELETE ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION slow();
});
like(error_of('CALL liveness_prune();'), qr/WARNING:  .*the retention has spent liveness\.prune_budget \(00:00:05\), and old heartbeats are left.*HINT: /s, 'a budget that is too small is told of');
query('DROP TRIGGER slow ON provider_heartbeats');
is(query('TABLE batches'), '1 1|t', 'liveness.prune_budget: one batch is done within 5 s, the second is not');
is(query(q{SELECT last_rows, runs FROM liveness_jobs WHERE job = 'retention'}), '3|1', 'liveness_jobs has the run');
is(query(q{SELECT count(*) FROM provider_heartbeats_hourly WHERE hour < now() - interval '31 days'}), 5, 'the other tables got their batch all the same: one row of six');
my $overdue = q{SELECT string_agg(CASE name WHEN 'liveness_overdue_seconds' THEN floor(value / 86400) ELSE value END::text, ' ' ORDER BY name) FROM liveness_metrics WHERE name IN ('liveness_overdue_heartbeats', 'liveness_overdue_partitions', 'liveness_overdue_seconds')};
is(query($overdue), '23 0 11', 'liveness_metrics: 23 heartbeats are left, for eleven days too long');
set(prune_budget => 0, prune_batch_size => 100);
is(error_of('CALL liveness_prune();'), '', '0 is no limit');
is(query('SELECT count(*) FROM provider_heartbeats'), 1, 'and all goes');
is(query($overdue), '0 0 0', 'nothing is overdue then');

# Half of the way: heartbeats get two thirds of the budget, then the others, then they again
query(q{INSERT INTO provider_heartbeats_hourly (provider_id, hour) SELECT 'd32', date_trunc('hour', now(), 'UTC') - g * interval '1 hour' FROM generate_series(800, 804) g});
is(query(q{SELECT string_agg(concat_ws(' ', s.parts, s.total, s.more), ', ' ORDER BY n) FROM (VALUES
		(1, NULL::text[], '0 s'::interval), (2, '{derived,partitions,heartbeats}', '50 min'), (3, '{partitions,heartbeats}', '50 min'), (4, '{heartbeats}', '50 min'), (5, '{derived}', '2 h')) v (n, parts, spent)
	CROSS JOIN LATERAL liveness_internal.liveness_prune_step(NULL, 1, clock_timestamp() - spent, v.parts, 0) s}),
	'{derived,partitions} 0 t, {derived,partitions,heartbeats} 1 t, {heartbeats} 0 t, {} 0 f, {derived} 1 t', 'steps without a limit');
set(prune_budget => '1h', heartbeat_retention => '28d');
fill();
query(q{INSERT INTO provider_heartbeats_hourly (provider_id, hour) SELECT 'd32', date_trunc('hour', now(), 'UTC') - g * interval '1 hour' FROM generate_series(800, 804) g});
is(query(q{SELECT string_agg(concat_ws(' ', s.parts, s.total, s.more), ', ' ORDER BY n) FROM (VALUES
		(1, NULL::text[], '30 min'::interval), (2, NULL, '45 min'), (3, '{derived,partitions,heartbeats}', '45 min'), (4, '{heartbeats}', '45 min'), (5, NULL, '2 h'), (6, '{derived}', '2 h')) v (n, parts, spent)
	CROSS JOIN LATERAL liveness_internal.liveness_prune_step(liveness_internal.liveness_prune_cut(NULL), 1, clock_timestamp() - spent, v.parts, 0) s}),
	'{heartbeats,derived,partitions} 1 t, {derived,partitions,heartbeats} 1 t, {derived,partitions,heartbeats} 1 t, {heartbeats} 1 t, {derived,partitions} 1 t, {} 1 f', 'and with one');
set(prune_budget => 0, prune_batch_size => 100);

# A run that fails keeps the batches done, and is noted
fill();
set(prune_batch_size => 10);
query(q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF (SELECT count(*) FROM public.provider_heartbeats) < 10 THEN
			RAISE EXCEPTION 'the disk is gone' USING ERRCODE = '58030', HINT = 'Buy another.';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER fail AFTER DELETE ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION fail();
});
like(error_of('CALL liveness_prune();'), qr/ERROR:  58030: the disk is gone\n.*HINT:  Buy another\./s, 'an error is raised as it was');
is(query('TABLE batches'), '10|t', 'the batch before it is done');
is(query('SELECT count(*) FROM provider_heartbeats'), 16, 'and stays so');
is(query(q{SELECT runs, errors, last_error, last_error_at > now() - interval '1 minute' FROM liveness_jobs WHERE job = 'retention'}), '0|1|the disk is gone|t',
	'liveness_jobs has the error');
query('DROP TRIGGER fail ON provider_heartbeats; CALL liveness_prune()');
is(query(q{SELECT last_rows, runs, errors, last_error FROM liveness_jobs WHERE job = 'retention'}), '20|1|1|the disk is gone', 'the next run goes on from there: 15 heartbeats, and five hours of 40 days ago');

# liveness.rollup_lookback
query('TRUNCATE provider_heartbeats, provider_heartbeats_hourly, liveness_internal.liveness_job_state');
query('SELECT nextval($$provider_heartbeats_id_seq$$), liveness_rollup_hourly()');
query(q{INSERT INTO provider_heartbeats (id, provider_id, at) VALUES (-1, 'x', now() - interval '4 hours')});
set(rollup_lookback => '3h');
is(query(q{UPDATE liveness_internal.liveness_job_state SET swept_at = NULL; SELECT liveness_rollup_hourly()}), 0, 'liveness.rollup_lookback = 3h does not reach 4 hours back');
set(rollup_lookback => '4h');
is(query(q{UPDATE liveness_internal.liveness_job_state SET swept_at = NULL; SELECT liveness_rollup_hourly()}), 1, '4h does');
set(rollup_lookback => 0);
is(query(q{UPDATE liveness_internal.liveness_job_state SET swept_at = NULL; SELECT liveness_rollup_hourly(), (SELECT swept_at IS NULL OR swept_at < now() - interval '1 year' FROM liveness_internal.liveness_job_state WHERE job = 'hourly')}),
	'0|t', '0 turns the sweep off');

$node->stop;
done_testing();
