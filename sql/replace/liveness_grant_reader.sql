CREATE FUNCTION liveness_grant_reader(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'reader'::text);
END;
COMMENT ON FUNCTION liveness_grant_reader(regrole) IS 'Lets a role read tables and views, and nothing more';
