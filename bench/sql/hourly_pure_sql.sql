-- What liveness_rollup_hourly(since, until) writes, in one statement of plain SQL: the C code's
-- opponent in the benchmarks, and its oracle in the tests.
--   psql -v since='2025-06-14 00:00+00' -v until='2025-06-15 00:00+00' -f hourly_pure_sql.sql
-- Every UTC hour that [since, until) touches is taken whole.
INSERT INTO provider_heartbeats_hourly (provider_id, hour, heartbeat_count, avg_memory_pressure,
	avg_cpu_usage, max_thermal_state, avg_memory_available_gb)
SELECT provider_id, hour, beats::int, (memory_pressure / beats)::real, (cpu_usage / beats)::real,
	CASE thermal WHEN '3' THEN 'nominal' WHEN '4' THEN 'fair' WHEN '5' THEN 'serious'
		WHEN '6' THEN 'critical' ELSE substr(thermal, 2) END,
	(memory_available / memory_beats)::real
FROM (
	-- date_bin is date_trunc('hour', at, 'UTC') without the look-up of a zone for each row.
	SELECT provider_id, date_bin('1 hour', at, '2000-01-01 00:00+00') AS hour,
		count(*) AS beats,
		-- sum / count is avg without its running variance
		sum(memory_pressure::float8) AS memory_pressure,
		sum(cpu_usage::float8) AS cpu_usage,
		-- a digit for the severity; unknown words are told apart by themselves
		max(CASE thermal_state WHEN 'nominal' THEN '3' WHEN 'fair' THEN '4' WHEN 'serious' THEN '5'
			WHEN 'critical' THEN '6' WHEN '' THEN '1' ELSE '2' || thermal_state END COLLATE "C") AS thermal,
		sum(memory_available_gb::float8) AS memory_available,
		nullif(count(memory_available_gb), 0) AS memory_beats
	FROM provider_heartbeats
	WHERE at >= date_bin('1 hour', :'since'::timestamptz, '2000-01-01 00:00+00')
		AND at < date_bin('1 hour', :'until'::timestamptz + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00')
	GROUP BY 1, 2
) AS cell
ON CONFLICT (provider_id, hour) DO UPDATE SET
	heartbeat_count = excluded.heartbeat_count,
	avg_memory_pressure = excluded.avg_memory_pressure,
	avg_cpu_usage = excluded.avg_cpu_usage,
	max_thermal_state = excluded.max_thermal_state,
	avg_memory_available_gb = excluded.avg_memory_available_gb;
