CREATE FUNCTION liveness_internal.liveness_history_connected_transfn(internal, bytea, timestamptz, timestamptz[])
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_connected_transfn(internal, bytea, timestamptz, timestamptz[]) IS 'Transition function of liveness_history_connected';
CREATE FUNCTION liveness_internal.liveness_history_connected_final(internal)
RETURNS bigint[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_connected_final(internal) IS 'Final function of liveness_history_connected';
CREATE AGGREGATE liveness_internal.liveness_history_connected(history bytea, as_of timestamptz, instants timestamptz[]) (
	SFUNC = liveness_internal.liveness_history_connected_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_history_connected_final,
	SSPACE = 16384,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_history_connected(bytea, timestamptz, timestamptz[]) IS 'Of many histories, how many were in a spell at each instant; instants are in order';
