-- What is in a partition waits until all of it may go.
CREATE FUNCTION liveness_internal.liveness_metrics_overdue(OUT seconds float8, OUT heartbeats bigint, OUT partitions bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	cut timestamptz := liveness_internal.liveness_prune_cut(NULL::interval);
	until timestamptz := coalesce((SELECT max(r.since) FROM liveness_internal.liveness_heartbeat_partitions() r
		WHERE r.since < cut AND r.until > cut AND r.since > '-infinity'), cut);
BEGIN
	IF cut IS NULL THEN
		RETURN;
	END IF;
	seconds := coalesce((extract(epoch FROM until) - extract(epoch FROM (
		SELECT min(h.at) FROM @extschema@.provider_heartbeats h WHERE h.at < until AND h.at > '-infinity')))::float8, 0);
	heartbeats := (SELECT count(*) FROM (SELECT 1 FROM @extschema@.provider_heartbeats h WHERE h.at < until LIMIT 100000) h);
	partitions := (SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() r WHERE r.until <= cut AND r.since > '-infinity');
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_overdue() IS 'What the retention has not got to, for liveness_metrics; NULL where retention is off';
