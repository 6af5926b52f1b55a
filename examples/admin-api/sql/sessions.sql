-- $1 provider, $2 before: an instant or a page's "next", $3 limit
WITH asked AS MATERIALIZED (
	SELECT coalesce(split_part($2::text, '~', 1)::timestamptz, 'infinity') AS before_at,
		CASE WHEN $2 IS NULL THEN 9223372036854775807
			ELSE coalesce(nullif(split_part($2, '~', 2), '')::bigint, -9223372036854775808) END AS before_id,
		liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($3::int, 100)) AS max_rows
), page AS (
	SELECT h.id, h.connected_at, h.disconnected_at, h.disconnect_reason, h.last_heartbeat_at,
		h.requests_served, h.tokens_generated, h.coordinator_id, h.is_open, h.length_seconds
	FROM provider_session_history h
	WHERE h.provider_id = $1::text
	AND (h.connected_at, h.id) < ((SELECT a.before_at FROM asked a), (SELECT a.before_id FROM asked a))
	ORDER BY h.connected_at DESC, h.id DESC
	LIMIT liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($3::int, 100))
)
SELECT json_build_object(
	'provider_id', $1::text,
	'sessions', coalesce((
		SELECT json_agg((SELECT r FROM (SELECT p.id::text, p.connected_at, p.disconnected_at, p.disconnect_reason,
			p.last_heartbeat_at, p.requests_served, p.tokens_generated, p.coordinator_id, p.is_open, p.length_seconds) r)
			ORDER BY p.connected_at DESC, p.id DESC)
		FROM page p), '[]'),
	'next', (
		SELECT replace(to_json(p.connected_at) #>> '{}', '+00:00', 'Z') || '~' || p.id
		FROM page p
		WHERE (SELECT count(*) FROM page) = a.max_rows
		ORDER BY p.connected_at, p.id
		LIMIT 1))::text AS json
FROM asked a
WHERE EXISTS (SELECT 1 FROM provider_sessions s WHERE s.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_reliability_features f WHERE f.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_heartbeats h WHERE h.provider_id = $1::text)
OR EXISTS (SELECT 1 FROM provider_heartbeats_hourly h WHERE h.provider_id = $1::text)
-- which never is so, but has wrong arguments noticed of an unknown provider too
OR a.max_rows IS NULL
