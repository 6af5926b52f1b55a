-- From 15 on a view shows everybody what his own rights and policies let him see, but for
-- the one that tells of the whole fleet.
DO LANGUAGE plpgsql $do$
DECLARE
	view pg_catalog.regclass;
BEGIN
	IF pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 150000 THEN
		FOR view IN
			SELECT c.oid
			FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) c.tableoid AND d.objid OPERATOR(pg_catalog.=) c.oid
			JOIN pg_catalog.pg_extension e ON d.refclassid OPERATOR(pg_catalog.=) e.tableoid AND d.refobjid OPERATOR(pg_catalog.=) e.oid
			WHERE e.extname OPERATOR(pg_catalog.=) 'liveness'::pg_catalog.name
			AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
			AND c.relkind OPERATOR(pg_catalog.=) 'v'::pg_catalog."char"
			AND c.relname OPERATOR(pg_catalog.<>) 'liveness_metrics'::pg_catalog.name
		LOOP
			EXECUTE pg_catalog.concat('ALTER VIEW ', view::pg_catalog.text, ' SET (security_invoker = true)');
		END LOOP;
	END IF;
END
$do$;
