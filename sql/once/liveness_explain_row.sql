CREATE TYPE liveness_explain_row AS (
	term text,
	measured float8,
	value float8,
	weight float8,
	points float8,
	failures bigint,
	ends timestamptz[],
	reasons text[]
);
COMMENT ON TYPE liveness_explain_row IS 'Row of liveness_explain: a term of the score';
COMMENT ON COLUMN liveness_explain_row.term IS 'The feature that the term is made of; clamp: what keeps the score in 0 to 1';
COMMENT ON COLUMN liveness_explain_row.measured IS 'The feature: a share, 0 to 1; the MTBF, seconds; the time since the last disconnect, seconds, NULL for none';
COMMENT ON COLUMN liveness_explain_row.value IS 'What counts of it in the score, 0 to 1; NULL for clamp';
COMMENT ON COLUMN liveness_explain_row.weight IS 'Its weight in the score, -0.10 to 0.35; NULL for clamp';
COMMENT ON COLUMN liveness_explain_row.points IS 'Value x weight, -0.10 to 0.35; the points of all rows add up to liveness_score';
COMMENT ON COLUMN liveness_explain_row.failures IS 'Failures of the window that counted against the provider in this term, 0 or more; NULL where ends do not count';
COMMENT ON COLUMN liveness_explain_row.ends IS 'When these failures were: the latest ten, the latest first';
COMMENT ON COLUMN liveness_explain_row.reasons IS 'Why each of these spells ended, in the order of ends';
