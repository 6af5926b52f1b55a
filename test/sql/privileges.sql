-- Without the numbers of rows: they would change with every object
\pset footer off
-- Who may do what: the three roles have what their work takes and nothing more; PUBLIC has the pure functions
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT * FROM no_plan();

CREATE ROLE "liveness_t Reader";
CREATE ROLE liveness_t_writer;
CREATE ROLE liveness_t_operator;
CREATE ROLE liveness_t_nobody;
-- the schema may be closed: the grants open it
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT is(liveness_grant_reader('"liveness_t Reader"')::text, '', 'a reader, with a name to quote');
SELECT is(liveness_grant_writer('liveness_t_writer')::text, '', 'a writer');
SELECT is(liveness_grant_operator('liveness_t_operator')::text, '', 'an operator');
SELECT lives_ok($$SELECT liveness_grant_reader('"liveness_t Reader"'), liveness_grant_writer('liveness_t_writer'), liveness_grant_operator('liveness_t_operator')$$,
	'granting again changes nothing');
SELECT is(liveness_grant_reader(NULL)::text, NULL, 'NULL does nothing');
SELECT throws_ok($$SELECT liveness_grant_reader('liveness_t_unknown')$$, '42704', NULL, 'an unknown role is an error');

-- What each may do: the statement under the role, the SQLSTATE or 'ok'.  pgTAP is not theirs to use.
CREATE FUNCTION pg_temp.as_role(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
	EXECUTE statement;
	RAISE EXCEPTION 'ok' USING ERRCODE = 'LV000';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'LV000' THEN 'ok' WHEN '42501' THEN 'denied' ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES
	('p', 'c', now() - interval '2 days', now() - interval '1 day'), ('q', 'c', now() - interval '2 days', NULL);
INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', now() - interval '40 days'), ('p', now());
SELECT liveness_rollup_features();

CREATE TEMP TABLE work (n serial, statement text, reader text, writer text, operator text);
INSERT INTO work (statement, reader, writer, operator) VALUES
	-- reading
	('SELECT * FROM provider_heartbeats', 'ok', 'ok', 'ok'),
	('SELECT * FROM provider_heartbeats_hourly', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_sessions', 'ok', 'ok', 'ok'),
	('SELECT * FROM provider_reliability_features', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_groups', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_exclusions', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_liveness', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_session_history', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_heartbeat_history', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_availability_matrix', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_disconnect_reasons', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_stale_sessions', 'ok', 'denied', 'ok'),
	('SELECT * FROM provider_outages', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_internal.liveness_last_signs', 'ok', 'ok', 'ok'),
	('SELECT * FROM network_availability', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_jobs', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_model', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_metrics', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_features_at()', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_reliability()', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_heatmap(''p'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_explain(''p'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_uptime(now() - interval ''1 day'', now())', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_fleet_connected(now() - interval ''1 day'', now())', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_candidates(''1 h'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_candidates_at(now(), ''1 h'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_backtest(''1 h'', now() - interval ''1 day'', now(), ''6 h'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_calibration(''1 h'', now() - interval ''1 day'', now(), ''6 h'')', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_internal.liveness_provider_hazard', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_internal.liveness_shock_estimate', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_internal.liveness_shock_shares()', 'ok', 'denied', 'ok'),
	('SELECT * FROM liveness_internal.liveness_job_state', 'ok', 'denied', 'ok'),
	-- what counts and buffers gets as far as to see that this server has not loaded the library
	('SELECT * FROM liveness_stats', '55000 the counters of liveness are not available', 'denied', '55000 the counters of liveness are not available'),
	-- what a coordinator does
	('INSERT INTO provider_heartbeats (provider_id) VALUES (''p'')', 'denied', 'ok', 'denied'),
	('INSERT INTO provider_heartbeats (provider_id) VALUES (''p'') RETURNING id', 'denied', 'ok', 'denied'),
	('INSERT INTO provider_sessions (provider_id) VALUES (''p'') RETURNING id', 'denied', 'ok', 'ok'),
	('UPDATE provider_sessions SET requests_served = 1 WHERE provider_id = ''p''', 'denied', 'ok', 'ok'),
	('SELECT liveness_open_session(''p'', ''c'')', 'denied', 'ok', 'denied'),
	('SELECT * FROM liveness_open_sessions(''{p,q}'', ''c'')', 'denied', 'ok', 'denied'),
	('SELECT liveness_close_session(1, ''x'')', 'denied', 'ok', 'denied'),
	('SELECT liveness_close_orphans(''c'')', 'denied', 'ok', 'denied'),
	('SELECT liveness_close_stale()', 'denied', 'ok', 'ok'),
	('SELECT liveness_emit(''p'')', 'denied', '55000 liveness_emit() needs the heartbeat buffer, which is not there', 'denied'),
	('SELECT liveness_emit_batch(''[]'')', 'denied', '55000 liveness_emit_batch() needs the heartbeat buffer, which is not there', 'denied'),
	('SELECT liveness_flush()', 'denied', '55000 liveness_flush() needs the heartbeat buffer, which is not there', '55000 liveness_flush() needs the heartbeat buffer, which is not there'),
	-- what a scheduler does
	('SELECT liveness_rollup_features()', 'denied', 'denied', 'ok'),
	('SELECT liveness_rollup_hourly()', 'denied', 'denied', 'ok'),
	('SELECT liveness_sessionize(''-infinity'', ''infinity'')', 'denied', 'denied', 'ok'),
	('SELECT liveness_internal.liveness_run_sessions(true)', 'denied', 'denied', 'ok'),
	('SELECT liveness_rollup_hourly(now() - interval ''1 day'', NULL)', 'denied', 'denied', 'ok'),
	('SELECT liveness_prune_batch()', 'denied', 'denied', 'ok'),
	('SELECT liveness_internal.liveness_prune_derived(1)', 'denied', 'denied', 'ok'),
	('SELECT liveness_internal.liveness_prune_step(NULL, 1, now(), NULL, 0)', 'denied', 'denied', 'ok'),
	('SELECT liveness_exclude(''p'', now())', 'denied', 'denied', 'ok'),
	('SELECT liveness_exclude(NULL, now())', 'denied', 'denied', 'ok'),
	('SELECT liveness_end_exclusion(1)', 'denied', 'denied', 'ok'),
	('INSERT INTO provider_exclusions (provider_id, since) VALUES (''p'', now())', 'denied', 'denied', 'ok'),
	('DELETE FROM provider_exclusions', 'denied', 'denied', 'ok'),
	('SELECT liveness_schedule()', 'denied', 'denied', '55000 pg_cron is not loaded'),
	('SELECT liveness_unschedule()', 'denied', 'denied', '55000 pg_cron is not loaded'),
	('SELECT liveness_internal.liveness_count(''hourly_late_total'', 1)', 'denied', 'denied', 'ok'),
	('SELECT liveness_close_session(-1, ''x'')', 'denied', 'ok', 'denied'),
	('SELECT liveness_internal.liveness_count_failed_close()', 'denied', 'ok', 'denied'),
	-- the procedures get as far as to see that they are in a transaction block
	('CALL liveness_prune()', 'denied', 'denied', '2D000 liveness_prune commits after each batch and cannot run inside a transaction block'),
	('CALL liveness_run(''hourly'')', 'denied', 'denied', '2D000 liveness_run commits and cannot run inside a transaction block'),
	('SELECT liveness_internal.liveness_record_error(''hourly'', ''x'')', 'denied', 'denied', 'ok'),
	-- what none of them does
	('UPDATE provider_heartbeats SET status = ''x''', 'denied', 'denied', 'denied'),
	('DELETE FROM liveness_internal.liveness_job_state', 'denied', 'denied', 'ok'),
	('SELECT liveness_internal.liveness_lock_job(''hourly'', false)', 'denied', 'denied', 'ok'),
	('SELECT liveness_stats_reset()', 'denied', 'denied', 'denied'),
	('TRUNCATE provider_heartbeats', 'denied', 'denied', 'denied'),
	('TRUNCATE provider_sessions', 'denied', 'denied', 'denied'),
	('UPDATE provider_sessions SET provider_id = ''x''', 'denied', 'ok', 'ok'),
	('DELETE FROM provider_sessions', 'denied', 'denied', 'ok'),
	('INSERT INTO provider_groups VALUES (''p'', ''rack'')', 'denied', 'denied', 'ok'),
	('DELETE FROM provider_groups', 'denied', 'denied', 'ok'),
	('DELETE FROM provider_heartbeats', 'denied', 'denied', 'ok'),
	('SELECT setval(''provider_sessions_id_seq'', 1)', 'denied', 'denied', 'denied'),
	('SELECT setval(''provider_heartbeats_id_seq'', 1)', 'denied', 'denied', 'denied'),
	('ALTER TABLE provider_sessions ADD COLUMN x int', 'denied', 'denied', 'denied'),
	('CREATE TABLE liveness_t (x int)', 'denied', 'denied', 'denied'),
	('SELECT liveness_grant_reader(''liveness_t_nobody'')', 'denied', 'denied', 'denied'),
	('SELECT liveness_grant_writer(''liveness_t_nobody'')', 'denied', 'denied', 'denied'),
	('SELECT liveness_grant_operator(''liveness_t_nobody'')', 'denied', 'denied', 'denied'),
	('SELECT liveness_adopt(NULL, NULL)', 'denied', 'denied', 'denied');
SELECT is(
	ARRAY[pg_temp.as_role('liveness_t Reader', statement), pg_temp.as_role('liveness_t_writer', statement), pg_temp.as_role('liveness_t_operator', statement)],
	ARRAY[reader, writer, operator], statement)
FROM work ORDER BY n;

-- Somebody else, even with the schema open, has the pure functions and nothing besides.
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT is_empty($$SELECT statement, pg_temp.as_role('liveness_t_nobody', statement) FROM work WHERE pg_temp.as_role('liveness_t_nobody', statement) <> 'denied'$$,
	'nobody may do any of these');
-- All that the grants give, beside what is PUBLIC's: what is not in this list nobody has but the owner
CREATE TEMP VIEW members AS
	SELECT d.classid, d.objid, i.type, i.identity, p.prokind, p.proargtypes, c.relkind
	FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
	LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	WHERE e.extname = 'liveness';
SELECT m.type COLLATE "C" AS type, m.identity COLLATE "C" AS identity,
	string_agg(lower(x.privilege_type), ' ' ORDER BY x.privilege_type) FILTER (WHERE r.rolname = 'liveness_t Reader') AS reader,
	string_agg(lower(x.privilege_type), ' ' ORDER BY x.privilege_type) FILTER (WHERE r.rolname = 'liveness_t_writer') AS writer,
	string_agg(lower(x.privilege_type), ' ' ORDER BY x.privilege_type) FILTER (WHERE r.rolname = 'liveness_t_operator') AS operator
FROM members m
CROSS JOIN LATERAL aclexplode(coalesce((SELECT p.proacl FROM pg_proc p WHERE m.classid = 'pg_proc'::regclass AND p.oid = m.objid), (SELECT c.relacl FROM pg_class c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid))) x
JOIN pg_roles r ON r.oid = x.grantee AND r.rolname ~ '^liveness_t'
GROUP BY 1, 2 ORDER BY 1, 2;

-- Each role tries everything: it is denied what it does not have, and what it has is all that it takes.  NULLs are
-- fetched, for the planner would not even look at a call of a strict function with a constant.
CREATE TEMP TABLE attempts AS
	SELECT r.role, s.statement, s.may
	FROM (VALUES ('liveness_t Reader'), ('liveness_t_writer'), ('liveness_t_operator'), ('liveness_t_nobody')) r (role)
	CROSS JOIN LATERAL (
		SELECT CASE m.prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT ' END || m.objid::regproc || '(' ||
				coalesce((SELECT string_agg(format(CASE m.prokind WHEN 'p' THEN 'NULL::%s' ELSE '(SELECT NULL::%s)' END, format_type(t, NULL)), ', ') FROM unnest(m.proargtypes) t), '') || ')',
			has_function_privilege(r.role, m.objid, 'EXECUTE') AND (SELECT has_schema_privilege(r.role, p.pronamespace, 'USAGE') FROM pg_proc p WHERE p.oid = m.objid)
		FROM members m WHERE m.prokind IS NOT NULL AND NOT 'internal'::regtype = ANY (m.proargtypes)
		UNION ALL
		SELECT format(t.statement, m.objid::regclass, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = m.objid AND a.attnum = 1)), has_table_privilege(r.role, m.objid, t.privilege)
		FROM members m JOIN (VALUES ('SELECT', 'TABLE %s', 0), ('INSERT', 'INSERT INTO %s DEFAULT VALUES', 8), ('UPDATE', 'UPDATE %s SET %s = DEFAULT', 4), ('DELETE', 'DELETE FROM %s', 16)) t (privilege, statement, updatable)
			ON pg_relation_is_updatable(m.objid, false) & t.updatable = t.updatable
		WHERE m.relkind IN ('r', 'v')
		UNION ALL
		SELECT format(t.statement, m.objid::regclass), has_table_privilege(r.role, m.objid, t.privilege)
		FROM members m, (VALUES ('TRUNCATE', 'TRUNCATE %s'), ('TRIGGER', 'CREATE TRIGGER t BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()')) t (privilege, statement)
		WHERE m.relkind = 'r'
		UNION ALL
		SELECT format(t.statement, m.objid::regclass), has_sequence_privilege(r.role, m.objid, t.privilege)
		FROM members m, (VALUES ('SELECT', 'TABLE %s'), ('USAGE', 'SELECT nextval(%L)'), ('UPDATE', 'SELECT setval(%L, 1)')) t (privilege, statement)
		WHERE m.relkind = 'S'
	) s (statement, may);
SELECT results_eq('SELECT role COLLATE "C", count(*) > 150, bool_or(may), bool_and(may) FROM attempts GROUP BY 1 ORDER BY 1',
	$$SELECT role COLLATE "C", true, true, false FROM (VALUES ('liveness_t Reader'), ('liveness_t_nobody'), ('liveness_t_operator'), ('liveness_t_writer')) r (role)$$, 'each role has many attempts, and may some');
SELECT is_empty($$SELECT role, statement, result FROM attempts, pg_temp.as_role(role, statement) AS result WHERE may IS DISTINCT FROM (result <> 'denied')$$,
	'whoever has a privilege gets through, and nobody else');

SELECT is_empty(
	$$SELECT c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
	WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness')
		AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('liveness_t_nobody', c.oid, 'USAGE, SELECT, UPDATE')
			WHEN 'c' THEN false
			ELSE has_any_column_privilege('liveness_t_nobody', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
				OR has_table_privilege('liveness_t_nobody', c.oid, 'DELETE, TRUNCATE, TRIGGER') END$$,
	'no table, view or sequence is PUBLIC''s');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT liveness_score(1, 1, 1, 1, NULL), liveness_sigmoid(0), liveness_recency_penalty(NULL, now())$$),
	'ok', 'anybody may compute a score');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT liveness_percentiles(x, ARRAY[0.5]) FROM generate_series(1, 3) x$$), 'ok', 'percentiles');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT liveness_mean_matrix(jsonb '[]')$$), 'ok', 'a mean matrix');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT liveness_features('2026-01-01', NULL, '', '2026-01-02', 14)$$), 'ok', 'features of sessions of their own');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT liveness_internal.liveness_hours(now(), 0, 0, '', NULL)$$), 'denied', 'nothing of the internals');
