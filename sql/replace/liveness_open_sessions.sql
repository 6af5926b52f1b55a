-- The locks make two opens of the same provider and coordinator take turns, so that
-- the second sees, and closes, the session of the first.  There are 1,024 locks, by
-- hash, taken in order: as many as sessions are opened would not fit into the server's table.
CREATE FUNCTION liveness_open_sessions(provider_ids text[], coordinator_id text DEFAULT '', connected_at timestamptz DEFAULT now())
RETURNS SETOF liveness_opened_session
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	there @extschema@.liveness_opened_session[];
	opened @extschema@.liveness_opened_session[];
	replaces boolean;
BEGIN
	IF $1 IS NULL OR EXISTS (SELECT FROM unnest($1) p WHERE p IS NULL) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'provider_id must not be NULL',
			HINT = 'Say which provider has connected. An empty array opens no session.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	PERFORM pg_advisory_xact_lock('@extschema@.provider_sessions'::regclass::oid::int, k.key)
	FROM (SELECT DISTINCT hashtext(jsonb_build_array(p, $2)::text) & 1023 AS key FROM unnest($1) p ORDER BY 1) k;

	-- the same session again, or else a retry; epochs, because a difference of instants can be out of range
	SELECT array_agg((p.provider_id, coalesce(s.id, o.id))::@extschema@.liveness_opened_session), bool_or(s.id IS NULL AND o.is_retried IS FALSE)
	INTO there, replaces
	FROM (SELECT DISTINCT p AS provider_id FROM unnest($1) p) p
	LEFT JOIN LATERAL (
		SELECT s.id
		FROM @extschema@.provider_sessions s
		WHERE s.provider_id = p.provider_id AND s.coordinator_id = $2 AND s.connected_at = $3
		ORDER BY s.disconnected_at IS NOT NULL, s.id
		LIMIT 1
	) s ON true
	LEFT JOIN LATERAL (
		SELECT CASE WHEN r.is_retried THEN o.id END AS id, r.is_retried
		FROM liveness_internal.liveness_last_signs o
		CROSS JOIN LATERAL (
			SELECT NOT o.was_heard AND abs(extract(epoch FROM $3) - extract(epoch FROM o.connected_at))
				<= extract(epoch FROM liveness_internal.liveness_setting_interval('session_timeout'::text)) AS is_retried
		) r
		WHERE s.id IS NULL AND o.provider_id = p.provider_id AND o.coordinator_id = $2
		ORDER BY r.is_retried DESC, o.connected_at DESC, o.id DESC
		LIMIT 1
	) o ON true;

	WITH opened AS (
		INSERT INTO @extschema@.provider_sessions AS s (provider_id, coordinator_id, connected_at)
		SELECT t.provider_id, $2, $3
		FROM unnest(there) t
		WHERE t.session_id IS NULL
		RETURNING s.provider_id, s.id
	)
	SELECT array_agg((o.provider_id, o.id)::@extschema@.liveness_opened_session) INTO opened FROM opened o;
	IF replaces THEN
		PERFORM liveness_internal.liveness_lock_sessions(array_agg(o.id))
		FROM unnest(opened) n
		JOIN liveness_internal.liveness_last_signs o ON o.provider_id = n.provider_id AND o.id <> n.session_id
		WHERE o.coordinator_id = $2;
		-- after the insert: the new session is the old one's next
		UPDATE @extschema@.provider_sessions s
		SET disconnected_at = greatest(o.connected_at, CASE
				WHEN o.was_heard THEN o.last_sign_of_life
				WHEN $3 > now() + liveness_internal.liveness_setting_interval('session_timeout'::text) THEN now()
				WHEN $3 > '4714-11-24 00:00:00+00 BC' THEN $3 - interval '1 microsecond'
			END), disconnect_reason = 'superseded'
		FROM unnest(opened) n
		JOIN liveness_internal.liveness_last_signs o ON o.provider_id = n.provider_id AND o.id <> n.session_id
		WHERE o.coordinator_id = $2
		AND s.id = o.id AND s.provider_id = o.provider_id
		AND s.disconnected_at IS NULL;
	END IF;
	RETURN QUERY
	SELECT p.provider_id, t.session_id
	FROM unnest($1) WITH ORDINALITY p (provider_id, n)
	JOIN unnest(there || opened) t ON t.provider_id = p.provider_id
	WHERE t.session_id IS NOT NULL
	ORDER BY p.n;
END
$$;
COMMENT ON FUNCTION liveness_open_sessions(text[], text, timestamptz) IS 'Opens a session for each provider of an array, by the rules of liveness_open_session';
