-- What an analyst reads.  Shares are cut and not rounded: who is nearly always there is not
-- shown as always there.
-- Variables: simulated.  Time zone UTC.

\set ON_ERROR_STOP 1
\pset footer off
\pset null -
SET client_min_messages = warning;
SELECT updated_at AS at, to_char(updated_at, 'YYYY-MM-DD HH24:MI') AS shown_at, window_days
FROM network_availability \gset

\echo
\echo 'As of' :shown_at 'UTC, over a window of' :window_days 'day(s).'

CREATE TEMP VIEW shown AS
	SELECT f.provider_id,
		trunc(f.liveness_score::numeric, 4) AS score,
		trunc(100 * f.uptime_pct::numeric, 1) AS "up %",
		trunc(100 * f.p_stays_4h::numeric) AS "4h",
		trunc(100 * f.p_stays_8h::numeric) AS "8h",
		round(f.mtbf_seconds / 3600.0, 1) AS "MTBF h",
		round(f.median_session_seconds / 3600.0, 1) AS "med h",
		f.sessions_count AS sessions,
		CASE WHEN EXISTS (
			SELECT FROM provider_sessions s
			WHERE s.provider_id = f.provider_id AND s.connected_at < f.updated_at
			AND (s.disconnected_at IS NULL OR s.disconnected_at > f.updated_at)
		) THEN 'yes' ELSE 'no' END AS up
	FROM provider_reliability_features f;

\echo
\echo '== Who can be relied on?  (liveness_reliability; 4h, 8h: % that last so long)'
SELECT s.*
FROM liveness_reliability(max_rows => 10) r
JOIN shown s USING (provider_id)
ORDER BY r.liveness_score DESC, r.uptime_pct DESC, r.provider_id;

\echo '== And who cannot?  (the last five of those that were seen)'
SELECT s.*
FROM provider_reliability_features f
JOIN shown s USING (provider_id)
WHERE f.sessions_count > 0
ORDER BY f.liveness_score, f.uptime_pct, f.provider_id
LIMIT 5;

\if :simulated
	\echo '== How do the temperaments compare?  (means)'
	SELECT split_part(provider_id, '-', 1) AS temperament,
		count(*) AS providers,
		trunc(avg(liveness_score)::numeric, 4) AS score,
		trunc(100 * avg(uptime_pct)::numeric, 1) AS "up %",
		trunc(100 * avg(p_stays_4h)::numeric) AS "4h",
		trunc(100 * avg(p_stays_8h)::numeric) AS "8h",
		round(avg(mtbf_seconds) / 3600, 1) AS "MTBF h",
		round(avg(sessions_count), 1) AS sessions,
		count(*) FILTER (WHERE connected) AS up
	FROM provider_liveness
	GROUP BY temperament
	ORDER BY score DESC;
	\set shown office-003
\else
	-- neither always there nor never, and different from hour to hour; none: unset
	SELECT (
		SELECT f.provider_id
		FROM provider_reliability_features f
		JOIN provider_availability_matrix m USING (provider_id)
		WHERE f.uptime_pct BETWEEN 0.25 AND 0.9
		GROUP BY f.provider_id
		ORDER BY stddev_pop(m.availability) DESC, f.provider_id
		LIMIT 1
	) AS shown \gset
\endif

\if :{?shown}
	\echo '== When is' :shown 'there?  (liveness_heatmap)'
	\pset tuples_only on
	\pset format unaligned
	SELECT liveness_heatmap(:'shown');
	\pset format aligned
	\pset tuples_only off
	\echo '    · never  ░ up to 25 % of the hour  ▒ 50 %  ▓ 75 %  █ more'
	\echo
\endif

\echo '== How available is the fleet?  (network_availability)'
\if :simulated
\else
	\echo 'connected: now, which for a trace are the nodes still up where it ends.'
\endif
\x on
SELECT window_days, providers, connected, vanished,
	trunc(mean_uptime_pct::numeric, 4) AS mean_uptime_pct,
	trunc(p10_uptime_pct::numeric, 4) AS p10_uptime_pct,
	trunc(p50_uptime_pct::numeric, 4) AS p50_uptime_pct,
	trunc(p90_uptime_pct::numeric, 4) AS p90_uptime_pct,
	highly_reliable, updated_at
FROM network_availability;
\x off

\echo '== Why do sessions end?  (provider_disconnect_reasons)'
\if :simulated
\else
	\echo 'A trace does not say why: all are unspecified.'
