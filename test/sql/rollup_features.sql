-- The features rollup: what it writes, what it resets, what it leaves; figures worked out by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(92);

-- arguments are checked although there is no session at all
SELECT throws_ok('SELECT liveness_rollup_features(NULL)', '22004', 'as_of must not be NULL', 'as_of NULL is refused');
SELECT throws_ok($$SELECT liveness_rollup_features('infinity')$$, '22008', 'as_of must be finite, not infinity', 'as_of infinity is refused');
SELECT throws_ok($$SELECT liveness_rollup_features('-infinity')$$, '22008', 'as_of must be finite, not -infinity', 'as_of -infinity is refused');
SELECT throws_ok('SELECT liveness_rollup_features(now(), 0)', '22023', 'window_days 0 is out of range', '0 days are refused');
SELECT throws_ok('SELECT liveness_rollup_features(now(), -1)', '22023', 'window_days -1 is out of range', '-1 days are refused');
SELECT throws_ok('SELECT liveness_rollup_features(now(), 3651)', '22023', 'window_days 3651 is out of range', '3651 days are refused');
SELECT throws_ok('SET LOCAL transaction_read_only = on; SELECT liveness_rollup_features()', '25006',
	'cannot execute liveness_rollup_features() in a read-only transaction', 'a read-only transaction is told so');
SELECT is(liveness_rollup_features('2026-01-15 00:00+00', 1), 0::bigint, 'no session: 0 providers');
SELECT is(liveness_rollup_features('2026-01-15 00:00+00', 3650), 0::bigint, '1 and 3650 days are allowed');

-- The window of 2026-01-15 00:00 begins at 2026-01-01 00:00.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('edge',   '2025-12-31 12:00+00', '2026-01-01 00:00+00', 'read_error'),
	('flaky',  '2026-01-10 00:00+00', '2026-01-10 06:00+00', 'read_error'),
	('flaky',  '2026-01-12 00:00+00', '2026-01-12 02:00+00', 'clean_close'),
	('gone',   '2025-12-31 12:00+00', '2025-12-31 23:59:59.999999+00', 'read_error'),
	('late',   '2026-01-15 00:00+00', NULL, ''),
	('steady', '2025-12-01 00:00+00', NULL, '');

SELECT runs AS runs_before FROM liveness_jobs WHERE job = 'features' \gset
SELECT is(liveness_rollup_features('2026-01-15 00:00+00'), 3::bigint, 'three providers have a session in the window');
SELECT results_eq(
	'SELECT * FROM provider_reliability_features ORDER BY provider_id',
	$$SELECT * FROM liveness_features_at('2026-01-15 00:00+00') ORDER BY provider_id$$,
	'what it wrote is liveness_features_at, to the last column');
SELECT results_eq(
	'SELECT provider_id FROM provider_reliability_features ORDER BY 1',
	$$VALUES ('edge'), ('flaky'), ('steady')$$,
	'one that ended before the window, or begins at as_of, has no row');

-- lengths 6 h and 2 h; 8 h of 336 h; 14400 s between failures: sigmoid(0) = 0.5
SELECT results_eq(
	$$SELECT updated_at, window_days, round(uptime_pct::numeric, 6), sessions_count, mtbf_seconds,
		p10_session_seconds, median_session_seconds, p90_session_seconds
	FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('2026-01-15 00:00+00'::timestamptz, 14, 0.023810, 2, 14400::bigint, 8640::bigint, 14400::bigint, 20160::bigint)$$,
	'flaky: uptime 8/336, 2 sessions, MTBF 4 h, percentiles 2.4 h, 4 h, 5.6 h');
SELECT results_eq(
	$$SELECT disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds,
		round(liveness_score::numeric, 6), mttr_seconds, failures_count, p_survives_4h, p_survives_8h
	FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('{"read_error": 1, "clean_close": 1}'::jsonb, 0.5::real, 0::real, '2026-01-12 02:00+00'::timestamptz, 7200::bigint,
		0.258333, 151200::bigint, 2, 0.5::real, 0::real)$$,
	'flaky: reasons, shares, last disconnect, score 0.35/42 + 0.125 + 0.125, outage 42 h, survival');
