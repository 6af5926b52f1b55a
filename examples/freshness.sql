-- How old are the figures?  When each job ran last, and when the latest heartbeat and session
-- were written.  The jobs features and hourly should be a few minutes old at most.  Old
-- heartbeats mean that the coordinators wrote none.  failing: the last failed run came after
-- the last successful one.

SELECT j.job AS what, j.last_started_at AS "as of", now() - j.last_started_at AS age,
	coalesce(j.last_error_at > j.last_started_at, j.last_error_at IS NOT NULL) AS failing
FROM liveness_jobs j
UNION ALL
SELECT 'heartbeats', max(h.at), now() - max(h.at), NULL
FROM provider_heartbeats h
WHERE h.at <= now()
UNION ALL
SELECT 'sessions', max(s.at), now() - max(s.at), NULL
FROM (
	(SELECT connected_at FROM provider_sessions WHERE connected_at <= now() ORDER BY id DESC LIMIT 1000)
	UNION ALL
	(SELECT disconnected_at FROM provider_sessions WHERE disconnected_at <= now() ORDER BY disconnected_at DESC LIMIT 1)
) s (at)
ORDER BY age DESC NULLS FIRST, what;
