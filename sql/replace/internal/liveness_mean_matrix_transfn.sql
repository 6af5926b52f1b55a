CREATE FUNCTION liveness_internal.liveness_mean_matrix_transfn(internal, jsonb)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_mean_matrix_transfn(internal, jsonb) IS 'Transition function of liveness_mean_matrix';
