-- Which providers can take a 6-hour job now?  The likeliest come first.  "at least" and
-- "at most" are bounds of 95 % for what is known of the provider.  The answer is as old as the
-- last features rollup: see freshness.sql.  What is not certain is not rounded up to 100.

SELECT c.provider_id,
	round(c.age_seconds::numeric / 3600, 1) AS "up for h",
	least(round(100 * c.probability::numeric, 1), CASE WHEN c.probability < 1 THEN 99.9 END) AS "holds %",
	least(round(100 * c.lower::numeric, 1), CASE WHEN c.lower < 1 THEN 99.9 END) AS "at least",
	least(round(100 * c.upper::numeric, 1), CASE WHEN c.upper < 1 THEN 99.9 END) AS "at most",
	c.own_sessions AS sessions
FROM liveness_candidates('6 hours', min_probability => 0.8, max_rows => 10) c;
