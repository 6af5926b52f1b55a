-- Statistics say only how the work is divided.  Whatever they hold, the parts together are
-- all providers: bounds in order, none of them NULL.
CREATE FUNCTION liveness_internal.liveness_session_bounds(parts int)
RETURNS text[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT array_agg(DISTINCT b.bound) FILTER (WHERE b.bound IS NOT NULL)
	FROM (
		SELECT (SELECT min(v.provider_id)
			FROM (
				SELECT w.provider_id, sum(w.rows) OVER (ORDER BY w.provider_id) / nullif(sum(w.rows) OVER (), 0) AS until_here
				FROM (
					SELECT s.provider_id, s.rows
					FROM unnest(stats.most_common_vals::text::text[], stats.most_common_freqs) AS s (provider_id, rows)
					UNION ALL
					SELECT b.bound, (1 - coalesce((SELECT sum(f) FROM unnest(stats.most_common_freqs) AS f), 0)) / cardinality(stats.histogram_bounds::text::text[])
					FROM unnest(stats.histogram_bounds::text::text[]) AS b (bound)
				) AS w
			) AS v
			WHERE v.until_here > part / parts::float8) AS bound
		FROM (
			SELECT s.most_common_vals, s.most_common_freqs, s.histogram_bounds
			FROM pg_stats s
			WHERE s.attname = 'provider_id'
			AND (s.schemaname, s.tablename) = (SELECT n.nspname, c.relname
				FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = '@extschema@.provider_sessions'::regclass)
			ORDER BY s.inherited DESC LIMIT 1
		) AS stats, generate_series(1, parts - 1) AS part
	) AS b), '{}')
	WHERE EXISTS (
		SELECT FROM pg_index i
		WHERE i.indrelid = '@extschema@.provider_sessions'::regclass AND i.indisvalid AND i.indpred IS NULL
		AND (SELECT count(*) FILTER (WHERE a.attnum = ANY (i.indkey)) = 4 AND bool_or(a.attname = 'provider_id' AND a.attnum = i.indkey[0])
			FROM pg_attribute a WHERE a.attrelid = i.indrelid
			AND a.attname IN ('provider_id', 'connected_at', 'disconnected_at', 'disconnect_reason')));
END;
COMMENT ON FUNCTION liveness_internal.liveness_session_bounds(int) IS 'Providers that divide provider_sessions into parts of about as many sessions';
