-- hourly_availability of liveness_features: by hand, and against hours counted one by one with range_agg;
-- and liveness_mean_matrix
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(107);

CREATE FUNCTION matrix(as_of timestamptz, window_days int, VARIADIC sessions tstzrange[]) RETURNS jsonb STABLE LANGUAGE sql AS $$
	SELECT (liveness_features(lower(s), upper(s), 'x', as_of, window_days)).hourly_availability FROM unnest(sessions) AS s
$$;
-- Its cells that are neither 0 nor null, as 'index:value'
CREATE FUNCTION online(matrix jsonb) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT coalesce(string_agg(cell - 1 || ':' || value, ' ' ORDER BY cell), '')
	FROM jsonb_array_elements_text(matrix) WITH ORDINALITY AS m (value, cell) WHERE value <> '0'
$$;
CREATE FUNCTION cells(matrix jsonb, what text) RETURNS int IMMUTABLE LANGUAGE sql AS $$
	SELECT count(*)::int FROM jsonb_array_elements(matrix) AS m (value) WHERE value::text = what
$$;
-- The slow way: for each UTC hour of the window, how much of it the window holds and how much of that is online
CREATE FUNCTION counted(as_of timestamptz, window_days int, VARIADIC sessions tstzrange[]) RETURNS jsonb STABLE LANGUAGE sql AS $$
	SELECT jsonb_agg(CASE WHEN whole > 0 THEN trim_scale(round(online / whole, 4)) END ORDER BY cell)
	FROM generate_series(0, 167) AS cell
	LEFT JOIN (
		SELECT (extract(dow FROM hour) * 24 + extract(hour FROM hour))::int AS cell,
			sum(extract(epoch FROM upper(piece) - lower(piece))) AS whole,
			sum((SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0) FROM unnest(online * multirange(piece)) AS r)) AS online
		FROM (SELECT range_agg(tstzrange(lower(s), coalesce(upper(s), as_of))) AS online FROM unnest(sessions) AS s) AS sessions,
			generate_series(date_trunc('hour', as_of - make_interval(hours => 24 * window_days)), as_of, interval '1h') AS hour,
			LATERAL (SELECT tstzrange(hour, hour + interval '1h') * tstzrange(as_of - make_interval(hours => 24 * window_days), as_of) AS piece) AS clipped
		WHERE NOT isempty(piece)
		GROUP BY 1
	) AS hours USING (cell)
$$;

-- The shape.  2026-01-11 is a Sunday
SELECT is(jsonb_typeof(m) || ' ' || jsonb_array_length(m), 'array 168', 'an array of 168') FROM matrix('2026-01-15', 14, '[2026-01-11, 2026-01-12)') AS m;
SELECT is(cells(m, '0'), 168, '0 everywhere for a session of no length') FROM (SELECT (liveness_features('2026-01-11', '2026-01-11', 'x', '2026-01-15', 14)).hourly_availability AS m) AS f;
SELECT is(online(matrix('2026-01-15', 7, '[2026-01-11 00:00, 2026-01-11 01:00)')), '0:1', 'cell 0 is Sunday 00:00');
SELECT is(online(matrix('2026-01-15', 7, '[2026-01-10 23:00, 2026-01-11 00:00)')), '167:1', 'cell 167 is Saturday 23:00');
SELECT is(online(matrix('2026-01-15', 7, '[2026-01-12 13:00, 2026-01-12 14:00)')), '37:1', 'Monday 13:00 is 24 + 13');
SELECT is(online(matrix('2026-01-15', 7, '[2026-01-10 22:30, 2026-01-11 01:15)')), '0:1 1:0.25 166:0.5 167:1', 'over the end of the week');
SELECT is(online(matrix('2026-01-15', 14, '[2026-01-11 00:30, 2026-01-11 01:00)')), '0:0.25', 'half an hour of two Sundays');
SELECT is(online(matrix('2026-01-15', 14, '[2026-01-11 00:15, 2026-01-11 00:30)', '[2026-01-11 00:40, 2026-01-11 00:55)', '[2026-01-04 00:30, 2026-01-04 01:30)')), '0:0.5 1:0.25', 'pieces of an hour add up');
SELECT is(online(matrix('2026-01-15', 7, '[2026-01-11 00:00, 2026-01-11 00:30)', '[2026-01-11 00:10, 2026-01-11 00:40)')), '0:0.6667', 'overlap counts once');
SELECT is(online(matrix('2026-01-15 12:00', 1, '[2026-01-14 11:00, 2026-01-14 12:30)')), '84:0.5', 'what lies before the window does not count');
SELECT is(online(matrix('2026-01-15 12:00', 1, '[2026-01-15 11:30, 2026-01-15 18:00)')), '107:0.5', 'nor what lies after as_of');

