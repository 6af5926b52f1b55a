-- The figures add up, what was pruned stays so, and a watermark counts only if all are
-- of the table as it is here.
CREATE FUNCTION liveness_internal.liveness_merge_job_state(job text, watermark_of text)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH old AS (
		DELETE FROM liveness_internal.liveness_job_state s
		WHERE s.job = liveness_merge_job_state.job
		AND (SELECT count(*) FROM liveness_internal.liveness_job_state n WHERE n.job = liveness_merge_job_state.job) > 1
		RETURNING s.*
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_started_at, last_duration, last_rows, last_error, last_error_at,
		runs, errors, watermark_of, watermark, swept_at, pruned_before, late, heard_until, seen_xid, swept_xid)
	SELECT o.job, max(o.last_started_at),
		(array_agg(o.last_duration ORDER BY o.last_started_at DESC NULLS LAST))[1],
		(array_agg(o.last_rows ORDER BY o.last_started_at DESC NULLS LAST))[1],
		(array_agg(o.last_error ORDER BY o.last_error_at DESC NULLS LAST))[1], max(o.last_error_at),
		sum(o.runs), sum(o.errors),
		CASE WHEN bool_and(o.watermark_of = liveness_merge_job_state.watermark_of) THEN liveness_merge_job_state.watermark_of END,
		min(o.watermark), min(o.swept_at), max(o.pruned_before), sum(o.late),
		min(o.heard_until),
		(array_agg(o.seen_xid ORDER BY o.watermark))[1], (array_agg(o.swept_xid ORDER BY o.watermark))[1]
	FROM old o
	GROUP BY o.job;
END;
COMMENT ON FUNCTION liveness_internal.liveness_merge_job_state(text, text) IS 'Makes one row of liveness_job_state of those that a restore has left of a job';
