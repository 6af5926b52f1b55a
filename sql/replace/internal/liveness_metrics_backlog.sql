-- Whom the hourly rollup waits for: transactions by pid, and prepared ones, which have none.
CREATE FUNCTION liveness_internal.liveness_metrics_backlog(OUT pending_seconds float8, OUT partitions_end float8, OUT future_sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT (
			SELECT greatest(extract(epoch FROM now() - min(w.since)), 0)::float8
			FROM liveness_internal.liveness_job_state s
			CROSS JOIN LATERAL (
				SELECT a.xact_start AS since
				FROM pg_locks l
				JOIN pg_stat_activity a ON a.pid = l.pid
				WHERE l.locktype = 'virtualxid' AND l.virtualtransaction = ANY (s.pending_writers)
				UNION ALL
				SELECT p.prepared
				FROM pg_prepared_xacts p
				WHERE '-1/' || p.transaction::text = ANY (s.pending_writers)
			) w
			WHERE s.job = 'hourly'
		), (
			SELECT extract(epoch FROM max(r.until))::float8
			FROM liveness_internal.liveness_heartbeat_partitions() r
			WHERE isfinite(r.until)
		), (
			SELECT count(*)
			FROM @extschema@.provider_sessions s
			WHERE s.disconnected_at IS NULL
			AND s.connected_at > now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		);
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_backlog() IS 'Pending writers, partitions ahead, and sessions that have not begun, for liveness_metrics';
