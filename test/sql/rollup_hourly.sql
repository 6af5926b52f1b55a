-- The hourly rollup: which cells it writes, and what stands in them; figures worked out by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(103);

-- A state of our own, whatever ran before.
DELETE FROM liveness_internal.liveness_job_state WHERE job = 'hourly';
CREATE TEMP VIEW cells AS
	SELECT provider_id, to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS hour, heartbeat_count AS n
	FROM provider_heartbeats_hourly;

SELECT is(liveness_rollup_hourly(), 0::bigint, 'nothing to roll up: 0 rows');
SELECT throws_ok('SET LOCAL transaction_read_only = on; SELECT liveness_rollup_hourly()', '25006',
	'cannot execute liveness_rollup_hourly() in a read-only transaction', 'a read-only transaction is told so');

-- Counts, averages, the worst state
INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb) VALUES
	('a', '2025-01-01 10:00:00+00', 0.25, 0.1, 'nominal', 8),
	('a', '2025-01-01 10:20:00+00', 0.50, 0.2, 'serious', NULL),
	('a', '2025-01-01 10:59:59.999999+00', 0.75, 0.4, 'fair', 16),
	('a', '2025-01-01 11:00:00+00', 1, 1, 'fair', NULL),
	('b', '2025-01-01 10:30:00+00', 0, 0, '', NULL),
	('b', '2025-01-01 10:30:00+00', 1, 1, '', NULL);
SELECT is(liveness_rollup_hourly(), 3::bigint, 'the first run writes every cell');
SELECT results_eq(
	$$SELECT provider_id, hour, heartbeat_count, avg_memory_pressure, round(avg_cpu_usage::numeric, 6), max_thermal_state, avg_memory_available_gb
	FROM provider_heartbeats_hourly ORDER BY 1, 2$$,
	$$VALUES ('a', '2025-01-01 10:00+00'::timestamptz, 3, 0.5::real, 0.233333, 'serious', 12::real),
		('a', '2025-01-01 11:00+00', 1, 1, 1, 'fair', NULL),
		('b', '2025-01-01 10:00+00', 2, 0.5, 0.5, '', NULL)$$,
	'the hour holds its first instant and not its end; a NULL is left out of its mean');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'a second run has nothing to do');

-- A late heartbeat touches its own cell and no other.
CREATE TEMP TABLE versions AS SELECT provider_id, hour, ctid AS version FROM provider_heartbeats_hourly;
INSERT INTO provider_heartbeats (provider_id, at, thermal_state) VALUES ('b', '2025-01-01 10:45:00+00', 'nominal');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'a late heartbeat: one cell is written');
SELECT results_eq('SELECT * FROM cells ORDER BY 1, 2',
	$$VALUES ('a', '2025-01-01 10:00', 3), ('a', '2025-01-01 11:00', 1), ('b', '2025-01-01 10:00', 3)$$,
	'from all its raw rows');
SELECT results_eq(
	'SELECT v.provider_id, v.hour FROM versions v JOIN provider_heartbeats_hourly k USING (provider_id, hour) WHERE k.ctid <> v.version',
	$$VALUES ('b', '2025-01-01 10:00+00'::timestamptz)$$,
	'and the others are left alone');

-- Of an hour with nine cells, three make a quarter: read whole; two do not: read by key.
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'm' || g, '2025-01-02 05:10:00+00' FROM generate_series(1, 9) g;
SELECT is(liveness_rollup_hourly(), 9::bigint, 'nine cells of an hour');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'm' || g, '2025-01-02 05:11:00+00' FROM generate_series(1, 2) g;
SELECT is(liveness_rollup_hourly(), 2::bigint, 'two of nine touched: two written');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'm' || g, '2025-01-02 05:12:00+00' FROM generate_series(1, 3) g;
SELECT is(liveness_rollup_hourly(), 3::bigint, 'three of nine touched: three written');
SELECT results_eq($$SELECT n, count(*) FROM cells WHERE provider_id ~ '^m' GROUP BY n ORDER BY n$$,
	'VALUES (1, 6::bigint), (2, 1::bigint), (3, 2::bigint)', 'each with what it has');
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('m1', '2025-01-02 05:13:00+00'), ('m10', '2025-01-02 05:13:00+00'), ('m1', '2025-01-02 06:13:00+00');
SELECT is(liveness_rollup_hourly(), 3::bigint, 'both ways in one run, and cells that are new');
SELECT results_eq($$SELECT provider_id, hour, n FROM cells WHERE provider_id IN ('m1', 'm10') ORDER BY 1, 2$$,
	$$VALUES ('m1', '2025-01-02 05:00', 4), ('m1', '2025-01-02 06:00', 1), ('m10', '2025-01-02 05:00', 1)$$, 'with what they have');

