-- All providers at once, where liveness_live_session asks for one.  As inlined into the query
-- of its caller, a condition on the probability is checked before anybody looks at the
-- heartbeats.
CREATE FUNCTION liveness_internal.liveness_connected(usecs bigint)
RETURNS SETOF liveness_internal.liveness_connected
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.provider_id, l.id, l.coordinator_id, r.since, r.probability
	FROM (
		SELECT r.provider_id, r.since, liveness_internal.liveness_holds(f.hazard, r.hazard, r.since, now(), $1) AS probability
		FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
		CROSS JOIN liveness_internal.liveness_prepared_fleet() f
		OFFSET 0
	) r
	JOIN (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id, s.coordinator_id,
			-- what the row tells spares a look at the heartbeats
			CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE
				THEN s.id
			END AS silent_id
		FROM @extschema@.provider_sessions s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
		ORDER BY s.provider_id, s.connected_at DESC, s.id DESC
	) l ON l.provider_id = r.provider_id
	LEFT JOIN LATERAL (
		SELECT o.is_stale
		FROM liveness_internal.liveness_live_sessions o
		WHERE o.provider_id = l.provider_id AND o.id = l.silent_id
	) o ON true
	WHERE o.is_stale IS NOT TRUE;
END;
COMMENT ON FUNCTION liveness_internal.liveness_connected(bigint) IS 'Providers connected now, stale ones left out, and how likely each holds a job';
