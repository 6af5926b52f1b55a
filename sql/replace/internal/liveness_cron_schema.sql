-- The schema of pg_cron, once it is certain that its jobs would run here.  What it
-- takes elsewhere is said in full: nobody should have to put it together.
CREATE FUNCTION liveness_internal.liveness_cron_schema()
RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schedule constant text := 'SELECT @extschema@.liveness_schedule();';
	cron_schema name;
	cron_database text;
	in_database text;
BEGIN
	-- known without pg_cron if configured, but not listed; not for everybody with it
	BEGIN
		PERFORM current_setting('cron.database_name', true);
		SELECT g.setting INTO cron_database FROM pg_settings g WHERE g.name = 'cron.database_name';
	EXCEPTION WHEN insufficient_privilege THEN
		cron_database := current_database();
	END;
	IF cron_database IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'pg_cron is not loaded',
			DETAIL = 'Without it the liveness worker can run the jobs: liveness.scheduler = ''worker''.',
			HINT = format(E'In postgresql.conf add pg_cron to shared_preload_libraries and set cron.database_name = %L, restart the server, and run here:\nCREATE EXTENSION pg_cron;\n%s',
				current_database(), schedule);
	END IF;
	IF cron_database <> current_database() THEN
		SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L);',
				j.name || ' in ' || current_database(), j.schedule, j.command, current_database()), E'\n')
		INTO in_database
		FROM liveness_internal.liveness_cron_jobs() j
		WHERE j.name <> 'liveness sessions' OR liveness_internal.liveness_wants_sessions();
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('pg_cron runs in database %I, not in this one', cron_database),
			HINT = format(E'Connect to database %I, and run:\n%s', cron_database, in_database);
	END IF;

	-- the schema that its functions are in: the extension's own is pg_catalog
	SELECT n.nspname INTO cron_schema
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_proc p ON p.oid = d.objid AND p.proname = 'schedule'
	JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE e.extname = 'pg_cron'
	LIMIT 1;
	IF cron_schema IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'the extension pg_cron is not installed in this database',
			HINT = format(E'Run here, if this is the database of cron.database_name:\nCREATE EXTENSION pg_cron;\n%s', schedule);
	END IF;
	RETURN cron_schema;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_cron_schema() IS 'The schema of the functions of pg_cron in this database';
