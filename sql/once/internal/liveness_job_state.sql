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
	late bigint NOT NULL DEFAULT 0,
	heard_until timestamptz,
	seen_xid jsonb,
	swept_xid jsonb
);
ALTER TABLE liveness_internal.liveness_job_state REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_job_state IS 'What the jobs leave for their next run, and the figures of the last; read it through liveness_jobs. A row a job, and another after a restore until the job''s next run';
COMMENT ON COLUMN liveness_internal.liveness_job_state.job IS 'features, hourly, retention or sessions';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_started_at IS 'Start of the last run that completed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_duration IS 'Its duration, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_rows IS 'Rows that it wrote, or deleted, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error IS 'Message of the last run that failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error_at IS 'When it failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.runs IS 'Runs that completed, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.errors IS 'Runs that failed and could be recorded, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark_of IS 'hourly, sessions: cluster, database and table that the watermark was made in; void elsewhere';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark IS 'hourly, sessions: every heartbeat with an id up to this was taken, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending IS 'hourly, sessions: the next watermark, once pending_writers have ended, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending_writers IS 'hourly, sessions: virtual transactions that may still bring an id up to pending';
COMMENT ON COLUMN liveness_internal.liveness_job_state.swept_at IS 'hourly, sessions: when the hours of liveness.rollup_lookback were last taken whole';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pruned_before IS 'hourly: raw rows before this hour may be gone; no cell before it is written any more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.late IS 'hourly: heartbeats that arrived for an hour before pruned_before, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.heard_until IS 'sessions: the latest time at which a heartbeat could be stamped; what was stamped later is taken once that is possible';
COMMENT ON COLUMN liveness_internal.liveness_job_state.seen_xid IS 'sessions: what transactions before this wrote to recent sessions of coordinators was taken, 3 or more by system identifier of each node';
COMMENT ON COLUMN liveness_internal.liveness_job_state.swept_xid IS 'sessions: what transactions before this wrote to any session of a coordinator was taken, 3 or more by system identifier of each node';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_job_state', '');
