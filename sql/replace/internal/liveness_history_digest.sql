CREATE FUNCTION liveness_internal.liveness_history_digest(history bytea, as_of timestamptz, since timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_digest(bytea, timestamptz, timestamptz) IS 'A number that differs where two histories differ, from one instant until another';
