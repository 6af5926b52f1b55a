-- A function or operator that stands in our schema and fits better than the one we
-- mean would be called in its place.  Nothing of ours that is new has run yet.  The tables are
-- not asked: their defaults and indexes leave no choice, and a site may have added its own.
DO LANGUAGE plpgsql $do$
DECLARE
	strangers text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	WITH members AS (
		SELECT d.classid, d.objid
		FROM pg_depend d
		JOIN pg_extension e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'liveness'
	), ours AS (
		-- with what belongs to them: rules of views, row types
		SELECT m.classid, m.objid FROM members m
		UNION
		SELECT d.classid, d.objid
		FROM members m
		JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid
		WHERE d.deptype = 'i'
	)
	SELECT string_agg(DISTINCT pg_describe_object(d.refclassid, d.refobjid, 0), ', ')
	INTO strangers
	FROM ours o
	JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
	WHERE d.classid <> 'pg_class'::regclass
	AND d.refclassid IN ('pg_class'::regclass, 'pg_operator'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
	AND d.refobjid >= 16384
	AND (d.refclassid, d.refobjid) NOT IN (SELECT o.classid, o.objid FROM ours o);
	IF strangers IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_object',
			MESSAGE = format('schema %s holds what would take the place of objects of PostgreSQL or of liveness: %s', '@extschema@', strangers),
			HINT = 'Create the extension in another schema, in which nobody else may create objects.';
	END IF;
END
$do$;
