CREATE FUNCTION liveness_internal.liveness_check_step(since timestamptz, until timestamptz, step interval)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_check_step(timestamptz, timestamptz, interval) IS 'True, once a span, and steps that divide it, have been checked';
