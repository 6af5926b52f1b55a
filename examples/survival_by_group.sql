-- How long do sessions last, by group of providers?  The group is the part of provider_id before
-- the hyphen: replace this by your own groups.  These are Kaplan-Meier estimates, so that open
-- sessions count with the time that they have lasted.  A median of NULL means that more than half
-- of the sessions still last.

WITH curve AS (
	SELECT split_part(s.provider_id, '-', 1) AS provider_group,
		count(*) AS sessions,
		survival_agg(extract(epoch FROM coalesce(s.disconnected_at, now()) - s.connected_at)::float8 / 3600,
			s.disconnected_at IS NOT NULL AND NOT liveness_is_censored(s.disconnect_reason)) AS hours
	FROM provider_sessions s
	WHERE s.connected_at <= least(s.disconnected_at, now())
	GROUP BY 1
)
SELECT c.provider_group, c.sessions,
	round(survival_quantile(c.hours, 0.5)::numeric, 1) AS "median h",
	least(round(100 * survival_at(c.hours, 4)::numeric, 1), CASE WHEN survival_at(c.hours, 4) < 1 THEN 99.9 END) AS "4 h %",
	least(round(100 * survival_conditional(c.hours, 4, 4)::numeric, 1), CASE WHEN survival_conditional(c.hours, 4, 4) < 1 THEN 99.9 END) AS "4 h more %"
FROM curve c
ORDER BY survival_at(c.hours, 4) DESC NULLS LAST, c.provider_group;
