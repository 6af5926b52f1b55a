CREATE FUNCTION liveness_recency_penalty(last_disconnect_at timestamptz, as_of timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_recency_penalty(timestamptz, timestamptz) IS 'Penalty for a recent disconnect: 1 at the disconnect, falling linearly to 0 after 24 h';
