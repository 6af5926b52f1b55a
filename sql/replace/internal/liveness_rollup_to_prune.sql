CREATE FUNCTION liveness_internal.liveness_rollup_to_prune(since timestamptz, until timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_rollup_to_prune(timestamptz, timestamptz) IS 'As liveness_rollup_hourly of a range, for the retention';
