-- Outages of the observer: who is blamed when nobody is heard of, and which time is excluded.  Functions take now() as
-- the present, so the tests move the signs of life and not the clock: a coordinator that died d seconds ago has
-- providers that were heard of d seconds ago and before.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(79);

CREATE FUNCTION pg_temp.ago(age interval) RETURNS timestamptz LANGUAGE sql AS $$SELECT now() - age$$;
-- n sessions of a coordinator that began 30 days ago; the last heartbeat of number i was `silent` + i % 10 seconds ago
CREATE FUNCTION pg_temp.fleet(name text, coordinator text, n int, silent float8) RETURNS void LANGUAGE sql AS $$
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
	SELECT name || i, coordinator, now() - interval '30 days', now() - make_interval(secs => silent + i % 10) FROM generate_series(1, n) i
$$;
CREATE TEMP VIEW ends AS
	SELECT coordinator_id AS c, disconnect_reason AS reason, count(*) AS n FROM provider_sessions GROUP BY 1, 2;
CREATE TEMP VIEW excluded AS
	SELECT provider_id AS p, (extract(epoch FROM now() - since) / 60)::float8 AS since, (extract(epoch FROM now() - until) / 60)::float8 AS until, reason
	FROM provider_exclusions;
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE sql AS 'DELETE FROM provider_sessions; DELETE FROM provider_heartbeats; DELETE FROM provider_exclusions';

-- close_stale at every second after the coordinator died at T: 20 providers with a heartbeat every 10 s.  Four others
-- were heard of last 95, 100, 101 and 200 s before T, and died while it was listening: 90 s later it heard the others.
-- Two died 5 and 89 s before T, which nobody can tell from the outage.
CREATE FUNCTION pg_temp.outage(threshold float8, OUT first_lost int, OUT last_lost int, OUT lost bigint, OUT stale text, OUT others text) LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	PERFORM set_config('liveness.outage_threshold', threshold::text, true);
	-- nothing can happen in the first minute
	PERFORM pg_temp.fleet('p', 'c', 20, 60);
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
	SELECT 'died' || d, 'c', now() - interval '1 day', now() - make_interval(secs => 60 + d) FROM unnest(ARRAY[5, 89, 95, 100, 101, 200]) d;
	FOR second IN 60 .. 110 LOOP
		PERFORM liveness_close_stale();
		SELECT count(*) INTO n FROM provider_sessions WHERE disconnect_reason = 'observer_outage';
		first_lost := CASE WHEN n > 0 THEN coalesce(first_lost, second) END;
		last_lost := CASE WHEN n > coalesce(lost, 0) THEN second ELSE last_lost END;
		lost := n;
		-- a second passes
		UPDATE provider_sessions SET connected_at = connected_at - interval '1 s', disconnected_at = disconnected_at - interval '1 s', last_heartbeat_at = last_heartbeat_at - interval '1 s';
	END LOOP;
	SELECT string_agg(provider_id, ' ' ORDER BY last_heartbeat_at DESC, provider_id) FILTER (WHERE disconnect_reason = 'stale_heartbeat'),
		string_agg(provider_id, ' ') FILTER (WHERE disconnect_reason NOT IN ('stale_heartbeat', 'observer_outage'))
	INTO stale, others
	FROM provider_sessions;
	PERFORM pg_temp.clear();
END
$$;
SELECT results_eq('SELECT * FROM pg_temp.outage(1)', $$VALUES (91, 91, 22::bigint, 'died95 died100 died101 died200', NULL::text)$$,
	'a coordinator dies: a second after the timeout all of its providers are lost at once, and those are stale that it saw dead');
SELECT results_eq('SELECT * FROM pg_temp.outage(0.5)', $$VALUES (86, 91, 22::bigint, 'died95 died100 died101 died200', NULL::text)$$,
	'the same if half of them is enough: those that follow count with those that are lost');
