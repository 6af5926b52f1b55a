-- Fills provider_heartbeats: one heartbeat per provider each 10 s, in order of time.
--   psql -v providers=1000 -v start='2025-06-14 00:00+00' -v hours=24 -f gen_heartbeats.sql
-- Part of an hour will do: hours=300/3600.0.
-- The draws are hashes of (provider, tick): the same data at every run.
WITH fleet AS MATERIALIZED (
	SELECT p, 'provider-' || md5(p::text) AS provider_id, 10.0 * (p - 1) / :providers AS phase
	FROM generate_series(1, :providers::bigint) AS p
)
INSERT INTO provider_heartbeats (provider_id, at, status, memory_pressure, cpu_usage, thermal_state,
	memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, backend_state, active_model, capacity)
SELECT provider_id,
	-- Each provider has its own phase within the ten seconds.
	:'start'::timestamptz + make_interval(secs => tick * 10 + phase),
	CASE WHEN busy THEN 'serving' ELSE 'idle' END,
	(0.2 + 0.5 * (h & 1023) / 1024.0)::real,
	(CASE WHEN busy THEN 0.5 ELSE 0.02 END + 0.4 * (h >> 10 & 1023) / 1024.0)::real,
	CASE WHEN t < 700 THEN 'nominal' WHEN t < 900 THEN 'fair' WHEN t < 1000 THEN 'serious'
		WHEN t < 1010 THEN 'critical' WHEN t < 1018 THEN 'unheard-of' ELSE '' END,
	CASE WHEN h >> 30 & 15 = 0 THEN NULL ELSE (4 + 28.0 * (h >> 34 & 1023) / 1024.0)::real END,
	CASE WHEN busy THEN (2 + 20.0 * (h >> 34 & 1023) / 1024.0)::real END,
	CASE WHEN busy THEN 0.5::real END,
	CASE WHEN busy THEN 'running' ELSE 'ready' END,
	CASE WHEN busy THEN 'model-' || (h >> 44 & 7) ELSE '' END,
	CASE WHEN h >> 48 & 63 = 0 THEN '{"slots": 4, "context": 32768}'::jsonb END
FROM (
	SELECT tick, phase, provider_id, h, h >> 20 & 1023 AS t, h >> 52 & 3 = 0 AS busy
	FROM (
		SELECT tick, phase, provider_id, hashint8extended(p * 100000007 + tick, 9) AS h
		FROM generate_series(0, round((:hours) * 360.0)::bigint - 1) AS tick, fleet
		OFFSET 0
	) AS draw
) AS beat
ORDER BY tick, phase;

ANALYZE provider_heartbeats;
