CREATE TYPE liveness_internal.liveness_running_one AS (
	since timestamptz,
	hazard real[],
	silent_id bigint
);
COMMENT ON TYPE liveness_internal.liveness_running_one IS 'Row of liveness_running_one()';
COMMENT ON COLUMN liveness_internal.liveness_running_one.since IS 'When the running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_running_one.hazard IS 'Events and expected events, 0 or more, 96 numbers as in liveness_provider_hazard, as of now(); NULL: the provider is new since the last rollup';
COMMENT ON COLUMN liveness_internal.liveness_running_one.silent_id IS 'The latest session, 1 or more, if its row does not tell that it is alive; NULL: the row does';
