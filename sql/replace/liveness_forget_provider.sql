-- With the locks of all jobs, because a rollup that is under way would write the rows
-- again.  They come before the tables, as in a rollup, and that of the retention comes
-- first, because the retention takes another one.
CREATE FUNCTION liveness_forget_provider(provider_id text)
RETURNS liveness_forget_row
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
#variable_conflict use_column
DECLARE
	forgotten @extschema@.liveness_forget_row;
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'provider_id must not be NULL',
			HINT = 'Give the machine to forget.';
	END IF;
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_state',
			MESSAGE = format('liveness_forget_provider() would miss rows in a %s transaction', current_setting('transaction_isolation')),
			HINT = 'Call it in a transaction of isolation level READ COMMITTED.';
	END IF;
	PERFORM liveness_internal.liveness_lock_job('retention'::text, true);
	PERFORM liveness_internal.liveness_lock_job('features'::text, true);
	PERFORM liveness_internal.liveness_lock_job('hourly'::text, true);
	PERFORM liveness_internal.liveness_lock_job('sessions'::text, true);
	LOCK TABLE @extschema@.provider_heartbeats, @extschema@.provider_heartbeats_hourly, @extschema@.provider_sessions,
		@extschema@.provider_exclusions, @extschema@.provider_reliability_features, @extschema@.provider_groups,
		liveness_internal.liveness_provider_hazard, liveness_internal.liveness_hour_sums IN ROW EXCLUSIVE MODE;
	IF NOT liveness_internal.liveness_lock_job('restore'::text, false) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_in_use',
			MESSAGE = 'a dump is being restored',
			HINT = 'Try again when it is complete.';
	END IF;

	DELETE FROM @extschema@.provider_heartbeats t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.heartbeats = ROW_COUNT;
	DELETE FROM @extschema@.provider_heartbeats_hourly t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.hours = ROW_COUNT;
	DELETE FROM liveness_internal.liveness_hour_sums t WHERE t.provider_id = $1;
	PERFORM liveness_internal.liveness_lock_sessions(array_agg(t.id))
	FROM @extschema@.provider_sessions t
	WHERE t.provider_id = $1 AND t.disconnected_at IS NULL;
	DELETE FROM @extschema@.provider_sessions t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.sessions = ROW_COUNT;
	DELETE FROM @extschema@.provider_exclusions t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.exclusions = ROW_COUNT;
	DELETE FROM @extschema@.provider_reliability_features t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.features = ROW_COUNT;
	DELETE FROM @extschema@.provider_groups t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.groups = ROW_COUNT;
	DELETE FROM liveness_internal.liveness_provider_hazard t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.hazards = ROW_COUNT;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION liveness_forget_provider(text) IS 'Deletes every row of a provider, in all tables, and returns how many';
