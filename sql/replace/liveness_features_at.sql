-- What liveness_rollup_features writes, but from the sessions of the window alone: the
-- rollup reads the others as well, for liveness_candidates.
--
-- One of the two parts runs: the join with excluded time would cost something where there
-- is none.
--
-- When a provider was first seen is what the table says, for sessions are pruned, or what the
-- earliest session says where the table says nothing.
--
-- The condition without a column is a gate that the executor opens once: it checks
-- the arguments even where there is no session.
CREATE FUNCTION liveness_features_at(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS SETOF provider_reliability_features
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT w.provider_id, as_of, liveness_internal.liveness_effective_window_days(window_days),
		(w.features).uptime_pct,
		(w.features).sessions_count,
		(w.features).mtbf_seconds,
		(w.features).median_session_seconds,
		(w.features).p10_session_seconds,
		(w.features).p90_session_seconds,
		(w.features).hourly_availability,
		(w.features).disconnect_reasons,
		(w.features).p_stays_4h,
		(w.features).p_stays_8h,
		(w.features).last_disconnect_at,
		(w.features).last_session_duration_seconds,
		(w.features).liveness_score,
		(w.features).mttr_seconds,
		(w.features).failures_count,
		(w.features).p_survives_4h,
		(w.features).p_survives_8h,
		(w.features).spells_count,
		least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at),
		CASE WHEN least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at) <= liveness_internal.liveness_window_start(as_of, window_days)
			THEN (w.features).uptime_pct
			ELSE liveness_internal.liveness_history_uptime_since(w.sessions, as_of,
				least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at))::real
		END,
		(w.features).bridged_seconds
	FROM (
		SELECT p.provider_id, p.features, p.sessions
		FROM (
			SELECT s.provider_id,
				liveness_internal.liveness_features_all(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					NULL::tstzmultirange) AS features,
				liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					NULL::tstzmultirange) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < as_of
			AND (s.disconnected_at IS NULL
				OR s.disconnected_at >= liveness_internal.liveness_window_start(as_of, window_days))
			GROUP BY s.provider_id
		) p
		WHERE NOT EXISTS (SELECT FROM @extschema@.provider_exclusions)
		UNION ALL
		SELECT p.provider_id, p.features, p.sessions
		FROM (
			SELECT s.provider_id,
				liveness_internal.liveness_features_all(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS features,
				liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
			FROM @extschema@.provider_sessions s
			LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = s.provider_id
			WHERE s.connected_at < as_of
			AND (s.disconnected_at IS NULL
				OR s.disconnected_at >= liveness_internal.liveness_window_start(as_of, window_days))
			GROUP BY s.provider_id
		) p
		WHERE EXISTS (SELECT FROM @extschema@.provider_exclusions)
	) w
	LEFT JOIN (
		-- and not its window_days, which is an argument here
		SELECT f.provider_id, f.first_seen_at FROM @extschema@.provider_reliability_features f
	) k ON k.provider_id = w.provider_id
	LEFT JOIN (
		SELECT s.provider_id, min(s.connected_at) AS first_seen_at
		FROM @extschema@.provider_sessions s
		WHERE NOT EXISTS (SELECT FROM @extschema@.provider_reliability_features f
			WHERE f.provider_id = s.provider_id AND f.first_seen_at IS NOT NULL)
		GROUP BY s.provider_id
	) e ON e.provider_id = w.provider_id
	WHERE liveness_internal.liveness_window_start(as_of, window_days) IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_features_at(timestamptz, int) IS 'What liveness_rollup_features would write as of an instant; writes nothing';
