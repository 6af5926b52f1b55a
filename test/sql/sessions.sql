-- Opening and closing sessions, and the last sign of life
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(120);

-- ago('10 min') = now() - 10 min; a session at a glance: seconds from now() to its end
CREATE FUNCTION pg_temp.ago(age interval) RETURNS timestamptz LANGUAGE sql AS $$SELECT now() - age$$;
CREATE TEMP VIEW s AS
	SELECT provider_id AS p, coordinator_id AS c, (extract(epoch FROM now()) - extract(epoch FROM connected_at))::float8 AS began,
		(extract(epoch FROM now()) - extract(epoch FROM disconnected_at))::float8 AS ended, disconnect_reason AS reason, id
	FROM provider_sessions;

-- Opening
SELECT is(liveness_open_session('a', 'blue', '2026-01-01 00:00+00'), currval('provider_sessions_id_seq'), 'open returns the id of the new session');
SELECT results_eq('SELECT provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated FROM provider_sessions',
	$$VALUES ('a', 'blue', '2026-01-01 00:00+00'::timestamptz, NULL::timestamptz, '', NULL::timestamptz, 0::bigint, 0::bigint)$$,
	'it is open, and has what was given');
SELECT is(liveness_open_session('b'), currval('provider_sessions_id_seq'), 'coordinator and time have defaults');
SELECT results_eq($$SELECT coordinator_id, connected_at FROM provider_sessions WHERE provider_id = 'b'$$, $$VALUES ('', now())$$, 'nobody, and now()');
SELECT throws_ok('SELECT liveness_open_session(NULL)', '23502', NULL, 'a NULL provider is refused');
SELECT throws_ok($$SELECT liveness_open_session('a', NULL)$$, '23502', NULL, 'a NULL coordinator too');
SELECT throws_ok($$SELECT liveness_open_session('a', 'x', NULL)$$, '23502', NULL, 'and a NULL time');
SELECT is((SELECT count(*) FROM provider_sessions), 2::bigint, 'which leaves nothing behind');
SELECT lives_ok($$SELECT liveness_open_session('', ''), liveness_open_session(repeat('x', 10000), repeat('y', 10000)), liveness_open_session('it''s "é"; --', E'\t')$$, 'names may be anything');
DELETE FROM provider_sessions;

-- Superseding: the same provider and coordinator, and nobody else
SELECT liveness_open_session('a', 'blue', pg_temp.ago('10 min')) AS a_blue \gset
SELECT liveness_open_session('a', 'green', pg_temp.ago('9 min')) AS a_green \gset
SELECT liveness_open_session('b', 'blue', pg_temp.ago('8 min')) AS b_blue \gset
SELECT results_eq('SELECT p, c FROM s WHERE ended IS NULL ORDER BY id', $$VALUES ('a', 'blue'), ('a', 'green'), ('b', 'blue')$$,
	'another coordinator''s, and another provider''s, stay open');
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('a', pg_temp.ago('11 min')), ('a', pg_temp.ago('9 min 30 s')), ('a', pg_temp.ago('7 min')), ('b', pg_temp.ago('6 min'));
SELECT isnt(liveness_open_session('a', 'blue', pg_temp.ago('5 min')), :a_blue::bigint, 'a second open of the same pair is a new session');
SELECT results_eq('SELECT p, c, ended, reason FROM s WHERE id = ' || :a_blue,
	$$VALUES ('a', 'blue', 570::float8, 'superseded')$$,
	'the first is closed as superseded, at its last heartbeat before the provider''s next session (green''s)');
SELECT results_eq('SELECT p, c, began FROM s WHERE ended IS NULL ORDER BY id', $$VALUES ('a', 'green', 540::float8), ('b', 'blue', 480), ('a', 'blue', 300)$$,
	'green''s is open still, and b''s');
