CREATE FUNCTION liveness_internal.liveness_holds(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION liveness_internal.liveness_holds(float8[], real[], timestamptz, timestamptz, bigint) IS 'Probability that a session that is up at as_of lasts so many microseconds more';
