-- The curve reaches as far as 10,000 segments do, but not beyond what may be asked about.
CREATE FUNCTION liveness_checkpoint(provider_id text, work interval, checkpoint_cost interval, restart_cost interval DEFAULT '0')
RETURNS liveness_checkpoint_row
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	work_usecs bigint := liveness_internal.liveness_span_usecs(work, 'work');
	cost_usecs bigint := liveness_internal.liveness_span_usecs(checkpoint_cost, 'checkpoint_cost');
	restart_usecs bigint := CASE WHEN restart_cost = '0' THEN 0 ELSE liveness_internal.liveness_span_usecs(restart_cost, 'restart_cost') END;
	ahead_usecs bigint := least(work_usecs + 10000::float8 * cost_usecs, 3650 * 86400e6);
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
BEGIN
	-- on its own: Citus would send the call to a shard with the rest, where it cannot run
	IF NOT EXISTS (SELECT 1 FROM liveness_internal.liveness_live_session($1)) THEN
		RETURN NULL;
	END IF;
	RETURN (
		SELECT liveness_internal.liveness_checkpoint(
			liveness_internal.liveness_outlook(fleet.hazard, r.hazard, r.since, now(), ahead_usecs), work_usecs, cost_usecs, restart_usecs)
		FROM (SELECT r.since, r.hazard FROM liveness_internal.liveness_running r WHERE r.provider_id = $1 OFFSET 0) r);
END
$$;
COMMENT ON FUNCTION liveness_checkpoint(text, interval, interval, interval) IS 'How often a job on a provider should write a checkpoint, and how long it then takes';
