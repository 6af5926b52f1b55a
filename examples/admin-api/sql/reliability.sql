-- $1 min_uptime, $2 min_stays_4h, $3 min_stays_8h, $4 min_score, $5 max_score, $6 limit
SELECT json_build_object('providers', coalesce(
	json_agg(r ORDER BY r.liveness_score DESC, r.uptime_pct DESC, r.provider_id), '[]'))::text AS json
FROM (
	SELECT provider_id, updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds,
		median_session_seconds, p10_session_seconds, p90_session_seconds, disconnect_reasons,
		p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds, liveness_score,
		mttr_seconds, failures_count, p_survives_4h, p_survives_8h, spells_count,
		first_seen_at, observed_uptime_pct, bridged_seconds
	FROM liveness_reliability($1::float8, $2::float8, $3::float8, $4::float8, $5::float8, coalesce($6::int, 50))
) r
