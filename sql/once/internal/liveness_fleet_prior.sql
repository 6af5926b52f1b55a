CREATE FUNCTION liveness_internal.liveness_fleet_prior_combine(float8[], float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_combine(float8[], float8[]) IS 'Combine function of liveness_fleet_prior';
CREATE FUNCTION liveness_internal.liveness_fleet_prior_transfn(float8[], bytea, float8[], timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_transfn(float8[], bytea, float8[], timestamptz) IS 'Transition function of liveness_fleet_prior';
CREATE FUNCTION liveness_internal.liveness_fleet_prior_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_final(float8[]) IS 'Final function of liveness_fleet_prior';
CREATE AGGREGATE liveness_internal.liveness_fleet_prior(history bytea, factors float8[], as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_prior_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_prior_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_prior_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_prior(bytea, float8[], timestamptz) IS 'Weights of the priors of a provider''s factors, in events: of the frailty, and of its hours';
