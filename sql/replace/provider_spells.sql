-- One provider's spells are found by index: the condition on it reaches every part.  Citus
-- sends the inner aggregate to the shards for its GROUP BY alone.
CREATE VIEW provider_spells AS
	SELECT h.provider_id, p.since, p.until, e.sessions, CASE WHEN NOT p.running THEN e.reason END AS reason, p.failed, p.excused
	FROM (
		SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
		FROM provider_sessions s
		WHERE s.connected_at < now()
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_window_start(now(), NULL))
		GROUP BY s.provider_id
	) h
	LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
		coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))), now()) p
	CROSS JOIN LATERAL (
		-- of several that end it, a failure says why
		SELECT count(*) AS sessions,
			(array_agg(coalesce(nullif(s.disconnect_reason, ''), 'unspecified')
				ORDER BY greatest(s.disconnected_at, s.connected_at) DESC, liveness_is_censored(s.disconnect_reason), s.disconnect_reason))[1] AS reason
		FROM provider_sessions s
		WHERE s.provider_id = h.provider_id AND s.connected_at < now()
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_window_start(now(), NULL))
		AND s.connected_at >= p.since AND s.connected_at <= p.until
		GROUP BY s.provider_id
	) e;
COMMENT ON VIEW provider_spells IS 'Spells of the last liveness.window_days: how long each provider was there at a stretch';
COMMENT ON COLUMN provider_spells.provider_id IS 'The machine';
COMMENT ON COLUMN provider_spells.since IS 'When the spell began: with its first session';
COMMENT ON COLUMN provider_spells.until IS 'When the spell ended: with its last session; now() while it goes on';
COMMENT ON COLUMN provider_spells.sessions IS 'Sessions of the window that the spell consists of, 1 or more';
COMMENT ON COLUMN provider_spells.reason IS 'Why the last session ended; of several at one instant an uncensored reason; NULL while the spell goes on';
COMMENT ON COLUMN provider_spells.failed IS 'Did the spell end by a failure: for an uncensored reason, and not in excluded time?';
COMMENT ON COLUMN provider_spells.excused IS 'Did the spell end in excluded time?';
