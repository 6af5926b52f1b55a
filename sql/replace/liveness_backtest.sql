CREATE FUNCTION liveness_backtest(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS SETOF liveness_backtest_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH cases AS MATERIALIZED (
		SELECT c.predictor, c.held, c.probability, least(greatest(ceil(10 * c.probability), 1), 10) AS bin
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) c
	), ranked AS (
		SELECT c.predictor, c.held, c.probability,
			rank() OVER by_probability + (count(*) OVER (PARTITION BY c.predictor, c.probability) - 1) / 2.0::float8 AS midrank
		FROM cases c
		WINDOW by_probability AS (PARTITION BY c.predictor ORDER BY c.probability)
	), measured AS (
		SELECT r.predictor, count(*) AS n, count(*) FILTER (WHERE r.held) AS held,
			avg((r.probability - r.held::int) ^ 2::float8) AS brier,
			avg(-ln(least(greatest(CASE WHEN r.held THEN r.probability ELSE 1 - r.probability END, 1e-6), 1 - 1e-6))) AS log_loss,
			sum(r.midrank) FILTER (WHERE r.held) AS held_ranks
		FROM ranked r
		GROUP BY r.predictor
	), calibrated AS (
		SELECT b.predictor, sum(abs(b.difference)) / sum(b.n) AS ece
		FROM (
			SELECT c.predictor, c.bin, count(*) AS n, sum(c.probability - c.held::int) AS difference
			FROM cases c
			GROUP BY c.predictor, c.bin
		) b
		GROUP BY b.predictor
	)
	SELECT m.predictor, m.n, m.held::float8 / m.n, m.brier, m.log_loss,
		(m.held_ranks - m.held::float8 * (m.held + 1) / 2) / nullif(m.held::float8 * (m.n - m.held), 0),
		c.ece
	FROM measured m
	JOIN calibrated c ON c.predictor = m.predictor
	ORDER BY array_position(ARRAY['base_rate', 'uptime', 'liveness_score', 'own', 'fleet', 'candidates'], m.predictor);
END;
COMMENT ON FUNCTION liveness_backtest(interval, timestamptz, timestamptz, interval) IS 'How good each predictor would have been';
