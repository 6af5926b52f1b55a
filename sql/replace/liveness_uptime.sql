-- One pass over the sessions of the span, which ends by now(), and over those that a spell
-- may bridge to, so that the parts of a span add up.  Gaps are those between spells; what
-- an exclusion cuts out of one makes no two of it.
CREATE FUNCTION liveness_uptime(since timestamptz, until timestamptz, provider_id text DEFAULT NULL)
RETURNS SETOF liveness_uptime_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT s.provider_id,
			liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at <= least($2, now()) + coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0')
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= $1 - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0'))
		AND ($3 IS NULL OR s.provider_id = $3)
		GROUP BY s.provider_id
	), excluded AS MATERIALIZED (
		SELECT x.provider_id, range_agg(tstzrange(x.since, x.until)) AS spans
		FROM @extschema@.provider_exclusions x
		WHERE x.since < least($2, now()) AND (x.until IS NULL OR x.until > greatest(x.since, $1))
		AND ($3 IS NULL OR x.provider_id = $3 OR x.provider_id IS NULL)
		GROUP BY x.provider_id
	), known AS (
		-- with those that were away all the time
		SELECT h.provider_id FROM history h
		UNION
		SELECT f.provider_id
		FROM @extschema@.provider_reliability_features f
		WHERE $3 IS NULL OR f.provider_id = $3
	), seen AS (
		SELECT k.provider_id, greatest($1, e.at) AS since
		FROM known k
		CROSS JOIN LATERAL (
			SELECT min(s.connected_at) AS at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = k.provider_id
			GROUP BY s.provider_id
		) e
		WHERE e.at IS NOT NULL AND greatest($1, e.at) < least($2, now())
	), everybody AS (
		SELECT a.spans FROM excluded a WHERE a.provider_id IS NULL
	)
	SELECT u.provider_id, u.online, u.observed, u.uptime_pct, u.outages, u.longest_outage
	FROM seen n
	LEFT JOIN history h ON h.provider_id = n.provider_id
	LEFT JOIN excluded x ON x.provider_id = n.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_span_uptime(n.since, least($2, now()), n.provider_id, h.sessions, now(),
		coalesce(x.spans + (SELECT a.spans FROM everybody a), x.spans, (SELECT a.spans FROM everybody a))) u
	WHERE liveness_internal.liveness_check_span($1, $2)
	ORDER BY u.provider_id;
END;
COMMENT ON FUNCTION liveness_uptime(timestamptz, timestamptz, text) IS 'Uptime and outages of each provider, or of one, in any span of time';
