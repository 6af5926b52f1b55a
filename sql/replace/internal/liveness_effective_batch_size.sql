CREATE FUNCTION liveness_internal.liveness_effective_batch_size(batch_size int)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_effective_batch_size(int) IS 'batch_size, or for NULL the setting liveness.prune_batch_size; below 1 error 22023';
