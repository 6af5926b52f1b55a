CREATE FUNCTION liveness_internal.liveness_grant(role regrole, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE (
		SELECT format('GRANT USAGE ON SCHEMA %s, liveness_internal TO %s; ', '@extschema@', $1)
			|| string_agg(format('GRANT %s ON %s %s TO %s', p.privileges, p.kind, p.object, $1), '; ')
		FROM liveness_internal.liveness_privileges p
		WHERE $2 = ANY (p.roles)
	);
	INSERT INTO liveness_internal.liveness_granted_role AS g (role, kind)
	SELECT r.rolname, $2 FROM pg_roles r WHERE r.oid = $1
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_grant(regrole, text) IS 'Grants a role all that one of its kind gets, and remembers the role';