-- Explicit ranges: whole hours
SELECT is(liveness_rollup_hourly('2025-01-01 10:59:00+00', '2025-01-01 11:00:00+00'), 2::bigint, 'until on the hour is not in the range');
SELECT is(liveness_rollup_hourly('2025-01-01 10:59:59.999999+00', '2025-01-01 11:00:00.000001+00'), 3::bigint, 'a touch of two hours takes both');
SELECT is(liveness_rollup_hourly('2025-01-01 11:00+00', '2025-01-01 12:00+00'), 1::bigint, 'one full hour');
SELECT is(liveness_rollup_hourly('2025-01-01 11:30+00', '2025-01-01 11:30+00'), 0::bigint, 'an empty range touches nothing');
SELECT is(liveness_rollup_hourly('2025-01-01 12:00+00', '2025-01-01 10:00+00'), 0::bigint, 'nor does one that is the wrong way round');
SELECT is(liveness_rollup_hourly(NULL, '2025-01-01 10:00:00.000001+00'), 2::bigint, 'an open beginning');
SELECT is(liveness_rollup_hourly('2025-01-02 05:59+00', NULL), 11::bigint, 'an open end');
SELECT is(liveness_rollup_hourly('-infinity', 'infinity'), 14::bigint, 'everything');
SELECT is(liveness_rollup_hourly('infinity', NULL), 0::bigint, 'nothing begins at infinity');
SELECT is(liveness_rollup_hourly(NULL, '-infinity'), 0::bigint, 'nor ends at -infinity');
CREATE TEMP TABLE before AS TABLE provider_heartbeats_hourly;
SELECT is(liveness_rollup_hourly('2025-01-01', NULL), 14::bigint, 'running it again');
SELECT set_eq('TABLE provider_heartbeats_hourly', 'TABLE before', 'gives the same rows');
UPDATE provider_heartbeats_hourly SET heartbeat_count = 999, max_thermal_state = 'x', avg_memory_available_gb = 1;
SELECT is(liveness_rollup_hourly('2025-01-01 11:00+00', '2025-01-01 12:00+00'), 1::bigint, 'a range mends its hours');
SELECT is((SELECT count(*) FROM cells WHERE n = 999), 13::bigint, 'and no other');
SELECT liveness_rollup_hourly('2025-01-01', NULL);
SELECT set_eq('TABLE provider_heartbeats_hourly', 'TABLE before', 'every column is mended');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('c', '2025-01-03 00:00+00');
SELECT is(liveness_rollup_hourly('2025-01-01 10:00+00', '2025-01-01 11:00+00'), 2::bigint, 'a range elsewhere');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'does not take a heartbeat from the routine run');

-- UTC, whatever the session says: hours in Kathmandu begin at a quarter past
SET LOCAL TimeZone = 'Asia/Kathmandu';
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('k', '2025-02-01 10:05+00'), ('k', '2025-02-01 10:50+00'), ('k', '2025-02-01 11:05+00');
SELECT is(liveness_rollup_hourly(), 2::bigint, 'in Asia/Kathmandu: two UTC hours');
SELECT results_eq($$SELECT hour, n FROM cells WHERE provider_id = 'k' ORDER BY 1$$,
	$$VALUES ('2025-02-01 10:00', 2), ('2025-02-01 11:00', 1)$$, 'on the hour of UTC');
SELECT is(liveness_rollup_hourly('2025-02-01 10:50+00', '2025-02-01 11:00+00'), 1::bigint, 'ranges too are of UTC hours');
SET LOCAL TimeZone = 'UTC';

