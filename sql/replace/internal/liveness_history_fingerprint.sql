CREATE FUNCTION liveness_internal.liveness_history_fingerprint(history bytea)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_fingerprint(bytea) IS 'Fingerprint of the sessions of a history that were open when it was made';
