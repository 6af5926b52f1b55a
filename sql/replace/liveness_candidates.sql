-- Whether a session is stale is asked of the likeliest alone, one after the other,
-- until there are enough: it takes a look at the heartbeats.  Compiling the statement
-- would take longer than running it.
CREATE FUNCTION liveness_candidates(job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT f.as_of, f.hazard, liveness_internal.liveness_span_usecs($1, 'job') AS usecs
		FROM liveness_internal.liveness_prepared_fleet() f
	), running AS (
		SELECT r.provider_id, r.since, r.hazard
		FROM liveness_internal.liveness_running r
		OFFSET 0
	), likely AS (
		SELECT r.provider_id, r.since, liveness_internal.liveness_holds(a.hazard, r.hazard, r.since, now(), a.usecs) AS probability
		FROM running r
		CROSS JOIN asked a
		OFFSET 0
	), ranked AS (
		SELECT l.provider_id, l.since, l.probability
		FROM likely l
		WHERE l.probability >= COALESCE($2, 0)
		ORDER BY l.probability DESC, l.provider_id
		OFFSET 0
	), best AS (
		SELECT r.provider_id, l.id, l.coordinator_id, r.since, r.probability
		FROM ranked r
		CROSS JOIN LATERAL liveness_internal.liveness_live_session(r.provider_id) l
		ORDER BY r.probability DESC, r.provider_id
		LIMIT liveness_internal.liveness_candidates_limit($2, $3)
	)
	SELECT b.provider_id, b.id, b.since,
		greatest(extract(epoch FROM now()) - extract(epoch FROM b.since), 0)::float8,
		b.probability, bounds.b[1], bounds.b[2],
		COALESCE(p.spells, 0), f.liveness_score, a.as_of, b.coordinator_id
	FROM best b
	CROSS JOIN asked a
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = b.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(a.hazard,
		liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()), b.since, now(), a.usecs) bounds (b)
	LEFT JOIN @extschema@.provider_reliability_features f ON f.provider_id = b.provider_id
	ORDER BY b.probability DESC, b.provider_id;
END;
COMMENT ON FUNCTION liveness_candidates(interval, float8, int) IS 'Providers connected now, by the probability that their spell lasts another job';
