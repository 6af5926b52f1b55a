-- range_agg is never asked for a range that ends before it begins, which would be an error.
CREATE VIEW liveness_internal.liveness_excluded AS
	SELECT e.provider_id,
		range_agg(tstzrange(e.since, e.until)) + coalesce((
			SELECT range_agg(tstzrange(a.since, a.until))
			FROM provider_exclusions a
			WHERE a.provider_id IS NULL AND (a.until IS NULL OR a.until > a.since)
		), '{}') AS excluded
	FROM provider_exclusions e
	WHERE e.until IS NULL OR e.until > e.since
	GROUP BY e.provider_id;
COMMENT ON VIEW liveness_internal.liveness_excluded IS 'Excluded time of each provider that has any of its own, and of all others';
COMMENT ON COLUMN liveness_internal.liveness_excluded.provider_id IS 'The machine; NULL: any that has no row';
COMMENT ON COLUMN liveness_internal.liveness_excluded.excluded IS 'Union of its exclusions and of those of everybody';
