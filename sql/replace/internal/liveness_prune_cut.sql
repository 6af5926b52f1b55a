-- Counted back in UTC, where a day has 24 h, whatever the session's zone.
CREATE FUNCTION liveness_internal.liveness_prune_cut(retain interval)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF retain < interval '0' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('retain must not be negative, and is %s', retain),
			HINT = 'Give the age at which heartbeats may go, for example ''28 days'', or NULL for the setting liveness.heartbeat_retention.';
	END IF;
	RETURN liveness_internal.liveness_utc_hour((now() AT TIME ZONE 'UTC'
		- coalesce(retain, liveness_internal.liveness_setting_interval('heartbeat_retention'::text))) AT TIME ZONE 'UTC');
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_cut(interval) IS 'The UTC hour before which heartbeats are pruned; NULL if retention is off';