SELECT results_eq(
	$$SELECT uptime_pct, sessions_count, mtbf_seconds, median_session_seconds, p_stays_8h, last_disconnect_at, liveness_score,
		failures_count, p_survives_8h
	FROM provider_reliability_features WHERE provider_id = 'steady'$$,
	$$VALUES (1::real, 1, 1209600::bigint, 3888000::bigint, 1::real, NULL::timestamptz, 1::real, 0, 1::real)$$,
	'steady: 14 days of uptime, one session of 45 days, score 1');
SELECT results_eq(
	$$SELECT uptime_pct, sessions_count, failures_count, last_disconnect_at FROM provider_reliability_features WHERE provider_id = 'edge'$$,
	$$VALUES (0::real, 1, 1, '2026-01-01 00:00+00'::timestamptz)$$,
	'edge: ended with the first instant of the window, which counts it, with no uptime');
SELECT is(
	(SELECT count(*) FROM provider_reliability_features f, jsonb_array_elements(f.hourly_availability) c
	WHERE f.provider_id = 'steady' AND c = '1'), 168::bigint, 'steady: 168 cells of 1');
SELECT is(
	(SELECT hourly_availability ->> (24 * 6 + 5) FROM provider_reliability_features WHERE provider_id = 'flaky'), '0.5',
	'flaky: online on one of the two Saturdays from 05:00');
SELECT is(
	(SELECT hourly_availability ->> (24 * 6 + 6) FROM provider_reliability_features WHERE provider_id = 'flaky'), '0',
	'and on none from 06:00');

-- liveness_jobs
SELECT results_eq(
	$$SELECT last_rows, last_started_at BETWEEN now() AND clock_timestamp(), last_duration BETWEEN '0' AND clock_timestamp() - now(),
		last_error, last_error_at, errors
	FROM liveness_jobs WHERE job = 'features'$$,
	'VALUES (3::bigint, true, true, NULL::text, NULL::timestamptz, 0::bigint)',
	'liveness_jobs has the figures of the run');
SELECT is((SELECT runs FROM liveness_jobs WHERE job = 'features'), 1::bigint + :runs_before, 'and counts it');
SELECT results_eq('SELECT job FROM liveness_jobs ORDER BY 1', $$VALUES ('features'), ('hourly'), ('retention')$$, 'a line a job, run or not');

-- again: the same
CREATE TEMP TABLE first_run AS TABLE provider_reliability_features;
SELECT is(liveness_rollup_features('2026-01-15 00:00+00'), 3::bigint, 'a second run returns as much');
SELECT set_eq('TABLE provider_reliability_features', 'TABLE first_run', 'and writes the same');

-- a past instant knows nothing of what came after it
SELECT is(liveness_rollup_features('2026-01-12 01:00+00'), 4::bigint,
	'a past as_of: gone is in that window');
SELECT results_eq(
	$$SELECT sessions_count, failures_count, disconnect_reasons, last_disconnect_at, updated_at,
		median_session_seconds
	FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES (2, 1, '{"read_error": 1}'::jsonb, '2026-01-10 06:00+00'::timestamptz, '2026-01-12 01:00+00'::timestamptz, 12600::bigint)$$,
	'flaky an hour into its second session: open, 1 h long, the reason not known yet; median of 6 h and 1 h');
SELECT set_eq('TABLE provider_reliability_features', $$SELECT * FROM liveness_features_at('2026-01-12 01:00+00')$$,
	'rows are overwritten, whatever the order of as_of');

-- Twenty days on, edge, flaky and gone have vanished; late has come.
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT is(liveness_rollup_features('2026-02-04 00:00+00'), 2::bigint, 'vanished providers are not counted');
SELECT results_eq(
	'SELECT provider_id FROM provider_reliability_features WHERE sessions_count > 0 ORDER BY 1', $$VALUES ('late'), ('steady')$$,
	'late and steady are in the window');
