CREATE FUNCTION liveness_internal.liveness_history_spells(history bytea, as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_spell AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50;
COMMENT ON FUNCTION liveness_internal.liveness_history_spells(bytea, timestamptz) IS 'The spells of a history as they were known then, in order of time';