SELECT results_eq('SELECT * FROM pg_temp.outage(0)', $$VALUES (NULL::int, NULL::int, 0::bigint,
	'p10 p20 p1 p11 p12 p2 p13 p3 p14 p4 died5 p15 p5 p16 p6 p17 p7 p18 p8 p19 p9 died89 died95 died100 died101 died200', NULL)$$, '0 turns that off: all are blamed');
RESET liveness.outage_threshold;

-- The coordinator is there, and providers die, one at a time or several at once: each is blamed, and nobody else
CREATE FUNCTION pg_temp.deaths(OUT stale text, OUT stale_at text, OUT lost bigint, OUT alive bigint) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
	SELECT 'p' || i, 'c', now() - interval '1 day', now() - make_interval(secs => i % 10) FROM generate_series(1, 20) i;
	-- heard of last at second 0, 7, 7, 7 and 20
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
	SELECT 'd' || row_number() OVER (), 'c', now() - interval '1 day', now() + make_interval(secs => d) FROM unnest(ARRAY[0, 7, 7, 7, 20]) d;
	FOR second IN 0 .. 115 LOOP
		PERFORM liveness_close_stale();
		UPDATE provider_sessions s SET connected_at = connected_at - interval '1 s', disconnected_at = disconnected_at - interval '1 s',
			last_heartbeat_at = CASE WHEN s.provider_id ~ '^p' AND s.last_heartbeat_at <= now() - interval '9 s' THEN now() ELSE s.last_heartbeat_at - interval '1 s' END,
			requests_served = CASE WHEN s.disconnected_at = s.last_heartbeat_at AND s.requests_served = 0 THEN second ELSE s.requests_served END;
	END LOOP;
	SELECT string_agg(provider_id, ' ' ORDER BY provider_id) FILTER (WHERE disconnect_reason = 'stale_heartbeat'),
		string_agg(requests_served::text, ' ' ORDER BY provider_id) FILTER (WHERE disconnect_reason = 'stale_heartbeat'),
		count(*) FILTER (WHERE disconnect_reason = 'observer_outage'), count(*) FILTER (WHERE disconnected_at IS NULL)
	INTO stale, stale_at, lost, alive FROM provider_sessions;
	PERFORM pg_temp.clear();
END
$$;
SELECT results_eq('SELECT * FROM pg_temp.deaths()', $$VALUES ('d1 d2 d3 d4 d5', '91 98 98 98 111', 0::bigint, 20::bigint)$$, 'each that dies is blamed a second after the timeout, and nobody else');
SELECT is((SELECT count(*) FROM provider_exclusions), 0::bigint, 'nothing is excluded');

-- 200 at once, one of 200, 60 % of 200
SELECT pg_temp.fleet('p', 'c', 200, 91);
SET LOCAL client_min_messages = notice;
SELECT is(liveness_close_stale(), 200::bigint, '200 are silent at once');
SET LOCAL client_min_messages = warning;
SELECT results_eq('TABLE ends', $$VALUES ('c', 'observer_outage', 200::bigint)$$, 'it was the coordinator');
SELECT results_eq('SELECT since, until, reason, count(*) FROM excluded GROUP BY 1, 2, 3', $$VALUES ((91 / 60.0)::float8, -10::float8, 'observer_outage', 200::bigint)$$,
	'for each the time is excluded from the coordinator''s last sign of life for 10 minutes from now');
