CREATE FUNCTION liveness_close_orphans(coordinator_id text, reason text DEFAULT 'coordinator_restart')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	patience interval := liveness_internal.liveness_setting_interval('session_timeout'::text);
	alive_at timestamptz;
	open_ids bigint[];
	providers text[];
	ends timestamptz[];
	were_stale boolean[];
	closed bigint;
	orphans bigint[];
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'reason must not be NULL',
			HINT = 'Give the reason why the sessions ended, or leave the argument out.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	SELECT max(o.last_sign_of_life), array_agg(o.id) INTO alive_at, open_ids
	FROM liveness_internal.liveness_last_signs o
	WHERE o.coordinator_id = $1;
	-- what it closed itself shows that it was there
	SELECT CASE WHEN max(s.disconnected_at) > now() THEN now() ELSE greatest(alive_at, max(s.disconnected_at)) END
	INTO alive_at
	FROM @extschema@.provider_sessions s
	WHERE s.coordinator_id = $1 AND s.disconnected_at > alive_at
	AND s.disconnected_at <= now() + patience;
	PERFORM liveness_internal.liveness_lock_sessions(open_ids);
	SELECT array_agg(o.id), array_agg(o.provider_id),
		array_agg(greatest(o.connected_at, CASE WHEN o.was_heard THEN o.last_sign_of_life ELSE alive_at END)),
		array_agg((o.was_heard AND o.last_sign_of_life + patience < alive_at) IS TRUE)
	INTO open_ids, providers, ends, were_stale
	FROM liveness_internal.liveness_last_signs o
	WHERE o.id = ANY (open_ids);
	WITH closed AS (
		UPDATE @extschema@.provider_sessions s
		SET disconnected_at = o.ended_at, disconnect_reason = CASE WHEN o.was_stale THEN 'stale_heartbeat' ELSE $2 END
		FROM unnest(open_ids, providers, ends, were_stale) o (id, provider_id, ended_at, was_stale)
		WHERE s.id = o.id AND s.provider_id = o.provider_id AND s.disconnected_at IS NULL
		RETURNING s.id, o.was_stale
	)
	SELECT count(*), array_agg(c.id) FILTER (WHERE NOT c.was_stale) INTO closed, orphans FROM closed c;
	IF alive_at < now() - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0') THEN
		PERFORM liveness_internal.liveness_note_outage(orphans);
	END IF;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION liveness_close_orphans(text, text) IS 'Closes the open sessions of a coordinator that has crashed, each at its last sign of life';
