-- What the rollup knew, and all that came since then; where both do not fit, for an end was
-- noted late, say, all sessions of the provider.  A condition on provider_id reaches each
-- part.  Whoever reads the view computes "since" once, behind OFFSET 0.  Of what has ended
-- the planner expects little with two bounds.  It knows how many groups a table makes, which
-- it does not of a UNION: so that it hashes what is known of the providers.
CREATE VIEW liveness_internal.liveness_running AS
	SELECT c.provider_id,
		coalesce(
			CASE WHEN f.as_of <= now()
				THEN liveness_internal.liveness_running_since(c.recent, f.as_of, p.spell_since, p.spell_until, p.spell_uncensored, p.fingerprint)
			END,
			(SELECT liveness_internal.liveness_running_since(
				liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()),
				NULL, NULL, NULL, NULL, NULL)
			FROM provider_sessions s
			WHERE s.provider_id = c.provider_id AND s.connected_at <= t.ahead
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= t.counted_since))) AS since,
		p.spells,
		liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()) AS hazard
	FROM (
		SELECT s.provider_id, liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()) AS recent
		FROM provider_sessions s
		WHERE (s.disconnected_at IS NULL OR s.disconnected_at BETWEEN (
			SELECT least(f.as_of, now())
			FROM liveness_internal.liveness_fleet_hazard f
			ORDER BY f.hazard IS NULL, f.as_of DESC
			LIMIT 1
		) AND 'infinity')
		AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		GROUP BY s.provider_id
	) c
	CROSS JOIN (
		SELECT now() + liveness_internal.liveness_setting_interval('session_timeout'::text) AS ahead,
			liveness_internal.liveness_hazard_since(now()) AS counted_since
	) t
	CROSS JOIN (
		SELECT (
			SELECT f.as_of
			FROM liveness_internal.liveness_fleet_hazard f
			ORDER BY f.hazard IS NULL, f.as_of DESC
			LIMIT 1
		) AS as_of
	) f
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = c.provider_id
	WHERE c.recent IS NOT NULL;
COMMENT ON VIEW liveness_internal.liveness_running IS 'Providers connected now, with what liveness_holds asks of each; a stale one is among them: see liveness_live_session';
COMMENT ON COLUMN liveness_internal.liveness_running.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_running.since IS 'When its running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_running.spells IS 'Its spells of any length by the last rollup, 0 or more; NULL: it is new since then';
COMMENT ON COLUMN liveness_internal.liveness_running.hazard IS 'Its events and expected events, 0 or more, 96 numbers as in liveness_provider_hazard, as of now(); NULL: it is new since the last rollup';
