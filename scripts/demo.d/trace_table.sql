-- Where the lines of a trace go first.  COPY names the line of whatever does not
-- fit, and the constraints say why.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE SCHEMA demo;
CREATE TABLE demo.trace (
	node_id text NOT NULL,
	"start" float8 NOT NULL,
	"end" float8 NOT NULL,
	censored int NOT NULL,
	CONSTRAINT node_id_is_not_empty CHECK (node_id <> ''),
	-- the years 1900 to 2400
	CONSTRAINT start_is_in_unix_seconds CHECK ("start" BETWEEN -2208988800 AND 13569465600),
	CONSTRAINT end_is_in_unix_seconds CHECK ("end" BETWEEN -2208988800 AND 13569465600),
	CONSTRAINT censored_is_0_or_1 CHECK (censored IN (0, 1))
);
