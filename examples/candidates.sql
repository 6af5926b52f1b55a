-- Which providers can take a 6-hour job now?  The likeliest come first.  "at least" and
-- "at most" are bounds of 95 % for what is known of the provider.  The answer is as old as the
-- last features rollup: see freshness.sql.

SELECT c.provider_id,
	round(c.age_seconds::numeric / 3600, 1) AS "up for h",
	round(100 * c.probability::numeric, 1) AS "holds %",
	round(100 * c.lower::numeric, 1) AS "at least",
	round(100 * c.upper::numeric, 1) AS "at most",
	c.own_sessions AS sessions
FROM liveness_candidates('6 hours', min_probability => 0.8, max_rows => 10) c;
