CREATE FUNCTION liveness_candidates_at(as_of timestamptz, job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, $1, 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < $1
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_hazard_since($1))
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), ages AS MATERIALIZED (
		-- as of the beginning of the interval; where nobody was up by then, as of now
		SELECT coalesce(f.hazard, (SELECT liveness_internal.liveness_fleet_ages(h.sessions, $1) FROM history h)) AS hazard,
			CASE WHEN f.hazard IS NULL THEN $1 ELSE f.counted_at END AS counted_at
		FROM (
			SELECT i.counted_at, (SELECT liveness_internal.liveness_fleet_ages(h.sessions, i.counted_at) FROM history h) AS hazard
			FROM (SELECT liveness_internal.liveness_hazard_instant($1) AS counted_at) i
			OFFSET 0
		) f
	), factors AS MATERIALIZED (
		-- NULL where nobody was ever up: || alone would take it for an empty array
		SELECT CASE WHEN a.hazard IS NOT NULL
			THEN a.hazard || (SELECT liveness_internal.liveness_fleet_hours(h.sessions, a.hazard, a.counted_at) FROM history h)
		END AS hazard, a.counted_at
		FROM ages a
	), asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($2, 'job') AS usecs,
			$1 - liveness_internal.liveness_setting_interval('session_timeout'::text) AS stale_before,
			-- of another instant than now what came after it is not known yet
			CASE WHEN n.is_now THEN n.ahead ELSE $1 END AS ahead,
			CASE WHEN n.is_now THEN 'infinity' ELSE $1 END AS until,
			CASE WHEN f.hazard IS NOT NULL
				THEN f.hazard || (SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.hazard, f.counted_at) FROM history h)
			END AS hazard
		FROM factors f
		CROSS JOIN (
			SELECT t.ahead, $1 >= now() AND $1 <= t.ahead AS is_now
			FROM (SELECT now() + liveness_internal.liveness_setting_interval('session_timeout'::text) AS ahead) t
		) n
	), latest AS (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id, s.coordinator_id, s.connected_at,
			CASE WHEN s.last_heartbeat_at <= a.until THEN s.last_heartbeat_at END AS last_heartbeat_at
		FROM @extschema@.provider_sessions s
		CROSS JOIN asked a
		WHERE s.connected_at <= a.ahead AND (s.disconnected_at IS NULL OR s.disconnected_at > $1)
		ORDER BY s.provider_id, s.connected_at DESC, s.id DESC
	), spell AS (
		SELECT s.provider_id, liveness_internal.liveness_running_since(
				liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, $1),
				NULL, NULL, NULL, NULL, NULL) AS since
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at <= (SELECT a.ahead FROM asked a)
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_hazard_since($1))
		GROUP BY s.provider_id
	), likely AS (
		SELECT c.provider_id, c.id, c.coordinator_id, c.since, c.probability, c.host, c.spells
		FROM (
			SELECT l.provider_id, l.id, l.coordinator_id, w.since, p.host, p.spells,
				liveness_internal.liveness_holds(a.hazard, p.host, w.since, $1, a.usecs) AS probability
			FROM latest l
			CROSS JOIN asked a
			JOIN spell w ON w.provider_id = l.provider_id
			LEFT JOIN LATERAL (
				SELECT liveness_internal.liveness_host_hazard(h.sessions, a.hazard, $1) AS host,
					liveness_internal.liveness_history_count(h.sessions, $1) AS spells
				FROM history h
				WHERE h.provider_id = l.provider_id
			) p ON true
			-- what the row tells spares a look at the heartbeats
			CROSS JOIN LATERAL (
				SELECT l.connected_at >= a.stale_before OR coalesce(l.last_heartbeat_at BETWEEN a.stale_before AND a.ahead, false) AS is_fresh
			) seen
			LEFT JOIN LATERAL (
				SELECT n.connected_at
				FROM @extschema@.provider_sessions n
				WHERE NOT seen.is_fresh AND n.provider_id = l.provider_id AND n.connected_at > l.connected_at
				ORDER BY n.connected_at
				LIMIT 1
			) n ON true
			LEFT JOIN LATERAL (
				SELECT h.at
				FROM @extschema@.provider_heartbeats h
				WHERE NOT seen.is_fresh AND h.provider_id = l.provider_id AND h.at >= l.connected_at AND h.at <= a.ahead
				AND h.at < coalesce(n.connected_at, 'infinity')
				ORDER BY h.at DESC
				LIMIT 1
			) h ON true
			LEFT JOIN LATERAL (
				SELECT f.at
				FROM @extschema@.provider_heartbeats f
				WHERE NOT seen.is_fresh AND l.last_heartbeat_at IS NULL AND h.at IS NULL
				AND f.provider_id = l.provider_id AND f.at >= l.connected_at AND f.at > a.ahead AND f.at <= a.until
				AND f.at <= coalesce(n.connected_at, 'infinity') AND f.at IS DISTINCT FROM n.connected_at
				ORDER BY f.at DESC
				LIMIT 1
			) f ON true
			WHERE seen.is_fresh OR h.at >= a.stale_before OR coalesce(l.last_heartbeat_at, h.at, f.at) IS NULL
			OFFSET 0
		) c
		WHERE c.probability >= COALESCE($3, 0)
	), best AS (
		SELECT l.provider_id, l.id, l.coordinator_id, l.since, l.probability, l.host, l.spells
		FROM likely l
		ORDER BY l.probability DESC, l.provider_id
		LIMIT liveness_internal.liveness_candidates_limit($3, $4)
	)
	SELECT b.provider_id, b.id, b.since, greatest(extract(epoch FROM $1) - extract(epoch FROM b.since), 0)::float8,
		b.probability, bounds.b[1], bounds.b[2], COALESCE(b.spells, 0), r.liveness_score, $1, b.coordinator_id
	FROM best b
	CROSS JOIN asked a
	CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(a.hazard, b.host, b.since, $1, a.usecs) bounds (b)
	LEFT JOIN @extschema@.liveness_features_at($1, NULL::int) r ON r.provider_id = b.provider_id
	-- gates: they check the arguments even where nobody is up
	WHERE liveness_internal.liveness_window_start($1, NULL) IS NOT NULL AND liveness_internal.liveness_span_usecs($2, 'job') > 0
	ORDER BY b.probability DESC, b.provider_id;
END;
COMMENT ON FUNCTION liveness_candidates_at(timestamptz, interval, float8, int) IS 'What liveness_candidates would have answered at an instant';
