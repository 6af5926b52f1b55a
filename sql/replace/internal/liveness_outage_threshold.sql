CREATE FUNCTION liveness_internal.liveness_outage_threshold()
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_outage_threshold() IS 'The setting liveness.outage_threshold';
