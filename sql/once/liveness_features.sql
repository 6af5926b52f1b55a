CREATE TYPE liveness_features_row AS (
	uptime_pct real,
	sessions_count int,
	mtbf_seconds bigint,
	median_session_seconds bigint,
	p10_session_seconds bigint,
	p90_session_seconds bigint,
	hourly_availability jsonb,
	disconnect_reasons jsonb,
	p_stays_4h real,
	p_stays_8h real,
	last_disconnect_at timestamptz,
	last_session_duration_seconds bigint,
	liveness_score real,
	mttr_seconds bigint,
	failures_count int,
	p_survives_4h real,
	p_survives_8h real,
	spells_count int,
	first_seen_at timestamptz,
	observed_uptime_pct real,
	bridged_seconds bigint
);
COMMENT ON TYPE liveness_features_row IS 'Result of liveness_features: the columns of provider_reliability_features, as defined there, without provider_id, updated_at and window_days';
CREATE FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int) IS 'Transition function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Transition function of liveness_features with excluded time';
CREATE FUNCTION liveness_internal.liveness_features_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_combine(internal, internal) IS 'Combine function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_serialize(internal) IS 'Serialize function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_deserialize(bytea, internal) IS 'Deserialize function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_final(internal)
RETURNS liveness_features_row AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_final(internal) IS 'Final function of liveness_features';
CREATE AGGREGATE liveness_features(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text,
	as_of timestamptz, window_days int) (
	SFUNC = liveness_internal.liveness_features_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_features(timestamptz, timestamptz, text, timestamptz, int) IS 'Reliability features of one provider, from its sessions in the window';
CREATE AGGREGATE liveness_features(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text,
	as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_features(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Reliability features of one provider, time left out that counts neither as up nor as down';
-- The two share one state: the rollup needs both, and pays for one scan.
CREATE FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int) IS 'Transition function of liveness_features_all and liveness_features_history';
CREATE FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Transition function of liveness_features_all and liveness_features_history with excluded time';
CREATE FUNCTION liveness_internal.liveness_features_history_final(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_history_final(internal) IS 'Final function of liveness_features_history';
CREATE AGGREGATE liveness_internal.liveness_features_all(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_all(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'As liveness_features, but sessions outside of the window are kept for liveness_features_history';
CREATE AGGREGATE liveness_internal.liveness_features_history(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_history_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_history(timestamptz, timestamptz, text, timestamptz, int) IS 'The packed sessions that began before as_of';
CREATE AGGREGATE liveness_internal.liveness_features_history(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_history_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_history(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'As liveness_features_history, with excluded time; shares the state of liveness_features_all';
