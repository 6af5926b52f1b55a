-- LIMIT is computed even where the table is empty: the place to check arguments.
CREATE FUNCTION liveness_reliability(min_uptime float8 DEFAULT 0, min_stays_4h float8 DEFAULT 0,
	min_stays_8h float8 DEFAULT 0, min_score float8 DEFAULT 0, max_score float8 DEFAULT 0, max_rows int DEFAULT 50)
RETURNS SETOF liveness_reliability_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT f.provider_id, f.updated_at, f.window_days, f.uptime_pct, f.sessions_count, f.mtbf_seconds,
		f.median_session_seconds, f.p10_session_seconds, f.p90_session_seconds, f.hourly_availability,
		f.disconnect_reasons, f.p_stays_4h, f.p_stays_8h, f.last_disconnect_at, f.last_session_duration_seconds,
		f.liveness_score, f.mttr_seconds, f.failures_count, f.p_survives_4h, f.p_survives_8h, f.spells_count,
		f.first_seen_at, f.observed_uptime_pct, f.bridged_seconds
	FROM @extschema@.provider_reliability_features f
	WHERE (min_uptime IS NULL OR f.uptime_pct >= liveness_internal.liveness_real_bound(min_uptime))
	AND (min_stays_4h IS NULL OR f.p_stays_4h >= liveness_internal.liveness_real_bound(min_stays_4h))
	AND (min_stays_8h IS NULL OR f.p_stays_8h >= liveness_internal.liveness_real_bound(min_stays_8h))
	AND (min_score IS NULL OR f.liveness_score >= liveness_internal.liveness_real_bound(min_score))
	AND (max_score IS NULL OR max_score = 0::float8 OR f.liveness_score <= liveness_internal.liveness_real_bound(max_score))
	ORDER BY f.liveness_score DESC, f.uptime_pct DESC, f.provider_id
	LIMIT liveness_internal.liveness_reliability_limit(min_uptime, min_stays_4h, min_stays_8h, min_score, max_score, max_rows);
END;
COMMENT ON FUNCTION liveness_reliability(float8, float8, float8, float8, float8, int) IS 'The ranking: features rows within the bounds, the best score first';