-- The figures: four decimals, no trailing zeros, half away from zero
SELECT is(online(matrix('2026-01-15', 7, tstzrange('2026-01-11', '2026-01-11'::timestamptz + length::interval))), expected, format('%s of an hour is %s', length, coalesce(nullif(expected, ''), 'nothing')))
FROM (VALUES ('20min', '0:0.3333'), ('40min', '0:0.6667'), ('6min', '0:0.1'), ('36s', '0:0.01'), ('360ms', '0:0.0001'), ('180ms', '0:0.0001'), ('179999us', ''),
	('900ms', '0:0.0003'), ('540ms', '0:0.0002'), ('3599820ms', '0:1'), ('3599.819999s', '0:0.9999'), ('3599640ms', '0:0.9999'), ('45min', '0:0.75'), ('30min', '0:0.5'), ('54min', '0:0.9')) AS v (length, expected);

-- Always on: 1 in every cell, null where the window holds nothing of it
SELECT is((cells(m, '1'), cells(m, 'null'), cells(m, '0')), (168 - nulls, nulls, 0), format('always on, %s days before %s', days, as_of))
FROM (VALUES (1, '2026-01-15 00:00', 144), (1, '2026-01-15 12:34:56.789', 143), (1, '2026-01-15 23:59:59.999999', 143), (2, '2026-01-15 12:34:56.789', 119),
	(6, '2026-01-15 00:00', 24), (6, '2026-01-15 00:00:00.000001', 23), (7, '2026-01-15 00:00', 0), (7, '2026-01-15 12:34:56.789', 0),
	(10, '2026-01-15 00:00', 0), (10, '2026-01-15 12:34:56.789', 0), (14, '2026-01-15 00:00', 0), (14, '2026-01-15 12:34:56.789', 0),
	(30, '2026-01-15 00:00', 0), (30, '2026-01-15 12:34:56.789', 0), (3650, '2026-01-15 12:34:56.789', 0),
	(1, '2000-01-01 00:00', 144), (7, '1999-12-31 23:59:59.5', 0), (14, '1969-07-20 20:17:40', 0), (14, '0044-03-15 12:34:56.789 BC', 0), (30, '294276-12-31 23:59:59.999999', 0)) AS v (days, as_of, nulls),
	LATERAL matrix(v.as_of::timestamptz, days, '[4000-01-01 BC,)') AS m;
-- The cells of a window of one day, 12:34:56.789 to 12:34:56.789: Wednesday 12:00 (84) to Thursday 12:00 (108)
SELECT is(array_agg(cell::int - 1 ORDER BY cell), ARRAY(SELECT generate_series(84, 108)), 'the cells that one day holds')
FROM jsonb_array_elements_text(matrix('2026-01-15 12:34:56.789', 1, '[2026-01-01,)')) WITH ORDINALITY AS m (value, cell) WHERE value = '1';
-- 25 min 3.211 s of Wednesday's hour lie in the window, online for the last five minutes of them
SELECT is(online(matrix('2026-01-15 12:34:56.789', 1, '[2026-01-14 12:55, 2026-01-14 13:00)')), '84:0.1996', 'a share of the part of the hour that the window holds: 300 / 1503.211');
SELECT is(online(matrix('2026-01-15 12:34:56.789', 1, '[2026-01-15 12:00, 2026-01-15 12:10)')), '108:0.2862', 'at its end as well: 600 / 2096.789');
SELECT is(online(matrix('2026-01-15 12:34:56.789', 7, '[2026-01-15 12:00, 2026-01-15 12:10)')), '108:0.1667', 'in a week the two parts make an hour');

-- The session's time zone does not matter, half hours and changed clocks included (8 March 2026 in New York)
CREATE TABLE in_utc AS SELECT matrix('2026-03-15 12:34:56.789+00', 14, '[2026-03-07 22:10+00, 2026-03-08 09:20+00)', '[2026-03-14 03:00+00,)') AS m;
SELECT is(online(m), counted, 'in UTC') FROM in_utc, online(counted('2026-03-15 12:34:56.789+00', 14, '[2026-03-07 22:10+00, 2026-03-08 09:20+00)', '[2026-03-14 03:00+00,)')) AS counted;
SET LOCAL TimeZone = 'America/New_York';
SELECT is(matrix('2026-03-15 12:34:56.789+00', 14, '[2026-03-07 22:10+00, 2026-03-08 09:20+00)', '[2026-03-14 03:00+00,)'), m, 'in New York') FROM in_utc;
SET LOCAL TimeZone = 'Asia/Kathmandu';
SELECT is(matrix('2026-03-15 12:34:56.789+00', 14, '[2026-03-07 22:10+00, 2026-03-08 09:20+00)', '[2026-03-14 03:00+00,)'), m, 'in Kathmandu') FROM in_utc;
SET LOCAL TimeZone = 'UTC';

-- Groups with different windows in one query do not disturb each other
SELECT is(array_agg(online((f).hourly_availability) ORDER BY days, as_of), ARRAY['0:1', '0:0.5', '0:0.25', '0:0.25'], 'each group has its own window')
FROM (SELECT days, as_of, liveness_features('2026-01-11 00:00', '2026-01-11 01:00', 'x', as_of, days) AS f
	FROM (VALUES (7, timestamptz '2026-01-15'), (14, '2026-01-15'), (28, '2026-01-15'), (28, '2026-01-16')) AS v (days, as_of) GROUP BY days, as_of) AS groups;

