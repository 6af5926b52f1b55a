-- A job outlives the extension, and others may make a schema and a procedure of that name
-- then: only a member of the extension is called.  The lock keeps the extension from being
-- dropped between the check and the call.
CREATE FUNCTION liveness_internal.liveness_cron_jobs()
RETURNS TABLE (name text, schedule text, command text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'liveness ' || j.job, j.schedule,
		'DO $$BEGIN IF pg_catalog.to_regclass(''liveness_internal.liveness_granted_role'') IS NULL THEN RETURN; END IF;'
		' LOCK TABLE liveness_internal.liveness_granted_role IN ACCESS SHARE MODE;'
		' IF 2 OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON d.refobjid OPERATOR(pg_catalog.=) e.oid'
		' WHERE e.extname OPERATOR(pg_catalog.=) ''liveness''::pg_catalog.name AND d.deptype OPERATOR(pg_catalog.=) ''e''::pg_catalog."char"'
		' AND d.refclassid OPERATOR(pg_catalog.=) ''pg_catalog.pg_extension''::pg_catalog.regclass::pg_catalog.oid'
		' AND (d.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid'
		' AND d.objid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(''liveness_internal.liveness_granted_role'')::pg_catalog.oid'
		' OR d.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_proc''::pg_catalog.regclass::pg_catalog.oid'
		' AND d.objid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure(''liveness_internal.liveness_run(pg_catalog.text, pg_catalog.interval, pg_catalog.int4)'')::pg_catalog.oid))'
		' THEN ' || j.condition || 'CALL liveness_internal.liveness_run(' || quote_literal(j.job) || '::pg_catalog.text, NULL::pg_catalog.interval, NULL::pg_catalog.int4); ' || CASE j.condition WHEN '' THEN '' ELSE 'END IF; ' END || 'END IF; END$$'
	FROM (VALUES ('features', '*/5 * * * *', ''), ('hourly', '*/5 * * * *', ''), ('retention', '17 * * * *', ''),
		('sessions', '* * * * *', 'IF liveness_internal.liveness_wants_sessions() THEN ')) j (job, schedule, condition);
END;
COMMENT ON FUNCTION liveness_internal.liveness_cron_jobs() IS 'What pg_cron is to run, and when';
