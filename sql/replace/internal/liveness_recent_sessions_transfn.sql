CREATE FUNCTION liveness_internal.liveness_recent_sessions_transfn(internal, timestamptz, timestamptz, text, timestamptz)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_recent_sessions_transfn(internal, timestamptz, timestamptz, text, timestamptz) IS 'Transition function of liveness_recent_sessions';
