CREATE FUNCTION liveness_internal.liveness_grant(role regrole, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_on_other_nodes(format('liveness_internal.liveness_grant_here(%L, %L)', role, kind), 'GRANT');
	PERFORM liveness_internal.liveness_grant_here(role, kind);
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_grant(regrole, text) IS 'Grants a role all that one of its kind gets, on all nodes, and remembers the role';
