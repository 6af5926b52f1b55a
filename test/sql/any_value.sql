-- Every value that the types can hold, in every column of the tables that a coordinator writes, and in those that
-- anybody with the right may write: no view and no function fails for it.  Views, columns, and functions that write
-- nothing are those of the catalog, so that new ones are asked too.
BEGIN;
SET LOCAL client_min_messages = error;
SET LOCAL TimeZone = 'UTC';
SELECT * FROM no_plan();

CREATE TEMP TABLE value_of (type regtype, n bigint, value text);
INSERT INTO value_of
SELECT t::regtype, row_number() OVER (PARTITION BY t), v FROM (VALUES
	('timestamptz', ARRAY['-infinity', 'infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', '2098-01-01 00:00+00', '1969-12-31 23:59:59.999999+00', '2000-01-01 00:00+00']),
	('real', ARRAY['NaN', 'Infinity', '-Infinity', '0', '-0', '-1', '3.4028235e38', '-3.4028235e38', '1e-45']),
	('integer', ARRAY['-2147483648', '-1', '0', '2147483647']),
	('bigint', ARRAY['-9223372036854775808', '-1', '0', '9223372036854775807']),
	('text', ARRAY['', repeat('x', 3000), E' \t\n''"\\%s\x7f', 'critical', 'stale_heartbeat']),
	('jsonb', ARRAY['null', '{}', '[]', '0', '"x"', '{"a": {}}', '{"a": 1e400, "b": -1, "": "x"}', '[1, 2]',
		(SELECT json_agg(x)::text FROM (SELECT (ARRAY['1e400', '-1', '"x"', 'null', '{}'])[1 + n % 5]::jsonb AS x FROM generate_series(0, 167) n) s)])) AS a (t, vs), unnest(vs) AS v;

-- Ordinary rows of each table
CREATE TEMP TABLE base (relation regclass, columns text);
INSERT INTO base VALUES
	('provider_heartbeats', $$provider_id, at, cpu_usage) SELECT 'p' || n, now() - interval '1 minute', 0.5$$),
	('provider_heartbeats_hourly', $$provider_id, hour) SELECT 'p' || n, date_trunc('hour', now())$$),
	('provider_sessions', $$provider_id, connected_at) SELECT 'p' || n, now() - interval '3 hours'$$),
	('provider_reliability_features', $$provider_id, sessions_count, uptime_pct) SELECT 'p' || n, 1, 0.5$$),
	('provider_exclusions', $$provider_id, since) SELECT 'p' || n, now() - interval '2 hours'$$),
	('provider_groups', $$provider_id, group_name) SELECT 'p' || n, 'g' || n % 3$$);
CREATE TEMP VIEW columns AS
	SELECT b.relation, a.attname AS name, a.atttypid::regtype AS type, a.attnotnull AS is_required
	FROM base b JOIN pg_attribute a ON a.attrelid = b.relation AND a.attnum > 0 AND NOT a.attisdropped;
SELECT is_empty($$SELECT * FROM columns c WHERE NOT EXISTS (SELECT FROM value_of v WHERE v.type = c.type)$$, 'there are values for every column');

