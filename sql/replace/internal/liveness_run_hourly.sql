-- For the jobs, as liveness_internal.liveness_run_features
CREATE FUNCTION liveness_internal.liveness_run_hourly(since timestamptz, until timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME', 'liveness_rollup_hourly' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_hourly(timestamptz, timestamptz) IS 'liveness_rollup_hourly for the jobs';