SELECT is((SELECT count(*) FROM provider_sessions WHERE disconnected_at = last_heartbeat_at), 200::bigint, 'each ends where it was heard of last');
SELECT is(liveness_close_stale(), 0::bigint, 'a second time there is nothing to do');
SELECT is((SELECT count(*) FROM excluded), 200::bigint, 'nor to exclude');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 199, 0), pg_temp.fleet('q', 'c', 1, 300);
SELECT is(liveness_close_stale(), 1::bigint, 'one of 200 is silent');
SELECT results_eq('SELECT * FROM ends WHERE reason <> ''''', $$VALUES ('c', 'stale_heartbeat', 1::bigint)$$, 'it was the provider');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 80, 0), pg_temp.fleet('q', 'c', 120, 91);
SELECT is(liveness_close_stale(), 120::bigint, 'a power cut takes 60 %');
SELECT results_eq('SELECT * FROM ends WHERE reason <> ''''', $$VALUES ('c', 'stale_heartbeat', 120::bigint)$$, 'these have failed');
SELECT is((SELECT count(*) FROM excluded), 0::bigint, 'and nothing is excluded');
SELECT pg_temp.clear();

-- The letter: ten sessions that were ever heard of, a timeout later, all of them
SELECT pg_temp.fleet('p', 'c', 9, 91), liveness_open_session('new', 'c', pg_temp.ago('1 hour')) \gset _
SELECT is(liveness_close_stale(), 9::bigint, 'nine, and one that was never heard of');
SELECT results_eq('SELECT * FROM ends WHERE reason <> ''''', $$VALUES ('c', 'stale_heartbeat', 9::bigint)$$, 'are too few to blame the coordinator');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 10, 91);
SELECT is(liveness_close_stale(), 10::bigint, 'ten');
SELECT results_eq('TABLE ends', $$VALUES ('c', 'observer_outage', 10::bigint)$$, 'are enough');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 10, 91), pg_temp.fleet('q', 'c', 1, 89);
SELECT is(liveness_close_stale(), 0::bigint, 'eleven of twelve wait for the last');
SELECT is((SELECT count(*) FROM provider_stale_sessions), 10::bigint, 'though they are silent');
UPDATE provider_sessions SET last_heartbeat_at = pg_temp.ago('90 s') WHERE provider_id = 'q1';
SELECT is(liveness_close_stale(), 0::bigint, 'silent for exactly the timeout is not silent');
SELECT is(liveness_close_stale('30 s'), 11::bigint, 'a shorter timeout has all of them');
SELECT results_eq('TABLE ends', $$VALUES ('c', 'observer_outage', 11::bigint)$$, 'lost');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 9, 0);
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES
	('q', 'c', pg_temp.ago('1 hour'), pg_temp.ago('91 s')), ('r', 'c', pg_temp.ago('1 hour'), pg_temp.ago('91.000001 s'));
UPDATE provider_sessions SET last_heartbeat_at = pg_temp.ago('1 s') WHERE provider_id ~ '^p';
SELECT is(liveness_close_stale(), 2::bigint, 'somebody showed life exactly a timeout later');
UPDATE provider_sessions SET last_heartbeat_at = pg_temp.ago('2 s') WHERE provider_id ~ '^p';
UPDATE provider_sessions SET disconnected_at = NULL, disconnect_reason = '' WHERE provider_id ~ '^[qr]';
SELECT is(liveness_close_stale(), 0::bigint, 'a second less, and nobody is judged');
UPDATE provider_sessions SET last_heartbeat_at = pg_temp.ago('1.000001 s') WHERE provider_id = 'p1';
SELECT is(liveness_close_stale(), 1::bigint, 'each is judged by its own last sign');
SELECT results_eq($$SELECT provider_id FROM provider_sessions WHERE disconnected_at IS NOT NULL$$, $$VALUES ('r')$$, 'to the microsecond');
SELECT pg_temp.clear();
-- life that is no heartbeat: a session that the coordinator opened, or closed
SELECT pg_temp.fleet('p', 'c', 10, 200), liveness_open_session('new', 'c', pg_temp.ago('1 min')) \gset _
SELECT is(liveness_close_stale(), 10::bigint, 'it opened a session meanwhile');
SELECT results_eq('SELECT reason, n FROM ends WHERE reason <> ''''', $$VALUES ('stale_heartbeat', 10::bigint)$$, 'so it was there');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 10, 200);
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES ('x', 'c', pg_temp.ago('1 day'), pg_temp.ago('1 min'), 'read_error');
SELECT is(liveness_close_stale(), 10::bigint, 'or closed one');
SELECT results_eq('SELECT reason, n FROM ends WHERE n = 10', $$VALUES ('stale_heartbeat', 10::bigint)$$, 'which shows the same');
SELECT pg_temp.clear();
-- each coordinator by itself
SELECT pg_temp.fleet('p', 'red', 20, 100), pg_temp.fleet('q', 'blue', 19, 0), pg_temp.fleet('r', 'blue', 1, 100), pg_temp.fleet('s', 'green', 3, 100);
SELECT is(liveness_close_stale(NULL, 'red'), 20::bigint, 'one of three coordinators');
SELECT is(liveness_close_stale(), 4::bigint, 'and the others');
SELECT results_eq('SELECT * FROM ends ORDER BY c, n', $$VALUES ('blue', 'stale_heartbeat', 1::bigint), ('blue', '', 19), ('green', 'stale_heartbeat', 3), ('red', 'observer_outage', 20)$$,
	'each is judged by its own sessions');
