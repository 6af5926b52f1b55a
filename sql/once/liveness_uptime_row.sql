CREATE TYPE liveness_uptime_row AS (
	provider_id text,
	online interval,
	observed interval,
	uptime_pct float8,
	outages bigint,
	longest_outage interval
);
COMMENT ON TYPE liveness_uptime_row IS 'Row of liveness_uptime: a provider';
COMMENT ON COLUMN liveness_uptime_row.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_uptime_row.online IS 'Time of the span that its spells cover, excluded time left out, 0 or more; a day is 24 hours';
COMMENT ON COLUMN liveness_uptime_row.observed IS 'Time of the span since it was first seen, up to now(), excluded time left out, 0 or more; a day is 24 hours';
COMMENT ON COLUMN liveness_uptime_row.uptime_pct IS 'online / observed, 0 to 1; NULL where nothing is observed';
COMMENT ON COLUMN liveness_uptime_row.outages IS 'Gaps before, between and after its spells in the observed time, 0 or more; those without any time left are not counted';
COMMENT ON COLUMN liveness_uptime_row.longest_outage IS 'Longest of these gaps, excluded time left out, 0 or more; 0 without any';
