CREATE FUNCTION liveness_score(uptime_pct float8, p_stays_4h float8, p_stays_8h float8, mtbf_seconds float8,
	last_disconnect_at timestamptz, as_of timestamptz DEFAULT now())
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_score(float8, float8, float8, float8, timestamptz, timestamptz) IS 'The liveness score of a provider, 0 to 1';
