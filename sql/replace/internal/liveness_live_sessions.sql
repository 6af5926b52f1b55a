-- Heartbeats do not say through which coordinator they came, so those after the
-- provider's next session are taken to be that one's.  A stamp that lies further ahead
-- than liveness.session_timeout is a wrong clock's: it says that somebody was there, and
-- nothing of when.
CREATE VIEW liveness_internal.liveness_live_sessions AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id,
		s.connected_at <= c.ahead AS has_begun,
		coalesce(s.last_heartbeat_at, h.at, f.at) IS NOT NULL AS was_heard,
		CASE WHEN l.at > now() THEN now() ELSE l.at END AS last_sign_of_life,
		s.connected_at > c.ahead OR (coalesce(s.last_heartbeat_at, h.at, f.at) IS NOT NULL AND l.at < c.before) AS is_stale
	FROM provider_sessions s
	CROSS JOIN (
		SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
		FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
	) c
	LEFT JOIN LATERAL (
		SELECT n.connected_at
		FROM provider_sessions n
		WHERE n.provider_id = s.provider_id AND n.connected_at > s.connected_at
		ORDER BY n.connected_at
		LIMIT 1
	) n ON true
	LEFT JOIN LATERAL (
		SELECT h.at
		FROM provider_heartbeats h
		WHERE h.provider_id = s.provider_id AND h.at >= s.connected_at AND h.at <= c.ahead
		AND h.at < coalesce(n.connected_at, 'infinity')
		ORDER BY h.at DESC
		LIMIT 1
	) h ON true
	LEFT JOIN LATERAL (
		SELECT f.at
		FROM provider_heartbeats f
		WHERE s.last_heartbeat_at IS NULL AND h.at IS NULL
		AND f.provider_id = s.provider_id AND f.at >= s.connected_at AND f.at > c.ahead
		AND f.at <= coalesce(n.connected_at, 'infinity') AND f.at IS DISTINCT FROM n.connected_at
		ORDER BY f.at DESC
		LIMIT 1
	) f ON true
	CROSS JOIN LATERAL (
		SELECT greatest(
			CASE WHEN s.connected_at <= c.ahead THEN s.connected_at END,
			CASE WHEN s.last_heartbeat_at <= c.ahead THEN s.last_heartbeat_at END,
			h.at) AS at
	) l
	WHERE s.disconnected_at IS NULL OR s.disconnected_at > now();
COMMENT ON VIEW liveness_internal.liveness_live_sessions IS 'Sessions that have not ended, with their last sign of life: the latest of connected_at, last_heartbeat_at and the last stored heartbeat before the provider''s next session. One later than now() by liveness.session_timeout says nothing, a lesser one counts as now()';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.connected_at IS 'When it connected';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.disconnected_at IS 'NULL, or later than now(), up to infinity: it is noted to end then';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.disconnect_reason IS 'As the row has it';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.last_heartbeat_at IS 'Last heartbeat that the coordinator saw, as the row has it; NULL: not known';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.coordinator_id IS 'The coordinator that holds the connection';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.has_begun IS 'Is connected_at no later than now() + liveness.session_timeout?';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.was_heard IS 'Is there any heartbeat of it, whatever its time?';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.last_sign_of_life IS 'Its last sign of life, at most now(); NULL: it has not begun, and nothing is known';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.is_stale IS 'Has it not begun, or was its last sign of life longer ago than liveness.session_timeout? What was never heard of is not stale';
