CREATE TYPE liveness_backtest_joint_row AS (
	predictor text,
	cuts bigint,
	stated float8,
	held float8,
	below_5pct float8,
	phi float8,
	below_5pct_shared float8,
	bounds_covered float8
);
COMMENT ON TYPE liveness_backtest_joint_row IS 'Row of liveness_backtest_joint';
COMMENT ON COLUMN liveness_backtest_joint_row.predictor IS 'uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_backtest_joint_row.cuts IS 'Cuts with as many cases as were asked for, 0 or more';
COMMENT ON COLUMN liveness_backtest_joint_row.stated IS 'Mean probability that the predictor stated for the likeliest of each cut, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.held IS 'Share of them that held, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.below_5pct IS 'Share of the cuts in which fewer held than the 5 % quantile of independent providers, 0 to 1; should be at most 0.05';
COMMENT ON COLUMN liveness_backtest_joint_row.phi IS 'Share of each hazard that the fleet has in common, estimated as of the first cut, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.below_5pct_shared IS 'Share of the cuts in which fewer held than the 5 % quantile with that phi, 0 to 1; should be at most 0.05';
COMMENT ON COLUMN liveness_backtest_joint_row.bounds_covered IS 'Of twenty parts of all cases, in order of probability, the share in which as many held as lower and upper say on average, 0 to 1; NULL: there are no bounds';
