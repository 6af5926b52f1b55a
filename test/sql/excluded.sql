-- Excluded time: worked out by hand, and against plain SQL on random sessions and exclusions
\set pure_sql `cat "${TESTDIR:-$PG_ABS_SRCDIR}/../bench/sql/features_pure_sql.sql"`
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SET LOCAL jit = off;
SELECT plan(87);

CREATE FUNCTION as_of() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 00:00+00'$$;
-- An hour of the window's last day; the window of a day begins at 0
CREATE FUNCTION hour(h text) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN h ~ 'infinity' THEN h::timestamptz ELSE as_of() - interval '24h' + h::float8 * interval '1h' END
$$;
-- Features of the sessions '<reason> <from>..<to>' (r: coordinator_restart, x: read_error) but for the excluded
-- '<from>..<to>': uptime, failures, MTBF, MTTR, p_stays_4h, last disconnect, all in hours
CREATE FUNCTION figures(sessions text, excluded text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', round(f.uptime_pct::numeric, 4), f.failures_count, round(f.mtbf_seconds / 3600.0, 2), round(f.mttr_seconds / 3600.0, 2), trim_scale(round(f.p_stays_4h::numeric, 4)),
		coalesce((extract(epoch FROM f.last_disconnect_at - hour('0')) / 3600)::float8::text, '-'), (f.spells_count))
	FROM (
		SELECT (liveness_features(hour(s[2]), CASE WHEN s[3] <> '' THEN hour(s[3]) END,
			CASE s[1] WHEN 'r' THEN 'coordinator_restart' WHEN 'x' THEN 'read_error' ELSE '' END, as_of(), 1,
			(SELECT range_agg(tstzrange(hour(e[1]), CASE WHEN e[2] <> '' THEN hour(e[2]) END)) FROM regexp_matches(excluded, '(\S+)\.\.(\S*)', 'g') AS e))).*
		FROM regexp_matches(sessions, '([a-z])(\S+)\.\.(\S*)', 'g') AS s
	) AS f
$$;
SELECT is(figures(sessions, excluded), expected, coalesce(sessions || ' but ' || excluded, sessions)) FROM (VALUES
	-- up 6 of 24 h, one failure after 6 h
	('x0..6', NULL, '0.2500 1 6.00 0.00 1 6 1'),
	('x0..6', '', '0.2500 1 6.00 0.00 1 6 1'),
	-- 6 of 12 h are left, and the end at 6 is excused from 6 on
	('x0..6', '6..18', '0.5000 0 6.00 0.00 1 - 1'),
	('x0..6', '5..6', '0.2174 1 5.00 0.00 1 6 1'),
	('x0..6', '5..6.001', '0.2174 0 5.00 0.00 1 - 1'),
	('x0..6', '6.001..18', '0.5000 1 6.00 0.00 1 6 1'),
	-- a spell of 2 h that failed counts against 4 h; excused, it is undecided
	('x0..6 x10..12 n20..', NULL, '0.5000 2 6.00 6.00 0.6667 12 3'),
	('x0..6 x10..12 n20..', '12..13', '0.5217 1 12.00 5.50 1 6 3'),
	-- of the gaps 6..10 and 12..20 the first is gone: one of 8 h is left
	('x0..6 x10..12 n20..', '6..10', '0.6000 1 12.00 8.00 0.6667 12 3'),
	('x0..6 x10..12 n20..', '6..10 12..20', '1.0000 0 12.00 0.00 1 - 3'),
	-- of both a part
	('x0..6 x10..12 n20..', '7..9 14..18', '0.6667 2 6.00 3.00 0.6667 12 3'),
	-- exclusions neither join nor cut: a minute after an excused failure is a new spell, and an excluded hour
	-- inside of a spell cuts nothing
	('x0..12 n12.016666666667..', '11..12.5', '1.0000 0 22.50 0.00 1 - 2'),
	('n0..', '11..12', '1.0000 0 23.00 0.00 1 - 1'),
	('r0..12 n12.1..', '12..12.1', '1.0000 0 23.90 0.00 1 - 1'),
	-- overlapping, abutting, beyond the window, for ever
	('x0..6', '2..4 3..5 5..5.5', '0.1220 1 2.50 0.00 1 6 1'),
	('x0..6', '-48..2 22..48', '0.2000 1 4.00 0.00 1 6 1'),
	('x0..6', '-infinity..2', '0.1818 1 4.00 0.00 1 6 1'),
	('x0..6', '12..', '0.5000 1 6.00 0.00 1 6 1'),
	('x0..6', '12..infinity', '0.5000 1 6.00 0.00 1 6 1'),
	('x0..6', '-infinity..', '0.0000 0 0.00 0.00 1 - 1'),
	('x0..6', '-24..0 24..48', '0.2500 1 6.00 0.00 1 6 1'),
	-- an end at as_of, and at since
	('x20..24', '24..25', '0.1667 0 4.00 0.00 1 - 1'),
	('x20..24', '24.001..25', '0.1667 1 4.00 0.00 1 24 1'),
	('x-6..0', '-1..0', '0.0000 1 0.00 0.00 1 0 1'),
	('x-6..0', '-1..1', '0.0000 0 0.00 0.00 1 - 1'),
	-- one that began before the window, all of which but an hour is excluded
	('x-10..2', '-20..1 3..', '0.5000 1 1.00 0.00 1 2 1'),
	('n-10..', '-20..23', '1.0000 0 1.00 0.00 1 - 1')
) AS v (sessions, excluded, expected);

