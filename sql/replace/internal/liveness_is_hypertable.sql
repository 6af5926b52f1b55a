-- What is not a member of that extension is not taken for it: anyone may name a schema so.
CREATE FUNCTION liveness_internal.liveness_is_hypertable()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found boolean := false;
BEGIN
	IF EXISTS (
		SELECT FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'timescaledb' AND d.classid = 'pg_class'::regclass
		AND d.objid = to_regclass('timescaledb_information.hypertables')
	) THEN
		EXECUTE 'SELECT EXISTS (SELECT FROM timescaledb_information.hypertables t'
			' JOIN pg_namespace n ON n.nspname = t.hypertable_schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.hypertable_name'
			' WHERE c.oid = $1)' INTO found USING '@extschema@.provider_heartbeats'::regclass;
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_is_hypertable() IS 'Is provider_heartbeats a hypertable of TimescaleDB?';
