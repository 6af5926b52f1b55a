-- $1 provider, $2 since, $3 until: instants, $4 limit
WITH asked AS MATERIALIZED (
	SELECT coalesce($2::timestamptz, '-infinity') AS since,
		coalesce($3::timestamptz, 'infinity') AS until,
		liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($4::int, 100)) AS max_rows
), page AS (
	SELECT h.hour, h.heartbeat_count, h.avg_memory_pressure, h.avg_cpu_usage, h.max_thermal_state,
		h.avg_memory_available_gb
	FROM provider_heartbeats_hourly h
	WHERE (h.provider_id, h.hour) >= ($1::text, (SELECT a.since FROM asked a))
	AND (h.provider_id, h.hour) < ($1::text, (SELECT a.until FROM asked a))
	ORDER BY h.provider_id DESC, h.hour DESC
	LIMIT liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($4::int, 100))
)
SELECT json_build_object(
	'provider_id', $1::text,
	'hours', coalesce((SELECT json_agg(p ORDER BY p.hour DESC) FROM page p), '[]'),
	'next', (
		SELECT replace(to_json(min(p.hour)) #>> '{}', '+00:00', 'Z')
		FROM page p
		HAVING count(*) = a.max_rows))::text AS json
FROM asked a
WHERE EXISTS (SELECT 1 FROM provider_heartbeats_hourly h WHERE h.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_reliability_features f WHERE f.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_sessions s WHERE s.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_heartbeats h WHERE h.provider_id = $1::text)
-- which never is so, but has wrong arguments noticed of an unknown provider too
OR a.max_rows IS NULL
