-- The first condition asks the row alone, and so spares most sessions a look at the heartbeats.
CREATE VIEW provider_stale_sessions AS
	SELECT o.id, o.provider_id, o.connected_at, o.disconnected_at, o.disconnect_reason, o.last_heartbeat_at,
		o.requests_served, o.tokens_generated, o.coordinator_id,
		o.last_sign_of_life,
		CASE WHEN isfinite(o.last_sign_of_life) THEN now() - o.last_sign_of_life END AS silent_for
	FROM liveness_internal.liveness_last_signs o
	CROSS JOIN (
		SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
		FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		OFFSET 0
	) c
	WHERE (NOT o.has_begun OR (o.connected_at < c.before AND (o.last_heartbeat_at BETWEEN c.before AND c.ahead) IS NOT TRUE))
	AND o.is_stale;
COMMENT ON VIEW provider_stale_sessions IS 'Open sessions whose last sign of life is older than liveness.session_timeout, and those that have not begun, because connected_at lies further ahead than that: what liveness_close_stale() closes, where the coordinator may have fallen silent itself as soon as it knows';
COMMENT ON COLUMN provider_stale_sessions.last_sign_of_life IS 'Where it would be closed, but not before connected_at; NULL: nothing is known';
COMMENT ON COLUMN provider_stale_sessions.silent_for IS 'Time since then, more than 0; NULL: since -infinity, or nothing is known';
