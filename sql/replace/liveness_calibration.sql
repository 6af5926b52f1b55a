CREATE FUNCTION liveness_calibration(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS SETOF liveness_calibration_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT c.predictor, c.bin, (c.bin - 1) / 10.0::float8, c.bin / 10.0::float8, count(*), avg(c.probability), avg(c.held::int)::float8
	FROM (
		SELECT k.predictor, k.held, k.probability, least(greatest(ceil(10 * k.probability), 1), 10)::int AS bin
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) k
	) c
	GROUP BY c.predictor, c.bin
	ORDER BY array_position(ARRAY['base_rate', 'uptime', 'liveness_score', 'own', 'fleet', 'candidates'], c.predictor), c.bin;
END;
COMMENT ON FUNCTION liveness_calibration(interval, timestamptz, timestamptz, interval) IS 'For each predictor and bin of its probability: what it said on average, and what share held';
