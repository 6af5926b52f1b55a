-- The retention, batch by batch; what needs a transaction of its own is in test/t/010_retention.pl
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(54);

DELETE FROM liveness_internal.liveness_job_state;
CREATE TEMP VIEW cells AS
	SELECT provider_id, hour < date_trunc('hour', now() - interval '5 days', 'UTC') AS old, heartbeat_count AS n FROM provider_heartbeats_hourly;
CREATE FUNCTION pg_temp.cut(age interval) RETURNS timestamptz LANGUAGE sql AS $$SELECT date_trunc('hour', now() - age, 'UTC')$$;

-- Arguments
SELECT throws_ok('SELECT liveness_prune_batch(batch_size => 0)', '22023', 'batch_size 0 is out of range', 'a batch of 0 is refused');
SELECT throws_ok('SELECT liveness_prune_batch(batch_size => -1)', '22023', 'batch_size -1 is out of range', 'a batch of -1 is refused');
SELECT throws_ok($$SELECT liveness_prune_batch('-1 second')$$, '22023', NULL, 'a negative retention is refused');
SELECT throws_ok($$SELECT liveness_prune_batch('1 day -25 hours')$$, '22023', NULL, 'however it is written');
SELECT throws_ok('SET LOCAL transaction_read_only = on; SELECT liveness_prune_batch()', '25006', NULL, 'a read-only transaction is told so');
SELECT is(liveness_prune_batch(), 0::bigint, 'nothing there: 0');
SELECT is(liveness_prune_batch(NULL, NULL), 0::bigint, 'NULL is the setting');

-- The cut is an hour of UTC
SET LOCAL TimeZone = 'Asia/Kathmandu';
SELECT is(liveness_internal.liveness_prune_cut('5 days'), pg_temp.cut('5 days'), 'the cut is the UTC hour of now() - retain');
SET LOCAL TimeZone = 'UTC';
SELECT is(liveness_internal.liveness_prune_cut(NULL), pg_temp.cut('28 days'), 'NULL: 28 days');
SELECT is(liveness_internal.liveness_prune_cut('0'), pg_temp.cut('0'), 'nothing retained: the hour that we are in stays');

-- Oldest first, by batches; rolled up before
INSERT INTO provider_heartbeats (provider_id, at, cpu_usage)
	SELECT 'a', pg_temp.cut('5 days') - interval '1 hour' + g * interval '10 minutes', g / 4.0 FROM generate_series(0, 4) g;
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('edge', pg_temp.cut('5 days') - interval '1 us'), ('edge', pg_temp.cut('5 days')),
	('edge', pg_temp.cut('5 days') + interval '1 us'), ('new', now()), ('inf', 'infinity');
SELECT is(liveness_prune_batch('5 days', 2), 2::bigint, 'a batch of 2 deletes 2');
SELECT is((SELECT min(at) FROM provider_heartbeats), pg_temp.cut('5 days') - interval '40 minutes', 'the oldest');
SELECT results_eq('SELECT * FROM cells ORDER BY 1, 2',
	$$VALUES ('a', true, 5), ('edge', false, 2), ('edge', true, 1), ('new', false, 1)$$,
	'what was not rolled up yet was before, whole hours');
SELECT is((SELECT avg_cpu_usage FROM provider_heartbeats_hourly WHERE provider_id = 'a'), 0.5::real, 'from all their rows');
SELECT is(liveness_prune_batch('5 days', 2), 2::bigint, 'the next 2');
SELECT is(liveness_prune_batch('5 days', 3), 2::bigint, 'the last 2, for there are no more');
SELECT is(liveness_prune_batch('5 days', 3), 0::bigint, 'and then 0');
SELECT results_eq('SELECT provider_id, at FROM provider_heartbeats ORDER BY at',
	$$VALUES ('edge', pg_temp.cut('5 days')), ('edge', pg_temp.cut('5 days') + interval '1 us'), ('new', now()), ('inf', 'infinity')$$,
	'what is in the hour of the cut stays, even if older than 5 days, and so does infinity');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), pg_temp.cut('5 days'), 'hours are closed up to the cut');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 0::bigint, 'none of these was late');

-- liveness_jobs
SELECT results_eq(
	$$SELECT last_rows, runs, errors, last_error, last_started_at BETWEEN now() AND clock_timestamp()
	FROM liveness_jobs WHERE job = 'retention'$$,
	'VALUES (0::bigint, 6::bigint, 0::bigint, NULL::text, true)', 'liveness_jobs: six runs, the last without a row');