SELECT liveness_open_session('a', 'blue', pg_temp.ago('3 min')) \gset _
SELECT results_eq('SELECT began, ended FROM s WHERE p = ''a'' AND c = ''blue'' ORDER BY id',
	'VALUES (600::float8, 570::float8), (300, 180.000001), (180, NULL)', 'without any heartbeat it is closed a microsecond before the next, and no uptime is lost');
-- the new session itself is the old one's next
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('b', pg_temp.ago('2 min'));
SELECT liveness_open_session('b', 'blue', pg_temp.ago('3 min')) \gset _
SELECT results_eq('SELECT ended FROM s WHERE id = ' || :b_blue, 'VALUES (360::float8)', 'heartbeats after the new session are not the old one''s');
-- several ghosts at once
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES
	('g', 'blue', pg_temp.ago('30 min'), pg_temp.ago('25 min')), ('g', 'blue', pg_temp.ago('20 min'), NULL), ('g', 'green', pg_temp.ago('19 min'), NULL);
SELECT liveness_open_session('g', 'blue') \gset _
SELECT results_eq('SELECT c, began, ended, reason FROM s WHERE p = ''g'' ORDER BY began DESC',
	$$VALUES ('blue', 1800::float8, 1500::float8, 'superseded'), ('blue', 1200, 0.000001, 'superseded'), ('green', 1140, NULL, ''), ('blue', 0, NULL, '')$$,
	'all open sessions of the pair are closed, however many there were');
SELECT is((SELECT count(*) FROM s WHERE p = 'g' AND c = 'blue' AND ended IS NULL), 1::bigint, 'which leaves one');
-- one that is closed already is left alone
SELECT liveness_close_session(id, 'clean_close', pg_temp.ago('1 min')) FROM s WHERE p = 'g' AND began = 0;
SELECT liveness_open_session('g', 'blue') \gset _
SELECT is((SELECT count(*) FROM s WHERE p = 'g' AND reason = 'clean_close'), 1::bigint, 'what was closed keeps its reason');
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats;

-- The same open again
SELECT liveness_open_session('a', 'blue', pg_temp.ago('10 min')) AS id \gset
SELECT is(liveness_open_session('a', 'blue', pg_temp.ago('10 min')), :id::bigint, 'the same provider, coordinator and time: the same session');
SELECT is(liveness_open_session('a', 'blue', pg_temp.ago('8 min 30 s')), :id::bigint, 'never heard of, and within 90 s: a retry');
SELECT is(liveness_open_session('a', 'blue', pg_temp.ago('11 min 30 s')), :id::bigint, 'of an earlier time too');
SELECT is((SELECT count(*) FROM s), 1::bigint, 'there is one session');
SELECT isnt(liveness_open_session('a', 'green', pg_temp.ago('10 min')), :id::bigint, 'another coordinator''s is another');
SELECT isnt(liveness_open_session('b', 'blue', pg_temp.ago('10 min')), :id::bigint, 'and another provider''s');
SELECT liveness_close_session(:id, 'clean_close', pg_temp.ago('9 min')) \gset _
SELECT is(liveness_open_session('a', 'blue', pg_temp.ago('10 min')), :id::bigint, 'closed or not');
SELECT results_eq('SELECT ended, reason FROM s WHERE id = ' || :id, $$VALUES (540::float8, 'clean_close')$$, 'and it stays closed');
SELECT isnt(liveness_open_session('a', 'blue', pg_temp.ago('9 min 59 s')), :id::bigint, 'one that is closed has no retries');
DELETE FROM provider_sessions;
SELECT liveness_open_session('a', 'blue', pg_temp.ago('10 min')) AS id \gset
SELECT is(liveness_open_session('a', 'blue', pg_temp.ago('8 min 29.999999 s')) = :id, false, 'a microsecond later it is none');
SELECT results_eq('SELECT ended, reason FROM s WHERE id = ' || :id, $$VALUES (510::float8, 'superseded')$$, 'but supersedes');
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('h', pg_temp.ago('9 min 50 s'));
SELECT liveness_open_session('h', 'blue', pg_temp.ago('10 min')) AS id \gset
SELECT is(liveness_open_session('h', 'blue', pg_temp.ago('9 min 45 s')) = :id, false, 'one that was heard of has no retries');
SELECT results_eq('SELECT ended, reason FROM s WHERE id = ' || :id, $$VALUES (590::float8, 'superseded')$$, 'it ends where it was heard of last');
-- an end never precedes the beginning, and the calendar has ends
SELECT liveness_open_session('late', 'blue', pg_temp.ago('5 min')), liveness_open_session('late', 'blue', pg_temp.ago('1 hour')) \gset _
SELECT results_eq($$SELECT began, ended FROM s WHERE p = 'late' ORDER BY id$$, $$VALUES (300::float8, 300::float8), (3600, NULL)$$, 'opened in the wrong order');
SELECT liveness_open_session('far', 'blue', pg_temp.ago('5 min')), liveness_open_session('far', 'blue', '2098-01-01 00:00+00') \gset _
SELECT results_eq($$SELECT began, ended FROM s WHERE p = 'far' AND began > 0$$, $$VALUES (300::float8, 0::float8)$$, 'by one that lies far ahead it is closed now');
SELECT lives_ok(format('SELECT liveness_open_session(%L, %L, %L)', 'edge', 'blue', at), 'opened at ' || at)
FROM unnest(ARRAY['-infinity', '4714-11-24 00:00+00 BC', '4714-11-24 00:00:00.000001+00 BC', '294276-12-31 23:59:59.999999+00', 'infinity', '4714-11-24 00:00+00 BC', '-infinity']) at;
SELECT is((SELECT count(*) FROM provider_sessions WHERE provider_id = 'edge' AND disconnected_at < connected_at), 0::bigint, 'which leaves none that ends before it begins');
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats;