\endif
SELECT reason, sum(sessions) AS sessions,
	trunc(100 * sum(sessions) / sum(sum(sessions)) OVER (), 1) AS "%",
	count(*) AS providers
FROM provider_disconnect_reasons
GROUP BY reason
ORDER BY sessions DESC, reason;

\if :simulated
	\echo '== Do two coordinators at a deploy count twice?  (bluegreen-001: no)'
	SELECT f.sessions_count AS sessions,
		round(sum(extract(epoch FROM least(s.disconnected_at, f.updated_at) - greatest(s.connected_at, f.updated_at - interval '14 days'))) / 3600, 1) AS "hours in sessions",
		round(f.uptime_pct::numeric * f.window_days * 24, 1) AS "hours online",
		f.window_days * 24 AS "hours in the window"
	FROM provider_reliability_features f
	JOIN provider_sessions s USING (provider_id)
	WHERE f.provider_id = 'bluegreen-001'
	AND (s.disconnected_at IS NULL OR s.disconnected_at >= f.updated_at - interval '14 days')
	GROUP BY f.provider_id;
\endif

SELECT min(provider_id) AS vanished
FROM provider_reliability_features
WHERE sessions_count = 0 \gset
\if :{?vanished}
	\echo '== What became of one that vanished?  (the score must not outlive it)'
	SELECT k.provider_id, to_char(k.updated_at, 'YYYY-MM-DD HH24:MI') AS "as of",
		trunc(k.liveness_score::numeric, 4) AS score,
		trunc(100 * k.uptime_pct::numeric, 1) AS "up %",
		k.sessions_count AS sessions,
		to_char(k.last_disconnect_at, 'YYYY-MM-DD HH24:MI') AS "last disconnect"
	FROM (
		SELECT provider_id, updated_at, liveness_score, uptime_pct, sessions_count, last_disconnect_at
		FROM demo.before
		UNION ALL
		SELECT provider_id, updated_at, liveness_score, uptime_pct, sessions_count, last_disconnect_at
		FROM provider_reliability_features
	) k
	WHERE k.provider_id = :'vanished'
	ORDER BY k.updated_at;
\endif

\if :simulated
	\echo '== How are the machines doing?  (provider_heartbeats_hourly, steady-001)'
	SELECT to_char(hour, 'YYYY-MM-DD HH24:MI') AS hour, heartbeat_count AS heartbeats,
		round(avg_memory_pressure::numeric, 3) AS memory,
		round(avg_cpu_usage::numeric, 3) AS cpu,
		max_thermal_state AS "worst thermal",
		round(avg_memory_available_gb::numeric, 1) AS "free GB"
	FROM provider_heartbeats_hourly
	WHERE provider_id = 'steady-001'
	AND provider_heartbeats_hourly.hour < :'at'::timestamptz - interval '1 hour'
	ORDER BY provider_heartbeats_hourly.hour DESC
	LIMIT 4;
\endif

\echo '== What do the rollups cost?  (liveness_jobs)'
SELECT job, last_rows, round(extract(epoch FROM last_duration) * 1000) AS "last ms", runs, errors
FROM liveness_jobs
ORDER BY job;

\if :simulated
	\echo '== What has the server counted?  (liveness_stats, what is not 0)'
	SELECT name, round(value::numeric, 3) AS value
	FROM liveness_stats
	WHERE value > 0;
\endif

\if :simulated
	\echo '== Who can take a 6-hour job now?  (liveness_candidates; %)'
	SELECT provider_id, round(age_seconds::numeric / 3600, 1) AS "up for h",
		trunc(100 * probability::numeric, 1) AS "holds %",
		trunc(100 * lower::numeric, 1) AS "at least", trunc(100 * upper::numeric, 1) AS "at most",
		own_sessions AS sessions, trunc(liveness_score::numeric, 4) AS score
	FROM liveness_candidates('6 hours', max_rows => 8);
\elif :{?at}
	\echo '== Who could take a 6-hour job then?  (liveness_candidates_at; %)'
	SELECT provider_id, round(age_seconds::numeric / 3600, 1) AS "up for h",
		trunc(100 * probability::numeric, 1) AS "holds %",
		trunc(100 * lower::numeric, 1) AS "at least", trunc(100 * upper::numeric, 1) AS "at most",
		own_sessions AS sessions, trunc(liveness_score::numeric, 4) AS score
	FROM liveness_candidates_at(:'at', '6 hours', max_rows => 8);
\endif

\if :simulated
	-- the fleet goes on: live.sql
\else
	-- the sessions and features stay; what only the demo knows goes
	DROP SCHEMA demo CASCADE;
\endif
