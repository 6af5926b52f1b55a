CREATE FUNCTION liveness_backtest_joint(horizon interval, since timestamptz, until timestamptz, step interval, n int DEFAULT 10)
RETURNS SETOF liveness_backtest_joint_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH cases AS MATERIALIZED (
		SELECT c.cut, c.provider_id, c.held, c.predictor, c.probability, c.lower, c.upper
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) c
		WHERE c.predictor <> 'base_rate'
	), shares AS MATERIALIZED (
		-- at the estimate's horizon that is nearest in the logarithm
		SELECT e.phi
		FROM liveness_internal.liveness_estimate_shocks(liveness_internal.liveness_instant($2, 'since')) e
		ORDER BY abs(ln(extract(epoch FROM e.horizon)::float8) - ln(liveness_internal.liveness_span_usecs($1, 'horizon') / 1e6::float8))
		LIMIT 1
	), likeliest AS (
		SELECT r.predictor, r.cut, count(*) AS asked, count(*) FILTER (WHERE r.held) AS held, avg(r.probability) AS stated, array_agg(r.probability) AS probabilities
		FROM (
			SELECT c.predictor, c.cut, c.held, c.probability,
				row_number() OVER (PARTITION BY c.predictor, c.cut ORDER BY c.probability DESC, c.provider_id) AS place
			FROM cases c
		) r
		WHERE r.place <= $5
		GROUP BY r.predictor, r.cut
	), joint AS (
		SELECT l.predictor, count(*) AS cuts, avg(l.stated) AS stated, sum(l.held)::float8 / sum(l.asked)::float8 AS held,
			avg((l.held < liveness_internal.liveness_survivors_quantile(l.probabilities, 0, 0.05))::int)::float8 AS below,
			avg((l.held < liveness_internal.liveness_survivors_quantile(l.probabilities, s.phi, 0.05))::int)::float8 AS below_shared
		FROM likeliest l
		CROSS JOIN shares s
		WHERE l.asked = $5
		GROUP BY l.predictor
	), parts AS (
		SELECT p.predictor, avg(p.held::int)::float8 BETWEEN avg(p.lower) AND avg(p.upper) AS covered
		FROM (
			SELECT c.predictor, c.held, c.lower, c.upper, ntile(20) OVER (PARTITION BY c.predictor ORDER BY c.probability) AS part
			FROM cases c
			WHERE c.lower IS NOT NULL
		) p
		GROUP BY p.predictor, p.part
	)
	SELECT j.predictor, j.cuts, j.stated, j.held, j.below, s.phi, j.below_shared,
		(SELECT avg(p.covered::int)::float8 FROM parts p WHERE p.predictor = j.predictor)
	FROM joint j
	CROSS JOIN shares s
	ORDER BY array_position(ARRAY['uptime', 'liveness_score', 'own', 'fleet', 'candidates'], j.predictor);
END;
COMMENT ON FUNCTION liveness_backtest_joint(interval, timestamptz, timestamptz, interval, int) IS 'How many of the likeliest held together, and whether the bounds hold';
