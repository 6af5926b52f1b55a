CREATE FUNCTION liveness_internal.liveness_none_holds(probabilities float8[], group_names text[], phi float8, psi float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_none_holds(float8[], text[], float8, float8) IS 'Probability that none of up to 12 providers holds, by the shock shares; NULL for a NULL probability';
