-- Spells where they are hard: by hand, then 700 providers whose sessions meet, miss and bridge each other by
-- microseconds, against plain SQL, by every plan
\set pure_sql `cat "${TESTDIR:-$PG_ABS_SRCDIR}/../bench/sql/features_pure_sql.sql"`
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SELECT plan(60);

CREATE FUNCTION base() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 12:00+00'$$;

-- Sessions and spells as text: a letter tells how a session ended, r restart and o outage (censored), x and u failure,
-- n not yet; times are minutes of a window of a day, which ends at 1440, and +1 is a microsecond more
CREATE FUNCTION instant(t text) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN t ~ 'inf' THEN t::timestamptz
		ELSE base() - interval '1440min' + make_interval(mins => (regexp_match(t, '^-?\d+'))[1]::int)
			+ coalesce((regexp_match(t, '\+(\d+)'))[1], '0')::int * interval '1us' END
$$;
CREATE FUNCTION minute(t timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN isfinite(t) THEN floor(us / 60000000) || CASE WHEN us % 60000000 > 0 THEN '+' || trim_scale(us % 60000000) ELSE '' END ELSE t::text END
	FROM (SELECT (extract(epoch FROM t) - extract(epoch FROM base() - interval '1440min')) * 1000000 AS us) AS m
$$;
CREATE TABLE cases (n int, sessions text, spells text, failures int);
INSERT INTO cases SELECT row_number() OVER (), * FROM (VALUES
	-- those of docs/definitions.md
	('r0..60 r62..150 x130..200 n215..', '0..200 failed, 215..1440 running', 1),
	('r0..60 n70..', '0..1440 running', 0),
	('r0..60 n70+1..', '0..60, 70+1..1440 running', 0),
	('x0..60 n61..', '0..60 failed, 61..1440 running', 1),
	('x0..60 x10..55 r10..55 n61..', '0..60 failed, 61..1440 running', 1),
	('r0..60 x30..60 n61..', '0..60 failed, 61..1440 running', 1),
	('r0..120 x10..55 r125..130', '0..130', 0),
	-- several end at once
	('r0..60 o30..60 r10..60 x70..80', '0..80 failed', 1),
	('r0..60 o30..60 u10..60 x70..80', '0..60 failed, 70..80 failed', 2),
	('x0..60 r20..60 n60..', '0..1440 running', 0),
	('x0..1440 n20..', '0..1440 running', 0),
	-- an inner end neither bridges nor hinders
	('x0..60 r10..59+59999999 n60+1..', '0..60 failed, 60+1..1440 running', 1),
	('r0..60 x10..59+59999999 n70..', '0..1440 running', 0),
	('r0..60 r10..50 n70+1..', '0..60, 70+1..1440 running', 0),
	-- no length at all
	('r0..60 r70..70 n80..', '0..1440 running', 0),
	('r0..60 r70..70 n80+1..', '0..70, 80+1..1440 running', 0),
	('r0..60 x70..70 n75..', '0..70 failed, 75..1440 running', 1),
	('x60..60 n60..', '60..1440 running', 0),
	('x60..60 r60..60 n65..', '60..60 failed, 65..1440 running', 1),
	('r60..60 r60..60 r70..70 x80..80', '60..80 failed', 1),
	('x0..60 r60..60 n65..', '0..60 failed, 65..1440 running', 1),
	-- ends before they begin: no length either
	('r0..60 r70..30 n80..', '0..1440 running', 0),
	('r0..60 x70..30 n75..', '0..70 failed, 75..1440 running', 1),
	('r0..60 x50..20 n70..', '0..1440 running', 0),
	('x65..30', '65..65 failed', 1),
	-- over the edge of the window: what ended before is not of it
	('r-300..-1 r5..20 x25..30', '5..30 failed', 1),
	('r-300..0 r5..20 x25..30', '-300..30 failed', 1),
	('r-300..-1+59999999 x5..20', '5..20 failed', 1),
	('r-60..5 r-300..-200 x15..20', '-60..20 failed', 1),
	('x5..-5 r10..20', '10..20', 0),
	('r0..1430 n1440..', '0..1430', 0),
	('r0..1430 x1435..1441', '0..1440 running', 0),
	('r0..1430 x1435..1440', '0..1440 failed', 1),
	('x0..1430 r1439+59999999..1450', '0..1430 failed, 1439+59999999..1440 running', 1),
	-- what never began, never ends, or never will begin
	('r-infinity..60 r65..70 x80+1..90', '-infinity..70, 80+1..90 failed', 1),
	('x-infinity..60 r-infinity..60 n65..', '-infinity..60 failed, 65..1440 running', 1),
	('r-infinity..-infinity x5..20', '5..20 failed', 1),
	('x0..infinity ninfinity..', '0..1440 running', 0),
	('r0..20 xinfinity..30 x30..35', '0..35 failed', 1)
) AS v (sessions, spells, failures);
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
SELECT 'case ' || n, instant(s[2]), CASE WHEN s[3] <> '' THEN instant(s[3]) END,
	(jsonb '{"r": "coordinator_restart", "o": "observer_outage", "x": "read_error", "u": "", "n": ""}') ->> s[1], 'coordinator-' || i % 2
FROM cases, regexp_matches(sessions, '([a-z])(\S+)\.\.(\S*)', 'g') WITH ORDINALITY AS m (s, i);

-- The same sessions again, in the other order, change nothing but their number
CREATE FUNCTION known(n int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(minute(p.since) || '..' || minute(p.until) || CASE WHEN p.running THEN ' running' WHEN p.failed THEN ' failed' ELSE '' END, ', ' ORDER BY p.since)
	FROM (
		SELECT liveness_internal.liveness_features_history(connected_at, disconnected_at, disconnect_reason, base(), 1 ORDER BY id DESC) AS sessions
		FROM provider_sessions
		WHERE provider_id = 'case ' || n AND connected_at < base() AND (disconnected_at IS NULL OR disconnected_at >= base() - interval '24h')
	) AS h, liveness_internal.liveness_history_spells(h.sessions, base()) AS p
$$;
SELECT is(known(n), spells, sessions) FROM cases ORDER BY n;
SELECT is((SELECT string_agg(concat_ws(' ', n, f.spells_count, f.failures_count), ', ' ORDER BY n) FROM cases LEFT JOIN liveness_features_at(base(), 1) AS f ON f.provider_id = 'case ' || n),
	(SELECT string_agg(concat_ws(' ', n, 1 + regexp_count, failures), ', ' ORDER BY n) FROM cases, LATERAL (SELECT length(spells) - length(replace(spells, ',', '')) AS regexp_count) AS c),
	'as many spells and failures in the features');

-- 700 providers of up to 60 sessions.  Times lie on a grid of five minutes, some a microsecond beside it; lengths and
-- gaps are of few steps, so that chains of all lengths bridge, tie, and run over every window's edge
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
SELECT 'chain ' || p,
	CASE WHEN p % 40 = 7 AND i = 1 THEN '-infinity' WHEN p % 40 = 8 AND i % 9 = 0 THEN 'infinity' ELSE c END,
	CASE WHEN p % 40 = 9 AND i % 11 = 0 THEN 'infinity' WHEN p % 40 = 10 AND i % 5 = 0 THEN '-infinity'
		WHEN e % 61 = 0 THEN NULL
		WHEN e % 13 = 1 THEN c
		WHEN e % 17 = 2 THEN c - e / 17 % 400 * interval '5min'
		ELSE c + (1 + e / 61 % (1 + p % 12)) * interval '5min' + (e / 61 / 12 % 5 - 2) / 2 * interval '1us' END,
	(ARRAY['coordinator_restart', 'observer_outage', 'coordinator_restart', 'read_error', ''])[1 + r % (3 + p % 3)], 'coordinator-' || i % 2
FROM (
	SELECT p, i, abs(hashint8extended(p * 1000 + i, 2)) AS e, abs(hashint8extended(p * 1000 + i, 4)) AS r,
		base() + interval '1h' - abs(hashint8extended(p * 1000 + i, 1)) % (20 + 60 * (p % 7)) * interval '5min'
			+ (abs(hashint8extended(p * 1000 + i, 3)) % 5 - 2) / 2 * interval '1us' AS c
	FROM generate_series(1, 700::bigint) AS p, generate_series(1, 1 + abs(hashint8extended(p, 5) % 60)) AS i) AS drawn;
-- 4,000 parallel sessions of one flapping machine, and the machine without
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT name, base() - i * interval '3h', base() - i * interval '3h' + interval '2h', 'read_error'
FROM generate_series(1, 40) AS i, (VALUES ('padded', 100), ('plain', 1)) AS v (name, times), generate_series(1, times);
ANALYZE provider_sessions;

CREATE TABLE pure_sql AS SELECT :'pure_sql' AS statement;
CREATE FUNCTION pure_features_at(as_of timestamptz, window_days int) RETURNS SETOF provider_reliability_features LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE (SELECT replace(replace(statement, ':''as_of''', quote_literal(as_of)), ':window_days', window_days::text) FROM pure_sql);
END
$$;
CREATE TABLE asked (n serial, as_of timestamptz, window_days int);
INSERT INTO asked (as_of, window_days)
SELECT base() + late, days FROM unnest(ARRAY[interval '0', '1us', '-5min', '-10min', '-10min 1us', '-7h', '1h 10min']) AS late, unnest(ARRAY[1, 14]) AS days;
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

-- What was compared
SELECT cmp_ok(count(*)::int, '>', 8000, 'many rows') FROM pure;
SELECT cmp_ok(count(*)::int, '>', 100, 'with spells of several sessions') FROM pure WHERE spells_count > 3 AND sessions_count > 2 * spells_count;
SELECT cmp_ok(count(*)::int, '>', 100, 'failures among many spells') FROM pure WHERE failures_count > 2 AND spells_count > failures_count;
CREATE TABLE next AS SELECT *, lead(connected_at) OVER w - disconnected_at AS gap FROM provider_sessions WHERE provider_id ~ 'chain' AND isfinite(connected_at) AND isfinite(disconnected_at) WINDOW w AS (PARTITION BY provider_id ORDER BY connected_at);
SELECT cmp_ok(count(*)::int, '>', 50, 'gaps of ' || g) FROM unnest(ARRAY[interval '0', '1us', '10min', '10min 1us', '9min 59.999999s']) AS g LEFT JOIN next ON gap = g GROUP BY g ORDER BY g;
SELECT cmp_ok(count(*)::int, '>', 50, 'failures and restarts at one instant')
FROM (SELECT FROM provider_sessions WHERE provider_id ~ 'chain' GROUP BY provider_id, greatest(connected_at, disconnected_at) HAVING count(DISTINCT liveness_is_censored(disconnect_reason)) > 1) AS t;
SELECT is((SELECT to_jsonb(f) - '{provider_id,sessions_count,disconnect_reasons}'::text[] FROM pure AS f WHERE provider_id = 'padded' AND updated_at = base() AND window_days = 14), (SELECT to_jsonb(f) - '{provider_id,sessions_count,disconnect_reasons}'::text[] FROM pure AS f WHERE provider_id = 'plain' AND updated_at = base() AND window_days = 14),
	'4,000 parallel sessions gain nothing');
SELECT is((SELECT ARRAY[sessions_count, spells_count] FROM pure WHERE provider_id = 'padded' AND updated_at = base() AND window_days = 14), ARRAY[4000, 40], 'and are no spells');

-- The view, at now(), which is another time than base() in another hour; against window functions
UPDATE provider_sessions SET connected_at = connected_at + (now() - base()), disconnected_at = disconnected_at + (now() - base());
ANALYZE provider_sessions;
CREATE TEMP VIEW plain_spells AS
	SELECT provider_id, min(c) AS since, count(*) AS sessions, max(ARRAY[e, kind]) AS last
	FROM (
		SELECT *, count(*) FILTER (WHERE before IS NULL OR c > before[1] AND NOT (before[2] = 0 AND c - before[1] <= 600)) OVER (PARTITION BY provider_id ORDER BY c, id) AS spell
		FROM (
			-- the latest end so far, and the worst of those that end then: 2 open, 1 failure, 0 censored
			SELECT *, max(ARRAY[e, kind]) OVER (PARTITION BY provider_id ORDER BY c, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM (
				SELECT id, provider_id, extract(epoch FROM connected_at) AS c,
					CASE WHEN disconnected_at <= now() THEN greatest(extract(epoch FROM disconnected_at), extract(epoch FROM connected_at)) ELSE extract(epoch FROM now()) END AS e,
					CASE WHEN disconnected_at <= now() THEN (disconnect_reason NOT IN ('coordinator_restart', 'observer_outage'))::int ELSE 2 END::numeric AS kind
				FROM provider_sessions
				WHERE connected_at < now() AND (disconnected_at IS NULL OR disconnected_at >= now() - interval '336h')
			) AS s
		) AS s
	) AS s
	GROUP BY provider_id, spell;
CREATE TABLE viewed AS SELECT * FROM provider_spells;
SELECT is((SELECT count(*)::int FROM (
	SELECT provider_id, extract(epoch FROM since), sessions, extract(epoch FROM until), reason IS NULL, failed FROM viewed
	EXCEPT ALL SELECT provider_id, since, sessions, last[1], last[2] = 2, last[2] = 1 FROM plain_spells) AS d)
	+ abs((SELECT count(*)::int FROM viewed) - (SELECT count(*)::int FROM plain_spells)), 0, 'provider_spells');
SELECT is((SELECT count(*)::int FROM viewed AS v WHERE NOT failed AND reason NOT IN ('coordinator_restart', 'observer_outage') OR failed AND reason NOT IN ('read_error', 'unspecified')), 0, 'with the reason of a failure, or a censored one');
SELECT cmp_ok(count(*)::int, '>', 3000, 'of many') FROM viewed;
SELECT results_eq('SELECT provider_id, count(*), sum(sessions), count(*) FILTER (WHERE failed) FROM viewed GROUP BY provider_id ORDER BY provider_id',
	'SELECT provider_id, spells_count::bigint, sessions_count::numeric, failures_count::bigint FROM liveness_features_at() ORDER BY provider_id', 'as many as the features count');
SELECT results_eq('SELECT provider_id, spells_count, sessions_count, failures_count FROM liveness_features_at() ORDER BY provider_id',
	'SELECT provider_id, spells_count, sessions_count, failures_count FROM pure_features_at(now(), 14) ORDER BY provider_id', 'and plain SQL');

SELECT * FROM finish();
ROLLBACK;