SELECT results_eq(
	$$SELECT provider_id, updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds,
		median_session_seconds, p10_session_seconds, p90_session_seconds
	FROM provider_reliability_features WHERE provider_id IN ('edge', 'flaky', 'gone') ORDER BY 1$$,
	$$SELECT p, t::timestamptz, 14, 0::real, 0, 0::bigint, 0::bigint, 0::bigint, 0::bigint
	FROM (VALUES ('edge', '2026-02-04 00:00+00'), ('flaky', '2026-02-04 00:00+00'), ('gone', '2026-01-15 00:00+00')) v (p, t)$$,
	'counts, shares and seconds of the vanished are 0; gone was reset the run before, and is not again');
SELECT results_eq(
	$$SELECT provider_id, disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at,
		last_session_duration_seconds, round(liveness_score::numeric, 6), mttr_seconds, failures_count, p_survives_4h, p_survives_8h
	FROM provider_reliability_features WHERE provider_id IN ('edge', 'flaky') ORDER BY 1$$,
	$$SELECT p, '{}'::jsonb, 0::real, 0::real, t::timestamptz,
		0::bigint, 0.004497, 0::bigint, 0, NULL::real, NULL::real
	FROM (VALUES ('edge', '2026-01-01 00:00+00'), ('flaky', '2026-01-12 02:00+00')) v (p, t)$$,
	'no reasons, no survival, the last disconnect kept, the score that of nothing known');
SELECT is(
	(SELECT hourly_availability FROM provider_reliability_features WHERE provider_id = 'flaky'),
	('[0' || repeat(', 0', 167) || ']')::jsonb,
	'the matrix is 168 zeros');

-- A row that is reset already is not written again.
SELECT ctid AS reset_ctid FROM provider_reliability_features WHERE provider_id = 'flaky' \gset
SELECT is(liveness_rollup_features('2026-02-04 01:00+00'), 2::bigint, 'the next run');
SELECT is((SELECT ctid FROM provider_reliability_features WHERE provider_id = 'flaky'), :'reset_ctid'::tid,
	'leaves the very version of the row');
SELECT is((SELECT updated_at FROM provider_reliability_features WHERE provider_id = 'flaky'), '2026-02-04 00:00+00'::timestamptz,
	'with the instant that it was reset for');
SELECT is((SELECT updated_at FROM provider_reliability_features WHERE provider_id = 'steady'), '2026-02-04 01:00+00'::timestamptz,
	'while those in the window are written');
SELECT is(liveness_rollup_features('2026-02-04 01:00+00', 10), 2::bigint, 'a run over another window');
SELECT is((SELECT window_days FROM provider_reliability_features WHERE provider_id = 'flaky'), 10,
	'resets it for that window');

-- One that returns has its figures again.
INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('flaky', '2026-02-04 00:00+00');
SELECT is(liveness_rollup_features('2026-02-04 14:00+00'), 3::bigint, 'a provider returns');
SELECT results_eq(
	$$SELECT updated_at, sessions_count, round(uptime_pct::numeric, 6), p_stays_8h, last_disconnect_at, disconnect_reasons, window_days
	FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('2026-02-04 14:00+00'::timestamptz, 1, 0.041667, 1::real, NULL::timestamptz, '{}'::jsonb, 14)$$,
	'with what the window knows of it: 14 of 336 hours');

-- A vanished row cannot know a disconnect that is still to come.
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT is(liveness_rollup_features('2025-06-01 00:00+00'), 0::bigint, 'an as_of before all sessions');
SELECT results_eq(
	'SELECT DISTINCT sessions_count, last_disconnect_at, round(liveness_score::numeric, 6) FROM provider_reliability_features',
	'VALUES (0, NULL::timestamptz, 0.004497)',
	'resets everything, last disconnects after it too');

-- Its score is made anew: the penalty of 0.1 falls in the day after the disconnect.
SELECT liveness_rollup_features('2026-01-12 02:00+00');
SELECT is((SELECT last_disconnect_at FROM provider_reliability_features WHERE provider_id = 'flaky'), '2026-01-12 02:00+00'::timestamptz,
	'an end at as_of itself is known');
