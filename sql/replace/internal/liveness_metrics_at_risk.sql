CREATE FUNCTION liveness_internal.liveness_metrics_at_risk()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT FROM liveness_internal.liveness_fleet_hazard)
		THEN (SELECT count(*) FROM @extschema@.liveness_at_risk('1 hour'::interval, 0.5::float8))
	END;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_at_risk() IS 'How many liveness_at_risk() tells the owner, for liveness_metrics; NULL before the first rollup';
