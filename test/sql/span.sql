-- Any span of time: liveness_uptime and liveness_fleet_connected, by hand, and minute by minute in plain SQL
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(46);

-- By hand.  'a' goes at 06:00, is back at 08:00, and its coordinator restarts from 10:00 to 10:05.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id) VALUES
	('a', '2026-01-01 00:00', '2026-01-01 06:00', 'read_error', ''), ('a', '2026-01-01 08:00', '2026-01-01 10:00', 'coordinator_restart', ''), ('a', '2026-01-01 10:05', NULL, '', ''),
	-- two coordinators at once, a moment in between, and gone for good at 12:00
	('b', '2026-01-01 06:00', '2026-01-01 11:00', 'x', 'blue'), ('b', '2026-01-01 10:00', '2026-01-01 12:00', 'x', 'green'), ('b', '2026-01-01 15:00', '2026-01-01 15:00', 'x', ''),
	-- since ever, with an end before its beginning, until later, and only later
	('c', '-infinity', '2026-01-01 09:00', 'x', ''), ('d', '2026-01-01 07:00', '2026-01-01 05:00', 'x', ''), ('e', '2026-01-01 23:00', 'infinity', '', ''), ('f', '2026-01-02 00:00', NULL, '', '');
SELECT results_eq($$SELECT * FROM liveness_uptime('2026-01-01 05:00', '2026-01-02 00:00')$$,
	$$VALUES ('a', interval '17:00', interval '19:00', 17 / 19::float8, 1::bigint, interval '2:00'),
		('b', '6:00', '18:00', 1 / 3::float8, 1, '12:00'), ('c', '4:00', '19:00', 4 / 19::float8, 1, '15:00'),
		('d', '0', '17:00', 0, 1, '17:00'), ('e', '1:00', '1:00', 1, 0, '0')$$,
	'uptime of 19 hours: spells clipped, observed since first seen, outages between spells that have a length');
SELECT results_eq($$SELECT provider_id, online, outages FROM liveness_uptime('2026-01-01 05:00', '2026-01-02 00:00', 'b')$$, $$VALUES ('b', interval '6:00', 1::bigint)$$, 'of one provider');
SELECT is_empty($$SELECT * FROM liveness_uptime('2026-01-01 05:00', '2026-01-02 00:00', 'nobody')$$, 'of none');
SELECT is_empty($$SELECT * FROM liveness_uptime('2026-01-01 05:00', '2026-01-01 05:00')$$, 'in no time nothing is observed');
SELECT results_eq($$SELECT provider_id, observed FROM liveness_uptime('2026-01-01 12:00', '2026-01-01 14:00') ORDER BY 1$$, $$VALUES ('a', interval '2:00'), ('b', '2:00')$$,
	'one without a session in the span is not known from sessions alone');
INSERT INTO provider_reliability_features (provider_id) VALUES ('c'), ('f'), ('never connected');
SELECT results_eq($$SELECT provider_id, online, observed, uptime_pct, outages FROM liveness_uptime('2026-01-01 12:00', '2026-01-01 14:00') WHERE provider_id NOT IN ('a', 'b')$$,
	$$VALUES ('c', interval '0', interval '2:00', 0::float8, 1::bigint)$$, 'one that a rollup knows, and that was seen before, was away');
SELECT results_eq($$SELECT online FROM liveness_uptime('2026-01-01 12:00', '2026-01-01 14:00', 'c')$$, $$VALUES (interval '0')$$, 'asked for by name, too');
-- excluded time: within an outage, across the end of one, and around all of one
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('a', '2026-01-01 06:30', '2026-01-01 07:00'), ('a', '2026-01-01 06:45', '2026-01-01 07:15'), ('a', '2026-01-01 09:00', '2026-01-01 09:00'),
	('b', '2026-01-01 11:00', NULL), (NULL, '-infinity', '2026-01-01 05:30'), ('d', '2026-01-01 00:00', 'infinity'), ('nobody', '2026-01-01 00:00', NULL);
