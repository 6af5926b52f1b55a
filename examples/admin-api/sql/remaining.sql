-- $1 provider, $2 probability
SELECT json_build_object('provider_id', $1::text,
	'seconds', extract(epoch FROM liveness_remaining($1::text, coalesce($2::float8, 0.9)))::float8)::text AS json
