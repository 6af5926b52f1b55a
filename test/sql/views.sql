-- What people read: views, ranking, heatmap; and that reads of one provider are index scans
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(96);

CREATE FUNCTION pg_temp.ago(age interval) RETURNS timestamptz LANGUAGE sql AS $$SELECT now() - age$$;

-- provider_liveness
INSERT INTO provider_reliability_features (provider_id, uptime_pct, liveness_score, sessions_count, p_survives_4h) VALUES
	('gone', 0, 0.1, 0, NULL), ('closed', 0.5, 0.2, 2, 0.25), ('open', 0.75, 0.5, 1, 1), ('twice', 1, 0.75, 2, 1), ('never', 0, 0.5, 1, NULL);
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, last_heartbeat_at) VALUES
	('closed', '', pg_temp.ago('3 h'), pg_temp.ago('2 h'), pg_temp.ago('121 min')),
	('open',   '', pg_temp.ago('3 h'), NULL, pg_temp.ago('10 min')),
	('twice',  'blue', pg_temp.ago('3 h'), NULL, pg_temp.ago('20 min')),
	('twice',  'green', pg_temp.ago('1 h'), NULL, pg_temp.ago('30 min')),
	('never',  '', pg_temp.ago('1 min'), NULL, NULL),
	('unknown', '', pg_temp.ago('1 min'), NULL, NULL);
INSERT INTO provider_heartbeats (provider_id, at) VALUES
	('gone', pg_temp.ago('30 d')), ('closed', pg_temp.ago('1 h')), ('closed', pg_temp.ago('5 h')),
	('open', pg_temp.ago('11 min')), ('twice', pg_temp.ago('5 min')), ('twice', pg_temp.ago('6 min'));
SELECT results_eq('SELECT provider_id, connected, connected_since, last_heartbeat_at FROM provider_liveness ORDER BY provider_id',
	$$VALUES ('closed', false, NULL::timestamptz, pg_temp.ago('1 h')), ('gone', false, NULL, pg_temp.ago('30 d')), ('never', true, pg_temp.ago('1 min'), NULL),
		('open', true, pg_temp.ago('3 h'), pg_temp.ago('10 min')), ('twice', true, pg_temp.ago('3 h'), pg_temp.ago('5 min')),
		('unknown', true, pg_temp.ago('1 min'), NULL)$$,
	'provider_liveness: connected or not, since when (the oldest open session), last heartbeat by either account');
SELECT set_eq($$SELECT provider_id, updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds, median_session_seconds, p10_session_seconds,
		p90_session_seconds, disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds,
		liveness_score, mttr_seconds, failures_count, p_survives_4h, p_survives_8h, spells_count, first_seen_at, observed_uptime_pct, bridged_seconds FROM provider_liveness WHERE updated_at IS NOT NULL$$,
	$$SELECT provider_id, updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds, median_session_seconds, p10_session_seconds,
		p90_session_seconds, disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds,
		liveness_score, mttr_seconds, failures_count, p_survives_4h, p_survives_8h, spells_count, first_seen_at, observed_uptime_pct, bridged_seconds FROM provider_reliability_features$$,
	'and every column of the features but the matrix');
SELECT is((SELECT jsonb_strip_nulls(to_jsonb(l)) - 'connected_since' FROM provider_liveness l WHERE updated_at IS NULL),
	'{"provider_id": "unknown", "connected": true}', 'which are NULL for one that no rollup has seen yet');
SAVEPOINT rollup;
INSERT INTO liveness_internal.liveness_job_state (job, last_started_at) VALUES ('features', pg_temp.ago('1 h')), ('features', pg_temp.ago('2 h')), ('hourly', now());
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES
	('gone at once', pg_temp.ago('30 min'), pg_temp.ago('20 min')), ('gone at once', pg_temp.ago('15 min'), pg_temp.ago('10 min')),
	('gone long ago', pg_temp.ago('3 h'), pg_temp.ago('2 h')), ('unknown', pg_temp.ago('10 min'), NULL), ('tomorrow', now() + interval '1 d', NULL);
SELECT results_eq('SELECT provider_id, connected FROM provider_liveness WHERE updated_at IS NULL ORDER BY 1',
	$$VALUES ('gone at once', false), ('tomorrow', false), ('unknown', true)$$, 'one that came and went since the last rollup is known too, and each but once');
ROLLBACK TO rollup;
SELECT columns_are('provider_liveness', ARRAY['provider_id', 'updated_at', 'window_days', 'uptime_pct', 'sessions_count', 'mtbf_seconds',
	'median_session_seconds', 'p10_session_seconds', 'p90_session_seconds', 'disconnect_reasons', 'p_stays_4h', 'p_stays_8h',
	'last_disconnect_at', 'last_session_duration_seconds', 'liveness_score', 'mttr_seconds', 'failures_count', 'p_survives_4h', 'p_survives_8h', 'spells_count',
	'first_seen_at', 'observed_uptime_pct', 'bridged_seconds',
	'connected', 'connected_since', 'last_heartbeat_at'], 'provider_liveness has these columns');

