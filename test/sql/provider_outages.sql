-- provider_outages: the gaps between spells that have a length, by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(6);
CREATE FUNCTION pg_temp.ago(age interval) RETURNS timestamptz LANGUAGE sql AS $$SELECT now() - age$$;

INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
	-- two outages, one of them with a moment in between, and a restart that is bridged
	('a', '', pg_temp.ago('20 h'), pg_temp.ago('15 h'), 'read_error'), ('a', '', pg_temp.ago('14 h'), pg_temp.ago('14 h'), 'moment'), ('a', '', pg_temp.ago('13 h'), pg_temp.ago('10 h'), 'coordinator_restart'),
	('a', '', pg_temp.ago('9 h 55 min'), pg_temp.ago('5 h'), 'clean_close'), ('a', '', pg_temp.ago('2 h'), NULL, ''),
	-- gone, by two coordinators at once, of which one tells why; and for a censored reason
	('b', 'blue', pg_temp.ago('9 h'), pg_temp.ago('3 h'), 'coordinator_restart'), ('b', 'green', pg_temp.ago('8 h'), pg_temp.ago('3 h'), ''),
	('c', '', pg_temp.ago('9 h'), pg_temp.ago('3 h'), 'observer_outage'), ('c', '', pg_temp.ago('1 h'), NULL, ''),
	-- always there, for a moment alone, and long ago
	('d', '', '-infinity', NULL, ''), ('e', '', pg_temp.ago('1 h'), pg_temp.ago('1 h'), 'moment'), ('f', '', pg_temp.ago('100 d'), pg_temp.ago('90 d'), 'x');
INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('a', pg_temp.ago('15 h'), pg_temp.ago('14 h')), ('a', pg_temp.ago('6 h'), pg_temp.ago('5 h')), (NULL, pg_temp.ago('3 h 30 min'), pg_temp.ago('2 h'));
SELECT results_eq('SELECT provider_id, since, until, duration, reason, excused FROM provider_outages ORDER BY 1, 2',
	$$VALUES ('a', pg_temp.ago('15 h'), pg_temp.ago('13 h'), interval '2 h', 'read_error', true), ('a', pg_temp.ago('5 h'), pg_temp.ago('2 h'), interval '3 h', 'clean_close', false),
		('b', pg_temp.ago('3 h'), NULL, interval '3 h', 'unspecified', true), ('c', pg_temp.ago('3 h'), pg_temp.ago('1 h'), interval '2 h', 'observer_outage', true)$$,
	'a gap of the sessions each; the last may go on; excused if it begins within an exclusion, whose end is not in it');
UPDATE provider_exclusions SET until = NULL WHERE provider_id IS NULL;
SELECT is((SELECT excused FROM provider_outages WHERE provider_id = 'b'), true, 'or one that goes on');
DELETE FROM provider_exclusions;
SELECT is_empty('SELECT * FROM provider_outages WHERE excused', 'and else it is not');
SELECT results_eq('SELECT provider_id, round(avg(extract(epoch FROM duration)))::bigint FROM provider_outages WHERE until IS NOT NULL GROUP BY 1 ORDER BY 1',
	$$SELECT provider_id, mttr_seconds FROM liveness_features_at() WHERE provider_id IN ('a', 'c') ORDER BY 1$$, 'their mean is the MTTR');
SELECT columns_are('provider_outages', ARRAY['provider_id', 'since', 'until', 'duration', 'reason', 'excused'], 'provider_outages has these columns');

INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || g % 500, pg_temp.ago('1 d') + g * interval '1 s', pg_temp.ago('1 d') + g * interval '1 s' + interval '10 s', 'x' FROM generate_series(1, 20000) g;
ANALYZE provider_sessions;
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement; END$$;
SELECT is_empty($$SELECT l FROM pg_temp.plan_of('SELECT * FROM provider_outages WHERE provider_id = ''p7''') l WHERE l ~ 'Seq Scan on provider_sessions'$$, 'those of one provider are found by index');

SELECT * FROM finish();
ROLLBACK;
