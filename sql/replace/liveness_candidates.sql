-- Whether a session is stale is asked of the likeliest alone, one after the other,
-- until there are enough: it takes a look at the heartbeats.  The condition is that of
-- liveness_last_signs and provider_stale_sessions.  Compiling the statement
-- would take longer than running it.
CREATE FUNCTION liveness_candidates(job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT f.as_of, f.hazard, liveness_internal.liveness_span_usecs($1, 'job') AS usecs,
			now() - liveness_internal.liveness_setting_interval('session_timeout'::text) AS stale_before,
			now() + liveness_internal.liveness_setting_interval('session_timeout'::text) AS ahead
		FROM liveness_internal.liveness_prepared_fleet() f
	), latest AS (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
		FROM @extschema@.provider_sessions s
		WHERE (s.disconnected_at IS NULL OR s.disconnected_at > now())
		AND s.connected_at <= (SELECT a.ahead FROM asked a)
		ORDER BY s.provider_id, s.connected_at DESC, s.id DESC
	), spell AS (
		-- what the rollup knew, and all that came since then
		SELECT s.provider_id, liveness_internal.liveness_running_since(s.connected_at, s.disconnected_at, s.disconnect_reason, now(),
				(SELECT a.as_of FROM asked a), p.spell_since, p.spell_until, p.spell_failed, p.fingerprint) AS since
		FROM @extschema@.provider_sessions s
		LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = s.provider_id
		-- with two bounds the planner expects few rows, and takes the index
		WHERE (s.disconnected_at IS NULL OR s.disconnected_at BETWEEN (SELECT a.as_of FROM asked a) AND 'infinity')
		AND s.connected_at <= (SELECT a.ahead FROM asked a)
		GROUP BY s.provider_id
	), running AS (
		-- where that does not tell, for an end was noted late, say: all sessions
		SELECT l.provider_id, l.id, l.coordinator_id, l.connected_at, l.last_heartbeat_at, coalesce(w.since, whole.since) AS since
		FROM latest l
		LEFT JOIN spell w ON w.provider_id = l.provider_id
		LEFT JOIN LATERAL (
			SELECT liveness_internal.liveness_running_since(s.connected_at, s.disconnected_at, s.disconnect_reason, now(),
				NULL, NULL, NULL, NULL, NULL) AS since
			FROM @extschema@.provider_sessions s
			WHERE w.since IS NULL AND s.provider_id = l.provider_id AND s.connected_at <= (SELECT a.ahead FROM asked a)
		) whole ON true
		OFFSET 0
	), ranked AS (
		SELECT l.provider_id, l.id, l.coordinator_id, l.connected_at, l.last_heartbeat_at, l.since,
			liveness_internal.liveness_holds(a.hazard, p.hazard, l.since, now(), a.usecs) AS probability
		FROM running l
		CROSS JOIN asked a
		LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = l.provider_id
		ORDER BY probability DESC, l.provider_id
		OFFSET 0
	), best AS (
		SELECT r.provider_id, r.id, r.coordinator_id, r.since, r.probability
		FROM ranked r
		CROSS JOIN asked a
		-- what the row tells spares a look at the heartbeats
		CROSS JOIN LATERAL (
			SELECT r.connected_at >= a.stale_before OR coalesce(r.last_heartbeat_at BETWEEN a.stale_before AND a.ahead, false) AS is_fresh
		) seen
		LEFT JOIN LATERAL (
			SELECT n.connected_at
			FROM @extschema@.provider_sessions n
			WHERE NOT seen.is_fresh AND n.provider_id = r.provider_id AND n.connected_at > r.connected_at
			ORDER BY n.connected_at
			LIMIT 1
		) n ON true
		LEFT JOIN LATERAL (
			SELECT h.at
			FROM @extschema@.provider_heartbeats h
			WHERE NOT seen.is_fresh AND h.provider_id = r.provider_id AND h.at >= r.connected_at AND h.at <= a.ahead
			AND h.at < coalesce(n.connected_at, 'infinity')
			ORDER BY h.at DESC
			LIMIT 1
		) h ON true
		LEFT JOIN LATERAL (
			SELECT f.at
			FROM @extschema@.provider_heartbeats f
			WHERE NOT seen.is_fresh AND r.last_heartbeat_at IS NULL AND h.at IS NULL
			AND f.provider_id = r.provider_id AND f.at >= r.connected_at AND f.at > a.ahead
			AND f.at <= coalesce(n.connected_at, 'infinity') AND f.at IS DISTINCT FROM n.connected_at
			ORDER BY f.at DESC
			LIMIT 1
		) f ON true
		WHERE r.probability >= COALESCE($2, 0)
		AND (seen.is_fresh OR h.at >= a.stale_before OR coalesce(r.last_heartbeat_at, h.at, f.at) IS NULL)
		ORDER BY r.probability DESC, r.provider_id
		LIMIT liveness_internal.liveness_candidates_limit($2, $3)
	)
	SELECT b.provider_id, b.id, b.since,
		greatest(extract(epoch FROM now()) - extract(epoch FROM b.since), 0)::float8,
		b.probability, bounds.b[1], bounds.b[2],
		COALESCE(p.spells, 0), f.liveness_score, a.as_of, b.coordinator_id
	FROM best b
	CROSS JOIN asked a
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = b.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(a.hazard, p.hazard, b.since, now(), a.usecs) bounds (b)
	LEFT JOIN @extschema@.provider_reliability_features f ON f.provider_id = b.provider_id
	ORDER BY b.probability DESC, b.provider_id;
END;
COMMENT ON FUNCTION liveness_candidates(interval, float8, int) IS 'Providers connected now, by the probability that their spell lasts another job';
