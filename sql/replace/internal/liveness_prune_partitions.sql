-- The long part of the work is done before anybody is locked out; a heartbeat that is
-- committed after it is rolled up, or counted as late, behind the lock.
CREATE FUNCTION liveness_internal.liveness_prune_partitions(since timestamptz, until timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	dropped bigint;
BEGIN
	-- an old snapshot does not show all that would go
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE NOTICE 'partitions are dropped in READ COMMITTED only';
		RETURN 0;
	END IF;
	BEGIN
		PERFORM liveness_internal.liveness_lock_partitions(until, false);
		IF liveness_internal.liveness_rollup_to_prune(since, until) IS NULL THEN
			RETURN NULL;
		END IF;
		SELECT count(*) INTO dropped FROM @extschema@.provider_heartbeats h
		WHERE h.at >= liveness_prune_partitions.since AND h.at < liveness_prune_partitions.until;
		PERFORM liveness_internal.liveness_run_hourly(NULL::timestamptz, NULL::timestamptz);
		PERFORM liveness_internal.liveness_lock_partitions(until, true);
		PERFORM liveness_internal.liveness_close_rolled_up_hours(until);
		PERFORM liveness_internal.liveness_drop_partitions(until);
	EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
		RAISE WARNING 'heartbeats before % were not dropped, because provider_heartbeats is in use', until
			USING HINT = 'The next run of the retention tries again.';
		RETURN 0;
	END;
	RETURN dropped;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_partitions(timestamptz, timestamptz) IS 'Drops the oldest partition of provider_heartbeats, after rolling up and closing its hours';
