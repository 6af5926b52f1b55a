-- All rows are written once in liveness.hazard_interval: room for the new ones beside the old.
CREATE TABLE liveness_internal.liveness_provider_hazard (
	provider_id text PRIMARY KEY,
	as_of timestamptz NOT NULL,
	spells int NOT NULL,
	hazard real[] NOT NULL,
	spell_since timestamptz,
	spell_until timestamptz,
	spell_uncensored boolean,
	fingerprint bigint,
	digest bigint,
	counted_digest bigint
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 2);
ALTER TABLE liveness_internal.liveness_provider_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
COMMENT ON TABLE liveness_internal.liveness_provider_hazard IS 'What liveness_candidates knows of each provider; written by liveness_rollup_features';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.as_of IS 'Instant that hazard and spells describe; what was open then is still open, and nothing else has changed, by as_of of liveness_fleet_hazard';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spells IS 'Its spells of any length by then, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.hazard IS 'Events and expected events by 24 octaves of age, then by 24 hours of the day, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_since IS 'When its last spell began; NULL: it had none';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_until IS 'When its last spell ended; as_of: it was running';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_uncensored IS 'Did its last spell end for an uncensored reason? Excluded time changes nothing: such an end is never bridged';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.fingerprint IS 'Fingerprint, any number, of its sessions that were open then, and of the settings that say what a spell is';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.digest IS 'Digest, any number, of its sessions in the window and of its excluded time: where it differs, the row is computed anew; NULL: none in the window';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.counted_digest IS 'Digest, any number, of what the fleet was counted from, as of counted_at of liveness_fleet_hazard; where it differs, the fleet is counted anew';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_provider_hazard', '');
