CREATE FUNCTION liveness_internal.liveness_record_run(job text, started_at timestamptz, duration interval, rows bigint)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH known AS (
		UPDATE liveness_internal.liveness_job_state s
		SET last_started_at = started_at, last_duration = duration, last_rows = rows, runs = s.runs + 1
		WHERE s.job = liveness_record_run.job
		RETURNING s.job
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_started_at, last_duration, last_rows, runs)
	SELECT job, started_at, duration, rows, 1
	WHERE NOT EXISTS (SELECT FROM known);
	SELECT liveness_internal.liveness_count(job || '_runs_total', 1),
		liveness_internal.liveness_count(job || CASE job WHEN 'features' THEN '_providers_total' ELSE '_rows_total' END, rows),
		liveness_internal.liveness_count(job || '_last_duration_seconds', greatest(extract(epoch FROM duration), 0)::float8);
END;
COMMENT ON FUNCTION liveness_internal.liveness_record_run(text, timestamptz, interval, bigint) IS 'Notes a completed run of a job for liveness_jobs, and counts it';
