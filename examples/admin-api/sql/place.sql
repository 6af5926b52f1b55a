-- $1 jobs, $2 job, $3 target, $4 exclude: a JSON array
SELECT json_build_object('placed', coalesce(json_agg(p ORDER BY p.job_no, p.replica), '[]'),
	'not_placed', $1::int - count(DISTINCT p.job_no))::text AS json
FROM (
	SELECT job_no, replica, provider_id, group_name, probability, joint
	FROM liveness_place($1::int, $2::interval, coalesce($3::float8, 0),
		ARRAY(SELECT jsonb_array_elements_text($4::jsonb)))
) p
