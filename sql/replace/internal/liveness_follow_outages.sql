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
	ids bigint[];
	providers text[];
	starts timestamptz[];
	ends timestamptz[];
	new_ends timestamptz[];
	changed bigint;
BEGIN
	SELECT array_agg(x.id), array_agg(x.provider_id), array_agg(x.since), array_agg(x.until)
	INTO ids, providers, starts, ends
	FROM @extschema@.provider_exclusions x
	WHERE x.until > now() AND x.until <= now() + grace AND x.reason = 'observer_outage';
	IF ids IS NOT NULL THEN
		WITH seen AS MATERIALIZED (
			SELECT r.id, min(s.connected_at) AS at
			FROM unnest(ids, providers, starts) r (id, provider_id, since)
			JOIN @extschema@.provider_sessions s ON s.provider_id = r.provider_id AND s.connected_at > r.since AND s.connected_at <= now()
			GROUP BY r.id
		), running AS MATERIALIZED (
			SELECT r.id, r.provider_id, r.since, r.until, n.at AS seen_at
			FROM unnest(ids, providers, starts, ends) r (id, provider_id, since, until)
			LEFT JOIN seen n ON n.id = r.id
		), due AS MATERIALIZED (
			SELECT r.id, r.since, s.coordinator_id
			FROM running r
			CROSS JOIN LATERAL liveness_internal.liveness_session_before(r.provider_id, r.since) s
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
		SELECT array_agg(r.id), array_agg(r.until), array_agg(coalesce(r.seen_at, now() + grace))
		INTO ids, ends, new_ends
		FROM running r
		LEFT JOIN due d ON d.id = r.id
		WHERE r.seen_at IS NOT NULL
		OR (d.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alive a WHERE a.coordinator_id = d.coordinator_id AND a.at > d.since));
	END IF;
	UPDATE @extschema@.provider_exclusions x
	SET until = r.new_until
	FROM unnest(ids, ends, new_ends) r (id, until, new_until)
	WHERE x.id = r.id AND x.until = r.until;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_follow_outages() IS 'Ends exclusions of an outage where the provider is back, prolongs those of one that goes on';
