-- The sessions are those of liveness_uptime.
CREATE FUNCTION liveness_fleet_connected(since timestamptz, until timestamptz, step interval DEFAULT '1 hour')
RETURNS SETOF liveness_fleet_connected_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT array_agg(g.at ORDER BY g.at) AS instants
		FROM generate_series($1, least($2, now()), $3) g (at)
		WHERE liveness_internal.liveness_check_step($1, $2, $3)
	), counted AS MATERIALIZED (
		SELECT liveness_internal.liveness_history_connected(h.sessions, now(), (SELECT a.instants FROM asked a)) AS connected
		FROM (
			SELECT liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at <= least($2, now()) + coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0')
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= $1 - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0'))
			GROUP BY s.provider_id
		) h
		WHERE liveness_internal.liveness_check_step($1, $2, $3)
	)
	SELECT i.at, coalesce(c.connected[i.instant], 0)
	FROM asked a
	CROSS JOIN counted c
	CROSS JOIN LATERAL unnest(a.instants) WITH ORDINALITY i (at, instant)
	ORDER BY i.instant;
END;
COMMENT ON FUNCTION liveness_fleet_connected(timestamptz, timestamptz, interval) IS 'How many providers were there, over time: at since, and each step later up to until';
