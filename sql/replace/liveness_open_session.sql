CREATE FUNCTION liveness_open_session(provider_id text, coordinator_id text DEFAULT '', connected_at timestamptz DEFAULT now())
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT o.session_id FROM liveness_open_sessions(ARRAY[$1], $2, $3) o;
END;
COMMENT ON FUNCTION liveness_open_session(text, text, timestamptz) IS 'Opens a session and returns its id';
