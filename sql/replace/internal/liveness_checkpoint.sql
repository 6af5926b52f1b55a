CREATE FUNCTION liveness_internal.liveness_checkpoint(curve float8[], work_usecs bigint, cost_usecs bigint, restart_usecs bigint)
RETURNS liveness_checkpoint_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION liveness_internal.liveness_checkpoint(float8[], bigint, bigint, bigint) IS 'How many checkpoints make a job shortest, by a curve of times and the hazard up to each';
