CREATE FUNCTION liveness_internal.liveness_history_spell_at(history bytea, as_of timestamptz, at timestamptz)
RETURNS liveness_internal.liveness_spell AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_spell_at(bytea, timestamptz, timestamptz) IS 'As of an instant, the last spell that had begun by "at"; NULL if none had';
