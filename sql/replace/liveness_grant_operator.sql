CREATE FUNCTION liveness_grant_operator(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'operator'::text);
END;
COMMENT ON FUNCTION liveness_grant_operator(regrole) IS 'Lets a role read everything, run rollups and retention, and schedule them';