-- An hour that is partly pruned is not rolled up again
INSERT INTO provider_heartbeats (provider_id, at)
	SELECT 'part', pg_temp.cut('4 days') - interval '30 minutes' + g * interval '1 minute' FROM generate_series(1, 3) g;
SELECT is(liveness_prune_batch('4 days', 3), 3::bigint, 'edge and one of part''s three');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'the routine run');
SELECT is(liveness_rollup_hourly('-infinity', 'infinity'), 1::bigint, 'and a range of everything but what is closed');
SELECT is((SELECT n FROM cells WHERE provider_id = 'part'), 3, 'leave the cell of three');
SELECT is(liveness_prune_batch('4 days'), 2::bigint, 'the rest');
SELECT is((SELECT n FROM cells WHERE provider_id = 'part'), 3, 'changes nothing');

-- Late ones: counted once, and pruned
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', now() - interval '6 days'), ('part', now() - interval '4 days 1 hour 1 minute');
SELECT is(liveness_prune_batch('4 days', 1), 1::bigint, 'a late heartbeat is pruned');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 1::bigint, 'and counted');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'the rollup has nothing to write for the other');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 2::bigint, 'which it counts');
SELECT is(liveness_prune_batch('4 days'), 1::bigint, 'so that the retention');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 2::bigint, 'does not count it again');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id IN ('late', 'part')$$, $$VALUES ('part', 3)$$, 'neither has made or changed a cell');

-- the same while the cut moves on
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', now() - interval '6 days'), ('hit', now() - interval '3 days 2 hours');
SELECT is(liveness_prune_batch('3 days'), 2::bigint, 'a late one and one that is not');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 3::bigint, 'the late one is counted once');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id IN ('late', 'hit')$$, $$VALUES ('hit', 1)$$, 'the other has a cell');

-- a late one after the retention was made longer
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', now() - interval '4 days');
SELECT is(liveness_prune_batch('10 days'), 0::bigint, 'a longer retention than before deletes nothing');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), pg_temp.cut('3 days 1 hour'), 'and opens no hour');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'an hour that was closed');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 4::bigint, 'stays so');
DELETE FROM provider_heartbeats WHERE provider_id = 'late';

-- At -infinity there is no hour, but an age
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('ninf', '-infinity'), ('ninf', '-infinity');
SELECT is(liveness_prune_batch('3 days', 1), 1::bigint, 'a row at -infinity is pruned');
SELECT is(liveness_prune_batch('3 days', 1), 1::bigint, 'and the next');
SELECT is(liveness_prune_batch('3 days', 1), 0::bigint, 'to the end');
SELECT is((SELECT count(*) FROM cells WHERE provider_id = 'ninf'), 0::bigint, 'without a cell');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 4::bigint, 'and they are not late');

-- Rows with an id far off
INSERT INTO provider_heartbeats (id, provider_id, at) VALUES (-5, 'neg', now() - interval '2 days 3 hours'), (9000000000000000000, 'huge', now() - interval '2 days 3 hours');
SELECT is(liveness_prune_batch('2 days'), 2::bigint, 'ids below the watermark, or far above the sequence');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id IN ('neg', 'huge') ORDER BY 1$$, $$VALUES ('huge', 1), ('neg', 1)$$, 'are rolled up before they go');

-- All but the hour that we are in
SELECT is(liveness_prune_batch('0'), (SELECT count(*) FROM provider_heartbeats WHERE at < pg_temp.cut('0')), 'retain 0');
SELECT results_eq('SELECT provider_id FROM provider_heartbeats ORDER BY at', $$VALUES ('new'), ('inf')$$, 'leaves the hour that we are in');
SELECT is(liveness_rollup_hourly(NULL, NULL), 0::bigint, 'nothing is new');

-- The procedure commits, and cannot here
SELECT throws_ok('CALL liveness_prune()', '2D000', 'liveness_prune commits after each batch and cannot run inside a transaction block', 'CALL liveness_prune() in a transaction block');
CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN hint;
END
$$;
SELECT matches(pg_temp.hint_of('CALL liveness_prune()'), 'liveness_prune_batch\(\)', 'is sent to the function');
SELECT throws_ok($$CALL liveness_run('features')$$, '2D000', NULL, 'nor can liveness_run');

SELECT * FROM finish();
ROLLBACK;
