SELECT to_json(n)::text AS json
FROM network_availability n
