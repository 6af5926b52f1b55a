CREATE FUNCTION liveness_remaining(provider_id text, probability float8 DEFAULT 0.9)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION liveness_remaining(text, float8) IS 'Longest job that a provider holds with that probability; NULL if it is not connected or stale';
