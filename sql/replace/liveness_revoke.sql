CREATE FUNCTION liveness_revoke(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_on_other_nodes(format('liveness_internal.liveness_revoke_here(%L)', role), 'REVOKE');
	PERFORM liveness_internal.liveness_revoke_here(role);
END
$$;
COMMENT ON FUNCTION liveness_revoke(regrole) IS 'Takes from a role all privileges on the objects of the extension and its schemas';
