-- Without the numbers of rows: they would change with every object
\pset footer off
-- What the extension is made of: tables to the letter, comments, labels of functions, and what a coordinator's boot finds
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT * FROM no_plan();

CREATE TEMP VIEW members AS
	SELECT d.classid, d.objid, d.classid::regclass::text AS catalog
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'liveness';

-- Tables: columns, types, defaults, NOT NULL
CREATE FUNCTION pg_temp.columns_of(relation regclass) RETURNS TABLE (name text, type text, def text, not_null boolean) LANGUAGE sql AS $$
	SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull
	FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
$$;
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_heartbeats')$$,
	$$VALUES ('id', 'bigint', 'nextval(''provider_heartbeats_id_seq''::regclass)', true),
		('provider_id', 'text', NULL, true),
		('at', 'timestamp with time zone', 'now()', true),
		('status', 'text', '''''::text', true),
		('memory_pressure', 'real', '0', true),
		('cpu_usage', 'real', '0', true),
		('thermal_state', 'text', '''''::text', true),
		('memory_available_gb', 'real', NULL, false),
		('gpu_memory_active_gb', 'real', NULL, false),
		('gpu_memory_cache_gb', 'real', NULL, false),
		('backend_state', 'text', '''''::text', true),
		('active_model', 'text', '''''::text', true),
		('capacity', 'jsonb', NULL, false)$$,
	'columns of provider_heartbeats');
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_heartbeats_hourly')$$,
	$$VALUES ('provider_id', 'text', NULL, true),
		('hour', 'timestamp with time zone', NULL, true),
		('heartbeat_count', 'integer', '0', true),
		('avg_memory_pressure', 'real', '0', true),
		('avg_cpu_usage', 'real', '0', true),
		('max_thermal_state', 'text', '''''::text', true),
		('avg_memory_available_gb', 'real', NULL, false)$$,
	'columns of provider_heartbeats_hourly');
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_sessions')$$,
	$$VALUES ('id', 'bigint', 'nextval(''provider_sessions_id_seq''::regclass)', true),
		('provider_id', 'text', NULL, true),
		('connected_at', 'timestamp with time zone', 'now()', true),
		('disconnected_at', 'timestamp with time zone', NULL, false),
		('disconnect_reason', 'text', '''''::text', true),
		('last_heartbeat_at', 'timestamp with time zone', NULL, false),
		('requests_served', 'bigint', '0', true),
		('tokens_generated', 'bigint', '0', true),
		('coordinator_id', 'text', '''''::text', true)$$,
	'columns of provider_sessions');
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_reliability_features')$$,
	$$VALUES ('provider_id', 'text', NULL, true),
		('updated_at', 'timestamp with time zone', 'now()', true),
		('window_days', 'integer', '14', true),
		('uptime_pct', 'real', '0', true),
		('sessions_count', 'integer', '0', true),
		('mtbf_seconds', 'bigint', '0', true),
		('median_session_seconds', 'bigint', '0', true),
		('p10_session_seconds', 'bigint', '0', true),
		('p90_session_seconds', 'bigint', '0', true),
		('hourly_availability', 'jsonb', '''{}''::jsonb', true),
		('disconnect_reasons', 'jsonb', '''{}''::jsonb', true),
		('p_stays_4h', 'real', '0', true),
		('p_stays_8h', 'real', '0', true),
		('last_disconnect_at', 'timestamp with time zone', NULL, false),
		('last_session_duration_seconds', 'bigint', '0', true),
		('liveness_score', 'real', '0', true),
		('mttr_seconds', 'bigint', '0', true),
		('failures_count', 'integer', '0', true),
		('p_survives_4h', 'real', NULL, false),
		('p_survives_8h', 'real', NULL, false),
		('spells_count', 'integer', '0', true),
		('first_seen_at', 'timestamp with time zone', NULL, false),
		('observed_uptime_pct', 'real', '0', true),
		('bridged_seconds', 'bigint', '0', true)$$,
	'columns of provider_reliability_features');
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_exclusions')$$,
	$$VALUES ('id', 'bigint', 'nextval(''provider_exclusions_id_seq''::regclass)', true), ('provider_id', 'text', NULL, false),
		('since', 'timestamp with time zone', NULL, true), ('until', 'timestamp with time zone', NULL, false), ('reason', 'text', '''''::text', true),
		('noted_at', 'timestamp with time zone', 'now()', true)$$, 'columns of provider_exclusions');
SELECT results_eq($$SELECT * FROM pg_temp.columns_of('provider_groups')$$,
	$$VALUES ('provider_id', 'text', NULL, true), ('group_name', 'text', NULL, true)$$, 'columns of provider_groups');
SELECT results_eq($$SELECT sequencename::text COLLATE "default", data_type::text, start_value, increment_by, cache_size, cycle FROM pg_sequences
	WHERE sequencename ~ '^provider_' ORDER BY 1$$,
	$$VALUES ('provider_exclusions_id_seq', 'bigint', 1::bigint, 1::bigint, 1::bigint, false), ('provider_heartbeats_id_seq', 'bigint', 1, 1, 1, false), ('provider_sessions_id_seq', 'bigint', 1, 1, 1, false)$$,
	'the sequences of a bigserial');
SELECT is(pg_get_serial_sequence('provider_heartbeats', 'id'), 'public.provider_heartbeats_id_seq', 'owned by their columns');

-- Keys and indexes
SELECT results_eq(
	$$SELECT i.indexrelid::regclass::text AS index, i.indisprimary, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON ', '\1')
	FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
	WHERE c.relname ~ '^provider_' AND c.relnamespace = 'public'::regnamespace ORDER BY 1$$,
	$$VALUES ('idx_provider_exclusions_provider_since', false, 'public.provider_exclusions USING btree (provider_id, since)'),
		('idx_provider_exclusions_until', false, 'public.provider_exclusions USING btree (until)'),
		('idx_provider_heartbeats_at', false, 'public.provider_heartbeats USING btree (at)'),
		('idx_provider_heartbeats_hourly_hour', false, 'public.provider_heartbeats_hourly USING btree (hour)'),
		('idx_provider_heartbeats_id_brin', false, 'public.provider_heartbeats USING brin (id) WITH (autosummarize=''on'')'),
		('idx_provider_heartbeats_provider_at', true, 'UNIQUE public.provider_heartbeats USING btree (provider_id, at, id)'),
		('idx_provider_reliability_features_score', false, 'public.provider_reliability_features USING btree (liveness_score DESC)'),
		('idx_provider_sessions_disconnected_at', false, 'public.provider_sessions USING btree (disconnected_at) WHERE (disconnected_at IS NOT NULL)'),
		('idx_provider_sessions_open', false, 'public.provider_sessions USING btree (provider_id) WHERE (disconnected_at IS NULL)'),
		('idx_provider_sessions_provider_connected', false, 'public.provider_sessions USING btree (provider_id, connected_at DESC)'),
		('provider_exclusions_pkey', true, 'UNIQUE public.provider_exclusions USING btree (id)'),
		('provider_groups_pkey', true, 'UNIQUE public.provider_groups USING btree (provider_id)'),
		('provider_heartbeats_hourly_pkey', true, 'UNIQUE public.provider_heartbeats_hourly USING btree (provider_id, hour)'),
		('provider_reliability_features_pkey', true, 'UNIQUE public.provider_reliability_features USING btree (provider_id)'),
		('provider_sessions_pkey', true, 'UNIQUE public.provider_sessions USING btree (id, provider_id)')$$,
	'indexes, and no others');
SELECT results_eq(
	$$SELECT c.relname::text COLLATE "default", array_to_string(c.reloptions, ' ') COLLATE "default" FROM pg_class c
	WHERE c.reloptions IS NOT NULL AND c.relkind = 'r' AND c.relnamespace IN ('public'::regnamespace, 'liveness_internal'::regnamespace) ORDER BY 1$$,
	$$VALUES ('liveness_hour_sums', 'fillfactor=45 autovacuum_vacuum_scale_factor=0.1 autovacuum_analyze_scale_factor=2'),
		('liveness_provider_hazard', 'fillfactor=45 autovacuum_vacuum_scale_factor=0.1 autovacuum_analyze_scale_factor=2'),
		('provider_heartbeats', 'autovacuum_vacuum_scale_factor=0.03 autovacuum_vacuum_insert_scale_factor=0.02 autovacuum_analyze_scale_factor=0.02'),
		('provider_heartbeats_hourly', 'autovacuum_vacuum_scale_factor=0.02 autovacuum_vacuum_insert_scale_factor=0.02 autovacuum_analyze_scale_factor=0.02'),
		('provider_reliability_features', 'fillfactor=45 autovacuum_vacuum_scale_factor=0.1 autovacuum_analyze_scale_factor=2'),
		('provider_sessions', 'autovacuum_vacuum_scale_factor=0.02 autovacuum_vacuum_insert_scale_factor=0.02 autovacuum_analyze_scale_factor=0.02')$$,
	'storage parameters');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE conrelid::regclass::text ~ '^provider_' AND contype NOT IN ('p', 'n')$$, 'no CHECK and no foreign key');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid::regclass::text ~ '^provider_'$$, 'no trigger');
SELECT is_empty($$SELECT rulename FROM pg_rewrite WHERE ev_class::regclass::text IN ('provider_heartbeats', 'provider_heartbeats_hourly', 'provider_sessions', 'provider_reliability_features', 'provider_exclusions', 'provider_groups')$$,
	'no rule');

-- The extension
SELECT results_eq($$SELECT extrelocatable, extversion COLLATE "default", (SELECT array_agg(c::regclass::text ORDER BY c::regclass::text) FROM unnest(extconfig) c) FROM pg_extension WHERE extname = 'liveness'$$,
	$$VALUES (false, '1.0', ARRAY['liveness_internal.liveness_fleet_hazard', 'liveness_internal.liveness_granted_role', 'liveness_internal.liveness_job_state', 'liveness_internal.liveness_provider_hazard', 'liveness_internal.liveness_shock_estimate', 'provider_exclusions', 'provider_exclusions_id_seq', 'provider_groups', 'provider_heartbeats', 'provider_heartbeats_hourly', 'provider_heartbeats_id_seq',
		'provider_reliability_features', 'provider_sessions', 'provider_sessions_id_seq'])$$,
	'it does not move, and these are dumped');
SELECT results_eq($$SELECT superuser, trusted, relocatable, schema FROM pg_available_extension_versions WHERE name = 'liveness' AND version = '1.0'$$,
	'VALUES (true, false, false, NULL::name)', 'for a superuser to create, in any schema');

-- A comment for everything
SELECT results_eq($$SELECT catalog, count(*) > 0 FROM members WHERE catalog IN ('pg_class', 'pg_proc', 'pg_type') GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('pg_class', true), ('pg_proc', true), ('pg_type', true)$$, 'members are found at all');
SELECT is_empty(
	$$SELECT pg_describe_object(m.classid, m.objid, 0) FROM members m
	LEFT JOIN pg_class c ON m.catalog = 'pg_class' AND c.oid = m.objid
	LEFT JOIN pg_type t ON m.catalog = 'pg_type' AND t.oid = m.objid
	WHERE obj_description(m.objid, m.catalog::name) IS NULL
	AND (m.catalog IN ('pg_proc', 'pg_operator', 'pg_opclass', 'pg_opfamily') OR c.relkind IN ('r', 'v', 'S', 'p', 'm')
		-- a composite type has its comment as a type, an array or a table's row type has none
		OR (m.catalog = 'pg_type' AND t.typelem = 0 AND (t.typtype <> 'c' OR (SELECT k.relkind FROM pg_class k WHERE k.oid = t.typrelid) = 'c')))$$,
	'every function, procedure, aggregate, table, view, sequence and type has a comment');
SELECT is_empty(
	$$SELECT c.relname, a.attname FROM members m JOIN pg_class c ON m.catalog = 'pg_class' AND c.oid = m.objid
		OR m.catalog = 'pg_type' AND c.relkind = 'c' AND c.oid = (SELECT t.typrelid FROM pg_type t WHERE t.oid = m.objid)
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c') AND coalesce(col_description(c.oid, a.attnum), '') = ''$$, 'every column of a table or view, and every attribute of a type');
-- an analyst reads these in psql and nowhere else
SELECT is_empty(
	$$SELECT c.oid::regclass, a.attname, col_description(c.oid, a.attnum) FROM members m JOIN pg_class c ON m.catalog = 'pg_class' AND c.oid = m.objid
		OR m.catalog = 'pg_type' AND c.relkind = 'c' AND c.oid = (SELECT t.typrelid FROM pg_type t WHERE t.oid = m.objid)
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c') AND format_type(a.atttypid, NULL) ~ '^(smallint|integer|bigint|real|double precision|numeric|interval)'
	AND col_description(c.oid, a.attnum) !~ '(-?\d+(\.\d+)?|phi) (to|or) -?\d|\d or more|more than 0|any number'$$,
	'every number and every interval says its range');
SELECT is_empty(
	$$SELECT c.oid::regclass, a.attname, col_description(c.oid, a.attnum) FROM members m JOIN pg_class c ON m.catalog = 'pg_class' AND c.oid = m.objid
		OR m.catalog = 'pg_type' AND c.relkind = 'c' AND c.oid = (SELECT t.typrelid FROM pg_type t WHERE t.oid = m.objid)
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	JOIN (VALUES ('seconds$', '\mseconds'), ('_days$', '\mDays'), ('_gb$', '\mGB\M'), ('per_day', '\ma day\M')) u (name, unit) ON a.attname ~ u.name
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c') AND col_description(c.oid, a.attnum) !~ u.unit$$,
	'and its unit, where it has one');
-- so that \df+ can be read
SELECT is_empty(
	$$SELECT p.oid::regprocedure, length(obj_description(p.oid, 'pg_proc')) FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid
	WHERE length(obj_description(p.oid, 'pg_proc')) > 100 OR obj_description(p.oid, 'pg_proc') ~ '[.?!] +[A-Z]'$$,
	'the comment of a function is one sentence of at most 100 characters; the rest goes to docs/functions.md');
SELECT is_empty(
	$$SELECT i.indexrelid::regclass FROM members m JOIN pg_index i ON m.catalog = 'pg_class' AND i.indrelid = m.objid
	LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
	WHERE obj_description(i.indexrelid, 'pg_class') IS NULL AND obj_description(k.oid, 'pg_constraint') IS NULL
		AND (k.oid IS NULL OR k.conname !~ '_pkey$')$$, 'every index that we named');
SELECT isnt(obj_description((SELECT oid FROM pg_extension WHERE extname = 'liveness'), 'pg_extension'), NULL, 'and the extension');

-- Everything there is: the members and what belongs to them, by owner and by what others may do.  What PostgreSQL
-- by itself gives to PUBLIC (on functions and types) is in the list too.
CREATE FUNCTION pg_temp.acl(acl aclitem[], kind text, owner oid) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(grantee || '=' || privileges, ' ' ORDER BY grantee COLLATE "C") FROM (
		SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END, string_agg(x.privilege_type, ',' ORDER BY x.privilege_type COLLATE "C")
		FROM aclexplode(coalesce(acl, acldefault(kind::"char", owner))) x WHERE x.grantee <> owner GROUP BY x.grantee) g (grantee, privileges)
$$;
CREATE FUNCTION pg_temp.owner(role oid) RETURNS text LANGUAGE sql AS $$
	SELECT CASE role WHEN (SELECT extowner FROM pg_extension WHERE extname = 'liveness') THEN 'creator' ELSE role::regrole::text END
$$;
WITH RECURSIVE objects AS (
	SELECT m.classid, m.objid FROM members m
	UNION
	SELECT d.classid, d.objid FROM objects o JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid AND d.deptype IN ('a', 'i')
)
SELECT i.type COLLATE "C" AS type, i.identity COLLATE "C" AS identity, pg_temp.owner(coalesce(c.relowner, t.typowner)) AS owner,
	CASE WHEN c.relkind IN ('r', 'v', 'S') THEN pg_temp.acl(c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, c.relowner)
		WHEN t.oid IS NOT NULL THEN pg_temp.acl(t.typacl, 'T', t.typowner) END AS acl
FROM objects o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) i
LEFT JOIN pg_class c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
LEFT JOIN pg_type t ON o.classid = 'pg_type'::regclass AND t.oid = o.objid
-- (newer servers have NOT NULL as constraints, too)
WHERE o.classid <> 'pg_proc'::regclass AND i.schema IS DISTINCT FROM 'pg_toast' AND i.identity !~ '_not_null on '
ORDER BY 1, 2;

-- Functions with all their labels; cost and rows where they are not the usual
SELECT p.oid::regprocedure::text COLLATE "C" AS function, p.prokind AS kind, p.provolatile AS vol, p.proparallel AS par, p.proisstrict AS strict,
	p.prosecdef AS definer, p.proleakproof AS leakproof, l.lanname AS lang, p.proconfig AS config,
	nullif(p.procost, CASE WHEN l.lanname IN ('c', 'internal') THEN 1 ELSE 100 END) AS cost, nullif(p.prorows, CASE WHEN p.proretset THEN 1000 ELSE 0 END) AS rows,
	pg_temp.owner(p.proowner) AS owner, pg_temp.acl(p.proacl, 'f', p.proowner) AS acl
FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
ORDER BY 1;
SELECT is_empty(
	$$SELECT p.proname FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid
	WHERE has_function_privilege('public', p.oid, 'EXECUTE') AND (p.prokind = 'p' OR p.provolatile = 'v')$$,
	'PUBLIC may call nothing that writes');
SELECT is_empty(
	$$SELECT m.objid::regclass FROM members m JOIN pg_class c ON m.catalog = 'pg_class' AND c.oid = m.objid, aclexplode(c.relacl) x WHERE x.grantee = 0
	UNION ALL SELECT a.attrelid FROM members m JOIN pg_attribute a ON m.catalog = 'pg_class' AND a.attrelid = m.objid WHERE a.attacl IS NOT NULL$$,
	'no table, view or sequence is granted to PUBLIC, and no column by itself to anybody');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
	WHERE has_function_privilege('public', p.oid, 'EXECUTE') AND (l.lanname NOT IN ('c', 'internal')
		-- views call those that tell a setting; parts of an aggregate look at liveness.censored_reasons and liveness.window_days
		OR p.provolatile <> 'i' AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN (a.aggtransfn, a.aggfinalfn)) AND p.proname NOT IN ('liveness_setting_interval', 'liveness_effective_window_days', 'liveness_window_start', 'liveness_is_censored', 'liveness_running_since', 'liveness_hazard_instant', 'liveness_hazard_since'))$$,
	'what PUBLIC may call computes from its arguments: it is C, and immutable or part of an aggregate');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid
	WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=.*pg_temp$')$$,
	'no function is SECURITY DEFINER without a path that ends in pg_temp');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname = 'plpgsql' AND p.prokind = 'f' AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))$$,
	'every plpgsql function pins its path');
