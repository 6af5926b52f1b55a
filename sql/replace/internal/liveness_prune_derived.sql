-- The rest of the retention: by key and in batches, too, for the first run after a setting
-- was made may find years.
CREATE FUNCTION liveness_internal.liveness_prune_derived(batch_size int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	hourly_cut timestamptz := liveness_internal.liveness_utc_hour(now() - liveness_internal.liveness_setting_interval('hourly_retention'::text));
	sessions_cut timestamptz := now() - liveness_internal.liveness_setting_interval('session_retention'::text);
	deleted bigint := 0;
	total bigint := 0;
BEGIN
	WITH old AS MATERIALIZED (
		SELECT k.provider_id, k.hour
		FROM @extschema@.provider_heartbeats_hourly k
		WHERE k.hour < hourly_cut
		ORDER BY k.hour
		LIMIT batch_size
	)
	DELETE FROM @extschema@.provider_heartbeats_hourly k
	USING old o
	WHERE k.provider_id = o.provider_id AND k.hour = o.hour;
	GET DIAGNOSTICS total = ROW_COUNT;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	WITH old AS MATERIALIZED (
		SELECT s.id, s.provider_id
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at < sessions_cut
		ORDER BY s.disconnected_at
		LIMIT batch_size - total
	)
	DELETE FROM @extschema@.provider_sessions s
	USING old o
	WHERE s.id = o.id AND s.provider_id = o.provider_id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	total := total + deleted;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	WITH old AS MATERIALIZED (
		SELECT x.id
		FROM @extschema@.provider_exclusions x
		WHERE x.until < sessions_cut
		ORDER BY x.until
		LIMIT batch_size - total
	)
	DELETE FROM @extschema@.provider_exclusions x
	USING old o
	WHERE x.id = o.id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	total := total + deleted;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	DELETE FROM @extschema@.provider_reliability_features f
	WHERE f.updated_at < sessions_cut
	AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_sessions s WHERE s.provider_id = f.provider_id);
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN total + deleted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_derived(int) IS 'Deletes a batch of old hourly rows, closed sessions, exclusions, and features of who has no session';
