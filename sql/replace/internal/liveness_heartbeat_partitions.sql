-- PostgreSQL's own partitions, or TimescaleDB's chunks, if there are any.  What is not
-- a member of that extension is not taken for it: anyone may name a schema so.
CREATE FUNCTION liveness_internal.liveness_heartbeat_partitions(OUT partition regclass, OUT since timestamptz, OUT until timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO'
AS $$
BEGIN
	RETURN QUERY
		SELECT b.partition::regclass,
			CASE b.bounds[1] WHEN 'MINVALUE' THEN '-infinity' ELSE btrim(b.bounds[1], '''') END::timestamptz,
			CASE b.bounds[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE btrim(b.bounds[2], '''') END::timestamptz
		FROM (
			SELECT c.oid AS partition,
				regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(](.*)[)] TO [(](.*)[)]$') AS bounds
			FROM pg_partitioned_table t
			JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attname = 'at'
			JOIN pg_inherits i ON i.inhparent = t.partrelid
			JOIN pg_class c ON c.oid = i.inhrelid
			WHERE t.partrelid = '@extschema@.provider_heartbeats'::regclass
			AND t.partstrat = 'r' AND t.partattrs::text = a.attnum::text AND NOT i.inhdetachpending
		) b
		WHERE b.bounds IS NOT NULL;
	IF EXISTS (
		SELECT FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'timescaledb' AND d.classid = 'pg_class'::regclass
		AND d.objid = to_regclass('timescaledb_information.chunks')
	) THEN
		RETURN QUERY EXECUTE 'SELECT format(''%I.%I'', c.chunk_schema, c.chunk_name)::regclass, c.range_start, c.range_end'
			' FROM timescaledb_information.chunks c JOIN pg_class r ON r.relname = c.hypertable_name'
			' JOIN pg_namespace n ON n.oid = r.relnamespace AND n.nspname = c.hypertable_schema WHERE r.oid = $1'
			USING '@extschema@.provider_heartbeats'::regclass;
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_heartbeat_partitions() IS 'Partitions of provider_heartbeats, or chunks of TimescaleDB, and what they hold';