-- A call of each function, with its defaults, and for the other arguments one of the type
CREATE TEMP TABLE argument_of (type regtype, value text);
INSERT INTO argument_of VALUES ('text', '''p'''), ('timestamptz', 'now()'), ('interval', 'interval ''1 hour'''), ('integer', '20'), ('bigint', '1::bigint'), ('float8', '0.5::float8'),
	('boolean', 'true'), ('text[]', 'ARRAY[''p'']'), ('float8[]', 'ARRAY[0.5::float8]'), ('real[]', 'array_fill(0.5::real, ARRAY[96])'), ('regclass', 'NULL::regclass'), ('xid', '''3''::xid'), ('jsonb', '''{}''::jsonb'),
	('survival_curve', '(SELECT public.survival_agg(60, true))'),
	('tstzmultirange', '(SELECT x.excluded FROM liveness_internal.liveness_excluded x LIMIT 1)'),
	('bytea', '(SELECT liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 14) FROM public.provider_sessions s)');
-- What is asked otherwise, or elsewhere, and why
CREATE TEMP TABLE asked_otherwise (name text, call text);
INSERT INTO asked_otherwise VALUES
	('liveness_backtest', $$SELECT * FROM public.liveness_backtest('1 hour', now() - interval '5 hours', now(), '1 hour')$$),
	('liveness_backtest_joint', $$SELECT * FROM public.liveness_backtest_joint('1 hour', now() - interval '5 hours', now(), '1 hour', 1)$$),
	('liveness_backtest_cases', $$SELECT * FROM liveness_internal.liveness_backtest_cases('1 hour', now() - interval '5 hours', now(), '1 hour')$$),
	('liveness_calibration', $$SELECT * FROM public.liveness_calibration('1 hour', now() - interval '5 hours', now(), '1 hour')$$),
	('liveness_candidates', $$SELECT * FROM public.liveness_candidates('1 hour', 0, NULL)$$),
	('liveness_candidates_at', $$SELECT * FROM public.liveness_candidates_at(now(), '1 hour', 0, NULL) UNION ALL SELECT * FROM public.liveness_candidates_at(now() - interval '1 day', '1 hour', 0, NULL)$$),
	('liveness_fleet_survival', $$SELECT * FROM public.survival_table(public.liveness_fleet_survival())$$),
	('liveness_explain', $$SELECT e.* FROM public.provider_reliability_features f, public.liveness_explain(f.provider_id) e$$),
	('liveness_score_terms', NULL), ('liveness_history_connected', NULL),
	('liveness_uptime', $$SELECT * FROM public.liveness_uptime(now() - interval '30 days', now())$$),
	('liveness_fleet_connected', $$SELECT * FROM public.liveness_fleet_connected(now() - interval '30 days', now())$$),
	('liveness_heatmap', $$SELECT h FROM public.provider_reliability_features f, public.liveness_heatmap(f.provider_id) h$$),
	('liveness_rollup_hourly', $$SELECT public.liveness_rollup_hourly('-infinity', 'infinity')$$),
	('liveness_close_session', $$SELECT public.liveness_close_session(s.id, s.disconnect_reason, NULL, s.last_heartbeat_at, s.requests_served, s.tokens_generated) FROM public.provider_sessions s$$),
	('liveness_open_session', $$SELECT public.liveness_open_session(s.provider_id, s.coordinator_id), public.liveness_open_session(s.provider_id, s.coordinator_id, s.connected_at) FROM public.provider_sessions s$$),
	('liveness_open_sessions', $$SELECT o FROM (SELECT array_agg(s.provider_id) AS ps, s.coordinator_id, s.connected_at FROM public.provider_sessions s GROUP BY 2, 3) s, public.liveness_open_sessions(s.ps, s.coordinator_id, s.connected_at) o$$),
	('liveness_close_orphans', $$SELECT public.liveness_close_orphans(c.coordinator_id) FROM (SELECT DISTINCT s.coordinator_id FROM public.provider_sessions s) c$$),
	('liveness_history_count', $$SELECT liveness_internal.liveness_history_count(h.h, now()), liveness_internal.liveness_history_spell_at(h.h, now(), now()), liveness_internal.liveness_history_curve(h.h, now()), liveness_internal.liveness_history_uptime(h.h, now(), 14), liveness_internal.liveness_history_uptime_since(h.h, now(), '-infinity')
		FROM (SELECT liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 14) AS h FROM public.provider_sessions s GROUP BY s.provider_id) h$$),
	('liveness_running_since', $$SELECT liveness_internal.liveness_running_since(liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()), now() - interval '1 hour', now() - interval '2 hours', now() - interval '1 hour', false, 1)
		FROM public.provider_sessions s GROUP BY s.provider_id$$),
	('liveness_features', $$SELECT public.liveness_features(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 14) FROM public.provider_sessions s GROUP BY s.provider_id$$),
	('liveness_hours', $$SELECT liveness_internal.liveness_hours(h.at, h.memory_pressure, h.cpu_usage, h.thermal_state, h.memory_available_gb)
		FROM public.provider_heartbeats h GROUP BY h.provider_id$$),
	('liveness_percentiles', $$SELECT public.liveness_percentiles(h.cpu_usage, ARRAY[0, 0.1, 0.5, 0.9, 1]::float8[]) FROM public.provider_heartbeats h$$),
	('liveness_mean_matrix', $$SELECT public.liveness_mean_matrix(f.hourly_availability) FROM public.provider_reliability_features f$$),
	('liveness_none_holds', $$SELECT liveness_internal.liveness_none_holds(ARRAY[0.5, 0.9]::float8[], ARRAY['g', NULL], 0.2, 0.6)$$),
	('liveness_choose', $$SELECT liveness_internal.liveness_choose(ARRAY['p', 'q'], ARRAY['g', NULL], ARRAY[0.9, 0.5]::float8[], 1, 0.5, 12, 0.2, 0.6, true)$$),
	('liveness_checkpoint', $$SELECT public.liveness_checkpoint(s.provider_id, '6 hours', '1 minute'), liveness_internal.liveness_checkpoint(ARRAY[0, 0, 36000, 1]::float8[], 86400000000, 300000000, 600000000)
		FROM public.provider_sessions s$$),
	('liveness_probability', $$SELECT public.liveness_probability(s.provider_id, '6 hours') FROM public.provider_sessions s$$),
	('liveness_remaining', $$SELECT public.liveness_remaining(s.provider_id) FROM public.provider_sessions s$$),
	('liveness_replicas', $$SELECT * FROM public.liveness_replicas('1 hour')$$), ('liveness_choose_connected', NULL),
	-- those that write
	('liveness_rollup_features', 'SELECT public.liveness_rollup_features()'), ('liveness_prune_batch', 'SELECT public.liveness_prune_batch()'),
	('liveness_close_stale', 'SELECT public.liveness_close_stale()'),
	-- parts of others, which ask with the arguments that they take
	('liveness_percentiles_transfn', NULL), ('liveness_percentiles_combine', NULL), ('liveness_percentiles_final', NULL),
	('survival_agg_transfn', NULL), ('survival_agg_entry_transfn', NULL), ('survival_agg_combine', NULL), ('survival_agg_final', NULL), ('survival_merge_transfn', NULL),
	('liveness_fleet_ages_transfn', NULL), ('liveness_fleet_hours_transfn', NULL), ('liveness_fleet_combine', NULL), ('liveness_fleet_prior_transfn', NULL), ('liveness_fleet_prior_combine', NULL), ('liveness_fleet_prior_final', NULL), ('liveness_fleet_ages_final', NULL), ('liveness_fleet_hours_final', NULL),
	('liveness_holds', NULL), ('liveness_holds_bounds', NULL), ('liveness_host_hazard', NULL), ('liveness_outlook', NULL), ('liveness_longest_job', NULL), ('liveness_connected', NULL), ('liveness_history_curve', NULL), ('liveness_history_uptime', NULL), ('liveness_history_uptime_since', NULL),
	('liveness_setting_interval', NULL),
	-- where the library is preloaded, or pg_cron
	('liveness_stats', NULL), ('liveness_cron_schema', NULL);