-- provider_session_history
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated, coordinator_id) VALUES
	('a closed', pg_temp.ago('90.5 s'), pg_temp.ago('30 s'), 'x', pg_temp.ago('31 s'), 1, 2, 'c'),
	('b open', pg_temp.ago('1 h'), NULL, '', NULL, 0, 0, ''),
	('c backwards', pg_temp.ago('1 h'), pg_temp.ago('2 h'), '', NULL, 0, 0, ''),
	('d till later', pg_temp.ago('1 h'), now() + interval '1 h', '', NULL, 0, 0, ''),
	('e for ever', pg_temp.ago('1 h'), 'infinity', '', NULL, 0, 0, ''),
	('f since ever', '-infinity', pg_temp.ago('1 h'), '', NULL, 0, 0, ''),
	('g tomorrow', now() + interval '1 d', NULL, '', NULL, 0, 0, ''),
	('h never', '-infinity', '-infinity', '', NULL, 0, 0, ''),
	('i at all times', '-infinity', NULL, '', NULL, 0, 0, ''),
	('j now', now(), now(), '', NULL, 0, 0, ''),
	('k ages', '4714-11-24 00:00:00+00 BC', '2000-01-01 00:00:00+00', '', NULL, 0, 0, ''),
	('l microsecond', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00.000001+00', '', NULL, 0, 0, '');
SELECT results_eq('SELECT provider_id, is_open, length_seconds FROM provider_session_history ORDER BY 1',
	$$VALUES ('a closed', false, 60.5::float8), ('b open', true, 3600), ('c backwards', false, 0), ('d till later', true, 3600), ('e for ever', true, 3600),
		('f since ever', false, 'infinity'), ('g tomorrow', true, 0), ('h never', false, 0), ('i at all times', true, 'infinity'), ('j now', false, 0),
		('k ages', false, (2451545 * 86400.0)::float8), ('l microsecond', false, 0.000001)$$,
	'provider_session_history: open as of now(), and how long so far');
SELECT results_eq($$SELECT id, provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated, coordinator_id
	FROM provider_session_history ORDER BY id$$, 'SELECT * FROM provider_sessions ORDER BY id', 'and every column of the session');
SELECT is((SELECT count(*) FROM information_schema.columns WHERE table_name = 'provider_session_history'), 11::bigint, 'eleven columns');

-- provider_heartbeat_history
UPDATE provider_heartbeats SET capacity = '{"slots": 2}', memory_available_gb = 1.5, gpu_memory_active_gb = 2.5, gpu_memory_cache_gb = 3.5,
	backend_state = 'up', active_model = 'm', thermal_state = 'fair', cpu_usage = 0.25, memory_pressure = 0.125, status = 's' WHERE provider_id = 'open';
SELECT set_eq('TABLE provider_heartbeat_history', 'TABLE provider_heartbeats', 'provider_heartbeat_history is the heartbeats');
SELECT is((SELECT array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'provider_heartbeat_history'),
	(SELECT array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'provider_heartbeats'), 'column for column');

-- provider_stale_sessions: what it judges is in sessions.sql
SELECT columns_are('provider_stale_sessions', ARRAY['id', 'provider_id', 'connected_at', 'disconnected_at', 'disconnect_reason', 'last_heartbeat_at', 'requests_served',
	'tokens_generated', 'coordinator_id', 'last_sign_of_life', 'silent_for'], 'provider_stale_sessions has these columns');

-- Matrix, reasons, heatmap
DELETE FROM provider_reliability_features;
INSERT INTO provider_reliability_features (provider_id, hourly_availability, disconnect_reasons) VALUES
	('good', (SELECT jsonb_agg(CASE g WHEN 0 THEN '0'::jsonb WHEN 1 THEN '0.0001' WHEN 2 THEN '0.25' WHEN 3 THEN '0.2501' WHEN 4 THEN '0.5' WHEN 5 THEN '0.5001'
		WHEN 6 THEN '0.75' WHEN 7 THEN '0.7501' WHEN 8 THEN '1' WHEN 9 THEN 'null' WHEN 167 THEN '0.3' ELSE '1' END ORDER BY g) FROM generate_series(0, 167) g),
		'{"read_error": 2, "unspecified": 1}');
SELECT results_eq($$SELECT day, hour, availability FROM provider_availability_matrix WHERE provider_id = 'good' AND (day, hour) IN ((0, 0), (0, 1), (0, 9), (0, 10), (6, 23)) ORDER BY 1, 2$$,
	'VALUES (0, 0, 0::float8), (0, 1, 0.0001), (0, 9, NULL), (0, 10, 1), (6, 23, 0.3)', 'provider_availability_matrix: cell 24 x day + hour');
SELECT results_eq($$SELECT count(*), count(DISTINCT (day, hour)), min(day), max(day), min(hour), max(hour) FROM provider_availability_matrix$$,
	'VALUES (168::bigint, 168::bigint, 0, 6, 0, 23)', 'a row a cell');
SELECT results_eq('SELECT provider_id, reason, sessions FROM provider_disconnect_reasons ORDER BY 2',
	$$VALUES ('good', 'read_error', 2::bigint), ('good', 'unspecified', 1)$$, 'provider_disconnect_reasons: a row a reason');
SELECT results_eq($$SELECT liveness_heatmap('good')$$,
	$$VALUES ('UTC 0  3  6  9  12 15 18 21'), ('Sun ·░░▒▒▓▓██?' || repeat('█', 14)), ('Mon ' || repeat('█', 24)), ('Tue ' || repeat('█', 24)), ('Wed ' || repeat('█', 24)),
		('Thu ' || repeat('█', 24)), ('Fri ' || repeat('█', 24)), ('Sat ' || repeat('█', 23) || '▒')$$,
	'liveness_heatmap: a heading of hours, a line a day from Sunday, a shade a quarter, ? where there is nothing to know');
SELECT results_eq($$SELECT count(*), min(length(l)), max(length(l)) FROM liveness_heatmap('good') l WHERE l !~ '^UTC'$$, 'VALUES (7::bigint, 28, 28)', 'seven lines of 28 characters');
SELECT is((SELECT array_agg(l.h) FROM (SELECT strpos(l, h::text) - 5 FROM liveness_heatmap('good') l, unnest('{12,15,18,21}'::int[]) h WHERE l ~ '^UTC') l (h)), '{12,15,18,21}', 'each hour stands above its column');
SELECT is((SELECT count(*) FROM liveness_heatmap('nobody')), 0::bigint, 'no line for one that is unknown');
SELECT is((SELECT count(*) FROM liveness_heatmap(NULL)), 0::bigint, 'nor for NULL');
INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('week', '2026-01-01 00:00+00');
SELECT liveness_rollup_features('2026-01-05 06:30+00', 1);
SELECT results_eq($$SELECT liveness_heatmap('week')$$,
	$$VALUES ('UTC 0  3  6  9  12 15 18 21'), ('Sun ??????' || repeat('█', 18)), ('Mon ' || repeat('█', 7) || repeat('?', 17)), ('Tue ' || repeat('?', 24)), ('Wed ' || repeat('?', 24)),
		('Thu ' || repeat('?', 24)), ('Fri ' || repeat('?', 24)), ('Sat ' || repeat('?', 24))$$,
	'a window of one day: Sunday 06:30 to Monday 06:30, the rest not known');

-- Malformed jsonb: anybody may have written it
DELETE FROM provider_reliability_features;
INSERT INTO provider_reliability_features (provider_id, hourly_availability, disconnect_reasons) VALUES
	('array', '[]', '[]'), ('bool', 'true', 'false'), ('default', DEFAULT, DEFAULT), ('long', (SELECT jsonb_agg(1) FROM generate_series(1, 169)), '{"": 3}'),
	('nested', (SELECT jsonb_agg('{"a": [1]}'::jsonb) FROM generate_series(1, 168)), '{"a": {"b": 1}, "c": [2], "d": "3", "e": null, "f": true, "g": 4}'),
	('null', 'null', 'null'), ('number', '1', '2'), ('object', '{"0": 1}', '{}'), ('short', (SELECT jsonb_agg(1) FROM generate_series(1, 167)), '{"x": 1.5}'),
	('string', '"[1]"', '"x"'), ('strings', (SELECT jsonb_agg('1'::text) FROM generate_series(1, 168)), '["x"]'),
	('wild', (SELECT jsonb_agg(CASE WHEN g % 2 = 0 THEN -5 ELSE 7 END ORDER BY g) FROM generate_series(0, 167) g), '{"x": -1}');
SELECT results_eq('SELECT provider_id, count(*), count(availability) FROM provider_availability_matrix GROUP BY 1 ORDER BY 1',
	$$VALUES ('nested', 168::bigint, 0::bigint), ('strings', 168, 0), ('wild', 168, 168)$$,
	'only an array of 168 is a matrix; a cell that is no number is NULL');
SELECT results_eq('SELECT provider_id, reason, sessions FROM provider_disconnect_reasons ORDER BY 1, 2',
	$$VALUES ('long', '', 3::bigint), ('nested', 'a', NULL), ('nested', 'c', NULL), ('nested', 'd', NULL), ('nested', 'e', NULL), ('nested', 'f', NULL), ('nested', 'g', 4),
		('short', 'x', 2), ('wild', 'x', 0)$$,
	'only an object has reasons; what is no number is NULL, and none is below 0');
SELECT results_eq($$SELECT f.provider_id, count(l) FROM provider_reliability_features f LEFT JOIN LATERAL liveness_heatmap(f.provider_id) l ON true GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('array', 0::bigint), ('bool', 0), ('default', 0), ('long', 0), ('nested', 8), ('null', 0), ('number', 0), ('object', 0), ('short', 0), ('string', 0), ('strings', 8), ('wild', 8)$$,
	'no heatmap without a matrix');
SELECT is((SELECT l FROM liveness_heatmap('wild') l OFFSET 1 LIMIT 1), 'Sun ' || repeat('·█', 12), 'shares out of range take the nearest shade');
SELECT is((SELECT count(*) FROM provider_liveness WHERE updated_at IS NOT NULL), 12::bigint, 'provider_liveness hands all of it on');
UPDATE provider_reliability_features SET hourly_availability = (SELECT jsonb_agg('1e400'::jsonb) FROM generate_series(1, 168)), disconnect_reasons = '{"x": 1e30}'
	WHERE provider_id = 'wild';
SELECT lives_ok('SELECT * FROM provider_availability_matrix', 'a share beyond float8 is no error');
SELECT is((SELECT sessions FROM provider_disconnect_reasons WHERE provider_id = 'wild'), 9223372036854775807, 'nor is a number of sessions beyond bigint: it is the greatest');
SELECT is((SELECT l FROM liveness_heatmap('wild') l OFFSET 1 LIMIT 1), 'Sun ' || repeat('█', 24), 'nor is its heatmap: it is full');

-- liveness_explain: three failures in 14 days, after 3, 6 and 6 hours, and 12 hours that the observer cut short; up for 27 of 336 hours
DELETE FROM provider_reliability_features; DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('e', '', '2026-01-02 00:00+00', '2026-01-02 03:00+00', 'read_error'), ('e', '', '2026-01-05 00:00+00', '2026-01-05 06:00+00', 'clean_close'),
	('e', '', '2026-01-10 00:00+00', '2026-01-10 12:00+00', 'coordinator_restart'), ('e', 'blue', '2026-01-14 06:00+00', '2026-01-14 12:00+00', 'coordinator_restart'),
	('e', 'green', '2026-01-14 11:00+00', '2026-01-14 12:00+00', ''),
	('flaps', '', '2026-01-14 00:00+00', '2026-01-14 12:00+00', 'x'), ('steady', '', '2025-12-01 00:00+00', NULL, ''),
	('e', '', '2025-12-01 00:00+00', '2025-12-02 00:00+00', 'before the window'), ('e', '', '2026-01-16 00:00+00', '2026-01-16 01:00+00', 'after it');
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT results_eq($$SELECT term, measured::numeric(12, 6), value::numeric(12, 6), weight, points::numeric(12, 6), failures, ends, reasons FROM liveness_explain('e')$$,
	$$VALUES ('uptime_pct', 0.080357, 0.080357, 0.35::float8, 0.028125, NULL::bigint, NULL::timestamptz[], NULL::text[]),
		('p_stays_4h', 0.750000, 0.750000, 0.25, 0.187500, 1, '{2026-01-02 03:00+00}', '{read_error}'),
		('p_stays_8h', 0.250000, 0.250000, 0.15, 0.037500, 3, '{2026-01-14 12:00+00,2026-01-05 06:00+00,2026-01-02 03:00+00}', '{unspecified,clean_close,read_error}'),
		('mtbf_seconds', 32400.000000, 0.993307, 0.25, 0.248327, 3, '{2026-01-14 12:00+00,2026-01-05 06:00+00,2026-01-02 03:00+00}', '{unspecified,clean_close,read_error}'),
		('last_disconnect_at', 43200.000000, 0.500000, -0.10, -0.050000, 1, '{2026-01-14 12:00+00}', '{unspecified}'),
		('clamp', NULL, NULL, NULL, 0.000000, NULL, NULL, NULL)$$,
	'liveness_explain: terms and failures by hand');
SELECT is((SELECT sum(points)::numeric(12, 6) FROM liveness_explain('e')), 0.451452, 'which add up');
SELECT is_empty($$SELECT f.provider_id, f.liveness_score, e.points FROM provider_reliability_features f
	CROSS JOIN LATERAL (SELECT sum(points) AS points, count(*) AS terms FROM liveness_explain(f.provider_id)) e
	WHERE abs(e.points - f.liveness_score) > 1e-6 OR e.terms <> 6$$, 'to the stored score of every provider');
SELECT results_eq($$SELECT term, points::numeric(6, 4), failures FROM liveness_explain('steady') WHERE term IN ('mtbf_seconds', 'last_disconnect_at')$$,
	$$VALUES ('mtbf_seconds', 0.2500, 0::bigint), ('last_disconnect_at', 0.0000, 0)$$, 'one that never failed has no end that counts');
SELECT liveness_rollup_features('2026-01-15 06:00+00', 1);
SELECT is((SELECT failures FROM liveness_explain('e') WHERE term = 'mtbf_seconds'), 1::bigint, 'the window is that of the rollup');
INSERT INTO provider_reliability_features (provider_id, updated_at, last_disconnect_at) VALUES ('low', '2026-01-15 00:00+00', '2026-01-15 00:00+00');
SELECT is((SELECT array_agg(points::numeric(8, 6)) FROM liveness_explain('low') WHERE points <> 0), '{0.004497,-0.100000,0.095503}', 'clamp is what brings a negative sum to 0');
SELECT is((SELECT count(*) FROM liveness_explain('nobody')), 0::bigint, 'no row for one that no rollup knows');
SELECT is((SELECT count(*) FROM liveness_explain(NULL)), 0::bigint, 'nor for NULL');
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'flaps', '2026-01-01 00:00+00'::timestamptz + g * interval '1 h', '2026-01-01 00:30+00'::timestamptz + g * interval '1 h', 'r' || g FROM generate_series(0, 19) g;
SELECT liveness_rollup_features('2026-01-05 00:00+00');
SELECT results_eq($$SELECT failures, cardinality(ends), reasons[1], reasons[10] FROM liveness_explain('flaps') WHERE term = 'p_stays_4h'$$,
	$$VALUES (20::bigint, 10, 'r19', 'r10')$$, 'the latest ten of twenty failures');
-- an hour around the failure of January 5 is excluded: up for 26 of 334 hours, two failures
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('e', '2026-01-05 05:00+00', '2026-01-05 07:00+00'), ('flaps', '2026-01-01 00:00+00', NULL);
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT results_eq($$SELECT term, measured::numeric(12, 6), failures, ends FROM liveness_explain('e') WHERE weight IS NOT NULL$$,
	$$VALUES ('uptime_pct', 0.077844, NULL::bigint, NULL::timestamptz[]), ('p_stays_4h', 0.750000, 1, '{2026-01-02 03:00+00}'),
		('p_stays_8h', 0.333333, 2, '{2026-01-14 12:00+00,2026-01-02 03:00+00}'), ('mtbf_seconds', 46800.000000, 2, '{2026-01-14 12:00+00,2026-01-02 03:00+00}'),
		('last_disconnect_at', 43200.000000, 1, '{2026-01-14 12:00+00}')$$, 'an end in excluded time does not count');
SELECT results_eq($$SELECT term, failures FROM liveness_explain('flaps') WHERE failures > 0$$, 'SELECT NULL::text, NULL::bigint LIMIT 0', 'where all are excused, none does');
-- the last one, too, is excluded, for everybody
INSERT INTO provider_exclusions (provider_id, since, until) VALUES (NULL, '2026-01-14 12:00+00', '2026-01-14 13:00+00');
SELECT liveness_rollup_features('2026-01-15 00:00+00');
SELECT results_eq($$SELECT f.failures_count::bigint, f.last_disconnect_at, e.failures, e.ends[1] FROM provider_reliability_features f CROSS JOIN LATERAL liveness_explain('e') e
	WHERE f.provider_id = 'e' AND e.term = 'mtbf_seconds'$$,
	$$VALUES (1::bigint, '2026-01-02 03:00+00'::timestamptz, 1::bigint, '2026-01-02 03:00+00'::timestamptz)$$, 'and so it is in the time that is excluded for everybody');
SELECT is_empty($$SELECT f.provider_id, f.failures_count, e.failures FROM provider_reliability_features f CROSS JOIN LATERAL liveness_explain(f.provider_id) e
	WHERE e.term = 'mtbf_seconds' AND e.failures <> f.failures_count$$, 'failures are as many as failures_count');
DELETE FROM provider_sessions; DELETE FROM provider_exclusions;

-- network_availability
DELETE FROM provider_reliability_features; DELETE FROM provider_sessions;
SELECT results_eq('TABLE network_availability',
	'VALUES (14, 0::bigint, 0::bigint, 0::bigint, NULL::float8, NULL::float8, NULL::float8, NULL::float8, 0::bigint, NULL::timestamptz)',
	'network_availability of nothing: a row all the same');
SELECT columns_are('network_availability', ARRAY['window_days', 'providers', 'connected', 'vanished', 'mean_uptime_pct', 'p10_uptime_pct', 'p50_uptime_pct', 'p90_uptime_pct',
	'highly_reliable', 'updated_at'], 'network_availability has these columns');
-- uptime 0, 1/1000, ... 1: mean and median a half; 0.95 to 1 are 51 providers
INSERT INTO provider_reliability_features (provider_id, uptime_pct, sessions_count, updated_at, window_days)
	SELECT 'p' || g, (g / 1000.0)::real, 1, '2026-01-01 00:00+00', 7 FROM generate_series(0, 1000) g;
INSERT INTO provider_reliability_features (provider_id, uptime_pct, sessions_count, updated_at, window_days)
	SELECT 'v' || g, 1, 0, '2026-01-02 00:00+00', 30 FROM generate_series(1, 3) g;
INSERT INTO provider_sessions (provider_id, disconnected_at, coordinator_id) VALUES ('p1', NULL, 'b'), ('p1', NULL, 'g'), ('p2', NULL, ''), ('p3', now(), ''), ('new', NULL, '');
SELECT results_eq(
	$$SELECT window_days, providers, connected, vanished, round(mean_uptime_pct::numeric, 6), round(p10_uptime_pct::numeric, 6),
		round(p50_uptime_pct::numeric, 6), round(p90_uptime_pct::numeric, 6), highly_reliable, updated_at
	FROM network_availability$$,
	$$VALUES (7, 1001::bigint, 3::bigint, 3::bigint, 0.5, 0.1, 0.5, 0.9, 51::bigint, '2026-01-02 00:00+00'::timestamptz)$$,
	'over all 1,001 providers with sessions, the vanished counted apart; 0.95 itself is highly reliable');
UPDATE provider_reliability_features SET uptime_pct = 0.94999 WHERE provider_id = 'p950';
SELECT is((SELECT highly_reliable FROM network_availability), 50::bigint, '0.94999 is not');
DELETE FROM provider_reliability_features WHERE provider_id NOT IN ('p200', 'p600');
SELECT results_eq('SELECT round(p10_uptime_pct::numeric, 6), round(p50_uptime_pct::numeric, 6), round(p90_uptime_pct::numeric, 6) FROM network_availability',
	'VALUES (0.24, 0.4, 0.56)', 'percentiles interpolate between 0.2 and 0.6');

-- liveness_reliability
DELETE FROM provider_reliability_features;
INSERT INTO provider_reliability_features (provider_id, liveness_score, uptime_pct, p_stays_4h, p_stays_8h) VALUES
	('a', 0.5, 0.5, 0.95, 0.1), ('b', 0.5, 0.95, 0.5, 0.2), ('c', 0.5, 0.95, 0.9, 0.3), ('d', 0.95, 0.1, 0.9, 0.95), ('e', 0, 0, 0, 0);
SELECT results_eq('SELECT provider_id FROM liveness_reliability()', $$VALUES ('d'), ('b'), ('c'), ('a'), ('e')$$, 'liveness_reliability: by score, then uptime, then name');
SELECT results_eq('SELECT * FROM liveness_reliability(max_rows => 2)', $$SELECT * FROM provider_reliability_features WHERE provider_id IN ('d', 'b') ORDER BY liveness_score DESC$$,
	'as many as asked for, every column');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(min_uptime => 0.95)', $$VALUES ('b'), ('c')$$, 'min_uptime 0.95 takes what is stored as 0.95');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(min_stays_4h => 0.95)', $$VALUES ('a')$$, 'min_stays_4h too');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(min_stays_8h => 0.95)', $$VALUES ('d')$$, 'min_stays_8h too');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(min_score => 0.95)', $$VALUES ('d')$$, 'min_score too');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(max_score => 0.95)', $$VALUES ('d'), ('b'), ('c'), ('a'), ('e')$$, 'max_score too');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(min_score => 0.5, max_score => 0.5)', $$VALUES ('b'), ('c'), ('a')$$, 'from 0.5 to 0.5');
