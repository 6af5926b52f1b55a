-- An arm a metric, and none with a LIMIT: so a condition on the name reaches them, and
-- what nobody asks for is not computed.  A condition on f within EXISTS keeps the planner from
-- hashing all open sessions for 50 providers.
CREATE VIEW liveness_metrics AS
	WITH counter AS MATERIALIZED (
		SELECT c.name, c.value, c.help, c.since FROM liveness_internal.liveness_counters(true) c
	), fleet AS MATERIALIZED (
		SELECT n.providers, n.connected, n.vanished, n.highly_reliable, n.mean_uptime_pct, n.p10_uptime_pct,
			n.p50_uptime_pct, n.p90_uptime_pct, (extract(epoch FROM now()) - extract(epoch FROM n.updated_at))::float8 AS age
		FROM liveness_internal.liveness_metrics_fleet() n
	), stale AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_stale() AS sessions
	), bridge AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_bridged() AS seconds
	), exclusion AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_exclusions() AS unended
	), coordinator AS MATERIALIZED (
		SELECT jsonb_build_object('coordinator_id', e.coordinator_id) AS labels, e.ends, e.censored / e.ends::float8 AS censored
		FROM liveness_internal.liveness_metrics_ends() e
	), risk AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_at_risk() AS providers
	), job AS MATERIALIZED (
		SELECT jsonb_build_object('job_name', j.job) AS labels, j.runs, j.errors,
			extract(epoch FROM j.last_duration)::float8 AS duration,
			(extract(epoch FROM now()) - extract(epoch FROM j.last_started_at))::float8 AS age,
			coalesce(j.last_error_at > coalesce(j.last_started_at, '-infinity'), false) AS failing
		FROM liveness_internal.liveness_metrics_jobs() j
	), overdue AS MATERIALIZED (
		SELECT o.seconds, o.heartbeats, o.partitions FROM liveness_internal.liveness_metrics_overdue() o
	), backlog AS MATERIALIZED (
		SELECT b.pending_seconds, b.partitions_end, b.future_sessions FROM liveness_internal.liveness_metrics_backlog() b
	), model AS MATERIALIZED (
		SELECT (extract(epoch FROM now()) - extract(epoch FROM m.as_of))::float8 AS age, m.spells, m.frailty_prior, m.hour_prior, m.phi, m.psi
		FROM liveness_internal.liveness_metrics_model() m
	), provider AS MATERIALIZED (
		SELECT jsonb_build_object('provider_id', b.provider_id) AS labels, b.liveness_score, b.uptime_pct,
			b.p_stays_4h, b.p_stays_8h, b.connected
		FROM (
			(SELECT f.provider_id, f.liveness_score, f.uptime_pct, f.p_stays_4h, f.p_stays_8h,
				EXISTS (SELECT 1 FROM provider_sessions s
					WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
					AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
					AND f.sessions_count > 0) AS connected
				FROM provider_reliability_features f
				WHERE f.sessions_count > 0
				ORDER BY f.liveness_score DESC, f.provider_id
				LIMIT 50)
			UNION
			(SELECT f.provider_id, f.liveness_score, f.uptime_pct, f.p_stays_4h, f.p_stays_8h,
				EXISTS (SELECT 1 FROM provider_sessions s
					WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
					AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
					AND f.sessions_count > 0) AS connected
				FROM provider_reliability_features f
				WHERE f.sessions_count > 0
				ORDER BY f.liveness_score, f.provider_id DESC
				LIMIT 50)
		) b
	), metric (name, labels, value, type, help) AS (
		SELECT c.name, '{}'::jsonb, c.value, CASE WHEN c.name LIKE E'%\\_total' THEN 'counter' ELSE 'gauge' END, c.help FROM counter c
		UNION ALL SELECT 'liveness_counters_start_time_seconds', '{}', extract(epoch FROM min(since))::float8, 'gauge', 'When the counters began at zero, Unix time; it moves when the server has crashed' FROM counter
		UNION ALL SELECT 'liveness_fleet_providers', '{}', providers, 'gauge', 'Providers with a session in the window' FROM fleet
		UNION ALL SELECT 'liveness_fleet_connected_providers', '{}', connected, 'gauge', 'Providers with an open session now' FROM fleet
		UNION ALL SELECT 'liveness_fleet_vanished_providers', '{}', vanished, 'gauge', 'Providers known from earlier, without a session in the window' FROM fleet
		UNION ALL SELECT 'liveness_fleet_highly_reliable_providers', '{}', highly_reliable, 'gauge', 'Providers with an uptime of 0.95 or more' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_mean_ratio', '{}', mean_uptime_pct, 'gauge', 'Mean uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.1"}', p10_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.5"}', p50_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.9"}', p90_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_features_age_seconds', '{}', age, 'gauge', 'Time since the instant that the features describe, seconds' FROM fleet
		UNION ALL SELECT 'liveness_fleet_stale_sessions', '{}', sessions, 'gauge', 'Open sessions whose last sign of life is older than liveness.session_timeout' FROM stale
		UNION ALL SELECT 'liveness_bridged_seconds', '{}', seconds, 'gauge', 'Time that counts as online because an observer was away for a short time, of all providers in their windows, seconds' FROM bridge
		UNION ALL SELECT 'liveness_exclusions_unended', '{}', unended, 'gauge', 'Exclusions that never ended' FROM exclusion
		UNION ALL SELECT 'liveness_coordinator_ends', labels, ends, 'gauge', 'Sessions of the coordinator that ended in the last 24 hours, of the latest 20000 ends of all' FROM coordinator
		UNION ALL SELECT 'liveness_coordinator_censored_ends_ratio', labels, censored, 'gauge', 'Share of these ends whose reason says that the observer went away, 0 to 1' FROM coordinator
		UNION ALL SELECT 'liveness_fleet_future_sessions', '{}', future_sessions, 'gauge', 'Open sessions that begin in the future, by more than liveness.session_timeout' FROM backlog
		UNION ALL SELECT 'liveness_fleet_at_risk_providers', '{}', providers, 'gauge', 'Connected providers that leave within an hour with a probability of 0.5 or more' FROM risk
		UNION ALL SELECT 'liveness_job_runs_total', labels, runs, 'counter', 'Runs of the job that completed' FROM job
		UNION ALL SELECT 'liveness_job_errors_total', labels, errors, 'counter', 'Runs of the job that failed and were recorded' FROM job
		UNION ALL SELECT 'liveness_job_failing', labels, failing::int, 'gauge', '1 if the last run of the job failed, else 0' FROM job
		UNION ALL SELECT 'liveness_job_last_duration_seconds', labels, duration, 'gauge', 'Duration of the last run of the job that completed, seconds' FROM job
		UNION ALL SELECT 'liveness_job_last_success_age_seconds', labels, age, 'gauge', 'Time since the start of the last run of the job that completed, seconds' FROM job
		UNION ALL SELECT 'liveness_overdue_seconds', '{}', seconds, 'gauge', 'By how much the oldest heartbeat is past liveness.heartbeat_retention, seconds; 0: none is' FROM overdue
		UNION ALL SELECT 'liveness_overdue_heartbeats', '{}', heartbeats, 'gauge', 'Heartbeats past liveness.heartbeat_retention, counted up to 100000' FROM overdue
		UNION ALL SELECT 'liveness_overdue_partitions', '{}', partitions, 'gauge', 'Partitions of heartbeats wholly past liveness.heartbeat_retention' FROM overdue
		UNION ALL SELECT 'liveness_overdue_pending_writer_seconds', '{}', coalesce(pending_seconds, 0), 'gauge', 'Age of the oldest transaction that the hourly rollup waits for, seconds; 0: none' FROM backlog
		UNION ALL SELECT 'liveness_partitions_end_time_seconds', '{}', partitions_end, 'gauge', 'When the partitions of heartbeats end that were made ahead, Unix time' FROM backlog
		UNION ALL SELECT 'liveness_model_age_seconds', '{}', age, 'gauge', 'Time since the instant that the fleet''s numbers of the predictor describe, seconds' FROM model
		UNION ALL SELECT 'liveness_model_spells', '{}', spells, 'gauge', 'Spells that the predictor was learned from' FROM model
		UNION ALL SELECT 'liveness_model_frailty_prior', '{}', frailty_prior, 'gauge', 'Failures of its own that a provider needs to count as much as the fleet; small where providers differ much' FROM model
		UNION ALL SELECT 'liveness_model_hour_prior', '{}', hour_prior, 'gauge', 'The same for the hours of the day' FROM model
		UNION ALL SELECT 'liveness_model_fleet_shock_ratio', '{}', phi, 'gauge', 'Share of each hazard that the fleet has in common, for six hours, 0 to 1' FROM model
		UNION ALL SELECT 'liveness_model_group_shock_ratio', '{}', psi, 'gauge', 'Share of each hazard that a group or the fleet has in common, for six hours, 0 to 1' FROM model
		UNION ALL SELECT 'liveness_provider_score', labels, liveness_score, 'gauge', 'Liveness score of the provider, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_uptime_ratio', labels, uptime_pct, 'gauge', 'Uptime of the provider, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_stays_4h_ratio', labels, p_stays_4h, 'gauge', 'Share of the provider''s sessions that lasted 4 hours or more, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_stays_8h_ratio', labels, p_stays_8h, 'gauge', 'Share of the provider''s sessions that lasted 8 hours or more, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_connected', labels, connected::int, 'gauge', '1 if the provider has an open session, else 0' FROM provider
	)
	SELECT m.name, m.labels, m.value, m.type, m.help
	FROM metric m
	WHERE m.value IS NOT NULL;
COMMENT ON VIEW liveness_metrics IS 'Figures for a monitoring system, a row a sample: counters of liveness_stats (no row where the library is not preloaded), the fleet, the coordinators, the jobs, and of the providers with a session in the window the 50 best and the 50 worst by liveness_score (so all, if there are no more than 100). What is not known yet has no row. Ask for single metrics by name and the others are not computed';
COMMENT ON COLUMN liveness_metrics.name IS 'Name of the metric: liveness_, with _total for what only grows, _seconds, _bytes or _ratio (0 to 1) for its unit';
COMMENT ON COLUMN liveness_metrics.labels IS 'Labels as an object of strings: job_name, provider_id, coordinator_id or quantile; {} for none';
COMMENT ON COLUMN liveness_metrics.value IS 'Value now, any number; never NULL';
COMMENT ON COLUMN liveness_metrics.type IS 'counter or gauge';
COMMENT ON COLUMN liveness_metrics.help IS 'What the metric means; the same for all rows of a name';
