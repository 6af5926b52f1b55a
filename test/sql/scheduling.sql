-- A scheduler's questions: all of them agree with liveness_candidates, and one provider is found by index
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SELECT plan(128);

-- 2,000 machines on 20 sites, and 200 without; each was up six times before, for between an hour and two weeks
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
SELECT 'p' || p, now() - i * interval '15 days', now() - i * interval '15 days' + interval '1 hour' + u * u * interval '13 days', CASE WHEN (p + i) % 7 = 0 THEN 'coordinator_restart' ELSE 'read_error' END
FROM generate_series(0, 2199) AS p, generate_series(1, 6) AS i, LATERAL (SELECT (hashint8extended(p % 50 * 100 + i, 1) & 1023) / 1024.0 AS u) AS r;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, last_heartbeat_at)
SELECT 'p' || p, 'c' || p % 2, now() - (p * 37 % 20000) * interval '1 minute' / 20, NULL, CASE WHEN p % 3 = 0 THEN now() END
FROM generate_series(0, 2199) AS p WHERE p % 11 <> 1;
-- of one in three the row tells when it was heard, of the others the heartbeats do; p2 is silent, of p5 nothing was ever heard
INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, now() - i * interval '10 s' FROM generate_series(0, 2199) AS p, generate_series(1, 3) AS i WHERE p NOT IN (2, 5);
UPDATE provider_sessions SET last_heartbeat_at = now() - interval '1 hour', connected_at = now() - interval '2 hours' WHERE provider_id = 'p2' AND disconnected_at IS NULL;
-- a second coordinator, and one that began after the rollup
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at) VALUES ('p7', 'other', now() - interval '5 minutes'), ('new', 'c1', now() - interval '20 s');
INSERT INTO provider_groups SELECT 'p' || p, 'site ' || p % 20 FROM generate_series(0, 1999) AS p;
SELECT liveness_rollup_features(now() - interval '1 minute') > 0 AS rolled_up;
ANALYZE provider_sessions, provider_heartbeats, provider_groups;
CREATE TEMP TABLE holds AS
SELECT job, provider_id, session_id, connected_at, coordinator_id, probability
FROM unnest('{1 second, 1 hour, 6 hours, 24 hours, 30 days, 3650 days}'::interval[]) AS job, liveness_candidates(job, 0, NULL);
SELECT is(count(*)::int, 6 * 2000, '2,000 are connected') FROM holds;

-- One provider
SELECT is(array_agg(provider_id || ' ' || job) FILTER (WHERE liveness_probability(provider_id, job) IS DISTINCT FROM probability), NULL, 'liveness_probability: as candidates, to the last bit')
FROM holds;
SELECT is(liveness_probability('p2', '1 hour'), NULL, 'stale: NULL');
SELECT is(liveness_probability('p1', '1 hour'), NULL, 'not connected: NULL');
SELECT is(liveness_probability('nobody', '1 hour'), NULL, 'unknown: NULL');
SELECT is(liveness_probability(NULL, '1 hour'), NULL, 'NULL: NULL');
SELECT isnt(liveness_probability('p5', '1 hour'), NULL, 'never heard of: taken at its word');

CREATE TEMP TABLE remaining AS
SELECT provider_id, p, liveness_remaining(provider_id, p) AS job
FROM unnest('{p0, p5, p7, p8, p9, p1999, p2100, new}'::text[]) AS provider_id, unnest('{0, 1e-300, 0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999}'::float8[]) AS p;
SELECT is(count(*) FILTER (WHERE job IS NULL), 0::bigint, 'liveness_remaining answers for whoever is connected') FROM remaining;
SELECT is(array_agg(format('%s %s %s', provider_id, p, job)) FILTER (WHERE job <= '3650 days' AND NOT liveness_probability(provider_id, job) >= p), NULL, 'the job holds with the probability') FROM remaining;
SELECT is(array_agg(format('%s %s %s', provider_id, p, job)) FILTER (WHERE job < '3650 days' AND NOT liveness_probability(provider_id, job + interval '3 microseconds') <= p), NULL, 'and a longer one does not') FROM remaining;
SELECT is(array_agg(format('%s %s %s', provider_id, p, job)) FILTER (WHERE job > before), NULL, 'the likelier, the shorter')
FROM (SELECT *, lag(job) OVER (PARTITION BY provider_id ORDER BY p) AS before FROM remaining) AS r;
SELECT is(liveness_remaining('p8', 0), '3650000 days', 'a probability of 0 holds for ever');
SELECT is(liveness_remaining('p8'), liveness_remaining('p8', 0.9), '0.9 is the default');
SELECT ok(abs(extract(epoch FROM liveness_remaining('p8', liveness_probability('p8', '1 hour'))) - 3600) < 0.001, 'the inverse: 1 hour');
SELECT is(liveness_remaining(id), NULL, format('NULL: %s', coalesce(id, 'NULL'))) FROM unnest('{p1, p2, nobody, NULL}'::text[]) AS id;