SELECT pg_temp.clear();

-- Orphans
SELECT pg_temp.fleet('p', 'c', 20, 172800), pg_temp.fleet('q', 'c', 1, 172800 + 89), pg_temp.fleet('r', 'c', 1, 172800 + 90), liveness_open_session('new', 'c', pg_temp.ago('3 days')) \gset _
SELECT is(liveness_close_orphans('c'), 23::bigint, 'a coordinator was away for two days');
SELECT results_eq('SELECT reason, n FROM ends ORDER BY 1', $$VALUES ('coordinator_restart', 22::bigint), ('stale_heartbeat', 1)$$, 'and one was silent before');
SELECT results_eq('SELECT since, until, reason, count(*), count(*) FILTER (WHERE p = ''r1'') FROM excluded GROUP BY 1, 2, 3', $$VALUES (2880::float8, -10::float8, 'observer_outage', 22::bigint, 0::bigint)$$,
	'which is not excused; for the others two days are excluded, and the ten minutes in which they come back');
SELECT is(liveness_close_orphans('c'), 0::bigint, 'a second time there is nothing to do');
SELECT is((SELECT count(*) FROM excluded), 22::bigint, 'nor to exclude');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 20, 600);
SAVEPOINT away;
SELECT is(liveness_close_orphans('c'), 20::bigint, 'away for ten minutes, which the spells bridge');
SELECT is((SELECT count(*) FROM excluded), 0::bigint, 'nothing is excluded');
ROLLBACK TO away;
UPDATE provider_sessions SET last_heartbeat_at = last_heartbeat_at - interval '1 us';
SELECT is(liveness_close_orphans('c', 'power cut'), 20::bigint, 'a microsecond longer, and for a reason of one''s own');
SELECT results_eq('SELECT until, count(*) FROM excluded GROUP BY 1', 'VALUES (-10::float8, 20::bigint)', 'it is excluded');
ROLLBACK TO away;
SET LOCAL liveness.resume_within = 0;
SELECT liveness_close_orphans('c');
SELECT results_eq('SELECT since, until, count(*) FROM excluded GROUP BY 1, 2', 'VALUES (10::float8, 0::float8, 20::bigint)', 'where no spell bridges anything, any outage is excluded, until now');
RESET liveness.resume_within;
SELECT pg_temp.clear();
-- providers that others saw meanwhile
SELECT pg_temp.fleet('p', 'c', 10, 3600);
UPDATE provider_sessions SET last_heartbeat_at = pg_temp.ago('60 min');
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at) VALUES
	('p1', 'd', pg_temp.ago('40 min'), NULL, '', pg_temp.ago('1 s')),							-- came back there
	('p2', 'd', pg_temp.ago('40 min'), pg_temp.ago('30 min'), 'read_error', NULL),				-- and failed
	('p3', 'd', pg_temp.ago('40 days'), NULL, '', pg_temp.ago('1 s')),							-- was there all the time
	('p4', 'd', pg_temp.ago('40 days'), pg_temp.ago('20 min'), 'read_error', NULL),				-- and failed
	('p5', 'd', pg_temp.ago('40 days'), pg_temp.ago('60 min'), 'read_error', NULL),				-- failed at the last sign of c
	('p6', 'd', pg_temp.ago('40 days'), pg_temp.ago('61 min'), 'read_error', NULL),				-- failed before
	('p7', 'd', pg_temp.ago('70 min'), NULL, '', pg_temp.ago('1 s')),							-- went there before
	('p8', 'd', now() + interval '5 min', NULL, '', NULL);										-- a clock that is ahead
