-- For the jobs: a function of others in the extension's schema makes no call of it ambiguous.
CREATE FUNCTION liveness_internal.liveness_run_features(as_of timestamptz, window_days int)
RETURNS bigint AS 'MODULE_PATHNAME', 'liveness_rollup_features' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_features(timestamptz, int) IS 'liveness_rollup_features for the jobs';
