CREATE FUNCTION survival_rmean(curve survival_curve, horizon float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_rmean(survival_curve, float8) IS 'Restricted mean: the mean time until the event or the horizon';
