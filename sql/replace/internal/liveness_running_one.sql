-- What liveness_running and liveness_live_session say of one provider, in the shortest plan
-- that can: a join starts and ends this plan once for each machine, which takes most of the
-- time.  fleet_as_of is that of the row of liveness_fleet_hazard.
CREATE FUNCTION liveness_internal.liveness_running_one(provider_id text, fleet_as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_running_one
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		CASE WHEN $2 <= now()
			THEN liveness_internal.liveness_running_since(c.recent, $2, p.spell_since, p.spell_until, p.spell_uncensored, p.fingerprint)
		END,
		liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()),
		c.silent_ids[1]
	FROM (
		SELECT liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()) AS recent,
			array_agg(CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE THEN s.id END
				ORDER BY s.connected_at DESC, s.id DESC) FILTER (WHERE s.disconnected_at IS NULL OR s.disconnected_at > now()) AS silent_ids
		FROM (
			SELECT s.id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = $1 AND s.disconnected_at IS NULL
			UNION ALL
			SELECT e.id, e.connected_at, e.disconnected_at, e.disconnect_reason, e.last_heartbeat_at
			FROM (
				SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at BETWEEN least($2, now()) AND 'infinity'
				OFFSET 0
			) e
			WHERE e.provider_id = $1
		) s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead
	) c
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = $1
	WHERE c.recent IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_internal.liveness_running_one(text, timestamptz) IS 'A provider''s row of liveness_running, and the session whose heartbeats are to be looked at';