SELECT is_empty('SELECT provider_id FROM liveness_reliability(min_uptime => 0.9500001)', 'above is above, by as little as real can tell');
SELECT results_eq('SELECT provider_id FROM liveness_reliability(0.2, 0.9, 0.3)', $$VALUES ('c')$$, 'bounds go together');
SELECT results_eq('SELECT count(*) FROM liveness_reliability(NULL, NULL, NULL, NULL, NULL)', 'VALUES (5::bigint)', 'NULL is no bound');
SELECT results_eq('SELECT count(*) FROM liveness_reliability(max_score => 0)', 'VALUES (5::bigint)', 'nor is max_score 0');
SELECT results_eq('SELECT count(*) FROM liveness_reliability(0, 0, 0, 0, 0, 500)', 'VALUES (5::bigint)', 'nor the others'' 0');
SELECT results_eq($$SELECT count(*) FROM liveness_reliability('-infinity', -1, -1e300, '-infinity', 'infinity')$$, 'VALUES (5::bigint)', 'bounds out of range are bounds all the same');
SELECT is_empty('SELECT provider_id FROM liveness_reliability(min_score => 1e300)', 'however large');
SELECT is_empty('SELECT provider_id FROM liveness_reliability(max_score => -1)', 'or negative');
SELECT throws_ok($$SELECT * FROM liveness_reliability('NaN')$$, '22023', 'min_uptime must not be NaN', 'NaN is refused');
SELECT throws_ok($$SELECT * FROM liveness_reliability(min_stays_4h => 'NaN')$$, '22023', 'min_stays_4h must not be NaN', 'by name');
SELECT throws_ok($$SELECT * FROM liveness_reliability(min_stays_8h => 'NaN')$$, '22023', 'min_stays_8h must not be NaN', 'each');
SELECT throws_ok($$SELECT * FROM liveness_reliability(min_score => 'NaN')$$, '22023', 'min_score must not be NaN', 'of');
SELECT throws_ok($$SELECT * FROM liveness_reliability(max_score => 'NaN')$$, '22023', 'max_score must not be NaN', 'them');
SELECT throws_ok('SELECT * FROM liveness_reliability(max_rows => 0)', '22023', 'max_rows 0 is out of range', 'max_rows 0 is refused');
SELECT throws_ok('SELECT * FROM liveness_reliability(max_rows => 501)', '22023', 'max_rows 501 is out of range', 'and 501');
SELECT throws_ok('SELECT * FROM liveness_reliability(max_rows => -1)', '22023', 'max_rows -1 is out of range', 'and -1');
SELECT throws_ok('SELECT * FROM liveness_reliability(max_rows => NULL)', '22023', 'max_rows must not be NULL', 'and NULL');
DELETE FROM provider_reliability_features;
SELECT throws_ok($$SELECT * FROM liveness_reliability('NaN')$$, '22023', NULL, 'arguments are checked although there is nothing to rank');
SELECT throws_ok('SELECT * FROM liveness_reliability(max_rows => 501)', '22023', NULL, 'all of them');
SELECT is_empty('SELECT * FROM liveness_reliability(max_rows => 500)', 'and else it is empty');
INSERT INTO provider_reliability_features (provider_id, liveness_score) SELECT lpad(g::text, 4, '0'), 1 FROM generate_series(1, 600) g;
SELECT results_eq('SELECT count(*), min(provider_id), max(provider_id) FROM liveness_reliability()', $$VALUES (50::bigint, '0001', '0050')$$, '50 by default');
SELECT results_eq('SELECT count(*), min(provider_id), max(provider_id) FROM liveness_reliability(max_rows => 500)', $$VALUES (500::bigint, '0001', '0500')$$, '500 at most');

