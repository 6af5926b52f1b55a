CREATE FUNCTION liveness_remaining(provider_id text, probability float8 DEFAULT 0.9)
RETURNS interval
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	at_least float8 := liveness_internal.liveness_probability_limit(probability, 'probability');
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
BEGIN
	RETURN (
		SELECT liveness_internal.liveness_longest_job(fleet.hazard, r.hazard, r.since, now(), at_least)
		FROM (SELECT r.since, r.hazard FROM liveness_internal.liveness_running r WHERE r.provider_id = $1 OFFSET 0) r
		CROSS JOIN liveness_internal.liveness_live_session($1) s);
END
$$;
COMMENT ON FUNCTION liveness_remaining(text, float8) IS 'Longest job that a provider holds with that probability; NULL if it is not connected or stale';
