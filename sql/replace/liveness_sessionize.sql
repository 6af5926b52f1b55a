CREATE FUNCTION liveness_sessionize(since timestamptz, until timestamptz, timeout interval DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_sessionize(timestamptz, timestamptz, interval) IS 'Makes sessions from the heartbeats of a range, and returns how many it wrote';
