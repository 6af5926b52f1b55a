-- The aggregates give the same rows by every plan: one process, parallel, spilled to disk, sorted, in partitions
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(120);

-- 400 providers with 60 sessions each, in no order; 23 reasons; two coordinators; clocks that are wrong.
-- In eight partitions by id, so that each provider is in all of them.
CREATE TABLE sessions (id int, provider_id text, connected_at timestamptz, disconnected_at timestamptz, reason text) PARTITION BY HASH (id);
SELECT format('CREATE TABLE sessions_%s PARTITION OF sessions FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', r) FROM generate_series(0, 7) AS r \gexec
INSERT INTO sessions
SELECT i, 'provider ' || abs(hashint8extended(i, 1) % 400), c,
	CASE WHEN abs(hashint8extended(i, 4) % 40) > 0 THEN c + make_interval(secs => hashint8extended(i, 3) % 30000 + 29000) END,
	(ARRAY['coordinator_restart', '', 'clean_close', 'read_error', 'odd ' || abs(hashint8extended(i, 6) % 20)])[1 + abs(hashint8extended(i, 5) % 5)]
FROM (SELECT i, timestamptz '2026-01-15' - make_interval(secs => abs(hashint8extended(i, 2) % 1500000)) AS c FROM generate_series(1, 24000) AS i) AS drawn;

-- Heartbeats of 500 hours.  Sums of multiples of 1/64 are exact, in whatever order they are added
CREATE TABLE beats (id int, g int, p real, c real, t text, a real) PARTITION BY HASH (id);
SELECT format('CREATE TABLE beats_%s PARTITION OF beats FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', r) FROM generate_series(0, 7) AS r \gexec
INSERT INTO beats
SELECT i, abs(hashint8extended(i, 1) % 500), (hashint8extended(i, 2) % 6400) / 64.0, (hashint8extended(i, 3) % 6400) / 64.0,
	(ARRAY['', 'x' || abs(hashint8extended(i, 7) % 1000), 'nominal', 'fair', 'serious', 'critical'])[1 + abs(hashint8extended(i, 4) % (1 + abs(hashint8extended(i, 1) % 6)))],
	CASE WHEN hashint8extended(i, 5) % 3 = 0 THEN (hashint8extended(i, 6) % 6400) / 64.0 END
FROM generate_series(1, 60000) AS i;
ANALYZE sessions;
ANALYZE beats;

CREATE TABLE asked (name text, query text);
INSERT INTO asked VALUES
	('features', $$SELECT provider_id, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14) AS f FROM sessions GROUP BY provider_id$$),
	('features, filtered', $$SELECT provider_id, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 1) FILTER (WHERE id % 8 = 0) AS f FROM sessions GROUP BY provider_id$$),
	('features of all', $$SELECT 'all' AS provider_id, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14) AS f FROM sessions$$),
	('percentiles', $$SELECT g, liveness_percentiles(p, '{0.5, NULL, 0, 1, 0.9, 0.1}') AS f FROM beats GROUP BY g$$),
	('percentiles of NULL', $$SELECT g, liveness_percentiles(a, '[3:4]={0.25, 0.5}') FILTER (WHERE id % 20 = 0) AS f FROM beats GROUP BY g$$),
	('percentiles of all', $$SELECT 0 AS g, liveness_percentiles(p, '{0.5, 0, 1, 0.9, 0.1}') AS f FROM beats$$),
	('hourly', $$SELECT g, liveness_internal.liveness_hours('2026-01-01', p, c, t, a) AS f FROM beats GROUP BY g$$),
	('hourly, filtered', $$SELECT g, liveness_internal.liveness_hours('2026-01-01', CASE WHEN id % 3 > 0 THEN 'NaN' ELSE p END, c, t, a) FILTER (WHERE t LIKE 'x7%') AS f FROM beats GROUP BY g$$),
	('hourly of all', $$SELECT 0 AS g, liveness_internal.liveness_hours('2026-01-01', p, c, t, a) AS f FROM beats$$);

CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END
$$;
-- What is found in a plan of what should be there, in order
CREATE FUNCTION found(plan text, VARIADIC patterns text[]) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(p ORDER BY i) FROM unnest(patterns) WITH ORDINALITY AS w (p, i) WHERE plan ~ p
$$;
-- The rows, as text, which shows each bit of a number; and how many are different from those of the serial plan
CREATE TABLE answers (plan text, name text, row text);
CREATE FUNCTION answer(plan text, name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE answer AS SELECT s::text AS row FROM (%s) AS s', (SELECT query FROM asked WHERE asked.name = answer.name));
	INSERT INTO answers SELECT answer.plan, answer.name, row FROM pg_temp.answer;
	DROP TABLE pg_temp.answer;
END
$$;
CREATE FUNCTION different(plan text, name text) RETURNS int LANGUAGE sql AS $$
	SELECT count(*)::int FROM (
		(SELECT row FROM answers AS a WHERE a.plan = $1 AND a.name = $2 EXCEPT ALL SELECT row FROM answers AS a WHERE a.plan = 'serial' AND a.name = $2)
		UNION ALL
		(SELECT row FROM answers AS a WHERE a.plan = 'serial' AND a.name = $2 EXCEPT ALL SELECT row FROM answers AS a WHERE a.plan = $1 AND a.name = $2)) AS d
$$;

-- One process, in memory
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '256MB';
SET LOCAL enable_sort = off;
SELECT is(found(plan_of(query), 'Partial|Finalize|Gather|Disk|Batches: ([2-9]|1[0-9])', 'Aggregate'), ARRAY['Aggregate'], 'serial: ' || name) FROM asked ORDER BY name;
SELECT is(count(answer('serial', name))::int, 9, 'answered by one process') FROM asked;
SELECT is(jsonb_object_agg(name, n), '{"features": 400, "features, filtered": 400, "features of all": 1, "percentiles": 500, "percentiles of NULL": 500, "percentiles of all": 1,
	"hourly": 500, "hourly, filtered": 500, "hourly of all": 1}', 'so many rows') FROM (SELECT name, count(*)::int AS n FROM answers GROUP BY name) AS counted;
SELECT cmp_ok(count(DISTINCT regexp_replace(row, '^.[^,]*', ''))::int, '>', 150, 'which differ: ' || name) FROM answers WHERE name !~ ' of all' GROUP BY name ORDER BY name;
SELECT cmp_ok(count(*)::int, '>', 0, 'groups that the filter leaves empty: ' || name) FROM answers WHERE name ~ 'filtered|NULL' AND row ~ ',\)$' GROUP BY name ORDER BY name;

-- Grouping sets: states of several groups of a row at once
CREATE TABLE whole AS SELECT provider_id, id % 3 AS part, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14) AS f,
	liveness_percentiles(id, '{0.3, 0.7}') AS p, liveness_internal.liveness_hours('2026-01-01', id % 64, id % 8, reason, id % 16) AS h
FROM sessions GROUP BY GROUPING SETS ((), (provider_id), (id % 3));
CREATE TABLE pieces AS
SELECT NULL AS provider_id, NULL::int AS part, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14) AS f,
	liveness_percentiles(id, '{0.3, 0.7}') AS p, liveness_internal.liveness_hours('2026-01-01', id % 64, id % 8, reason, id % 16) AS h FROM sessions UNION ALL
SELECT provider_id, NULL, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14),
	liveness_percentiles(id, '{0.3, 0.7}'), liveness_internal.liveness_hours('2026-01-01', id % 64, id % 8, reason, id % 16) FROM sessions GROUP BY provider_id UNION ALL
SELECT NULL, id % 3, liveness_features(connected_at, disconnected_at, reason, '2026-01-14 12:34:56.789', 14),
	liveness_percentiles(id, '{0.3, 0.7}'), liveness_internal.liveness_hours('2026-01-01', id % 64, id % 8, reason, id % 16) FROM sessions GROUP BY id % 3;
SELECT is((SELECT count(*)::int FROM whole), 404, 'so many groups in three grouping sets');
SELECT is((SELECT count(*)::int FROM (SELECT whole::text FROM whole EXCEPT ALL SELECT pieces::text FROM pieces) AS d), 0, 'the same rows as group by group');

