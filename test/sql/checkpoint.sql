-- Checkpoints: the recursion against Daly's closed form, and against a simulation
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL jit = off;
SELECT plan(43);

-- In hours: M mean time between failures, or a curve; W work, C checkpoint, R restart
CREATE FUNCTION checkpoint(curve float8[], w float8, c float8, r float8) RETURNS liveness_checkpoint_row LANGUAGE sql AS
$$SELECT liveness_internal.liveness_checkpoint($1, (3600e6 * $2)::bigint, (3600e6 * $3)::bigint, (3600e6 * $4)::bigint)$$;
CREATE FUNCTION constant(m float8) RETURNS float8[] LANGUAGE sql AS $$SELECT ARRAY[0, 0, 3600 * $1, 1]$$;
CREATE FUNCTION hours(interval) RETURNS float8 LANGUAGE sql AS $$SELECT extract(epoch FROM $1) / 3600$$;
CREATE FUNCTION daly(n int, m float8, w float8, c float8, r float8) RETURNS float8 LANGUAGE sql AS
$$SELECT CASE WHEN (w / n + c) / m < 700 THEN n * (m + r) * (exp((w / n + c) / m) - 1) ELSE 'infinity' END$$;

-- By hand: M 10 h, C 5 min, R 10 min, W 24 h
SELECT is(segments, 19, 'constant hazard: 19 segments'),
	is(round(extract(epoch FROM every) / 60, 1), 75.8, 'of 75.8 min'),
	is(round(hours(expected_runtime)::numeric, 3), 27.842, 'in 27.842 h'),
	is(round(uninterrupted::numeric, 9), round(exp(-(24 + 19 * 5 / 60.0) / 10), 9), 'which hold through with exp(-25.58 h / 10 h)')
FROM checkpoint(constant(10), 24, 5 / 60.0::float8, 10 / 60.0::float8);
SELECT is(round(daly(1, 10, 24, 0, 10 / 60.0::float8)::numeric, 1), 101.9, 'the closed form: 101.9 h without checkpoints');

-- Many others.  The best x = W/n, were n not whole, solves (x/M - 1) e^((x + C)/M) = -1: the left side rises with x
CREATE TABLE cases AS
SELECT m, w, c, r, (checkpoint(constant(m), w, c, r)).*
FROM unnest('{0.3, 2, 10, 500, 1e5}'::float8[]) AS m, unnest('{0.01, 1, 24, 300}'::float8[]) AS w, unnest('{0.003, 0.08, 1}'::float8[]) AS c, unnest('{0, 0.2}'::float8[]) AS r;
SELECT is(count(*)::int, 120, 'so many plans') FROM cases;
SELECT is(array_agg(format('%s %s %s %s: %s', m, w, c, r, segments)) FILTER (WHERE
		segments > 1 AND (w / (segments - 1) / m - 1) * exp((w / (segments - 1) + c) / m) < -1
		OR (w / (segments + 1) / m - 1) * exp((w / (segments + 1) + c) / m) > -1), NULL, 'Daly''s optimum lies between the plan and its neighbours')
FROM cases;
SELECT is(array_agg(format('%s %s %s %s: %s', m, w, c, r, segments)) FILTER (WHERE
		daly(segments, m, w, c, r) > daly(segments + 1, m, w, c, r) * (1 + 1e-12) OR segments > 1 AND daly(segments, m, w, c, r) > daly(segments - 1, m, w, c, r) * (1 + 1e-12)), NULL, 'and neither neighbour takes less time')
FROM cases;
SELECT is(array_agg(format('%s %s %s %s: %s', m, w, c, r, expected_runtime)) FILTER (WHERE
		NOT abs(hours(expected_runtime) / daly(segments, m, w, c, r) - 1) < 1e-8 AND abs(hours(expected_runtime) - daly(segments, m, w, c, r)) > 1e-9), NULL, 'the time is that of the closed form')
FROM cases;
SELECT cmp_ok(max(segments), '>', 200, 'some have many segments') FROM cases;
SELECT cmp_ok(count(*) FILTER (WHERE segments = 1)::int, '>', 20, 'some have one') FROM cases;

-- A hazard that falls with age: Weibull, shape 1/2, scale 10 h, at the age of 2 h
CREATE FUNCTION weibull() RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(CASE k WHEN 1 THEN 3600 * t ELSE sqrt((2 + t) / 10) - sqrt(0.2) END::float8 ORDER BY i, k)
	FROM (SELECT i, i / 100.0::float8 AS t FROM generate_series(0, 20000) AS i) AS points, generate_series(1, 2) AS k
