-- 0.95::real, for a share stored as real 0.95 is below the float8 of that name.
CREATE VIEW network_availability AS
	SELECT r.window_days, r.providers, o.connected, r.vanished, r.mean_uptime_pct,
		r.uptimes[1] AS p10_uptime_pct, r.uptimes[2] AS p50_uptime_pct, r.uptimes[3] AS p90_uptime_pct,
		r.highly_reliable, r.updated_at
	FROM (
		SELECT coalesce(max(f.window_days) FILTER (WHERE f.sessions_count > 0), liveness_internal.liveness_effective_window_days(NULL)) AS window_days,
			count(*) FILTER (WHERE f.sessions_count > 0) AS providers,
			count(*) FILTER (WHERE f.sessions_count = 0) AS vanished,
			avg(f.uptime_pct::float8) FILTER (WHERE f.sessions_count > 0) AS mean_uptime_pct,
			liveness_percentiles(f.uptime_pct::float8, '{0.1,0.5,0.9}'::float8[]) FILTER (WHERE f.sessions_count > 0) AS uptimes,
			count(*) FILTER (WHERE f.sessions_count > 0 AND f.uptime_pct >= 0.95::real) AS highly_reliable,
			max(f.updated_at) AS updated_at
		FROM provider_reliability_features f
	) r
	CROSS JOIN (
		SELECT count(*) AS connected
		FROM (
			SELECT DISTINCT s.provider_id
			FROM provider_sessions s
			WHERE (s.disconnected_at IS NULL OR s.disconnected_at > now())
			AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		) s
	) o;
COMMENT ON VIEW network_availability IS 'The fleet as of the last rollup, over all providers';
COMMENT ON COLUMN network_availability.window_days IS 'Days of history behind the figures, 1 to 3650';
COMMENT ON COLUMN network_availability.providers IS 'Providers with a session in the window, 0 or more; all shares are theirs';
COMMENT ON COLUMN network_availability.connected IS 'Providers with an open session that has begun, 0 or more';
COMMENT ON COLUMN network_availability.vanished IS 'Providers known from earlier, without a session in the window, 0 or more';
COMMENT ON COLUMN network_availability.mean_uptime_pct IS 'Mean uptime, 0 to 1; NULL without providers';
COMMENT ON COLUMN network_availability.p10_uptime_pct IS '10th percentile of uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.p50_uptime_pct IS 'Median uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.p90_uptime_pct IS '90th percentile of uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.highly_reliable IS 'Providers with an uptime of 0.95 or more';
COMMENT ON COLUMN network_availability.updated_at IS 'Instant that the latest rollup describes; NULL: none yet';
