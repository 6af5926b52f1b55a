-- liveness_hours, one hour: the heartbeats of one provider, by hand and against avg() and max()
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(49);

-- An hour without its sums
CREATE TYPE cell AS (hour timestamptz, heartbeat_count int, memory_pressure real, cpu_usage real, thermal_state text, memory_available_gb real);
CREATE FUNCTION cell(h liveness_internal.liveness_hours_row) RETURNS cell LANGUAGE sql STRICT AS $$
	SELECT ROW(h.hour, h.heartbeat_count, h.avg_memory_pressure, h.avg_cpu_usage, h.max_thermal_state, h.avg_memory_available_gb)::cell
$$;

-- The worst of some thermal states
CREATE FUNCTION worst(VARIADIC states text[]) RETURNS text LANGUAGE sql AS $$
	SELECT ((liveness_internal.liveness_hours('2026-01-01', 0, 0, s, 0))[1]).max_thermal_state FROM unnest(states) AS s
$$;

SELECT is(cell(h), ROW('2026-01-01', 3, 0.5, 0.25, 'fair', 12)::cell, 'three heartbeats: the count, the means, the worst state, NULL memory left out')
FROM (SELECT (liveness_internal.liveness_hours('2026-01-01', p, c, t, a))[1] FROM (VALUES (0.25::real, 0.125::real, 'nominal', 8::real), (0.5, 0.25, 'fair', NULL), (0.75, 0.375, '', 16)) AS v (p, c, t, a)) AS s (h);
SELECT is(cell((liveness_internal.liveness_hours('2026-01-01', 0.5, 0.25, '', NULL))[1]), ROW('2026-01-01', 1, 0.5, 0.25, '', NULL)::cell, 'one heartbeat, memory unknown');
SELECT is(cell((liveness_internal.liveness_hours('2026-01-01', p, 0, '', 0))[1]), NULL, 'no heartbeat: NULL') FROM (VALUES (0::real)) AS v (p) WHERE false;
SELECT is(cell((liveness_internal.liveness_hours('2026-01-01', 0, 0, '', 0) FILTER (WHERE false))[1]), NULL, 'a FILTER that matches nothing: NULL');
SELECT is(cell((liveness_internal.liveness_hours('2026-01-01', NULL, NULL, NULL, NULL))[1]), ROW('2026-01-01', 1, NULL, NULL, '', NULL)::cell, 'a heartbeat of NULLs is one');
SELECT is(cell(h), ROW('2026-01-01', 4, 2, 3, 'fair', 5)::cell, 'each mean leaves out its own NULLs')
FROM (SELECT (liveness_internal.liveness_hours('2026-01-01', p, c, t, a))[1] FROM (VALUES (1::real, NULL::real, 'fair', NULL::real), (NULL, 2, NULL, NULL), (3, NULL, '', 5), (NULL, 4, NULL, NULL)) AS v (p, c, t, a)) AS s (h);

-- Severity.  Each state, with itself, with a worse one before and behind it
SELECT is(worst(state), state, format('%L alone', state)) FROM unnest(ARRAY['', 'unknown', 'nominal', 'fair', 'serious', 'critical']) AS state;
SELECT is(worst(VARIADIC pair), pair[2], format('%L is worse than %L', pair[2], pair[1]))
FROM (SELECT ARRAY[milder, worse] AS pair FROM unnest(ARRAY['', 'warm', 'nominal', 'fair', 'serious', 'critical']) WITH ORDINALITY AS a (milder, i),
	unnest(ARRAY['', 'warm', 'nominal', 'fair', 'serious', 'critical']) WITH ORDINALITY AS b (worse, j) WHERE i < j ORDER BY i, j) AS pairs;
SELECT is((SELECT count(*)::int FROM unnest(ARRAY['', 'warm', 'nominal', 'fair', 'serious', 'critical']) WITH ORDINALITY AS a (milder, i),
	unnest(ARRAY['', 'warm', 'nominal', 'fair', 'serious', 'critical']) WITH ORDINALITY AS b (worse, j) WHERE i < j AND worst(worse, milder) = worse), 15, 'the worse one first: the same');
SELECT is(worst('zzz', 'nominal'), 'nominal', 'an unknown word ranks below nominal, wherever it sorts');
SELECT is(worst('warm', 'hot', 'tepid'), 'warm', 'of unknown words the greatest');
SELECT is(worst('Warm', 'hot'), 'hot', 'in C collation: small letters behind capitals');
SELECT is(worst('z', 'ä'), 'ä', 'and ä behind z');
SELECT is(worst('warm', 'warmer'), 'warmer', 'a longer word behind its beginning');
SELECT is(worst('warmer', 'warm'), 'warmer', 'in either order');
SELECT is(worst('aaaaaaaaaaaaaaaaaaaaaaaa', 'b', repeat('c', 5000), 'd'), 'd', 'short and long ones in turn');
SELECT is(worst('d', repeat('e', 5000)), repeat('e', 5000), 'a long one is kept whole');
SELECT is(worst('Critical', 'NOMINAL', 'critical ', 'fair'), 'fair', 'words compare exactly: Critical is unknown');
SELECT is(worst('Critical', 'critical '), 'critical ', 'and among unknown words blanks count');
SELECT is(worst(' ', ''), ' ', 'a blank is an unknown word, worse than nothing');
SELECT is(worst(NULL, 'warm', NULL), 'warm', 'a NULL state is none');

