CREATE FUNCTION liveness_internal.liveness_wants_sessions()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_wants_sessions() IS 'Is liveness.track_sessions on, or liveness.close_stale?';
