CREATE FUNCTION liveness_internal.liveness_recent_sessions_final(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_recent_sessions_final(internal) IS 'Final function of liveness_recent_sessions';
