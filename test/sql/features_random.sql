-- liveness_features_at against bench/sql/features_pure_sql.sql, which states the same definitions in plain SQL,
-- on random sessions with every oddity
\set pure_sql `cat "${TESTDIR:-$PG_ABS_SRCDIR}/../bench/sql/features_pure_sql.sql"`
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SELECT plan(54);

CREATE TABLE pure_sql AS SELECT :'pure_sql' AS statement;
CREATE FUNCTION pure_features_at(as_of timestamptz, window_days int) RETURNS SETOF provider_reliability_features LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE (SELECT replace(replace(statement, ':''as_of''', quote_literal(as_of)), ':window_days', window_days::text) FROM pure_sql);
END
$$;
CREATE FUNCTION base() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 12:34:56.789+00'$$;

-- 600 providers of nine tempers, 1 to 40 sessions each.  Times lie on a grid of an hour, of ten minutes or of a
-- microsecond from base, so that ends meet begins, each other, since, as_of, 4 h and 8 h, or just miss them
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
SELECT 'provider ' || p,
	CASE WHEN p % 50 = 7 AND i % 5 = 0 THEN '-infinity' WHEN p % 50 = 8 AND i % 7 = 0 THEN 'infinity' ELSE c END,
	CASE WHEN e % 17 = 0 THEN NULL
		WHEN p % 50 = 9 AND e % 5 = 0 THEN 'infinity'
		WHEN p % 50 = 10 AND e % 5 = 0 THEN '-infinity'
		WHEN e % 23 = 1 THEN c
		WHEN e % 29 = 1 THEN c - (1 + e / 29 % 100) * interval '1h'
		ELSE c + (1 + length % longest) * CASE WHEN p % 13 = 0 THEN 20 ELSE 1 END * grid END,
	(ARRAY['coordinator_restart', 'clean_close', 'read_error', '', 'unspecified', 'coordinator_restart', 'stale_heartbeat', 'odd ' || r / 9 % 1000, E'"\\€ ' || p])[1 + r % (1 + p % 9)],
	'coordinator-' || i % 2
FROM (
	SELECT p, i, grid, longest, abs(hashint8extended(p * 1000 + i, 2)) AS e, abs(hashint8extended(p * 1000 + i, 3)) AS length, abs(hashint8extended(p * 1000 + i, 4)) AS r,
		base() + interval '2 days' - abs(hashint8extended(p * 1000 + i, 1)) % (range * (20 + p % 20)) * grid AS c
	FROM generate_series(1, 600::bigint) AS p,
		LATERAL (SELECT (ARRAY[interval '1h', '10min', '1us'])[g] AS grid, (ARRAY[12, 60, 40000000000])[g] AS longest, (ARRAY[24, 144, 86400000000])[g] AS range
			FROM (SELECT 1 + (p / 9) % 3 AS g) AS g) AS g,
		generate_series(1, 1 + abs(hashint8extended(p, 5) % 40)) AS i) AS drawn;
-- Many at once, the same many times, and the nameless
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT 'crowd', base() - i * interval '1min', base() - abs(i * 7 % 500) * interval '1min', 'reason ' || i % 40 FROM generate_series(1, 2000) AS i
UNION ALL
SELECT 'twins', base() - interval '6h', base() - interval '1h', 'read_error' FROM generate_series(1, 50)
UNION ALL
SELECT '', base() - interval '6h', NULL, '';
ANALYZE provider_sessions;

CREATE TABLE asked (n serial, as_of timestamptz, window_days int);
INSERT INTO asked (as_of, window_days)
SELECT base() + late, days FROM unnest(ARRAY[interval '0', '-1h', '-1us', '1us', '3 days 4h', '-7 days', '-9 days 10min', '-30 days']) AS late, unnest(ARRAY[1, 14]) AS days
UNION ALL
SELECT base(), days FROM unnest(ARRAY[2, 7, 10, 30, 365, 3650]) AS days
UNION ALL
VALUES (timestamptz '2026-01-10 00:00+00', 7), ('2026-01-01 00:00+00', 10), ('2025-12-20 23:59:59.999999+00', 3), ('1999-12-31 00:00+00', 14);

CREATE TABLE ours AS SELECT n, f.* FROM asked, LATERAL liveness_features_at(as_of, window_days) AS f;
CREATE TABLE pure AS SELECT n, f.* FROM asked, LATERAL pure_features_at(as_of, window_days) AS f;

SELECT is((SELECT count(*)::int FROM (SELECT * FROM ours WHERE ours.n = a.n EXCEPT ALL SELECT * FROM pure WHERE pure.n = a.n) AS d)
	+ (SELECT count(*)::int FROM (SELECT * FROM pure WHERE pure.n = a.n EXCEPT ALL SELECT * FROM ours WHERE ours.n = a.n) AS d), 0,
	format('no row differs, %s days before %s', window_days, as_of))
FROM asked AS a ORDER BY n;

-- What was compared
SELECT is((SELECT count(*) FROM ours), (SELECT count(*) FROM pure), 'as many rows');
SELECT cmp_ok(count(*)::int, '>', 8000, 'which are many') FROM pure;
CREATE FUNCTION compared(condition text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	found int;
BEGIN
	EXECUTE 'SELECT count(*) FROM pure WHERE ' || condition INTO found;
	RETURN found;
END
$$;
SELECT cmp_ok(compared(condition), '>', 10, 'among them: ' || condition)
FROM unnest(ARRAY['uptime_pct = 0', 'uptime_pct = 1', 'uptime_pct > 0 AND uptime_pct < 1', 'failures_count = 0', 'failures_count > 5', 'failures_count < sessions_count',
	'mttr_seconds = 0', 'mttr_seconds > 0', 'p_survives_4h IS NULL', 'p_survives_8h IS NULL AND p_survives_4h IS NOT NULL', 'p_survives_8h = 0', 'p_survives_4h = 1',
	'p_survives_8h > 0 AND p_survives_8h < p_survives_4h', 'p_stays_4h > p_stays_8h', 'last_disconnect_at IS NULL', 'last_disconnect_at = updated_at', 'last_disconnect_at IS NOT NULL AND last_session_duration_seconds = 0',
	'p90_session_seconds > 9e12', 'hourly_availability @> ''null''', 'hourly_availability @> ''1'' AND hourly_availability @> ''0''', 'disconnect_reasons ? ''unspecified''', 'disconnect_reasons = ''{}''']) AS condition;
SELECT cmp_ok(count(*)::int, '>', 50, 'sessions that ended exactly at since') FROM asked AS a JOIN provider_sessions AS s ON s.disconnected_at = as_of - window_days * interval '24h';
SELECT cmp_ok(count(*)::int, '>', 50, 'that began exactly at as_of') FROM asked AS a JOIN provider_sessions AS s ON s.connected_at = as_of;
SELECT cmp_ok(count(*)::int, '>', 50, 'that end exactly where another of the provider begins') FROM provider_sessions AS a JOIN provider_sessions AS b ON a.provider_id = b.provider_id AND a.disconnected_at = b.connected_at AND a.id <> b.id;
SELECT cmp_ok(count(*)::int, '>', 50, 'that end before they begin') FROM provider_sessions WHERE disconnected_at < connected_at;

SELECT * FROM finish();
ROLLBACK;
