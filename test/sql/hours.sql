-- liveness_hours: heartbeats grouped by hour inside the aggregate
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(20);

SELECT is((SELECT liveness_internal.liveness_hours(at, 1, 1, 'fair', 1) FROM (SELECT now() AS at WHERE false) s), NULL, 'no row: NULL');
SELECT is((SELECT liveness_internal.liveness_hours(at, 1, 1, 'fair', 1) FROM (VALUES (NULL::timestamptz), ('infinity'), ('-infinity')) v (at)), NULL,
	'heartbeats in no hour: NULL');

-- by hand: two hours, out of order, at their very first and last instants
SELECT results_eq(
	$$SELECT h.hour, h.heartbeat_count, h.avg_memory_pressure, h.avg_cpu_usage, h.max_thermal_state, h.avg_memory_available_gb FROM (SELECT liveness_internal.liveness_hours(at, m, c, t, a) AS hours FROM (VALUES
			('2026-01-01 01:00+00'::timestamptz, 0.5::real, 0.25::real, 'nominal', NULL::real),
			('2026-01-01 00:59:59.999999+00', 0.75, 0.5, 'odd', 4),
			('infinity', 9, 9, 'critical', 9),
			('2026-01-01 00:00+00', 0.25, 0.5, 'older', 8),
			('2026-01-01 01:59:59.999999+00', 1, 0.75, 'fair', NULL)) v (at, m, c, t, a)) s,
		unnest(s.hours) h$$,
	$$VALUES ('2026-01-01 00:00+00'::timestamptz, 2, 0.5::real, 0.5::real, 'older', 6::real),
		('2026-01-01 01:00+00', 2, 0.75, 0.5, 'fair', NULL)$$,
	'hours in order, each with its own heartbeats');
SELECT results_eq(
	$$SELECT h.hour, h.heartbeat_count FROM (SELECT liveness_internal.liveness_hours(at, 0, 0, '', 0) AS hours FROM (VALUES
			('4714-11-24 00:00+00 BC'::timestamptz), ('1999-12-31 23:59:59.999999+00'), ('294276-12-31 23:59:59.999999+00')) v (at)) s,
		unnest(s.hours) h$$,
	$$VALUES ('4714-11-24 00:00+00 BC'::timestamptz, 1), ('1999-12-31 23:00+00', 1), ('294276-12-31 23:00+00', 1)$$,
	'from end to end of the calendar');

-- against count, avg and max, on 20,000 heartbeats of 50 providers in 40 hours, shuffled
CREATE TABLE beats AS
	SELECT 'p' || i % 50 AS provider_id,
		'2026-01-01 00:00+00'::timestamptz + make_interval(secs => abs(hashint8(i)) % 144000) AS at,
		((hashint8(i + 1) & 255) / 256.0)::real AS m, ((hashint8(i + 2) & 255) / 256.0)::real AS c,
		(ARRAY['nominal', 'fair', 'serious', 'critical', '', 'odd', 'odder'])[1 + (hashint8(i + 3) & 1023) % 7] AS t,
		nullif(hashint8(i + 4) & 15, 0)::real AS a
	FROM generate_series(1::bigint, 20000) i;
ANALYZE beats;
CREATE VIEW by_hand AS
	SELECT provider_id, liveness_internal.liveness_utc_hour(at) AS hour, count(*)::int, avg(m)::real AS m, avg(c)::real AS c,
		(array_agg(t ORDER BY array_position(ARRAY['critical', 'serious', 'fair', 'nominal', 'odder', 'odd', ''], t)))[1] AS t, avg(a)::real AS a
	FROM beats GROUP BY 1, 2;
CREATE VIEW by_hours AS
	SELECT s.provider_id, h.hour, h.heartbeat_count, h.avg_memory_pressure, h.avg_cpu_usage, h.max_thermal_state, h.avg_memory_available_gb FROM (
		SELECT provider_id, liveness_internal.liveness_hours(at, m, c, t, a) AS hours FROM beats GROUP BY 1) s, unnest(s.hours) h;
CREATE FUNCTION differences() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ((TABLE by_hand EXCEPT ALL TABLE by_hours) UNION ALL (TABLE by_hours EXCEPT ALL TABLE by_hand)) d
$$;
CREATE FUNCTION plan_of_hours() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	FOR line IN EXPLAIN (COSTS OFF) SELECT provider_id, liveness_internal.liveness_hours(at, m, c, t, a) FROM beats GROUP BY 1 LOOP
		lines := lines || line || E'\n';
	END LOOP;
	RETURN lines;
END
$$;
SELECT is((SELECT count(*) FROM by_hours), (SELECT count(DISTINCT (provider_id, liveness_internal.liveness_utc_hour(at))) FROM beats), 'a row for each provider and hour');
SELECT is((SELECT sum(heartbeat_count) FROM by_hours), 20000::bigint, 'every heartbeat once');
SELECT is(differences(), 0::bigint, 'the rows are those of count, avg and the worst state');

SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_leader_participation = off;
SELECT matches(plan_of_hours(), 'Finalize', 'a parallel plan');
-- multiples of 1/256 add up exactly in any order
SELECT is(differences(), 0::bigint, 'gives the same rows');
SET LOCAL enable_hashagg = off;
SELECT matches(plan_of_hours(), 'Finalize GroupAggregate', 'a parallel and sorted one');
SELECT is(differences(), 0::bigint, 'too');
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT matches(plan_of_hours(), '^GroupAggregate', 'and a sorted one');
SELECT is(differences(), 0::bigint, 'too');

-- A great many hours in one group, in any order: sorted, not inserted one by one
CREATE TEMP TABLE long AS
	SELECT i, (ARRAY['fair', 'odd', 'odder', ''])[1 + i % 4] AS t FROM generate_series(1, 300000) i;
CREATE FUNCTION pg_temp.long_hours(ordering text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE $q$SELECT format('%s %s %s', count(*), sum(x.heartbeat_count), md5(string_agg(x::text, ',' ORDER BY x.hour)))
		FROM unnest((SELECT liveness_internal.liveness_hours('1970-01-01 00:00+00'::timestamptz + i % 200000 * interval '1 hour', i % 8, 0, t, NULL ORDER BY $q$
		|| ordering || ') FROM long)) x' INTO result;
	RETURN result;
END
$$;
SELECT matches(pg_temp.long_hours('i'), '^200000 300000 ', '200,000 hours');
SELECT is(pg_temp.long_hours(o), pg_temp.long_hours('i'), 'ordered by ' || o)
FROM unnest(ARRAY['-i', 'hashint4(i)', 'i % 2, -i', '-i % 3000, i']) o;
SELECT is((SELECT array_agg(h.heartbeat_count) FROM unnest((SELECT liveness_internal.liveness_hours('1970-01-01 00:00+00'::timestamptz + h * interval '1 hour', 0, 0, '', 0)
	FROM unnest('{5,3,5,1,3,5,2}'::int[]) h)) h), '{1,1,2,3}', 'the same hours again and again');
SELECT results_eq(
	$$SELECT h, array_length(liveness_internal.liveness_hours('1970-01-01 00:00+00'::timestamptz + h * interval '1 hour', 0, 0, '', 0) OVER (ORDER BY o), 1)
		FROM unnest('{5,3,5,1,3,5,2}'::int[]) WITH ORDINALITY u (h, o)$$,
	$$VALUES (5, 1), (3, 2), (5, 2), (1, 3), (3, 3), (5, 3), (2, 4)$$, 'over a frame that grows');

SELECT * FROM finish();
ROLLBACK;
