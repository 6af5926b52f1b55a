CREATE FUNCTION liveness_rollup_hourly(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_rollup_hourly(timestamptz, timestamptz) IS 'Writes provider_heartbeats_hourly from heartbeats, and returns the rows written';
