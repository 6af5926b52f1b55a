-- As liveness_metrics_fleet, for the model.
CREATE FUNCTION liveness_internal.liveness_metrics_model()
RETURNS SETOF liveness_model
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT m.as_of, m.providers, m.spells, m.frailty_prior, m.hour_prior, m.phi, m.psi, m.shocks_as_of,
		m.failures_per_day_1h, m.failures_per_day_6h, m.failures_per_day_1d, m.failures_per_day_7d
	FROM @extschema@.liveness_model m;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_model() IS 'liveness_model as the extension''s owner sees it, for liveness_metrics';