CREATE TEMP TABLE call AS
	WITH member AS (
		SELECT d.classid, d.objid
		FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'liveness'
	)
	SELECT c.relname::text AS name, format('SELECT count(v::text) FROM %s v', c.oid::regclass) AS call
	FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	WHERE c.relkind = 'v' AND c.relname NOT IN (SELECT o.name FROM asked_otherwise o)
	UNION ALL
	SELECT p.proname, format('SELECT count(f::text) FROM %s(%s) f', p.oid::regproc,
		(SELECT string_agg(coalesce(a.value, 'no argument of type ' || t.type::regtype::text), ', ' ORDER BY t.n)
			FROM unnest(p.proargtypes) WITH ORDINALITY t (type, n) LEFT JOIN argument_of a ON a.type = t.type
			WHERE t.n <= p.pronargs - p.pronargdefaults))
	FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	WHERE p.prokind = 'f' AND p.provolatile <> 'v' AND p.prorettype <> ALL (ARRAY['internal', 'cstring', 'trigger', 'event_trigger']::regtype[]) AND p.proname NOT IN (SELECT o.name FROM asked_otherwise o)
	AND NOT ARRAY['internal', 'cstring', 'regrole']::regtype[]::oid[] && p.proargtypes::oid[]
	AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
	UNION ALL
	SELECT o.name, format('SELECT count(f::text) FROM (%s) f', o.call) FROM asked_otherwise o WHERE o.call IS NOT NULL;
SELECT is_empty($$SELECT * FROM call WHERE call ~ 'no argument of type'$$, 'every function can be called');
SELECT cmp_ok((SELECT count(*)::int FROM call), '>', 40, 'there is a lot to ask');

-- What fails; whatever a call does is undone
CREATE FUNCTION pg_temp.failures() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record;
	n bigint;
