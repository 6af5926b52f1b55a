-- Deletes by key, since a distributed engine cannot by ctid.
CREATE FUNCTION liveness_internal.liveness_prune_heartbeats(cut timestamptz, batch_size int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	state liveness_internal.liveness_job_state;
	closed timestamptz;
	oldest timestamptz;
	partition record;
	providers text[];
	ats timestamptz[];
	ids bigint[];
	deleted bigint;
	late bigint;
BEGIN
	IF NOT liveness_internal.liveness_lock_job('retention'::text, false) THEN
		RAISE NOTICE 'another run of the retention is in progress, nothing done';
		RETURN NULL;
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_heartbeats, @extschema@.provider_heartbeats_hourly, liveness_internal.liveness_job_state
		IN ROW EXCLUSIVE MODE;
	IF NOT liveness_internal.liveness_lock_job('restore'::text, false) THEN
		RAISE NOTICE 'a dump is being restored, no run of the retention meanwhile';
		RETURN NULL;
	END IF;
	PERFORM liveness_internal.liveness_merge_job_state('retention'::text, NULL::text);

	-- What is in a partition waits until all of it may go, but in the one open to the past,
	-- which goes with the next.
	SELECT min(h.at) INTO oldest FROM @extschema@.provider_heartbeats h WHERE h.at < cut;
	SELECT r.since, r.until INTO partition
	FROM liveness_internal.liveness_heartbeat_partitions() r
	WHERE r.since > '-infinity'
	AND CASE WHEN oldest IS NULL THEN r.until <= cut ELSE r.until > oldest AND r.since < cut END
	ORDER BY CASE WHEN oldest IS NULL THEN r.until END DESC, r.until
	LIMIT 1;
	IF partition.until <= cut AND (partition.since <= oldest OR oldest IS NULL) THEN
		RETURN liveness_internal.liveness_prune_partitions(partition.since, partition.until);
	END IF;
	cut := least(cut, partition.since);
	IF oldest IS NULL OR oldest >= cut THEN
		RETURN 0;
	END IF;

	SELECT min(s.watermark), max(s.pruned_before) INTO state.watermark, state.pruned_before
	FROM liveness_internal.liveness_job_state s
	WHERE s.job = 'hourly';
	closed := state.pruned_before;
	IF closed IS NULL OR EXISTS (SELECT 1 FROM @extschema@.provider_heartbeats h WHERE h.at >= closed AND h.at < cut) THEN
		-- What goes with the batch that closes hours is chosen before: the rollup sees all
		-- of it, and what is committed only after its last look stays, to be counted as late.
		SELECT array_agg(o.provider_id), array_agg(o.at), array_agg(o.id)
		INTO providers, ats, ids
		FROM (
			SELECT h.provider_id, h.at, h.id
			FROM @extschema@.provider_heartbeats h
			WHERE h.at < cut
			ORDER BY h.at
			LIMIT least(batch_size, 100000)
		) o;
		IF liveness_internal.liveness_close_hours(cut) IS NULL THEN
			RETURN NULL;
		END IF;
		SELECT min(s.watermark), max(s.pruned_before) INTO state.watermark, closed
		FROM liveness_internal.liveness_job_state s
		WHERE s.job = 'hourly';
	END IF;

	WITH oldest AS MATERIALIZED (
		(SELECT h.provider_id, h.at, h.id
		FROM @extschema@.provider_heartbeats h
		WHERE h.at < least(cut, closed) AND ids IS NULL
		ORDER BY h.at
		LIMIT batch_size)
		UNION ALL
		SELECT * FROM unnest(providers, ats, ids)
	), gone AS (
		DELETE FROM @extschema@.provider_heartbeats h
		USING oldest o
		WHERE h.provider_id = o.provider_id AND h.at = o.at AND h.id = o.id
		RETURNING h.at, h.id
	)
	-- too late for its hour, and not counted yet because the watermark is below it
	SELECT count(*), count(*) FILTER (WHERE g.at < state.pruned_before AND g.id > state.watermark
		AND g.at > '-infinity')
	INTO deleted, late
	FROM gone g;
	IF late > 0 THEN
		UPDATE liveness_internal.liveness_job_state s SET late = s.late + prune.late
		FROM (SELECT late) prune
		WHERE s.job = 'hourly';
		PERFORM liveness_internal.liveness_count('hourly_late_total'::text, late::float8);
	END IF;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_heartbeats(timestamptz, int) IS 'Deletes the oldest heartbeats before cut, or drops a partition of them, after closing their hours';
