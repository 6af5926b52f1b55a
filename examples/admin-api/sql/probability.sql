-- $1 provider, $2 job
SELECT json_build_object('provider_id', $1::text, 'probability', liveness_probability($1::text, $2::interval))::text AS json
