CREATE VIEW liveness_internal.liveness_last_signs AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id, s.has_begun, s.was_heard, s.last_sign_of_life, s.is_stale
	FROM liveness_internal.liveness_live_sessions s
	WHERE s.disconnected_at IS NULL;
COMMENT ON VIEW liveness_internal.liveness_last_signs IS 'The open ones among liveness_live_sessions';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.connected_at IS 'When it connected';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.disconnected_at IS 'NULL: it is open';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.disconnect_reason IS 'As the row has it';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.last_heartbeat_at IS 'Last heartbeat that the coordinator saw, as the row has it; NULL: not known';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.coordinator_id IS 'The coordinator that holds the connection';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.has_begun IS 'Is connected_at no later than now() + liveness.session_timeout?';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.was_heard IS 'Is there any heartbeat of it, whatever its time?';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.last_sign_of_life IS 'Its last sign of life, at most now(); NULL: it has not begun, and nothing is known';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.is_stale IS 'Has it not begun, or was its last sign of life longer ago than liveness.session_timeout? What was never heard of is not stale';