SELECT results_eq($$SELECT * FROM liveness_uptime('2026-01-01 05:00', '2026-01-02 00:00') WHERE provider_id <> 'c'$$,
	$$VALUES ('a', interval '16:30', interval '17:45', 16.5 / 17.75::float8, 1::bigint, interval '1:15'),
		('b', '5:00', '5:00', 1, 0, '0'), ('d', '0', '0', NULL, 0, '0'), ('e', '1:00', '1:00', 1, 0, '0')$$,
	'excluded time is left out of all; it makes no two outages of one; where nothing is left there is no share');
SELECT results_eq($$SELECT connected FROM liveness_fleet_connected('2026-01-01 05:00', '2026-01-01 16:00')$$,
	'VALUES (2::bigint), (2), (2), (3), (2), (2), (2), (1), (1), (1), (1), (1)', 'the fleet each hour: a spell counts from its beginning until before its end');
SELECT results_eq($$SELECT at, connected FROM liveness_fleet_connected('2026-01-01 10:01', '2026-01-01 10:12', '5 minutes')$$,
	$$VALUES ('2026-01-01 10:01'::timestamptz, 2::bigint), ('2026-01-01 10:06', 2), ('2026-01-01 10:11', 2)$$, 'the minutes of a restart are bridged; instants up to until');
SELECT results_eq($$SELECT connected FROM liveness_fleet_connected('2025-01-01 00:00', '2025-01-01 00:00')$$, 'VALUES (1::bigint)', 'a single instant');
SELECT is_empty($$SELECT * FROM liveness_fleet_connected(now() + interval '1 h', now() + interval '2 h')$$, 'nothing is known of the future');
SELECT is_empty($$SELECT * FROM liveness_uptime(now() + interval '1 h', now() + interval '2 h')$$, 'nor does it count');
SELECT is((SELECT max(at) FROM liveness_fleet_connected(now() - interval '1 h', now() + interval '2 h', '30 min')), now(), 'a span that reaches into it ends now');
SELECT is((SELECT observed FROM liveness_uptime(now() - interval '1 h', now() + interval '2 h', 'a')), interval '1 h', 'for uptime too');

-- A calendar month in the zone of the session: October 2025 had 745 hours in Berlin, and its days differ
SET LOCAL TimeZone = 'Europe/Berlin';
SELECT results_eq($$SELECT observed, online FROM liveness_uptime('2025-10-01', '2025-11-01', 'c')$$, $$VALUES (interval '0', interval '0')$$, 'a month that is excluded');
DELETE FROM provider_exclusions;
SELECT results_eq($$SELECT extract(epoch FROM observed) / 3600, uptime_pct FROM liveness_uptime('2025-10-01', '2025-11-01', 'c')$$, 'VALUES (745::numeric, 1::float8)', 'a month has the hours of its zone');
SELECT results_eq($$SELECT count(*), count(DISTINCT at::time) FROM liveness_fleet_connected('2025-10-01', '2025-11-01', '1 day')$$, 'VALUES (32::bigint, 1::bigint)', 'and so have its days');
SELECT results_eq($$SELECT count(*), max(at) FROM liveness_fleet_connected('2025-10-01', '2026-01-01', '1 month')$$, $$VALUES (4::bigint, '2026-01-01 00:00'::timestamptz)$$, 'months');
SET LOCAL TimeZone = 'UTC';

-- Arguments are checked, also where there is nothing
DELETE FROM provider_sessions; DELETE FROM provider_reliability_features;
CREATE FUNCTION pg_temp.fails(call text, code text) RETURNS text LANGUAGE sql AS $$SELECT throws_ok('SELECT * FROM ' || call, code, NULL, call || ' is error ' || code)$$;
SELECT pg_temp.fails(format('liveness_%s(%s)', f, c[1]), c[2])
	FROM unnest('{uptime,fleet_connected}'::text[]) f, (VALUES ('NULL, now()', '22004'), ('now(), NULL', '22004'), ('''-infinity'', now()', '22008'), ('now(), ''infinity''', '22008'),
		('now(), now() - interval ''1 h''', '22023'), ('now() - interval ''3651 d'', now()', '22023'), ('''4713-01-01 BC'', ''294276-12-31''', '22023')) v (a, b), LATERAL (VALUES (ARRAY[a, b])) w (c);
