-- Without a key: COPY of a dump must not fail because a job was there before it.  What is
-- published needs an identity all the same.
CREATE TABLE liveness_internal.liveness_fleet_hazard (
	as_of timestamptz NOT NULL,
	hazard float8[]
);
ALTER TABLE liveness_internal.liveness_fleet_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
ALTER TABLE liveness_internal.liveness_fleet_hazard REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_fleet_hazard IS 'What liveness_candidates knows of the fleet; written by liveness_rollup_features; one row, and another after a restore until its next run';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.as_of IS 'Instant that it describes';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.hazard IS '96 hazards by age, events a second, 168 factors of the hours of the week, from Sunday 0 h UTC, and the weights of two priors, in events; NULL: nobody was ever up';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_fleet_hazard', '');
