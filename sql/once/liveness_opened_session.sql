CREATE TYPE liveness_opened_session AS (
	provider_id text,
	session_id bigint
);
COMMENT ON TYPE liveness_opened_session IS 'Row of liveness_open_sessions';
COMMENT ON COLUMN liveness_opened_session.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_opened_session.session_id IS 'Its session, 1 or more';
