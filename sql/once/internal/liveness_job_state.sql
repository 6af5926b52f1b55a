-- Without a key, like liveness_fleet_hazard: a job updates its row, if there is one.
CREATE TABLE liveness_internal.liveness_job_state (
	job text NOT NULL,
	last_started_at timestamptz,
	last_duration interval,
	last_rows bigint,
	last_error text,
	last_error_at timestamptz,
	runs bigint NOT NULL DEFAULT 0,
	errors bigint NOT NULL DEFAULT 0,
	watermark_of text,
	watermark bigint,
	pending bigint,
	pending_writers text[],
	swept_at timestamptz,
	pruned_before timestamptz,
	late bigint NOT NULL DEFAULT 0
);
ALTER TABLE liveness_internal.liveness_job_state REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_job_state IS 'What the jobs leave for their next run, and the figures of the last; read it through liveness_jobs. A row a job, and another after a restore until the job''s next run';
COMMENT ON COLUMN liveness_internal.liveness_job_state.job IS 'features, hourly or retention';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_started_at IS 'Start of the last run that completed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_duration IS 'Its duration';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_rows IS 'Rows that it wrote, or deleted';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error IS 'Message of the last run that failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error_at IS 'When it failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.runs IS 'Runs that completed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.errors IS 'Runs that failed and could be recorded';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark_of IS 'hourly: cluster, database and table that the watermark was made in; void elsewhere';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark IS 'hourly: every heartbeat with an id up to this was rolled up';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending IS 'hourly: the next watermark, once pending_writers have ended';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending_writers IS 'hourly: virtual transactions that may still bring an id up to pending';
COMMENT ON COLUMN liveness_internal.liveness_job_state.swept_at IS 'hourly: when the hours of liveness.rollup_lookback were last rolled up whole';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pruned_before IS 'hourly: raw rows before this hour may be gone; no cell before it is written any more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.late IS 'hourly: heartbeats that arrived for an hour before pruned_before';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_job_state', '');
