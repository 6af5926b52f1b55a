CREATE TYPE liveness_internal.liveness_connected AS (
	provider_id text,
	session_id bigint,
	coordinator_id text,
	since timestamptz,
	probability float8
);
COMMENT ON TYPE liveness_internal.liveness_connected IS 'Row of liveness_connected()';
COMMENT ON COLUMN liveness_internal.liveness_connected.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_connected.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_connected.coordinator_id IS 'Coordinator of that session; any text';
COMMENT ON COLUMN liveness_internal.liveness_connected.since IS 'When its running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_connected.probability IS 'Probability that its spell lasts the job, 0 to 1';