$$;
SELECT is(segments, 14, 'Weibull: 14 segments'),
	is(round(extract(epoch FROM every) / 60, 1), 102.9, 'of 102.9 min'),
	is(round(hours(expected_runtime)::numeric, 3), 26.713, 'in 26.713 h')
FROM checkpoint(weibull(), 24, 5 / 60.0::float8, 10 / 60.0::float8);

-- A simulation of 10,000 runs: each draws how long each provider holds, the same for all n.
-- done: segments; hours: so far
CREATE FUNCTION simulated(n int, w float8, c float8, r float8) RETURNS float8 LANGUAGE sql AS $$
	WITH RECURSIVE run (i, try, done, hours) AS (
		SELECT i, 0, 0::float8, 0::float8 FROM generate_series(1, 10000) AS i
		UNION ALL
		SELECT i, try + 1, CASE WHEN holds >= (n - done) * d THEN n ELSE done + floor(holds / d) END,
			hours + CASE WHEN holds >= (n - done) * d THEN (n - done) * d ELSE holds + r END
		FROM (
			SELECT run.*, w / n + c AS d, 10 * (sqrt(0.2) - ln((hashint8extended(i, try) & 1048575) / 1048576.0::float8 + 1 / 2097152.0::float8)) ^ 2 - 2 AS holds
			FROM run
			WHERE done < n
		) AS run
	)
	SELECT avg(hours) FROM run WHERE done = n
$$;
CREATE TABLE simulation AS SELECT n, simulated(n, 24, 5 / 60.0::float8, 10 / 60.0::float8) AS hours FROM unnest('{1, 4, 6, 8, 10, 12, 14, 16, 19, 24, 32, 48}'::int[]) AS n;
SELECT ok(abs(hours / 26.713 - 1) < 0.01, format('simulated: as expected (%s)', CASE WHEN abs(hours / 26.713 - 1) < 0.01 THEN 'within 1 %' ELSE hours::text END)) FROM simulation WHERE n = 14;
SELECT ok((SELECT hours FROM simulation WHERE n = 14) <= 1.02 * min(hours), 'and within 2 % of the best of the grid') FROM simulation;
SELECT ok(max(hours) > 1.1 * min(hours), 'which not every number of segments is') FROM simulation;

-- The curve goes on after its last point as before; what lies between its points is linear
SELECT is(checkpoint('{0, 0, 18000, 0.5, 36000, 1}', 24, 0.1, 0), checkpoint(constant(10), 24, 0.1, 0), 'points on a line change nothing');
SELECT is(segments, 1, 'a provider that never fails needs one segment'), is(expected_runtime, '25 hours', 'of the work and a checkpoint'), is(uninterrupted, 1::float8, 'and holds through')
FROM checkpoint('{0, 0, 1, 0}', 24, 1, 0);
-- a machine that fails for certain after 6 h: four parts of 5 h and a checkpoint of 1 h would just be too long
SELECT is(segments, 5, 'certain to fail at 6 h: five segments of 5.8 h'), is(round(hours(expected_runtime)::numeric, 2), 29.80, 'four providers fail at 6 h, the fifth need not')
FROM checkpoint('{0, 0, 21600, 0, 21601, 1000}', 24, 1, 0);
SELECT is(expected_runtime, NULL, 'a job that cannot end has no expected time') FROM checkpoint(constant(1e-4), 10000, 1, 0);
SELECT is(segments, 10000, 'at most 10,000 segments'), cmp_ok(hours(expected_runtime), '>', 1e5::float8, 'which take what they take') FROM checkpoint(constant(1), 87600, 0.001, 0);

-- Bad input
SELECT throws_ok(format('SELECT checkpoint(%L, 1, 1, 1)', curve), '22023', NULL, 'the curve ' || curve)
FROM unnest(ARRAY['{}', '{0, 0}', '{0, 0, 1}', '{1, 0, 2, 1}', '{0, 1, 2, 1}', '{0, 0, 0, 1}', '{0, 0, 1, 1, 2, 0.5}', '{0, 0, NaN, 1}', '{0, 0, 1, NaN}', '{0, 0, 1, infinity}', '{0, 0, infinity, 1}', '{{0, 0}, {1, 1}}', '{0, 0, 1, NULL}']) AS curve;
SELECT is(checkpoint(NULL, 1, 1, 1), NULL, 'NULL for a NULL');
SELECT throws_ok($$SELECT checkpoint(constant(1), 1, 0, 1)$$, '22023', NULL, 'checkpoints cost time');
SELECT throws_ok($$SELECT checkpoint(constant(1), 0, 1, 1)$$, '22023', NULL, 'there is work');
SELECT throws_ok($$SELECT checkpoint(constant(1), 1, 1, -1)$$, '22023', NULL, 'restarts do not save time');

SELECT * FROM finish();
ROLLBACK;
