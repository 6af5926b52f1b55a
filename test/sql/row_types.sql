-- Types whose rows C makes: altered in any way, they are told of, and nothing crashes
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(34);

INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || p, '2026-01-02 00:00+00', '2026-01-03 00:00+00', 'read_error' FROM generate_series(1, 5) p;
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, '2026-01-02 00:00+00' FROM generate_series(1, 5) p;
SELECT is(liveness_rollup_features('2026-01-04 00:00+00'), 5::bigint, 'features');
SELECT is(liveness_rollup_hourly(), 5::bigint, 'hours');

-- Every alteration that PostgreSQL lets through, and who must then tell of it
CREATE FUNCTION pg_temp.told(alteration text, query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE alteration;
	EXECUTE query;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.told(format('ALTER TYPE %s %s CASCADE', type, a), query), '55000', format('%s: %s: %s', type, a, query))
FROM (VALUES
	('liveness_features_row', 'uptime_pct', 'bigint'),
	('survival_table_row', 'n_event', 'text'),
	('liveness_internal.liveness_hours_row', 'heartbeat_count', 'text')) t (type, attribute, other_type)
CROSS JOIN LATERAL unnest(ARRAY[
	'ADD ATTRIBUTE more int',
	'ADD ATTRIBUTE more text, ADD ATTRIBUTE evenmore jsonb',
	format('RENAME ATTRIBUTE %s TO called_otherwise', attribute),
	format('ALTER ATTRIBUTE %s TYPE %s', attribute, other_type)]) a
CROSS JOIN LATERAL unnest(CASE type
	WHEN 'liveness_features_row' THEN ARRAY[
		'SELECT liveness_features(connected_at, disconnected_at, disconnect_reason, now(), 14000 / 10) FROM provider_sessions GROUP BY provider_id',
		'SELECT * FROM liveness_features_at(''2026-01-04 00:00+00'')',
		'SELECT liveness_rollup_features(''2026-01-04 00:00+00'')']
	WHEN 'survival_table_row' THEN ARRAY['SELECT * FROM survival_table(''{1:1:0}'')']
	ELSE ARRAY[
		'SELECT liveness_internal.liveness_hours(at, memory_pressure, cpu_usage, thermal_state, memory_available_gb) FROM provider_heartbeats',
		'SELECT liveness_rollup_hourly(''2026-01-01'', ''2026-01-05'')']
	END) query
-- PostgreSQL refuses itself what liveness_features_at would not bear
WHERE NOT (type = 'liveness_features_row' AND a ~ 'TYPE');
SELECT ok(pg_temp.told('ALTER TYPE liveness_internal.liveness_hours_row DROP ATTRIBUTE avg_cpu_usage', 'SELECT liveness_rollup_hourly(''2026-01-01'', ''2026-01-05'')') IN ('55000', '2BP01'), 'one dropped');
SELECT ok(pg_temp.told('ALTER TYPE liveness_features_row DROP ATTRIBUTE p_survives_8h', 'SELECT liveness_rollup_features(''2026-01-04 00:00+00'')') IN ('55000', '2BP01'), 'or not to be dropped');
SELECT is(pg_temp.told(format('CREATE FUNCTION pg_temp.%s RETURNS TABLE (name text, value float8, help text, since timestamptz, more text) AS %L, %L LANGUAGE c', f, '$libdir/liveness', regexp_replace(f, '\(.*', '')),
	'SELECT * FROM pg_temp.' || call), '55000', 'functions of the wrong SQL: ' || f)
FROM (VALUES ('liveness_counters(missing_ok boolean)', 'liveness_counters(true)'),
	('survival_table(curve survival_curve, conf_level float8, conf_type text)', 'survival_table(''{1:1:0}'', .95, ''log'')')) v (f, call);
SELECT throws_like($$DO 'BEGIN ALTER TYPE liveness_internal.liveness_hours_row ADD ATTRIBUTE more int; PERFORM liveness_rollup_hourly(''2026-01-01'', ''2026-01-05''); END'$$,
	'the row of %liveness_internal.liveness_hours_row is not the one that the library of liveness % makes', 'in words');

-- Columns of one's own on the tables that C reads and writes harm nothing
ALTER TABLE provider_sessions ADD COLUMN mine text DEFAULT 'x';
ALTER TABLE provider_heartbeats ADD COLUMN mine int[] DEFAULT '{1}';
ALTER TABLE provider_heartbeats_hourly ADD COLUMN mine jsonb DEFAULT '{}';
ALTER TABLE provider_reliability_features ADD COLUMN mine text DEFAULT 'x';
SELECT is(liveness_rollup_features('2026-01-04 00:00+00'), 5::bigint, 'features, with columns of one''s own');
SELECT is(liveness_rollup_hourly('2026-01-01', '2026-01-05'), 5::bigint, 'hours');
SELECT is((SELECT count(*) FROM provider_liveness), 5::bigint, 'views');
SELECT is((SELECT count(*) FROM liveness_reliability()), 5::bigint, 'the ranking');

-- A row of a named type may grow under a user's view; one of RETURNS TABLE may not
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
	WHERE p.pronamespace <> 'liveness_internal'::regnamespace AND p.proargmodes && '{o,t}'$$, 'no function for people returns columns without a type of their own');
CREATE VIEW pg_temp.likeliest AS SELECT * FROM liveness_candidates('1 hour', 0);
ALTER TYPE liveness_candidate ADD ATTRIBUTE more int;
CREATE OR REPLACE FUNCTION liveness_candidates(job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50) RETURNS SETOF liveness_candidate LANGUAGE sql
	AS $$SELECT 'p', 1::bigint, now(), 0::float8, 1::float8, 1::float8, 1::float8, 5, 0::real, now(), '', 7$$;
SELECT is((SELECT count(*) FROM pg_temp.likeliest WHERE own_sessions = 5), 1::bigint, 'a view on candidates outlives a further column');

SELECT * FROM finish();
ROLLBACK;
