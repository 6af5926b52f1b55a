CREATE FUNCTION liveness_internal.liveness_fleet_combine(float8[], float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_combine(float8[], float8[]) IS 'Combine function of liveness_fleet_ages and liveness_fleet_hours';
CREATE FUNCTION liveness_internal.liveness_fleet_ages_transfn(float8[], bytea, timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_ages_transfn(float8[], bytea, timestamptz) IS 'Transition function of liveness_fleet_ages';
CREATE FUNCTION liveness_internal.liveness_fleet_ages_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_ages_final(float8[]) IS 'Final function of liveness_fleet_ages';
CREATE AGGREGATE liveness_internal.liveness_fleet_ages(history bytea, as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_ages_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_ages_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_ages(bytea, timestamptz) IS 'Hazard by age of the spells of a fleet, as of an instant: 96 numbers, events a second';
CREATE FUNCTION liveness_internal.liveness_fleet_hours_transfn(float8[], bytea, float8[], timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_hours_transfn(float8[], bytea, float8[], timestamptz) IS 'Transition function of liveness_fleet_hours';
CREATE FUNCTION liveness_internal.liveness_fleet_hours_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_hours_final(float8[]) IS 'Final function of liveness_fleet_hours';
CREATE AGGREGATE liveness_internal.liveness_fleet_hours(history bytea, ages float8[], as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_hours_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_hours_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_hours(bytea, float8[], timestamptz) IS 'Factors of the 168 hours of the week on the hazard by age';