-- A gap of 360 s is bridged, of which the excluded time is none
SELECT is(f.bridged_seconds, bridged::bigint, format('bridged but for %s to %s', since, until))
FROM (VALUES ('10', '11', 360), ('12', '12.05', 180), ('12', '12.1', 0), ('0', '24', 0)) AS v (since, until, bridged),
	LATERAL (SELECT liveness_features(c, e, 'coordinator_restart', as_of(), 1, tstzmultirange(tstzrange(hour(since), hour(until)))) AS f
		FROM (VALUES (hour('0'), hour('12')), (hour('12.1'), NULL)) AS s (c, e)) AS s, LATERAL (SELECT (s.f).*) AS f;

-- First seen at 10, online from 12 to 18
SELECT is((first_seen_at, observed_uptime_pct), (hour('10'), observed::real), format('observed but for %s to %s', since, until))
FROM (VALUES ('0', '10', 6 / 14.0), ('9', '11', 6 / 13.0), ('13', '14', 5 / 13.0), ('18', '24', 6 / 8.0), ('12', '18', 0), ('0', '24', 0)) AS v (since, until, observed),
	LATERAL (SELECT liveness_features(c, e, 'x', as_of(), 1, tstzmultirange(tstzrange(hour(since), hour(until)))) AS f
		FROM (VALUES (hour('12'), hour('18')), (hour('10'), hour('10'))) AS s (c, e)) AS s, LATERAL (SELECT (s.f).*) AS f;

SELECT is(f.hourly_availability - 23, (SELECT jsonb_agg(CASE WHEN h BETWEEN 72 AND 73 THEN to_jsonb(1) WHEN h = 74 THEN '0.5' WHEN h BETWEEN 78 AND 95 THEN '0' END ORDER BY h) - 23 FROM generate_series(0, 167) AS h),
	'the matrix of Wednesday: up until 5, 2:30 until 6 excluded, of which 2:00 to 2:30 is left; null where nothing is left')
FROM (SELECT (liveness_features(hour('0'), hour('2.25'), 'x', as_of(), 1, tstzmultirange(tstzrange(hour('2.5'), hour('6'))))).*) AS f;

