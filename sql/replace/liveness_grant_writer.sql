CREATE FUNCTION liveness_grant_writer(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'writer'::text);
END;
COMMENT ON FUNCTION liveness_grant_writer(regrole) IS 'Lets a role write heartbeats and sessions, and nothing more';
