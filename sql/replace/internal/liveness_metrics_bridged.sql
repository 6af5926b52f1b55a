CREATE FUNCTION liveness_internal.liveness_metrics_bridged()
RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT sum(f.bridged_seconds)::float8 FROM @extschema@.provider_reliability_features f;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_bridged() IS 'bridged_seconds of all providers, for liveness_metrics';
