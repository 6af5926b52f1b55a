-- liveness_features_at: what the rollup would write, out of provider_sessions
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(47);

CREATE FUNCTION as_of() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 00:00+00'$$;

-- Without a single session
SELECT is(count(*)::int, 0, 'no sessions, no rows') FROM liveness_features_at(as_of());
SELECT is(count(*)::int, 0, 'nor with the defaults') FROM liveness_features_at();
SELECT throws_ok('SELECT * FROM liveness_features_at(NULL)', '22004', 'as_of must not be NULL', 'as_of NULL is refused, sessions or not');
SELECT throws_ok('SELECT * FROM liveness_features_at(''infinity'')', '22008', 'as_of must be finite, not infinity', 'as_of infinity');
SELECT throws_ok('SELECT * FROM liveness_features_at(''-infinity'')', '22008', 'as_of must be finite, not -infinity', 'as_of -infinity');
SELECT throws_ok('SELECT * FROM liveness_features_at(now(), 0)', '22023', 'window_days 0 is out of range', 'window_days 0');
SELECT throws_ok('SELECT * FROM liveness_features_at(now(), -14)', '22023', 'window_days -14 is out of range', 'window_days -14');
SELECT throws_ok('SELECT * FROM liveness_features_at(now(), 3651)', '22023', 'window_days 3651 is out of range', 'window_days 3651');
SELECT throws_ok('SELECT count(*) FROM liveness_features_at(now(), 3651)', '22023', 'window_days 3651 is out of range', 'even if only the rows are counted');
SELECT throws_ok('SELECT f.* FROM (SELECT now() AS a OFFSET 0) AS x, LATERAL liveness_features_at(a, 3651) AS f', '22023', 'window_days 3651 is out of range', 'and if as_of is no constant');
SELECT throws_ok('SELECT f.* FROM (SELECT NULL::timestamptz AS a OFFSET 0) AS x, LATERAL liveness_features_at(a) AS f', '22004', 'as_of must not be NULL', 'or a NULL from elsewhere');
PREPARE features_at(timestamptz, int) AS SELECT * FROM liveness_features_at($1, $2);
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT throws_ok('EXECUTE features_at(now(), 0)', '22023', 'window_days 0 is out of range', 'or a parameter');
SELECT throws_ok('EXECUTE features_at(NULL, 14)', '22004', 'as_of must not be NULL', 'or a NULL parameter');
RESET plan_cache_mode;
SELECT lives_ok('SELECT * FROM liveness_features_at(now(), 3650)', '3650 days are the most');
SELECT lives_ok('SELECT * FROM liveness_features_at(''4714-11-24 00:00+00 BC'', 3650)', 'a window that begins before the calendar');

INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id) VALUES
	('closed', '2026-01-10 00:00+00', '2026-01-10 05:00+00', 'read_error', 'a'),
	('closed', '2026-01-11 00:00+00', '2026-01-11 10:00+00', '', 'b'),
	('open', '2026-01-14 00:00+00', NULL, '', 'a'),
	('', '2026-01-13 00:00+00', '2026-01-13 01:00+00', 'clean_close', 'a'),
	(' ', '2026-01-13 00:00+00', '2026-01-13 02:00+00', 'clean_close', 'a'),
	('Open', '2026-01-14 12:00+00', NULL, '', 'a'),
	('at since', '2025-12-01 00:00+00', '2026-01-01 00:00+00', 'clean_close', 'a'),
	('before since', '2025-12-01 00:00+00', '2025-12-31 23:59:59.999999+00', 'clean_close', 'a'),
	('future', '2026-01-15 00:00+00', NULL, '', 'a'),
	('skewed', '2026-01-05 00:00+00', '2025-12-31 00:00+00', 'clean_close', 'a'),
	('for ever', '-infinity', 'infinity', '', 'a'),
	('never', '-infinity', '-infinity', 'clean_close', 'a'),
	('long reason', '2026-01-13 00:00+00', '2026-01-13 02:00+00', left(repeat(E'"\\€😀''', 1000), 3000), 'a'),
	('longer reason', '2026-01-13 00:00+00', '2026-01-13 02:00+00', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) AS i), 'a');

CREATE TABLE at AS SELECT * FROM liveness_features_at(as_of());

SELECT is(array_agg(provider_id ORDER BY provider_id COLLATE "C"), ARRAY['', ' ', 'Open', 'at since', 'closed', 'for ever', 'long reason', 'longer reason', 'open'],
	'a row for each provider with a session in the window, the nameless included') FROM at;
