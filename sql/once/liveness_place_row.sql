CREATE TYPE liveness_place_row AS (
	job_no int,
	replica int,
	provider_id text,
	group_name text,
	probability float8,
	joint float8
);
COMMENT ON TYPE liveness_place_row IS 'Row of liveness_place';
COMMENT ON COLUMN liveness_place_row.job_no IS 'Number of the job, 1 or more';
COMMENT ON COLUMN liveness_place_row.replica IS 'Number of the replica of this job, from 1 to 12';
COMMENT ON COLUMN liveness_place_row.provider_id IS 'The machine that runs this replica';
COMMENT ON COLUMN liveness_place_row.group_name IS 'Its group by provider_groups; NULL: it has none';
COMMENT ON COLUMN liveness_place_row.probability IS 'Probability that this machine holds the job, 0 to 1';
COMMENT ON COLUMN liveness_place_row.joint IS 'Probability that at least one of the replicas up to this one holds the job, 0 to 1';
