-- The latest 20,000 ends are read by index, so that a scrape costs the same whatever the
-- fleet does.
CREATE FUNCTION liveness_internal.liveness_metrics_ends(OUT coordinator_id text, OUT ends bigint, OUT censored bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT e.coordinator_id, count(*), count(*) FILTER (WHERE @extschema@.liveness_is_censored(e.disconnect_reason))
	FROM (
		SELECT s.coordinator_id, s.disconnect_reason
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at BETWEEN now() - interval '24 hours' AND now()
		ORDER BY s.disconnected_at DESC
		LIMIT 20000
	) e
	GROUP BY e.coordinator_id
	ORDER BY count(*) DESC, e.coordinator_id
	LIMIT 50;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_ends() IS 'Ends of sessions in the last day by coordinator, and the censored ones, for liveness_metrics';