-- What a body says beside strings and comments, word by word.  A call is a word before a parenthesis.
CREATE TEMP VIEW words AS
	SELECT p.oid::regprocedure AS function, p.prokind, w[1] AS before, w[2] AS word, w[3] <> '' AS call
	FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang,
		regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '''[^'']*''', '''''', 'g') body,
		regexp_matches(body, '(::|\w+\.|)([a-z_]\w*)(\(|)', 'g') w
	WHERE l.lanname = 'plpgsql';
SELECT is_empty($$SELECT function, word FROM words WHERE before IN ('', '::')
	AND word IN (SELECT p.proname FROM members m JOIN pg_proc p ON p.oid = m.objid UNION ALL SELECT c.relname FROM members m JOIN pg_class c ON c.oid = m.objid)$$,
	'no body names an object of ours without its schema');
SELECT is_empty($$SELECT function, before, word FROM words WHERE prokind = 'p' AND (before = '::' AND word <> 'pg_catalog' OR before = '' AND call AND word <> 'operator')$$,
	'the procedures, which cannot pin a path, name no function and no type without its schema');
SELECT cmp_ok((SELECT count(*) FROM words WHERE prokind = 'p' AND before = 'pg_catalog.'), '>', 10::bigint, 'but with it');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname = 'sql' AND p.prosqlbody IS NULL$$, 'every SQL function has a parsed body');
-- The labels, volatility and parallel, of what a parsed body calls
SELECT is_empty(
	$$SELECT DISTINCT p.oid::regprocedure, f.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid,
		regexp_matches(p.prosqlbody::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') c JOIN pg_proc f ON f.oid = c[1]::oid
	WHERE strpos('isv', f.provolatile::text) > strpos('isv', p.provolatile::text) OR strpos('sru', f.proparallel::text) > strpos('sru', p.proparallel::text)$$,
	'no SQL function promises more than what it calls');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_aggregate a ON a.aggfnoid = p.oid,
		unnest(ARRAY[a.aggtransfn, a.aggcombinefn, a.aggfinalfn, a.aggserialfn, a.aggdeserialfn]) f JOIN pg_proc s ON s.oid = f
	WHERE p.proparallel = 's' AND s.proparallel <> 's'$$, 'what a parallel safe aggregate is made of is parallel safe');
