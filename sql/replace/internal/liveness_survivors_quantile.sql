CREATE FUNCTION liveness_internal.liveness_survivors_quantile(probabilities float8[], phi float8, fraction float8)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_survivors_quantile(float8[], float8, float8) IS 'Quantile of how many of some providers hold, when a share phi of each hazard is the fleet''s';
