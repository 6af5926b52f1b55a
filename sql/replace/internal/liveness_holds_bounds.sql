CREATE FUNCTION liveness_internal.liveness_holds_bounds(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_holds_bounds(float8[], real[], timestamptz, timestamptz, bigint) IS 'Its bounds of 95 %: {lower, upper}, by the posterior of the provider''s own factor';
