CREATE FUNCTION liveness_internal.liveness_close_rolled_up_hours(cut timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_close_rolled_up_hours(timestamptz) IS 'As liveness_close_hours, for a caller who has just rolled up these hours whole';
