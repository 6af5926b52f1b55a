CREATE FUNCTION liveness_internal.liveness_count_failed_close()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_count_failed_close() IS 'Counts a close of a session that was not open, when the transaction commits';
