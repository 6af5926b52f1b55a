-- Whether a provider fell silent or its coordinator, the others tell: where one of ten showed
-- life a timeout later, somebody was listening.  Where nobody did, the question stays open until
-- (nearly) all are silent, and then it was the coordinator.  Of an outage that does not take
-- all at once, those that it took first count with the rest.
--
-- Time is counted in UTC, where a day has 24 h, whatever the session's zone.  No coordinator
-- is older than 2000: the bound keeps the difference within the calendar.
CREATE FUNCTION liveness_close_stale(timeout interval DEFAULT NULL, coordinator_id text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	patience interval := coalesce($1, liveness_internal.liveness_setting_interval('session_timeout'::text));
	silent_since timestamptz := (now() AT TIME ZONE 'UTC' - patience) AT TIME ZONE 'UTC';
	ahead timestamptz := now() + liveness_internal.liveness_setting_interval('session_timeout'::text);
	threshold numeric := liveness_internal.liveness_outage_threshold();
	doomed bigint[];
	providers text[];
	ends timestamptz[];
	reasons text[];
	part record;
	closed bigint := 0;
	lost bigint[] := '{}';
BEGIN
	IF $1 <= interval '0' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('timeout must be positive, and is %s', $1),
			HINT = 'Give the silence after which a session is given up, or NULL for the setting liveness.session_timeout.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	WITH session AS MATERIALIZED (
		SELECT o.id, o.provider_id, o.coordinator_id, o.connected_at, o.last_sign_of_life, o.has_begun,
			o.has_begun AND o.was_heard AS is_judged,
			o.has_begun AND o.was_heard AND o.last_sign_of_life < silent_since AS is_silent
		FROM liveness_internal.liveness_last_signs o
		WHERE $2 IS NULL OR o.coordinator_id = $2
	), silent AS MATERIALIZED (
		SELECT s.coordinator_id, max(s.last_sign_of_life) AS alive_at,
			count(*) FILTER (WHERE s.is_judged) AS judged, count(*) FILTER (WHERE s.is_silent) AS silent
		FROM session s
		GROUP BY s.coordinator_id
		HAVING bool_or(s.is_silent)
	), ended AS MATERIALIZED (
		-- what it closed itself shows that it was there
		SELECT c.coordinator_id, max(least(e.disconnected_at, now())) AS alive_at,
			count(*) FILTER (WHERE e.disconnect_reason = 'observer_outage') AS lost
		FROM silent c
		JOIN @extschema@.provider_sessions e ON e.coordinator_id = c.coordinator_id AND e.disconnected_at <= ahead
			AND e.disconnected_at >= (greatest(c.alive_at, '2000-01-01 00:00+00') AT TIME ZONE 'UTC' - patience) AT TIME ZONE 'UTC'
		GROUP BY c.coordinator_id
	), coordinator AS (
		SELECT c.coordinator_id, greatest(c.alive_at, e.alive_at) AS alive_at,
			c.judged + coalesce(e.lost, 0) AS judged, c.silent + coalesce(e.lost, 0) AS silent
		FROM silent c
		LEFT JOIN ended e ON e.coordinator_id = c.coordinator_id
	), judged AS (
		SELECT s.id, s.provider_id, greatest(s.connected_at, s.last_sign_of_life) AS ended_at,
			CASE
				WHEN NOT s.has_begun OR threshold = 0 OR c.judged < 10
					OR (s.last_sign_of_life AT TIME ZONE 'UTC' + patience) AT TIME ZONE 'UTC' <= c.alive_at THEN 'stale_heartbeat'
				WHEN c.silent >= threshold * c.judged THEN 'observer_outage'
			END AS reason
		FROM session s
		LEFT JOIN coordinator c ON c.coordinator_id = s.coordinator_id
		WHERE s.is_silent OR NOT s.has_begun
	)
	SELECT array_agg(j.id), array_agg(j.provider_id), array_agg(j.ended_at), array_agg(j.reason) INTO doomed, providers, ends, reasons
	FROM judged j
	WHERE j.reason IS NOT NULL;
	PERFORM liveness_internal.liveness_lock_sessions(doomed);
	FOR part IN
		WITH closed AS (
			UPDATE @extschema@.provider_sessions s
			SET disconnected_at = j.ended_at, disconnect_reason = j.reason
			FROM unnest(doomed, providers, ends, reasons) AS j (id, provider_id, ended_at, reason)
			WHERE s.id = j.id AND s.provider_id = j.provider_id
			AND s.disconnected_at IS NULL
			-- heard of again while we waited for the row
			AND (s.connected_at > ahead OR (s.last_heartbeat_at BETWEEN silent_since AND ahead) IS NOT TRUE)
			RETURNING s.id, s.coordinator_id, s.disconnect_reason
		)
		SELECT c.coordinator_id, c.disconnect_reason = 'observer_outage' AS is_outage, array_agg(c.id) AS ids
		FROM closed c
		GROUP BY 1, 2
		ORDER BY 1, 2
	LOOP
		closed := closed + cardinality(part.ids);
		IF part.is_outage THEN
			lost := lost || part.ids;
			RAISE NOTICE 'coordinator % has fallen silent: % sessions are closed as observer_outage', quote_literal(part.coordinator_id), cardinality(part.ids);
		END IF;
	END LOOP;
	IF threshold > 0 THEN
		PERFORM liveness_internal.liveness_note_outage(lost), liveness_internal.liveness_follow_outages();
	END IF;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION liveness_close_stale(interval, text) IS 'Closes open sessions whose last sign of life is older than the timeout';