SELECT is(liveness_close_orphans('c'), 10::bigint, 'c was away for an hour, and d was there');
SELECT results_eq('SELECT p, since, until FROM excluded ORDER BY length(p), p', $$VALUES ('p1', 60::float8, 40::float8), ('p2', 60, 40), ('p6', 60, -10), ('p8', 60, -5), ('p9', 60, -10), ('p10', 60, -10)$$,
	'time is excluded until somebody saw the provider, and where nobody did');
SELECT pg_temp.clear();
-- two coordinators that hold the same providers, and die together
SELECT pg_temp.fleet('p', 'blue', 10, 100), pg_temp.fleet('p', 'green', 10, 100);
SELECT is(liveness_close_stale(), 20::bigint, 'blue and green die together');
SELECT results_eq('SELECT until, count(*), count(DISTINCT p) FROM excluded GROUP BY 1', 'VALUES (-10::float8, 10::bigint, 10::bigint)', 'each provider is excused once');
SELECT pg_temp.clear();

-- What close_stale has noted ends where the provider is back, and goes on while its coordinator is away.
SELECT pg_temp.fleet('p', 'c', 10, 100);
SELECT liveness_close_stale();
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at) VALUES
	('p1', 'd', pg_temp.ago('1 min'), NULL, '', now()), ('p2', 'd', now() + interval '1 min', NULL, '', NULL);
SELECT is(liveness_close_stale(), 0::bigint, 'p1 has come back');
SELECT results_eq('SELECT until, count(*), min(p) FROM excluded GROUP BY 1 ORDER BY 1', $$VALUES (-10::float8, 9::bigint, 'p10'), (1, 1, 'p1')$$, 'then its time counts again, and p2''s not before it is back');
UPDATE provider_exclusions SET until = now() + interval '5 min' WHERE until > now();
UPDATE provider_exclusions SET until = now() + interval '4 min' WHERE provider_id = 'p3';
UPDATE provider_exclusions SET until = now() WHERE provider_id = 'p4';
SELECT liveness_close_stale();
SELECT results_eq('SELECT until, count(*) FROM excluded GROUP BY 1 ORDER BY 1', 'VALUES (-10::float8, 1::bigint), (-5, 7), (0, 1), (1, 1)', 'less than half of resume_within is left: it goes on; one that is over does not');
UPDATE provider_exclusions SET until = now() + interval '4 min' WHERE until > now();
SAVEPOINT back;
SELECT liveness_open_session('x', 'c', pg_temp.ago('2 s')) \gset _
SELECT liveness_close_stale();
SELECT results_eq('SELECT until, count(*) FROM excluded GROUP BY 1 ORDER BY 1', 'VALUES (-4::float8, 8::bigint), (0, 1), (1, 1)', 'the coordinator is back: it ends as it was noted');
ROLLBACK TO back;
SET LOCAL liveness.outage_threshold = 0;
SELECT liveness_close_stale();
SELECT results_eq('SELECT until, count(*) FROM excluded GROUP BY 1 ORDER BY 1', 'VALUES (-4::float8, 8::bigint), (0, 1), (1, 1)', 'where the rule is off nothing is followed');
SELECT pg_temp.clear();
RESET liveness.outage_threshold;

