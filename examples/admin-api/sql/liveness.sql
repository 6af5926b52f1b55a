-- $1 provider
SELECT to_json(l)::text AS json
FROM provider_liveness l
WHERE l.provider_id = $1::text
