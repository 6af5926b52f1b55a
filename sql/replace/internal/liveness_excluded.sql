-- A join with one row where a subquery would do: parallel plans take joins only.
-- tstzrange is never asked for a range that ends before it begins, which would be an error.
CREATE VIEW liveness_internal.liveness_excluded AS
	SELECT e.provider_id, e.own + coalesce(a.excluded, '{}') AS excluded
	FROM (
		SELECT x.provider_id, range_agg(tstzrange(x.since, x.until)) AS own
		FROM provider_exclusions x
		WHERE x.until IS NULL OR x.until > x.since
		GROUP BY x.provider_id
	) e
	CROSS JOIN (
		SELECT range_agg(tstzrange(x.since, x.until)) AS excluded
		FROM provider_exclusions x
		WHERE x.provider_id IS NULL AND (x.until IS NULL OR x.until > x.since)
	) a;
COMMENT ON VIEW liveness_internal.liveness_excluded IS 'Excluded time of each provider that has any of its own, and of all others';
COMMENT ON COLUMN liveness_internal.liveness_excluded.provider_id IS 'The machine; NULL: any that has no row';
COMMENT ON COLUMN liveness_internal.liveness_excluded.excluded IS 'Union of its exclusions and of those of everybody';