-- End to end
CREATE TEMP VIEW verdict AS
	SELECT failures_count AS failures, uptime_pct::numeric(5, 4) AS uptime, liveness_score::numeric(5, 4) AS score, count(*) AS providers
	FROM liveness_features_at() GROUP BY 1, 2, 3;
SELECT pg_temp.fleet('p', 'c', 200, 91), liveness_close_stale() \gset _
SELECT results_eq('SELECT failures, sum(providers) FROM verdict GROUP BY 1', 'VALUES (0, 200::numeric)', '200 silent at once: none has failed');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 199, 0), pg_temp.fleet('q', 'c', 1, 300), liveness_close_stale() \gset _
SELECT results_eq('SELECT failures, sum(providers) FROM verdict GROUP BY 1 ORDER BY 1', 'VALUES (0, 199::numeric), (1, 1)', 'one of 200 is silent: it has failed');
SELECT pg_temp.clear();
SELECT pg_temp.fleet('p', 'c', 80, 0), pg_temp.fleet('q', 'c', 120, 91), liveness_close_stale() \gset _
SELECT results_eq('SELECT failures, sum(providers) FROM verdict GROUP BY 1 ORDER BY 1', 'VALUES (0, 80::numeric), (1, 120)', 'a power cut takes 60 %: all of these have failed');
SELECT pg_temp.clear();
-- always up, the observer away for two days; the restart was an hour ago, and providers came back within five minutes
SELECT pg_temp.fleet('p', 'c', 20, 172800), liveness_close_orphans('c') \gset _
UPDATE provider_sessions SET connected_at = connected_at - interval '1 hour', disconnected_at = disconnected_at - interval '1 hour', last_heartbeat_at = last_heartbeat_at - interval '1 hour';
UPDATE provider_exclusions SET since = since - interval '1 hour', until = until - interval '1 hour';
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
SELECT 'p' || i, 'c', pg_temp.ago('1 hour') + make_interval(secs => 15 * i), now() FROM generate_series(1, 20) i;
SELECT results_eq('TABLE verdict', 'VALUES (0, 1.0000, 1.0000, 20::bigint)', 'always up, the observer away for two days, and back since an hour: 1.0');
SELECT pg_temp.clear();
-- the same with somebody who runs close_stale every four minutes meanwhile
CREATE FUNCTION pg_temp.away() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 45 LOOP
		PERFORM liveness_close_stale();
		UPDATE provider_sessions SET connected_at = connected_at - interval '4 min', disconnected_at = disconnected_at - interval '4 min', last_heartbeat_at = last_heartbeat_at - interval '4 min';
		UPDATE provider_exclusions SET since = since - interval '4 min', until = until - interval '4 min';
	END LOOP;
END
$$;
SELECT pg_temp.fleet('p', 'c', 20, 0), pg_temp.away() \gset _
SELECT count(liveness_open_session('p' || i, 'c', pg_temp.ago('1 min'))) AS opened FROM generate_series(1, 20) i;
SELECT is(liveness_close_stale(), 0::bigint, 'it is back after three hours');
SELECT results_eq('TABLE verdict', 'VALUES (0, 1.0000, 1.0000, 20::bigint)', 'three hours, in which somebody closed its sessions: 1.0');
SELECT results_eq('SELECT until, count(*) FROM excluded GROUP BY 1', 'VALUES (1::float8, 20::bigint)', 'excluded until each was back');
SELECT pg_temp.clear();