-- Random sessions, of all lengths, overlapping, over the edges: as counted
CREATE TABLE random_sessions AS
SELECT g, as_of, days, array_agg(tstzrange(c, CASE WHEN kind % 8 > 0 THEN least(c + length, as_of) END)) AS sessions
FROM (
	SELECT g, as_of, days, abs(hashint8extended(g * 100 + i, 3)) AS kind,
		as_of - make_interval(secs => days * 86400.0 * (1 + abs(hashint8extended(g * 100 + i, 1) % 1200000)) / 1100000.0) AS c,
		make_interval(secs => exp(abs(hashint8extended(g * 100 + i, 2) % 100000) / 100000.0 * ln(500000.0))) AS length
	FROM generate_series(1, 42) AS g,
		LATERAL (SELECT (ARRAY[1, 2, 7, 10, 14, 30])[1 + g % 6] AS days,
			(ARRAY['2026-01-15', '2026-03-15 12:34:56.789', '2025-06-15 23:59:59.999999', '2000-01-01', '1999-12-26 00:00:00.000001', '1987-11-03 05:06:07', '2024-02-29 18:00'])[1 + g % 7]::timestamptz AS as_of) AS asked,
		generate_series(1, 1 + g % 9) AS i
) AS drawn
GROUP BY g, as_of, days;
SELECT is(matrix(as_of, days, VARIADIC sessions), counted(as_of, days, VARIADIC sessions), format('as counted: %s sessions, %s days before %s', cardinality(sessions), days, as_of))
FROM random_sessions ORDER BY g;
SELECT cmp_ok((SELECT count(DISTINCT value)::int FROM random_sessions, jsonb_array_elements(matrix(as_of, days, VARIADIC sessions)) AS m (value)), '>=', 100, 'which are of many kinds');

-- The mean of matrices: by hand, and against avg() of PostgreSQL
CREATE FUNCTION filled(cell jsonb, others jsonb DEFAULT '0') RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_agg(CASE n WHEN 1 THEN cell ELSE others END) FROM generate_series(1, 168) n
$$;
CREATE FUNCTION mean_of(VARIADIC matrices jsonb[]) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT liveness_mean_matrix(m) FROM unnest(matrices) m
$$;
SELECT is(mean_of(filled('0.5'), filled('0.25', '1')), filled('0.375', '0.5'), 'mean of two');
SELECT is(mean_of(filled('0.5', 'null'), filled('0.25', '1'), filled('"1"', '{}')), filled('0.375', '1'), 'what is no number counts for nothing');
SELECT is(mean_of(filled('null', '[]'), filled('true')), filled('null', '0'), 'null, where there is no number');
SELECT is(mean_of(filled('-3', '7'), filled('0.5000', '-1e-20'), filled('1', '1e400')), filled('0.5', '0.66666666666666666667'), 'less than 0 is 0, more than 1 is 1');
SELECT is(mean_of(filled('0.00001', '0.12345678901234567890'), filled('0.00003', '0')), filled('0.00002', '0.06172839450617283945'), 'more than four decimals');
SELECT is(mean_of(filled('0.5'), NULL, '1', '{}', '[]', '"x"', 'null', '[1]', filled('0.5') || jsonb '[1]', filled('0.5') - 0), filled('0.5'), 'what is no matrix is passed over');
SELECT is(mean_of(NULL, '[1]'), NULL, 'NULL, if there is no matrix');
SELECT is((SELECT liveness_mean_matrix(jsonb '1') FROM generate_series(1, 0)), NULL, 'and without a row');

CREATE TABLE matrices AS
SELECT g, jsonb_agg(CASE abs(hashint8extended(n * 100000 + i, g)) % 9
		WHEN 0 THEN 'null' WHEN 1 THEN '0' WHEN 2 THEN '1' WHEN 3 THEN to_jsonb(hashint8(n + i) / 1e9::numeric)
		ELSE to_jsonb(trim_scale(round(abs(hashint8(n * 1000 + i)) / 2147483648.0, 4))) END ORDER BY n) AS matrix
FROM generate_series(1, 4) g, generate_series(1, 150) i, generate_series(1, 168) n
GROUP BY g, i;
SELECT results_eq($$SELECT g, liveness_mean_matrix(matrix) FROM matrices GROUP BY g ORDER BY g$$,
	$$SELECT g, jsonb_agg(mean ORDER BY n)
		FROM (
			SELECT g, n, avg(CASE WHEN jsonb_typeof(share) = 'number' THEN least(greatest(share::numeric, 0), 1) END) AS mean
			FROM matrices, jsonb_array_elements(matrix) WITH ORDINALITY c (share, n)
			GROUP BY g, n
		) c
		GROUP BY g
		ORDER BY g$$, 'as avg(), in groups');
SELECT is((SELECT liveness_mean_matrix(filled(to_jsonb(trim_scale(share / 10000.0))))->>0 FROM generate_series(0, 10000) share), '0.50000000000000000000', 'of all shares that there are');

SELECT * FROM finish();
ROLLBACK;
