CREATE FUNCTION liveness_emit_batch(heartbeats jsonb)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_emit_batch(jsonb) IS 'Puts an array of heartbeats into the buffer and returns how many it took';
