-- Which machines will probably be gone within eight hours?  Jobs on them should be moved, or
-- should write a checkpoint.  The likeliest to go comes first.  What is not certain is not
-- rounded up to 100.

SELECT r.provider_id,
	r.group_name AS "group",
	round(r.age_seconds::numeric / 3600, 1) AS "up for h",
	least(round(100 * r.probability::numeric, 1), CASE WHEN r.probability < 1 THEN 99.9 END) AS "goes %"
FROM liveness_at_risk(within => '8 hours', probability => 0.5) r
LIMIT 20;
