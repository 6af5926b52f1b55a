-- Which providers ran hot, or short of memory, in the last day?  Hours in which the thermal
-- state was serious or worse, or the mean memory pressure was above 0.9.

SELECT k.provider_id,
	count(*) FILTER (WHERE k.max_thermal_state IN ('serious', 'critical')) AS "hot h",
	count(*) FILTER (WHERE k.avg_memory_pressure > 0.9) AS "short h",
	count(*) FILTER (WHERE k.max_thermal_state = 'critical') AS "critical h",
	round(max(k.avg_cpu_usage)::numeric, 2) AS cpu,
	max(k.hour) AS "last"
FROM provider_heartbeats_hourly k
WHERE k.hour >= now() - interval '1 day'
AND (k.max_thermal_state IN ('serious', 'critical') OR k.avg_memory_pressure > 0.9)
GROUP BY k.provider_id
ORDER BY count(*) DESC, k.provider_id
LIMIT 20;
