-- liveness_percentiles against percentile_cont, core's own
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(74);

-- i: the order of insertion
CREATE TABLE input (name text, i int, x float8);
INSERT INTO input
SELECT 'random ' || n, i, (hashint8extended(i, n) % 1000003) / 7.0::float8
FROM unnest(ARRAY[1, 2, 3, 10, 33, 1000, 100000]) AS n, generate_series(1, n) AS i;
INSERT INTO input
SELECT 'sorted', i, i FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'reversed', i, -i FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'organ pipe', i, least(i, 5001 - i) FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'sawtooth', i, i % 17 FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'all equal', i, 42.5 FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'two values', i, i % 2 FROM generate_series(1, 5001) AS i UNION ALL
SELECT 'one outlier', i, CASE WHEN i = 77 THEN -1e300 ELSE 3 END FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'all NaN', i, 'NaN' FROM generate_series(1, 500) AS i UNION ALL
SELECT 'half NaN', i, CASE WHEN i % 2 = 0 THEN 'NaN'::float8 ELSE i % 100 END FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'infinities and numbers', i, CASE i % 3 WHEN 0 THEN 'infinity'::float8 WHEN 1 THEN '-infinity' ELSE i END FROM generate_series(1, 5000) AS i UNION ALL
SELECT 'five values in 50,000', i, abs(hashint8extended(i, 5) % 5) FROM generate_series(1, 50000) AS i UNION ALL
SELECT 'square roots, half negative', i, sqrt(i) * (i % 2 * 2 - 1) FROM generate_series(1, 5000) AS i;
INSERT INTO input VALUES
	('nulls', 1, NULL), ('nulls', 2, 5), ('nulls', 3, NULL), ('nulls', 4, 1), ('nulls', 5, 2.5),
	('nan', 1, 1), ('nan', 2, 'NaN'), ('nan', 3, 2), ('nan', 4, '-NaN'), ('nan', 5, '-1'),
	('infinities', 1, 'infinity'), ('infinities', 2, '-infinity'), ('infinities', 3, 7),
	('infinity twice', 1, 'infinity'), ('infinity twice', 2, 'infinity'), ('infinity twice', 3, 1), ('infinity twice', 4, 'NaN'),
	('both infinities', 1, 'infinity'), ('both infinities', 2, '-infinity'),
	('zeros', 1, '-0'), ('zeros', 2, 0), ('zeros', 3, '-1'), ('zeros', 4, 1), ('zeros', 5, '-0'),
	('extremes', 1, 1.7976931348623157e308), ('extremes', 2, -1.7976931348623157e308),
	('extremes', 3, 5e-324), ('extremes', 4, -5e-324), ('extremes', 5, 2.2250738585072014e-308), ('extremes', 6, 0);

-- unsorted, repeated, the ends, and such as hit a value or fall between two
CREATE FUNCTION fractions() RETURNS float8[] IMMUTABLE LANGUAGE sql AS
$$SELECT ARRAY[0.5, 0, 1, 0.9, 0.1, 0.5, 1 / 3.0, 0.25, 0.001, 0.999, 0.0625, 1e-300, 0.9999999999999999]::float8[]$$;

CREATE TABLE compared AS
SELECT name, count(*) AS n, liveness_percentiles(x, fractions() ORDER BY i) AS ours,
	percentile_cont(fractions()) WITHIN GROUP (ORDER BY x) AS core
FROM input
GROUP BY name;

-- Each input
SELECT is(ours, core, format('as percentile_cont: %s (%s rows)', name, n)) FROM compared ORDER BY name COLLATE "C";
SELECT is(count(*)::int, 26, 'so many inputs were compared') FROM compared;
SELECT cmp_ok(count(DISTINCT core)::int, '>=', 20, 'and they give different answers') FROM compared;

