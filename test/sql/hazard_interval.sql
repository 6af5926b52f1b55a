-- The fleet is counted once in an interval, and a provider when its sessions change: whatever happens between the rollups
-- of an interval, liveness_candidates answers as liveness_candidates_at(now()), which counts everything anew
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SET LOCAL jit = off;
SELECT plan(21);

CREATE FUNCTION m(minutes float8) RETURNS timestamptz STABLE LANGUAGE sql AS $$SELECT now() + minutes * interval '1min'$$;

-- By hand: 2026-03-03 10:23:45 in intervals of an hour, a day and 1,000 s (1,772,533,425 is 425 s after a multiple of
-- 1,000), and 1969-12-31 23:59:59, a second before the first interval
CREATE FUNCTION instants(at timestamptz) RETURNS text LANGUAGE sql AS $$SELECT concat_ws(' ', liveness_internal.liveness_hazard_instant(at), liveness_internal.liveness_hazard_since(at))$$;
SELECT is(instants('2026-03-03 10:23:45+00'), '2026-03-03 10:00:00+00 2025-09-04 10:00:00+00', 'an hour, and 180 days');
SET LOCAL liveness.hazard_interval = '1d';
SET LOCAL liveness.hazard_history = '90d';
SELECT is(instants('2026-03-03 10:23:45+00'), '2026-03-03 00:00:00+00 2025-12-03 00:00:00+00', 'a day, and 90 days');
SELECT is(instants('1969-12-31 23:59:59+00'), '1969-12-31 00:00:00+00 1969-10-02 00:00:00+00', 'before 1970');
SET LOCAL liveness.hazard_interval = '1000s';
SELECT is(instants('2026-03-03 10:23:45+00'), '2026-03-03 10:16:40+00 2025-12-03 10:16:40+00', '1,000 s, and 90 days');
SELECT is(instants('2026-03-03 10:16:40+00'), '2026-03-03 10:16:40+00 2025-12-03 10:16:40+00', 'an interval begins with its first instant');
SELECT throws_ok($$SELECT liveness_internal.liveness_hazard_instant('infinity')$$, '22008', NULL, 'infinity lies in no interval');
-- 30 and 60 days later half of the weights are left
SELECT is((SELECT ARRAY[d[1], d[49]] FROM liveness_internal.liveness_decayed_hazard(array_fill(8::real, ARRAY[96]), '2026-01-01', '2026-01-31') AS d),
	ARRAY[4, 8 / sqrt(2)]::real[], 'counts by age halve in 30 days');
SELECT is((SELECT ARRAY[d[48], d[96]] FROM liveness_internal.liveness_decayed_hazard(array_fill(8::real, ARRAY[96]), '2026-01-01', '2026-03-02') AS d),
	ARRAY[2, 4]::real[], 'those by hour in 60');

-- The interval began two hours ago
SELECT set_config('liveness.hazard_interval', (floor(extract(epoch FROM now())) - 7200)::int::text, true) IS NOT NULL AS set;
SET LOCAL liveness.hazard_history = '40d';
SELECT is(liveness_internal.liveness_hazard_instant(now()), to_timestamp(floor(extract(epoch FROM now())) - 7200), 'two hours ago');

CREATE FUNCTION disagreeing() RETURNS TABLE (provider_id text, c text, a text) LANGUAGE sql AS $$
	SELECT provider_id, c::text, a::text
	FROM liveness_candidates('6 hours', 0, NULL) c FULL JOIN liveness_candidates_at(now(), '6 hours', 0, NULL) a USING (provider_id)
	WHERE (c.session_id, c.connected_at, c.own_sessions) IS DISTINCT FROM (a.session_id, a.connected_at, a.own_sessions)
	OR NOT coalesce(abs(c.probability - a.probability) < 1e-6 AND abs(c.lower - a.lower) < 1e-6 AND abs(c.upper - a.upper) < 1e-6, false)