BEGIN
	FOR c IN SELECT * FROM call ORDER BY name LOOP
		BEGIN
			EXECUTE c.call INTO n;
			RAISE EXCEPTION USING ERRCODE = 'LV000';
		EXCEPTION WHEN SQLSTATE 'LV000' THEN NULL;
		WHEN OTHERS THEN
			RETURN NEXT c.name || ': ' || SQLSTATE || ' ' || SQLERRM;
		END;
	END LOOP;
END
$$;
-- One column after the other: each row holds another value of its type, and the last NULL where it may be
CREATE FUNCTION pg_temp.failures_of(relation regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT o.* FROM columns o WHERE o.relation = $1 LOOP
		BEGIN
			EXECUTE format('UPDATE %1$s t SET %2$I = v.value::%3$s FROM (SELECT n, value FROM value_of WHERE type = %3$L::regtype UNION ALL SELECT 10, NULL WHERE NOT %4$L::boolean) v WHERE t.provider_id = ''p'' || v.n',
				relation, c.name, c.type, c.is_required);
			PERFORM liveness_rollup_hourly('-infinity', 'infinity');
			IF relation = 'provider_sessions'::regclass THEN
				PERFORM liveness_rollup_features();
			END IF;
			RETURN QUERY SELECT format('%s: %s', c.name, f) FROM pg_temp.failures() f;
			RAISE EXCEPTION USING ERRCODE = 'LV000';
		EXCEPTION WHEN SQLSTATE 'LV000' THEN NULL;
		END;
	END LOOP;
END
$$;

SELECT is_empty('SELECT * FROM pg_temp.failures() f WHERE f !~ ''55000 there are no features yet''', 'nothing fails where there are no rows, but what needs a rollup');
SELECT format('INSERT INTO %s (%s FROM generate_series(1, 10) n', relation, columns) FROM base \gexec
SELECT liveness_rollup_features();
SELECT is_empty('SELECT * FROM pg_temp.failures()', 'nothing fails with ordinary rows');
SELECT is_empty(format('SELECT * FROM pg_temp.failures_of(%L)', relation), 'nor whatever a column of ' || relation || ' holds') FROM base ORDER BY relation::text;

-- Together: all values of a column in rows of their own, and all times of a session with one another
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, last_heartbeat_at, coordinator_id)
	SELECT 's' || row_number() OVER () % 50, c.value::timestamptz, d.value::timestamptz, h.value::timestamptz, 'c' || row_number() OVER () % 3
	FROM value_of c, (SELECT type, value FROM value_of UNION ALL SELECT 'timestamptz', NULL) d, (SELECT type, value FROM value_of UNION ALL SELECT 'timestamptz', NULL) h
	WHERE c.type = 'timestamptz'::regtype AND d.type = c.type AND h.type = c.type;
INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb)
	SELECT p, t.value::timestamptz, r.value::real, r.value::real, x.value, r.value::real
	FROM unnest(ARRAY['p', 's1', 's2', '']) p, value_of t, value_of r, value_of x WHERE t.type = 'timestamptz'::regtype AND r.type = 'real'::regtype AND x.type = 'text'::regtype;
INSERT INTO provider_reliability_features (provider_id, sessions_count, updated_at, uptime_pct, liveness_score, hourly_availability, disconnect_reasons, last_disconnect_at)
	SELECT 'f' || row_number() OVER (), 1, t.value::timestamptz, r.value::real, r.value::real, j.value::jsonb, j.value::jsonb, t.value::timestamptz
	FROM value_of t, value_of r, value_of j WHERE t.type = 'timestamptz'::regtype AND r.type = 'real'::regtype AND j.type = 'jsonb'::regtype;
SELECT is_empty('SELECT * FROM pg_temp.failures()', 'nor all of them together');
SELECT liveness_rollup_features();
SELECT is_empty('SELECT * FROM pg_temp.failures()', 'nor after a rollup over all that');
SELECT is_empty($$
	SELECT * FROM liveness_candidates('1 hour', 0, NULL) c FULL JOIN liveness_candidates_at(now(), '1 hour', 0, NULL) a USING (provider_id)
	WHERE c.session_id IS DISTINCT FROM a.session_id OR abs(c.probability - a.probability) > 1e-6$$, 'candidates are the same by either way');

