CREATE FUNCTION survival_quantile(curve survival_curve, p float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_quantile(survival_curve, float8) IS 'The time by which the event has happened with probability p';
