-- The routine run adds new heartbeats to the sums that it has kept of recent hours: every cell is
-- what its raw rows say, as PostgreSQL's own aggregates have them
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(41);

DELETE FROM liveness_internal.liveness_job_state WHERE job = 'hourly';
CREATE TEMP TABLE base AS SELECT liveness_internal.liveness_utc_hour(now()) AS hour;
CREATE TEMP VIEW oracle AS
	SELECT provider_id, date_trunc('hour', at, 'UTC') AS hour, count(*)::int AS n,
		COALESCE(avg(memory_pressure) FILTER (WHERE abs(memory_pressure) < 'infinity'), 'NaN')::real AS pressure,
		COALESCE(avg(cpu_usage) FILTER (WHERE abs(cpu_usage) < 'infinity'), 'NaN')::real AS cpu,
		(array_agg(thermal_state ORDER BY array_position(ARRAY['critical', 'serious', 'fair', 'nominal'], thermal_state), thermal_state COLLATE "C" DESC))[1] AS thermal,
		COALESCE(avg(memory_available_gb) FILTER (WHERE abs(memory_available_gb) < 'infinity'),
			CASE WHEN count(memory_available_gb) > 0 THEN 'NaN'::float8 END)::real AS available
	FROM provider_heartbeats GROUP BY 1, 2;
CREATE FUNCTION pg_temp.differences() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ((TABLE oracle EXCEPT ALL TABLE provider_heartbeats_hourly) UNION ALL (TABLE provider_heartbeats_hourly EXCEPT ALL TABLE oracle)) d
$$;
-- Hours with sums, and those that do not count what there is
CREATE TEMP VIEW kept AS
	SELECT k.hour, k.provider_id, k.settled, ((liveness_internal.liveness_hours(k.hour, k.sums))[1]).heartbeat_count AS n
	FROM liveness_internal.liveness_hour_sums k GROUP BY k.hour, k.provider_id, k.settled;
CREATE FUNCTION pg_temp.write(seed int, low interval, high interval, n int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb)
	SELECT 'p' || (hashint8extended(i, seed) & 1023) % 7,
		b.hour + low + (hashint8extended(i, seed + 1) & 65535) / 65536.0 * (high - low),
		CASE WHEN h % 11 = 0 THEN 'NaN' ELSE (hashint8extended(i, seed + 2) & 255) / 256.0 END,
		CASE WHEN h % 13 = 0 THEN 'infinity' ELSE (hashint8extended(i, seed + 3) & 255) / 256.0 END,
		(ARRAY['', 'nominal', 'fair', 'odd', 'odder', 'serious', 'critical', repeat('long ', 600)])[1 + h % least(8, 1 + i)],
		CASE WHEN h % 5 > 1 THEN (h % 64)::float8 WHEN h % 5 = 1 THEN '-infinity' END
	FROM base b, generate_series(1, n) i, LATERAL (SELECT (hashint8extended(i, seed + 4) & 65535)::int AS h) r
$$;

-- In order of time, late, and far too late; of one provider and of many
SELECT pg_temp.write(1, '-1 hour', '10 minutes', 500);
SELECT ok(liveness_rollup_hourly() > 0, 'the first run');
SELECT is(pg_temp.differences(), 0::bigint, 'from the raw rows');
SELECT is((SELECT count(*) FROM kept), (SELECT count(*) FROM oracle), 'sums are kept of each cell');
SELECT is((SELECT count(*) FROM kept k JOIN oracle o USING (hour, provider_id) WHERE k.n = o.n), (SELECT count(*) FROM oracle), 'of all its heartbeats');
SELECT is((SELECT count(*) FROM kept k WHERE k.settled <> (SELECT watermark FROM liveness_internal.liveness_job_state WHERE job = 'hourly')), 0::bigint, 'up to the watermark');
SELECT pg_temp.write(11, '10 minutes', '15 minutes', 200);
SELECT is(liveness_rollup_hourly(), 7::bigint, 'the next five minutes: a cell for each provider');
SELECT is(pg_temp.differences(), 0::bigint, 'each as its raw rows say');
SELECT pg_temp.write(21, '-2 hours', '20 minutes', 100);
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'with late ones, of a recent hour that has no sums yet too');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');
SELECT pg_temp.write(31, '-40 hours', '20 minutes', 300);
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'and with such as are older than the lookback');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');
SELECT ok((SELECT min(k.hour) BETWEEN b.hour - interval '2 hours' AND b.hour - interval '1 hour' FROM kept k, base b GROUP BY b.hour), 'of those no sums are kept');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'new', hour + interval '20 minutes' FROM base;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'a provider that is new');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'new', hour + interval '1 minute' FROM base;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'and goes on');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');
SELECT is(liveness_rollup_hourly(), 0::bigint, 'nothing new');
SELECT pg_temp.write(100 * round, make_interval(mins => round - 60), make_interval(mins => round), 1 + 40 * round), liveness_rollup_hourly() FROM generate_series(1, 20) round;
SELECT is(pg_temp.differences(), 0::bigint, 'twenty runs, one after another: the same');
SELECT is((SELECT count(*) FROM kept k JOIN oracle o USING (hour, provider_id) WHERE k.n = o.n), (SELECT count(*) FROM kept), 'and the sums count every heartbeat');

