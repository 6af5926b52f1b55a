-- What candidates would have said at each cut of a back-test from the sessions that ended within
-- a history before it, and whether the spell held: cut, history, horizon, probability, held.
--   psql -v since=... -v until=... -v step=... -v histories="{90 days,...}" -f history.sql
CREATE TABLE said AS
WITH cuts AS MATERIALIZED (
	SELECT generate_series(:since, :until - interval '24 hours', :'step'::interval) AS cut
), whole AS MATERIALIZED (
	SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, :until, 1) AS sessions
	FROM provider_sessions s
	WHERE s.connected_at < :until
	GROUP BY s.provider_id
), truth AS MATERIALIZED (
	SELECT c.cut, w.provider_id, (liveness_internal.liveness_history_spell_at(w.sessions, :until, c.cut)).*
	FROM cuts c, whole w
)
SELECT c.cut, h.history, j.hours, p.probability, t.until >= c.cut + j.hours * interval '1 hour' AS held
FROM cuts c
CROSS JOIN unnest(:'histories'::interval[]) h (history)
CROSS JOIN LATERAL (
	WITH packed AS MATERIALIZED (
		SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, c.cut, 1) AS sessions
		FROM provider_sessions s
		WHERE s.connected_at < c.cut AND (s.disconnected_at IS NULL OR s.disconnected_at >= c.cut - h.history)
		GROUP BY s.provider_id
	), ages AS MATERIALIZED (
		SELECT liveness_internal.liveness_fleet_ages(k.sessions, c.cut) AS hazard FROM packed k
	), hours AS MATERIALIZED (
		SELECT a.hazard || liveness_internal.liveness_fleet_hours(k.sessions, a.hazard, c.cut) AS hazard FROM packed k, ages a GROUP BY a.hazard
	), fleet AS MATERIALIZED (
		SELECT o.hazard || liveness_internal.liveness_fleet_prior(k.sessions, o.hazard, c.cut) AS hazard FROM packed k, hours o GROUP BY o.hazard
	)
	SELECT k.provider_id, f.hazard AS fleet, liveness_internal.liveness_host_hazard(k.sessions, f.hazard, c.cut) AS host
	FROM packed k, fleet f
	OFFSET 0
) m
JOIN truth t ON t.cut = c.cut AND t.provider_id = m.provider_id
CROSS JOIN unnest(ARRAY[1, 6, 24]) j (hours)
CROSS JOIN LATERAL (SELECT liveness_internal.liveness_holds(m.fleet, m.host, t.since, c.cut, j.hours * 3600000000::bigint) AS probability) p
WHERE isfinite(t.since) AND t.until > c.cut AND (t.until >= c.cut + j.hours * interval '1 hour' OR t.failed);
