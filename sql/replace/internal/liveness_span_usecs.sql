CREATE FUNCTION liveness_internal.liveness_span_usecs(span interval, name text)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_span_usecs(interval, text) IS 'An argument of that name in microseconds';
