-- Not in an update script: what ALTER EXTENSION grants counts as the extension's own, and
-- pg_dump then leaves it out.
CREATE FUNCTION liveness_regrant()
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT count(liveness_internal.liveness_grant(r.oid::regrole, g.kind)::text)
	FROM liveness_internal.liveness_granted_role g
	JOIN pg_catalog.pg_roles r ON r.rolname = g.role;
END;
COMMENT ON FUNCTION liveness_regrant() IS 'After an update, gives readers, writers, operators and monitors what is new';
