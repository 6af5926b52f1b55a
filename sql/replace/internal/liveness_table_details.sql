-- Not a parsed body: columns of catalogs come and go, and pg_upgrade would fail at them.
CREATE FUNCTION liveness_internal.liveness_table_details()
RETURNS SETOF liveness_internal.liveness_dump_known
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH tab AS (
		SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name, format('ALTER TABLE %I.%I ', n.nspname, c.relname) AS alter
		FROM pg_depend d
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
		JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	), col AS (
		SELECT t.name, a.*, format_type(a.atttypid, a.atttypmod)
				|| CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS type,
			pg_get_expr(f.adbin, f.adrelid) AS expression, y.typstorage, t.alter, format('%sALTER COLUMN %I ', t.alter, a.attname) AS alter_column
		FROM tab t
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type y ON y.oid = a.atttypid
		LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
	), ind AS (
		SELECT t.name, t.alter, i.*, c.relname, format('%I.%I', n.nspname, c.relname) AS index_name,
			EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS of_constraint
		FROM tab t
		JOIN pg_index i ON i.indrelid = t.oid AND i.indisvalid
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace
	), storage (storage, name) AS (
		VALUES ('p'::"char", 'PLAIN'), ('e', 'EXTERNAL'), ('m', 'MAIN'), ('x', 'EXTENDED')
	), detail (relation, phase, rank, statement, undo) AS (
		SELECT name, 'pre-data', attnum - 10000, format('%sADD COLUMN IF NOT EXISTS %I %s', alter, attname, type)
				|| CASE WHEN attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) STORED', expression)
					WHEN attidentity <> '' THEN format(' GENERATED %s AS IDENTITY', CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
					ELSE '' END,
			format('%sDROP COLUMN IF EXISTS %I', alter, attname)
		FROM col
		UNION ALL
		SELECT name, 'pre-data', 2, alter_column || 'SET NOT NULL', alter_column || 'DROP NOT NULL' FROM col WHERE attnotnull
		UNION ALL
		SELECT name, 'pre-data', 2, alter_column || 'SET DEFAULT ' || expression, alter_column || 'DROP DEFAULT' FROM col
		WHERE expression IS NOT NULL AND attgenerated = ''
		UNION ALL
		SELECT name, 'post-data', 1, alter_column || 'SET STATISTICS ' || attstattarget, alter_column || 'SET STATISTICS -1' FROM col WHERE attstattarget >= 0
		UNION ALL
		SELECT c.name, 'post-data', 1, c.alter_column || 'SET STORAGE ' || s.name, c.alter_column || 'SET STORAGE ' || o.name
		FROM col c JOIN storage s ON s.storage = c.attstorage JOIN storage o ON o.storage = c.typstorage
		WHERE c.attstorage <> c.typstorage
		UNION ALL
		SELECT name, 'post-data', 1, alter_column || 'SET COMPRESSION ' || CASE attcompression WHEN 'p' THEN 'pglz' ELSE 'lz4' END, alter_column || 'SET COMPRESSION DEFAULT'
		FROM col WHERE attcompression <> ''
		UNION ALL
		SELECT c.name, 'post-data', 1, c.alter_column || format('SET (%I = %s)', o.option_name, o.option_value), c.alter_column || format('RESET (%I)', o.option_name)
		FROM col c CROSS JOIN LATERAL pg_options_to_table(c.attoptions) o
		WHERE o.option_name ~ '^n_distinct'
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET (%I = %L)', o.option_name, o.option_value), t.alter || format('RESET (%I)', o.option_name)
		FROM tab t CROSS JOIN LATERAL pg_options_to_table(t.reloptions) o
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET (toast.%I = %L)', o.option_name, o.option_value), t.alter || format('RESET (toast.%I)', o.option_name)
		FROM tab t JOIN pg_class c ON c.oid = t.reltoastrelid CROSS JOIN LATERAL pg_options_to_table(c.reloptions) o
		UNION ALL
		SELECT name, 'post-data', 2, alter || 'SET UNLOGGED', alter || 'SET LOGGED' FROM tab WHERE relpersistence = 'u'
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET TABLESPACE %I', s.spcname), t.alter || 'SET TABLESPACE pg_default'
		FROM tab t JOIN pg_tablespace s ON s.oid = t.reltablespace
		UNION ALL
		SELECT name, 'post-data', 2, alter || format('OWNER TO %I', pg_get_userbyid(relowner)), alter || 'OWNER TO CURRENT_USER' FROM tab
		UNION ALL
		SELECT t.name, 'post-data', CASE k.contype WHEN 'f' THEN 5 ELSE 3 END, t.alter || format('ADD CONSTRAINT %I ', k.conname) || pg_get_constraintdef(k.oid),
			t.alter || format('DROP CONSTRAINT IF EXISTS %I', k.conname)
		FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
		UNION ALL
		SELECT name, 'post-data', 4, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), 'DROP INDEX IF EXISTS ' || index_name FROM ind WHERE NOT of_constraint
		UNION ALL
		SELECT i.name, 'post-data', 5, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', i.index_name, a.attnum, a.attstattarget),
			format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', i.index_name, a.attnum)
		FROM ind i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attstattarget >= 0
		UNION ALL
		SELECT name, 'post-data', 6, alter || format('CLUSTER ON %I', relname), alter || 'SET WITHOUT CLUSTER' FROM ind WHERE indisclustered
		UNION ALL
		SELECT t.name, 'post-data', 6, t.alter || 'REPLICA IDENTITY ' || CASE t.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
				ELSE (SELECT format('USING INDEX %I', i.relname) FROM ind i WHERE i.indrelid = t.oid AND i.indisreplident) END,
			t.alter || 'REPLICA IDENTITY DEFAULT'
		FROM tab t WHERE t.relreplident <> 'd'
		UNION ALL
		SELECT t.name, 'post-data', 6, pg_get_statisticsobjdef(x.oid), format('DROP STATISTICS IF EXISTS %I.%I', n.nspname, x.stxname)
		FROM tab t JOIN pg_statistic_ext x ON x.stxrelid = t.oid JOIN pg_namespace n ON n.oid = x.stxnamespace
		UNION ALL
		SELECT t.name, 'post-data', 7, format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, x.stxname, x.stxstattarget),
			format('ALTER STATISTICS %I.%I SET STATISTICS -1', n.nspname, x.stxname)
		FROM tab t JOIN pg_statistic_ext x ON x.stxrelid = t.oid AND x.stxstattarget >= 0 JOIN pg_namespace n ON n.oid = x.stxnamespace
		UNION ALL
		SELECT t.name, 'post-data', 7, pg_get_triggerdef(g.oid), format('DROP TRIGGER IF EXISTS %I ON %s', g.tgname, t.name)
		FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
		UNION ALL
		SELECT t.name, 'post-data', 8, t.alter || format('%s TRIGGER %I', CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname),
			t.alter || format('ENABLE TRIGGER %I', g.tgname)
		FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'O'
		UNION ALL
		SELECT t.name, 'post-data', 7, rtrim(pg_get_ruledef(r.oid), ';'), format('DROP RULE IF EXISTS %I ON %s', r.rulename, t.name)
		FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid
		UNION ALL
		SELECT t.name, 'post-data', 8, t.alter || format('%s RULE %I', CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, r.rulename),
			t.alter || format('ENABLE RULE %I', r.rulename)
		FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid AND r.ev_enabled <> 'O'
		UNION ALL
		SELECT t.name, 'post-data', 7, format('CREATE POLICY %I ON %s%s FOR %s TO %s%s%s', p.polname, t.name, CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END,
				CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
				(SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ') FROM unnest(p.polroles) r),
				' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
			format('DROP POLICY IF EXISTS %I ON %s', p.polname, t.name)
		FROM tab t JOIN pg_policy p ON p.polrelid = t.oid
		UNION ALL
		SELECT name, 'post-data', 8, alter || 'ENABLE ROW LEVEL SECURITY', alter || 'DISABLE ROW LEVEL SECURITY' FROM tab WHERE relrowsecurity
		UNION ALL
		SELECT name, 'post-data', 8, alter || 'FORCE ROW LEVEL SECURITY', alter || 'NO FORCE ROW LEVEL SECURITY' FROM tab WHERE relforcerowsecurity
		UNION ALL
		-- columns and filter of these from 15 on
		SELECT t.name, 'post-data', 8, format('ALTER PUBLICATION %I ADD TABLE %s%s%s', b.pubname, t.name,
				CASE WHEN jsonb_array_length(v.detail -> 'attnames') < (SELECT count(*) FROM col c WHERE c.attrelid = t.oid)
					THEN (SELECT ' (' || string_agg(quote_ident(c), ', ') || ')' FROM jsonb_array_elements_text(v.detail -> 'attnames') c) END,
				' WHERE (' || (v.detail ->> 'rowfilter') || ')'),
			format('ALTER PUBLICATION %I DROP TABLE %s', b.pubname, t.name)
		FROM tab t
		JOIN pg_publication_rel r ON r.prrelid = t.oid
		JOIN pg_publication b ON b.oid = r.prpubid
		LEFT JOIN (SELECT p.pubname, format('%I.%I', p.schemaname, p.tablename) AS name, to_jsonb(p) AS detail FROM pg_publication_tables p) v
			ON v.pubname = b.pubname AND v.name = t.name
		UNION ALL
		SELECT m.relation, 'post-data', 9, format('COMMENT ON %s IS %L', m.object, m.comment), format('COMMENT ON %s IS NULL', m.object)
		FROM (
			SELECT name AS relation, 'TABLE ' || name AS object, obj_description(oid, 'pg_class') AS comment FROM tab
			UNION ALL SELECT name, format('COLUMN %s.%I', name, attname), col_description(attrelid, attnum) FROM col
			UNION ALL SELECT name, 'INDEX ' || index_name, obj_description(indexrelid, 'pg_class') FROM ind
			UNION ALL SELECT t.name, format('CONSTRAINT %I ON %s', k.conname, t.name), obj_description(k.oid, 'pg_constraint') FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid
			UNION ALL SELECT t.name, format('TRIGGER %I ON %s', g.tgname, t.name), obj_description(g.oid, 'pg_trigger') FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid
			UNION ALL SELECT t.name, format('POLICY %I ON %s', p.polname, t.name), obj_description(p.oid, 'pg_policy') FROM tab t JOIN pg_policy p ON p.polrelid = t.oid
			UNION ALL SELECT t.name, format('RULE %I ON %s', r.rulename, t.name), obj_description(r.oid, 'pg_rewrite') FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid
		) m
		WHERE m.comment IS NOT NULL
	)
	SELECT d.relation, d.phase, d.rank, d.statement, d.undo FROM detail d;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_table_details() IS 'What the extension''s tables have beside rows and privileges, as SQL that makes it';
