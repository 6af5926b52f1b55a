-- Whether a session is stale takes a look at the heartbeats.  So it is asked of the likeliest
-- alone, one after the other, until there are enough; those of a silent coordinator may have
-- to be passed over.  Most of the fleet is not even sorted: a heap keeps the likeliest.  With
-- SQL the statements would be planned at each call, and compiling them would take longer
-- than running them.
CREATE FUNCTION liveness_candidates(job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	wanted bigint := liveness_internal.liveness_candidates_limit(min_probability, max_rows);
	usecs bigint := liveness_internal.liveness_span_usecs(job, 'job'::text);
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
	passed bigint := 0;
	at_once bigint := wanted + 1000;
	provider_ids text[];
	begins timestamptz[];
	probabilities float8[];
	found bigint;
BEGIN
	LOOP
		SELECT array_agg(r.provider_id), array_agg(r.since), array_agg(r.probability)
		INTO provider_ids, begins, probabilities
		FROM (
			SELECT l.provider_id, l.since, l.probability
			FROM (
				SELECT r.provider_id, r.since, liveness_internal.liveness_holds(a.hazard, r.hazard, r.since, now(), a.usecs) AS probability
				FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
				CROSS JOIN (SELECT fleet.hazard AS hazard, usecs AS usecs OFFSET 0) a
				OFFSET 0
			) l
			WHERE l.probability >= coalesce($2, 0)
			ORDER BY l.probability DESC, l.provider_id
			OFFSET passed
			LIMIT at_once
		) r;

		RETURN QUERY
			SELECT b.provider_id, b.id, b.since,
				greatest(extract(epoch FROM now()) - extract(epoch FROM b.since), 0)::float8,
				b.probability, bounds.b[1], bounds.b[2],
				coalesce(p.spells, 0), f.liveness_score, fleet.as_of, b.coordinator_id
			FROM (
				SELECT r.provider_id, l.id, l.coordinator_id, r.since, r.probability, r.place
				FROM (
					SELECT u.provider_id, u.since, u.probability, u.place
					FROM unnest(provider_ids, begins, probabilities) WITH ORDINALITY u (provider_id, since, probability, place)
					ORDER BY u.place
					OFFSET 0
				) r
				CROSS JOIN LATERAL liveness_internal.liveness_live_session(r.provider_id) l
				ORDER BY r.place
				LIMIT wanted
			) b
			LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = b.provider_id
			CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(fleet.hazard,
				liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()), b.since, now(), usecs) bounds (b)
			LEFT JOIN @extschema@.provider_reliability_features f ON f.provider_id = b.provider_id
			ORDER BY b.place;

		GET DIAGNOSTICS found = ROW_COUNT;
		wanted := wanted - found;
		EXIT WHEN wanted = 0 OR coalesce(cardinality(provider_ids), 0) < at_once OR at_once IS NULL;
		passed := passed + at_once;
		at_once := NULL;
	END LOOP;
END
$$;
COMMENT ON FUNCTION liveness_candidates(interval, float8, int) IS 'Providers connected now, by the probability that their spell lasts another job';
