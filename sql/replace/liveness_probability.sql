CREATE FUNCTION liveness_probability(provider_id text, job interval)
RETURNS float8
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	usecs bigint := liveness_internal.liveness_span_usecs(job, 'job');
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
BEGIN
	RETURN (
		SELECT liveness_internal.liveness_holds(fleet.hazard, r.hazard, r.since, now(), usecs)
		FROM (SELECT r.since, r.hazard FROM liveness_internal.liveness_running r WHERE r.provider_id = $1 OFFSET 0) r
		CROSS JOIN liveness_internal.liveness_live_session($1) s);
END
$$;
COMMENT ON FUNCTION liveness_probability(text, interval) IS 'Probability that a provider holds a job that starts now; NULL if it is not connected or stale';
