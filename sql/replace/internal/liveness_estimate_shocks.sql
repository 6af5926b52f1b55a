-- The model is that of as_of for all cuts: its numbers, the provider's counts and the cuts
-- come from the same history, which favours independence a little.
CREATE FUNCTION liveness_internal.liveness_estimate_shocks(as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_shock_estimate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, $1, 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < $1
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), ages AS MATERIALIZED (
		SELECT liveness_internal.liveness_fleet_ages(h.sessions, $1) AS hazard
		FROM history h
	), factors AS MATERIALIZED (
		SELECT a.hazard || (SELECT liveness_internal.liveness_fleet_hours(h.sessions, a.hazard, $1) FROM history h) AS hazard
		FROM ages a
		WHERE a.hazard IS NOT NULL
	), fleet AS MATERIALIZED (
		SELECT f.hazard || (SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.hazard, $1) FROM history h) AS hazard
		FROM factors f
	), host AS MATERIALIZED (
		SELECT h.provider_id, h.sessions, g.group_no, liveness_internal.liveness_host_hazard(h.sessions, f.hazard, $1) AS hazard
		FROM history h
		CROSS JOIN fleet f
		LEFT JOIN (
			SELECT p.provider_id, (dense_rank() OVER (ORDER BY p.group_name))::int AS group_no FROM @extschema@.provider_groups p
		) g ON g.provider_id = h.provider_id
	), asked AS MATERIALIZED (
		SELECT a.horizon, liveness_internal.liveness_span_usecs(a.horizon, 'horizon') AS usecs
		FROM unnest(ARRAY[interval '1 hour', interval '6 hours', interval '24 hours']) a (horizon)
		-- a gate: it checks as_of even where nobody was up
		WHERE liveness_internal.liveness_window_start($1, NULL) IS NOT NULL
	), cut AS (
		SELECT n.n, $1 - n.n * interval '24 hours' AS at
		FROM generate_series(1, 30) n (n)
	), up AS (
		SELECT u.n, u.at, u.provider_id, u.group_no, u.hazard, (u.spell).since, (u.spell).until, (u.spell).failed
		FROM (
			SELECT c.n, c.at, h.provider_id, h.group_no, h.hazard, liveness_internal.liveness_history_spell_at(h.sessions, $1, c.at) AS spell
			FROM host h
			CROSS JOIN cut c
			OFFSET 0
		) u
		WHERE (u.spell).until > u.at AND isfinite((u.spell).since)
	), cases AS (
		-- of those whose outcome is known, the quarter that is likeliest to hold
		SELECT k.horizon, k.n, k.group_no, k.load, k.held,
			row_number() OVER (PARTITION BY k.horizon, k.n ORDER BY k.load, k.provider_id) AS place,
			count(*) OVER (PARTITION BY k.horizon, k.n) AS among
		FROM (
			SELECT a.horizon, u.n, u.provider_id, u.group_no, u.until >= u.at + a.horizon AS held,
				-ln(greatest(liveness_internal.liveness_holds(f.hazard, u.hazard, u.since, u.at, a.usecs), 1e-12)) AS load
			FROM up u
			CROSS JOIN asked a
			CROSS JOIN fleet f
			WHERE u.failed OR u.until >= u.at + a.horizon
		) k
	), told AS (
		SELECT a.horizon, liveness_internal.liveness_shocks(c.n, c.group_no, c.load, c.held) AS s
		FROM asked a
		LEFT JOIN cases c ON c.horizon = a.horizon AND 4 * (c.place - 1) < c.among
		GROUP BY a.horizon
	)
	SELECT $1, t.horizon, f.phi, greatest(f.phi, coalesce((t.s).psi_estimate - (t.s).psi_error, 0)),
		(t.s).phi_estimate, (t.s).phi_error, (t.s).psi_estimate, (t.s).psi_error,
		(t.s).cuts, (t.s).cases, (t.s).pairs, (t.s).group_pairs, (t.s).stated, (t.s).held
	FROM told t
	CROSS JOIN LATERAL (SELECT greatest(coalesce((t.s).phi_estimate - (t.s).phi_error, 0), 0) AS phi) f
	ORDER BY t.horizon;
END;
COMMENT ON FUNCTION liveness_internal.liveness_estimate_shocks(timestamptz) IS 'The rows of liveness_shock_estimate for an instant, from 30 cuts before it; writes nothing';
