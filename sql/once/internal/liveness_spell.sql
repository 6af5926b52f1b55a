CREATE TYPE liveness_internal.liveness_spell AS (
	since timestamptz,
	until timestamptz,
	seconds float8,
	running boolean,
	failed boolean,
	excused boolean,
	uncensored boolean
);
COMMENT ON TYPE liveness_internal.liveness_spell IS 'A spell as it was known as of an instant';
COMMENT ON COLUMN liveness_internal.liveness_spell.since IS 'When it began';
COMMENT ON COLUMN liveness_internal.liveness_spell.until IS 'When it ended; the instant itself while it was running';
COMMENT ON COLUMN liveness_internal.liveness_spell.seconds IS 'Its length, seconds, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_spell.running IS 'Had it not ended?';
COMMENT ON COLUMN liveness_internal.liveness_spell.failed IS 'Had it ended for an uncensored reason, and not in excluded time?';
COMMENT ON COLUMN liveness_internal.liveness_spell.excused IS 'Had it ended in excluded time?';
COMMENT ON COLUMN liveness_internal.liveness_spell.uncensored IS 'Had it ended for an uncensored reason, in excluded time or not? Such an end is never bridged';
