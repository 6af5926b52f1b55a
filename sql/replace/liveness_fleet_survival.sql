-- Who ends within a minute is still there when it begins, and who comes within it is
-- there already: S at a whole minute counts all ends up to it, and no other.
CREATE FUNCTION liveness_fleet_survival(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS survival_curve
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@.survival_agg(
			60 * ceil(p.seconds / 60),
			p.failed,
			CASE WHEN p.since < w.since THEN 60 * floor((extract(epoch FROM w.since) - extract(epoch FROM p.since))::float8 / 60) ELSE 0 END)
	FROM (SELECT liveness_internal.liveness_window_start(as_of, window_days) AS since) w
	CROSS JOIN LATERAL (
		SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, 1) AS sessions
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at < as_of AND (s.disconnected_at IS NULL OR s.disconnected_at >= w.since)
		GROUP BY s.provider_id
	) h
	LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
		coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))), as_of) p
	WHERE isfinite(p.since)
	-- it checks the arguments even where there is no session
	HAVING liveness_internal.liveness_window_start(as_of, window_days) IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_fleet_survival(timestamptz, int) IS 'The Kaplan-Meier curve of all spells of the window';
