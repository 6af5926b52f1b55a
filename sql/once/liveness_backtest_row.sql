CREATE TYPE liveness_backtest_row AS (
	predictor text,
	n bigint,
	held float8,
	brier float8,
	log_loss float8,
	auc float8,
	ece float8
);
COMMENT ON TYPE liveness_backtest_row IS 'Row of liveness_backtest';
COMMENT ON COLUMN liveness_backtest_row.predictor IS 'base_rate, uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_backtest_row.n IS 'Cases, 0 or more';
COMMENT ON COLUMN liveness_backtest_row.held IS 'Share of the cases that held, 0 to 1';
COMMENT ON COLUMN liveness_backtest_row.brier IS 'Brier score: mean squared difference of probability and outcome, 0 to 1; lower is better';
COMMENT ON COLUMN liveness_backtest_row.log_loss IS 'Mean log loss, with probabilities clipped at 1e-6, 0 to 13.8; lower is better';
COMMENT ON COLUMN liveness_backtest_row.auc IS 'Area under the ROC curve, ties by midranks, 0 to 1; NULL: all cases held, or none did';
COMMENT ON COLUMN liveness_backtest_row.ece IS 'Expected calibration error in ten bins of 0.1, 0 to 1; lower is better';