SELECT is(pg_temp.as_role('liveness_t_nobody', $$SELECT survival_at(survival_merge(c), 1) FROM (SELECT survival_agg(x, true) FROM generate_series(1, 3) x) s (c)$$), 'ok', 'and a survival curve');

-- From 15 on a view shows what the role itself may read, but for the one that a monitor reads.
GRANT SELECT ON provider_liveness, liveness_metrics TO liveness_t_nobody;
SELECT is(pg_temp.as_role('liveness_t_nobody', 'SELECT * FROM provider_liveness'),
	CASE WHEN current_setting('server_version_num')::int < 150000 THEN 'ok' ELSE 'denied' END, 'a view gives no right to its tables');
SELECT set_eq($$SELECT c.relname::text FROM members m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
		WHERE c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false) AND current_setting('server_version_num')::int >= 150000$$,
	$$SELECT 'liveness_metrics' WHERE current_setting('server_version_num')::int >= 150000$$, 'one view alone shows what its owner sees');

-- PostgreSQL's own roles for who reads everything, and for who watches the server
CREATE ROLE liveness_t_all IN ROLE pg_read_all_data, pg_monitor;
SELECT is(pg_temp.as_role('liveness_t_all', format('SELECT * FROM %s', m.objid::regclass)),
	CASE m.objid::regclass::text WHEN 'liveness_stats' THEN '55000 the counters of liveness are not available' ELSE 'ok' END, m.objid::regclass || ' for pg_read_all_data and pg_monitor')
