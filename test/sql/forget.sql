-- liveness_forget_provider: every row of a provider, in every table, and of nobody else
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(14);

-- Every table that names providers, whatever later versions add
CREATE TEMP VIEW tables AS
	SELECT c.oid::regclass AS relation
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND e.extname = 'liveness'
	AND c.relkind = 'r' AND a.attname = 'provider_id';
CREATE FUNCTION pg_temp.rows_of(provider text) RETURNS TABLE (relation regclass, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT t.relation FROM tables t LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE t.provider_id IS NOT DISTINCT FROM $1', relation) INTO n USING provider;
		RETURN NEXT;
	END LOOP;
END
$$;
INSERT INTO provider_heartbeats (provider_id, at) SELECT p, now() - h * interval '1 h' FROM unnest('{a,b}'::text[]) p, generate_series(0, 2) h;
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('a', now() - interval '2 d', now() - interval '1 d', 'x'), ('a', now() - interval '3 h', NULL, ''), ('b', now() - interval '3 h', NULL, '');
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('a', now() - interval '1 d', now()), ('b', now() - interval '1 d', now()), (NULL, now() - interval '1 d', now());
INSERT INTO provider_groups VALUES ('a', 'site'), ('b', 'site');
SELECT liveness_rollup_features(), liveness_rollup_hourly();
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.rows_of('b');
SELECT is_empty($$SELECT relation FROM pg_temp.rows_of('a') WHERE n = 0$$, 'the provider has rows in every table that names providers');
SELECT is_empty('SELECT relation FROM before WHERE n = 0', 'so has another');
SELECT results_eq($$SELECT * FROM liveness_forget_provider('a')$$, 'VALUES (3::bigint, 3::bigint, 2::bigint, 1::bigint, 1::bigint, 1::bigint, 1::bigint)',
	'how many rows went, table by table');
SELECT is_empty($$SELECT relation FROM pg_temp.rows_of('a') WHERE n <> 0$$, 'there is none left');
SELECT set_eq($$SELECT * FROM pg_temp.rows_of('b')$$, 'TABLE before', 'of another provider all');
SELECT is((SELECT count(*) FROM provider_exclusions WHERE provider_id IS NULL), 1::bigint, 'exclusions of everybody stay');
SELECT liveness_rollup_features(), liveness_rollup_hourly();
SELECT is_empty($$SELECT relation FROM pg_temp.rows_of('a') WHERE n <> 0$$, 'no rollup brings anything back');
SELECT results_eq($$SELECT * FROM liveness_forget_provider('a')$$, 'VALUES (0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)',
	'one that is not known has no rows');
SELECT throws_ok('SELECT liveness_forget_provider(NULL)', '22004', 'provider_id must not be NULL', 'NULL is an error');
INSERT INTO provider_heartbeats (provider_id) VALUES ('a');
SELECT liveness_rollup_hourly();
SELECT is((SELECT heartbeat_count FROM provider_heartbeats_hourly WHERE provider_id = 'a'), 1, 'a heartbeat that comes later begins anew');

CREATE ROLE liveness_t_operator;
SELECT liveness_grant_operator('liveness_t_operator');
SET LOCAL ROLE liveness_t_operator;
SELECT results_eq($$SELECT * FROM liveness_forget_provider('a')$$, 'VALUES (1::bigint, 1::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)', 'an operator may call it');
RESET ROLE;
CREATE ROLE liveness_t_writer;
SELECT liveness_grant_writer('liveness_t_writer');
SET LOCAL ROLE liveness_t_writer;
SELECT throws_ok($$SELECT liveness_forget_provider('a')$$, '42501', NULL, 'a coordinator may not');
RESET ROLE;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT throws_ok($$SELECT liveness_forget_provider('b')$$, '25000', 'liveness_forget_provider() would miss rows in a repeatable read transaction', 'nor can it be called with a snapshot from before');
SELECT is((SELECT count(*) FROM provider_sessions WHERE provider_id = 'b'), 1::bigint, 'which deletes nothing');
COMMIT;

SELECT * FROM finish();
TRUNCATE provider_heartbeats, provider_heartbeats_hourly, provider_sessions, provider_exclusions, provider_reliability_features, provider_groups,
	liveness_internal.liveness_provider_hazard, liveness_internal.liveness_fleet_hazard, liveness_internal.liveness_job_state;
SELECT liveness_revoke('liveness_t_operator'), liveness_revoke('liveness_t_writer');
DROP ROLE liveness_t_operator, liveness_t_writer;