-- Bounds of all kinds are bounds of whole microseconds
SELECT is((SELECT (liveness_features(hour(begin), hour('6'), 'x', as_of(), 1, r::tstzmultirange)).failures_count FROM (VALUES ('0')) AS one (begin)), failures, r)
FROM (VALUES ('{["2026-01-14 06:00+00","2026-01-14 06:00+00"]}', 0), ('{("2026-01-14 06:00+00","2026-01-14 07:00+00")}', 1), ('{("2026-01-14 05:59:59.999999+00",)}', 0),
	('{("2026-01-14 05:59:59.999999+00","2026-01-14 06:00+00")}', 1), ('{(,)}', 0), ('{(,"2026-01-14 06:00+00"]}', 0), ('{}', 1), ('{[-infinity,infinity]}', 0), ('{[infinity,]}', 1), (NULL, 1)) AS v (r, failures);
SELECT throws_ok($$SELECT liveness_features(now(), NULL, '', now(), 1, r::tstzmultirange) FROM (VALUES ('{}'), ('{(,)}')) AS v (r)$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'excluded time that varies');
SELECT throws_ok($$SELECT liveness_features(now(), NULL, '', now(), 1, r::tstzmultirange) FROM (VALUES ('{}'), (NULL)) AS v (r)$$, '22023', NULL, 'or is NULL in one row');

-- Always up; the observer away for two days and back since an hour
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('seen', '-infinity', now() - interval '49h', 'observer_outage'), ('seen', now() - interval '1h', NULL, ''),
	('restarted', now() - interval '30 days', now() - interval '49h', 'coordinator_restart'), ('restarted', now() - interval '1h', NULL, '');
INSERT INTO provider_exclusions (provider_id, since, until, reason)
SELECT provider_id, now() - interval '49h', now() - interval '1h', 'observer_outage' FROM (VALUES ('seen'), ('restarted')) AS v (provider_id);
SELECT is((uptime_pct, failures_count, mttr_seconds, last_disconnect_at, spells_count, liveness_score), (1::real, 0, 0::bigint, NULL::timestamptz, 2, 1::real),
	'the observer was away for two days: nothing is blamed on ' || provider_id) FROM liveness_features_at() ORDER BY provider_id;
SELECT results_eq($$SELECT provider_id, until, reason, failed, excused FROM provider_spells ORDER BY provider_id, since$$,
	$$VALUES ('restarted', now() - interval '49h', 'coordinator_restart', false, true), ('restarted', now(), NULL, false, false), ('seen', now() - interval '49h', 'observer_outage', false, true), ('seen', now(), NULL, false, false)$$,
	'the spells');

-- Noted before, during and after the fact
DELETE FROM provider_exclusions;
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('p', as_of() - interval '5 days', as_of() - interval '30h', 'clean_close'), ('p', as_of() - interval '20h', NULL, ''),
	('q', as_of() - interval '5 days', as_of() - interval '29h', 'read_error'), ('q', as_of() - interval '20h', NULL, '');
CREATE FUNCTION row_of_p() RETURNS jsonb LANGUAGE sql AS $$SELECT to_jsonb(f) FROM liveness_features_at(as_of()) AS f WHERE f.provider_id = 'p'$$;
CREATE TABLE before AS SELECT row_of_p() AS f;
INSERT INTO provider_exclusions (provider_id, since, until, noted_at) VALUES ('p', as_of() - interval '30h', as_of() - interval '20h', as_of() - interval '40h');
CREATE TABLE ahead AS SELECT row_of_p() AS f;
SELECT is((SELECT jsonb_build_array(f -> 'failures_count', f -> 'last_disconnect_at', f -> 'mttr_seconds') FROM ahead), '[0, null, 0]', 'maintenance that was noted before');
UPDATE provider_exclusions SET noted_at = as_of() - interval '25h', until = NULL;
UPDATE provider_exclusions SET until = as_of() - interval '20h';
SELECT is(row_of_p(), f, 'noted while it goes on and ended later: the same row') FROM ahead;
DELETE FROM provider_exclusions;
SELECT is(row_of_p(), f, 'called off: as if there had been none') FROM before;
INSERT INTO provider_exclusions (provider_id, since, until, noted_at) VALUES ('p', as_of() - interval '30h', as_of() - interval '20h', as_of() + interval '40h');
SELECT is(row_of_p(), f, 'noted after the fact: the same row') FROM ahead;
-- up for 90 and 20 hours, down for the 10 that are excluded
SELECT is((f ->> 'uptime_pct')::real, (110 / 326.0)::real, 'up for 110 of the 326 hours that are left') FROM ahead;
SELECT is((failures_count, mttr_seconds), (1, 32400::bigint), 'and is of no use to others') FROM liveness_features_at(as_of()) WHERE provider_id = 'q';
SELECT is(ARRAY[survival_at(s, 90.5 * 3600), survival_at(s, 91 * 3600)], '{1,0}'::float8[], 'the fleet''s curve: p''s end after 90 h is none, q''s after 91 h is the last') FROM liveness_fleet_survival(as_of()) AS s;
-- and the rollup, whose hazard has one event, as have candidates_at
SELECT liveness_rollup_features(as_of());
SELECT is((SELECT count(*)::int FROM (TABLE provider_reliability_features EXCEPT ALL SELECT * FROM liveness_features_at(as_of())) AS d), 0, 'the rollup writes these rows');
SELECT results_eq('SELECT provider_id, (SELECT sum(e) > 0.9 FROM unnest(hazard[1:24]) AS e) FROM liveness_internal.liveness_provider_hazard ORDER BY provider_id', $$VALUES ('p', false), ('q', true)$$, 'an excused end is no event of the hazard');