$$;
-- 200 providers with sessions over 50 days, and each tenth with one that is still open
SELECT setseed(0.25);
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT 'p' || p, at, at + (interval '10 minutes' * exp(random() * 6)), (ARRAY['coordinator_restart', 'read_error', ''])[1 + floor(random() * 3)]
FROM generate_series(1, 200) AS p, LATERAL (SELECT m(-60 * (3 + random() * 1200)) AS at FROM generate_series(1, 3 + p % 20)) AS s;
UPDATE provider_sessions SET disconnected_at = NULL, disconnect_reason = '' WHERE id % 10 = 0 OR disconnected_at > m(-90);
ANALYZE provider_sessions;

SELECT cmp_ok(liveness_rollup_features(m(-80)), '>', 100::bigint, 'a run that counts everything');
SELECT is((SELECT count(DISTINCT p.as_of) FROM liveness_internal.liveness_provider_hazard p), 1::bigint, 'of all providers');
CREATE TABLE fleet AS SELECT hazard, counted_at FROM liveness_internal.liveness_fleet_hazard;
SELECT is((SELECT counted_at FROM fleet), liveness_internal.liveness_hazard_instant(now()), 'as of the beginning of the interval');
-- closed, closed late, opened, opened late, superseded, and resumed
UPDATE provider_sessions SET disconnected_at = m(-60 - id % 7), disconnect_reason = CASE WHEN id % 3 = 0 THEN 'read_error' ELSE 'coordinator_restart' END WHERE disconnected_at IS NULL AND id % 4 = 0;
UPDATE provider_sessions SET disconnected_at = greatest(connected_at, m(-100)), disconnect_reason = 'stale_heartbeat' WHERE disconnected_at IS NULL AND id % 9 = 1;
INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || p, m(-50 - p % 11) FROM generate_series(1, 200, 3) AS p;
INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'new' || p, m(-90) FROM generate_series(1, 5) AS p;
SELECT cmp_ok(liveness_rollup_features(m(-40)), '>', 100::bigint, 'another in the same interval');
SELECT results_eq('SELECT hazard, counted_at FROM liveness_internal.liveness_fleet_hazard', 'TABLE fleet', 'keeps what it knows of the fleet');
SELECT cmp_ok((SELECT count(*) FROM liveness_internal.liveness_provider_hazard WHERE as_of = m(-80)), '>', 30::bigint, 'and of providers that did not change');
SELECT is_empty('SELECT * FROM disagreeing()', 'now, before the next run, all agree: nothing happened since');
-- ends that are noted late, ends that are taken back, sessions that were pruned, providers that vanish
UPDATE provider_sessions SET disconnected_at = m(-55), disconnect_reason = 'read_error' WHERE disconnected_at IS NULL AND id % 5 = 1;
UPDATE provider_sessions SET disconnected_at = NULL, disconnect_reason = '' WHERE disconnected_at > m(-70) AND id % 2 = 0;
UPDATE provider_sessions SET disconnected_at = greatest(connected_at, m(-200)), disconnect_reason = 'stale_heartbeat' WHERE disconnected_at IS NULL AND id % 9 = 2;
INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'late' || p, m(-300) FROM generate_series(1, 5) AS p;
DELETE FROM provider_sessions WHERE disconnected_at < m(-60 * 24 * 45);
DELETE FROM provider_sessions WHERE provider_id IN ('p17', 'p18', 'new3');
INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || p, m(-8) FROM generate_series(20, 60) AS p;
SELECT cmp_ok(liveness_rollup_features(), '>', 100::bigint, 'a third, as of now');
SELECT is_empty('SELECT * FROM disagreeing()', 'what was noted late is in what the fleet is counted from: all agree');
SELECT is_empty($$SELECT provider_id FROM liveness_internal.liveness_provider_hazard WHERE provider_id IN ('p17', 'p18', 'new3')$$, 'providers without sessions are gone');
-- A setting that says what a spell is
SET LOCAL liveness.resume_within = '3h';
SELECT cmp_ok(liveness_rollup_features(), '>', 100::bigint, 'another setting');
SELECT is_empty('SELECT * FROM disagreeing()', 'counts everything anew');
SELECT * FROM finish();
ROLLBACK;
