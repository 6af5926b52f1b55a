CREATE FUNCTION liveness_internal.liveness_history_count(history bytea, as_of timestamptz)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_count(bytea, timestamptz) IS 'How many spells of a history had any length as of then';
