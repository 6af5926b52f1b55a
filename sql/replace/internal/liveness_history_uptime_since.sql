CREATE FUNCTION liveness_internal.liveness_history_uptime_since(history bytea, as_of timestamptz, since timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_uptime_since(bytea, timestamptz, timestamptz) IS 'Share of the time since an instant that spells cover';