-- Many at once, by the same rules: the same session, a retry, one that is superseded, one that is new
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('heard', pg_temp.ago('9 min'));
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at) VALUES
	('same', 'blue', pg_temp.ago('1 min')), ('retry', 'blue', pg_temp.ago('2 min')), ('old', 'blue', pg_temp.ago('10 min')), ('heard', 'blue', pg_temp.ago('10 min')), ('new', 'green', pg_temp.ago('10 min'));
CREATE TEMP TABLE o AS SELECT row_number() OVER () AS n, * FROM liveness_open_sessions(ARRAY['new', 'same', 'retry', 'new', 'old', 'heard', 'new'], 'blue', pg_temp.ago('1 min'));
SELECT results_eq('SELECT provider_id FROM o ORDER BY n', $$VALUES ('new'), ('same'), ('retry'), ('new'), ('old'), ('heard'), ('new')$$, 'a row for each element, in their order');
SELECT is((SELECT count(DISTINCT session_id) FROM o WHERE provider_id = 'new'), 1::bigint, 'of one id where they are the same');
SELECT results_eq('SELECT DISTINCT o.provider_id, s.began, s.c, s.ended FROM o JOIN s ON s.id = o.session_id AND s.p = o.provider_id ORDER BY 1',
	$$VALUES ('heard', 60::float8, 'blue', NULL::float8), ('new', 60, 'blue', NULL), ('old', 60, 'blue', NULL), ('retry', 120, 'blue', NULL), ('same', 60, 'blue', NULL)$$, 'the ids are those of the sessions');
SELECT results_eq('SELECT p, c, began, ended, reason FROM s WHERE began > 60 ORDER BY p', $$VALUES ('heard', 'blue', 600::float8, 540::float8, 'superseded'), ('new', 'green', 600, NULL, ''),
	('old', 'blue', 600, 60.000001, 'superseded'), ('retry', 'blue', 120, NULL, '')$$, 'superseded as by one open alone');
