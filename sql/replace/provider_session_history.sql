CREATE VIEW provider_session_history AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id,
		(s.disconnected_at IS NULL OR s.disconnected_at > now()) AS is_open,
		CASE WHEN least(s.disconnected_at, now()) <= s.connected_at THEN 0
			ELSE (extract(epoch FROM least(s.disconnected_at, now())) - extract(epoch FROM s.connected_at))::float8
		END AS length_seconds
	FROM provider_sessions s;
COMMENT ON VIEW provider_session_history IS 'Sessions with their length';
COMMENT ON COLUMN provider_session_history.is_open IS 'Has it not ended yet, as of now()?';
COMMENT ON COLUMN provider_session_history.length_seconds IS 'Length so far, seconds, 0 or more; 0 for one that ends before it begins, infinity for one that began at -infinity';
