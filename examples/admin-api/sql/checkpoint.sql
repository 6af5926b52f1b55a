-- $1 provider, $2 work, $3 checkpoint_cost, $4 restart_cost
SELECT json_build_object('provider_id', $1::text, 'every_seconds', extract(epoch FROM c.every)::float8, 'segments', c.segments,
	'expected_runtime_seconds', extract(epoch FROM c.expected_runtime)::float8, 'uninterrupted', c.uninterrupted)::text AS json
FROM liveness_checkpoint($1::text, $2::interval, $3::interval, coalesce($4::interval, '0')) c
