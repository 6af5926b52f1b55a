-- An outage is noted while it goes on, and with an end that is a guess.  The exclusion ends
-- where the provider is seen again, and goes on while its coordinator is away.
-- Writers may call it: it takes nothing from them.
CREATE FUNCTION liveness_internal.liveness_follow_outages()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	grace interval := liveness_internal.liveness_setting_interval('resume_within'::text);
	changed bigint;
BEGIN
	WITH running AS MATERIALIZED (
		SELECT x.id, x.provider_id, x.since, x.until, n.connected_at AS seen_at
		FROM @extschema@.provider_exclusions x
		LEFT JOIN LATERAL (
			SELECT n.connected_at
			FROM @extschema@.provider_sessions n
			WHERE n.provider_id = x.provider_id AND n.connected_at > x.since AND n.connected_at <= now()
			ORDER BY n.connected_at
			LIMIT 1
		) n ON true
		WHERE x.until > now() AND x.until <= now() + grace AND x.reason = 'observer_outage'
	), due AS MATERIALIZED (
		SELECT r.id, r.since, s.coordinator_id
		FROM running r
		CROSS JOIN LATERAL (
			SELECT s.coordinator_id, s.disconnect_reason
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = r.provider_id AND s.connected_at <= r.since
			ORDER BY s.connected_at DESC
			LIMIT 1
		) s
		WHERE r.seen_at IS NULL AND r.until < now() + grace / 2 AND s.disconnect_reason = 'observer_outage'
	), alive AS MATERIALIZED (
		SELECT o.coordinator_id, max(o.last_sign_of_life) AS at
		FROM liveness_internal.liveness_last_signs o
		WHERE o.coordinator_id IN (SELECT d.coordinator_id FROM due d)
		GROUP BY 1
		UNION ALL
		SELECT s.coordinator_id, max(s.disconnected_at)
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at > (SELECT min(d.since) FROM due d) AND s.disconnected_at <= now()
		GROUP BY 1
	)
	UPDATE @extschema@.provider_exclusions x
	SET until = coalesce(r.seen_at, now() + grace)
	FROM running r
	LEFT JOIN due d ON d.id = r.id
	WHERE x.id = r.id AND x.until = r.until
	AND (r.seen_at IS NOT NULL
		OR (d.id IS NOT NULL AND NOT EXISTS (SELECT FROM alive a WHERE a.coordinator_id = d.coordinator_id AND a.at > d.since)));
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_follow_outages() IS 'Ends exclusions of an outage where the provider is back, prolongs those of one that goes on';
