CREATE AGGREGATE liveness_internal.liveness_recent_sessions(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz) (
	SFUNC = liveness_internal.liveness_recent_sessions_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_recent_sessions_final,
	SSPACE = 80,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_recent_sessions(timestamptz, timestamptz, text, timestamptz) IS 'Sessions of a provider, packed for liveness_running_since; NULL if none is open as of an instant';
