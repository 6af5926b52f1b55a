CREATE FUNCTION liveness_internal.liveness_revoke_here(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE (
		SELECT format('REVOKE USAGE ON SCHEMA %s, liveness_internal FROM %s; ', '@extschema@', $1)
			|| string_agg(format('REVOKE ALL ON %s %s FROM %s', p.kind, p.object, $1), '; ')
		FROM liveness_internal.liveness_privileges p
	);
	DELETE FROM liveness_internal.liveness_granted_role g
	USING pg_roles r
	WHERE r.oid = $1 AND g.role = r.rolname;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_revoke_here(regrole) IS 'Takes from a role on this node all privileges on the objects of the extension';
