DO LANGUAGE plpgsql $do$
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	EXECUTE (
		SELECT string_agg(DISTINCT format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', p.object), '; ')
		FROM liveness_internal.liveness_privileges p
		WHERE p.kind = 'ROUTINE'
	);
	EXECUTE (
		SELECT string_agg(format('GRANT %s ON %s %s TO pg_monitor', p.privileges, p.kind, p.object), '; ')
		FROM liveness_internal.liveness_privileges p
		WHERE 'pg_monitor' = ANY (p.roles)
	);
END
$do$;
