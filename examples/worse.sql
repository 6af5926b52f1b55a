-- Which providers got worse since last week?  The score now and the score of seven days ago, both
-- computed from the sessions, so that it does not matter what a rollup wrote then.  Providers
-- that were unknown then are left out.

SELECT f.provider_id,
	least(round(b.liveness_score::numeric, 4), CASE WHEN b.liveness_score < 1 THEN 0.9999 END) AS before,
	least(round(f.liveness_score::numeric, 4), CASE WHEN f.liveness_score < 1 THEN 0.9999 END) AS now,
	round((f.liveness_score - b.liveness_score)::numeric, 4) AS change,
	round(100 * (f.uptime_pct - b.uptime_pct)::numeric, 1) AS "uptime %"
FROM liveness_features_at(now() - interval '7 days') b
JOIN liveness_features_at(now()) f USING (provider_id)
WHERE f.liveness_score < b.liveness_score - 0.001
ORDER BY f.liveness_score - b.liveness_score, f.provider_id
LIMIT 20;
