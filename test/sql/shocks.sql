-- How far providers fall together: the shares that were estimated, and the estimate
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(6);

SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares() s', 'VALUES (0::float8, 0::float8)', 'nothing was estimated: independence');
-- an estimate of an earlier day, as a restore may leave it, and that of today
INSERT INTO liveness_internal.liveness_shock_estimate (as_of, horizon, phi, psi, cuts, cases, pairs, group_pairs) VALUES
	('2026-01-01 00:00+00', '1 hour', 0.9, 0.9, 1, 1, 1, 1),
	('2026-01-02 00:00+00', '1 hour', 0.1, 0.2, 1, 1, 1, 1), ('2026-01-02 00:00+00', '6 hours', 0.2, 0.6, 1, 1, 1, 1), ('2026-01-02 00:00+00', '24 hours', 0.4, 0.7, 1, 1, 1, 1);
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares() s', 'VALUES (0.2::float8, 0.6::float8)', 'six hours are the default, and the latest estimate counts');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(1) s', 'VALUES (0.1::float8, 0.2::float8)', 'a job shorter than the first horizon has its shares');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(30 * 86400000000) s', 'VALUES (0.4::float8, 0.7::float8)', 'a longer one than the last those of the last');
-- 12 h are half way from 6 h to 24 h in the logarithm
SELECT results_eq('SELECT round(s.phi::numeric, 9), round(s.psi::numeric, 9) FROM liveness_internal.liveness_shock_shares(12 * 3600000000) s', 'VALUES (0.3, 0.65)', 'between two the logarithm of the job counts');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(NULL) s', 'VALUES (0.1::float8, 0.2::float8)', 'NULL is the shortest');

SELECT * FROM finish();
ROLLBACK;
