CREATE FUNCTION liveness_internal.liveness_history_uptime(history bytea, as_of timestamptz, days int)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_uptime(bytea, timestamptz, int) IS 'Share of the last days that spells cover, or of the time since the first spell';
