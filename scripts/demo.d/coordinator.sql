-- What coordinators do through the extension's functions: the last hour of the
-- simulated fleet.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;

BEGIN;
-- Blue is back after its crash: what it held ended at the last sign of life.
SELECT liveness_close_orphans('blue') AS orphans \gset
-- Nearly all of them have found the other coordinator since.
SELECT count(liveness_open_session(s.provider_id, 'green',
	c.blue_crashed_at + (1 + 9 * demo.chance(s.provider_id, 12)) * interval '1 minute')) AS returned
FROM provider_sessions s
CROSS JOIN demo.clock c
WHERE s.coordinator_id = 'blue' AND s.disconnect_reason = 'coordinator_restart'
AND s.disconnected_at > c.blue_crashed_at - interval '5 minutes'
AND demo.chance(s.provider_id, 14) > 0.1 \gset
-- The lids that were shut.
SELECT liveness_close_stale('10 minutes', 'green') AS stale \gset
-- A new provider tries us out, goes, and comes back.
SELECT 'new-' || to_char(1 + max(n), 'FM000') AS curious, 'new-' || to_char(2 + max(n), 'FM000') AS unstable
FROM demo.provider
WHERE temperament = 'new' \gset
SELECT liveness_open_session(:'curious', 'green', now() - interval '20 minutes') AS trial \gset
SELECT liveness_close_session(:trial, 'clean_close', now() - interval '11 minutes',
	now() - interval '11 minutes', 14, 5210) \gset
SELECT liveness_open_session(:'curious', 'green', now() - interval '5 minutes') \gset
-- Another lost its connection unnoticed: its second session supersedes the first.
SELECT liveness_open_session(:'unstable', 'green', now() - interval '30 minutes') \gset
SELECT liveness_open_session(:'unstable', 'green', now() - interval '8 minutes') \gset
COMMIT;

\echo :orphans orphans of blue, :returned back, :stale stale
