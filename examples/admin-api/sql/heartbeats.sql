-- $1 provider, $2 since: an instant, $3 until: an instant or a page's "next", $4 limit
WITH asked AS MATERIALIZED (
	SELECT coalesce($2::timestamptz, '-infinity') AS since,
		coalesce(split_part($3::text, '~', 1)::timestamptz, 'infinity') AS until_at,
		CASE WHEN $3 IS NULL THEN 9223372036854775807
			ELSE coalesce(nullif(split_part($3, '~', 2), '')::bigint, -9223372036854775808) END AS until_id,
		liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($4::int, 100)) AS max_rows
), page AS (
	SELECT h.id, h.at, h.status, h.memory_pressure, h.cpu_usage, h.thermal_state, h.memory_available_gb,
		h.gpu_memory_active_gb, h.gpu_memory_cache_gb, h.backend_state, h.active_model, h.capacity
	FROM provider_heartbeat_history h
	WHERE (h.provider_id, h.at) >= ($1::text, (SELECT a.since FROM asked a))
	AND (h.provider_id, h.at, h.id) < ($1::text, (SELECT a.until_at FROM asked a), (SELECT a.until_id FROM asked a))
	ORDER BY h.provider_id DESC, h.at DESC, h.id DESC
	LIMIT liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($4::int, 100))
)
SELECT json_build_object(
	'provider_id', $1::text,
	'heartbeats', coalesce((
		SELECT json_agg((SELECT r FROM (SELECT p.id::text, p.at, p.status, p.memory_pressure, p.cpu_usage,
			p.thermal_state, p.memory_available_gb, p.gpu_memory_active_gb, p.gpu_memory_cache_gb,
			p.backend_state, p.active_model, p.capacity) r)
			ORDER BY p.at DESC, p.id DESC)
		FROM page p), '[]'),
	'next', (
		SELECT replace(to_json(p.at) #>> '{}', '+00:00', 'Z') || '~' || p.id
		FROM page p
		WHERE (SELECT count(*) FROM page) = a.max_rows
		ORDER BY p.at, p.id
		LIMIT 1))::text AS json
FROM asked a
WHERE EXISTS (SELECT 1 FROM provider_heartbeats h WHERE h.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_reliability_features f WHERE f.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_sessions s WHERE s.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_heartbeats_hourly h WHERE h.provider_id = $1::text)
-- which never is so, but has wrong arguments noticed of an unknown provider too
OR a.max_rows IS NULL
