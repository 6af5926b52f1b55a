-- Without a key: COPY of a dump must not fail because a job was there before it.  What is
-- published needs an identity all the same.
CREATE TABLE liveness_internal.liveness_fleet_hazard (
	as_of timestamptz NOT NULL,
	hazard float8[],
	counted_at timestamptz,
	counted_since timestamptz,
	settings bigint
);
ALTER TABLE liveness_internal.liveness_fleet_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
ALTER TABLE liveness_internal.liveness_fleet_hazard REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_fleet_hazard IS 'What liveness_candidates knows of the fleet; written by liveness_rollup_features; one row, and another after a restore until its next run';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.as_of IS 'as_of of the last run of liveness_rollup_features';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.hazard IS '96 hazards by age, events a second, 0 or more, 168 factors of the hours of the week, from Sunday 0 h UTC, and the weights of two priors, in events; NULL: nobody was ever up';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.counted_at IS 'Instant that the numbers describe: as_of truncated to a multiple of liveness.hazard_interval; as_of where nobody was up by then';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.counted_since IS 'Sessions that ended before this instant are not counted';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.settings IS 'Fingerprint, any number, of the settings that say what a spell is, and of excluded time';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_fleet_hazard', '');
