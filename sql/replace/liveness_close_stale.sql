-- Counted back in UTC, where a day has 24 h, whatever the session's zone.
CREATE FUNCTION liveness_close_stale(timeout interval DEFAULT NULL, coordinator_id text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	silent_since timestamptz := (now() AT TIME ZONE 'UTC'
		- coalesce($1, liveness_internal.liveness_setting_interval('session_timeout'::text))) AT TIME ZONE 'UTC';
	ahead timestamptz := now() + liveness_internal.liveness_setting_interval('session_timeout'::text);
	closed bigint;
BEGIN
	IF $1 <= interval '0' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('timeout must be positive, and is %s', $1),
			HINT = 'Give the silence after which a session is given up, or NULL for the setting liveness.session_timeout.';
	END IF;
	UPDATE @extschema@.provider_sessions s
	SET disconnected_at = greatest(o.connected_at, o.last_sign_of_life), disconnect_reason = 'stale_heartbeat'
	FROM liveness_internal.liveness_last_signs o
	WHERE (NOT o.has_begun OR (o.was_heard AND o.last_sign_of_life < silent_since))
	AND ($2 IS NULL OR o.coordinator_id = $2)
	AND s.id = o.id AND s.provider_id = o.provider_id
	AND s.disconnected_at IS NULL
	-- heard of again while we waited for the row: this condition alone is checked again then
	AND (s.connected_at > ahead OR (s.last_heartbeat_at BETWEEN silent_since AND ahead) IS NOT TRUE);
	GET DIAGNOSTICS closed = ROW_COUNT;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION liveness_close_stale(interval, text) IS 'Closes open sessions whose last sign of life is older than the timeout';
