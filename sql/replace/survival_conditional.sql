CREATE FUNCTION survival_conditional(curve survival_curve, age float8, more float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_conditional(survival_curve, float8, float8) IS 'The probability to last so much more, given an age';
