-- What was changed, or taken away, is taken away first; but never a column, with its values.
CREATE FUNCTION liveness_dump_extras(section text DEFAULT NULL)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT section = ANY (ARRAY['pre-data', 'post-data']) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no section %L', section),
			HINT = 'Give pre-data (what COPY needs), post-data (the rest), or NULL for both.';
	END IF;
	RETURN QUERY
		WITH detail AS MATERIALIZED (
			SELECT d.* FROM liveness_internal.liveness_table_details() d
		), changed AS (
			SELECT d.phase, d.rank, 2 AS step, d.statement
			FROM detail d
			WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_dump_known k WHERE k.statement = d.statement)
			UNION ALL
			SELECT k.phase, k.rank, 1, k.undo
			FROM liveness_internal.liveness_dump_known k
			WHERE NOT EXISTS (SELECT FROM detail d WHERE d.statement = k.statement)
			AND k.rank > 0
			-- went with what they are about
			AND NOT k.undo ~ '^COMMENT ON (INDEX|CONSTRAINT) '
			-- storage parameters are those of partitions
			AND NOT (k.rank = 2 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass(k.relation) AND c.relkind = 'p'))
		)
		SELECT c.statement || ';'
		FROM changed c
		WHERE c.phase = liveness_dump_extras.section OR liveness_dump_extras.section IS NULL
		ORDER BY c.phase DESC, c.rank, c.step, c.statement;
END
$$;
COMMENT ON FUNCTION liveness_dump_extras(text) IS 'SQL for what pg_dump leaves out of the extension''s tables';
