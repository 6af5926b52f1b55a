CREATE FUNCTION liveness_internal.liveness_candidates_limit(min_probability float8, max_rows int)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_candidates_limit(float8, int) IS 'max_rows, once the arguments of liveness_candidates have been checked';