SELECT results_eq($$SELECT session_id FROM liveness_open_sessions(ARRAY['old', 'heard', 'new', 'same', 'retry'], 'blue', pg_temp.ago('1 min')) ORDER BY 1$$, 'SELECT DISTINCT session_id FROM o ORDER BY 1', 'again: the same ids');
SELECT is((SELECT count(*) FROM s), 8::bigint, 'and no further session');
SELECT is_empty($$SELECT * FROM liveness_open_sessions('{}', 'blue')$$, 'no provider, no session');
SELECT results_eq($$SELECT count(*), count(DISTINCT session_id) FROM liveness_open_sessions(ARRAY[['m1', 'm2'], ['m2', 'm3']])$$, 'VALUES (4::bigint, 3::bigint)', 'an array of arrays is taken as its elements');
SELECT throws_ok('SELECT * FROM liveness_open_sessions(' || a || ')', '23502', NULL, 'refused: ' || a)
FROM unnest(ARRAY[$$ARRAY['x', NULL]$$, 'NULL', $$ARRAY['x'], NULL$$, $$ARRAY['x'], '', NULL$$]) a;
SELECT is((SELECT count(*) FROM s WHERE p = 'x'), 0::bigint, 'and nobody of theirs is opened');
-- as many locks as there are providers would not fit; 1,024 do
SELECT is((SELECT count(DISTINCT session_id) FROM liveness_open_sessions((SELECT array_agg('many ' || i) FROM generate_series(1, 20000) i), 'blue')), 20000::bigint, '20,000 at once');
SELECT cmp_ok((SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), '<=', 1024, 'by no more than 1,024 locks');
DELETE FROM provider_sessions; DELETE FROM provider_heartbeats;

-- Closing
SELECT liveness_open_session('a', 'blue', pg_temp.ago('10 min')) AS id \gset
SELECT is(liveness_close_session(:id, 'read_error', pg_temp.ago('1 min'), pg_temp.ago('2 min'), 7, 4000), true, 'closing an open session: true');
SELECT results_eq('SELECT disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated FROM provider_sessions',
	$$VALUES (pg_temp.ago('1 min'), 'read_error', pg_temp.ago('2 min'), 7::bigint, 4000::bigint)$$, 'with everything that was given');
SELECT is(liveness_close_session(:id, 'clean_close', now(), now(), 1, 1), false, 'the first close wins: false');
SELECT results_eq('SELECT disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated FROM provider_sessions',
	$$VALUES (pg_temp.ago('1 min'), 'read_error', pg_temp.ago('2 min'), 7::bigint, 4000::bigint)$$, 'and nothing has changed');
SELECT is(liveness_close_session(-1, 'x'), false, 'a session that is not there: false');
SELECT is(liveness_close_session(NULL, 'x'), false, 'NULL: false');
SELECT liveness_open_session('z') AS id \gset
SELECT is(liveness_close_session(:id, 'x', provider_id => 'y'), false, 'another provider''s: false');
SELECT is(liveness_close_session(:id, 'x', provider_id => 'z'), true, 'its own: true');
DELETE FROM provider_sessions WHERE provider_id = 'z';
SELECT liveness_open_session('a', 'blue', pg_temp.ago('10 min')) AS id \gset
INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at, requests_served, tokens_generated)
	VALUES ('b', pg_temp.ago('1 hour'), pg_temp.ago('3 min'), 5, 6) RETURNING id \gset