-- By hand, so that not everything hangs on core
SELECT is(liveness_percentiles(x, '{0, 0.25, 0.5, 0.9, 1}'), '{10, 17.5, 25, 37, 40}', 'four values: interpolated by hand')
FROM unnest(ARRAY[40, 10, 30, 20]) AS x;
SELECT is(liveness_percentiles(x, '{0.5}'), '{3}', 'a NULL value is left out') FROM unnest(ARRAY[2, NULL, 4]) AS x;
SELECT is(liveness_percentiles(x, '{0, 0.25, 0.5, 0.75, 1}'), '{-infinity, NaN, 7, infinity, infinity}', 'between a number and infinity: infinity; from -infinity on, -infinity + infinity: NaN')
FROM unnest('{infinity, 7, -infinity}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0, 0.5, 1}'), '{-infinity, NaN, infinity}', 'between the two infinities: NaN')
FROM unnest('{infinity, -infinity}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0.5}'), '{infinity}', 'two of the same infinity, on a value') FROM unnest('{infinity, infinity, infinity}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0.5}'), '{NaN}', 'two of the same infinity, between: NaN as in core') FROM unnest('{infinity, infinity}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0, 0.5, 0.75, 1}'), '{1, infinity, NaN, NaN}', 'NaN sorts above infinity')
FROM unnest('{NaN, 1, infinity}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0, 1}')::text, '{0,0}', '-0 becomes 0, which it is equal to') FROM unnest('{-0, 0, -0}'::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0, 0.5, 1}'), '{-5e-324, 0, 5e-324}', 'the least numbers around 0 keep their order')
FROM unnest('{5e-324, -0, -5e-324}'::float8[]) AS x;
SELECT is(liveness_percentiles(1, ARRAY[0.5]), '{1}', 'an integer value and numeric fractions are cast');

-- Every size up to 200, so that the switch to sorting and all its neighbours are met
SELECT is(count(*)::int, 200, 'as percentile_cont for each size from 1 to 200') FROM (
	SELECT n FROM generate_series(1, 200) AS n, generate_series(1, n) AS i
	GROUP BY n
	HAVING liveness_percentiles(abs(hashint8extended(i, n) % 1000), fractions())
		= percentile_cont(fractions()) WITHIN GROUP (ORDER BY (abs(hashint8extended(i, n) % 1000))::float8)) AS same;
SELECT is(count(*)::int, 3000, 'as percentile_cont in each of 3,000 groups') FROM (
	SELECT g FROM generate_series(1, 30000) AS i, LATERAL (SELECT abs(hashint8extended(i, 1) % 2500) + 1 AS g UNION ALL SELECT 2501 + i % 500) AS groups
	GROUP BY g
	HAVING liveness_percentiles(i * 1.5, '{0.1, 0.5, 0.9}')
		= percentile_cont('{0.1, 0.5, 0.9}'::float8[]) WITHIN GROUP (ORDER BY (i * 1.5)::float8)) AS same;

-- Groups that take turns, each with fractions of its own
SELECT is(count(*)::int, 40, 'as percentile_cont with other fractions in each group') FROM (
	SELECT g FROM generate_series(1, 1000) AS i,
		LATERAL (SELECT i % 40 AS g, CASE i % 40 WHEN 7 THEN NULL WHEN 8 THEN '{}' ELSE ARRAY[i % 40 / 40.0, 0.5, NULL] END::float8[] AS f) AS groups
	GROUP BY g, f
	HAVING liveness_percentiles(hashint4(i), f) IS NOT DISTINCT FROM percentile_cont(f) WITHIN GROUP (ORDER BY hashint4(i)::float8)) AS same;

