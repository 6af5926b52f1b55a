CREATE FUNCTION liveness_internal.liveness_count(counter text, n float8)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_count(text, float8) IS 'Adds n to a counter of liveness_stats when the transaction commits';