-- A bad row stops nothing
CREATE TABLE good AS SELECT * FROM liveness_features_at(as_of());
INSERT INTO provider_exclusions (provider_id, since, until) VALUES (NULL, as_of(), as_of() - interval '1 day'), ('p', 'infinity', '-infinity'), ('q', as_of(), as_of()),
	('q', 'infinity', NULL), ('p', 'infinity', 'infinity'), ('p', '-infinity', '-infinity'), ('nobody', '-infinity', NULL), ('', '4714-11-24 00:00+00 BC', '294276-12-31 23:59:59.999999+00');
SELECT is((SELECT count(*)::int FROM (SELECT * FROM liveness_features_at(as_of()) EXCEPT ALL TABLE good) AS d), 0, 'exclusions that exclude nothing');
SELECT is(liveness_rollup_features(as_of()), 2::bigint, 'nor do they stop the rollup');
SELECT is((SELECT count(*)::int FROM (TABLE provider_reliability_features EXCEPT ALL TABLE good) AS d), 0, 'or change it');

-- The running spell, known by the rollup, whatever is excluded after that: an end for an uncensored reason is never
-- bridged, excused or not
DELETE FROM provider_exclusions;
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT p, now() - interval '5h', now() - interval '5min', r FROM (VALUES ('failed', 'read_error'), ('censored', 'coordinator_restart')) AS v (p, r)
UNION ALL
SELECT 'other', now() - i * interval '7h', now() - i * interval '7h' + interval '5h', 'read_error' FROM generate_series(1, 20) AS i;
SELECT liveness_rollup_features(now() - interval '1min');
INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('failed', now() - interval '30s'), ('censored', now() - interval '30s');
CREATE FUNCTION ages(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ages text;
BEGIN
	EXECUTE 'SELECT string_agg(provider_id || '' '' || age_seconds, '', '' ORDER BY provider_id) FROM ' || query INTO ages;
	RETURN ages;
END
$$;
CREATE FUNCTION both_ages() RETURNS text[] LANGUAGE sql AS $$SELECT ARRAY[ages('liveness_candidates(''4h'', 0)'), ages('liveness_candidates_at(now(), ''4h'', 0)')]$$;
SELECT is(both_ages(), array_fill('censored 18000, failed 30'::text, ARRAY[2]), 'a failure is not bridged');
INSERT INTO provider_exclusions (since, until) VALUES (now() - interval '6min', now() - interval '4min');
SELECT is(both_ages(), array_fill('censored 18000, failed 30'::text, ARRAY[2]), 'nor is one that was excused after the rollup');
SELECT liveness_rollup_features(now() - interval '1min');
SELECT is(both_ages(), array_fill('censored 18000, failed 30'::text, ARRAY[2]), 'nor one that was excused before it');
DELETE FROM provider_exclusions;
SELECT is(both_ages(), array_fill('censored 18000, failed 30'::text, ARRAY[2]), 'nor one that is excused no more');
INSERT INTO provider_exclusions (provider_id, since, until) SELECT 'other', now() - i * interval '28h', now() - i * interval '28h' + interval '6h' FROM generate_series(1, 5) AS i;
SELECT liveness_rollup_features();
SELECT is((SELECT array_agg((a.provider_id, a.connected_at, round(a.probability::numeric, 12), round(a.lower::numeric, 12), a.own_sessions)::text ORDER BY a.provider_id) FROM liveness_candidates_at(now(), '4h', 0) AS a),
	(SELECT array_agg((c.provider_id, c.connected_at, round(c.probability::numeric, 12), round(c.lower::numeric, 12), c.own_sessions)::text ORDER BY c.provider_id) FROM liveness_candidates('4h', 0) AS c), 'both agree, after a rollup of excluded time');
CREATE TABLE likely AS SELECT * FROM liveness_candidates_at(now(), '4h', 0);
DELETE FROM provider_exclusions;
SELECT cmp_ok((SELECT probability FROM liveness_candidates_at(now(), '4h', 0) WHERE provider_id = 'failed'), '<', probability, 'five failures that are excused make everybody likelier to stay') FROM likely WHERE provider_id = 'failed';

-- The back-test: spells of 5 h, 7 h apart; asked an hour after each begin whether the spell holds 6 h.  All failed;
-- of an excused one it is not known
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT 'p', as_of() + i * interval '7h', as_of() + i * interval '7h' + interval '5h', 'read_error' FROM generate_series(-6, -1) AS i;
CREATE FUNCTION cases() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT to_char(cut, 'DD HH24:MI') || CASE WHEN held THEN ' held' ELSE ' failed' END, ', ')
	FROM liveness_internal.liveness_backtest_cases('6h', as_of() - interval '41h', as_of(), '7h')
