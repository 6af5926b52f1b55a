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
	patience numeric := extract(epoch FROM liveness_internal.liveness_setting_interval('session_timeout'::text));
	there @extschema@.liveness_opened_session[];
	retried @extschema@.liveness_opened_session[];
	opened @extschema@.liveness_opened_session[];
	missing text[];
	replaced text[];
	unheard_until timestamptz;
	ids bigint[];
	providers text[];
	ends timestamptz[];
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

	-- the same session again
	SELECT array_agg((s.provider_id, s.id)::@extschema@.liveness_opened_session)
	INTO there
	FROM (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id
		FROM @extschema@.provider_sessions s
		WHERE s.provider_id = ANY ($1) AND s.coordinator_id = $2 AND s.connected_at = $3
		ORDER BY s.provider_id, s.disconnected_at IS NOT NULL, s.id
	) s;
	missing := ARRAY(SELECT p FROM unnest($1) p EXCEPT SELECT t.provider_id FROM unnest(there) t);
	-- or else a retry; epochs, because a difference of instants can be out of range
	SELECT array_agg((o.provider_id, o.id)::@extschema@.liveness_opened_session) FILTER (WHERE o.is_retried),
		array_agg(o.provider_id) FILTER (WHERE NOT o.is_retried)
	INTO retried, replaced
	FROM (
		SELECT DISTINCT ON (o.provider_id) o.provider_id, o.id, o.is_retried
		FROM (
			SELECT o.provider_id, o.id, o.connected_at,
				NOT o.was_heard AND abs(extract(epoch FROM $3) - extract(epoch FROM o.connected_at)) <= patience AS is_retried
			FROM liveness_internal.liveness_last_signs o
			WHERE o.provider_id = ANY (missing) AND o.coordinator_id = $2
		) o
		ORDER BY o.provider_id, o.is_retried DESC, o.connected_at DESC, o.id DESC
	) o;

	WITH opened AS (
		INSERT INTO @extschema@.provider_sessions AS s (provider_id, coordinator_id, connected_at)
		SELECT m.provider_id, $2, $3
		FROM (SELECT m AS provider_id FROM unnest(missing) m EXCEPT SELECT r.provider_id FROM unnest(retried) r) m
		RETURNING s.provider_id, s.id
	)
	SELECT array_agg((o.provider_id, o.id)::@extschema@.liveness_opened_session) INTO opened FROM opened o;
	IF replaced IS NOT NULL THEN
		-- any other session of the provider at this instant would have been the same
		PERFORM liveness_internal.liveness_lock_sessions(array_agg(o.id))
		FROM liveness_internal.liveness_last_signs o
		WHERE o.provider_id = ANY (replaced) AND o.coordinator_id = $2 AND o.connected_at <> $3;
		unheard_until := CASE
			WHEN $3 > now() + liveness_internal.liveness_setting_interval('session_timeout'::text) THEN now()
			WHEN $3 > '4714-11-24 00:00:00+00 BC' THEN $3 - interval '1 microsecond'
		END;
		-- after the insert: the new session is the old one's next
		SELECT array_agg(o.id), array_agg(o.provider_id),
			array_agg(greatest(o.connected_at, CASE WHEN o.was_heard THEN o.last_sign_of_life ELSE unheard_until END))
		INTO ids, providers, ends
		FROM liveness_internal.liveness_last_signs o
		WHERE o.provider_id = ANY (replaced) AND o.coordinator_id = $2 AND o.connected_at <> $3;
		UPDATE @extschema@.provider_sessions s
		SET disconnected_at = o.ended_at, disconnect_reason = 'superseded'
		FROM unnest(ids, providers, ends) o (id, provider_id, ended_at)
		WHERE s.id = o.id AND s.provider_id = o.provider_id AND s.disconnected_at IS NULL;
	END IF;
	RETURN QUERY
	SELECT p.provider_id, t.session_id
	FROM unnest($1) WITH ORDINALITY p (provider_id, n)
	JOIN unnest(there || retried || opened) t ON t.provider_id = p.provider_id
	ORDER BY p.n;
END
$$;
COMMENT ON FUNCTION liveness_open_sessions(text[], text, timestamptz) IS 'Opens a session for each provider of an array, by the rules of liveness_open_session';
