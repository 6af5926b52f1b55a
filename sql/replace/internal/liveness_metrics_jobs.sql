CREATE FUNCTION liveness_internal.liveness_metrics_jobs()
RETURNS SETOF liveness_jobs
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT j.job, j.last_started_at, j.last_duration, j.last_rows, j.last_error, j.last_error_at, j.runs, j.errors
	FROM @extschema@.liveness_jobs j;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_jobs() IS 'liveness_jobs as the extension''s owner sees it, for liveness_metrics';