$$;
SELECT is(cases(), '13 14:00 failed, 13 21:00 failed, 14 04:00 failed, 14 11:00 failed, 14 18:00 failed', 'failures; of the first cut no outcome is known yet');
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('p', as_of() - interval '9h 30min', as_of() - interval '8h');
SELECT is(cases(), '13 14:00 failed, 13 21:00 failed, 14 04:00 failed, 14 18:00 failed', 'one whose end is excused is no case');

-- Against plain SQL: 300 providers of up to 40 sessions, and half of them with some eight exclusions each, and eight
-- of everybody.  Times lie on a grid of half an hour, some a microsecond beside it: ends meet the bounds of exclusions, or just
-- miss them; exclusions overlap, abut, are empty or the other way round, and begin or end at infinity
DELETE FROM provider_exclusions;
DELETE FROM provider_sessions;
CREATE FUNCTION base() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 12:30+00'$$;
CREATE FUNCTION grid(seed bigint, hours int) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
	SELECT base() + interval '1 day' - abs(hashint8extended(seed, 1) % (2 * hours)) * interval '30min' + (abs(hashint8extended(seed, 2)) % 7 - 3) / 3 * interval '1us'
$$;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
SELECT 'p' || p, CASE WHEN p % 40 = 7 AND i = 1 THEN '-infinity' ELSE c END,
	CASE WHEN e % 29 = 0 THEN NULL WHEN e % 13 = 1 THEN c ELSE c + (1 + e / 29 % (2 + p % 30)) * interval '30min' END,
	(ARRAY['coordinator_restart', 'read_error', 'observer_outage', ''])[1 + e / 1000 % 4], ''
FROM (SELECT p, i, abs(hashint8extended(p * 1000 + i, 3)) AS e, grid(p * 1000 + i, 24 * (2 + p % 35)) AS c
	FROM generate_series(1, 300) AS p, generate_series(1, 1 + abs(hashint8extended(p, 5) % 40)::int) AS i) AS drawn;
