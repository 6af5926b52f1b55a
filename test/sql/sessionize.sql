-- Sessions from heartbeats: what is one, what late heartbeats and other coordinators' sessions do to it, and that it
-- does not matter how the heartbeats came
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(45);

-- beat('a', 10, 20) = heartbeats of a 10 s and 20 s before the hour 2026-01-05 00:00; s: the sessions, in seconds from there on
CREATE FUNCTION pg_temp.at(seconds float8) RETURNS timestamptz LANGUAGE sql AS $$SELECT timestamptz '2026-01-05 00:00+00' + seconds * interval '1 second'$$;
CREATE FUNCTION pg_temp.beat(p text, VARIADIC seconds float8[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO provider_heartbeats (provider_id, at) SELECT p, pg_temp.at(s) FROM unnest(seconds) s$$;
CREATE FUNCTION pg_temp.run() RETURNS bigint LANGUAGE sql AS $$SELECT liveness_internal.liveness_run_sessions(true)$$;
CREATE TEMP VIEW s AS
	SELECT provider_id AS p, extract(epoch FROM connected_at - pg_temp.at(0))::float8 AS since, extract(epoch FROM disconnected_at - pg_temp.at(0))::float8 AS until,
		extract(epoch FROM last_heartbeat_at - pg_temp.at(0))::float8 AS heard, disconnect_reason AS reason, id
	FROM provider_sessions WHERE coordinator_id = 'heartbeats';
-- somebody who is alive, so that silence is that of the others
CREATE TEMP VIEW others AS SELECT * FROM s WHERE p <> 'alive';

SELECT is(pg_temp.run(), 0::bigint, 'no heartbeat, no session');
SELECT is((SELECT runs FROM liveness_jobs WHERE job = 'sessions'), 1::bigint, 'which is a run');

-- A gap of 90 s is in a session, and a microsecond more is not
SELECT pg_temp.beat('a', 0, 60, 150, 240.000001, 300), pg_temp.beat('b', 7);
SELECT is(pg_temp.run(), 6::bigint, 'three sessions are made, and closed');
SELECT results_eq('SELECT p, since, until, heard, reason FROM others ORDER BY 1, 2',
	$$VALUES ('a', 0::float8, 150::float8, 150::float8, 'stale_heartbeat'), ('a', 240.000001, 300, 300, 'stale_heartbeat'), ('b', 7, 7, 7, 'stale_heartbeat')$$,
	'a gap of 90 s is in a session, and one longer by a microsecond is not; it ends at its last heartbeat');
SELECT is(pg_temp.run(), 0::bigint, 'nothing new, nothing written');

-- Late heartbeats extend, fill and join; the id is the earlier one
SELECT id AS a1 FROM s WHERE p = 'a' AND since = 0 \gset
SELECT id AS b1 FROM s WHERE p = 'b' \gset
SELECT pg_temp.beat('a', -80), pg_temp.beat('b', 97, 90, 7);
SELECT pg_temp.run() \gset _
SELECT results_eq('SELECT p, since, until, heard, reason FROM others ORDER BY 1, 2',
	$$VALUES ('a', -80::float8, 150::float8, 150::float8, 'stale_heartbeat'), ('a', 240.000001, 300, 300, 'stale_heartbeat'), ('b', 7, 97, 97, 'stale_heartbeat')$$, 'extended at either end');
SELECT is((SELECT min(id) FROM s WHERE p = 'a'), :a1::bigint, 'it is the same session');
SELECT pg_temp.beat('a', 200);
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, until, heard, reason, id FROM others WHERE p = 'a'$$, format('VALUES (-80::float8, 300::float8, 300::float8, ''stale_heartbeat'', %s::bigint)', :a1), 'joined: the earlier id');
SELECT pg_temp.beat('a', 33, 34, 100);
SELECT is(pg_temp.run(), 0::bigint, 'a gap that is filled changes nothing');
SELECT is((SELECT id FROM s WHERE p = 'b'), :b1::bigint, 'b is what it was');
-- a late one that is far from all
SELECT pg_temp.beat('a', -5000);
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, until FROM others WHERE p = 'a' ORDER BY 1$$, 'VALUES (-5000::float8, -5000::float8), (-80, 300)', 'a session of one heartbeat, of length 0');

-- Open while the last heartbeat is younger than the timeout
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('c', now() - interval '80 s'), ('c', now() - interval '10 s'), ('d', now() - interval '90 s'), ('e', now() - interval '90.000001 s');
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT p, until IS NULL, reason FROM s WHERE p IN ('c', 'd', 'e') ORDER BY 1$$, $$VALUES ('c', true, ''), ('d', true, ''), ('e', false, 'stale_heartbeat')$$, 'open, unless silent for longer');
SELECT is((SELECT string_agg(provider_id, ' ' ORDER BY provider_id) FROM provider_session_history WHERE is_open AND coordinator_id = 'heartbeats'), 'c d', 'views have them like any other session');