SELECT is(array_agg(DISTINCT updated_at), ARRAY[as_of()], 'updated_at is as_of') FROM at;
SELECT is(array_agg(DISTINCT window_days), ARRAY[14], 'window_days is the setting') FROM at;
-- 15 h of 336 h, and of the 120 h since it was first seen; two failures; 5 and 10 h; survival: at 5 h one of two fails
-- 0.35 * 15/336 + 0.25 + 0.15 / 2 + 0.25 / (1 + e^-3.5), the last disconnect 86 h ago
SELECT is(to_jsonb(at) - 'hourly_availability' - 'liveness_score', '{"provider_id": "closed", "updated_at": "2026-01-15T00:00:00+00:00", "window_days": 14, "uptime_pct": 0.04464286,
	"sessions_count": 2, "spells_count": 2, "mtbf_seconds": 27000, "median_session_seconds": 27000, "p10_session_seconds": 19800, "p90_session_seconds": 34200,
	"disconnect_reasons": {"read_error": 1, "unspecified": 1}, "p_stays_4h": 1, "p_stays_8h": 0.5, "last_disconnect_at": "2026-01-11T10:00:00+00:00",
	"last_session_duration_seconds": 36000, "mttr_seconds": 68400, "failures_count": 2, "p_survives_4h": 1, "p_survives_8h": 0.5,
	"first_seen_at": "2026-01-10T00:00:00+00:00", "observed_uptime_pct": 0.125, "bridged_seconds": 0}', 'every column in its place')
FROM at WHERE provider_id = 'closed';
SELECT is(round(liveness_score::numeric, 6), 0.583297, 'the score') FROM at WHERE provider_id = 'closed';
-- Saturday 10 January 00:00 to 05:00 and Sunday 00:00 to 10:00, each of two weeks
SELECT is(string_agg((cell - 1)::text || ':' || value, ' ' ORDER BY cell), '0:0.5 1:0.5 2:0.5 3:0.5 4:0.5 5:0.5 6:0.5 7:0.5 8:0.5 9:0.5 144:0.5 145:0.5 146:0.5 147:0.5 148:0.5', 'the matrix')
FROM at, jsonb_array_elements_text(hourly_availability) WITH ORDINALITY AS m (value, cell) WHERE provider_id = 'closed' AND value <> '0';
SELECT is((sessions_count, uptime_pct, median_session_seconds), (1, (1 / 336.0)::real, 3600::bigint), 'the nameless provider is not mixed with blanks') FROM at WHERE provider_id = '';
SELECT is((sessions_count, uptime_pct, failures_count, hourly_availability), (1, 1::real, 0, (SELECT jsonb_agg(1) FROM generate_series(1, 168))), 'online for ever') FROM at WHERE provider_id = 'for ever';
SELECT is(disconnect_reasons, jsonb_build_object(left(repeat(E'"\\€😀''', 1000), 3000), 1), 'a reason of 3,000 characters') FROM at WHERE provider_id = 'long reason';
SELECT is(disconnect_reasons, (SELECT jsonb_build_object(string_agg(md5(i::text), ''), 1) FROM generate_series(1, 3000) AS i), 'one that is stored out of line') FROM at WHERE provider_id = 'longer reason';

-- It is liveness_features of each provider
SELECT is((SELECT count(*)::int FROM at JOIN (
		SELECT provider_id, liveness_features(connected_at, disconnected_at, disconnect_reason, as_of(), 14) AS f FROM provider_sessions GROUP BY provider_id) AS d USING (provider_id)
	WHERE (at.uptime_pct, at.sessions_count, at.mtbf_seconds, at.median_session_seconds, at.p10_session_seconds, at.p90_session_seconds, at.hourly_availability,
			at.disconnect_reasons, at.p_stays_4h, at.p_stays_8h, at.last_disconnect_at, at.last_session_duration_seconds, at.liveness_score, at.mttr_seconds,
			at.failures_count, at.p_survives_4h, at.p_survives_8h, at.spells_count, at.first_seen_at, at.observed_uptime_pct, at.bridged_seconds) IS NOT DISTINCT FROM
		((f).uptime_pct, (f).sessions_count, (f).mtbf_seconds, (f).median_session_seconds, (f).p10_session_seconds, (f).p90_session_seconds, (f).hourly_availability,
			(f).disconnect_reasons, (f).p_stays_4h, (f).p_stays_8h, (f).last_disconnect_at, (f).last_session_duration_seconds, (f).liveness_score, (f).mttr_seconds,
			(f).failures_count, (f).p_survives_4h, (f).p_survives_8h, (f).spells_count, (f).first_seen_at, (f).observed_uptime_pct, (f).bridged_seconds)), 9, 'as liveness_features on all rows');
