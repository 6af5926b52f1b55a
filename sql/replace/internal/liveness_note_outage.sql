-- Writers may call it, with the rights of the extension's owner.  So it takes no time and no
-- provider from them: it notes what the sessions show.  Excluded is the time from the last
-- that the coordinator was seen until the provider is seen again, and no part of another
-- session that is known.  Nothing is noted for a session that ended long before the
-- coordinator was seen last, while the coordinator is there, or a second time.
CREATE FUNCTION liveness_internal.liveness_note_outage(session_ids bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	patience interval := liveness_internal.liveness_setting_interval('session_timeout'::text);
	grace interval := coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0');
	noted bigint;
BEGIN
	IF coalesce(cardinality(session_ids), 0) = 0 THEN
		RETURN 0;
	END IF;
	-- joins where a look-up for each row would do: Citus has no others
	WITH ended AS MATERIALIZED (
		SELECT s.id, s.provider_id, s.coordinator_id, s.connected_at, s.disconnected_at, s.disconnect_reason
		FROM @extschema@.provider_sessions s
		WHERE s.id = ANY (session_ids) AND s.disconnected_at <= now()
	), known AS MATERIALIZED (
		SELECT e.coordinator_id, max(e.disconnected_at) AS alive_at FROM ended e GROUP BY e.coordinator_id
	), closing AS MATERIALIZED (
		SELECT k.coordinator_id, max(least(s.disconnected_at, now())) AS alive_at
		FROM known k
		JOIN @extschema@.provider_sessions s ON s.coordinator_id = k.coordinator_id
			AND s.disconnected_at > k.alive_at AND s.disconnected_at <= now() + patience
		GROUP BY k.coordinator_id
	), hearing AS MATERIALIZED (
		SELECT o.coordinator_id, max(o.last_sign_of_life) AS alive_at
		FROM liveness_internal.liveness_last_signs o
		WHERE o.coordinator_id IN (SELECT k.coordinator_id FROM known k)
		GROUP BY o.coordinator_id
	), coordinator AS MATERIALIZED (
		SELECT k.coordinator_id, greatest(k.alive_at, c.alive_at, h.alive_at) AS alive_at
		FROM known k
		LEFT JOIN closing c ON c.coordinator_id = k.coordinator_id
		LEFT JOIN hearing h ON h.coordinator_id = k.coordinator_id
	), elsewhere AS MATERIALIZED (
		-- sessions that go on when the coordinator is seen last
		SELECT s.provider_id, s.connected_at, coalesce(s.disconnected_at, 'infinity') AS ended_at
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at >= (SELECT min(c.alive_at) FROM coordinator c)
		AND NOT EXISTS (SELECT 1 FROM ended e WHERE e.id = s.id)
		UNION ALL
		SELECT s.provider_id, s.connected_at, 'infinity' FROM @extschema@.provider_sessions s WHERE s.disconnected_at IS NULL
	), back AS MATERIALIZED (
		SELECT e.id, min(s.connected_at) AS at
		FROM ended e
		JOIN @extschema@.provider_sessions s ON s.provider_id = e.provider_id AND s.connected_at > e.connected_at
		GROUP BY e.id
	), outage AS MATERIALIZED (
		SELECT DISTINCT e.provider_id, c.alive_at AS since, least(now() + grace, b.at) AS until
		FROM ended e
		JOIN coordinator c ON c.coordinator_id = e.coordinator_id
		LEFT JOIN back b ON b.id = e.id
		WHERE isfinite(c.alive_at)
		AND extract(epoch FROM c.alive_at) - extract(epoch FROM e.disconnected_at) <= extract(epoch FROM CASE
			WHEN e.disconnect_reason = 'observer_outage' THEN greatest(patience, now() - c.alive_at)
			WHEN c.alive_at < now() - grace THEN patience
		END)
		AND NOT EXISTS (SELECT 1 FROM elsewhere s WHERE s.provider_id = e.provider_id AND s.connected_at <= e.connected_at AND s.ended_at >= c.alive_at)
	)
	INSERT INTO @extschema@.provider_exclusions (provider_id, since, until, reason)
	SELECT o.provider_id, o.since, o.until, 'observer_outage'
	FROM outage o
	WHERE o.since < o.until
	AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_exclusions x
		WHERE x.provider_id = o.provider_id AND x.since = o.since AND x.reason = 'observer_outage');
	GET DIAGNOSTICS noted = ROW_COUNT;
	RETURN noted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_note_outage(bigint[]) IS 'Excludes the time in which the coordinator of these closed sessions was away; returns exclusions';
