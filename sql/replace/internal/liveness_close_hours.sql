CREATE FUNCTION liveness_internal.liveness_close_hours(cut timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_close_hours(timestamptz) IS 'Rolls up what is left of the hours before cut, and closes them to later rollups';