SELECT is(count(*)::int, 4, 'and NULL for the providers that are left out') FROM (
	SELECT liveness_features(connected_at, disconnected_at, disconnect_reason, as_of(), 14) AS f FROM provider_sessions GROUP BY provider_id) AS d
WHERE f IS NOT DISTINCT FROM NULL;

SELECT throws_ok('SELECT * FROM liveness_features_at(NULL)', '22004', 'as_of must not be NULL', 'as_of NULL is refused where there are sessions, too');

-- Other windows
SELECT is(array_agg(provider_id || ' ' || window_days ORDER BY provider_id COLLATE "C"), ARRAY['Open 1', 'for ever 1', 'open 1'], 'a window of a day') FROM liveness_features_at(as_of(), 1);
SELECT is(array_agg(provider_id ORDER BY provider_id COLLATE "C"), ARRAY['', ' ', 'Open', 'at since', 'before since', 'closed', 'for ever', 'long reason', 'longer reason', 'open', 'skewed'],
	'and of 3650 days: all but what is in the future or never was') FROM liveness_features_at(as_of(), 3650);
SET LOCAL liveness.window_days = 1;
SELECT is(count(*)::int, 3, 'window_days follows the setting') FROM liveness_features_at(as_of()) WHERE window_days = 1;
SELECT is(count(*)::int, 9, 'unless it is given') FROM liveness_features_at(as_of(), 14) WHERE window_days = 14;
RESET liveness.window_days;
SELECT is(array_agg(names ORDER BY t), ARRAY['at since, before since, for ever', ',  , Open, at since, closed, for ever, long reason, longer reason, open', ',  , Open, closed, for ever, future, long reason, longer reason, open'], 'asked for several instants in one query')
FROM (SELECT t, (SELECT string_agg(provider_id, ', ' ORDER BY provider_id COLLATE "C") FROM liveness_features_at(t)) AS names FROM (VALUES (timestamptz '2025-12-31'), ('2026-01-15'), ('2026-01-15 00:00:00.000001')) AS v (t)) AS several;
SELECT is(updated_at, now(), 'as_of is now() by default') FROM liveness_features_at() WHERE provider_id = 'for ever';

-- As of an instant of the past the answer stays what it was, whatever comes after it
CREATE TABLE before AS SELECT * FROM liveness_features_at('2026-01-14 12:00:00.000001+00');
SELECT is(array_agg(provider_id ORDER BY provider_id COLLATE "C"), ARRAY['', ' ', 'Open', 'at since', 'before since', 'closed', 'for ever', 'long reason', 'longer reason', 'open'], 'as of half a day earlier') FROM before;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('closed', '2026-01-14 12:00:00.000001+00', '2026-01-14 15:00+00', 'read_error'),
	('closed', '2026-01-14 16:00+00', NULL, ''),
	('closed', '2026-01-14 16:00+00', '2026-01-10 00:00+00', 'stale_heartbeat'),
	('new', '2026-01-14 13:00+00', NULL, '');
UPDATE provider_sessions SET disconnected_at = '2026-01-14 12:00:00.000002+00', disconnect_reason = 'read_error' WHERE provider_id = 'open';
UPDATE provider_sessions SET disconnected_at = '2026-01-20', disconnect_reason = 'read_error' WHERE provider_id IN ('Open', 'for ever');
SELECT is((SELECT count(*)::int FROM (SELECT * FROM liveness_features_at('2026-01-14 12:00:00.000001+00') EXCEPT ALL SELECT * FROM before) AS changed), 0, 'nothing is different after later rows and ends');
SELECT is((SELECT count(*)::int FROM (SELECT * FROM before EXCEPT ALL SELECT * FROM liveness_features_at('2026-01-14 12:00:00.000001+00')) AS changed), 0, 'and nothing is missing');
SELECT is((SELECT array_agg(provider_id ORDER BY provider_id COLLATE "C") FROM (SELECT * FROM liveness_features_at(as_of()) EXCEPT ALL SELECT * FROM at) AS changed), ARRAY['closed', 'new', 'open'], 'while as of later it is');
SELECT is((SELECT count(*)::int FROM provider_reliability_features), 0, 'and nothing was written');

