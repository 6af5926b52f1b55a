CREATE FUNCTION liveness_internal.liveness_outlook(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_outlook(float8[], real[], timestamptz, timestamptz, bigint) IS 'The hazard of all jobs up to so many microseconds: seconds in rising order, each with the hazard';
