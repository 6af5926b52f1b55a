-- One row, or an error: without a rollup there is nothing to answer from.
CREATE FUNCTION liveness_internal.liveness_prepared_fleet()
RETURNS liveness_internal.liveness_fleet_hazard
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fleet liveness_internal.liveness_fleet_hazard;
BEGIN
	SELECT f.* INTO fleet FROM liveness_internal.liveness_fleet_hazard f
	ORDER BY f.hazard IS NULL, f.as_of DESC
	LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'there are no features yet to find candidates by',
			HINT = 'Run SELECT @extschema@.liveness_rollup_features(), or let the worker do it; liveness_candidates_at() needs none.';
	END IF;
	RETURN fleet;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prepared_fleet() IS 'The row of liveness_fleet_hazard; without one error 55000';
