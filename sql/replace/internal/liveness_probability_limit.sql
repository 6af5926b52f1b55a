CREATE FUNCTION liveness_internal.liveness_probability_limit(probability float8, name text)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_probability_limit(float8, text) IS 'A probability, once it has been checked; name is the argument''s';