SELECT throws_ok('SELECT liveness_close_session(' || :id || ', NULL)', '23502', NULL, 'a NULL reason is refused');
SELECT throws_ok('SELECT liveness_close_session(' || :id || $$, 'x', 'infinity')$$, '22008', 'a session cannot be closed at infinity', 'nobody disconnects at infinity');
SELECT throws_ok('SELECT liveness_close_session(' || :id || $$, 'x', '-infinity')$$, '22008', 'a session cannot be closed at -infinity', 'nor at -infinity');
SELECT is((SELECT ended FROM s WHERE p = 'b'), NULL, 'all of which leave it open');
SELECT is(liveness_close_session(:id, 'clean_close'), true, 'at now() by default');
SELECT results_eq($$SELECT disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated FROM provider_sessions WHERE provider_id = 'b'$$,
	$$VALUES (now(), 'clean_close', pg_temp.ago('3 min'), 5::bigint, 6::bigint)$$, 'what is not given stays as it was');
SELECT liveness_open_session('c') AS id \gset
SELECT is(liveness_close_session(:id, '', NULL), true, 'at NULL');
SELECT is((SELECT ended FROM s WHERE p = 'c'), 0::float8, 'is now()');
SELECT liveness_open_session('d') AS id \gset
SELECT is(liveness_close_session(:id, 'x', pg_temp.ago('1 hour')), true, 'at before connected_at');
SELECT is((SELECT ended FROM s WHERE p = 'd'), 3600::float8, 'is taken as it is: a clock was wrong');
SELECT liveness_open_session('e') AS id \gset
SELECT is(liveness_close_session(:id, 'x', now() + interval '1 hour'), true, 'and so is at in the future');
SELECT is(liveness_close_session(:id, 'x'), false, 'which closes it as well');
DELETE FROM provider_sessions;

-- The last sign of life, case by case; all sessions of coordinator 'c' but where it says so
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES
	('nothing',  'c', pg_temp.ago('60 min'), NULL),
	('stored',   'c', pg_temp.ago('60 min'), NULL),
	('column',   'c', pg_temp.ago('60 min'), pg_temp.ago('20 min')),
	('both',     'c', pg_temp.ago('60 min'), pg_temp.ago('20 min')),
	('before',   'c', pg_temp.ago('60 min'), NULL),
	('first',    'c', pg_temp.ago('60 min'), NULL),
	('future',   'c', pg_temp.ago('60 min'), NULL),
	('ahead',    'c', pg_temp.ago('60 min'), now() + interval '1 hour'),
	('old',      'c', pg_temp.ago('60 min'), pg_temp.ago('90 min')),
	('next',     'c', pg_temp.ago('60 min'), NULL),
	('next',     'd', pg_temp.ago('30 min'), NULL),
	('closed',   'c', pg_temp.ago('60 min'), NULL),
	('tomorrow', 'c', now() + interval '1 day', NULL),
	('since',    'c', '-infinity', NULL),
	('other',    'd', pg_temp.ago('60 min'), NULL),
	('exact',    'c', pg_temp.ago('60 min'), pg_temp.ago('15 min')),
	('mad',      'c', pg_temp.ago('60 min'), '2098-01-01 00:00+00'),
	('eternal',  'c', pg_temp.ago('60 min'), 'infinity'),
	('madbeat',  'c', pg_temp.ago('60 min'), NULL),
	('soon',     'c', now() + interval '90 s', NULL),
	('soonbeat', 'c', pg_temp.ago('60 min'), now() + interval '90 s'),
	('dawn',     'c', '4714-11-24 00:00+00 BC', NULL),
	('forever',  'c', '-infinity', NULL),
	('dusk',     'c', '294276-12-31 23:59:59.999999+00', NULL),
	('never',    'c', 'infinity', NULL);
