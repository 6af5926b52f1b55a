CREATE FUNCTION liveness_heatmap(provider_id text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN GROUPING(m.day) = 1 THEN 'UTC 0  3  6  9  12 15 18 21'
		ELSE (ARRAY['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])[m.day + 1] || ' ' ||
			pg_catalog.string_agg(
				CASE WHEN m.availability IS NULL THEN '?'
					ELSE pg_catalog.substr(s.shades, 1 + pg_catalog.ceil(4::float8 * m.availability)::int, 1)
				END, '' ORDER BY m.hour)
		END
	FROM @extschema@.provider_availability_matrix m
	CROSS JOIN (
		SELECT CASE WHEN pg_catalog.getdatabaseencoding() = 'UTF8'::name
			THEN pg_catalog.convert_from(pg_catalog.decode('c2b7e29691e29692e29693e29688', 'hex'), 'UTF8')
			ELSE '.-+*#' END AS shades
	) s
	WHERE m.provider_id = $1
	-- the heading is the group of all days
	GROUP BY GROUPING SETS ((s.shades, m.day), (s.shades))
	ORDER BY GROUPING(m.day) DESC, m.day;
END;
COMMENT ON FUNCTION liveness_heatmap(text) IS 'Availability of a provider by hour of the week, UTC: a heading, a line a day, a character an hour';
