CREATE FUNCTION liveness_internal.liveness_choose_connected(jobs int, job interval, target float8, max_replicas int, exclude text[], whole_jobs boolean)
RETURNS SETOF liveness_place_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($2, 'job') AS usecs
	), free AS (
		SELECT coalesce(array_agg(r.provider_id), '{}') AS provider_ids, coalesce(array_agg(r.group_name), '{}') AS group_names,
			coalesce(array_agg(r.probability), '{}') AS probabilities
		FROM (
			SELECT c.provider_id, g.group_name, c.probability
			FROM asked a
			CROSS JOIN LATERAL liveness_internal.liveness_connected(a.usecs) c
			LEFT JOIN @extschema@.provider_groups g ON g.provider_id = c.provider_id
			WHERE NOT EXISTS (SELECT FROM unnest($5) x (provider_id) WHERE x.provider_id = c.provider_id)
			ORDER BY c.probability DESC, c.provider_id
		) r
	)
	SELECT p.job_no, p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM asked a
	CROSS JOIN free f
	CROSS JOIN LATERAL liveness_internal.liveness_shock_shares(a.usecs) s
	CROSS JOIN LATERAL liveness_internal.liveness_choose(f.provider_ids, f.group_names, f.probabilities, $1, $3, $4, s.phi, s.psi, $6) p;
END;
COMMENT ON FUNCTION liveness_internal.liveness_choose_connected(int, interval, float8, int, text[], boolean) IS 'liveness_choose among the providers that are connected now, but for those in exclude';