-- a closed session in between is the provider's next all the same
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('closed', 'd', pg_temp.ago('40 min'), pg_temp.ago('35 min'), 'read_error'),
	('done', 'c', pg_temp.ago('50 min'), pg_temp.ago('45 min'), 'read_error');
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('stored', pg_temp.ago('50 min')), ('stored', pg_temp.ago('10 min')),
	('column', pg_temp.ago('30 min')),
	('both', pg_temp.ago('5 min')),
	('before', pg_temp.ago('61 min')),
	('first', pg_temp.ago('60 min')),
	('future', pg_temp.ago('15 min')), ('future', now() + interval '1 min'), ('future', 'infinity'), ('future', '-infinity'),
	('next', pg_temp.ago('31 min')), ('next', pg_temp.ago('30 min')), ('next', pg_temp.ago('1 min')),
	('closed', pg_temp.ago('41 min')), ('closed', pg_temp.ago('36 min')), ('closed', pg_temp.ago('2 min')),
	('tomorrow', pg_temp.ago('2 min')),
	('since', pg_temp.ago('12 min')),
	('madbeat', '2098-01-01 00:00+00'), ('madbeat', 'infinity'),
	('other', pg_temp.ago('1 min')), ('stranger', now());
SELECT results_eq($$SELECT provider_id, coordinator_id, ((extract(epoch FROM now()) - extract(epoch FROM last_sign_of_life)) / 60)::float8
	FROM liveness_internal.liveness_last_signs WHERE provider_id <> 'dawn' ORDER BY provider_id, coordinator_id$$,
	$$VALUES ('ahead', 'c', 60::float8), ('before', 'c', 60), ('both', 'c', 5), ('closed', 'c', 41), ('column', 'c', 20), ('dusk', 'c', NULL), ('eternal', 'c', 60),
		('exact', 'c', 15), ('first', 'c', 60), ('forever', 'c', 'infinity'), ('future', 'c', 0), ('mad', 'c', 60), ('madbeat', 'c', 60), ('never', 'c', NULL),
		('next', 'c', 31), ('next', 'd', 1), ('nothing', 'c', 60), ('old', 'c', 60), ('other', 'd', 1), ('since', 'c', 12), ('soon', 'c', 0), ('soonbeat', 'c', 0),
		('stored', 'c', 10), ('tomorrow', 'c', NULL)$$,
	'latest of connected_at, last_heartbeat_at and the heartbeats before the next session; more than the timeout ahead says nothing, less counts as now');
SELECT results_eq($$SELECT provider_id FROM liveness_internal.liveness_last_signs WHERE NOT was_heard ORDER BY 1$$,
	$$VALUES ('before'), ('dawn'), ('dusk'), ('forever'), ('never'), ('nothing'), ('soon'), ('tomorrow')$$, 'these were never heard of since they connected');
SELECT results_eq($$SELECT provider_id FROM liveness_internal.liveness_last_signs WHERE NOT has_begun ORDER BY 1$$, $$VALUES ('dusk'), ('never'), ('tomorrow')$$, 'these have not begun');

-- Orphans: those of one coordinator
SAVEPOINT orphans;
SELECT is(liveness_close_orphans('nobody'), 0::bigint, 'a coordinator without sessions: 0');
SELECT is(liveness_close_orphans(NULL), 0::bigint, 'NULL: 0');
SELECT is((SELECT count(*) FROM s WHERE ended IS NULL), 25::bigint, 'all are open still');
SELECT throws_ok($$SELECT liveness_close_orphans('c', NULL)$$, '23502', NULL, 'a NULL reason is refused');
SELECT is(liveness_close_orphans('c'), 23::bigint, 'all of coordinator c');
SELECT results_eq('SELECT p, c FROM s WHERE ended IS NULL ORDER BY 1', $$VALUES ('next', 'd'), ('other', 'd')$$, 'and none of d');
SELECT results_eq($$SELECT p, ended / 60 FROM s WHERE c = 'c' AND reason = 'coordinator_restart' AND p <> 'dusk' ORDER BY p$$,
	$$VALUES ('before', 0::float8), ('dawn', 0), ('forever', 0), ('future', 0), ('never', '-infinity'), ('nothing', 0), ('soon', -1.5), ('soonbeat', 0), ('tomorrow', -1440)$$,
	'each at its last sign of life, those never heard of at the coordinator''s, none before it began');
