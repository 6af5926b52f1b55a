-- Heartbeats of all sessions over the last days: realistic in their course, not in
-- their order of arrival.
-- Variables: beat_seconds, days

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
-- the same each time
SELECT setseed(0.5) \gset

-- A table emptied in the transaction that fills it needs no WAL (wal_level minimal).
BEGIN;
TRUNCATE provider_heartbeats;
INSERT INTO provider_heartbeats (provider_id, at, status, memory_pressure, cpu_usage, thermal_state,
	memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, backend_state, active_model)
SELECT b.provider_id, b.at,
	CASE WHEN b.load > 0.3 THEN 'serving' ELSE 'idle' END,
	b.pressure, b.load,
	CASE WHEN b.load > 0.985 THEN 'critical' WHEN b.load > 0.93 THEN 'serious' WHEN b.load > 0.75 THEN 'fair' ELSE 'nominal' END,
	b.memory_gb * (1 - b.pressure), b.memory_gb * b.pressure * 0.8, b.memory_gb * 0.05,
	'ready', b.model
FROM (
	SELECT s.provider_id, s.memory_gb, s.model, w.at, w.load, 0.25 + 0.6 * w.load AS pressure
	FROM (
		SELECT p.provider_id, p.connected_at, p.disconnected_at, c.at - :days * interval '1 day' AS since,
			least(p.disconnected_at, c.at) AS until,
			(16 * 2 ^ floor(4 * demo.chance(p.provider_id, 20)))::float8 AS memory_gb,
			demo.pick('{chat-8b,chat-70b,code-14b}', demo.chance(p.provider_id, 21)) AS model,
			demo.chance(p.provider_id, 22) AS habit
		FROM provider_sessions p
		CROSS JOIN demo.clock c
		WHERE p.disconnected_at IS NULL OR p.disconnected_at > c.at - :days * interval '1 day'
	) s
	CROSS JOIN LATERAL generate_series(
		greatest(0, ceil(extract(epoch FROM s.since - s.connected_at) / :beat_seconds))::int,
		floor(extract(epoch FROM s.until - s.connected_at) / :beat_seconds)::int) beat
	CROSS JOIN LATERAL (
		SELECT s.connected_at + beat * (:beat_seconds * interval '1 second') AS at,
			-- busiest in the afternoon
			least(1, greatest(0, 0.2 + 0.4 * s.habit + 0.2 * sin(beat * :beat_seconds * (2 * pi() / 86400)) + 0.4 * (random() - 0.5))) AS load
		OFFSET 0
	) w
) b;
COMMIT;

SELECT to_char(count(*), 'FM999,999,999') FROM provider_heartbeats;
