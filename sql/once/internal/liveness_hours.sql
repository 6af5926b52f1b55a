CREATE TYPE liveness_internal.liveness_hours_row AS (
	hour timestamptz,
	heartbeat_count int,
	avg_memory_pressure real,
	avg_cpu_usage real,
	max_thermal_state text,
	avg_memory_available_gb real,
	sums bytea
);
COMMENT ON TYPE liveness_internal.liveness_hours_row IS 'Element of the result of liveness_hours: the columns of provider_heartbeats_hourly without provider_id, and the sums that they are made of';
COMMENT ON COLUMN liveness_internal.liveness_hours_row.sums IS 'What the other columns are made of, to be added to';
CREATE FUNCTION liveness_internal.liveness_hours_transfn(internal, timestamptz, real, real, text, real)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_transfn(internal, timestamptz, real, real, text, real) IS 'Transition function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_combine(internal, internal) IS 'Combine function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_serialize(internal) IS 'Serialize function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_deserialize(bytea, internal) IS 'Deserialize function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_final(internal)
RETURNS liveness_internal.liveness_hours_row[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_final(internal) IS 'Final function of liveness_hours';
CREATE AGGREGATE liveness_internal.liveness_hours(at timestamptz, memory_pressure real, cpu_usage real, thermal_state text,
	memory_available_gb real) (
	SFUNC = liveness_internal.liveness_hours_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_hours_final,
	COMBINEFUNC = liveness_internal.liveness_hours_combine,
	SERIALFUNC = liveness_internal.liveness_hours_serialize,
	DESERIALFUNC = liveness_internal.liveness_hours_deserialize,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_hours(timestamptz, real, real, text, real) IS 'Heartbeats of one provider by UTC hour, in order of time';
CREATE FUNCTION liveness_internal.liveness_hours_add_transfn(internal, timestamptz, bytea)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_add_transfn(internal, timestamptz, bytea) IS 'Transition function of liveness_hours over sums';
CREATE AGGREGATE liveness_internal.liveness_hours(hour timestamptz, sums bytea) (
	SFUNC = liveness_internal.liveness_hours_add_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_hours_final,
	COMBINEFUNC = liveness_internal.liveness_hours_combine,
	SERIALFUNC = liveness_internal.liveness_hours_serialize,
	DESERIALFUNC = liveness_internal.liveness_hours_deserialize,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_hours(timestamptz, bytea) IS 'The same of sums that liveness_hours has told before';