SELECT results_eq($$SELECT p, ended / 60 FROM s WHERE c = 'c' AND reason = 'stale_heartbeat' ORDER BY p$$,
	$$VALUES ('ahead', 60::float8), ('both', 5), ('closed', 41), ('column', 20), ('eternal', 60), ('exact', 15), ('first', 60), ('mad', 60), ('madbeat', 60), ('next', 31),
		('old', 60), ('since', 12), ('stored', 10)$$,
	'those that were silent for longer than the timeout, while the coordinator was there, are stale');
SELECT results_eq($$SELECT ended / 60, reason FROM s WHERE p = 'done'$$, $$VALUES (45::float8, 'read_error')$$, 'what was closed is as it was');
SELECT results_eq($$SELECT p, last_heartbeat_at FROM s JOIN provider_sessions USING (id) WHERE p IN ('stored', 'column') ORDER BY 1$$,
	$$VALUES ('column', pg_temp.ago('20 min')), ('stored', NULL)$$, 'the coordinator''s own columns are left alone');
SELECT is(liveness_close_orphans('c'), 0::bigint, 'a second time there is nothing to do');
SELECT is((SELECT count(*) FROM provider_exclusions), 0::bigint, 'the coordinator was not away');
SELECT is(liveness_close_orphans('d', 'power cut'), 2::bigint, 'another reason');
SELECT is((SELECT count(*) FROM s WHERE reason = 'power cut'), 2::bigint, 'is written');
ROLLBACK TO orphans;

-- Stale ones: known, and silent for longer than the timeout
SELECT throws_ok($$SELECT liveness_close_stale('0')$$, '22023', NULL, 'a timeout of 0 is refused');
SELECT throws_ok($$SELECT liveness_close_stale('-1 s')$$, '22023', NULL, 'and a negative one');
SELECT results_eq('SELECT provider_id, coordinator_id, silent_for FROM provider_stale_sessions ORDER BY 1, 2',
	$$VALUES ('ahead', 'c', '60 min'::interval), ('both', 'c', '5 min'), ('closed', 'c', '41 min'), ('column', 'c', '20 min'), ('dusk', 'c', NULL), ('eternal', 'c', '60 min'),
		('exact', 'c', '15 min'), ('first', 'c', '60 min'), ('mad', 'c', '60 min'), ('madbeat', 'c', '60 min'), ('never', 'c', NULL), ('next', 'c', '31 min'),
		('old', 'c', '60 min'), ('since', 'c', '12 min'), ('stored', 'c', '10 min'), ('tomorrow', 'c', NULL)$$,
	'provider_stale_sessions: silent for more than 90 s, or not begun; those never heard of are not judged');
SELECT results_eq($$SELECT id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated, last_sign_of_life
	FROM provider_stale_sessions WHERE provider_id = 'column'$$,
	$$SELECT id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated, pg_temp.ago('20 min')
	FROM provider_sessions WHERE provider_id = 'column'$$, 'with the columns of the session');
CREATE TEMP TABLE stale AS SELECT id, greatest(connected_at, last_sign_of_life) FROM provider_stale_sessions;
SAVEPOINT stale;
SELECT is(liveness_close_stale(), 16::bigint, 'liveness_close_stale closes as many');
SELECT set_eq($$SELECT id, disconnected_at FROM provider_sessions WHERE disconnect_reason = 'stale_heartbeat'$$, 'TABLE stale', 'the very same, where the view says');
SELECT is((SELECT count(*) FROM provider_stale_sessions), 0::bigint, 'none is left');
SELECT is((SELECT count(*) FROM s WHERE ended IS NULL), 9::bigint, 'the others are open');
SELECT is(liveness_close_stale(), 0::bigint, 'a second time there is nothing to do');
ROLLBACK TO stale;
SELECT is(liveness_close_stale('15 min'), 12::bigint, 'silent for exactly the timeout is not stale');
SELECT is((SELECT ended FROM s WHERE p = 'exact'), NULL, 'but open');
ROLLBACK TO stale;
SELECT is(liveness_close_stale(NULL, 'd'), 0::bigint, 'coordinator d has none');
SELECT is(liveness_close_stale('30 s', 'd'), 2::bigint, 'but for 30 s');
SELECT is((SELECT count(*) FROM s WHERE reason = 'stale_heartbeat' AND c = 'c'), 0::bigint, 'which leaves those of c alone');
SELECT is(liveness_close_stale(NULL, 'c'), 16::bigint, 'that closes only its own');
ROLLBACK TO stale;
SET LOCAL liveness.session_timeout = '10min';
SELECT is((SELECT count(*) FROM provider_stale_sessions), 14::bigint, 'the setting');
SELECT is(liveness_close_stale(), 14::bigint, 'holds for both');
RESET liveness.session_timeout;
ROLLBACK TO stale;

