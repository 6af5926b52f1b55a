-- $1 within, $2 probability
SELECT json_build_object('at_risk', coalesce(json_agg(
	(SELECT r FROM (SELECT a.provider_id, a.session_id::text, a.connected_at, a.age_seconds, a.probability, a.group_name,
		a.coordinator_id) r)
	ORDER BY a.probability DESC, a.provider_id), '[]'))::text AS json
FROM liveness_at_risk(coalesce($1::interval, '1 hour'), coalesce($2::float8, 0.5)) a
