CREATE FUNCTION liveness_internal.liveness_metrics_exclusions()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT (SELECT count(*) FROM @extschema@.provider_exclusions x WHERE x.until IS NULL)
		+ (SELECT count(*) FROM @extschema@.provider_exclusions x WHERE x.until = 'infinity');
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_exclusions() IS 'Exclusions that never ended, for liveness_metrics';
