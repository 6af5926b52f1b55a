CREATE FUNCTION liveness_internal.liveness_real_bound(bound float8)
RETURNS real AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_real_bound(float8) IS 'A bound to compare a real column with, rounded as the column is';
