CREATE FUNCTION liveness_internal.liveness_backtest_cases(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS TABLE (cut timestamptz, provider_id text, session_id bigint, held boolean, predictor text, probability float8, lower float8, upper float8)
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($1, 'horizon') AS usecs,
			make_interval(secs => liveness_internal.liveness_span_usecs($1, 'horizon') / 1e6) AS horizon,
			make_interval(secs => liveness_internal.liveness_span_usecs($4, 'step') / 1e6) AS step,
			liveness_internal.liveness_instant($2, 'since') AS since,
			least(liveness_internal.liveness_instant($3, 'until'), now()) AS until
	), cuts AS MATERIALIZED (
		SELECT c.cut, c.cut + a.horizon AS ends
		FROM asked a
		CROSS JOIN LATERAL generate_series(a.since, a.until - a.horizon, a.step) c (cut)
	), history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason,
					(SELECT a.until FROM asked a), 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < (SELECT a.until FROM asked a)
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), up AS (
		SELECT DISTINCT ON (c.cut, s.provider_id) c.cut, c.ends, s.provider_id, s.id
		FROM cuts c
		JOIN @extschema@.provider_sessions s ON s.connected_at <= c.cut
			AND (s.disconnected_at IS NULL OR s.disconnected_at > c.cut)
		ORDER BY c.cut, s.provider_id, s.connected_at DESC, s.id DESC
	), cases AS MATERIALIZED (
		SELECT u.cut, u.provider_id, u.id, (u.spell).since,
			(extract(epoch FROM u.cut) - extract(epoch FROM (u.spell).since))::float8 AS age,
			(u.spell).until >= u.ends AS held
		FROM (
			SELECT u.cut, u.ends, u.provider_id, u.id, liveness_internal.liveness_history_spell_at(h.sessions, a.until, u.cut) AS spell
			FROM up u
			CROSS JOIN asked a
			JOIN history h ON h.provider_id = u.provider_id
			OFFSET 0
		) u
		WHERE isfinite((u.spell).since) AND ((u.spell).until >= u.ends OR (u.spell).failed)
	), outcomes AS MATERIALIZED (
		SELECT c.cut, c.ends, n.cases, n.held
		FROM cuts c
		CROSS JOIN LATERAL (
			SELECT count(*) AS cases, count(*) FILTER (WHERE k.held) AS held FROM cases k WHERE k.cut = c.cut
		) n
	), fleet AS MATERIALIZED (
		-- of the outcomes only those that were known at the cut
		SELECT c.cut, base.rate, f.ages || hours.factors || prior.weights AS hazard, f.curve
		FROM cuts c
		CROSS JOIN LATERAL (
			SELECT sum(o.held)::float8 / nullif(sum(o.cases), 0)::float8 AS rate FROM outcomes o WHERE o.ends <= c.cut
		) base
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_ages(h.sessions, c.cut) AS ages,
				@extschema@.survival_merge(liveness_internal.liveness_history_curve(h.sessions, c.cut)) AS curve
			FROM history h
		) f
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_hours(h.sessions, f.ages, c.cut) AS factors FROM history h
		) hours
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.ages || hours.factors, c.cut) AS weights FROM history h
		) prior
		WHERE base.rate IS NOT NULL AND f.ages IS NOT NULL
	), pooled AS MATERIALIZED (
		SELECT f.cut, p.id, p.probability
		FROM fleet f
		CROSS JOIN asked a
		CROSS JOIN LATERAL (
			SELECT array_agg(k.id ORDER BY k.id) AS ids, array_agg(k.age ORDER BY k.id) AS ages FROM cases k WHERE k.cut = f.cut
		) k
		CROSS JOIN LATERAL unnest(k.ids, liveness_internal.survival_conditionals(f.curve, k.ages, a.usecs / 1e6)) p (id, probability)
	), scores AS MATERIALIZED (
		SELECT f.cut, r.provider_id, r.liveness_score
		FROM fleet f
		CROSS JOIN LATERAL @extschema@.liveness_features_at(f.cut, NULL::int) r
	)
	SELECT k.cut, k.provider_id, k.id, k.held, v.predictor, v.probability, v.bounds[1], v.bounds[2]
	FROM cases k
	CROSS JOIN asked a
	JOIN fleet f ON f.cut = k.cut
	JOIN pooled p ON p.cut = k.cut AND p.id = k.id
	LEFT JOIN scores r ON r.cut = k.cut AND r.provider_id = k.provider_id
	LEFT JOIN history h ON h.provider_id = k.provider_id
	CROSS JOIN LATERAL (
		SELECT liveness_internal.liveness_host_hazard(h.sessions, f.hazard, k.cut) AS hazard
		OFFSET 0
	) host
	CROSS JOIN LATERAL (VALUES
		('base_rate', f.rate, NULL::float8[]),
		('uptime', COALESCE(liveness_internal.liveness_history_uptime(h.sessions, k.cut, 30), 1), NULL),
		('liveness_score', COALESCE(r.liveness_score, 0)::float8, NULL),
		('own', COALESCE((liveness_internal.survival_conditionals(liveness_internal.liveness_history_curve(h.sessions, k.cut), ARRAY[k.age], a.usecs / 1e6))[1], 1), NULL),
		('fleet', COALESCE(p.probability, 1), NULL),
		('candidates', liveness_internal.liveness_holds(f.hazard, host.hazard, k.since, k.cut, a.usecs),
			liveness_internal.liveness_holds_bounds(f.hazard, host.hazard, k.since, k.cut, a.usecs))
	) v (predictor, probability, bounds);
END;
COMMENT ON FUNCTION liveness_internal.liveness_backtest_cases(interval, timestamptz, timestamptz, interval) IS 'The cases of a back-test: what each predictor said at each cut, and whether the spell held';