SELECT is_empty(
	$$SELECT p.oid::regprocedure, p.probin FROM members m JOIN pg_proc p ON m.catalog = 'pg_proc' AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname = 'c' AND p.probin <> '$libdir/liveness'$$, 'C functions are in the library');

-- A coordinator creates what it needs as it starts, as owner of the tables
CREATE ROLE liveness_t_owner;
GRANT ALL ON SCHEMA public TO liveness_t_owner;
ALTER TABLE provider_heartbeats OWNER TO liveness_t_owner;
ALTER TABLE provider_heartbeats_hourly OWNER TO liveness_t_owner;
ALTER TABLE provider_sessions OWNER TO liveness_t_owner;
ALTER TABLE provider_reliability_features OWNER TO liveness_t_owner;
CREATE FUNCTION pg_temp.everything() RETURNS TABLE (what text, id oid, def text) LANGUAGE sql AS $$
	SELECT c.relname, c.relfilenode, c.relkind::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
	UNION ALL SELECT a.attrelid::text || a.attname, a.atttypid, concat(a.attnum, a.attnotnull, a.atthasdef)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace
	UNION ALL SELECT d.adrelid::text || d.adnum, d.oid, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
	UNION ALL SELECT i.indexrelid::text, i.indrelid, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
	UNION ALL SELECT k.conname, k.oid, pg_get_constraintdef(k.oid) FROM pg_constraint k