DELETE FROM provider_sessions WHERE provider_id = 'flaky';
SELECT liveness_rollup_features('2026-01-12 14:00+00');
SELECT results_eq(
	$$SELECT last_disconnect_at, liveness_score FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('2026-01-12 02:00+00'::timestamptz, 0::real)$$,
	'12 h after: 0.004497 - 0.05 is clamped to 0');
SELECT liveness_rollup_features('2026-01-13 01:00+00');
SELECT results_eq(
	$$SELECT updated_at, round(liveness_score::numeric, 6) FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('2026-01-13 01:00+00'::timestamptz, 0.000330)$$,
	'23 h after: 0.004497 - 0.1/24, written since it changed');
SELECT liveness_rollup_features('2026-01-14 01:00+00');
SELECT liveness_rollup_features('2026-01-15 01:00+00');
SELECT results_eq(
	$$SELECT updated_at, round(liveness_score::numeric, 6) FROM provider_reliability_features WHERE provider_id = 'flaky'$$,
	$$VALUES ('2026-01-14 01:00+00'::timestamptz, 0.004497)$$,
	'then for good: written once more, and no more');

-- The setting, and the defaults.
SET LOCAL liveness.window_days = 3;
SELECT is(liveness_rollup_features('2026-01-12 00:00+00', NULL), 1::bigint, 'NULL days are those of the setting: only steady');
SELECT is((SELECT window_days FROM provider_reliability_features WHERE provider_id = 'steady'), 3, 'and the row says so');
RESET liveness.window_days;
SELECT is(liveness_rollup_features(), 2::bigint, 'without arguments: now, and the setting');
SELECT is((SELECT (updated_at, window_days) FROM provider_reliability_features WHERE provider_id = 'steady'), (now(), 14), 'as of now()');

-- Sessions that make no sense do no harm.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('odd', '2026-01-14 12:00+00', '2026-01-14 06:00+00', ''),
	('odd', '-infinity', '2026-01-14 00:00+00', 'read_error'),
	('odd', '2026-01-14 18:00+00', 'infinity', 'x'),
	('odd', 'infinity', NULL, '');
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT results_eq(
	$$SELECT sessions_count, round(uptime_pct::numeric, 6), median_session_seconds, disconnect_reasons, failures_count
	FROM provider_reliability_features WHERE provider_id = 'odd'$$,
	$$VALUES (3, 0.946429, 21600::bigint, '{"read_error": 1, "unspecified": 1}'::jsonb, 2)$$,
	'one that ends before it begins, one since ever, one till the end of time: 13 days and 6 hours of 14 days');

-- Where an index holds all that is read, parallel processes divide the providers.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || p, timestamptz '2026-01-02 00:00+00' + s * interval '5 hours' + p * interval '1 minute',
		timestamptz '2026-01-02 03:00+00' + s * interval '5 hours', CASE p % 3 WHEN 0 THEN 'read_error' WHEN 1 THEN 'clean_close' ELSE '' END
	FROM generate_series(1, 300) p, generate_series(1, 10) s;
ANALYZE provider_sessions;
SELECT is(liveness_internal.liveness_session_bounds(3), NULL, 'no bounds without such an index');
CREATE INDEX half_of_it ON provider_sessions (provider_id, connected_at) INCLUDE (disconnected_at);
CREATE INDEX part_of_it ON provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) WHERE provider_id > 'p';
CREATE INDEX beside_it ON provider_sessions (connected_at, provider_id, disconnected_at, disconnect_reason);
SELECT is(liveness_internal.liveness_session_bounds(3), NULL, 'nor with one that holds less, or of some rows, or in another order');
CREATE INDEX covering ON provider_sessions (provider_id, connected_at DESC) INCLUDE (disconnected_at, disconnect_reason);
SELECT is(liveness_internal.liveness_session_bounds(1), '{}', 'no bounds for a single process');
SELECT is(cardinality(liveness_internal.liveness_session_bounds(3)), 2, 'two bounds for three processes');
SELECT ok(bool_and(n BETWEEN 60 AND 140), 'a third of the providers to each, about')
	FROM (SELECT count(*) AS n FROM generate_series(1, 300) p, liveness_internal.liveness_session_bounds(3) b GROUP BY width_bucket('p' || p, b)) t;
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT liveness_rollup_features('2026-01-15 00:00+00');
CREATE TEMP TABLE undivided AS SELECT * FROM provider_reliability_features WHERE sessions_count > 0;
CREATE TEMP TABLE undivided_hazard AS SELECT * FROM liveness_internal.liveness_provider_hazard;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL min_parallel_index_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
DELETE FROM provider_reliability_features;
SELECT is(liveness_rollup_features('2026-01-15 00:00+00'), 303::bigint, 'everybody is there once, by parts');
SELECT is((SELECT count(*) FROM undivided u FULL JOIN provider_reliability_features f USING (provider_id)
	WHERE u IS DISTINCT FROM f), 0::bigint, 'with the same figures');