-- The raw rows of a cell with sums are not read
CREATE TEMP TABLE before AS TABLE provider_heartbeats_hourly;
SAVEPOINT deleted;
DELETE FROM provider_heartbeats;
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'new', hour FROM base;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'raw rows deleted by hand, and a new one');
SELECT is((SELECT heartbeat_count FROM provider_heartbeats_hourly JOIN base USING (hour) WHERE provider_id = 'new'), 3, 'the cell goes on');
ROLLBACK TO deleted;

-- The sums are a cache: without them, or with some of them, cells are made from raw rows
TRUNCATE liveness_internal.liveness_hour_sums;
SELECT pg_temp.write(5001, '20 minutes', '25 minutes', 50);
SELECT is(liveness_rollup_hourly(), 7::bigint, 'all sums gone, as after a crash');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');
DELETE FROM liveness_internal.liveness_hour_sums WHERE provider_id IN ('p1', 'p2');
SELECT pg_temp.write(5101, '20 minutes', '25 minutes', 50);
SELECT is(liveness_rollup_hourly(), 7::bigint, 'some gone: each cell is written once');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');

-- A watermark that goes back would add heartbeats twice
UPDATE liveness_internal.liveness_job_state SET watermark = watermark - 100 WHERE job = 'hourly';
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'an earlier watermark, as a restore brings it');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');
UPDATE liveness_internal.liveness_job_state SET watermark_of = 'elsewhere' WHERE job = 'hourly';
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'a watermark of another cluster');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');

-- Ids that were not drawn: above the watermark again and again, below it by the net alone
INSERT INTO provider_heartbeats (id, provider_id, at) SELECT 9000000000000000000 + i, 'p1', hour FROM base, generate_series(1, 3) i;
SELECT is(liveness_rollup_hourly(), 1::bigint, 'ids far above the sequence');
SELECT is(liveness_rollup_hourly(), 1::bigint, 'are taken again');
SELECT is(pg_temp.differences(), 0::bigint, 'and counted once');
INSERT INTO provider_heartbeats (id, provider_id, at) SELECT -i, 'p3', hour FROM base, generate_series(1, 3) i;
UPDATE liveness_internal.liveness_job_state SET swept_at = now() - interval '1 hour' WHERE job = 'hourly';
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'ids below the watermark, and a sweep');
SELECT pg_temp.write(5301, '20 minutes', '25 minutes', 50);
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'the run after it');
SELECT is(pg_temp.differences(), 0::bigint, 'has not forgotten them');
INSERT INTO provider_heartbeats (id, provider_id, at) SELECT -10, 'p4', hour FROM base;
SELECT is(liveness_rollup_hourly((SELECT hour FROM base), NULL), 8::bigint, 'the same by hand');
SELECT pg_temp.write(5401, '20 minutes', '25 minutes', 50);
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'and the run after it');
SELECT is(pg_temp.differences(), 0::bigint, 'too');

-- Last, for every id is above the watermark then
SELECT setval('provider_heartbeats_id_seq', 1, false);
SELECT pg_temp.write(5201, '20 minutes', '25 minutes', 50);
SELECT lives_ok('SELECT liveness_rollup_hourly()', 'a sequence that was set back');
SELECT is(pg_temp.differences(), 0::bigint, 'the same');

SELECT throws_ok($$SELECT liveness_internal.liveness_hours(now(), '\x00')$$, '22P03', NULL, 'bytes that are no sums');
-- the word stands at their end
SELECT throws_ok(format('SELECT liveness_internal.liveness_hours(now(), %L::bytea)', set_byte(s.sums, length(s.sums) - 1, 255)), '22021', NULL, 'nor a thermal state that is no text')
FROM (SELECT (liveness_internal.liveness_hours(now(), 0, 0, 'odd', NULL))[1].sums) s;

SELECT * FROM finish();
ROLLBACK;
