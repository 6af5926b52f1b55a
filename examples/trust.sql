-- How good are the predictions of liveness_candidates?  What it and simpler predictors would have
-- said of jobs of 4 hours at every hour of the last week, compared with what happened.  brier is
-- the mean squared error (less is better).  ece is the mean error of the probabilities.

SELECT b.predictor, b.n,
	least(round(b.held::numeric, 3), CASE WHEN b.held < 1 THEN 0.999 END) AS held,
	round(b.brier::numeric, 4) AS brier,
	round(b.auc::numeric, 3) AS auc,
	round(b.ece::numeric, 3) AS ece
FROM liveness_backtest('4 hours', now() - interval '7 days', now(), '1 hour') b
ORDER BY b.brier;
