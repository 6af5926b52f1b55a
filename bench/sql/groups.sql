-- A factor of the provider's group in its prior, by site and by cluster, against the model without
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.octave(age float8) RETURNS int LANGUAGE sql IMMUTABLE AS
	$$SELECT CASE WHEN age < 37.5 THEN 0 ELSE least(95, 1 + floor(4 * log(2, (age / 37.5)::numeric))::int) / 4 END$$;
CREATE TEMP TABLE answer (cut timestamptz, held boolean, probability float8, by_site float8, by_cluster float8);
DO $$
DECLARE
	t timestamptz;
	fleet float8[];
BEGIN
	FOR t IN SELECT generate_series(to_timestamp(1150000000), to_timestamp(1163165604) - interval '6 hours', interval '148 hours') LOOP
		CREATE TEMP TABLE history ON COMMIT DROP AS
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, t, 1) AS sessions,
				-- with what runs at the cut, as if it had been cut short
				liveness_internal.liveness_features_history(s.connected_at, coalesce(least(s.disconnected_at, t), t),
					CASE WHEN s.disconnected_at <= t THEN s.disconnect_reason ELSE 'coordinator_restart' END, t + interval '1 second', 1) AS with_running,
				max(s.connected_at) AS latest
			FROM provider_sessions s WHERE s.connected_at < t GROUP BY s.provider_id;
		SELECT liveness_internal.liveness_fleet_ages(sessions, t) INTO fleet FROM history;
		SELECT fleet || liveness_internal.liveness_fleet_hours(sessions, fleet, t) INTO fleet FROM history;
		SELECT fleet || liveness_internal.liveness_fleet_prior(sessions, fleet, t) INTO fleet FROM history;
		CREATE TEMP TABLE host ON COMMIT DROP AS
			SELECT h.provider_id, n.site, n.cluster, liveness_internal.liveness_host_hazard(h.sessions, fleet, t) AS own, liveness_internal.liveness_host_hazard(h.with_running, fleet, t + interval '1 second') AS of_group
			FROM history h JOIN sites n ON n.node = h.provider_id;
		CREATE TEMP TABLE sums ON COMMIT DROP AS
			SELECT by_cluster, name, array_agg(d ORDER BY o) AS d, array_agg(l ORDER BY o) AS l
			FROM (
				SELECT v.by_cluster, v.name, o, sum(h.of_group[o + 1]) AS d, sum(h.of_group[o + 25]) AS l
				FROM host h CROSS JOIN LATERAL (VALUES (false, h.site), (true, h.cluster)) v (by_cluster, name), generate_series(0, 23) o
				GROUP BY 1, 2, 3
			) s
			GROUP BY by_cluster, name;
		ANALYZE host; ANALYZE sums;
		INSERT INTO answer
		SELECT t, c.held, c.p, exp(ln(c.p) * (c.k * c.site_factor + c.d) / (c.k + c.d)), exp(ln(c.p) * (c.k * c.cluster_factor + c.d) / (c.k + c.d))
		FROM (
			SELECT u.held, u.p, fleet[265] AS k, own.d, site.z AS site_factor, cluster.z AS cluster_factor
			FROM (
				SELECT h.site, h.cluster, h.own, s.disconnected_at IS NULL OR s.disconnected_at >= t + interval '6 hours' AS held,
					pg_temp.octave(extract(epoch FROM t - s.connected_at)::float8) AS a, pg_temp.octave(extract(epoch FROM t - s.connected_at)::float8 + 21600) AS b,
					liveness_internal.liveness_holds(fleet, h.own, s.connected_at, t, 21600000000) AS p
				FROM host h JOIN provider_sessions s ON s.provider_id = h.provider_id
				WHERE s.connected_at <= t AND (s.disconnected_at IS NULL OR s.disconnected_at > t)
			) u
			CROSS JOIN LATERAL (SELECT sum(2.0::float8 ^ -greatest(u.a - o, o - u.b, 0) * u.own[o + 1]) AS d FROM generate_series(0, 23) o) own
			JOIN sums gs ON NOT gs.by_cluster AND gs.name = u.site
			JOIN sums gc ON gc.by_cluster AND gc.name = u.cluster
			CROSS JOIN LATERAL (SELECT (20 + sum(2.0::float8 ^ -greatest(u.a - o, o - u.b, 0) * gs.d[o + 1])) / (20 + sum(2.0::float8 ^ -greatest(u.a - o, o - u.b, 0) * gs.l[o + 1])) AS z FROM generate_series(0, 23) o) site
			CROSS JOIN LATERAL (SELECT (20 + sum(2.0::float8 ^ -greatest(u.a - o, o - u.b, 0) * gc.d[o + 1])) / (20 + sum(2.0::float8 ^ -greatest(u.a - o, o - u.b, 0) * gc.l[o + 1])) AS z FROM generate_series(0, 23) o) cluster
		) c;
		DROP TABLE history, host, sums;
	END LOOP;
END
$$;
-- standard errors by blocks of three cuts in a row
SELECT '| ' || name, count(*), round(sum(brier * n)::numeric / sum(n)::numeric, 5), round((100 * sum(gain * n) / sum(base * n))::numeric, 2) || ' %', round((100 * sqrt(count(*) * var_samp(gain * n)) / sum(base * n))::numeric, 2) || ' |'
FROM (
	SELECT name, (c - 1) / 3 AS block, count(*)::float8 AS n, avg((p - held::int) ^ 2) AS brier, avg((probability - held::int) ^ 2) AS base, avg((p - held::int) ^ 2 - (probability - held::int) ^ 2) AS gain
	FROM (SELECT dense_rank() OVER (ORDER BY cut) AS c, answer.* FROM answer) a, LATERAL (VALUES ('none', probability), ('site', by_site), ('cluster', by_cluster)) v (name, p)
	GROUP BY 1, 2
) b GROUP BY name ORDER BY name;