-- A stamp that lies too far ahead says nothing, and infinities do not either
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('f', now() + interval '90 s'), ('g', now() + interval '90.000001 s'), ('g', 'infinity'), ('c', 'infinity'), ('c', '-infinity'), ('h', '-infinity');
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT p FROM s WHERE p IN ('f', 'g', 'h')$$, $$VALUES ('f')$$, 'just ahead, and too far; infinities');
SELECT is((SELECT count(*) FROM s WHERE p = 'c'), 1::bigint, 'which break no run');
-- what lay too far ahead is taken once that is possible
UPDATE liveness_internal.liveness_job_state SET heard_until = heard_until - interval '1 hour' WHERE job = 'sessions';
UPDATE provider_heartbeats SET at = at - interval '10 s' WHERE provider_id = 'g' AND isfinite(at);
SELECT pg_temp.run() \gset _
SELECT is((SELECT count(*) FROM s WHERE p = 'g'), 1::bigint, 'then it is a session');

-- Heartbeats inside of another coordinator's session are left out
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('i', 'blue', pg_temp.at(100), pg_temp.at(200), 'read_error'), ('j', 'blue', pg_temp.at(100), NULL, ''), ('k', 'blue', pg_temp.at(100), pg_temp.at(130), ''), ('l', 'blue', pg_temp.at(200), pg_temp.at(100), '');
SELECT pg_temp.beat(p, 0, 50, 99.999999, 100, 150, 200, 200.000001, 250) FROM unnest(ARRAY['i', 'j', 'k', 'l']) p;
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT p, since, heard FROM s WHERE p IN ('i', 'j', 'k', 'l') ORDER BY 1, 2$$,
	$$VALUES ('i', 0::float8, 99.999999::float8), ('i', 200.000001, 250), ('j', 0, 99.999999), ('k', 0, 250), ('l', 0, 250)$$,
	'both ends included; a gap within the timeout breaks nothing; a session that ends before it begins covers nothing');
-- that session ends, in the past: what it covered no longer is a session
UPDATE provider_sessions SET disconnected_at = pg_temp.at(140), disconnect_reason = 'read_error' WHERE provider_id = 'j' AND coordinator_id = 'blue';
-- it ended long ago, and is looked at once an hour
UPDATE liveness_internal.liveness_job_state SET swept_at = swept_at - interval '1 hour' WHERE job = 'sessions';
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, heard FROM s WHERE p = 'j' ORDER BY 1$$, 'VALUES (0::float8, 250::float8)', 'it closes after the job ran: what followed is taken, and joins');
-- one begins in the past: it cuts
SELECT id AS b1 FROM s WHERE p = 'b' \gset
SELECT pg_temp.beat('b', 150, 200, 260, 320, 380);
SELECT pg_temp.run() \gset _
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at) VALUES ('b', 'blue', pg_temp.at(120), now() - interval '1 hour'), ('b', 'green', pg_temp.at(-20), pg_temp.at(-10));
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, heard, id FROM s WHERE p = 'b' ORDER BY 1$$, format('VALUES (7::float8, 97::float8, %s::bigint)', :b1), 'it begins after the job ran: the session is cut where it begins');
DELETE FROM provider_sessions WHERE coordinator_id <> 'heartbeats';

-- Raw heartbeats that were pruned shorten nothing
DELETE FROM provider_heartbeats WHERE provider_id IN ('a', 'b');
SELECT pg_temp.beat('a', 350);
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, heard FROM s WHERE p = 'a' ORDER BY 1$$, 'VALUES (-5000::float8, -5000::float8), (-80, 350)', 'a late one extends a session of which no heartbeat is left');
UPDATE liveness_internal.liveness_job_state SET pruned_before = pg_temp.at(3600) WHERE job = 'hourly';
INSERT INTO liveness_internal.liveness_job_state (job, pruned_before) SELECT 'hourly', pg_temp.at(3600) WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_job_state WHERE job = 'hourly');
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at) VALUES ('a', 'blue', pg_temp.at(-40), now());
SELECT pg_temp.run() \gset _
SELECT results_eq($$SELECT since, heard FROM s WHERE p = 'a' ORDER BY 1$$, 'VALUES (-5000::float8, -5000::float8), (-80, 350)', 'nor does another coordinator''s session, where heartbeats were pruned');
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats; DELETE FROM liveness_internal.liveness_job_state;

