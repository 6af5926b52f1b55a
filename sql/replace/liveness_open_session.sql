-- The lock makes two opens of the same provider and coordinator take turns, so that
-- the second sees, and closes, the session of the first.  There are 1,024 locks, by
-- hash: as many as one transaction opens sessions would not fit into the server's table.
CREATE FUNCTION liveness_open_session(provider_id text, coordinator_id text DEFAULT '', connected_at timestamptz DEFAULT now())
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_id bigint;
	former record;
BEGIN
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	PERFORM pg_advisory_xact_lock('@extschema@.provider_sessions'::regclass::oid::int,
		hashtext(jsonb_build_array($1, $2)::text) & 1023);
	SELECT s.id INTO new_id
	FROM @extschema@.provider_sessions s
	WHERE s.provider_id = $1 AND s.coordinator_id = $2 AND s.connected_at = $3
	ORDER BY s.disconnected_at IS NOT NULL, s.id
	LIMIT 1;
	IF FOUND THEN
		RETURN new_id;
	END IF;
	-- epochs, because a difference of instants can be out of range
	SELECT o.id, NOT o.was_heard AND abs(extract(epoch FROM $3) - extract(epoch FROM o.connected_at))
		<= extract(epoch FROM liveness_internal.liveness_setting_interval('session_timeout'::text)) AS is_retried
	INTO former
	FROM liveness_internal.liveness_open_sessions o
	WHERE o.provider_id = $1 AND o.coordinator_id = $2
	ORDER BY is_retried DESC, o.connected_at DESC, o.id DESC
	LIMIT 1;
	IF former.is_retried THEN
		RETURN former.id;
	END IF;

	INSERT INTO @extschema@.provider_sessions AS s (provider_id, coordinator_id, connected_at)
	VALUES ($1, $2, $3)
	RETURNING s.id INTO new_id;
	IF former.id IS NULL THEN
		RETURN new_id;
	END IF;
	-- after the insert: the new session is the old one's next
	UPDATE @extschema@.provider_sessions s
	SET disconnected_at = greatest(o.connected_at, CASE
			WHEN o.was_heard THEN o.last_sign_of_life
			WHEN $3 > now() + liveness_internal.liveness_setting_interval('session_timeout'::text) THEN now()
			WHEN $3 > '4714-11-24 00:00:00+00 BC' THEN $3 - interval '1 microsecond'
		END), disconnect_reason = 'superseded'
	FROM liveness_internal.liveness_open_sessions o
	WHERE o.provider_id = $1 AND o.coordinator_id = $2 AND o.id <> new_id
	AND s.id = o.id AND s.provider_id = o.provider_id
	AND s.disconnected_at IS NULL;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION liveness_open_session(text, text, timestamptz) IS 'Opens a session and returns its id';