-- A provider answers for itself: what its coordinator does changes nothing
DELETE FROM provider_sessions;
-- always up; the coordinator restarts every 3 h and has it back a minute later
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'restarts', at, CASE WHEN g < 120 THEN at + interval '2h 59min' END, CASE WHEN g < 120 THEN 'coordinator_restart' ELSE '' END
	FROM (SELECT g, as_of() - interval '15 days' + g * interval '3h' AS at FROM generate_series(0, 119) AS g) AS s;
UPDATE provider_sessions SET disconnected_at = NULL, disconnect_reason = '' WHERE connected_at = as_of() - interval '3h';
-- always up; green takes over from blue, which closes after a minute
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('blue and green', 'blue', as_of() - interval '20 days', as_of() - interval '2h', 'clean_close'), ('blue and green', 'green', as_of() - interval '121min', NULL, '');
-- fails every 5 h for an hour; the other one also opens 4,000 sessions at a time
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'flapping', as_of() - g * interval '6h', as_of() - g * interval '6h' + interval '1h', 'read_error' FROM generate_series(1, 60) AS g
	UNION ALL SELECT 'padded', as_of() - g * interval '6h', as_of() - g * interval '6h' + interval '1h', 'read_error' FROM generate_series(1, 60) AS g
	UNION ALL SELECT 'padded', as_of() - interval '30h' + g * interval '1ms', as_of() - interval '29h', 'read_error' FROM generate_series(1, 4000) AS g
	-- connects anew every 10 minutes, and nobody heard of it in between
	UNION ALL SELECT 'reconnects', as_of() - g * interval '10min', as_of() - (g - 1) * interval '10min' - interval '1us', 'superseded' FROM generate_series(1, 144) AS g;
CREATE TABLE fair AS SELECT * FROM liveness_features_at(as_of());
SELECT is((spells_count, failures_count, liveness_score), (1, 0, 1::real), 'always up, its coordinator restarting every 3 h: 1.0') FROM fair WHERE provider_id = 'restarts';
SELECT is((spells_count, sessions_count, last_disconnect_at, liveness_score), (1, 2, NULL::timestamptz, 1::real), 'a clean hand-over from blue to green: 1.0') FROM fair WHERE provider_id = 'blue and green';
SELECT is(to_jsonb(padded) - '{provider_id,sessions_count,disconnect_reasons}'::text[], to_jsonb(plain) - '{provider_id,sessions_count,disconnect_reasons}'::text[],
	'4,000 parallel sessions gain nothing') FROM fair AS padded, fair AS plain WHERE padded.provider_id = 'padded' AND plain.provider_id = 'flapping';
SELECT is((sessions_count, p_stays_4h), (4056, 0::real), 'though they are counted') FROM fair WHERE provider_id = 'padded';
SELECT is((spells_count, failures_count), (144, 144), 'a reconnect every 10 minutes is as many failures') FROM fair WHERE provider_id = 'reconnects';

-- The same as rows
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('p', now() - interval '50h', now() - interval '40h', 'coordinator_restart'), ('p', now() - interval '2395min', now() - interval '30h', 'read_error'),
	('p', now() - interval '45h', now() - interval '30h', 'coordinator_restart'), ('p', now() - interval '10h', NULL, ''),
	('q', now() - interval '20h', now() - interval '10h', ''), ('q', now() - interval '15 days', now() - interval '14 days 1us', 'x');
SELECT results_eq($$SELECT provider_id, now() - since, now() - until, sessions, reason, failed FROM provider_spells ORDER BY provider_id, since$$,
	$$VALUES ('p', interval '50h', interval '30h', 3::bigint, 'read_error', true), ('p', '10h', '0', 1, NULL, false), ('q', '20h', '10h', 1, 'unspecified', true)$$,
	'provider_spells: begin, end, sessions, and why it ended');
SELECT is((SELECT array_agg(spells_count ORDER BY provider_id) FROM liveness_features_at()), (SELECT array_agg(n ORDER BY provider_id) FROM (SELECT provider_id, count(*)::int AS n FROM provider_spells GROUP BY 1) AS s),
	'as many as spells_count');
SELECT is((SELECT survival_at(liveness_fleet_survival(), 36000)), (2 / 3.0)::float8, 'of three spells of 20, 10 and 10 h, one open, S(10 h) is 2/3');

SELECT * FROM finish();
ROLLBACK;
