-- Hours, days and weeks anywhere in the calendar: leap years, year ends, before 2000 (where timestamptz turns
-- negative), before 1970 and Christ, to the end; against PostgreSQL's own calendar, in a zone of half hours
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'Australia/Lord_Howe';
SELECT plan(30);

-- Two days of each corner, hour by hour and a microsecond to either side; and 4,000 instants, half of them before
-- 2126, the others up to 294276, a quarter on the hour and a quarter a microsecond before the next
CREATE TABLE instants AS
SELECT at, date_trunc('hour', at, 'UTC') AS hour
FROM (
	SELECT corner::timestamptz + make_interval(hours => h) + us * interval '1 us' AS at
	FROM unnest(ARRAY['4714-11-24 01:00+00 BC', '0045-03-14 00:00+00 BC', '0001-12-31 00:00+00 BC', '1582-10-14 00:00+00', '1900-02-28 00:00+00', '1969-12-31 00:00+00',
			'1999-12-31 00:00+00', '2000-02-28 12:00+00', '2026-03-28 12:00+00', '2026-04-04 00:00+00', '2026-10-24 12:00+00', '2028-02-28 12:00+00', '2028-12-31 00:00+00',
			'2038-01-19 00:00+00', '2100-02-28 00:00+00', '294276-12-29 22:00+00']) corner,
		generate_series(0, 48) h, generate_series(-1, 1) us
	UNION ALL
	SELECT timestamptz '2000-01-01 00:00+00' + make_interval(hours => ((hashint8extended(i, 1) & 1048575) / 1048576.0 * (CASE WHEN i % 2 = 0 THEN 59800000 ELSE 2120000000 END) - 58700000)::int)
		+ (CASE i / 2 % 4 WHEN 0 THEN 0 WHEN 1 THEN 3599999999 ELSE (hashint8extended(i, 2) & 4194303) * 858 END) * interval '1 us'
	FROM generate_series(1, 4000) i
) s;
SELECT results_eq('SELECT count(*), count(*) FILTER (WHERE at < ''2000-01-01 00:00+00'') > 2000, min(at) < ''4714-11-24 01:00+00 BC'', max(at) > ''240000-01-01 00:00+00'' FROM instants',
	'VALUES (6352::bigint, true, true, true)', 'many instants');

-- Index of an hour in a week, from Sunday
CREATE FUNCTION cell(at timestamptz) RETURNS int IMMUTABLE LANGUAGE sql AS $$
	SELECT extract(dow FROM at AT TIME ZONE 'UTC')::int * 24 + extract(hour FROM at AT TIME ZONE 'UTC')::int
$$;
SELECT is((cell('2026-03-29 00:59+00'), cell('2026-03-28 23:00+00'), cell('2026-03-26 00:00+00')), (0, 167, 96), 'Sunday 0 h, Saturday 23 h; Thursday 0 h');