-- Sorted groups
SET LOCAL enable_sort = on;
SET LOCAL enable_hashagg = off;
SELECT is(found(plan_of(query), 'Partial|Finalize|Gather', 'GroupAggregate', 'Sort Key'), ARRAY['GroupAggregate', 'Sort Key'], 'sorted: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;
SELECT is(count(answer('sorted', name))::int, 6, 'answered by sorting') FROM asked WHERE name !~ ' of all';
SELECT is(different('sorted', name), 0, 'the same rows sorted: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;

-- Spilled to disk
SET LOCAL enable_hashagg = on;
SET LOCAL enable_sort = off;
SET LOCAL work_mem = '64kB';
SET LOCAL hash_mem_multiplier = 1;
SELECT is(found(plan_of(query), 'Partial|Finalize|Gather', 'HashAggregate', 'Batches: ([2-9]|[1-9][0-9])', 'Disk Usage'), ARRAY['HashAggregate', 'Batches: ([2-9]|[1-9][0-9])', 'Disk Usage'], 'spilled: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;
SELECT is(count(answer('spilled', name))::int, 6, 'answered by way of the disk') FROM asked WHERE name !~ ' of all';
SELECT is(different('spilled', name), 0, 'the same rows spilled: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;

-- In partitions, each aggregated for itself, then combined: every group has eight states
SET LOCAL work_mem = '256MB';
SET LOCAL enable_partitionwise_aggregate = on;
SELECT is(found(plan_of(query), 'Gather', 'Finalize', 'Partial', 'Append', 'Disk'), ARRAY['Finalize', 'Partial', 'Append'], 'partitions: ' || name) FROM asked ORDER BY name;
SELECT is(count(answer('partitions', name))::int, 9, 'answered in partitions') FROM asked;
SELECT is(different('partitions', name), 0, 'the same rows in partitions: ' || name) FROM asked ORDER BY name;
SELECT throws_ok($$SELECT liveness_percentiles(p, ARRAY[0.5 + 0.1 * (tableoid = 'beats_0'::regclass)::int]) FROM beats$$, '22023',
	'the fractions of liveness_percentiles must not vary within a group', 'fractions that vary from partition to partition');
SELECT throws_ok($$SELECT liveness_features(connected_at, NULL, '', '2026-01-14', 14 + (tableoid = 'sessions_0'::regclass)::int) FROM sessions$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'window_days that vary from partition to partition');
SELECT throws_ok($$SELECT liveness_features(connected_at, NULL, '', '2026-01-14'::timestamptz + interval '1us' * (tableoid = 'sessions_0'::regclass)::int, 14) FROM sessions$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'as_of that varies from partition to partition');

-- Parallel, all the work by two workers
SET LOCAL enable_partitionwise_aggregate = off;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_leader_participation = off;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(found(plan_of(query), 'Finalize', 'Workers Launched: 2', 'Partial', 'Disk'), ARRAY['Finalize', 'Workers Launched: 2', 'Partial'], 'parallel: ' || name) FROM asked ORDER BY name;
SELECT is(count(answer('parallel', name))::int, 9, 'answered in parallel') FROM asked;
SELECT is(different('parallel', name), 0, 'the same rows in parallel: ' || name) FROM asked ORDER BY name;
SELECT throws_ok($$SELECT liveness_features(connected_at, NULL, '', '2026-01-14'::timestamptz + id % 2 * interval '1us', 14) FROM sessions$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'an error in a worker is the error of the query');

-- Parallel, sorted groups
SET LOCAL enable_sort = on;
SET LOCAL enable_hashagg = off;
SELECT is(found(plan_of(query), 'Finalize GroupAggregate', 'Gather Merge', 'Workers Launched: 2', 'Partial'), ARRAY['Finalize GroupAggregate', 'Gather Merge', 'Workers Launched: 2', 'Partial'], 'parallel, sorted: ' || name)
FROM asked WHERE name !~ ' of all' ORDER BY name;
SELECT is(count(answer('parallel, sorted', name))::int, 6, 'answered by sorting in parallel') FROM asked WHERE name !~ ' of all';
SELECT is(different('parallel, sorted', name), 0, 'the same rows in parallel, sorted: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;

-- Parallel, spilled
SET LOCAL enable_hashagg = on;
SET LOCAL enable_sort = off;
SET LOCAL work_mem = '64kB';
SELECT is(found(plan_of(query), 'Finalize HashAggregate', 'Workers Launched: 2', 'Partial HashAggregate', 'Batches: ([2-9]|[1-9][0-9])', 'Disk Usage'),
	ARRAY['Finalize HashAggregate', 'Workers Launched: 2', 'Partial HashAggregate', 'Batches: ([2-9]|[1-9][0-9])', 'Disk Usage'], 'parallel, spilled: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;
SELECT is(count(answer('parallel, spilled', name))::int, 6, 'answered in parallel by way of the disk') FROM asked WHERE name !~ ' of all';
SELECT is(different('parallel, spilled', name), 0, 'the same rows in parallel, spilled: ' || name) FROM asked WHERE name !~ ' of all' ORDER BY name;

-- liveness_features_at is inlined, so that it runs in parallel, its settings with it
SET LOCAL work_mem = '256MB';
SET LOCAL liveness.window_days = 5;
SET LOCAL liveness.censored_reasons = 'read_error, clean_close';
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT provider_id, connected_at, disconnected_at, reason FROM sessions;
ANALYZE provider_sessions;
INSERT INTO asked VALUES ('features_at', $$SELECT * FROM liveness_features_at('2026-01-14 12:34:56.789')$$);
SELECT is(found(plan_of(query), 'Finalize', 'Workers Launched: 2', 'Partial', 'Function Scan'), ARRAY['Finalize', 'Workers Launched: 2', 'Partial'], 'parallel: liveness_features_at') FROM asked WHERE name = 'features_at';
SELECT answer('parallel', 'features_at');
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT is(found(plan_of(query), 'Finalize', 'Gather', 'Partial', 'HashAggregate'), ARRAY['HashAggregate'], 'serial: liveness_features_at') FROM asked WHERE name = 'features_at';
SELECT answer('serial', 'features_at');
SELECT is(count(*)::int, 400, 'so many rows') FROM answers WHERE plan = 'serial' AND name = 'features_at';
SELECT is(different('parallel', 'features_at'), 0, 'the same rows: liveness_features_at');

SELECT * FROM finish();
ROLLBACK;