INSERT INTO provider_exclusions (provider_id, since, until)
SELECT CASE WHEN x % 150 > 0 THEN 'p' || x % 150 * 2 END,
	CASE WHEN e % 31 = 0 THEN '-infinity' WHEN e % 97 = 1 THEN 'infinity' ELSE s END,
	CASE WHEN e % 61 = 0 THEN NULL WHEN e % 67 = 0 THEN 'infinity' WHEN e % 71 = 0 THEN '-infinity' WHEN e % 9 = 1 THEN s ELSE s + (e / 1000 % 50 - 3) * interval '30min' END
FROM (SELECT x, abs(hashint8extended(x, 9)) AS e, grid(x, 24 * (2 + x % 33)) AS s FROM generate_series(1, 1200) AS x) AS drawn;
-- those of everybody are short, so that something is left of a day
UPDATE provider_exclusions SET since = greatest(since, '2025-12-01'), until = least(coalesce(until, since + interval '3h'), since + interval '5h') WHERE provider_id IS NULL;
ANALYZE provider_sessions;
ANALYZE provider_exclusions;

CREATE TABLE pure_sql AS SELECT :'pure_sql' AS statement;
CREATE FUNCTION pure_features_at(as_of timestamptz, window_days int) RETURNS SETOF provider_reliability_features LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE (SELECT replace(replace(statement, ':''as_of''', quote_literal(as_of)), ':window_days', window_days::text) FROM pure_sql);
END
$$;
CREATE TABLE asked AS SELECT row_number() OVER () AS n, as_of, days AS window_days
FROM (SELECT base() AS as_of UNION ALL SELECT base() - interval '3 days 1us' UNION ALL
	-- inside of one of everybody's, and where one of p2's begins and ends
	SELECT since + (until - since) / 2 FROM (SELECT since, until FROM provider_exclusions WHERE provider_id IS NULL AND since < until ORDER BY since DESC LIMIT 1) AS x UNION ALL
	SELECT unnest(ARRAY[since, until]) FROM (SELECT since, until FROM provider_exclusions WHERE provider_id = 'p2' AND since < until AND isfinite(since) AND isfinite(until) ORDER BY since DESC LIMIT 1) AS x) AS at,
	unnest(ARRAY[1, 10, 14, 30]) AS days;
CREATE TABLE pure AS SELECT n, f.* FROM asked, LATERAL pure_features_at(as_of, window_days) AS f;

