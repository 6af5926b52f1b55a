-- The terms are those of the stored features; the ends are those of the sessions that
-- the rollup which wrote them found, as far as they are still there, and of the
-- exclusions of now.
CREATE FUNCTION liveness_explain(provider_id text)
RETURNS SETOF liveness_explain_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH feature AS MATERIALIZED (
		SELECT f.provider_id, f.updated_at, liveness_internal.liveness_window_start(f.updated_at, f.window_days) AS since,
			f.uptime_pct, f.p_stays_4h, f.p_stays_8h, f.mtbf_seconds, f.last_disconnect_at
		FROM @extschema@.provider_reliability_features f
		-- and no rollup writes anything else
		WHERE f.provider_id = $1 AND isfinite(f.updated_at) AND f.window_days BETWEEN 1 AND 3650
		AND f.uptime_pct BETWEEN 0 AND 1 AND f.p_stays_4h BETWEEN 0 AND 1 AND f.p_stays_8h BETWEEN 0 AND 1
	), ended AS MATERIALIZED (
		SELECT s.connected_at, s.disconnected_at, s.disconnect_reason, f.updated_at
		FROM feature f
		JOIN @extschema@.provider_sessions s ON s.provider_id = f.provider_id
		WHERE s.connected_at < f.updated_at AND (s.disconnected_at IS NULL OR s.disconnected_at >= f.since)
	), failure AS MATERIALIZED (
		SELECT p.until, p.seconds, (
				SELECT min(coalesce(nullif(e.disconnect_reason, ''), 'unspecified'))
				FROM ended e
				WHERE greatest(e.connected_at, e.disconnected_at) = p.until
				AND e.disconnected_at IS NOT NULL AND NOT @extschema@.liveness_is_censored(e.disconnect_reason)
			) AS reason
		FROM (
			SELECT e.updated_at, liveness_internal.liveness_features_history(e.connected_at, e.disconnected_at, e.disconnect_reason, e.updated_at, 1) AS sessions
			FROM ended e
			GROUP BY e.updated_at
		) h
		CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
			coalesce((SELECT x.excluded FROM liveness_internal.liveness_excluded x WHERE x.provider_id = $1),
				(SELECT x.excluded FROM liveness_internal.liveness_excluded x WHERE x.provider_id IS NULL))), h.updated_at) p
		WHERE p.failed
	)
	SELECT t.term, t.measured, t.value, t.weight, t.points,
		CASE WHEN t.term NOT IN ('uptime_pct', 'clamp') THEN c.failures END, c.ends, c.reasons
	FROM feature f
	CROSS JOIN LATERAL liveness_internal.liveness_score_terms(f.uptime_pct::float8, f.p_stays_4h::float8, f.p_stays_8h::float8,
		f.mtbf_seconds::float8, f.last_disconnect_at, f.updated_at) WITH ORDINALITY t
	CROSS JOIN LATERAL (
		SELECT count(*) AS failures,
			(array_agg(u.until ORDER BY u.until DESC))[1:10] AS ends,
			(array_agg(u.reason ORDER BY u.until DESC))[1:10] AS reasons
		FROM failure u
		WHERE CASE t.term
			WHEN 'p_stays_4h' THEN u.seconds < 4 * 3600
			WHEN 'p_stays_8h' THEN u.seconds < 8 * 3600
			WHEN 'mtbf_seconds' THEN true
			WHEN 'last_disconnect_at' THEN t.value > 0 AND u.until = f.last_disconnect_at
			ELSE false
		END
	) c
	ORDER BY t.ordinality;
END;
COMMENT ON FUNCTION liveness_explain(text) IS 'The liveness score of a provider, term by term, and the failures that counted';
