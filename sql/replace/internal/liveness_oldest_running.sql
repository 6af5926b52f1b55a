CREATE FUNCTION liveness_internal.liveness_oldest_running()
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL SAFE
BEGIN ATOMIC
	SELECT jsonb_build_object(c.system_identifier::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
	FROM pg_control_system() c;
END;
COMMENT ON FUNCTION liveness_internal.liveness_oldest_running() IS 'The oldest transaction that runs on this node, by the system identifier of the node';
