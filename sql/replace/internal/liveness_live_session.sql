-- The session is looked at alone first: what its row tells spares a look at the heartbeats.
-- As inlined into the query of its caller, each part is a look-up in an index.
CREATE FUNCTION liveness_internal.liveness_live_session(provider_id text)
RETURNS SETOF liveness_internal.liveness_live_session
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT l.id, l.coordinator_id, l.connected_at
	FROM (
		SELECT s.id, s.coordinator_id, s.connected_at,
			CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE
				THEN s.id
			END AS silent_id
		FROM (
			SELECT s.id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = $1 AND s.disconnected_at IS NULL
			UNION ALL
			SELECT e.id, e.coordinator_id, e.connected_at, e.last_heartbeat_at
			FROM (
				SELECT s.id, s.provider_id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at > now()
				OFFSET 0
			) e
			WHERE e.provider_id = $1
		) s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead
		ORDER BY s.connected_at DESC, s.id DESC
		LIMIT 1
	) l
	LEFT JOIN LATERAL (
		SELECT o.is_stale
		FROM liveness_internal.liveness_live_sessions o
		WHERE o.provider_id = $1 AND o.id = l.silent_id
	) o ON true
	WHERE o.is_stale IS NOT TRUE;
END;
COMMENT ON FUNCTION liveness_internal.liveness_live_session(text) IS 'The latest session of a provider that is connected; none if that session is stale';
