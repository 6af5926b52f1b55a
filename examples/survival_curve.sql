-- How do sessions end over their first day?  The curve of all providers: the share of sessions
-- that last longer than the time, in hours.

SELECT survival_plot(c.curve, horizon => 24) AS "sessions that last longer"
FROM (
	SELECT survival_agg(extract(epoch FROM coalesce(s.disconnected_at, now()) - s.connected_at)::float8 / 3600,
		s.disconnected_at IS NOT NULL AND NOT liveness_is_censored(s.disconnect_reason)) AS curve
	FROM provider_sessions s
	WHERE s.connected_at <= least(s.disconnected_at, now())
) c;
