-- survival_plot: curves whose every column is known by hand, and every column of others by survival_at
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(51);

-- S is 1, from 1 on 3/4, from 2 on 1/2, from 4 on 0. 15 columns, half a unit each: two, two, four and the rest
SELECT results_eq($$SELECT survival_plot('{1:1:0,2:1:0,3:0:1,4:1:0}', 20, 4, 7)$$, $$VALUES
	('100%┤██'),
	(' 75%┤████'),
	(' 50%┤████████'),
	(' 25%┤████████'),
	('  0%┼┬──────┬──────┬'),
	('     0     3.5     7')$$, 'a column shows S just after its time; a step is where it falls');
-- One of 16 leaves at each unit: a step less in each column, the first and the last exact
SELECT results_eq($$SELECT survival_plot(survival_agg(t, true), 22, 2) FROM generate_series(1, 16) t$$, $$VALUES
	('100%┤█▇▆▅▄▃▂▁'),
	(' 50%┤█████████▇▆▅▄▃▂▁'),
	('  0%┼┬───────┬───────┬'),
	('     0       8      16')$$, 'eighths of a character');
-- S is 2/3 from 1 on, 10 2/3 sixteenths, and not known beyond
SELECT results_eq($$SELECT survival_plot('{1:1:2}', 20, 2, 2)$$, $$VALUES
	('100%┤███████▃'),
	(' 50%┤████████???????'),
	('  0%┼┬──────┬──────┬'),
	('     0      1      2')$$, 'where the curve does not reach');
SELECT results_eq($$SELECT survival_plot('{2:2:0}', 20, 2, 4)$$, $$VALUES
	('100%┤███████'),
	(' 50%┤███████'),
	('  0%┼┬──────┬──────┬'),
	('     0      2      4')$$, 'past the last event nobody is left, which is known');
-- The event at 2 leaves one of two, and the one who is left is censored at 3: S is not known after it
SELECT results_eq($$SELECT survival_plot('{2:1:0,3:0:1}', 20, 2, 7)$$, $$VALUES
	('100%┤████'),
	(' 50%┤███████????????'),
	('  0%┼┬──────┬──────┬'),
	('     0     3.5     7')$$, 'nor past the last who is censored');
-- In at 0, out at 1; in at 2, and censored at 3: S is 0 from 1 on
SELECT results_eq($$SELECT survival_plot('{0:0:0:1,1:1:0,2:0:0:1,3:0:1}', 20, 2, 7)$$, $$VALUES
	('100%┤██'),
	(' 50%┤██'),
	('  0%┼┬──────┬──────┬'),
	('     0     3.5     7')$$, 'once 0 it stays, left-truncated');

-- One point, at odd times
SELECT results_eq($$SELECT survival_plot('{0:1:0}', 20, 2)$$, $$VALUES ('100%┤'), (' 50%┤'), ('  0%┼┬──────┬──────┬'), ('     0     0.5     1')$$,
	'all are gone at 0, and the scale is 1');
SELECT results_eq($$SELECT survival_plot('{0:1:1}', 20, 2)$$, $$VALUES ('100%┤'), (' 50%┤█??????????????'), ('  0%┼┬──────┬──────┬'), ('     0     0.5     1')$$,
	'half are gone at 0, and the rest are not known');
SELECT results_eq($$SELECT survival_plot('{5:0:1}', 20, 2)$$, $$VALUES ('100%┤███████████████'), (' 50%┤███████████████'), ('  0%┼┬──────┬──────┬'), ('     0     2.5     5')$$,
	'nothing but censored');
SELECT results_eq($$SELECT survival_plot('{Infinity:1:1}', 20, 2)$$, $$VALUES ('100%┤███████████████'), (' 50%┤███████████████'), ('  0%┼┬──────┬──────┬'), ('     0     0.5     1')$$,
	'who leaves at infinity is there at every finite time');
SELECT results_eq($$SELECT survival_plot('{7:1:0,Infinity:1:0}', 20, 2, 14)$$, $$VALUES ('100%┤███████'), (' 50%┤███████████████'), ('  0%┼┬──────┬──────┬'), ('     0      7     14')$$,
	'half leave at infinity: a half that goes on');
SELECT is((SELECT l FROM survival_plot('{7:1:0,Infinity:1:0}', 20, 2) l OFFSET 3), '     0     3.5     7', 'the last finite time is the scale');
SELECT is((SELECT array_agg(l) FROM survival_plot('{1.7976931348623157e308:1:1}', 20, 2) l), ARRAY['100%┤██████████████', ' 50%┤███████████████', '  0%┼┬──────┬──────┬', '     0 1.797693e+308'],
	'the end of the range; the middle is not told where it has no room');
SELECT is((SELECT array_agg(l) FROM survival_plot('{5e-324:1:1}', 20, 2) l OFFSET 0), ARRAY['100%┤████████', ' 50%┤███████████████', '  0%┼┬──────┬──────┬', '     0 4.940656e-324'],
	'its beginning, the half of which is rounded to 0');
SELECT is((SELECT array_agg(l) FROM survival_plot('{1:1:9999999999}', 20, 2) l), ARRAY['100%┤██████████████▇', ' 50%┤███████████████', '  0%┼┬──────┬──────┬', '     0     0.5     1'],
	'one of ten thousand million is seen to leave');
SELECT is((SELECT array_agg(l) FROM survival_plot('{1:9999999999:1}', 20, 2) l), ARRAY['100%┤██████████████', ' 50%┤██████████████▁', '  0%┼┬──────┬──────┬', '     0     0.5     1'],
	'and one seen to stay');