SELECT pg_temp.fails(format('liveness_fleet_connected(now() - interval ''60 d'', now(), %s)', s), e)
	FROM (VALUES ('NULL', '22004'), ('''0''', '22023'), ('''-1 h''', '22023'), ('''1 month -30 d''', '22023'), ('''1 s''', '22023')) v (s, e);
SELECT is((SELECT count(*) FROM liveness_fleet_connected(now() - interval '3650 d', now(), '6 min')), 876001::bigint, 'ten years in steps of six minutes');

-- Nothing is bridged where that is off
SAVEPOINT off;
SET LOCAL liveness.resume_within = 0;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('r', '2026-01-01 00:00', '2026-01-01 01:00', 'coordinator_restart'), ('r', '2026-01-01 01:01', '2026-01-01 02:00', 'x');
SELECT is((SELECT online FROM liveness_uptime('2026-01-01 00:00', '2026-01-01 02:00')), interval '1:59', 'nothing is bridged where that is off');
ROLLBACK TO off;

-- Minute by minute: 60 providers, whose sessions of two days overlap, touch, resume and are excluded at random
SELECT setseed(0.22);
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || p, b.at, CASE WHEN random() < 0.05 THEN NULL WHEN random() < 0.03 THEN 'infinity' ELSE b.at + floor(random() ^ 3 * 700 - 20) * interval '1 min' END,
		(ARRAY['coordinator_restart', 'observer_outage', 'read_error', 'coordinator_restart', ''])[1 + floor(random() * 5)]
	FROM generate_series(1, 60) p, generate_series(1, 1 + p % 13) g,
		LATERAL (SELECT '2026-01-01 00:00'::timestamptz + floor(random() * 3000) * interval '1 min' + p * g * interval '0' AS at) b;
INSERT INTO provider_exclusions (provider_id, since, until)
	SELECT CASE WHEN g > 3 THEN 'p' || (1 + floor(random() * 60)) END, b.at, CASE WHEN random() < 0.95 THEN b.at + floor(random() * 300) * interval '1 min' END
	FROM generate_series(1, 40) g, LATERAL (SELECT '2026-01-01 00:00'::timestamptz + floor(random() * 3000) * interval '1 min' + g * interval '0' AS at) b;
CREATE FUNCTION pg_temp.by_minutes(since timestamptz, until timestamptz) RETURNS TABLE (provider_id text, minute timestamptz, online boolean, excluded boolean) LANGUAGE sql AS $$
	WITH session AS (
		SELECT s.provider_id, s.id, s.connected_at AS b, greatest(coalesce(s.disconnected_at, 'infinity'), s.connected_at) AS e,
			coalesce(s.disconnected_at <= now() AND s.disconnect_reason IN ('coordinator_restart', 'observer_outage'), false) AS censored
		FROM provider_sessions s
	), spell AS (
		-- online is a session, or the gap that one bridges after those that ended last before it
		SELECT s.provider_id, s.b, s.e FROM session s
		UNION ALL
		SELECT s.provider_id, l.e, s.b
		FROM session s
		CROSS JOIN LATERAL (SELECT max(p.e) AS e FROM session p WHERE p.provider_id = s.provider_id AND p.b < s.b) l
		WHERE l.e < s.b AND s.b - l.e <= interval '10 min'
		AND (SELECT bool_and(p.censored) FROM session p WHERE p.provider_id = s.provider_id AND p.b < s.b AND p.e = l.e)
	)
	SELECT f.provider_id, m, EXISTS (SELECT FROM spell p WHERE p.provider_id = f.provider_id AND p.b <= m AND m < p.e),
		EXISTS (SELECT FROM provider_exclusions x WHERE (x.provider_id = f.provider_id OR x.provider_id IS NULL) AND x.since <= m AND (x.until IS NULL OR m < x.until))
	FROM (SELECT s.provider_id, min(s.connected_at) AS at FROM provider_sessions s GROUP BY 1) f
	CROSS JOIN LATERAL generate_series(greatest(since, f.at), until - interval '1 min', '1 min') m
