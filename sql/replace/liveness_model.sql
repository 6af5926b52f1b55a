-- The hazard by age is an array of 96 bins: from the second on, the fourth root of two times as
-- long as the one before, which begins at 37.5 s.
CREATE VIEW liveness_model AS
	SELECT f.as_of, p.providers, p.spells,
		f.hazard[265] AS frailty_prior, f.hazard[266] AS hour_prior,
		coalesce(s.phi, 0) AS phi, coalesce(s.psi, 0) AS psi, s.as_of AS shocks_as_of,
		86400 * f.hazard[2 + floor(4 * log(2, 3600 / 37.5))::int] AS failures_per_day_1h,
		86400 * f.hazard[2 + floor(4 * log(2, 6 * 3600 / 37.5))::int] AS failures_per_day_6h,
		86400 * f.hazard[2 + floor(4 * log(2, 86400 / 37.5))::int] AS failures_per_day_1d,
		86400 * f.hazard[2 + floor(4 * log(2, 7 * 86400 / 37.5))::int] AS failures_per_day_7d
	FROM (
		SELECT coalesce(h.counted_at, h.as_of) AS as_of, h.hazard
		FROM liveness_internal.liveness_fleet_hazard h
		ORDER BY h.hazard IS NULL, h.as_of DESC
		LIMIT 1
	) f
	CROSS JOIN (
		SELECT count(*) AS providers, coalesce(sum(h.spells), 0)::bigint AS spells
		FROM liveness_internal.liveness_provider_hazard h
	) p
	LEFT JOIN (
		SELECT e.as_of, e.phi, e.psi
		FROM liveness_internal.liveness_shock_estimate e
		WHERE e.horizon = interval '6 hours'
		ORDER BY e.as_of DESC
		LIMIT 1
	) s ON true;
COMMENT ON VIEW liveness_model IS 'What the predictor believes: one row, none before the first features rollup';
COMMENT ON COLUMN liveness_model.as_of IS 'Instant that the fleet''s numbers describe';
COMMENT ON COLUMN liveness_model.providers IS 'Providers whose history is known, 0 or more';
COMMENT ON COLUMN liveness_model.spells IS 'Their spells, which the model was learned from, 0 or more';
COMMENT ON COLUMN liveness_model.frailty_prior IS 'k: as many failures of its own a provider needs to count as much as the fleet, 0.125 to 3; small: providers differ much';
COMMENT ON COLUMN liveness_model.hour_prior IS 'k_h: the same for its hours of the day, failures an hour, 0.5 to 5';
COMMENT ON COLUMN liveness_model.phi IS 'Share of each hazard that the fleet has in common, for a job of six hours, 0 to 1; 0: not known, or none';
COMMENT ON COLUMN liveness_model.psi IS 'Share of each hazard that a group or the fleet has in common, for a job of six hours, phi to 1';
COMMENT ON COLUMN liveness_model.shocks_as_of IS 'Instant that phi and psi describe; NULL: they were not estimated yet';
COMMENT ON COLUMN liveness_model.failures_per_day_1h IS 'The fleet''s hazard for a spell that is an hour old, failures a day, 0 or more; NULL: nobody was ever up';
COMMENT ON COLUMN liveness_model.failures_per_day_6h IS 'The same for one that is six hours old, failures a day, 0 or more';
COMMENT ON COLUMN liveness_model.failures_per_day_1d IS 'The same for one that is a day old, failures a day, 0 or more';
COMMENT ON COLUMN liveness_model.failures_per_day_7d IS 'The same for one that is seven days old, failures a day, 0 or more';
