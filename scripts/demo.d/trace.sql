-- A trace as sessions, and the instant to look at it from.
-- Variables: as_of ('' is the default).  Time zone UTC.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
BEGIN;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM demo.trace) THEN
		RAISE 'the trace holds no interval';
	END IF;
END
$$;

INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at)
SELECT 'node-' || node_id, to_timestamp("start"), CASE WHEN censored = 0 THEN to_timestamp("end") END
FROM demo.trace
ORDER BY "start", "end";

-- A day before the end if there are days enough, so that some of what came after
-- is known; the window is no longer than what came before.
CREATE TABLE demo.clock AS
	SELECT a.at, s.first, s.last,
		least(14, greatest(1, floor(extract(epoch FROM a.at - s.first) / 86400)))::int AS window_days
	FROM (
		SELECT to_timestamp(min("start")) AS first, to_timestamp(max(greatest("start", "end"))) AS last
		FROM demo.trace
	) s
	CROSS JOIN LATERAL (
		SELECT coalesce(nullif(:'as_of', '')::timestamptz,
			CASE WHEN s.last - s.first > interval '3 days' THEN date_trunc('hour', s.last - interval '1 day')
				ELSE s.last END) AS at
	) a;

DO $$
DECLARE
	c demo.clock := (SELECT c FROM demo.clock c);
BEGIN
	IF c.at NOT BETWEEN c.first AND c.last THEN
		RAISE 'AS_OF is %, but the trace goes from % to %', c.at, c.first, c.last;
	END IF;
END
$$;

SELECT format('%s sessions of %s nodes',
	to_char(count(*), 'FM999,999,999'), to_char(count(DISTINCT provider_id), 'FM999,999,999'))
FROM provider_sessions;
COMMIT;
