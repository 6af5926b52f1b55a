-- $1 job, $2 min_probability, $3 limit
SELECT json_build_object('candidates', coalesce(json_agg(
	(SELECT r FROM (SELECT c.provider_id, c.session_id::text, c.connected_at, c.age_seconds, c.probability,
		c.lower, c.upper, c.own_sessions, c.liveness_score, c.as_of) r)
	ORDER BY c.probability DESC, c.provider_id), '[]'))::text AS json
FROM liveness_candidates($1::interval, coalesce($2::float8, 0.5),
	liveness_internal.liveness_reliability_limit(NULL, NULL, NULL, NULL, NULL, coalesce($3::int, 50))::int) c
