CREATE FUNCTION liveness_sigmoid(x float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_sigmoid(float8) IS 'Logistic function 1 / (1 + exp(-x)), 0 to 1; NULL for NULL; NaN is error 22003';
