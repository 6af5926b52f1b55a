CREATE FUNCTION liveness_internal.liveness_window_start(as_of timestamptz, window_days int)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_window_start(timestamptz, int) IS 'The instant at which a window of so many days begins';
