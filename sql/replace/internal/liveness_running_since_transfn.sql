CREATE FUNCTION liveness_internal.liveness_running_since_transfn(internal, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz, timestamptz, boolean, bigint)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_running_since_transfn(internal, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz, timestamptz, boolean, bigint) IS 'Transition function of liveness_running_since';
