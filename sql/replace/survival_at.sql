CREATE FUNCTION survival_at(curve survival_curve, t float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_at(survival_curve, float8) IS 'S(t), the probability to last longer than t';
