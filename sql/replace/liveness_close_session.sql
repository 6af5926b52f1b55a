CREATE FUNCTION liveness_close_session(session_id bigint, reason text, at timestamptz DEFAULT now(),
	last_heartbeat_at timestamptz DEFAULT NULL, requests_served bigint DEFAULT NULL, tokens_generated bigint DEFAULT NULL,
	provider_id text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	closed_at timestamptz := coalesce($3, now());
	provider_ids text[] := ARRAY[$7];
BEGIN
	IF NOT isfinite(closed_at) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('a session cannot be closed at %s', $3),
			HINT = 'Give the instant at which the provider disconnected, for example now().';
	END IF;
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'reason must not be NULL',
			HINT = 'Give the reason why the session ended, or an empty text.';
	END IF;
	-- Citus finds the row by its provider on one node, and without it asks all of them.  The lock
	-- comes before the look: a REINDEX that came in between would wait for us, and we for it.
	IF $7 IS NULL THEN
		LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
		provider_ids := ARRAY(SELECT s.provider_id FROM @extschema@.provider_sessions s WHERE s.id = $1);
	END IF;
	UPDATE @extschema@.provider_sessions s SET
		disconnected_at = closed_at,
		disconnect_reason = $2,
		last_heartbeat_at = coalesce($4, s.last_heartbeat_at),
		requests_served = coalesce($5, s.requests_served),
		tokens_generated = coalesce($6, s.tokens_generated)
	WHERE s.id = $1 AND s.provider_id = ANY (provider_ids) AND s.disconnected_at IS NULL;
	IF NOT FOUND THEN
		PERFORM liveness_internal.liveness_count_failed_close();
		RETURN false;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION liveness_close_session(bigint, text, timestamptz, timestamptz, bigint, bigint, text) IS 'Closes an open session; false if there is none, so the first close wins';
