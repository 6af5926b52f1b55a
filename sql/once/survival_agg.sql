CREATE FUNCTION liveness_internal.survival_agg_transfn(bytea, float8, boolean)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_transfn(bytea, float8, boolean) IS 'Transition function of survival_agg(duration, observed)';
CREATE FUNCTION liveness_internal.survival_agg_entry_transfn(bytea, float8, boolean, float8)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_entry_transfn(bytea, float8, boolean, float8) IS 'Transition function of survival_agg(duration, observed, entry)';
CREATE FUNCTION liveness_internal.survival_merge_transfn(bytea, survival_curve)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_merge_transfn(bytea, survival_curve) IS 'Transition function of survival_merge';
CREATE FUNCTION liveness_internal.survival_agg_combine(bytea, bytea)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_combine(bytea, bytea) IS 'Combine function of survival_agg and survival_merge';
CREATE FUNCTION liveness_internal.survival_agg_final(bytea)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_final(bytea) IS 'Final function of survival_agg and survival_merge';
CREATE AGGREGATE survival_agg(duration float8, observed boolean) (
	SFUNC = liveness_internal.survival_agg_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_agg(float8, boolean) IS 'The Kaplan-Meier curve of durations, of which some are right-censored';
CREATE AGGREGATE survival_agg(duration float8, observed boolean, entry float8) (
	SFUNC = liveness_internal.survival_agg_entry_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_agg(float8, boolean, float8) IS 'The Kaplan-Meier curve of durations that are observed from an entry on';
CREATE AGGREGATE survival_merge(curve survival_curve) (
	SFUNC = liveness_internal.survival_merge_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_merge(survival_curve) IS 'The curve of all observations behind several curves';
