-- What the procedure and the worker repeat, each step in a transaction of its own.  Two
-- thirds of the budget are for heartbeats, as long as the other tables are still to come.
CREATE FUNCTION liveness_internal.liveness_prune_step(cut timestamptz, batch_size int, started_at timestamptz,
	INOUT parts text[], INOUT total bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	budget interval := liveness_internal.liveness_setting_interval('prune_budget'::text);
	part text;
	deleted bigint := 0;
	duration interval;
	policies text;
BEGIN
	parts := coalesce(parts, '{heartbeats,derived,partitions}');
	part := parts[1];
	parts := parts[2:];
	IF NOT liveness_internal.liveness_lock_job('retention'::text, false) THEN
		RAISE NOTICE 'another run of the retention is in progress, nothing done';
		deleted := NULL;
	ELSIF part = 'partitions' THEN
		PERFORM liveness_internal.liveness_extend_partitions();
		policies := (SELECT t.policies FROM liveness_internal.liveness_hypertable() t);
		IF policies IS NOT NULL THEN
			RAISE WARNING 'TimescaleDB drops chunks of provider_heartbeats by a retention policy (job %), whose hours nobody closes', policies
				USING HINT = 'Call remove_retention_policy(): a late heartbeat would replace the kept hour. The retention of liveness drops the chunks.';
		END IF;
	ELSIF part = 'derived' THEN
		LOCK TABLE @extschema@.provider_heartbeats_hourly, @extschema@.provider_sessions, @extschema@.provider_exclusions,
			@extschema@.provider_reliability_features IN ROW EXCLUSIVE MODE;
		deleted := CASE WHEN liveness_internal.liveness_lock_job('restore'::text, false) THEN liveness_internal.liveness_prune_derived(batch_size) END;
	ELSIF cut IS NOT NULL THEN
		deleted := liveness_internal.liveness_prune_heartbeats(cut, batch_size);
	END IF;
	total := total + coalesce(deleted, 0);
	duration := clock_timestamp() - started_at;

	IF deleted > 0 THEN
		IF coalesce(duration < budget * CASE WHEN 'derived' = ANY (parts) THEN 0.67 ELSE 1 END, true) THEN
			parts := part || parts;
		ELSIF duration < budget THEN
			parts := parts || part;
		ELSE
			RAISE WARNING 'the retention has spent liveness.prune_budget (%), and old % are left', budget,
				CASE part WHEN 'heartbeats' THEN part ELSE 'hourly rows or sessions' END
				USING HINT = 'If this goes on, raise liveness.prune_budget or liveness.prune_batch_size. liveness_metrics shows what is overdue.';
		END IF;
	END IF;
	more := CASE WHEN deleted IS NOT NULL THEN cardinality(parts) > 0 END;
	-- without the lock, and nothing done, there is no run to note
	IF NOT more OR (more IS NULL AND total > 0) THEN
		PERFORM liveness_internal.liveness_record_run('retention'::text, started_at, duration, total);
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_step(timestamptz, int, timestamptz, text[], bigint) IS 'One step, of the first of the parts that are left, of a retention that began at started_at';
