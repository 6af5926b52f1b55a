-- LIKE leaves out the settings of a table and of its columns, and lets in whom default
-- privileges name.
CREATE FUNCTION liveness_internal.liveness_make_like(template regclass, name text, partitioned boolean)
RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	EXECUTE (
		SELECT format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION%s)%s%s', name, template,
			CASE WHEN partitioned THEN ' INCLUDING COMMENTS) PARTITION BY RANGE (at' END,
			CASE WHEN NOT partitioned THEN concat(' USING ' || quote_ident(m.amname), ' WITH (' || array_to_string(nullif(array_cat(c.reloptions,
				(SELECT array_agg('toast.' || o) FROM unnest(t.reloptions) o)), '{}'), ', ') || ')') END,
			' TABLESPACE ' || quote_ident(b.spcname))
		FROM pg_class c
		LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
		LEFT JOIN pg_am m ON m.oid = c.relam
		LEFT JOIN pg_tablespace b ON b.oid = c.reltablespace
		WHERE c.oid = template);
	FOR statement IN
		SELECT format('ALTER TABLE %s OWNER TO %I', name, pg_get_userbyid(c.relowner)) FROM pg_class c WHERE c.oid = template
		UNION ALL
		SELECT format('REVOKE ALL ON %s FROM %s', name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
		WHERE c.oid = name::regclass AND a.grantee <> c.relowner
		UNION ALL
		SELECT format('ALTER TABLE %s ALTER COLUMN %I SET %s', name, a.attname, s.setting)
		FROM pg_attribute a
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END),
			((SELECT '(' || string_agg(o, ', ') || ')' FROM unnest(a.attoptions) o WHERE o LIKE 'n_distinct%'))) s (setting)
		WHERE a.attrelid = template AND a.attnum > 0 AND NOT a.attisdropped AND s.setting IS NOT NULL
	LOOP
		EXECUTE statement;
	END LOOP;
	RETURN name::regclass;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_make_like(regclass, text, boolean) IS 'Makes a table like another, without its indexes and privileges';