-- Plans: on 2,000 providers, what is asked of one provider reads an index, and so does the ranking
DELETE FROM provider_reliability_features; DELETE FROM provider_sessions; DELETE FROM provider_heartbeats;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || g % 2000, '2026-01-01 00:00+00'::timestamptz + g * interval '1 min', '2026-01-01 02:00+00'::timestamptz + g * interval '1 min', 'x' FROM generate_series(1, 8000) g;
INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || g, '2026-01-08 00:00+00' FROM generate_series(0, 1999) g;
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 2000, '2026-01-08 00:00+00'::timestamptz + g * interval '1 s' FROM generate_series(1, 20000) g;
SELECT is(liveness_rollup_features('2026-01-08 12:00+00'), 2000::bigint, '2,000 providers');
SELECT is(liveness_rollup_hourly(), 12000::bigint, 'in six hours');
UPDATE provider_reliability_features f SET liveness_score = r.n / 2000.0, uptime_pct = r.n % 100 / 100.0
	FROM (SELECT provider_id, row_number() OVER () AS n FROM provider_reliability_features) r WHERE r.provider_id = f.provider_id;
ANALYZE provider_sessions, provider_heartbeats, provider_reliability_features, provider_heartbeats_hourly;
-- Does the plan read the table at all, and by no other way than an index?
CREATE FUNCTION pg_temp.scans(statement text) RETURNS TABLE (relation text, way text) LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || statement INTO plan;
	RETURN QUERY
		SELECT DISTINCT n ->> 'Relation Name',
			CASE WHEN n ->> 'Node Type' ~ '^(Index|Bitmap)' AND (n ? 'Index Cond' OR n ? 'Recheck Cond' OR (n ->> 'Index Name') ~ 'score') THEN 'index' ELSE n ->> 'Node Type' END
		FROM jsonb_path_query(plan, 'strict $.** ? (@."Relation Name" like_regex "^provider_")') n
		ORDER BY 1;
