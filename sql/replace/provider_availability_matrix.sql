-- CASE, not WHERE: only it keeps the function from being called on anything else.
-- Anyone may have written anything into the column: a share outside 0..1 is clamped.
CREATE VIEW provider_availability_matrix AS
	SELECT f.provider_id,
		((c.cell - 1) / 24)::int AS day,
		((c.cell - 1) % 24)::int AS hour,
		CASE WHEN jsonb_typeof(c.share) = 'number' THEN round(least(greatest(c.share::numeric, 0), 1), 15)::float8 END AS availability
	FROM provider_reliability_features f
	CROSS JOIN LATERAL jsonb_array_elements(
		CASE WHEN jsonb_typeof(f.hourly_availability) = 'array'
			THEN CASE WHEN jsonb_array_length(f.hourly_availability) = 168
				THEN f.hourly_availability ELSE '[]' END
			ELSE '[]' END
	) WITH ORDINALITY AS c (share, cell);
COMMENT ON VIEW provider_availability_matrix IS 'hourly_availability, a row for each cell; no row where there is no matrix';
COMMENT ON COLUMN provider_availability_matrix.provider_id IS 'The machine';
COMMENT ON COLUMN provider_availability_matrix.day IS 'Day of the week, UTC, 0 to 6, 0 = Sunday';
COMMENT ON COLUMN provider_availability_matrix.hour IS 'Hour of the day, UTC, 0 to 23';
COMMENT ON COLUMN provider_availability_matrix.availability IS 'Share of that hour spent online, 0 to 1; NULL: nothing of it is left in the window';