-- Nothing to draw
SELECT is_empty(format('SELECT survival_plot(%L, 20, 2, %s)', c, h), format('no line for %s up to %s', c, h)) FROM unnest('{NULL, "{}"}'::text[]) c, unnest('{NULL, 5}'::text[]) h WHERE h IS NOT NULL;
SELECT is_empty(format('SELECT survival_plot(%L)', c), 'no line: ' || coalesce(c, 'NULL')) FROM unnest('{NULL, "{}"}'::text[]) c;

-- Labels stand at the quarters that begin a line
SELECT is((SELECT string_agg(substr(l, 1, 5), '/') FROM survival_plot('{1:1:0}', 20, height) l), expected, format('labels of %s lines', height))
FROM (VALUES (2, '100%┤/ 50%┤/  0%┼/     '), (3, '100%┤/    │/    │/  0%┼/     '), (4, '100%┤/ 75%┤/ 50%┤/ 25%┤/  0%┼/     '), (6, '100%┤/    │/    │/ 50%┤/    │/    │/  0%┼/     ')) v (height, expected);

-- The sizes there are, and a psql of 80 columns, which puts a blank before
SELECT results_eq($$SELECT count(*), max(length(l)) FROM survival_plot('{1:1:0}') l$$, 'VALUES (18::bigint, 72)', 'by default 18 lines of 72 characters');
SELECT results_eq($$SELECT count(*), max(length(l)) FROM survival_plot('{1:1:0}', NULL, NULL, NULL) l$$, 'VALUES (18::bigint, 72)', 'NULL is the default');
SELECT is_empty($$SELECT w, h FROM unnest('{20, 21, 79, 80, 1000}'::int[]) w, unnest('{2, 3, 100}'::int[]) h, unnest('{1, 7, 604800, 1e9, 123456.789, 1.7976931348623157e308, 5e-324}'::float8[]) t,
	LATERAL (SELECT count(*) AS n, max(length(l)) AS longest FROM survival_plot('{1:1:1,3:1:0}', w, h, t) l) p WHERE n <> h + 2 OR longest <> w$$,
	'no line is longer than asked, and the axis as long');
SELECT is((SELECT l FROM survival_plot('{604800:1:0}', 40) l OFFSET 17), '     0             302400         604800', 'seconds of a week');

-- Every column of real curves (survival.sql has R's figures for them), and of a large one: filled to the next eighth of a line
CREATE TABLE shown AS SELECT 'a' AS name, survival_agg(abs(x), x > 0) AS curve FROM unnest('{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35}'::float8[]) x
	UNION ALL SELECT 'b', survival_agg(abs(x), x > 0) FROM unnest('{9, 13, -13, 18, 23, -28, 31, 34, -45, 48, -161}'::float8[]) x
	UNION ALL SELECT 'truncated', survival_agg(d, o, e) FROM (VALUES (5::float8, true, 0::float8), (8, true, 2), (9, true, 5), (6, false, 4), (7, true, -1)) v (d, o, e)
	UNION ALL SELECT 'a hundred thousand', survival_agg(sqrt(g), g % 3 > 0) FROM generate_series(1, 100000) g;
CREATE FUNCTION wrong_columns(curve survival_curve, width int, height int, horizon float8) RETURNS SETOF int LANGUAGE sql AS $$
	WITH line AS (
		SELECT l, n FROM survival_plot(curve, width, height, horizon) WITH ORDINALITY p (l, n) WHERE n <= height
	)
	SELECT c FROM generate_series(0, width - 6) c
	CROSS JOIN LATERAL (SELECT sum(strpos('▁▂▃▄▅▆▇█', nullif(substr(l, 6 + c, 1), ''))) AS filled, max(substr(l, 6 + c, 1)) FILTER (WHERE n = height) AS last FROM line) drawn
	CROSS JOIN survival_at(curve, horizon * c / (width - 6)) s
	WHERE CASE WHEN s IS NULL THEN last <> '?' OR filled > 0
		ELSE last = '?' OR coalesce(filled, 0) <> CASE s WHEN 0 THEN 0 WHEN 1 THEN 8 * height ELSE least(greatest(round(s * 8 * height), 1), 8 * height - 1) END END
$$;
SELECT is_empty(format('SELECT wrong_columns(curve, %s, %s, %s) FROM shown WHERE name = %L', width, height, horizon, name), format('every column: %s, %s x %s up to %s', name, width, height, horizon))
FROM (VALUES ('a', 35), ('a', 50), ('b', 100), ('b', 170), ('truncated', 10), ('a hundred thousand', 300), ('a hundred thousand', 340)) v (name, horizon), (VALUES (72, 16), (100, 5)) s (width, height);

-- What cannot be drawn
SELECT throws_ok(format('SELECT survival_plot(%L, %s)', '{1:1:0}', arguments), '22023', message, message)
FROM (VALUES ('19', 'width 19 is out of range'), ('1001', 'width 1001 is out of range'), ('20, 1', 'height 1 is out of range'), ('20, 101', 'height 101 is out of range'),
	('20, 2, 0', 'horizon must be positive and finite, and is 0'), ('20, 2, -1', 'horizon must be positive and finite, and is -1'),
	($$20, 2, 'NaN'$$, 'horizon must be positive and finite, and is NaN'), ($$20, 2, 'Infinity'$$, 'horizon must be positive and finite, and is Infinity')) v (arguments, message);
SELECT throws_ok($$SELECT survival_plot(NULL, 0)$$, '22023', 'width 0 is out of range', 'even where there is nothing to draw');

SELECT * FROM finish();
ROLLBACK;
