CREATE FUNCTION liveness_internal.liveness_percentiles_transfn(bytea, float8, float8[])
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_transfn(bytea, float8, float8[]) IS 'Transition function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_combine(bytea, bytea)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_combine(bytea, bytea) IS 'Combine function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_final(bytea)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_final(bytea) IS 'Final function of liveness_percentiles';
CREATE AGGREGATE liveness_percentiles(value float8, fractions float8[]) (
	SFUNC = liveness_internal.liveness_percentiles_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.liveness_percentiles_final,
	COMBINEFUNC = liveness_internal.liveness_percentiles_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_percentiles(float8, float8[]) IS 'Percentiles of the values at the fractions, as percentile_cont gives them';