SELECT is((SELECT count(*) FROM undivided_hazard u FULL JOIN liveness_internal.liveness_provider_hazard h USING (provider_id)
	WHERE u IS DISTINCT FROM h), 0::bigint, 'for candidates as well');
-- Sessions that are too many for a hash table, with the index and without: 4 MB of them are for 1 MB.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT provider_id, connected_at + s * interval '1 second', disconnected_at + s * interval '1 second', disconnect_reason
	FROM provider_sessions, generate_series(1, 15) s WHERE provider_id LIKE 'p%';
SELECT cmp_ok(pg_relation_size('provider_sessions'), '>', 4194304::bigint, 'more than 4 MB');
SELECT liveness_rollup_features('2026-01-15 00:00+00');
TRUNCATE undivided, undivided_hazard;
INSERT INTO undivided SELECT * FROM provider_reliability_features WHERE sessions_count > 0;
INSERT INTO undivided_hazard SELECT * FROM liveness_internal.liveness_provider_hazard;
SET LOCAL work_mem = '64kB';
SET LOCAL maintenance_work_mem = '1MB';
SET LOCAL hash_mem_multiplier = 1;
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT is((SELECT count(*) FROM undivided u FULL JOIN provider_reliability_features f USING (provider_id)
	WHERE f.sessions_count > 0 AND u IS DISTINCT FROM f), 0::bigint, 'one after another by the index');
DROP INDEX covering;
DELETE FROM provider_reliability_features;
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT is((SELECT count(*) FROM undivided u FULL JOIN provider_reliability_features f USING (provider_id)
	WHERE u IS DISTINCT FROM f), 0::bigint, 'or sorted');
SELECT is((SELECT count(*) FROM undivided_hazard u FULL JOIN liveness_internal.liveness_provider_hazard h USING (provider_id)
	WHERE u IS DISTINCT FROM h), 0::bigint, 'for candidates as well');
-- Statistics say how the work is divided, never what is computed, whatever stands in them
CREATE INDEX covering ON provider_sessions (provider_id, connected_at DESC) INCLUDE (disconnected_at, disconnect_reason);
CREATE TEMP TABLE kept_sessions AS TABLE provider_sessions;
CREATE TEMP TABLE kept_features AS SELECT * FROM provider_reliability_features;
CREATE FUNCTION pg_temp.differing() RETURNS bigint LANGUAGE sql AS $$
	SELECT liveness_rollup_features('2026-01-15 00:00+00');
	SELECT count(*) FROM kept_features k FULL JOIN provider_reliability_features f USING (provider_id) WHERE k IS DISTINCT FROM f
