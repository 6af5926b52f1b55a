-- $1 job, $2 target, $3 max_replicas, $4 exclude: a JSON array
SELECT json_build_object('replicas', coalesce(json_agg(r ORDER BY r.replica), '[]'))::text AS json
FROM (
	SELECT replica, provider_id, group_name, probability, joint
	FROM liveness_replicas($1::interval, coalesce($2::float8, 0.99), coalesce($3::int, 10),
		ARRAY(SELECT jsonb_array_elements_text($4::jsonb)))
) r
