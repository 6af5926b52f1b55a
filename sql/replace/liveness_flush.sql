CREATE FUNCTION liveness_flush()
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_flush() IS 'Has the worker write the buffer, and waits until all that was emitted before is committed';
