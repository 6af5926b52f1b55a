-- This table grows for as long as sessions are kept.  Autovacuum comes as often when it has
-- grown: reads by index alone and plans depend on it.
CREATE TABLE provider_sessions (
	id bigserial NOT NULL,
	provider_id text NOT NULL,
	connected_at timestamptz NOT NULL DEFAULT now(),
	disconnected_at timestamptz,
	disconnect_reason text NOT NULL DEFAULT '',
	last_heartbeat_at timestamptz,
	requests_served bigint NOT NULL DEFAULT 0,
	tokens_generated bigint NOT NULL DEFAULT 0,
	coordinator_id text NOT NULL DEFAULT '',
	PRIMARY KEY (id, provider_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX idx_provider_sessions_provider_connected ON provider_sessions (provider_id, connected_at DESC);
CREATE INDEX idx_provider_sessions_open ON provider_sessions (provider_id) WHERE disconnected_at IS NULL;
CREATE INDEX idx_provider_sessions_disconnected_at ON provider_sessions (disconnected_at) WHERE disconnected_at IS NOT NULL;
COMMENT ON TABLE provider_sessions IS 'Connections of providers to a coordinator: everything that the reliability features are computed from';
COMMENT ON COLUMN provider_sessions.id IS 'The session, 1 or more; with provider_id the primary key';
COMMENT ON COLUMN provider_sessions.provider_id IS 'The machine';
COMMENT ON COLUMN provider_sessions.connected_at IS 'When it connected, by the coordinator''s clock';
COMMENT ON COLUMN provider_sessions.disconnected_at IS 'When it disconnected; NULL: still connected';
COMMENT ON COLUMN provider_sessions.disconnect_reason IS 'Why: clean_close, read_error, stale_heartbeat, duplicate_serial, coordinator_restart, superseded, observer_outage, or any other text; '''' while open';
COMMENT ON COLUMN provider_sessions.last_heartbeat_at IS 'Last heartbeat of the session that the coordinator saw; NULL: not known';
COMMENT ON COLUMN provider_sessions.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN provider_sessions.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN provider_sessions.coordinator_id IS 'The coordinator that holds the connection; two may during a deploy';
COMMENT ON INDEX idx_provider_sessions_provider_connected IS 'Sessions of one provider, latest first';
COMMENT ON INDEX idx_provider_sessions_open IS 'Who is connected';
COMMENT ON INDEX idx_provider_sessions_disconnected_at IS 'Sessions that ended lately, and retention';
SELECT pg_catalog.pg_extension_config_dump('provider_sessions', '');
SELECT pg_catalog.pg_extension_config_dump('provider_sessions_id_seq', '');
COMMENT ON SEQUENCE provider_sessions_id_seq IS 'Ids of sessions';
