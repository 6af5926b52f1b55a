-- Few are at risk: unlike liveness_at_risk(), which may be asked about all, this looks at the
-- sessions of those alone.
CREATE FUNCTION liveness_internal.liveness_metrics_at_risk()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT 1 FROM liveness_internal.liveness_fleet_hazard)
		THEN (
			SELECT count(*)
			FROM (
				SELECT r.provider_id, liveness_internal.liveness_holds(f.hazard, r.hazard, r.since, now(), liveness_internal.liveness_span_usecs('1 hour'::interval, 'job'::text)) AS probability
				FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
				CROSS JOIN liveness_internal.liveness_prepared_fleet() f
				OFFSET 0
			) r
			CROSS JOIN LATERAL liveness_internal.liveness_live_session(r.provider_id) l
			WHERE 1 - r.probability >= 0.5
		)
	END;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_at_risk() IS 'How many liveness_at_risk() tells the owner, for liveness_metrics; NULL before the first rollup';
