CREATE FUNCTION liveness_prune_batch(retain interval DEFAULT NULL, batch_size int DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	started_at timestamptz := clock_timestamp();
	rows int := liveness_internal.liveness_effective_batch_size(batch_size);
	cut timestamptz := liveness_internal.liveness_prune_cut(retain);
	deleted bigint;
BEGIN
	IF cut IS NULL THEN
		RETURN 0;
	END IF;
	deleted := liveness_internal.liveness_prune_heartbeats(cut, rows);
	IF deleted IS NOT NULL THEN
		PERFORM liveness_internal.liveness_record_run('retention'::text, started_at, clock_timestamp() - started_at, deleted);
	END IF;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION liveness_prune_batch(interval, int) IS 'Deletes one batch of the oldest heartbeats, and returns the rows deleted';