-- Averages are avg()::real, to the bit
INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, memory_available_gb, thermal_state)
	SELECT 'v' || g % 3, '2025-03-01 00:00+00'::timestamptz + g * interval '97 seconds', (g * 0.618033988749 % 1)::real, (g * 1e-7)::real,
		CASE WHEN g % 5 > 0 THEN (g * 0.7548776662 % 1 * 64)::real END, (ARRAY['', 'nominal', 'fair'])[1 + g % 7 % 3]
	FROM generate_series(1, 500) g;
SELECT is(liveness_rollup_hourly(), 42::bigint, '13 hours and a half, three providers');
SELECT set_eq(
	$$SELECT * FROM provider_heartbeats_hourly WHERE provider_id ~ '^v'$$,
	$$SELECT provider_id, date_trunc('hour', at, 'UTC') AS hour, count(*)::int AS n, avg(memory_pressure)::real AS pressure,
		avg(cpu_usage)::real AS cpu,
		(ARRAY['', 'nominal', 'fair'])[max(array_position(ARRAY['', 'nominal', 'fair'], thermal_state))] AS thermal,
		avg(memory_available_gb)::real AS available
	FROM provider_heartbeats WHERE provider_id ~ '^v' GROUP BY 1, 2$$,
	'as PostgreSQL''s own aggregates have it');

-- Thermal states by severity, not by the alphabet
INSERT INTO provider_heartbeats (provider_id, at, thermal_state)
	SELECT p, '2025-04-01 00:00+00', t
	FROM (VALUES ('t1', ARRAY['critical', 'serious', 'nominal']), ('t2', ARRAY['fair', 'serious']), ('t3', ARRAY['nominal', 'fair']),
		('t4', ARRAY['zzz', 'nominal']), ('t5', ARRAY['abc', 'abd', 'Z', '']), ('t6', ARRAY['', '']),
		('t7', ARRAY['CRITICAL', 'fair']), ('t8', ARRAY['ab', 'abc', 'é']), ('t9', ARRAY['nominal ', ''])) v (p, states), unnest(states) t;
SELECT liveness_rollup_hourly();
SELECT results_eq(
	$$SELECT provider_id, max_thermal_state FROM provider_heartbeats_hourly WHERE provider_id ~ '^t' ORDER BY 1$$,
	$$VALUES ('t1', 'critical'), ('t2', 'serious'), ('t3', 'fair'), ('t4', 'nominal'), ('t5', 'abd'), ('t6', ''),
		('t7', 'fair'), ('t8', 'é'), ('t9', 'nominal ')$$,
	'critical > serious > fair > nominal > unknown words, the greatest in C > nothing');

-- Times that are none, and the ends of the calendar
SELECT liveness_rollup_hourly();
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('i', 'infinity'), ('i', '-infinity');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'heartbeats at the infinities are in no hour');
SELECT liveness_rollup_hourly('-infinity', 'infinity');
SELECT is((SELECT count(*) FROM cells WHERE provider_id = 'i'), 0::bigint, 'nor in a range without ends');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('e', '4714-11-24 00:00:00+00 BC');
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'the first hour of the calendar can be rolled up');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('e', '294276-12-31 23:59:59.999999+00');
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'and the last one');
SELECT results_eq($$SELECT hour, heartbeat_count FROM provider_heartbeats_hourly WHERE provider_id = 'e' ORDER BY 1$$,
	$$VALUES ('4714-11-24 00:00:00+00 BC'::timestamptz, 1), ('294276-12-31 23:00:00+00', 1)$$, 'both are there');
-- what lies between them is 300,000 years of nothing
DELETE FROM provider_heartbeats_hourly WHERE provider_id = 'e';
SET LOCAL statement_timeout = '10min';
SELECT lives_ok($$SELECT liveness_rollup_hourly('-infinity', 'infinity')$$, 'a range without ends goes from heartbeat to heartbeat');
SET LOCAL statement_timeout = 0;
SELECT results_eq($$SELECT hour, heartbeat_count FROM provider_heartbeats_hourly WHERE provider_id = 'e' ORDER BY 1$$,
	$$VALUES ('4714-11-24 00:00:00+00 BC'::timestamptz, 1), ('294276-12-31 23:00:00+00', 1)$$, 'and finds both again');