-- Rows of ours and of plain SQL that differ; the plan is to be the one that is meant
CREATE FUNCTION differing(plan text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a record;
	line text;
	shown text := '';
	n bigint := 0;
BEGIN
	FOR a IN SELECT * FROM asked LOOP
		EXECUTE format('CREATE TEMP TABLE ours AS SELECT %s AS n, f.* FROM liveness_features_at(%L, %s) AS f', a.n, a.as_of, a.window_days);
		n := n + (SELECT count(*) FROM (TABLE ours EXCEPT ALL SELECT * FROM pure WHERE pure.n = a.n) AS d)
			+ abs((SELECT count(*) FROM ours) - (SELECT count(*) FROM pure WHERE pure.n = a.n));
		DROP TABLE ours;
	END LOOP;
	FOR line IN EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM liveness_features_at(%L, 14)', base()) LOOP
		shown := shown || line || E'\n';
	END LOOP;
	RETURN n || CASE WHEN shown ~ plan THEN ' rows differ' ELSE E' rows differ, but by another plan:\n' || shown END;
END
$$;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '256MB';
SET LOCAL enable_sort = off;
SELECT is(differing('HashAggregate(?!.*Disk)'), '0 rows differ', 'one process');
SET LOCAL enable_sort = on;
SET LOCAL enable_hashagg = off;
SELECT is(differing('[^l] GroupAggregate'), '0 rows differ', 'sorted');
SET LOCAL enable_hashagg = on;
SET LOCAL enable_sort = off;
SET LOCAL enable_indexscan = off;
SET LOCAL work_mem = '64kB';
SET LOCAL hash_mem_multiplier = 1;
SELECT is(differing('HashAggregate.*Disk Usage'), '0 rows differ', 'spilled');
SET LOCAL work_mem = '256MB';
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_leader_participation = off;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(differing('Finalize.*Workers Launched: 2'), '0 rows differ', 'parallel');
RESET enable_sort;
RESET enable_indexscan;
RESET max_parallel_workers_per_gather;
-- The rollup, which makes its own statement of it
CREATE FUNCTION rolled_up() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	a record;
	n bigint := 0;
BEGIN
	FOR a IN SELECT * FROM asked WHERE window_days = 14 LOOP
		PERFORM liveness_rollup_features(a.as_of, a.window_days);
		n := n + (SELECT count(*) FROM (SELECT * FROM pure WHERE pure.n = a.n EXCEPT ALL SELECT a.n, f.* FROM provider_reliability_features AS f) AS d);
	END LOOP;
	RETURN n;
END
$$;
SELECT is(rolled_up(), 0::bigint, 'the rollup');

-- What was compared
SELECT cmp_ok(count(*)::int, '>', 4000, 'many rows') FROM pure;
SELECT cmp_ok(count(*)::int, '>', 10, 'nothing is left') FROM pure WHERE jsonb_path_match(hourly_availability, '!exists($[*] ? (@ != null))') AND spells_count > 0;
SELECT cmp_ok(count(*)::int, '>', 100, 'of some hours nothing is left') FROM pure WHERE window_days >= 10 AND uptime_pct > 0 AND jsonb_path_match(hourly_availability, 'exists($[*] ? (@ == null))');
CREATE TABLE plain AS SELECT n, f.* FROM asked, LATERAL (SELECT s.provider_id, (liveness_features(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days)).* FROM provider_sessions AS s GROUP BY 1) AS f;
SELECT cmp_ok(count(*)::int, '>', 500, 'failures are excused') FROM pure JOIN plain USING (n, provider_id) WHERE pure.failures_count < plain.failures_count;
SELECT cmp_ok(count(*)::int, '>', 500, 'others are not') FROM pure JOIN plain USING (n, provider_id) WHERE pure.failures_count = plain.failures_count AND pure.uptime_pct <> plain.uptime_pct;
SELECT is((SELECT count(*)::int FROM pure JOIN plain USING (n, provider_id) WHERE pure.failures_count > plain.failures_count OR (pure.spells_count, pure.sessions_count, pure.median_session_seconds, pure.disconnect_reasons)
	IS DISTINCT FROM (plain.spells_count, plain.sessions_count, plain.median_session_seconds, plain.disconnect_reasons)), 0, 'none is made, and spells and their lengths are what they were');

-- The view and the fleet's curve, at now()
UPDATE provider_sessions SET connected_at = connected_at + (now() - base()), disconnected_at = disconnected_at + (now() - base());
UPDATE provider_exclusions SET since = since + (now() - base()), until = until + (now() - base());
SELECT results_eq('SELECT provider_id, count(*), count(*) FILTER (WHERE failed) FROM provider_spells GROUP BY provider_id ORDER BY provider_id',
	'SELECT provider_id, spells_count::bigint, failures_count::bigint FROM liveness_features_at() ORDER BY provider_id', 'provider_spells has as many failures as the features');
SELECT is((SELECT count(*)::int FROM provider_spells AS s, LATERAL (SELECT EXISTS (
		SELECT FROM provider_exclusions AS x WHERE (x.provider_id = s.provider_id OR x.provider_id IS NULL) AND s.until >= x.since AND (x.until IS NULL OR s.until < x.until)) AS found) AS x
	WHERE (excused, failed) IS DISTINCT FROM (reason IS NOT NULL AND found, coalesce(NOT found AND reason NOT IN ('coordinator_restart', 'observer_outage'), false))), 0,
	'excused is what ended in excluded time, failed what ended elsewhere for an uncensored reason');
SELECT is((SELECT sum(n_event)::bigint FROM survival_table((SELECT liveness_fleet_survival()))), (SELECT count(*) FROM provider_spells WHERE failed AND isfinite(since) AND until > greatest(since, now() - interval '336h')), 'the fleet''s curve has the same failures, of spells of any length');

SELECT * FROM finish();
ROLLBACK;
