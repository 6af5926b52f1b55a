CREATE FUNCTION liveness_internal.liveness_reliability_limit(min_uptime float8, min_stays_4h float8, min_stays_8h float8,
	min_score float8, max_score float8, max_rows int)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_reliability_limit(float8, float8, float8, float8, float8, int) IS 'max_rows, once the arguments of liveness_reliability have been checked';