DELETE FROM provider_heartbeats WHERE provider_id IN ('e', 'i');

-- A cell whose rows were deleted by hand is not made from what is left; by hand it is
INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'd', '2025-08-01 10:00+00'::timestamptz + g * interval '10 s', 0.5 FROM generate_series(0, 359) g;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'an hour of 360 heartbeats');
DELETE FROM provider_heartbeats WHERE provider_id = 'd' AND at < '2025-08-01 10:30+00';
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('d', '2025-08-01 10:31:01+00'), ('d', '2025-08-01 11:00+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'half of it is deleted, and one comes late: the next hour is written');
SELECT results_eq($$SELECT heartbeat_count, avg_cpu_usage FROM provider_heartbeats_hourly WHERE provider_id = 'd' ORDER BY hour$$,
	$$VALUES (360, 0.5::real), (1, 0)$$, 'and this one keeps its 360');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'o', '2025-08-01 10:00+00'::timestamptz + g * interval '1 s' FROM generate_series(1, 4) g;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'another provider''s heartbeats in that hour, read whole');
SELECT liveness_internal.liveness_rollup_to_prune('2025-08-01', '2025-08-02');
SELECT is((SELECT n FROM cells WHERE provider_id = 'd' AND hour = '2025-08-01 10:00'), 360, 'and the retention take nothing from it');
SELECT is(liveness_rollup_hourly('2025-08-01', '2025-08-02'), 3::bigint, 'a range is computed from what there is');
SELECT is((SELECT n FROM cells WHERE provider_id = 'd' AND hour = '2025-08-01 10:00'), 181, 'so that cells can be mended');
DELETE FROM provider_heartbeats WHERE provider_id IN ('d', 'o');

-- Closing where nothing is to be closed
SELECT liveness_rollup_hourly();
SAVEPOINT closing;
TRUNCATE provider_heartbeats;
SELECT is((SELECT array_agg(liveness_internal.liveness_close_hours(t)) FROM unnest(ARRAY['infinity', '-infinity', now() + interval '1 year', NULL]::timestamptz[]) t),
	ARRAY[0, 0, 0, NULL]::bigint[], 'hours of an empty table, closed up to any time');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), '-infinity'::timestamptz, 'none is');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('f', now()), ('f', now() + interval '70 years'), ('f', 'infinity');
SELECT is(liveness_internal.liveness_close_hours('infinity'), 2::bigint, 'with heartbeats of now, and of a clock far ahead');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), liveness_internal.liveness_utc_hour(now()), 'this hour and later ones stay open');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('f', now());
SELECT is(liveness_rollup_hourly(), 1::bigint, 'so that the next heartbeat counts');
SELECT is((SELECT n FROM cells WHERE provider_id = 'f' ORDER BY hour LIMIT 1), 2, 'in its hour');
ROLLBACK TO closing;

-- What a restore leaves beside the row that is there: merged by the next run
SELECT is((SELECT count(*) FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 1::bigint, 'a row for the job');
SAVEPOINT restored;
SELECT runs AS runs_before, late AS late_before, last_started_at AS started_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly' \gset
INSERT INTO liveness_internal.liveness_job_state (job, runs, errors, late, last_started_at, last_error, last_error_at, watermark_of, watermark, pruned_before)
	VALUES ('hourly', 10, 2, 5, '2025-01-01', 'x', '2025-01-02', 'elsewhere', 9000000000000000, '2025-01-01 11:00+00');
SELECT results_eq($$SELECT runs, errors, last_error, last_started_at FROM liveness_jobs WHERE job = 'hourly'$$,
	format('VALUES (%s::bigint, 2::bigint, %L::text, %L::timestamptz)', :runs_before + 10, 'x', :'started_before'), 'liveness_jobs adds both up');
SELECT is(liveness_rollup_hourly(), (SELECT count(*) FROM cells WHERE hour >= '2025-01-01 11' AND provider_id NOT IN ('d', 'e', 'o')), 'the watermark is void: everything but closed hours again');
SELECT results_eq($$SELECT runs, errors, late, pruned_before, watermark_of <> 'elsewhere' AND watermark < 1000000 FROM liveness_internal.liveness_job_state WHERE job = 'hourly'$$,
	format('VALUES (%s::bigint, 2::bigint, %s::bigint, %L::timestamptz, true)', :runs_before + 11, :late_before + 5 + 6, '2025-01-01 11:00+00'), 'and there is one row again');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'the next run has nothing to do');