END
$$;
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_liveness WHERE provider_id = ''p7''')$$,
	$$VALUES ('provider_heartbeats', 'index'), ('provider_reliability_features', 'index'), ('provider_sessions', 'index')$$, 'provider_liveness of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_session_history WHERE provider_id = ''p7'' ORDER BY connected_at DESC LIMIT 50')$$,
	$$VALUES ('provider_sessions', 'index')$$, 'provider_session_history of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_heartbeat_history WHERE provider_id = ''p7'' ORDER BY at DESC LIMIT 50')$$,
	$$VALUES ('provider_heartbeats', 'index')$$, 'provider_heartbeat_history of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_heartbeat_history WHERE provider_id = ''p7'' AND at >= ''2026-01-08 01:00+00'' AND at < ''2026-01-08 02:00+00''')$$,
	$$VALUES ('provider_heartbeats', 'index')$$, 'in a span of time');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_heartbeat_history WHERE at >= ''2026-01-08 05:30+00''')$$,
	$$VALUES ('provider_heartbeats', 'index')$$, 'a span of time alone');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_availability_matrix WHERE provider_id = ''p7''')$$,
	$$VALUES ('provider_reliability_features', 'index')$$, 'provider_availability_matrix of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_disconnect_reasons WHERE provider_id = ''p7''')$$,
	$$VALUES ('provider_reliability_features', 'index')$$, 'provider_disconnect_reasons of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM liveness_heatmap(''p7'')')$$,
	$$VALUES ('provider_reliability_features', 'index')$$, 'liveness_heatmap, which is inlined');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_heartbeats_hourly WHERE provider_id = ''p7'' ORDER BY hour')$$,
	$$VALUES ('provider_heartbeats_hourly', 'index')$$, 'the hours of one provider');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM provider_heartbeats_hourly WHERE hour >= ''2026-01-08 05:00+00''')$$,
	$$VALUES ('provider_heartbeats_hourly', 'index')$$, 'the latest hour of all');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM liveness_reliability()')$$,
	$$VALUES ('provider_reliability_features', 'index')$$, 'the ranking, which is inlined');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM liveness_reliability(min_uptime => 0.5, max_rows => 500)')$$,
	$$VALUES ('provider_reliability_features', 'index')$$, 'with bounds too');
-- of a table this small a scan costs about as much
SET LOCAL enable_seqscan = off;
SELECT is_empty($$SELECT * FROM pg_temp.scans('SELECT provider_id, liveness_score FROM provider_liveness') WHERE relation = 'provider_heartbeats' OR (relation = 'provider_sessions' AND way = 'Seq Scan')$$,
	'features alone cost a scan of them, and a look by index at who is new');
SET LOCAL enable_seqscan = on;
-- What is asked of all is hashed, and neither sorted nor looked up one by one
CREATE FUNCTION pg_temp.nodes(statement text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || statement INTO plan;
	RETURN ARRAY(SELECT n ->> 'Node Type' || coalesce(' of ' || (n ->> 'Relation Name'), '') FROM jsonb_path_query(plan, 'strict $.** ? (exists (@."Node Type"))') n);
END
$$;
ANALYZE liveness_internal.liveness_provider_hazard;
SELECT ok('Sort' <> ALL (pg_temp.nodes('SELECT * FROM network_availability')), 'network_availability sorts nothing');
SELECT ok(n @> '{Hash Join,Seq Scan of liveness_provider_hazard}' AND 'Index Scan of liveness_provider_hazard' <> ALL (n), 'who is connected, and what is known of them, are joined by hash')
	FROM pg_temp.nodes('SELECT provider_id, since, hazard FROM liveness_internal.liveness_running OFFSET 0') n;
SELECT results_eq($$SELECT DISTINCT relation FROM pg_temp.scans('SELECT provider_id, connected, connected_since, liveness_score FROM provider_liveness') s (relation, how) ORDER BY 1$$,
	$$VALUES ('provider_reliability_features'), ('provider_sessions')$$, 'features, and who is connected, cost no look at heartbeats');
SELECT results_eq($$SELECT DISTINCT relation FROM pg_temp.scans('SELECT * FROM liveness_explain(''p7'')') s (relation, how) WHERE how = 'index' AND relation <> 'provider_exclusions' ORDER BY 1$$,
	$$VALUES ('provider_reliability_features'), ('provider_sessions')$$, 'the score of one, term by term');
SELECT results_eq($$SELECT * FROM pg_temp.scans('SELECT * FROM liveness_internal.liveness_last_signs WHERE provider_id = ''p7''')$$,
	$$VALUES ('provider_heartbeats', 'index'), ('provider_sessions', 'index')$$, 'the open sessions of one provider, as liveness_open_session needs them');

SELECT * FROM finish();
ROLLBACK;
