CREATE FUNCTION liveness_probability(provider_id text, job interval)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION liveness_probability(text, interval) IS 'Probability that a provider holds a job that starts now; NULL if it is not connected or stale';
