-- For the jobs, as liveness_internal.liveness_run_features
CREATE FUNCTION liveness_internal.liveness_score(uptime_pct float8, p_stays_4h float8, p_stays_8h float8, mtbf_seconds float8,
	last_disconnect_at timestamptz, as_of timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_score(float8, float8, float8, float8, timestamptz, timestamptz) IS 'liveness_score for the jobs';
