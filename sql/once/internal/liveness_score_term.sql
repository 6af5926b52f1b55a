CREATE TYPE liveness_internal.liveness_score_term AS (
	term text,
	measured float8,
	value float8,
	weight float8,
	points float8
);
COMMENT ON TYPE liveness_internal.liveness_score_term IS 'A term of the liveness score';
COMMENT ON COLUMN liveness_internal.liveness_score_term.term IS 'The feature that it is made of; clamp: what keeps the score in 0 to 1';
COMMENT ON COLUMN liveness_internal.liveness_score_term.measured IS 'The feature: a share, 0 to 1; the MTBF, seconds; the time since the disconnect, seconds, NULL for none';
COMMENT ON COLUMN liveness_internal.liveness_score_term.value IS 'What counts of it, 0 to 1; NULL for clamp';
COMMENT ON COLUMN liveness_internal.liveness_score_term.weight IS 'Its weight in the score, -0.10 to 0.35; NULL for clamp';
COMMENT ON COLUMN liveness_internal.liveness_score_term.points IS 'Value x weight, -0.10 to 0.35; the points of all terms add up to the score';
