-- As inlined into the query of its caller, a look-up in an index.
CREATE FUNCTION liveness_internal.liveness_session_before(provider_id text, at timestamptz)
RETURNS TABLE (coordinator_id text, disconnect_reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT s.coordinator_id, s.disconnect_reason
	FROM @extschema@.provider_sessions s
	WHERE s.provider_id = $1 AND s.connected_at <= $2
	ORDER BY s.connected_at DESC
	LIMIT 1;
END;
COMMENT ON FUNCTION liveness_internal.liveness_session_before(text, timestamptz) IS 'The last session of a provider that began by then';