-- Where nobody ever fails, jobs of years hold
SAVEPOINT fleet;
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at) SELECT 'rock ' || n, now() - interval '3000 days', now() FROM generate_series(1, 100) AS n;
SELECT liveness_rollup_features(now() - interval '1 minute') > 0 AS rolled_up;
SELECT ok(liveness_probability('rock 1', '3650 days') BETWEEN 0.5 AND 0.999, 'steady machines may hold ten years');
SELECT ok(abs(extract(epoch FROM liveness_remaining('rock 1', liveness_probability('rock 1', '3649 days')) - interval '3649 days')) < 0.001, 'a job of ten years');
SELECT is(liveness_remaining('rock 1', liveness_probability('rock 1', '3650 days') - 1e-9), '3650000 days', 'is told apart from never');
SELECT is(segments, 1, 'which needs no checkpoint'), ok(expected_runtime BETWEEN '24 hours 5 minutes' AND '24 hours 6 minutes', 'and no restart') FROM liveness_checkpoint('rock 1', '24 hours', '5 minutes', '10 minutes');
ROLLBACK TO fleet;

SELECT ok(segments BETWEEN 2 AND 1000, 'liveness_checkpoint: several segments'), ok(abs(extract(epoch FROM every) - 86400.0 / segments) < 1e-6, 'of equal length'),
	ok(expected_runtime > interval '24 hours' + segments * interval '5 minutes', 'longer than without failures'),
	ok(abs(uninterrupted / liveness_probability('p8', '24 hours' + segments * interval '5 minutes') - 1) < 1e-9, 'uninterrupted: the probability of the whole run')
FROM liveness_checkpoint('p8', '24 hours', '5 minutes', '10 minutes');
SELECT is(array_agg(format('%s %s', a.segments, b.segments)) FILTER (WHERE a.expected_runtime > b.expected_runtime), NULL, 'dearer checkpoints take more time')
FROM unnest('{p0, p5, p7, p8, p9}'::text[]) AS id, liveness_checkpoint(id, '24 hours', '1 minute', '10 minutes') AS a, liveness_checkpoint(id, '24 hours', '2 minutes', '10 minutes') AS b;
SELECT is(liveness_checkpoint('p8', '1 hour', '1 minute'), liveness_checkpoint('p8', '1 hour', '1 minute', '0'), 'restarts cost nothing by default');
SELECT is(liveness_checkpoint(id, '1 hour', '1 minute'), NULL, format('NULL: %s', coalesce(id, 'NULL'))) FROM unnest('{p1, p2, nobody, NULL}'::text[]) AS id;