ROLLBACK TO restored;

-- Closed hours: before 2025-01-01 11:00
SELECT is(liveness_internal.liveness_close_hours('2025-01-01 11:29+00'), 2::bigint, 'closing takes what is before the hour of cut once more');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), '2025-01-01 11:00+00'::timestamptz, 'and closes up to it');
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('a', '2025-01-01 10:10+00'), ('x', '2025-01-01 10:10+00'), ('a', '2025-01-01 11:00+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'of three late heartbeats one is for an hour that is open');
SELECT results_eq($$SELECT * FROM cells WHERE provider_id IN ('a', 'x') ORDER BY 1, 2$$,
	$$VALUES ('a', '2025-01-01 10:00', 3), ('a', '2025-01-01 11:00', 2)$$, 'closed cells are neither overwritten nor made');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 2::bigint, 'the other two are counted');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'the next run');
SELECT is((SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 2::bigint, 'does not count them again');
SELECT is(liveness_rollup_hourly('2025-01-01 10:00+00', '2025-01-01 11:00+00'), 0::bigint, 'a range cannot write closed hours');
SELECT is(liveness_rollup_hourly(NULL, '2025-01-01 12:00+00'), 1::bigint, 'but what it has beside them');
DELETE FROM provider_heartbeats WHERE at < '2025-01-01 11:00+00';
SELECT liveness_rollup_hourly(NULL, NULL);
SELECT results_eq($$SELECT * FROM cells WHERE hour < '2025-01-01 11' ORDER BY 1$$,
	$$VALUES ('a', '2025-01-01 10:00', 3), ('b', '2025-01-01 10:00', 3)$$, 'once the raw rows are gone, the cells stay');
SELECT liveness_internal.liveness_close_hours('2024-01-01 00:00+00');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), '2025-01-01 11:00+00'::timestamptz, 'hours are not opened again');

-- A watermark of another cluster, database or table is none.
SELECT is(liveness_rollup_hourly(), 0::bigint, 'nothing new');
UPDATE liveness_internal.liveness_job_state SET watermark_of = 'elsewhere' WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), (SELECT count(*) FROM cells WHERE hour >= '2025-01-01 11'
		AND provider_id NOT IN ('d', 'e', 'o')), 'after a restore: everything but closed hours again');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'once');
SELECT isnt((SELECT watermark_of FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 'elsewhere', 'the watermark is ours now');
SELECT is((SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), '2025-01-01 11:00+00'::timestamptz, 'what was pruned stays closed');

-- Ids that were not drawn from the sequence
INSERT INTO provider_heartbeats (id, provider_id, at) VALUES (9000000000000000000, 'h', '2025-05-01 00:10+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'an id far above the sequence is taken');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('h', '2025-05-01 01:10+00');
SELECT is(liveness_rollup_hourly(), 2::bigint, 'it does not drag the watermark along (and is taken once more)');
SELECT results_eq($$SELECT hour, n FROM cells WHERE provider_id = 'h' ORDER BY 1$$,
	$$VALUES ('2025-05-01 00:00', 1), ('2025-05-01 01:00', 1)$$, 'both are counted, once each');
DELETE FROM provider_heartbeats WHERE provider_id = 'h';

-- The net: the hours of liveness.rollup_lookback (2h), whole, once an hour
SELECT liveness_rollup_hourly();
INSERT INTO provider_heartbeats (id, provider_id, at) VALUES
	(-1, 'n0', now()), (-2, 'n2', now() - interval '2 hours'), (-3, 'n4', now() - interval '4 hours');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'an id below the watermark is not seen');
UPDATE liveness_internal.liveness_job_state SET swept_at = now() - interval '59 minutes' WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), 0::bigint, 'nor 59 minutes after the last sweep');
UPDATE liveness_internal.liveness_job_state SET swept_at = now() - interval '1 hour' WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), 2::bigint, 'an hour after it, what is not older than the lookback is');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id ~ '^n' ORDER BY 1$$, $$VALUES ('n0', 1), ('n2', 1)$$,
	'the hour that now() - lookback is in, and all after it');
