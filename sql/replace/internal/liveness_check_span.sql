CREATE FUNCTION liveness_internal.liveness_check_span(since timestamptz, until timestamptz)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_check_span(timestamptz, timestamptz) IS 'True, once since and until have been checked to be a span of at most 3650 days';