-- The fractions
SELECT is(liveness_percentiles(x, f), (SELECT percentile_cont(f) WITHIN GROUP (ORDER BY x) FROM input WHERE name = 'random 1000'), '1,000 fractions')
FROM input, (SELECT array_agg(k / 999.0::float8 ORDER BY hashint4(k)) AS f FROM generate_series(0, 999) AS k) AS thousand
WHERE name = 'random 1000' GROUP BY f;
SELECT is(liveness_percentiles(x, f), (SELECT percentile_cont(f) WITHIN GROUP (ORDER BY x) FROM input WHERE name = 'random 33'), 'more fractions than values')
FROM input, (SELECT array_agg(k / 999.0::float8 ORDER BY hashint4(k)) AS f FROM generate_series(0, 999) AS k) AS thousand
WHERE name = 'random 33' GROUP BY f;
SELECT is(liveness_percentiles(x, '{NULL, 0.5, NULL, NULL, 1, NULL, NULL, NULL, NULL, 0}'), '{NULL, 2, NULL, NULL, 3, NULL, NULL, NULL, NULL, 1}', 'NULL for a NULL fraction')
FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '{NULL, NULL}'), '{NULL, NULL}', 'nothing but NULL fractions') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, NULL), NULL, 'NULL for NULL fractions') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '{}'), '{}', 'an empty array for an empty array') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '{}'), NULL, 'but NULL without a value') FROM unnest(ARRAY[NULL::float8]) AS x;
SELECT is(liveness_percentiles(x, '{{0, 0.5}, {1, NULL}, {0.25, 0.75}}'), '{{1, 2}, {3, NULL}, {1.5, 2.5}}', 'a 2-D array')
FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '[5:7]={0, 0.5, 1}')::text, '[5:7]={1,2,3}', 'lower bounds are kept') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '[-1:0][3:4]={{0, 0.5}, {1, 1}}')::text, '[-1:0][3:4]={{1,2},{3,3}}', 'of two dimensions as well') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, f), '{1, 2}', 'fractions from a column, stored short')
FROM generate_series(1, 3) AS x, (SELECT '{0, 0.5}'::float8[] AS f OFFSET 0) AS one;

-- No rows, and what leaves none
SELECT is(liveness_percentiles(x, '{0.5}'), NULL, 'no rows') FROM input WHERE false;
SELECT is(liveness_percentiles(x, '{0.5}'), NULL, 'only NULL values') FROM unnest(ARRAY[NULL, NULL]::float8[]) AS x;
SELECT is(liveness_percentiles(x, '{0.5}') FILTER (WHERE x > 1e6), NULL, 'a FILTER that matches nothing') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(x, '{0.5}') FILTER (WHERE x >= 2), '{2.5}', 'a FILTER that matches some') FROM generate_series(1, 3) AS x;
SELECT is(liveness_percentiles(DISTINCT x, '{0.5}'), '{2}', 'DISTINCT') FROM unnest(ARRAY[1, 1, 1, 1, 2, 3]) AS x;

-- Errors
CREATE FUNCTION of_fractions(f text) RETURNS text IMMUTABLE LANGUAGE sql AS
$$SELECT format('SELECT liveness_percentiles(x, %L) FROM generate_series(1, 3) AS x', f)$$;
SELECT throws_ok(of_fractions('{NaN}'), '22003', 'percentile value NaN is not between 0 and 1', 'a fraction NaN');
SELECT throws_ok(of_fractions('{-0.1}'), '22003', 'percentile value -0.1 is not between 0 and 1', 'a fraction below 0');
SELECT throws_ok(of_fractions('{1.1}'), '22003', 'percentile value 1.1 is not between 0 and 1', 'a fraction above 1');
SELECT throws_ok(of_fractions('{infinity}'), '22003', 'percentile value Infinity is not between 0 and 1', 'a fraction infinity');
SELECT throws_ok(of_fractions('{-infinity}'), '22003', 'percentile value -Infinity is not between 0 and 1', 'a fraction -infinity');
SELECT throws_ok(of_fractions('{NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1.5}'), '22003', 'percentile value 1.5 is not between 0 and 1', 'a bad fraction behind NULLs');
SELECT throws_ok('SELECT liveness_percentiles(x, ARRAY[x / 3]) FROM generate_series(1, 3) AS x', '22023', 'the fractions of liveness_percentiles must not vary within a group', 'fractions that vary');
SELECT throws_ok($$SELECT liveness_percentiles(1, f::float8[]) FROM (VALUES ('{0.5}'), ('{0.5,0.5}')) AS v (f)$$, '22023', NULL, 'in number');
SELECT throws_ok($$SELECT liveness_percentiles(1, f::float8[]) FROM (VALUES ('{0.5}'), (NULL)) AS v (f)$$, '22023', NULL, 'NULL after some');
SELECT throws_ok($$SELECT liveness_percentiles(1, f::float8[]) FROM (VALUES (NULL), ('{0.5}')) AS v (f)$$, '22023', NULL, 'some after NULL');
SELECT lives_ok('SELECT g, liveness_percentiles(x, ARRAY[g / 4.0]) FROM generate_series(1, 3) AS g, generate_series(1, 3) AS x GROUP BY g', 'fractions may vary between groups');

