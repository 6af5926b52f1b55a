CREATE FUNCTION liveness_internal.survival_conditionals(curve survival_curve, ages float8[], more float8)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_conditionals(survival_curve, float8[], float8) IS 'survival_conditional at many ages at once';
