-- On other nodes than the coordinator of Citus, which sends on what is granted on tables, the
-- rest alone: both would wait for each other.
CREATE FUNCTION liveness_internal.liveness_grant_here(role regrole, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	without_tables boolean := coalesce(current_setting('citus.enable_ddl_propagation', true) = 'off', false);
BEGIN
	EXECUTE (
		SELECT string_agg(s.statement, '; ')
		FROM (
			SELECT format('GRANT USAGE ON SCHEMA %s TO %s', n.oid::regnamespace, $1) AS statement
			FROM pg_namespace n
			WHERE n.oid IN ('@extschema@'::regnamespace, 'liveness_internal'::regnamespace)
			AND NOT (without_tables AND has_schema_privilege($1, n.oid, 'USAGE'))
			UNION ALL
			SELECT format('GRANT %s ON %s %s TO %s', p.privileges, p.kind, p.object, $1)
			FROM liveness_internal.liveness_privileges p
			WHERE $2 = ANY (p.roles)
			AND NOT (without_tables AND p.kind <> 'ROUTINE' AND EXISTS (
				SELECT 1 FROM pg_class c WHERE p.kind <> 'ROUTINE' AND c.oid = p.object::regclass AND c.relkind <> 'v'))
		) s
	);
	INSERT INTO liveness_internal.liveness_granted_role AS g (role, kind)
	SELECT r.rolname, $2 FROM pg_roles r WHERE r.oid = $1
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_grant_here(regrole, text) IS 'Grants a role on this node all that one of its kind gets, and remembers the role';
