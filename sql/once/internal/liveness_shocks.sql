CREATE TYPE liveness_internal.liveness_shocks_row AS (
	phi_estimate float8,
	phi_error float8,
	psi_estimate float8,
	psi_error float8,
	cuts int,
	cases bigint,
	pairs bigint,
	group_pairs bigint,
	stated float8,
	held float8
);
COMMENT ON TYPE liveness_internal.liveness_shocks_row IS 'What liveness_shocks makes of the cases of one horizon';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.phi_estimate IS 'Share of each hazard that the fleet has in common, -1 to 1; NULL: no pair tells';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.phi_error IS 'Its standard error by the jackknife, 0 or more, over ten blocks of cuts; NULL: fewer than two cuts';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.psi_estimate IS 'Share of each hazard that a group has in common, -1 to 1; NULL: no pair of one group tells';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.psi_error IS 'Its standard error by the jackknife, 0 or more; NULL: fewer than two cuts';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.cuts IS 'Cuts with a case, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.cases IS 'Cases, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.pairs IS 'Pairs of cases of one cut, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.group_pairs IS 'Pairs of cases of one cut and one group, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.stated IS 'Mean of exp(-load), 0 to 1; NULL: no case';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.held IS 'Share that held, 0 to 1; NULL: no case';
CREATE FUNCTION liveness_internal.liveness_shocks_transfn(internal, int, int, float8, boolean)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_shocks_transfn(internal, int, int, float8, boolean) IS 'Transition function of liveness_shocks';
CREATE FUNCTION liveness_internal.liveness_shocks_final(internal)
RETURNS liveness_internal.liveness_shocks_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_shocks_final(internal) IS 'Final function of liveness_shocks';
CREATE AGGREGATE liveness_internal.liveness_shocks(cut int, group_no int, load float8, held boolean) (
	SFUNC = liveness_internal.liveness_shocks_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_shocks_final,
	SSPACE = 65536,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_shocks(int, int, float8, boolean) IS 'How far providers fall together, of cases: a load is -ln of the probability to hold that was stated';
