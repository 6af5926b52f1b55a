CREATE FUNCTION liveness_internal.liveness_longest_job(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, probability float8)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_longest_job(float8[], real[], timestamptz, timestamptz, float8) IS 'Longest job that is held with that probability; 3650000 days if it is longer than 3650 days';