-- The function that notes outages is a writer's to call, with the rights of the owner: it excludes what the sessions
-- show, and nothing that it is told.
CREATE ROLE liveness_t_writer;
SELECT liveness_grant_writer('liveness_t_writer');
CREATE FUNCTION pg_temp.as_writer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	SET LOCAL SESSION AUTHORIZATION liveness_t_writer;
	BEGIN
		EXECUTE statement INTO answer;
	EXCEPTION WHEN OTHERS THEN
		answer := SQLSTATE;
	END;
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;
INSERT INTO provider_sessions (id, provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at) VALUES
	(-1, 'open', 'alive', pg_temp.ago('1 day'), NULL, '', pg_temp.ago('1 s')),
	(-2, 'silent', 'alive', pg_temp.ago('1 day'), NULL, '', pg_temp.ago('1 hour')),
	(-3, 'failed', 'alive', pg_temp.ago('1 day'), pg_temp.ago('10 s'), 'read_error', NULL),
	(-4, 'long ago', 'alive', pg_temp.ago('1 year'), pg_temp.ago('300 days'), 'observer_outage', NULL),
	(-5, 'long ago', 'alive', pg_temp.ago('200 days'), pg_temp.ago('100 days'), 'read_error', NULL),
	(-6, 'gone', 'alive', pg_temp.ago('1 year'), pg_temp.ago('300 days'), 'coordinator_restart', NULL),
	(-7, 'ahead', 'alive', pg_temp.ago('1 day'), now() + interval '1 year', 'observer_outage', NULL),
	(-8, 'early', 'dead', pg_temp.ago('3 days'), pg_temp.ago('2 days') - interval '1 hour', 'read_error', NULL),
	(-9, 'last', 'dead', pg_temp.ago('3 days'), pg_temp.ago('2 days'), 'coordinator_restart', NULL),
	(-10, 'back', 'dead', pg_temp.ago('3 days'), pg_temp.ago('2 days'), 'coordinator_restart', NULL),
	(-11, 'back', 'alive', pg_temp.ago('1 day'), pg_temp.ago('1 hour'), 'read_error', NULL);
SELECT is(pg_temp.as_writer($$INSERT INTO provider_exclusions (provider_id, since) VALUES ('open', now())$$), '42501', 'a writer excludes nothing');
SELECT is(pg_temp.as_writer('UPDATE provider_exclusions SET until = NULL'), '42501', 'changes nothing');
SELECT is(pg_temp.as_writer('TABLE provider_exclusions'), '42501', 'and sees nothing');
SELECT is(pg_temp.as_writer($$SELECT liveness_exclude(NULL, '-infinity')$$), '42501', 'the operator''s function is not a writer''s');
SELECT is(pg_temp.as_writer('SELECT liveness_internal.liveness_note_outage(' || ids || ')'), '0', what)
FROM (VALUES (1, 'NULL', 'everybody'), (2, '''{}''', 'nobody'), (3, '''{0,4711,9223372036854775807,NULL}''', 'sessions that are not there'), (4, '''{-1,-2}''', 'open ones'),
	(5, '''{-3}''', 'one that has just failed, of a coordinator that is there'), (6, '''{-4,-5}''', 'the far past, with a session since'), (7, '''{-6}''', 'the far past, without'),
	(8, '''{-7}''', 'the future')) c (n, ids, what) ORDER BY n;
SELECT is(pg_temp.as_writer('SELECT liveness_internal.liveness_note_outage(''{-8,-9,-9,-10,-11}'')'), '2', 'a coordinator that died: what close_orphans would have noted');
SELECT results_eq('SELECT p, since, until FROM excluded ORDER BY 1', 'VALUES (''back'', 2880::float8, 1440::float8), (''last'', 2880, -10)',
	'from its last sign of life until each was seen again, or ten minutes from now, and nothing of who failed');
SELECT is(pg_temp.as_writer('SELECT liveness_internal.liveness_note_outage(''{-9,-10}'')'), '0', 'which is noted once');
SELECT is(pg_temp.as_writer('SELECT liveness_internal.liveness_follow_outages()'), '0', 'nor can it be drawn out');
SELECT is((SELECT count(*) FROM provider_exclusions), 2::bigint, 'that is all');

SELECT * FROM finish();
ROLLBACK;