-- By index: no scan of a table, and few rows
CREATE FUNCTION reads(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint[];
	after bigint[];
BEGIN
	FOR i IN 1..2 LOOP
		SELECT array_agg(n ORDER BY what) INTO after
		FROM (
			SELECT 'scans' AS what, sum(pg_stat_get_xact_numscans(c)) AS n FROM unnest('{provider_sessions, provider_heartbeats, liveness_internal.liveness_provider_hazard, provider_groups}'::regclass[]) AS c
			UNION ALL SELECT 'tuples', sum(pg_stat_get_xact_tuples_fetched(c)) FROM unnest('{provider_sessions, provider_heartbeats, liveness_internal.liveness_provider_hazard, provider_groups}'::regclass[]) AS c
		) AS s;
		IF i = 1 THEN
			before := after;
			EXECUTE statement;
		END IF;
	END LOOP;
	RETURN format('%s scans, %s', after[1] - before[1], CASE WHEN after[2] - before[2] <= 100 THEN 'few rows' ELSE after[2] - before[2] || ' rows' END);
END
$$;
SELECT is(reads(s), '0 scans, few rows', s)
FROM unnest(ARRAY[$$SELECT liveness_probability('p8', '6 hours')$$, $$SELECT liveness_remaining('p8')$$, $$SELECT liveness_checkpoint('p8', '6 hours', '1 minute')$$,
	$$SELECT liveness_probability('p7', '6 hours')$$, $$SELECT liveness_probability('nobody', '6 hours')$$, $$SELECT liveness_remaining('p2')$$]) AS s;

-- Replicas and places are those of the computing function, among the candidates
INSERT INTO liveness_internal.liveness_shock_estimate (as_of, horizon, phi, psi, cuts, cases, pairs, group_pairs) VALUES (now(), '6 hours', 0.2, 0.6, 30, 1, 1, 1);
CREATE TEMP TABLE free AS
SELECT h.provider_id, g.group_name, h.probability FROM holds h LEFT JOIN provider_groups g USING (provider_id) WHERE job = '6 hours' ORDER BY h.probability DESC, h.provider_id;
CREATE FUNCTION by_candidates(jobs int, target float8, max_replicas int, exclude text[], whole boolean) RETURNS SETOF liveness_place_row LANGUAGE sql AS $$
	SELECT c.* FROM (SELECT array_agg(provider_id) AS ids, array_agg(group_name) AS gs, array_agg(probability) AS ps FROM (SELECT * FROM free WHERE provider_id <> ALL ($4) ORDER BY probability DESC, provider_id) AS f) AS f,
		liveness_internal.liveness_choose(ids, gs, ps, $1, $2, $3, 0.2, 0.6, $5) AS c
$$;
SELECT results_eq($$SELECT * FROM liveness_replicas('6 hours', 0.99999)$$, $$SELECT replica, provider_id, group_name, probability, joint FROM by_candidates(1, 0.99999, 10, '{}', false)$$, 'liveness_replicas');
SELECT results_eq($$SELECT * FROM liveness_replicas('6 hours', 1, 12, (SELECT array_agg(provider_id) FROM (SELECT provider_id FROM free LIMIT 100) AS f) || ARRAY[NULL, 'nobody'])$$,
	$$SELECT replica, provider_id, group_name, probability, joint FROM by_candidates(1, 1, 12, (SELECT array_agg(provider_id) FROM (SELECT provider_id FROM free LIMIT 100) AS f), false)$$, 'without those excluded, NULL and unknown ones among them');
SELECT results_eq($$SELECT * FROM liveness_place(300, '6 hours', 0.97)$$, $$SELECT * FROM by_candidates(300, 0.97, 12, '{}', true)$$, 'liveness_place');
SELECT results_eq($$SELECT * FROM liveness_place(3000, '6 hours', exclude => NULL)$$, $$SELECT * FROM by_candidates(3000, 0, 12, '{}', true)$$, 'more jobs than machines, and none excluded');
SELECT is(count(*)::int, 2000, 'each machine has a job') FROM liveness_place(3000, '6 hours');
SELECT is(count(*)::int, 1, 'a target of 0: the likeliest') FROM liveness_replicas('6 hours', 0);
SELECT is(count(*) - count(DISTINCT provider_id), 0::bigint, 'no machine has two'), cmp_ok(count(DISTINCT job_no)::int, '>', 100, 'of many jobs') FROM liveness_place(300, '6 hours', 0.97);
SELECT is(count(*)::int, 0, 'no job') FROM liveness_place(0, '6 hours');
SELECT is(count(*)::int, 12, 'twelve replicas') FROM liveness_replicas('24 hours', 1, 12);

-- At risk
SELECT results_eq($$SELECT provider_id, session_id, connected_at, probability, group_name, coordinator_id FROM liveness_at_risk('24 hours', 0.15)$$,
	$$SELECT h.provider_id, h.session_id, h.connected_at, 1 - h.probability, g.group_name, h.coordinator_id FROM holds h LEFT JOIN provider_groups g USING (provider_id)
		WHERE job = '24 hours' AND 1 - h.probability >= 0.15 ORDER BY h.probability, h.provider_id$$, 'liveness_at_risk: the candidates that do not hold');
SELECT cmp_ok(count(*)::int, '>', 100, 'and there are some') FROM liveness_at_risk('24 hours', 0.15);
SELECT is(count(*)::int, 2000, 'all are at a risk of 0') FROM liveness_at_risk(probability => 0);
SELECT results_eq('SELECT liveness_at_risk()', $$SELECT liveness_at_risk('1 hour', 0.5)$$, 'an hour and a half by default');

-- What the rollup knew of p9 does not fit: an end was noted late
UPDATE provider_sessions SET disconnected_at = now() - interval '2 minutes', disconnect_reason = 'read_error' WHERE provider_id = 'p9' AND disconnected_at IS NULL;
INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at) VALUES ('p9', 'c1', now() - interval '90 s');
SELECT is(array_agg(c.provider_id) FILTER (WHERE p.probability IS DISTINCT FROM c.probability), NULL, 'a join: as candidates, to the last bit'),
	is(count(p.probability) FILTER (WHERE c.provider_id = 'p9' AND c.age_seconds = 90), 1::bigint, 'where the sessions tell more than the rollup knew, too')