FROM members m WHERE m.relkind IN ('r', 'v', 'S') ORDER BY m.objid::regclass::text COLLATE "C";

-- Whoever has a policy on the tables sees no more by the views than it lets him
ALTER TABLE provider_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_reliability_features ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON provider_sessions TO "liveness_t Reader" USING (provider_id = 'p');
CREATE POLICY own ON provider_reliability_features TO "liveness_t Reader" USING (provider_id = 'p');
-- (views of 14 are their owner's)
SELECT is(CASE WHEN current_setting('server_version_num')::int < 150000 THEN 'ok'
	ELSE pg_temp.as_role('liveness_t Reader', format('DO %L', format($$BEGIN IF EXISTS (SELECT FROM %s WHERE provider_id <> 'p') THEN RAISE 'somebody else''s'; END IF; END$$, v))) END,
	'ok', v || ' shows no row of others')
FROM unnest(ARRAY['provider_liveness', 'provider_session_history', 'provider_spells', 'provider_outages', 'provider_availability_matrix', 'provider_disconnect_reasons', 'provider_stale_sessions', 'liveness_internal.liveness_last_signs']) v;
DROP POLICY own ON provider_sessions;
DROP POLICY own ON provider_reliability_features;
ALTER TABLE provider_sessions DISABLE ROW LEVEL SECURITY;
ALTER TABLE provider_reliability_features DISABLE ROW LEVEL SECURITY;
ALTER TABLE provider_heartbeats ENABLE ROW LEVEL SECURITY;
SELECT throws_ok('SELECT liveness_partition_heartbeats()', '55000', 'public.provider_heartbeats cannot be partitioned with row-level security', 'nor is a table with row-level security partitioned, which would lose it');
ALTER TABLE provider_heartbeats DISABLE ROW LEVEL SECURITY;

-- Nobody's functions run in a rollup: it pins its path.
CREATE SCHEMA liveness_t_trap;
GRANT ALL ON SCHEMA liveness_t_trap TO PUBLIC;
CREATE FUNCTION liveness_t_trap.count() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION liveness_t_trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION liveness_t_trap.make_interval(secs float8) RETURNS interval LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION liveness_t_trap.trap(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE OPERATOR liveness_t_trap.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = liveness_t_trap.trap);
CREATE OPERATOR liveness_t_trap.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = liveness_t_trap.trap);
CREATE TABLE liveness_t_trap.provider_heartbeats (x int);
CREATE TABLE liveness_t_trap.liveness_job_state (x int);
SELECT set_config('search_path', 'liveness_t_trap, pg_catalog, public', true);
SELECT public.throws_ok('SELECT now() < now()', 'P0001', 'trapped', 'the trap works');
SELECT public.lives_ok($$SELECT public.liveness_rollup_features()$$, 'not in the features rollup');
SELECT public.lives_ok($$SELECT public.liveness_rollup_hourly(), public.liveness_rollup_hourly('-infinity', NULL)$$, 'nor in the hourly one');
SELECT public.lives_ok($$SELECT public.liveness_prune_batch(), liveness_internal.liveness_prune_derived(1)$$, 'nor in the retention');
SELECT public.lives_ok($$SELECT public.liveness_open_session('t', 'c'), public.liveness_close_session(1, 'x'), public.liveness_close_stale(), public.liveness_close_orphans('c')$$,
	'nor around sessions');
SELECT public.lives_ok($$SELECT * FROM public.liveness_features_at(), public.liveness_reliability(), public.liveness_heatmap('p'), public.network_availability, public.provider_stale_sessions$$, 'nor in what people read');
SET LOCAL search_path = public;

SELECT * FROM finish();
ROLLBACK;
