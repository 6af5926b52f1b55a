CREATE FUNCTION liveness_internal.liveness_running_since_final(internal)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_running_since_final(internal) IS 'Final function of liveness_running_since';
