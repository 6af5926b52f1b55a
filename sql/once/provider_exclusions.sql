CREATE TABLE provider_exclusions (
	id bigserial PRIMARY KEY,
	provider_id text,
	since timestamptz NOT NULL,
	until timestamptz,
	reason text NOT NULL DEFAULT '',
	noted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_provider_exclusions_provider_since ON provider_exclusions (provider_id, since);
CREATE INDEX idx_provider_exclusions_until ON provider_exclusions (until);
COMMENT ON TABLE provider_exclusions IS 'Excluded time, which counts neither as up nor as down: maintenance, and outages of the observer';
COMMENT ON COLUMN provider_exclusions.id IS 'The exclusion, 1 or more';
COMMENT ON COLUMN provider_exclusions.provider_id IS 'The machine; NULL: everybody';
COMMENT ON COLUMN provider_exclusions.since IS 'First instant that is excluded; -infinity: from the beginning';
COMMENT ON COLUMN provider_exclusions.until IS 'First instant that is not excluded; NULL or infinity: it goes on; at or before since: nothing is excluded';
COMMENT ON COLUMN provider_exclusions.reason IS 'Why: observer_outage where a coordinator was away, or any other text';
COMMENT ON COLUMN provider_exclusions.noted_at IS 'When it was noted';
COMMENT ON INDEX idx_provider_exclusions_provider_since IS 'Exclusions of one provider, and those of everybody';
COMMENT ON INDEX idx_provider_exclusions_until IS 'Exclusions that reach into a window, those that go on, and retention';
SELECT pg_catalog.pg_extension_config_dump('provider_exclusions', '');
SELECT pg_catalog.pg_extension_config_dump('provider_exclusions_id_seq', '');
COMMENT ON SEQUENCE provider_exclusions_id_seq IS 'Ids of exclusions';
