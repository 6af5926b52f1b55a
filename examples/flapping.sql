-- Which providers come and go?  Providers that connected more than seven times in the last
-- week, with the median length of their sessions.

SELECT h.provider_id, count(*) AS sessions,
	round(count(*) / 7.0, 1) AS "a day",
	round((liveness_percentiles(h.length_seconds, '{0.5}'))[1]::numeric / 60, 1) AS "median min",
	count(*) FILTER (WHERE h.disconnect_reason <> 'clean_close' AND NOT h.is_open) AS lost
FROM provider_session_history h
WHERE h.connected_at > now() - interval '7 days' AND h.connected_at <= now()
GROUP BY h.provider_id
HAVING count(*) > 7
ORDER BY count(*) DESC, h.provider_id
LIMIT 20;