$$;
CREATE FUNCTION pg_temp.differing_of(analyzed text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM provider_sessions;
	EXECUTE 'INSERT INTO provider_sessions SELECT * FROM kept_sessions s WHERE ' || analyzed;
	ANALYZE provider_sessions;
	INSERT INTO provider_sessions SELECT * FROM kept_sessions EXCEPT SELECT * FROM provider_sessions;
	RETURN pg_temp.differing();
END
$$;
SELECT is(pg_temp.differing_of(analyzed), 0::bigint, 'analyzed where ' || analyzed)
FROM unnest(ARRAY['false', 'id = (SELECT min(id) FROM kept_sessions)', $$provider_id = 'p7'$$, $$provider_id IN ('p7', 'p8')$$,
	$$provider_id < 'p2'$$, 'id % 17 = 0', 'true']) analyzed;
CREATE FUNCTION pg_temp.differing_with(statistics text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'UPDATE pg_statistic SET ' || statistics || $q$ WHERE starelid = 'provider_sessions'::regclass AND staattnum = 2$q$;
	RETURN pg_temp.differing();
END
$$;
SELECT is(pg_temp.differing_with(statistics), 0::bigint, 'with ' || statistics)
FROM unnest(ARRAY[$$stakind1 = 1, stanumbers1 = '{0, 0}', stavalues1 = array_in('{b,a}', 25, -1), stakind2 = 0, stakind3 = 0$$,
	$$stanumbers1 = '{NaN, 0.5}'$$, $$stanumbers1 = '{-1, 2}'$$, $$stavalues1 = array_in('{zz,""}', 25, -1), stanumbers1 = '{0.5, 0.5}'$$,
	'stakind1 = 2, stanumbers1 = NULL', 'stakind1 = 0']) statistics;
DROP INDEX covering;
DELETE FROM provider_sessions WHERE provider_id LIKE 'p%';
DELETE FROM provider_reliability_features WHERE provider_id LIKE 'p%';

-- When a provider was first seen.  The window of 02-10 begins on 01-27.
CREATE TEMP TABLE others AS SELECT * FROM provider_sessions;
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('seen 3 d', '2026-02-07 00:00+00', NULL, ''),
	('seen half', '2026-02-06 00:00+00', '2026-02-08 00:00+00', 'read_error'),
	('seen long', '2025-12-01 00:00+00', '2025-12-02 00:00+00', 'read_error'), ('seen long', '2026-02-09 00:00+00', NULL, ''),
	('seen pruned', '2026-02-02 00:00+00', '2026-02-03 00:00+00', 'read_error'), ('seen pruned', '2026-02-08 00:00+00', '2026-02-09 00:00+00', 'read_error'),
	('seen kept', '2026-02-09 00:00+00', NULL, ''),
	('seen tomorrow', '2026-02-11 00:00+00', NULL, '');
-- it has a row that does not say when it was seen, and no session in the window
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('seen then', '2025-11-05 00:00+00', '2025-11-06 00:00+00'), ('seen then', '2026-02-12 00:00+00', NULL);
INSERT INTO provider_reliability_features (provider_id, first_seen_at) VALUES ('seen then', NULL), ('seen never', NULL), ('seen kept', '2026-02-05 00:00+00');
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s %s %s', substr(provider_id, 6), to_char(first_seen_at AT TIME ZONE 'UTC', 'MM-DD'), round(uptime_pct::numeric * 14, 5) + 0, round(observed_uptime_pct::numeric, 5) + 0), ', ' ORDER BY provider_id)
	FROM provider_reliability_features WHERE provider_id LIKE 'seen %'
$$;
CREATE FUNCTION pg_temp.differing_seen() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT * FROM provider_reliability_features WHERE sessions_count > 0 EXCEPT ALL SELECT * FROM liveness_features_at('2026-02-10 00:00+00')) d
$$;
CREATE TEMP TABLE asked AS SELECT * FROM liveness_features_at('2026-02-10 00:00+00');
SELECT is(liveness_rollup_features('2026-02-10 00:00+00'), 5::bigint, 'five were there in these 14 days');
SELECT is(pg_temp.seen(), '3 d 02-07 3.00000 1.00000, half 02-06 2.00000 0.50000, kept 02-05 1.00000 0.20000, long 12-01 1.00000 0.07143,'
	|| ' never  0.00000 0.00000, pruned 02-02 2.00000 0.25000, then 11-05 0.00000 0.00000',
	'up 3 of 3 days, 2 of 4, 1 of the 5 that the table tells of, 1 of the 14 of the window, 2 of 8');
SELECT is((SELECT observed_uptime_pct FROM provider_reliability_features WHERE provider_id = 'seen 3 d'), 1::real, 'always up is 1, and no less');
SELECT is(pg_temp.differing_seen(), 0::bigint, 'liveness_features_at says the same');
SELECT is((SELECT count(*) FROM (TABLE asked EXCEPT ALL SELECT * FROM liveness_features_at('2026-02-10 00:00+00')) d), 0::bigint, 'before the rollup and after it');
-- sessions are pruned: what was seen stays, in rows that are reset too
DELETE FROM provider_sessions WHERE provider_id = 'seen 3 d' OR (provider_id IN ('seen long', 'seen pruned') AND disconnected_at < '2026-02-04 00:00+00');
SELECT is(liveness_rollup_features('2026-02-10 00:00+00'), 4::bigint, 'without the oldest sessions');
SELECT is(pg_temp.seen(), '3 d 02-07 0.00000 0.00000, half 02-06 2.00000 0.50000, kept 02-05 1.00000 0.20000, long 12-01 1.00000 0.07143,'
	|| ' never  0.00000 0.00000, pruned 02-02 1.00000 0.12500, then 11-05 0.00000 0.00000', 'each was first seen when it was');
SELECT is(pg_temp.differing_seen(), 0::bigint, 'as liveness_features_at, too');
-- an earlier session that is noted late
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('seen half', '2026-02-01 00:00+00', '2026-02-02 00:00+00');
SELECT liveness_rollup_features('2026-02-10 00:00+00');
SELECT results_eq($$SELECT first_seen_at, observed_uptime_pct FROM provider_reliability_features WHERE provider_id = 'seen half'$$,
	$$VALUES ('2026-02-01 00:00+00'::timestamptz, (3 / 9.0)::real)$$, 'an earlier session that is noted late counts');
SELECT is(pg_temp.differing_seen(), 0::bigint, 'there as well');
-- what is excluded is observed no more than it is online
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('seen half', '2026-02-03 00:00+00', '2026-02-05 00:00+00'), (NULL, '2026-02-09 12:00+00', '2026-02-10 00:00+00');
SELECT liveness_rollup_features('2026-02-10 00:00+00');
SELECT is(pg_temp.differing_seen(), 0::bigint, 'with excluded time, too');
SELECT results_eq($$SELECT provider_id, round(observed_uptime_pct::numeric, 5) FROM provider_reliability_features WHERE provider_id IN ('seen half', 'seen kept', 'seen long', 'seen pruned') ORDER BY 1$$,
	$$VALUES ('seen half', round(3 / 6.5, 5)), ('seen kept', round(0.5 / 4.5, 5)), ('seen long', round(0.5 / 13.5, 5)), ('seen pruned', round(1 / 7.5, 5))$$, 'left out on both sides');
DELETE FROM provider_exclusions;
DELETE FROM provider_reliability_features WHERE provider_id LIKE 'seen %';
DELETE FROM provider_sessions;
INSERT INTO provider_sessions SELECT * FROM others;

-- A column that somebody adds to the table
ALTER TABLE provider_reliability_features ADD COLUMN note text;
UPDATE provider_reliability_features SET note = 'mine' WHERE provider_id = 'steady';
SELECT is(liveness_rollup_features('2026-01-16 00:00+00'), 3::bigint, 'a column of the user''s does not disturb the rollup');
SELECT results_eq(
	$$SELECT provider_id, note, updated_at FROM provider_reliability_features WHERE provider_id IN ('odd', 'steady') ORDER BY 1$$,
	$$VALUES ('odd', NULL, '2026-01-16 00:00+00'::timestamptz), ('steady', 'mine', '2026-01-16 00:00+00')$$,
	'which leaves it as it is');
-- what returns the table's row type was made for that of 1.0, and says so
SELECT throws_ok($$SELECT * FROM liveness_features_at('2026-01-16 00:00+00')$$, '42P13', NULL, 'liveness_features_at refuses');
SELECT results_eq('SELECT count(*) FROM liveness_reliability()', 'SELECT count(*) FROM provider_reliability_features', 'the ranking has a type of its own, and answers');

SELECT * FROM finish();
ROLLBACK;
