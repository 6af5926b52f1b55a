CREATE TYPE liveness_candidate AS (
	provider_id text,
	session_id bigint,
	connected_at timestamptz,
	age_seconds float8,
	probability float8,
	lower float8,
	upper float8,
	own_sessions int,
	liveness_score real,
	as_of timestamptz,
	coordinator_id text
);
COMMENT ON TYPE liveness_candidate IS 'Row of liveness_candidates and liveness_candidates_at';
COMMENT ON COLUMN liveness_candidate.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_candidate.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_candidate.connected_at IS 'When its spell began';
COMMENT ON COLUMN liveness_candidate.age_seconds IS 'Age of its spell, seconds, 0 or more';
COMMENT ON COLUMN liveness_candidate.probability IS 'Probability that its spell lasts another job, 0 to 1';
COMMENT ON COLUMN liveness_candidate.lower IS 'Lower bound of 95 % for how the provider differs from the fleet, 0 to 1';
COMMENT ON COLUMN liveness_candidate.upper IS 'Upper bound of 95 % for how the provider differs from the fleet, 0 to 1';
COMMENT ON COLUMN liveness_candidate.own_sessions IS 'Spells of its own behind the answer, 0 or more';
COMMENT ON COLUMN liveness_candidate.liveness_score IS 'liveness_score of its features, 0 to 1; NULL: it has none';
COMMENT ON COLUMN liveness_candidate.as_of IS 'Instant that the answer describes: of the rollup, or the one asked for';
COMMENT ON COLUMN liveness_candidate.coordinator_id IS 'Coordinator of its latest open session';
