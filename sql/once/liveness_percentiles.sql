CREATE FUNCTION liveness_internal.liveness_percentiles_transfn(internal, float8, float8[])
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_transfn(internal, float8, float8[]) IS 'Transition function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_combine(internal, internal) IS 'Combine function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_serialize(internal) IS 'Serialize function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_deserialize(bytea, internal) IS 'Deserialize function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_final(internal)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_final(internal) IS 'Final function of liveness_percentiles';
CREATE AGGREGATE liveness_percentiles(value float8, fractions float8[]) (
	SFUNC = liveness_internal.liveness_percentiles_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_percentiles_final,
	COMBINEFUNC = liveness_internal.liveness_percentiles_combine,
	SERIALFUNC = liveness_internal.liveness_percentiles_serialize,
	DESERIALFUNC = liveness_internal.liveness_percentiles_deserialize,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_percentiles(float8, float8[]) IS 'Percentiles of the values at the fractions, as percentile_cont gives them';
