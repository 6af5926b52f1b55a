-- What is not a member of that extension is not taken for it: anyone may name a schema so.
CREATE FUNCTION liveness_internal.liveness_hypertable(OUT is_hypertable boolean, OUT policies text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	is_hypertable := false;
	IF (
		SELECT count(*) = 2 FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'timescaledb' AND d.classid = 'pg_class'::regclass
		AND d.objid IN (to_regclass('timescaledb_information.hypertables'), to_regclass('timescaledb_information.jobs'))
	) THEN
		EXECUTE 'SELECT true, (SELECT string_agg(j.job_id::text, '', '' ORDER BY j.job_id) FROM timescaledb_information.jobs j'
			' WHERE j.proc_name = ''policy_retention'' AND j.hypertable_schema = t.hypertable_schema AND j.hypertable_name = t.hypertable_name)'
			' FROM timescaledb_information.hypertables t'
			' JOIN pg_namespace n ON n.nspname = t.hypertable_schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.hypertable_name'
			' WHERE c.oid = $1' INTO is_hypertable, policies USING '@extschema@.provider_heartbeats'::regclass;
		is_hypertable := coalesce(is_hypertable, false);
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_hypertable() IS 'Is provider_heartbeats a hypertable of TimescaleDB, and which jobs of a retention policy has it?';
