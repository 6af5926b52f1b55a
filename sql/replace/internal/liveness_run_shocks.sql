-- A unit of the job "features", after the rollup and in a transaction of its own: what fails
-- here does not undo a rollup.
CREATE FUNCTION liveness_internal.liveness_run_shocks(as_of timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	estimated timestamptz := (SELECT max(e.as_of) FROM liveness_internal.liveness_shock_estimate e);
BEGIN
	IF estimated > $1 - interval '24 hours' AND estimated <= $1 OR NOT liveness_internal.liveness_lock_job('features'::text, false) THEN
		RETURN false;
	END IF;
	DELETE FROM liveness_internal.liveness_shock_estimate;
	INSERT INTO liveness_internal.liveness_shock_estimate
		(as_of, horizon, phi, psi, phi_estimate, phi_error, psi_estimate, psi_error, cuts, cases, pairs, group_pairs, stated, held)
	SELECT e.as_of, e.horizon, e.phi, e.psi, e.phi_estimate, e.phi_error, e.psi_estimate, e.psi_error,
		e.cuts, e.cases, e.pairs, e.group_pairs, e.stated, e.held
	FROM liveness_internal.liveness_estimate_shocks($1) e;
	RETURN true;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_run_shocks(timestamptz) IS 'Estimates how far providers fall together, unless that was done less than a day ago';
