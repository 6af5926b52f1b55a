-- Settings: defaults, units, bounds, who may change them, and what they do; reloads are in test/t/010_retention.pl
LOAD 'liveness';
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(58);

SELECT results_eq(
	$$SELECT name, boot_val, unit, context, vartype, min_val FROM pg_settings
	WHERE name IN ('liveness.window_days', 'liveness.censored_reasons', 'liveness.session_timeout', 'liveness.rollup_lookback',
		'liveness.heartbeat_retention', 'liveness.hourly_retention', 'liveness.session_retention',
		'liveness.prune_batch_size', 'liveness.prune_budget', 'liveness.scheduler', 'liveness.batch_size', 'liveness.flush_interval',
		'liveness.flush_timeout', 'liveness.rollup_interval', 'liveness.resume_within', 'liveness.outage_threshold', 'liveness.track_sessions', 'liveness.close_stale', 'liveness.sessions_interval',
		'liveness.hazard_interval', 'liveness.hazard_history')
	ORDER BY name$$,
	$$VALUES ('liveness.batch_size', '500', NULL, 'sighup', 'integer', '1'),
		('liveness.censored_reasons', 'coordinator_restart, observer_outage', NULL, 'superuser', 'string', NULL),
		('liveness.close_stale', 'off', NULL, 'sighup', 'bool', NULL),
		('liveness.flush_interval', '2', 's', 'sighup', 'real', '0.01'),
		('liveness.flush_timeout', '5', 's', 'sighup', 'real', '0.01'),
		('liveness.hazard_history', '15552000', 's', 'superuser', 'integer', '1'),
		('liveness.hazard_interval', '3600', 's', 'superuser', 'integer', '1'),
		('liveness.heartbeat_retention', '2419200', 's', 'sighup', 'integer', '-1'),
		('liveness.hourly_retention', '-1', 's', 'sighup', 'integer', '-1'),
		('liveness.outage_threshold', '1', NULL, 'superuser', 'real', '0'),
		('liveness.prune_batch_size', '10000', NULL, 'sighup', 'integer', '1'),
		('liveness.prune_budget', '600', 's', 'sighup', 'integer', '-1'),
		('liveness.resume_within', '600', 's', 'superuser', 'integer', '0'),
		('liveness.rollup_interval', '300', 's', 'sighup', 'integer', '-1'),
		('liveness.rollup_lookback', '7200', 's', 'sighup', 'integer', '0'),
		('liveness.scheduler', 'worker', NULL, 'sighup', 'enum', NULL),
		('liveness.session_retention', '-1', 's', 'sighup', 'integer', '-1'),
		('liveness.session_timeout', '90', 's', 'superuser', 'integer', '1'),
		('liveness.sessions_interval', '30', 's', 'sighup', 'integer', '1'),
		('liveness.track_sessions', 'off', NULL, 'sighup', 'bool', NULL),
		('liveness.window_days', '14', NULL, 'superuser', 'integer', '1')$$,
	'names, defaults, units, contexts, lower bounds');
SELECT is((SELECT boot_val FROM pg_settings WHERE name = 'liveness.database'), '', 'no worker unless a database is named');
SELECT cmp_ok((SELECT boot_val::bigint * 1024 FROM pg_settings WHERE name = 'liveness.buffer_size'), '>=', 8192 * 512::bigint,
	'the buffer holds 8,192 heartbeats of half a kB');
SELECT is((SELECT enumvals FROM pg_settings WHERE name = 'liveness.scheduler'), '{worker,cron,off}', 'who may run the jobs');
SELECT is((SELECT max_val FROM pg_settings WHERE name = 'liveness.window_days'), '3650', 'a window has 3650 days at most');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name ~ '^liveness\.' AND short_desc !~ '^[A-Z].*\.$'$$, 'each says what it is');

