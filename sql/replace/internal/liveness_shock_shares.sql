-- Between two horizons the shares are linear in the logarithm of the job, beyond the first
-- and the last they are those of these.
CREATE FUNCTION liveness_internal.liveness_shock_shares(job_usecs bigint DEFAULT 21600000000)
RETURNS liveness_internal.liveness_shock_shares_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH known AS (
		SELECT e.phi, e.psi, ln(extract(epoch FROM e.horizon)::float8) AS x, ln(greatest($1, 1) / 1e6::float8) AS job
		FROM liveness_internal.liveness_shock_estimate e
		WHERE e.as_of = (SELECT max(l.as_of) FROM liveness_internal.liveness_shock_estimate l)
	)
	SELECT coalesce(b.phi + (a.phi - b.phi) * w.share, b.phi, a.phi, 0), coalesce(b.psi + (a.psi - b.psi) * w.share, b.psi, a.psi, 0)
	FROM (VALUES (1)) one (row)
	LEFT JOIN LATERAL (SELECT k.phi, k.psi, k.x, k.job FROM known k WHERE k.x <= k.job ORDER BY k.x DESC LIMIT 1) b ON true
	LEFT JOIN LATERAL (SELECT k.phi, k.psi, k.x, k.job FROM known k WHERE k.x >= k.job ORDER BY k.x LIMIT 1) a ON true
	CROSS JOIN LATERAL (SELECT coalesce((b.job - b.x) / nullif(a.x - b.x, 0), 0) AS share) w;
END;
COMMENT ON FUNCTION liveness_internal.liveness_shock_shares(bigint) IS 'Shares phi and psi for a job of so many microseconds; 0 and 0 while nothing was estimated';
