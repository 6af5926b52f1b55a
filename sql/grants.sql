-- What a script of ours has granted or revoked before stays: another GRANT or REVOKE would
-- make what the site has granted since then the extension's own, which pg_dump leaves out.
DO LANGUAGE plpgsql $do$
DECLARE
	statement text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	FOR statement IN
		WITH fresh AS (
			SELECT p.kind, p.object, p.privileges, p.roles
			FROM liveness_internal.liveness_privileges p
			CROSS JOIN LATERAL (
				SELECT CASE p.kind WHEN 'ROUTINE' THEN 'pg_proc'::regclass ELSE 'pg_class'::regclass END AS classid,
					CASE p.kind WHEN 'ROUTINE' THEN p.object::regprocedure::oid ELSE p.object::regclass::oid END AS objid
			) o
			WHERE NOT EXISTS (SELECT FROM pg_init_privs i WHERE i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = 0)
		)
		SELECT s.statement
		FROM (
			SELECT DISTINCT 1 AS step, format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.object) AS statement FROM fresh f WHERE f.kind = 'ROUTINE'
			UNION ALL
			SELECT 2, format('GRANT %s ON %s %s TO pg_monitor', f.privileges, f.kind, f.object) FROM fresh f WHERE 'pg_monitor' = ANY (f.roles)
		) s
		ORDER BY s.step
	LOOP
		EXECUTE statement;
	END LOOP;
END
$do$;
