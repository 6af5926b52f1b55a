CREATE FUNCTION liveness_internal.liveness_effective_window_days(window_days int)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_effective_window_days(int) IS 'window_days, or for NULL the setting liveness.window_days; outside 1..3650 error 22023';