-- A provider that has just connected again is not stale, whatever its row brought along.
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES ('fresh', 'f', now(), pg_temp.ago('1 day'));
SELECT is(liveness_close_stale(NULL, 'f'), 0::bigint, 'connected this moment, with a heartbeat from before: it was just seen');

-- A coordinator that nobody has heard of through is known by what it did: it opened, and it closed.
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('a', 'c', pg_temp.ago('60 min'), NULL, ''), ('b', 'c', pg_temp.ago('40 min'), NULL, ''), ('b', 'd', pg_temp.ago('10 min'), NULL, ''),
	('x', 'c', pg_temp.ago('55 min'), pg_temp.ago('50 min'), 'read_error');
SAVEPOINT alive;
SELECT is(liveness_close_orphans('c'), 2::bigint, 'orphans that were never heard of');
SELECT results_eq($$SELECT p, ended / 60 FROM s WHERE c = 'c' ORDER BY p$$, $$VALUES ('a', 40::float8), ('b', 40), ('x', 50)$$, 'end where it opened its last');
ROLLBACK TO alive;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('y', 'c', pg_temp.ago('30 min'), pg_temp.ago('20 min'), 'read_error'), ('z', 'c', pg_temp.ago('30 min'), '2098-01-01', ''), ('z', 'd', pg_temp.ago('5 min'), pg_temp.ago('2 min'), '');
SELECT is(liveness_close_orphans('c'), 2::bigint, 'the same');
SELECT results_eq($$SELECT p, ended / 60 FROM s WHERE c = 'c' AND p < 'x' ORDER BY p$$, $$VALUES ('a', 20::float8), ('b', 20)$$, 'or where it closed its last, a wrong clock aside');
SELECT throws_ok($$SELECT liveness_close_orphans('nobody', NULL)$$, '23502', NULL, 'a NULL reason is refused even where there are none');

-- Blue and green
DELETE FROM provider_sessions;
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p', now() - g * interval '10 s' FROM generate_series(1, 360) g;
SELECT liveness_open_session('p', 'blue', pg_temp.ago('60 min')) \gset _
SELECT liveness_open_session('p', 'green', pg_temp.ago('5 min')) \gset _
SELECT is(liveness_close_stale(NULL, 'green'), 0::bigint, 'a deploy: green is heard of');
SELECT is(liveness_close_orphans('blue'), 1::bigint, 'blue is gone');
SELECT results_eq('SELECT c, ended, reason FROM s ORDER BY c', $$VALUES ('blue', 310::float8, 'coordinator_restart'), ('green', NULL, '')$$,
	'its session ended with the last heartbeat before green''s began');
SELECT liveness_rollup_features();
SELECT results_eq($$SELECT sessions_count, failures_count, mtbf_seconds, mttr_seconds FROM provider_reliability_features$$,
	'VALUES (2, 0, 3600::bigint, 0::bigint)', 'which is neither a failure nor an outage of the provider''s');

SELECT * FROM finish();
ROLLBACK;
