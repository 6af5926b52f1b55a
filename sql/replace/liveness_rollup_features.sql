CREATE FUNCTION liveness_rollup_features(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_rollup_features(timestamptz, int) IS 'Writes provider_reliability_features as of an instant, and returns the number of providers';