-- Values
SELECT lives_ok('SET LOCAL liveness.window_days = 1', 'a window of 1 day');
SELECT lives_ok('SET LOCAL liveness.window_days = 3650', 'and of 3650');
SELECT throws_ok('SET LOCAL liveness.window_days = 0', '22023', NULL, 'not of 0');
SELECT throws_ok('SET LOCAL liveness.window_days = 3651', '22023', NULL, 'nor of 3651');
SELECT lives_ok($$SET LOCAL liveness.session_timeout = '2min'$$, 'a duration has a unit');
SELECT is(current_setting('liveness.session_timeout'), '2min', 'and is shown with it');
SELECT lives_ok('SET LOCAL liveness.session_timeout = 30', 'without, it is in seconds');
SELECT is(current_setting('liveness.session_timeout'), '30s', 'as it is shown');
SELECT throws_ok('SET LOCAL liveness.session_timeout = 0', '22023', NULL, 'a timeout of 0 is refused');
SELECT throws_ok($$SET LOCAL liveness.session_timeout = '28 days'$$, '22023', NULL, 'the units are those of PostgreSQL');
SELECT throws_ok('SET LOCAL liveness.heartbeat_retention = 0', '55P02', NULL, 'the retention is not a session''s to change');
SELECT throws_ok('SET LOCAL liveness.prune_batch_size = 5', '55P02', NULL, 'nor the batch size');
SELECT throws_ok('SET LOCAL liveness.rollup_lookback = 0', '55P02', NULL, 'nor the lookback');
SELECT throws_ok($$SET LOCAL liveness.scheduler = 'cron'$$, '55P02', NULL, 'nor who runs the jobs');
SELECT throws_ok('SET LOCAL liveness.batch_size = 1', '55P02', NULL, 'nor how many heartbeats go at once');
SELECT throws_ok($$SET LOCAL liveness.flush_interval = '1s'$$, '55P02', NULL, 'nor how soon');
SELECT throws_ok($$SET LOCAL liveness.database = 'x'$$, '55P02', NULL, 'nor which database has the worker');
-- 14 cannot do that
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN pass('the prefix is reserved')
	ELSE throws_ok('SET LOCAL liveness.no_such = 1', '42602', NULL, 'the prefix is reserved') END AS throws_ok;
RESET liveness.window_days;
RESET liveness.session_timeout;

-- Resolved in C
SELECT is(liveness_internal.liveness_effective_window_days(NULL), 14, 'NULL is the setting');
SELECT is(liveness_internal.liveness_effective_window_days(7), 7, 'a number is itself');
SELECT throws_ok('SELECT liveness_internal.liveness_effective_window_days(0)', '22023', 'window_days 0 is out of range', '0 is refused');
SET LOCAL liveness.window_days = 30;
SELECT is(liveness_internal.liveness_effective_window_days(NULL), 30, 'the setting in force');
SELECT is(liveness_internal.liveness_window_start('2026-01-31 00:00+00', NULL), '2026-01-01 00:00+00'::timestamptz, 'a window of 30 days begins here');
SELECT is(liveness_internal.liveness_window_start('2026-01-31 00:00+00', 1), '2026-01-30 00:00+00'::timestamptz, 'one of 1 day here');
SET LOCAL TimeZone = 'Europe/Berlin';
SELECT is(liveness_internal.liveness_window_start('2026-03-30 12:00+02', 2), '2026-03-28 11:00+01'::timestamptz, 'a day has 24 h, summer time or not');
SELECT is(liveness_internal.liveness_window_start('4713-01-02 00:00+00 BC', 3650), '4714-11-24 00:00:00+00 BC'::timestamptz, 'no window begins before the calendar');
SELECT throws_ok('SELECT liveness_internal.liveness_window_start(NULL, 1)', '22004', 'as_of must not be NULL', 'as_of NULL is refused');
SELECT throws_ok($$SELECT liveness_internal.liveness_window_start('infinity', 1)$$, '22008', 'as_of must be finite, not infinity', 'and infinity');
RESET liveness.window_days;
SELECT results_eq(
	$$SELECT n, liveness_internal.liveness_setting_interval(n) FROM unnest(ARRAY['session_timeout', 'resume_within', 'heartbeat_retention', 'hourly_retention', 'session_retention', 'prune_budget']) n$$,
	$$VALUES ('session_timeout', '90 s'::interval), ('resume_within', '10 min'), ('heartbeat_retention', '672 h'), ('hourly_retention', NULL), ('session_retention', NULL), ('prune_budget', '10 min')$$,
	'durations as intervals, NULL where off');