SELECT is_empty('SELECT at FROM instants WHERE liveness_internal.liveness_utc_hour(at) IS DISTINCT FROM hour', 'liveness_utc_hour is date_trunc at UTC');
SELECT is_empty('SELECT at FROM instants GROUP BY at, hour HAVING (liveness_internal.liveness_hours(at, 0, 0, '''', 0))[1].hour IS DISTINCT FROM hour', 'liveness_hours puts each in its hour');
-- a day up to the hour's last microsecond, online for what the hour has of it
SELECT is_empty($$
	SELECT hour
	FROM (
		SELECT hour, (liveness_features(hour, NULL, '', hour + interval '59 minutes 59.999999 seconds', 1)).hourly_availability AS matrix
		FROM (SELECT DISTINCT hour FROM instants) h
		GROUP BY hour
	) f
	WHERE matrix -> cell(hour) <> '1' OR jsonb_array_length(jsonb_path_query_array(matrix, '$[*] ? (@ > 0)')) <> 1$$, 'the matrix has each in its day and hour of the week');
-- With a hazard of 0.001 x (1 + hour of the week), the next second tells the hour
CREATE TABLE fleet AS SELECT array_fill(0.001::float8, ARRAY[96]) || array_agg(n::float8 ORDER BY n) || ARRAY[3, 5]::float8[] AS hazard FROM generate_series(1, 168) n;
SELECT is_empty($$SELECT hour FROM instants, fleet WHERE round(-1000 * ln(liveness_internal.liveness_holds(hazard, NULL, hour, hour, 1000000))) <> 1 + cell(hour)$$, 'and so has the hazard of the hour in which a job begins');
SELECT is_empty($$SELECT hour FROM instants, fleet WHERE hour < '294276-12-31 23:00+00'
	AND round(-1000 * ln(liveness_internal.liveness_holds(hazard, NULL, hour, hour + interval '59 minutes 59 seconds', 2000000))) <> (1 + cell(hour)) + (1 + cell(hour + interval '1 hour'))$$, 'and of the next');
-- A session of half an hour that ends there: the event is of the second before
CREATE TABLE ends AS SELECT at, liveness_internal.liveness_features_history(at - interval '30 minutes', at, 'x', at, 1) AS history FROM (SELECT DISTINCT at FROM instants WHERE at > '4714-11-25 00:00+00 BC') i GROUP BY at;
SELECT is_empty($$
	SELECT at
	FROM (SELECT at, (liveness_internal.liveness_host_hazard(history, hazard, at))[49:72] AS events FROM ends, fleet) h
	WHERE events[1 + cell(at - interval '1 second') % 24] <> 1 OR (SELECT sum(e) FROM unnest(events) e) <> 1$$, 'an end is of the hour of the day of the second before it');
SELECT is_empty($$
	SELECT at
	FROM (SELECT at, liveness_internal.liveness_fleet_hours(history, array_fill(1e-9::float8, ARRAY[96]), at) AS factors FROM ends GROUP BY at) f
	WHERE array_position(factors, (SELECT max(x) FROM unnest(factors) x)) <> 1 + cell(at - interval '1 second')$$, 'and of its hour of the week');

-- The rollup, wherever the heartbeats are
INSERT INTO provider_heartbeats (provider_id, at, cpu_usage)
	SELECT 'p' || row_number() OVER (ORDER BY at) % 2, at, (row_number() OVER (ORDER BY at) % 7)::real FROM instants WHERE hashint8extended(extract(epoch FROM hour)::bigint, 5) % 9 = 0;
CREATE TEMP VIEW expected AS
	SELECT provider_id, date_trunc('hour', at, 'UTC') AS hour, count(*)::int AS n, 0::real AS pressure, avg(cpu_usage)::real AS cpu, '' AS state, NULL::real AS memory FROM provider_heartbeats GROUP BY 1, 2;
SELECT is(liveness_rollup_hourly() BETWEEN 400 AND 1500, true, 'heartbeats all over the calendar');
SELECT set_eq('TABLE provider_heartbeats_hourly', 'TABLE expected', 'are rolled up by date_trunc''s hours');
DELETE FROM provider_heartbeats_hourly;
SELECT is(liveness_rollup_hourly('-infinity', 'infinity'), (SELECT count(*) FROM expected), 'as in a span without ends');
SELECT set_eq('TABLE provider_heartbeats_hourly', 'TABLE expected', 'the same');

-- Leap years by hand: 2000 and 2028 are, 1900 and 2100 are not
SELECT is(liveness_internal.liveness_window_start(as_of::timestamptz, days), since::timestamptz, format('%s days before %s', days, as_of))
FROM (VALUES ('2028-03-01 00:00+00', 1, '2028-02-29 00:00+00'), ('2100-03-01 00:00+00', 1, '2100-02-28 00:00+00'), ('2000-03-01 00:00+00', 1, '2000-02-29 00:00+00'),
	('1900-03-01 00:00+00', 1, '1900-02-28 00:00+00'), ('2029-01-01 00:00+00', 366, '2028-01-01 00:00+00'), ('2101-01-01 00:00+00', 365, '2100-01-01 00:00+00'),
	('0001-01-01 00:00+00', 1, '0001-12-31 00:00+00 BC'), ('2000-01-01 00:00+00', 3650, '1990-01-03 00:00+00')) v (as_of, days, since);
SELECT results_eq($$
	SELECT (f).median_session_seconds, (f).uptime_pct, round((f).liveness_score::numeric, 4)
	FROM (
		SELECT liveness_features((year || '-02-28 12:00+00')::timestamptz, (year || '-03-01 12:00+00')::timestamptz, 'x', (year || '-03-02 00:00+00')::timestamptz, 4) AS f
		FROM unnest(ARRAY['2028', '2100']) year
		GROUP BY year
	) y
	ORDER BY 1 DESC$$,
	-- 0.35 x 1/2 (1/4) + 0.25 + 0.15 + 0.25 - 0.1 / 2, twelve hours after the disconnect
	'VALUES (172800::bigint, 0.5::real, 0.775), (86400, 0.25, 0.6875)', 'noon of 28 February to noon of 1 March: two days, or one');

-- Weeks earlier or later nothing is different (sums over a fleet come in any order, so to nine decimals): in the days of Augustus, before Christ, in the years
-- 1966, 1999, 2028, 2100 and 21189.  Sessions of 20 providers in the seven weeks that lead over 29 February 2024.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
	SELECT 'p' || p, c, CASE WHEN s > 1 OR p % 2 = 0 THEN c + make_interval(mins => 13 * ((7 * s + 3 * p) % 50), secs => p / 7.0) END, (ARRAY['x', 'y', 'coordinator_restart'])[1 + (s + p) % 3], (ARRAY['blue', 'green'])[1 + s % 2]
	FROM generate_series(1, 20) p, generate_series(1, 20) s, LATERAL (SELECT timestamptz '2024-03-14 09:20+00' - make_interval(hours => 50 * s + 5 * p, mins => 37 * p) AS c) x;
CREATE FUNCTION answers(weeks int, OUT features text, OUT candidates text, OUT cases text, OUT n bigint) LANGUAGE plpgsql AS $$
DECLARE
	shift interval := make_interval(hours => 168 * weeks);
	as_of timestamptz := '2024-03-14 09:20+00'::timestamptz + shift;
BEGIN
	UPDATE provider_sessions SET connected_at = connected_at + shift, disconnected_at = disconnected_at + shift;
	SELECT md5(string_agg((to_jsonb(f) - '{updated_at,last_disconnect_at,first_seen_at}'::text[])::text || coalesce(as_of - f.last_disconnect_at, '-1 s') || (as_of - f.first_seen_at), '' ORDER BY f.provider_id))
	INTO features FROM liveness_features_at(as_of) f;
	SELECT md5(string_agg(ROW(round(c.probability::numeric, 9), round(c.lower::numeric, 9), round(c.upper::numeric, 9), c.age_seconds, c.own_sessions, c.liveness_score)::text, '' ORDER BY c.provider_id)), count(*)
	INTO candidates, n FROM liveness_candidates_at(as_of, '10 hours', 0, NULL) c;
	SELECT md5(string_agg(ROW(as_of - c.cut, c.predictor, c.held, round(c.probability::numeric, 9))::text, '' ORDER BY c.cut, c.predictor, c.session_id))
	INTO cases FROM liveness_internal.liveness_backtest_cases('10 hours', as_of - interval '480 hours', as_of, '37 hours') c;
	UPDATE provider_sessions SET connected_at = connected_at - shift, disconnected_at = disconnected_at - shift;
END
$$;
CREATE TABLE here AS SELECT * FROM answers(0);
SELECT ok(n = 10 AND features IS NOT NULL AND cases IS NOT NULL, 'ten are up, and there were cases') FROM here;
SELECT is(ARRAY[there.features, there.candidates, CASE WHEN weeks < 0 THEN there.cases END], ARRAY[here.features, here.candidates, CASE WHEN weeks < 0 THEN here.cases END], format('%s weeks later', weeks))
FROM unnest(ARRAY[-120000, -105000, -3000, -1265, 208, 3966, 1000000]) weeks, here, LATERAL answers(weeks) there;

SELECT * FROM finish();
ROLLBACK;
