CREATE TYPE liveness_checkpoint_row AS (
	every interval,
	segments int,
	expected_runtime interval,
	uninterrupted float8
);
COMMENT ON TYPE liveness_checkpoint_row IS 'Row of liveness_checkpoint';
COMMENT ON COLUMN liveness_checkpoint_row.every IS 'Work between two checkpoints: the work / segments, more than 0';
COMMENT ON COLUMN liveness_checkpoint_row.segments IS 'Number of segments, each with a checkpoint at its end, 1 to 10000';
COMMENT ON COLUMN liveness_checkpoint_row.expected_runtime IS 'Expected time until the job is done, more than 0; NULL: more than 3e12 seconds';
COMMENT ON COLUMN liveness_checkpoint_row.uninterrupted IS 'Probability that the job, checkpoints included, runs through on this provider, 0 to 1';
