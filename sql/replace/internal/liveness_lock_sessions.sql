-- Whoever writes to several open sessions locks them first, all in the same order, so that
-- two that close the same sessions wait for each other one way only.
CREATE FUNCTION liveness_internal.liveness_lock_sessions(session_ids bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
	PERFORM
	FROM @extschema@.provider_sessions s
	WHERE s.id = ANY (session_ids)
	ORDER BY s.id
	FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_lock_sessions(bigint[]) IS 'Locks the rows of sessions in the order of their ids';