$$;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.everything();
SET LOCAL ROLE liveness_t_owner;
SET LOCAL client_min_messages = error;
CREATE TABLE IF NOT EXISTS provider_heartbeats (id BIGSERIAL PRIMARY KEY, provider_id TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT NOW());
CREATE INDEX IF NOT EXISTS idx_provider_heartbeats_provider_at ON provider_heartbeats (provider_id, at DESC);
CREATE INDEX IF NOT EXISTS idx_provider_heartbeats_at ON provider_heartbeats (at DESC);
CREATE TABLE IF NOT EXISTS provider_heartbeats_hourly (provider_id TEXT NOT NULL, hour TIMESTAMPTZ NOT NULL, heartbeat_count INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (provider_id, hour));
CREATE INDEX IF NOT EXISTS idx_provider_heartbeats_hourly_hour ON provider_heartbeats_hourly (hour DESC);
CREATE TABLE IF NOT EXISTS provider_sessions (id BIGSERIAL PRIMARY KEY, provider_id TEXT NOT NULL, connected_at TIMESTAMPTZ NOT NULL DEFAULT NOW());
CREATE INDEX IF NOT EXISTS idx_provider_sessions_provider_connected ON provider_sessions (provider_id, connected_at DESC);
CREATE INDEX IF NOT EXISTS idx_provider_sessions_open ON provider_sessions (provider_id) WHERE disconnected_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_provider_sessions_disconnected_at ON provider_sessions (disconnected_at DESC) WHERE disconnected_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS provider_reliability_features (provider_id TEXT PRIMARY KEY, updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW());
ALTER TABLE provider_reliability_features ADD COLUMN IF NOT EXISTS liveness_score real NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS idx_provider_reliability_features_score ON provider_reliability_features (liveness_score DESC);
RESET ROLE;
SET LOCAL client_min_messages = warning;
SELECT set_eq('SELECT * FROM pg_temp.everything()', 'TABLE before', 'a coordinator''s boot changes nothing');
SELECT cmp_ok((SELECT count(*) FROM before), '>', 100::bigint, 'of all that was looked at');
-- and its plain statements work
SET LOCAL ROLE liveness_t_owner;
INSERT INTO provider_heartbeats (provider_id, status, memory_pressure, cpu_usage, thermal_state) VALUES ('a', 'idle', 0.5, 0.25, 'nominal');
INSERT INTO provider_sessions (provider_id, coordinator_id) VALUES ('a', 'c');
UPDATE provider_sessions SET disconnected_at = now(), disconnect_reason = 'clean_close', requests_served = 3 WHERE provider_id = 'a' AND disconnected_at IS NULL;
INSERT INTO provider_reliability_features (provider_id, uptime_pct, hourly_availability) VALUES ('a', 0.5, '{}')
	ON CONFLICT (provider_id) DO UPDATE SET uptime_pct = excluded.uptime_pct;
