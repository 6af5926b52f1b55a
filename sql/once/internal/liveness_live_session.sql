CREATE TYPE liveness_internal.liveness_live_session AS (
	id bigint,
	coordinator_id text,
	connected_at timestamptz
);
COMMENT ON TYPE liveness_internal.liveness_live_session IS 'The session through which a provider is connected: what liveness_live_session() returns';
COMMENT ON COLUMN liveness_internal.liveness_live_session.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_session.coordinator_id IS 'The coordinator that holds the connection; any text';
COMMENT ON COLUMN liveness_internal.liveness_live_session.connected_at IS 'When it connected';
