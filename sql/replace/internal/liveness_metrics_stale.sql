CREATE FUNCTION liveness_internal.liveness_metrics_stale()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT count(*) FROM @extschema@.provider_stale_sessions;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_stale() IS 'Rows of provider_stale_sessions as the extension''s owner sees it, for liveness_metrics';
