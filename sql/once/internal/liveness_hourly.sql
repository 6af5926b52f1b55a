CREATE TYPE liveness_internal.liveness_hourly_row AS (
	heartbeat_count int,
	avg_memory_pressure real,
	avg_cpu_usage real,
	max_thermal_state text,
	avg_memory_available_gb real
);
COMMENT ON TYPE liveness_internal.liveness_hourly_row IS 'Result of liveness_hourly: the columns of provider_heartbeats_hourly without provider_id and hour';
CREATE FUNCTION liveness_internal.liveness_hourly_transfn(internal, real, real, text, real)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hourly_transfn(internal, real, real, text, real) IS 'Transition function of liveness_hourly';
CREATE FUNCTION liveness_internal.liveness_hourly_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hourly_combine(internal, internal) IS 'Combine function of liveness_hourly';
CREATE FUNCTION liveness_internal.liveness_hourly_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hourly_serialize(internal) IS 'Serialize function of liveness_hourly';
CREATE FUNCTION liveness_internal.liveness_hourly_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hourly_deserialize(bytea, internal) IS 'Deserialize function of liveness_hourly';
CREATE FUNCTION liveness_internal.liveness_hourly_final(internal)
RETURNS liveness_internal.liveness_hourly_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hourly_final(internal) IS 'Final function of liveness_hourly';
CREATE AGGREGATE liveness_internal.liveness_hourly(memory_pressure real, cpu_usage real, thermal_state text, memory_available_gb real) (
	SFUNC = liveness_internal.liveness_hourly_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_hourly_final,
	COMBINEFUNC = liveness_internal.liveness_hourly_combine,
	SERIALFUNC = liveness_internal.liveness_hourly_serialize,
	DESERIALFUNC = liveness_internal.liveness_hourly_deserialize,
	SSPACE = 128,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_hourly(real, real, text, real) IS 'Heartbeats of one provider and hour: their number, means, and the worst thermal state';
