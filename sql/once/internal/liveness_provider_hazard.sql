-- All rows are written by each rollup: room for the new ones beside the old.
CREATE TABLE liveness_internal.liveness_provider_hazard (
	provider_id text PRIMARY KEY,
	as_of timestamptz NOT NULL,
	spells int NOT NULL,
	hazard real[] NOT NULL,
	spell_since timestamptz,
	spell_until timestamptz,
	spell_uncensored boolean,
	fingerprint bigint
) WITH (fillfactor = 45);
ALTER TABLE liveness_internal.liveness_provider_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
COMMENT ON TABLE liveness_internal.liveness_provider_hazard IS 'What liveness_candidates knows of each provider; written by liveness_rollup_features';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.as_of IS 'Instant that it describes';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spells IS 'Its spells of any length by then';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.hazard IS 'Events and expected events by 24 octaves of age, then by 24 hours of the day';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_since IS 'When its last spell began; NULL: it had none';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_until IS 'When its last spell ended; as_of: it was running';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_uncensored IS 'Did its last spell end for an uncensored reason? Excluded time changes nothing: such an end is never bridged';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.fingerprint IS 'Fingerprint of its sessions that were open then, and of the settings that say what a spell is';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_provider_hazard', '');
