CREATE FUNCTION liveness_internal.liveness_record_error(job text, error text)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH known AS (
		UPDATE liveness_internal.liveness_job_state s
		SET last_error = error, last_error_at = pg_catalog.clock_timestamp(), errors = s.errors + 1
		WHERE s.job = liveness_record_error.job
		RETURNING s.job
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_error, last_error_at, errors)
	SELECT job, error, pg_catalog.clock_timestamp(), 1
	WHERE NOT EXISTS (SELECT FROM known);
	SELECT liveness_internal.liveness_count(job || '_errors_total', 1);
END;
COMMENT ON FUNCTION liveness_internal.liveness_record_error(text, text) IS 'Notes a failed run of a job for liveness_jobs, and counts it';