$$;
-- whom a rollup knows is counted in any case
INSERT INTO provider_reliability_features (provider_id) SELECT 'p' || p FROM generate_series(1, 60) p;
CREATE TEMP TABLE minutes AS SELECT * FROM pg_temp.by_minutes('2026-01-01 06:00', '2026-01-02 18:00');
CREATE TEMP TABLE oracle AS
	SELECT w.provider_id, (sum(w.online) || ' min')::interval AS online, (sum(w.online + w.offline) || ' min')::interval AS observed,
		sum(w.online)::float8 / nullif(sum(w.online + w.offline), 0) AS uptime_pct, count(*) FILTER (WHERE w.offline > 0) AS outages, (max(w.offline) || ' min')::interval AS longest_outage
	FROM (
		SELECT i.provider_id, i.island, count(*) FILTER (WHERE i.online AND NOT i.excluded) AS online, count(*) FILTER (WHERE NOT i.online AND NOT i.excluded) AS offline
		FROM (
			SELECT m.provider_id, m.online, m.excluded,
				row_number() OVER (PARTITION BY m.provider_id ORDER BY m.minute) - row_number() OVER (PARTITION BY m.provider_id, m.online ORDER BY m.minute) AS island
			FROM minutes m
		) i
		GROUP BY i.provider_id, i.online, i.island
	) w
	GROUP BY w.provider_id;
SELECT set_eq($$SELECT provider_id, online, observed, round(uptime_pct::numeric, 12), outages, longest_outage FROM liveness_uptime('2026-01-01 06:00', '2026-01-02 18:00')$$,
	'SELECT provider_id, online, observed, round(uptime_pct::numeric, 12), outages, longest_outage FROM oracle', 'uptime of 60 providers is that of counting minutes');
SELECT ok((SELECT count(*) > 50 AND max(outages) > 3 AND count(*) FILTER (WHERE uptime_pct BETWEEN 0.1 AND 0.9) > 20 FROM oracle), 'which vary');
SELECT set_eq($$SELECT at, connected FROM liveness_fleet_connected('2026-01-01 06:00', '2026-01-02 17:59', '1 min')$$,
	'SELECT minute, count(*) FILTER (WHERE online) FROM minutes GROUP BY minute', 'so is how many of them were there each minute');
SELECT results_eq($$SELECT provider_id, sum(online), sum(observed) FROM (
		SELECT * FROM liveness_uptime('2026-01-01 06:00', '2026-01-01 15:07') UNION ALL SELECT * FROM liveness_uptime('2026-01-01 15:07', '2026-01-02 18:00')) u GROUP BY 1 ORDER BY 1$$,
	$$SELECT provider_id, online, observed FROM liveness_uptime('2026-01-01 06:00', '2026-01-02 18:00')$$, 'the parts of a span add up');
-- the window of a rollup is a span like any other
DELETE FROM provider_exclusions;
SELECT liveness_rollup_features('2026-01-03 00:00', 1);
SELECT is_empty($$SELECT f.provider_id, f.uptime_pct, u.uptime_pct FROM provider_reliability_features f JOIN liveness_uptime('2026-01-02 00:00', '2026-01-03 00:00') u USING (provider_id)
	WHERE u.observed = interval '1 day' AND f.uptime_pct <> u.uptime_pct::real$$, 'uptime of a window is uptime_pct of the rollup');

-- one provider is found by index
ANALYZE provider_sessions;
SET LOCAL enable_seqscan = off;
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement; END$$;
SELECT is_empty($$SELECT l FROM pg_temp.plan_of('SELECT * FROM liveness_uptime(now() - interval ''1 d'', now(), ''p7'')') l WHERE l ~ 'Seq Scan on provider_(sessions|rel)'$$, 'one provider is found by index');

SELECT * FROM finish();
ROLLBACK;
