-- How do the coordinators compare?  For each: its sessions of the last 14 days, the share of
-- ended sessions that were lost (neither closed in order nor censored), the providers that are
-- connected now, and the open sessions of which nobody has heard.

SELECT s.coordinator_id AS coordinator,
	count(*) AS sessions,
	count(s.disconnected_at) AS ended,
	round(100.0 * count(*) FILTER (WHERE s.disconnect_reason <> 'clean_close' AND NOT liveness_is_censored(s.disconnect_reason)
		AND s.disconnected_at IS NOT NULL) / nullif(count(s.disconnected_at), 0), 1) AS "lost %",
	count(DISTINCT s.provider_id) FILTER (WHERE s.disconnected_at IS NULL) AS connected,
	count(stale.id) AS silent
FROM provider_sessions s
LEFT JOIN provider_stale_sessions stale USING (id, provider_id)
WHERE s.disconnected_at IS NULL OR s.disconnected_at >= now() - interval '14 days'
GROUP BY s.coordinator_id
ORDER BY s.coordinator_id;