INSERT INTO provider_heartbeats_hourly (provider_id, hour, heartbeat_count) VALUES ('a', date_trunc('hour', now()), 1)
	ON CONFLICT (provider_id, hour) DO UPDATE SET heartbeat_count = excluded.heartbeat_count;
RESET ROLE;
SELECT results_eq($$SELECT status, backend_state, active_model, capacity, at = now() FROM provider_heartbeats$$, $$VALUES ('idle', '', '', NULL::jsonb, true)$$, 'its INSERTs');
SELECT results_eq('SELECT disconnect_reason, requests_served, tokens_generated FROM provider_sessions', $$VALUES ('clean_close', 3::bigint, 0::bigint)$$, 'and UPDATEs');
SELECT results_eq('SELECT uptime_pct, window_days, liveness_score, mttr_seconds, p_survives_4h FROM provider_reliability_features',
	'VALUES (0.5::real, 14, 0::real, 0::bigint, NULL::real)', 'and its own rollup, as long as it has one');

-- Tables of others in the way
SELECT throws_ok($$CREATE SCHEMA liveness_t_taken; CREATE TABLE liveness_t_taken.provider_sessions (id int); CREATE TABLE liveness_t_taken.provider_heartbeats (id int);
	DROP EXTENSION liveness CASCADE; CREATE EXTENSION liveness SCHEMA liveness_t_taken$$,
	'42P07', 'schema liveness_t_taken already holds provider_heartbeats, provider_sessions', 'existing tables are not taken over');
SELECT is((SELECT count(*) FROM pg_namespace WHERE nspname = 'liveness_t_taken'), 0::bigint, 'which leaves everything as it was');
SELECT lives_ok($$DROP EXTENSION liveness CASCADE; CREATE SCHEMA liveness_t_free; CREATE EXTENSION liveness SCHEMA liveness_t_free; SELECT liveness_t_free.liveness_rollup_hourly(), liveness_t_free.liveness_rollup_features()$$,
	'another schema, not in the path');

SELECT * FROM finish();
ROLLBACK;
