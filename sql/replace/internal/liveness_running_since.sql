CREATE FUNCTION liveness_internal.liveness_running_since(recent bytea, known_at timestamptz, spell_since timestamptz, spell_until timestamptz, spell_uncensored boolean, fingerprint bigint)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_running_since(bytea, timestamptz, timestamptz, timestamptz, boolean, bigint) IS 'When the spell of a provider began that goes on';