-- Means as avg() gives them
CREATE TABLE beats AS
SELECT i, i % 97 AS g, (hashint8extended(i, 1) % 1000) / 999.0::real AS p, (CASE WHEN i % 5 > 0 THEN hashint8extended(i, 2) % 100000 END / 7.0)::real AS c,
	(ARRAY['', 'nominal', 'fair', 'serious', 'critical', 'odd', 'even'])[1 + abs(hashint8extended(i, 3) % (1 + i % 7))] AS t,
	CASE WHEN i % 97 > 10 AND i % 3 > 0 THEN (hashint8extended(i, 4) % 1000000 / 1024.0)::real END AS a
FROM generate_series(1, 9700) AS i;
SELECT is(count(*)::int, 97, 'as count(*), avg()::real and the greatest severity, in each of 97 groups')
FROM (
	SELECT g FROM beats GROUP BY g
	HAVING cell((liveness_internal.liveness_hours('2026-01-01', p::real, c, t, a))[1]) IS NOT DISTINCT FROM ROW('2026-01-01', count(*), avg(p::real)::real, avg(c)::real,
		(array_agg(t ORDER BY array_position(ARRAY['critical', 'serious', 'fair', 'nominal', 'odd', 'even', ''], t)))[1], avg(a)::real)::cell) AS same;
SELECT is(count(DISTINCT (h).max_thermal_state)::int, 5, 'which differ') FROM (SELECT (liveness_internal.liveness_hours('2026-01-01', p::real, c, t, a))[1] AS h FROM beats WHERE i % 7 < 5 GROUP BY i % 7) AS s;
-- In real, 16777216 + 1 + 1 + .. would stay at 16777216
SELECT is(((liveness_internal.liveness_hours('2026-01-01', x, 0, '', 0))[1]).avg_memory_pressure, ((16777216 + 1023) / 1024.0)::real, 'sums are kept in double precision')
FROM (SELECT 16777216::real UNION ALL SELECT 1::real FROM generate_series(1, 1023)) AS v (x);
SELECT is(cell((liveness_internal.liveness_hours('2026-01-01', '3e38', '-3e38', '', '3e38'))[1]), ROW('2026-01-01', 1, '3e38', '-3e38', '', '3e38')::cell, 'the largest numbers');
SELECT is(((liveness_internal.liveness_hours('2026-01-01', 3e38, 0, '', 0))[1]).avg_memory_pressure, 3e38::real, 'whose sum does not overflow') FROM generate_series(1, 10);
-- A sensor that fails says nothing; that it failed is told where nothing else is known.
SELECT is(cell(h), ROW('2026-01-01', 4, 2, 5, '', 'NaN')::cell, 'NaN and infinities are left out; NaN where there is nothing else')
FROM (SELECT (liveness_internal.liveness_hours('2026-01-01', p, c, '', a))[1] FROM (VALUES ('NaN'::real, 'infinity'::real, 'infinity'::real), (1, 5, 'NaN'), (3, '-infinity', NULL), (NULL, NULL, '-infinity')) AS v (p, c, a)) AS s (h);
SELECT is(cell(h), ROW('2026-01-01', 3, 'NaN', NULL, '', 0)::cell, 'each column by itself, and 0 is a value')
FROM (SELECT (liveness_internal.liveness_hours('2026-01-01', p, NULL, '', a))[1] FROM (VALUES ('NaN'::real, 0::real), (NULL, '-0'), ('infinity', 'NaN')) AS v (p, a)) AS s (h);
SELECT is((SELECT array_agg((r).avg_cpu_usage ORDER BY (r).hour) FROM (SELECT unnest(liveness_internal.liveness_hours(at, 0, c, '', 0)) AS r FROM (VALUES
		('2026-01-01 00:00+00'::timestamptz, 'NaN'::real), ('2026-01-01 00:30+00', 4), ('2026-01-01 01:00+00', 'infinity'), ('2026-01-01 01:10+00', 'NaN'), ('2026-01-01 02:00+00', NULL)) AS v (at, c)) h),
	ARRAY[4, 'NaN', NULL]::real[], 'liveness_hours does the same');
SELECT is(array_agg((h).heartbeat_count || (h).max_thermal_state ORDER BY i), ARRAY['1', '2b', '3b', '4c', '5nominal'], 'as a window aggregate it goes on after each answer')
FROM (SELECT i, (liveness_internal.liveness_hours('2026-01-01', 0, 0, t, 0) OVER (ORDER BY i))[1] AS h FROM (VALUES (1, ''), (2, 'b'), (3, 'a'), (4, 'c'), (5, 'nominal')) AS v (i, t)) AS w;

SELECT * FROM finish();
ROLLBACK;