-- By hand: a range, and another timeout
SELECT pg_temp.beat('a', -86400, -86340, 0, 60, 150, 600), pg_temp.beat('b', 0, 100, 200);
SELECT is(liveness_sessionize(pg_temp.at(-10), pg_temp.at(151)), 3::bigint, 'one of a, two of b');
SELECT results_eq('SELECT p, since, heard FROM s ORDER BY 1, 2', $$VALUES ('a', 0::float8, 150::float8), ('b', 0, 0), ('b', 100, 100)$$, 'of the range, whose end does not belong to it');
SELECT is(liveness_sessionize(pg_temp.at(-10), pg_temp.at(151)), 0::bigint, 'again: nothing is written');
SELECT is(liveness_sessionize('-infinity', 'infinity'), 3::bigint, 'all: two more of a, one of b');
SELECT is((SELECT count(*) FROM s), 6::bigint, 'that is six');
SELECT is(liveness_sessionize('-infinity', 'infinity', interval '100 s') > 0, true, 'a timeout of 100 s');
SELECT results_eq($$SELECT since, heard FROM s WHERE p = 'b'$$, 'VALUES (0::float8, 200::float8)', 'joins those of b');
SELECT is(liveness_sessionize(NULL, NULL), 0::bigint, 'NULL leaves a side open');
SELECT is(liveness_sessionize(pg_temp.at(10), pg_temp.at(10)), 0::bigint, 'an empty range');
SELECT is(liveness_sessionize(pg_temp.at(10), pg_temp.at(0)), 0::bigint, 'one that ends before it begins');
SELECT throws_ok('SELECT liveness_sessionize(NULL, NULL, ' || quote_literal(t) || ')', '22023', NULL, 'a timeout of ' || t) FROM unnest(ARRAY['0', '-1 s', '3651 days']) t;
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats; DELETE FROM liveness_internal.liveness_job_state;

-- A fleet of 20 that falls silent at once: the observer was away; one of 20: the provider was
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, now() - interval '10 min' + n * interval '30 s' FROM generate_series(1, 20) p, generate_series(0, 15) n WHERE p > 1 OR n < 10;
SELECT pg_temp.run() \gset _
SELECT results_eq('SELECT reason, count(*) FROM s GROUP BY 1 ORDER BY 1', $$VALUES ('observer_outage', 19::bigint), ('stale_heartbeat', 1)$$, 'all at once, and one before');
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, now() - interval '10 s' FROM generate_series(1, 20) p;
SELECT pg_temp.run() \gset _
SELECT results_eq('SELECT reason, count(*) FROM s GROUP BY 1 ORDER BY 1', $$VALUES ('', 20::bigint), ('observer_outage', 19), ('stale_heartbeat', 1)$$, 'they are back: new sessions');
SELECT liveness_rollup_features() \gset _
SELECT results_eq($$SELECT failures_count, count(*), max(spells_count) FROM provider_reliability_features GROUP BY 1 ORDER BY 1$$, $$VALUES (0, 19::bigint, 1), (1, 1, 2)$$, 'the outage is no failure, and the spell goes on');
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats; DELETE FROM liveness_internal.liveness_job_state;

-- Stale sessions of all coordinators
SET LOCAL liveness.session_timeout = '90s';
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES ('a', 'blue', now() - interval '1 hour', now() - interval '30 min');
SELECT is(liveness_internal.liveness_run_sessions(false), 0::bigint, 'off: nothing is done');
SELECT is(pg_temp.run(), 0::bigint, 'sessions of other coordinators are theirs to close');
SELECT is((SELECT count(*) FROM provider_sessions WHERE disconnected_at IS NULL), 1::bigint, 'unless liveness.close_stale is on');

-- The aggregate, with intervals in any order
SELECT is(liveness_internal.liveness_runs(pg_temp.at(a), pg_temp.at(b), 10000000 ORDER BY o), ARRAY[pg_temp.at(0), pg_temp.at(25), pg_temp.at(36), pg_temp.at(40)], 'runs: ' || w)
FROM (VALUES ('in order', 1), ('backwards', -1)) w (w, d), LATERAL (SELECT a, b, d * a AS o FROM (VALUES (0, 5), (10, 10), (20, 15), (22, 25), (36, 40), (37, 38)) v (a, b)) v GROUP BY w;
SELECT is(liveness_internal.liveness_runs(a, a, 5), NULL, 'of nothing: NULL') FROM (SELECT NULL::timestamptz AS a) n;
SELECT is((SELECT cardinality(liveness_internal.liveness_runs(pg_temp.at(n), pg_temp.at(n), 999999 ORDER BY hashint4(n))) FROM generate_series(1, 10000) n), 20000, '10,000 runs in no order');
SELECT is((SELECT liveness_internal.liveness_runs(pg_temp.at(n), pg_temp.at(n), 1000000 ORDER BY hashint4(n)) FROM generate_series(1, 10000) n), ARRAY[pg_temp.at(1), pg_temp.at(10000)], 'that are one run');

SELECT * FROM finish();
ROLLBACK;
