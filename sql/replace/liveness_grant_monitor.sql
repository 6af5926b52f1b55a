CREATE FUNCTION liveness_grant_monitor(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'monitor'::text);
END;
COMMENT ON FUNCTION liveness_grant_monitor(regrole) IS 'Lets a role read liveness_metrics, and nothing more';
