-- liveness_uptime of a span in plain SQL, with the settings' defaults.  :since and :until are
-- instants in the past.
WITH session AS (
	SELECT s.provider_id, s.connected_at AS b, greatest(s.connected_at, least(coalesce(s.disconnected_at, 'infinity'), now())) AS e,
		s.disconnected_at IS NULL OR s.disconnected_at > now() OR s.disconnect_reason NOT IN ('coordinator_restart', 'observer_outage') AS is_final
	FROM provider_sessions s
	WHERE s.connected_at <= :'until'::timestamptz + interval '10 minutes'
	AND (s.disconnected_at IS NULL OR s.disconnected_at >= :'since'::timestamptz - interval '10 minutes')
), begun AS (
	SELECT s.*, coalesce(s.b > max(s.e) OVER (PARTITION BY s.provider_id ORDER BY s.b, s.e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS is_first
	FROM session s
), numbered AS (
	SELECT s.*, count(*) FILTER (WHERE s.is_first) OVER (PARTITION BY s.provider_id ORDER BY s.b, s.e) AS island
	FROM begun s
), island AS (
	SELECT n.provider_id, min(n.b) AS b, max(n.e) AS e, max(n.e) FILTER (WHERE n.is_final) IS NOT DISTINCT FROM max(n.e) AS is_final
	FROM numbered n
	GROUP BY n.provider_id, n.island
), resumed AS (
	SELECT i.*, coalesce(lag(i.is_final) OVER w OR i.b - lag(i.e) OVER w > interval '10 minutes', true) AS is_first
	FROM island i
	WINDOW w AS (PARTITION BY i.provider_id ORDER BY i.b)
), counted AS (
	SELECT r.*, count(*) FILTER (WHERE r.is_first) OVER (PARTITION BY r.provider_id ORDER BY r.b) AS spell
	FROM resumed r
), spell AS MATERIALIZED (
	SELECT c.provider_id, greatest(min(c.b), :'since') AS b, least(max(c.e), :'until') AS e
	FROM counted c
	GROUP BY c.provider_id, c.spell
	HAVING greatest(min(c.b), :'since') < least(max(c.e), :'until')
), seen AS MATERIALIZED (
	SELECT s.provider_id, greatest(min(s.connected_at), :'since') AS b
	FROM provider_sessions s
	GROUP BY s.provider_id
	HAVING min(s.connected_at) < :'until'
), part AS (
	SELECT s.provider_id, true AS is_online, s.b, s.e FROM spell s
	UNION ALL
	SELECT g.provider_id, false, g.b, g.e
	FROM (
		-- each gap ends where a spell begins, the last one with the span
		SELECT n.provider_id, coalesce(lag(p.e) OVER (PARTITION BY n.provider_id ORDER BY p.b), n.b) AS b, p.b AS e
		FROM seen n
		JOIN (SELECT s.provider_id, s.b, s.e FROM spell s UNION ALL SELECT x.provider_id, :'until', :'until' FROM seen x) p USING (provider_id)
	) g
	WHERE g.b < g.e
), excluded AS MATERIALIZED (
	SELECT x.provider_id, lower(r.span) AS b, upper(r.span) AS e
	FROM (
		SELECT n.provider_id, range_agg(tstzrange(x.since, x.until)) AS spans
		FROM seen n
		JOIN provider_exclusions x ON x.provider_id = n.provider_id OR x.provider_id IS NULL
		GROUP BY n.provider_id
	) x
	CROSS JOIN LATERAL unnest(x.spans) r (span)
), cut AS (
	SELECT p.provider_id, p.is_online, p.b,
		min(p.e - p.b) - coalesce(sum(least(p.e, coalesce(x.e, 'infinity')) - greatest(p.b, x.b)) FILTER (WHERE x.b IS NOT NULL), '0') AS length
	FROM part p
	LEFT JOIN excluded x ON x.provider_id = p.provider_id AND x.b < p.e AND (x.e IS NULL OR x.e > p.b)
	GROUP BY p.provider_id, p.is_online, p.b
)
SELECT c.provider_id, justify_hours(coalesce(sum(c.length) FILTER (WHERE c.is_online), '0')) AS online, justify_hours(sum(c.length)) AS observed,
	(extract(epoch FROM coalesce(sum(c.length) FILTER (WHERE c.is_online), '0')) / nullif(extract(epoch FROM sum(c.length)), 0))::float8 AS uptime_pct,
	count(*) FILTER (WHERE NOT c.is_online AND c.length > interval '0') AS outages,
	justify_hours(coalesce(max(c.length) FILTER (WHERE NOT c.is_online), '0')) AS longest_outage
FROM cut c
GROUP BY c.provider_id
ORDER BY c.provider_id;