SELECT is(extract(day FROM liveness_internal.liveness_setting_interval('heartbeat_retention')), 0::numeric, 'of hours, for days differ');
SELECT is(liveness_internal.liveness_setting_interval(NULL), NULL, 'NULL for NULL');
SELECT throws_ok($$SELECT liveness_internal.liveness_setting_interval('window_days')$$, '42704', '"window_days" is not a duration among the settings of liveness', 'one that is no duration');
SELECT throws_ok($$SELECT liveness_internal.liveness_setting_interval('')$$, '42704', NULL, 'or none at all');
SELECT is(liveness_internal.liveness_effective_batch_size(NULL), 10000, 'the batch size, NULL being the setting');
SELECT is(liveness_internal.liveness_effective_batch_size(1), 1, 'or given');
SELECT throws_ok('SELECT liveness_internal.liveness_effective_batch_size(0)', '22023', 'batch_size 0 is out of range', 'at least 1');
SELECT is(liveness_internal.liveness_utc_hour('2026-01-01 10:59:59.999999+05:45'), '2026-01-01 05:00+00'::timestamptz, 'the UTC hour of an instant');
SELECT is(liveness_internal.liveness_utc_hour('1999-12-31 23:59:59.999999+00'), '1999-12-31 23:00+00'::timestamptz, 'before 2000 too');
SELECT is(liveness_internal.liveness_utc_hour('2026-01-01 10:00+00'), '2026-01-01 10:00+00'::timestamptz, 'on the hour it is itself');
SELECT is(liveness_internal.liveness_utc_hour('infinity'), 'infinity'::timestamptz, 'as is infinity');
SELECT is(liveness_internal.liveness_utc_hour('-infinity'), '-infinity'::timestamptz, 'and -infinity');

-- Reasons that say that the observer went away
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('a', '2026-01-01 00:00+00', '2026-01-01 01:00+00', 'coordinator_restart'), ('a', '2026-01-02 00:00+00', '2026-01-02 01:00+00', 'read_error'),
	('a', '2026-01-03 00:00+00', '2026-01-03 01:00+00', 'Odd, one'), ('a', '2026-01-04 00:00+00', '2026-01-04 01:00+00', '');
CREATE FUNCTION pg_temp.failures(reasons text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('liveness.censored_reasons', reasons, true);
	RETURN (SELECT failures_count FROM liveness_features_at('2026-01-05 00:00+00'));
END
$$;
SELECT is(pg_temp.failures('coordinator_restart'), 3, 'censored_reasons: by default the restart of a coordinator');
SELECT is(pg_temp.failures(''), 4, 'empty: none');
SELECT is(pg_temp.failures('coordinator_restart, read_error'), 2, 'two of them');
SELECT is(pg_temp.failures('"Odd, one"'), 3, 'one in quotes');
SELECT is(pg_temp.failures('READ_ERROR'), 4, 'they compare exactly');
SELECT is(pg_temp.failures('read_err'), 4, 'and whole');
SELECT is(pg_temp.failures('""'), 3, 'even no reason can be one');
SELECT throws_ok($$SET LOCAL liveness.censored_reasons = 'a,,b'$$, '22023', NULL, 'a list that is none is refused');
SELECT is((SELECT sessions_count FROM liveness_features_at('2026-01-05 00:00+00')), 4, 'sessions count whatever ended them');

-- Not for everybody: they decide what the features say
CREATE ROLE liveness_settings_nobody;
SET LOCAL ROLE liveness_settings_nobody;
SELECT throws_ok('SET LOCAL liveness.window_days = 1', '42501', NULL, 'another role may not change the window');
SELECT throws_ok($$SET LOCAL liveness.censored_reasons = ''$$, '42501', NULL, 'nor the reasons');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
