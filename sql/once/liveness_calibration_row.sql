CREATE TYPE liveness_calibration_row AS (
	predictor text,
	bin int,
	lower float8,
	upper float8,
	n bigint,
	predicted float8,
	held float8
);
COMMENT ON TYPE liveness_calibration_row IS 'Row of liveness_calibration';
COMMENT ON COLUMN liveness_calibration_row.predictor IS 'base_rate, uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_calibration_row.bin IS 'Number of the bin, 1 to 10';
COMMENT ON COLUMN liveness_calibration_row.lower IS 'Lower end of the bin, which does not belong to it, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.upper IS 'Upper end of the bin, which belongs to it, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.n IS 'Cases whose probability is in the bin, 0 or more';
COMMENT ON COLUMN liveness_calibration_row.predicted IS 'Mean of their probabilities, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.held IS 'Share of them that held, 0 to 1';
