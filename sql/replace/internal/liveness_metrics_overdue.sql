-- What is in a partition waits until all of it may go.
CREATE FUNCTION liveness_internal.liveness_metrics_overdue(OUT seconds float8, OUT heartbeats bigint, OUT partitions bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT coalesce((extract(epoch FROM d.until) - extract(epoch FROM (
			SELECT min(h.at) FROM @extschema@.provider_heartbeats h WHERE h.at < d.until AND h.at > '-infinity')))::float8, 0),
		(SELECT count(*) FROM (SELECT FROM @extschema@.provider_heartbeats h WHERE h.at < d.until LIMIT 100000) h),
		(SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() r WHERE r.until <= d.cut AND r.since > '-infinity')
	FROM (
		SELECT c.cut, coalesce((SELECT max(r.since) FROM liveness_internal.liveness_heartbeat_partitions() r
			WHERE r.since < c.cut AND r.until > c.cut AND r.since > '-infinity'), c.cut) AS until
		FROM (SELECT liveness_internal.liveness_prune_cut(NULL::interval) AS cut) c
		WHERE c.cut IS NOT NULL
	) d;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_overdue() IS 'What the retention has not got to, for liveness_metrics; NULL where retention is off';
