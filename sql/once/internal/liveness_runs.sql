CREATE FUNCTION liveness_internal.liveness_runs_transfn(internal, timestamptz, timestamptz, bigint)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_runs_transfn(internal, timestamptz, timestamptz, bigint) IS 'Transition function of liveness_runs';
CREATE FUNCTION liveness_internal.liveness_runs_final(internal)
RETURNS timestamptz[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_runs_final(internal) IS 'Final function of liveness_runs';
CREATE AGGREGATE liveness_internal.liveness_runs(since timestamptz, until timestamptz, timeout bigint) (
	SFUNC = liveness_internal.liveness_runs_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_runs_final,
	SSPACE = 128,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_runs(timestamptz, timestamptz, bigint) IS 'Joins intervals with no gap longer than timeout (microseconds): begin and end of each, in order';
