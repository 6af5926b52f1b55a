-- What stands between spells that have a length: lead() looks at one provider, so the
-- condition on it reaches the spells.
CREATE VIEW provider_outages AS
	SELECT p.provider_id, p.until AS since, p.back_at AS until, coalesce(p.back_at, now()) - p.until AS duration, p.reason,
		EXISTS (SELECT FROM provider_exclusions x
			WHERE x.provider_id = p.provider_id AND x.since <= p.until AND (x.until IS NULL OR x.until > p.until))
		OR EXISTS (SELECT FROM provider_exclusions x
			WHERE x.provider_id IS NULL AND x.since <= p.until AND (x.until IS NULL OR x.until > p.until)) AS excused
	FROM (
		SELECT s.provider_id, s.until, s.reason, lead(s.since) OVER (PARTITION BY s.provider_id ORDER BY s.since) AS back_at
		FROM provider_spells s
		WHERE s.until > s.since
	) p
	WHERE p.reason IS NOT NULL;
COMMENT ON VIEW provider_outages IS 'Outages of the last liveness.window_days: the gaps after spells that have a length, the last of which may go on';
COMMENT ON COLUMN provider_outages.provider_id IS 'The machine';
COMMENT ON COLUMN provider_outages.since IS 'When the provider went: the end of the spell before';
COMMENT ON COLUMN provider_outages.until IS 'When it was back: the beginning of the next spell; NULL: it goes on';
COMMENT ON COLUMN provider_outages.duration IS 'How long it lasted, or lasts so far, more than 0; a day is 24 hours';
COMMENT ON COLUMN provider_outages.reason IS 'Why the spell before ended, a censored reason included: then the observer was away';
COMMENT ON COLUMN provider_outages.excused IS 'Did it begin in excluded time?';