-- NULL for one argument after the other: an answer, or an error of the right class
CREATE FUNCTION pg_temp.nulls() RETURNS TABLE (function name, argument text, answer text) LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT p.proname, p.proargnames[n.n] AS argument, format('SELECT count(f::text) FROM %s(%s) f', p.oid::regproc,
			(SELECT string_agg(CASE WHEN t.n = n.n THEN 'NULL::' || t.type::regtype ELSE coalesce(a.value, 'no argument of type ' || t.type::regtype) END, ', ' ORDER BY t.n)
				FROM unnest(p.proargtypes) WITH ORDINALITY t (type, n) LEFT JOIN argument_of a ON a.type = t.type)) AS call
		FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
		CROSS JOIN generate_series(1, p.pronargs) n (n)
		WHERE e.extname = 'liveness' AND p.prokind = 'f' AND NOT p.proisstrict AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger']::regtype[])
		AND p.proname NOT IN (SELECT o.name FROM asked_otherwise o WHERE o.call IS NULL)
		AND (p.provolatile <> 'v' OR p.proname IN ('liveness_partition_heartbeats', 'liveness_adopt') OR p.proname IN (SELECT o.name FROM asked_otherwise o))
		AND NOT ARRAY['internal', 'cstring', 'regrole']::regtype[]::oid[] && p.proargtypes::oid[]
	LOOP
		function := c.proname;
		argument := c.argument;
		BEGIN
			EXECUTE c.call;
			answer := '';
			RAISE EXCEPTION USING ERRCODE = 'LV000';
		EXCEPTION WHEN SQLSTATE 'LV000' THEN NULL;
		WHEN OTHERS THEN
			answer := SQLSTATE;
		END;
		RETURN NEXT;
	END LOOP;
END
$$;
DELETE FROM provider_sessions;
DELETE FROM provider_heartbeats;
CREATE TEMP TABLE answer AS SELECT * FROM pg_temp.nulls();
SELECT is_empty($$SELECT * FROM answer WHERE answer NOT IN ('', '22004', '22023', '23502')$$, 'NULL is an argument, or an error of an argument');
SELECT is((SELECT string_agg(format('%s %s %s', function, argument, answer), ', ' ORDER BY function, argument COLLATE "C") FROM answer
	WHERE answer <> '' AND function !~ '_(limit|usecs|instant|start|cases|span|step)$'),
	'liveness_at_risk probability 22004, liveness_at_risk within 22004, '
	'liveness_backtest horizon 22004, liveness_backtest since 22004, liveness_backtest step 22004, liveness_backtest until 22004, '
	'liveness_backtest_joint horizon 22004, liveness_backtest_joint since 22004, liveness_backtest_joint step 22004, liveness_backtest_joint until 22004, '
	'liveness_calibration horizon 22004, liveness_calibration since 22004, liveness_calibration step 22004, liveness_calibration until 22004, '
	'liveness_candidates job 22004, liveness_candidates_at as_of 22004, liveness_candidates_at job 22004, '
	'liveness_checkpoint checkpoint_cost 22004, liveness_checkpoint restart_cost 22004, liveness_checkpoint work 22004, '
	'liveness_choose group_names 22004, liveness_choose jobs 22004, liveness_choose max_replicas 22004, liveness_choose phi 22004, liveness_choose probabilities 22004, liveness_choose provider_ids 22004, liveness_choose psi 22004, liveness_choose target 22004, liveness_choose whole_jobs 22004, '
	'liveness_close_orphans reason 23502, liveness_close_session reason 23502, liveness_estimate_shocks as_of 22004, liveness_features_at as_of 22004, '
	'liveness_fleet_connected since 22004, liveness_fleet_connected step 22004, liveness_fleet_connected until 22004, liveness_fleet_survival as_of 22004, '
	'liveness_open_session connected_at 23502, liveness_open_session coordinator_id 23502, liveness_open_session provider_id 23502, '
	'liveness_open_sessions connected_at 23502, liveness_open_sessions coordinator_id 23502, liveness_open_sessions provider_ids 23502, '
	'liveness_partition_heartbeats until 22004, liveness_partition_heartbeats width 22004, '
	'liveness_place job 22004, liveness_place jobs 22004, liveness_place target 22004, liveness_probability job 22004, '
	'liveness_reliability max_rows 22023, liveness_remaining probability 22004, '
	'liveness_replicas exclude 22023, liveness_replicas job 22004, liveness_replicas max_replicas 22004, liveness_replicas target 22004, '
	'liveness_rollup_features as_of 22004, '
	'liveness_span_uptime as_of 22004, liveness_span_uptime since 22004, liveness_span_uptime until 22004, liveness_uptime since 22004, liveness_uptime until 22004',
	'by function');

SELECT * FROM finish();
ROLLBACK;
