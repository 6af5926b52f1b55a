CREATE FUNCTION liveness_internal.liveness_counters(missing_ok boolean DEFAULT false)
RETURNS TABLE (name text, value float8, help text, since timestamptz)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 25;
COMMENT ON FUNCTION liveness_internal.liveness_counters(boolean) IS 'The rows of liveness_stats';
