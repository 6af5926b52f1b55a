CREATE FUNCTION liveness_internal.liveness_score_terms(uptime_pct float8, p_stays_4h float8, p_stays_8h float8,
	mtbf_seconds float8, last_disconnect_at timestamptz, as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_score_term AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 6;
COMMENT ON FUNCTION liveness_internal.liveness_score_terms(float8, float8, float8, float8, timestamptz, timestamptz) IS 'The terms of liveness_score, whose points add up to it; none for a NULL feature';