-- As a window aggregate: the final function is called again and again
CREATE TABLE moving AS
SELECT i, x,
	liveness_percentiles(x, '{0.1, 0.5, 0.9}') OVER (ORDER BY i) AS running,
	liveness_percentiles(x, '{0.5, NULL}') OVER (ORDER BY i ROWS BETWEEN 40 PRECEDING AND 2 FOLLOWING) AS sliding,
	liveness_percentiles(x, '{0.5}') OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS behind,
	liveness_percentiles(x, '{0, 1}') OVER (PARTITION BY i % 7) AS part
FROM input WHERE name = 'random 1000' AND i <= 300;
SELECT is((SELECT count(*)::int FROM moving AS m WHERE running IS NOT DISTINCT FROM
	(SELECT percentile_cont('{0.1, 0.5, 0.9}'::float8[]) WITHIN GROUP (ORDER BY x) FROM moving WHERE i <= m.i)), 300, 'over a growing frame');
SELECT is((SELECT count(*)::int FROM moving AS m WHERE sliding IS NOT DISTINCT FROM
	(SELECT percentile_cont('{0.5, NULL}'::float8[]) WITHIN GROUP (ORDER BY x) FROM moving WHERE i BETWEEN m.i - 40 AND m.i + 2)), 300, 'over a sliding frame');
SELECT is((SELECT count(*)::int FROM moving AS m WHERE behind IS NOT DISTINCT FROM
	(SELECT percentile_cont('{0.5}'::float8[]) WITHIN GROUP (ORDER BY x) FROM moving WHERE i BETWEEN m.i - 2 AND m.i - 1)), 300, 'over a frame that is empty at first');
SELECT is((SELECT count(*)::int FROM moving AS m WHERE part IS NOT DISTINCT FROM
	(SELECT percentile_cont('{0, 1}'::float8[]) WITHIN GROUP (ORDER BY x) FROM moving WHERE i % 7 = m.i % 7)), 300, 'over whole partitions');

-- Fractions that differ from group to group go with their group
CREATE TEMP TABLE many_fractions AS
	SELECT g, array_agg(f / 10000.0::float8 + g / 1e6 ORDER BY f) AS fractions FROM generate_series(1, 300) g, generate_series(0, 9000) f GROUP BY g;
ANALYZE many_fractions;
SET LOCAL enable_hashagg = off;
CREATE FUNCTION pg_temp.memory() RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
END
$$;
CREATE TEMP TABLE by_group AS
	SELECT m.g, (liveness_percentiles(i, m.fractions))[1:2] AS percentiles,
		CASE WHEN m.g > 5 THEN pg_temp.memory() END AS bytes
	FROM (SELECT m.g, m.fractions, i FROM many_fractions m, generate_series(0, 100) i WHERE i % 50 = 0 ORDER BY m.g) m GROUP BY m.g;
SELECT is((SELECT count(*) FROM by_group b, many_fractions m
	WHERE m.g = b.g AND percentiles = (SELECT percentile_cont(m.fractions[1:2]) WITHIN GROUP (ORDER BY i) FROM unnest('{0,50,100}'::float8[]) i)), 300::bigint, 'each group has its own');
SELECT cmp_ok(max(bytes) - min(bytes), '<', 8000000::numeric, 'and no other''s') FROM by_group;

SELECT * FROM finish();
ROLLBACK;
