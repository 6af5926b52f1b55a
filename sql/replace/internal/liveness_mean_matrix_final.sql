CREATE FUNCTION liveness_internal.liveness_mean_matrix_final(internal)
RETURNS jsonb AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_mean_matrix_final(internal) IS 'Final function of liveness_mean_matrix';
