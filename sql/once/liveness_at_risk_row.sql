CREATE TYPE liveness_at_risk_row AS (
	provider_id text,
	session_id bigint,
	connected_at timestamptz,
	age_seconds float8,
	probability float8,
	group_name text,
	coordinator_id text
);
COMMENT ON TYPE liveness_at_risk_row IS 'Row of liveness_at_risk';
COMMENT ON COLUMN liveness_at_risk_row.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_at_risk_row.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_at_risk_row.connected_at IS 'When its spell began';
COMMENT ON COLUMN liveness_at_risk_row.age_seconds IS 'Age of its spell, seconds, 0 or more';
COMMENT ON COLUMN liveness_at_risk_row.probability IS 'Probability that its spell ends within that time, 0 to 1';
COMMENT ON COLUMN liveness_at_risk_row.group_name IS 'Its group by provider_groups; NULL: it has none';
COMMENT ON COLUMN liveness_at_risk_row.coordinator_id IS 'Coordinator of its latest open session';