FROM liveness_candidates('6 hours', 0, NULL) AS c CROSS JOIN LATERAL liveness_probability(c.provider_id, '6 hours') AS p (probability);

-- PL/pgSQL keeps an expression for a transaction, and what was read for one snapshot must not be used in the next
CREATE FUNCTION twice(OUT agree boolean[], OUT likely float8[]) LANGUAGE plpgsql AS $$
DECLARE
	p float8;
BEGIN
	FOR i IN 1..2 LOOP
		p := liveness_probability('p8', '6 hours');
		likely := likely || p;
		agree := agree || (SELECT c.probability = p FROM liveness_candidates('6 hours', 0, NULL) AS c WHERE c.provider_id = 'p8');
		UPDATE liveness_internal.liveness_fleet_hazard SET hazard = (SELECT array_agg(CASE WHEN n <= 96 THEN 2 * x ELSE x END ORDER BY n) FROM unnest(hazard) WITH ORDINALITY AS u (x, n));
	END LOOP;
END
$$;
SELECT ok(agree = '{t, t}' AND likely[2] < likely[1], 'a change in the same transaction is seen at once') FROM twice();

-- Bad input: an error of the argument, that says what to give
SELECT throws_ok('SELECT ' || replace(call, '?', quote_nullable(value) || '::interval'), CASE WHEN value IS NULL THEN '22004' ELSE '22023' END, NULL, format('%s: %s', replace(call, '?', 'span'), coalesce(value, 'NULL')))
FROM unnest(ARRAY[NULL, '0', '-1 hour', '3651 days', '178000000 years']) AS value,
	unnest(ARRAY['liveness_probability(''p8'', ?)', 'liveness_checkpoint(''p8'', ?, ''1 minute'')', 'liveness_checkpoint(''nobody'', ''1 hour'', ?)', 'liveness_replicas(?)', 'liveness_place(1, ?)', 'liveness_at_risk(?)']) AS call;
SELECT throws_ok('SELECT ' || replace(call, '?', quote_nullable(value) || '::float8'), CASE WHEN value IS NULL THEN '22004' ELSE '22023' END, NULL, format('%s: %s', replace(call, '?', 'p'), coalesce(value, 'NULL')))
FROM unnest(ARRAY[NULL, '-0.1', '1.1', 'NaN', 'infinity', '-infinity']) AS value,
	unnest(ARRAY['liveness_remaining(''nobody'', ?)', 'liveness_replicas(''1 hour'', ?)', 'liveness_place(1, ''1 hour'', ?)', 'liveness_at_risk(''1 hour'', ?)']) AS call;
SELECT throws_ok(format('SELECT liveness_replicas(%L, 0.9, %s)', '1 hour', n), CASE n WHEN 'NULL' THEN '22004' ELSE '22023' END, NULL, 'max_replicas ' || n) FROM unnest('{0, 13, -1, "NULL"}'::text[]) AS n;
SELECT throws_ok(format('SELECT liveness_place(%s, %L)', n, '1 hour'), CASE n WHEN 'NULL' THEN '22004' ELSE '22023' END, NULL, 'jobs ' || n) FROM unnest('{-1, "NULL"}'::text[]) AS n;
SELECT throws_ok($$SELECT liveness_checkpoint('p8', '1 hour', '1 minute', '-1 minute')$$, '22023', NULL, 'restarts do not save time');
SELECT throws_ok($$SELECT liveness_checkpoint('p8', '1 hour', '1 minute', NULL)$$, '22004', NULL, 'nor do they take NULL');

-- Nobody is there, and nothing is known
DELETE FROM provider_sessions;
SELECT is_empty($$SELECT liveness_replicas('1 hour')$$, 'no replicas'), is_empty($$SELECT liveness_place(1, '1 hour')$$, 'no places'), is_empty('SELECT liveness_at_risk()', 'no risk');
SELECT throws_ok($$SELECT liveness_replicas('-1 hour')$$, '22023', NULL, 'arguments are checked all the same');
DELETE FROM liveness_internal.liveness_fleet_hazard;
SELECT throws_ok('SELECT ' || call, '55000', NULL, 'no rollup: ' || call)
FROM unnest(ARRAY['liveness_probability(''p8'', ''1 hour'')', 'liveness_remaining(''p8'')', 'liveness_checkpoint(''p8'', ''1 hour'', ''1 minute'')', 'liveness_replicas(''1 hour'')', 'liveness_place(1, ''1 hour'')', 'liveness_at_risk()']) AS call;

SELECT * FROM finish();
ROLLBACK;
