CREATE VIEW liveness_jobs AS
	SELECT j.job, max(s.last_started_at) AS last_started_at,
		(array_agg(s.last_duration ORDER BY s.last_started_at DESC NULLS LAST))[1] AS last_duration,
		(array_agg(s.last_rows ORDER BY s.last_started_at DESC NULLS LAST))[1] AS last_rows,
		(array_agg(s.last_error ORDER BY s.last_error_at DESC NULLS LAST))[1] AS last_error,
		max(s.last_error_at) AS last_error_at,
		coalesce(sum(s.runs), 0)::bigint AS runs, coalesce(sum(s.errors), 0)::bigint AS errors
	FROM (VALUES ('features'::text), ('hourly'), ('retention'), ('sessions')) j (job)
	LEFT JOIN liveness_internal.liveness_job_state s ON s.job = j.job
	WHERE j.job <> 'sessions' OR s.job IS NOT NULL
		OR current_setting('liveness.track_sessions', true)::boolean OR current_setting('liveness.close_stale', true)::boolean
	GROUP BY j.job;
COMMENT ON VIEW liveness_jobs IS 'Last run of each job; sessions is there once it has run or its settings are on';
COMMENT ON COLUMN liveness_jobs.job IS 'features, hourly, retention or sessions';
COMMENT ON COLUMN liveness_jobs.last_started_at IS 'Start of the last run that completed; NULL: none yet';
COMMENT ON COLUMN liveness_jobs.last_duration IS 'Its duration, 0 or more';
COMMENT ON COLUMN liveness_jobs.last_rows IS 'Number of rows, 0 or more; features: providers in the window; hourly: rows written; retention: rows deleted; sessions: sessions written, closed or deleted';
COMMENT ON COLUMN liveness_jobs.last_error IS 'Message of the last run that failed under liveness_run or liveness_prune; NULL: none';
COMMENT ON COLUMN liveness_jobs.last_error_at IS 'When it failed';
COMMENT ON COLUMN liveness_jobs.runs IS 'Runs that completed, 0 or more';
COMMENT ON COLUMN liveness_jobs.errors IS 'Runs that failed under liveness_run or liveness_prune, 0 or more';
