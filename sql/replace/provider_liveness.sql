-- One row for each provider, as an aggregate without GROUP BY is: the planner leaves out the
-- joins whose columns nobody asks for.  The providers that no rollup has seen yet have an
-- open session, or one that ended since the last rollup: both are found by index, the first
-- by index alone.  With two bounds the planner expects few of the second.
CREATE VIEW provider_liveness AS
	SELECT f.provider_id, f.updated_at, f.window_days, f.uptime_pct, f.sessions_count, f.mtbf_seconds,
		f.median_session_seconds, f.p10_session_seconds, f.p90_session_seconds,
		f.disconnect_reasons, f.p_stays_4h, f.p_stays_8h, f.last_disconnect_at, f.last_session_duration_seconds,
		f.liveness_score, f.mttr_seconds, f.failures_count, f.p_survives_4h, f.p_survives_8h, f.spells_count,
		f.first_seen_at, f.observed_uptime_pct, f.bridged_seconds,
		o.connected_since IS NOT NULL AS connected,
		o.connected_since,
		greatest(o.last_heartbeat_at, h.at) AS last_heartbeat_at
	FROM (
		SELECT r.provider_id, r.updated_at, r.window_days, r.uptime_pct, r.sessions_count, r.mtbf_seconds,
			r.median_session_seconds, r.p10_session_seconds, r.p90_session_seconds,
			r.disconnect_reasons, r.p_stays_4h, r.p_stays_8h, r.last_disconnect_at, r.last_session_duration_seconds,
			r.liveness_score, r.mttr_seconds, r.failures_count, r.p_survives_4h, r.p_survives_8h, r.spells_count,
			r.first_seen_at, r.observed_uptime_pct, r.bridged_seconds
		FROM provider_reliability_features r
		UNION ALL
		SELECT n.provider_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
		FROM (
			SELECT DISTINCT s.provider_id
			FROM (
				SELECT s.provider_id
				FROM provider_sessions s
				WHERE s.disconnected_at IS NULL
				UNION ALL
				SELECT s.provider_id
				FROM provider_sessions s
				WHERE s.disconnected_at BETWEEN (
					SELECT coalesce(max(j.last_started_at), '-infinity') FROM liveness_internal.liveness_job_state j WHERE j.job = 'features'
				) AND 'infinity'
			) s
			WHERE NOT EXISTS (SELECT FROM provider_reliability_features k WHERE k.provider_id = s.provider_id)
		) n
	) f
	LEFT JOIN LATERAL (
		SELECT min(s.connected_at) AS connected_since, max(s.last_heartbeat_at) AS last_heartbeat_at
		FROM provider_sessions s
		WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
		AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
	) o ON true
	LEFT JOIN LATERAL (
		SELECT max(h.at) AS at
		FROM provider_heartbeats h
		WHERE h.provider_id = f.provider_id
	) h ON true;
COMMENT ON VIEW provider_liveness IS 'Each provider: its reliability features, NULL before its first rollup, and whether it is connected now';
COMMENT ON COLUMN provider_liveness.connected IS 'Does it have an open session that has begun?';
COMMENT ON COLUMN provider_liveness.connected_since IS 'Start of its oldest open session; NULL: not connected';
COMMENT ON COLUMN provider_liveness.last_heartbeat_at IS 'Latest heartbeat: of the stored ones, or as its open sessions tell; NULL: none';
