CREATE FUNCTION liveness_internal.liveness_choose(provider_ids text[], group_names text[], probabilities float8[], jobs int, target float8, max_replicas int, phi float8, psi float8, whole_jobs boolean)
RETURNS SETOF liveness_place_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_choose(text[], text[], float8[], int, float8, int, float8, float8, boolean) IS 'Jobs on providers that come in falling order of probability; whole_jobs: all replicas or none';