SELECT ok((SELECT swept_at > now() FROM liveness_internal.liveness_job_state WHERE job = 'hourly'), 'and the sweep is noted');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'so that it is not made again');
UPDATE provider_heartbeats_hourly SET max_thermal_state = 'x' WHERE provider_id IN ('n0', 'n2');
UPDATE liveness_internal.liveness_job_state SET swept_at = now() + interval '1 day' WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), 2::bigint, 'a clock that was set back does not put it off');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id ~ '^n' ORDER BY 1$$, $$VALUES ('n0', 1), ('n2', 1)$$,
	'nor are cells added up');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('n0', now()), ('n5', now() - interval '5 hours');
UPDATE liveness_internal.liveness_job_state SET swept_at = NULL WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), 3::bigint, 'a sweep and what is new go together: no cell twice');
SELECT results_eq($$SELECT provider_id, n FROM cells WHERE provider_id ~ '^n' ORDER BY 1$$, $$VALUES ('n0', 2), ('n2', 1), ('n5', 1)$$,
	'each cell is whole');
SELECT is(liveness_rollup_hourly(now() - interval '4 hours', now() - interval '4 hours' + interval '1 us'), 1::bigint, 'what the net does not reach, a range does');
DELETE FROM provider_heartbeats WHERE provider_id ~ '^n';

-- The sequence set back
SELECT liveness_rollup_hourly();
TRUNCATE provider_heartbeats RESTART IDENTITY;
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('r', '2025-06-01 00:10+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'after TRUNCATE ... RESTART IDENTITY small ids are new again');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'and once rolled up they are not');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('r', '2025-06-01 00:20+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'the watermark goes on from there');
SELECT is((SELECT n FROM cells WHERE provider_id = 'r'), 2, 'with a count of 2');
SELECT is((SELECT count(*) FROM cells WHERE provider_id = 'a'), 2::bigint, 'TRUNCATE takes no cell');

-- A sequence that was never used: rows came by replication, or with ids of their own
TRUNCATE provider_heartbeats RESTART IDENTITY;
UPDATE liveness_internal.liveness_job_state SET watermark = 0 WHERE job = 'hourly';
INSERT INTO provider_heartbeats (id, provider_id, at) VALUES (7, 's', '2025-07-01 00:10+00'), (8, 's', '2025-07-01 01:10+00');
SELECT is(liveness_rollup_hourly(), 2::bigint, 'an unused sequence: all rows');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'the highest id that was there is the watermark');
INSERT INTO provider_heartbeats (id, provider_id, at) VALUES (9, 's', '2025-07-01 01:20+00');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'and the next one is above it');

-- liveness_jobs
SELECT runs AS runs_before FROM liveness_jobs WHERE job = 'hourly' \gset
SELECT liveness_rollup_hourly('2025-07-01', '2025-07-02');
SELECT results_eq(
	$$SELECT last_rows, last_started_at BETWEEN now() AND clock_timestamp(), last_duration BETWEEN '0' AND clock_timestamp() - now(), last_error, errors
	FROM liveness_jobs WHERE job = 'hourly'$$,
	'VALUES (2::bigint, true, true, NULL::text, 0::bigint)', 'liveness_jobs has the figures of the run');
SELECT is((SELECT runs FROM liveness_jobs WHERE job = 'hourly'), 1::bigint + :runs_before, 'and counts it');

-- Without its state: everything again
DELETE FROM liveness_internal.liveness_job_state WHERE job = 'hourly';
SELECT is(liveness_rollup_hourly(), 2::bigint, 'without a state it starts from the beginning');

SELECT * FROM finish();
ROLLBACK;
