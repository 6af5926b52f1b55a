-- Which reason for a disconnect cost most uptime in the last 14 days?  An outage lasts until the
-- provider is back in a session of any coordinator, or until now.  Its reason is that of the
-- session that ended when the outage began.

WITH online AS (
	SELECT s.provider_id, range_agg(tstzrange(s.connected_at, coalesce(s.disconnected_at, now()))) AS spans
	FROM provider_sessions s
	WHERE s.connected_at < now() AND coalesce(s.disconnected_at, now()) > s.connected_at
	GROUP BY s.provider_id
), outage AS (
	SELECT o.provider_id, upper(span) AS began,
		lead(lower(span), 1, now()) OVER (PARTITION BY o.provider_id ORDER BY span) AS ended
	FROM online o, unnest(o.spans) span
)
SELECT r.reason,
	round(sum(extract(epoch FROM o.ended - greatest(o.began, now() - interval '14 days'))) / 3600, 1) AS "lost h",
	count(*) AS outages,
	count(DISTINCT o.provider_id) AS providers
FROM outage o
CROSS JOIN LATERAL (
	SELECT coalesce(nullif(min(s.disconnect_reason), ''), 'unspecified') AS reason
	FROM provider_sessions s
	WHERE s.provider_id = o.provider_id AND s.disconnected_at = o.began
) r
WHERE o.ended > now() - interval '14 days' AND o.ended > o.began
GROUP BY r.reason
ORDER BY 2 DESC, r.reason;
