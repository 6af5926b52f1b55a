-- Replicas and places: joint probabilities against inclusion and exclusion in numeric, and every choice against all others
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL jit = off;
SELECT plan(49);

CREATE FUNCTION nobody(probabilities float8[], groups text[], phi float8 DEFAULT 0.2, psi float8 DEFAULT 0.6) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$SELECT liveness_internal.liveness_none_holds($1, $2, $3, $4)$$;

-- By hand: phi .2, psi .6.  A pair of .9 in one group holds with .9^1.4, for the loads of the shocks count once; in two groups with .9^1.8
SELECT is(round(nobody('{.9, .9}', '{a, a}')::numeric, 5), 0.06286, 'two of .9 in one group: neither holds');
SELECT ok(abs(nobody('{.9, .9}', '{a, a}') - (1 - 1.8::float8 + power(0.9::float8, 1.4::float8))) < 1e-15, 'which is 1 - 2 x .9 + .9^1.4');
SELECT is(round(nobody('{.9, .9}', '{a, b}')::numeric, 5), 0.02725, 'in two groups');
SELECT is(round(nobody('{.9, .9}', '{a, a}', 0, 0)::numeric, 5), 0.01000, 'on their own');
SELECT is(round(nobody('{.9, .9, .9}', '{a, b, c}')::numeric, 5), 0.02137, 'three in three groups');
SELECT is(round(nobody('{.9, .9, .9}', '{a, b, b}')::numeric, 5), 0.02425, 'three in two groups');
SELECT is(round(nobody('{.99, .99}', '{a, a}')::numeric, 5), 0.00603, 'two of .99 in one group');
SELECT is(round(nobody('{.99, .99}', '{a, b}')::numeric, 5), 0.00207, 'two of .99 in two groups');
SELECT is(nobody('{.9, .9}', '{NULL, NULL}'), nobody('{.9, .9}', '{a, b}'), 'who has no group is one by itself');
SELECT is(nobody('{.9, .9}', '{a, a}', 0.6, 0.6), nobody('{.9, .9}', '{a, b}', 0.6, 0.6), 'without a share of its own the group does not matter');
SELECT is(round(nobody('{.9, .8, .7}', '{a, b, c}', 1, 1)::numeric, 12), 0.1, 'what the fleet shares wholly is the best one''s');
SELECT is(nobody('{}', '{}'), 1::float8, 'of nobody none holds');
SELECT is(nobody('{0}', '{NULL}'), 1 - 1e-12::float8, 'a probability below 1e-12 counts as 1e-12');
SELECT is(nobody('{1, 0.5}', '{NULL, NULL}'), 0::float8, 'with one that is certain none is impossible');
SELECT is(nobody('{0.9, NULL}', '{NULL, NULL}'), NULL, 'NULL for a NULL');

-- Inclusion and exclusion over all subsets, with 60 decimals
CREATE FUNCTION by_inclusion(probabilities float8[], groups text[], phi numeric, psi numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
	WITH member AS (
		SELECT i::int - 1 AS bit, coalesce('g' || g, 'i' || i) AS g, -ln(CASE WHEN p < 0.5 THEN p::text::numeric ELSE 1 - (1 - p)::text::numeric END::numeric(80, 60)) AS load
		FROM unnest(probabilities, groups) WITH ORDINALITY AS m (p, g, i)
	), by_group AS (
		SELECT t, m.g, max(load) AS most, sum(load) AS whole, count(*) AS n
		FROM generate_series(0, (1 << cardinality(probabilities)) - 1) AS t
		LEFT JOIN member m ON (t >> m.bit) & 1 = 1
		GROUP BY t, m.g
	), subset AS (
		SELECT coalesce(exp((-phi * max(most) - (psi - phi) * sum(most) - (1 - psi) * sum(whole))::numeric(80, 60)), 1) AS all_hold,
			CASE WHEN t = 0 THEN 0 ELSE sum(n) END AS n
		FROM by_group
		GROUP BY t
	)
	SELECT sum(CASE WHEN n % 2 = 0 THEN all_hold ELSE -all_hold END) FROM subset
$$;
CREATE TABLE sets (n int, p float8[], g text[], phi numeric, psi numeric);
INSERT INTO sets
SELECT n, array_agg(CASE WHEN n % 2 = 0 THEN 1 - 10 ^ (-6 * u) ELSE u END::float8 ORDER BY i), array_agg(CASE WHEN v < 5 THEN 'g' || v END ORDER BY i),
	(n % 3) * 0.15, (n % 3) * 0.15 + (n % 4) * 0.17
FROM generate_series(1, 40) AS n, generate_series(1, 1 + n % 6) AS i,
	LATERAL (SELECT (abs(hashint8extended(i, n)) % 999983 + 1) / 999985.0 AS u, abs(hashint8extended(i, -n)) % 7 AS v) AS r
GROUP BY n;
INSERT INTO sets VALUES
	(100, array_fill(0.999999::float8, '{7}'), '{a, a, b, b, c, d, NULL}', 0, 0),
	(101, array_fill(0.999999::float8, '{7}'), '{a, a, b, b, c, d, NULL}', 0.001, 0.01),
	(102, '{0.999999999, 0.5, 0.999999, 0.9999, 1e-9}', '{a, a, b, b, a}', 0.2, 0.6),
	(103, '{0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.95, 0.85, 0.75}', '{a, b, c, a, b, c, a, b, c, NULL, NULL, a}', 0.2, 0.6);
CREATE TABLE compared AS
SELECT n, nobody(p, g, phi::float8, psi::float8) AS ours, by_inclusion(p, g, phi, psi) AS exact FROM sets;
SELECT is(count(*)::int, 44, 'so many sets were compared') FROM compared;
SELECT is(array_agg(n ORDER BY n) FILTER (WHERE NOT abs(ours / exact - 1) < 1e-12), NULL, 'as inclusion and exclusion say, to twelve digits') FROM compared;
SELECT ok(min(exact) < 1e-40, 'however small the chance is') FROM compared;
SELECT ok(abs(nobody(array_fill(0.999::float8, '{12}'), array_fill(NULL::text, '{12}'), 0, 0) / 1e-36 - 1) < 1e-10, 'twelve of .999 on their own: 1e-36');

-- Placement
CREATE TABLE fleet (provider_id text, g text, p float8);
CREATE FUNCTION place(jobs int, target float8, max_replicas int DEFAULT 12, phi float8 DEFAULT 0.2, psi float8 DEFAULT 0.6, whole_jobs boolean DEFAULT true)
RETURNS SETOF liveness_place_row LANGUAGE sql AS $$
	SELECT r.*
	FROM (SELECT array_agg(provider_id ORDER BY p DESC, provider_id) AS ids, array_agg(g ORDER BY p DESC, provider_id) AS g, array_agg(p ORDER BY p DESC, provider_id) AS p FROM fleet) AS f,
		liveness_internal.liveness_choose(coalesce(ids, '{}'), coalesce(f.g, '{}'), coalesce(f.p, '{}'), $1, $2, $3, $4, $5, $6) AS r
$$;
-- The same with every free provider tried, in each step
CREATE FUNCTION try_all(jobs int, target float8, max_replicas int DEFAULT 12, phi float8 DEFAULT 0.2, psi float8 DEFAULT 0.6, whole_jobs boolean DEFAULT true)
RETURNS SETOF liveness_place_row LANGUAGE plpgsql AS $$
DECLARE
	taken text[] := '{}';
	ids text[];
	gs text[];
	ps float8[];
	rows liveness_place_row[];
	best record;
	prior float8;
BEGIN
	FOR job IN 1..jobs LOOP
		ids := '{}'; gs := '{}'; ps := '{}'; rows := '{}';
		prior := 0;
		WHILE cardinality(ids) < max_replicas AND (cardinality(ids) = 0 OR prior < target) LOOP
			SELECT provider_id, f.g, f.p, nobody(ps || f.p, gs || f.g, phi, psi) AS n INTO best
			FROM fleet f
			WHERE provider_id <> ALL (taken || ids)
			ORDER BY n, f.p DESC, provider_id
			LIMIT 1;
			EXIT WHEN NOT FOUND;
			ids := ids || best.provider_id; gs := gs || best.g; ps := ps || best.p;
			prior := CASE WHEN cardinality(ids) = 1 THEN best.p ELSE 1 - best.n END;
			rows := rows || (job, cardinality(ids), best.provider_id, best.g, best.p, prior)::liveness_place_row;
		END LOOP;
		EXIT WHEN whole_jobs AND (cardinality(ids) = 0 OR prior < target);
		taken := taken || ids;
		RETURN QUERY SELECT * FROM unnest(rows);
	END LOOP;
END
$$;
CREATE FUNCTION differences(jobs int, target float8, max_replicas int DEFAULT 12, phi float8 DEFAULT 0.2, psi float8 DEFAULT 0.6, whole_jobs boolean DEFAULT true)
RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s: %s %s', job_no, replica, o, a), ', ')
	FROM (SELECT job_no, replica, format('%s %s %s %s', provider_id, group_name, probability, round(joint::numeric, 12)) AS o FROM place($1, $2, $3, $4, $5, $6)) AS o
	FULL JOIN (SELECT job_no, replica, format('%s %s %s %s', provider_id, group_name, probability, round(joint::numeric, 12)) AS a FROM try_all($1, $2, $3, $4, $5, $6)) AS a USING (job_no, replica)
	WHERE o IS DISTINCT FROM a
$$;
CREATE FUNCTION chosen(jobs int, target float8, max_replicas int DEFAULT 12, phi float8 DEFAULT 0.2, psi float8 DEFAULT 0.6, whole_jobs boolean DEFAULT true) RETURNS text LANGUAGE sql AS
$$SELECT string_agg(ids, ' | ' ORDER BY job_no) FROM (SELECT job_no, string_agg(provider_id, ' ' ORDER BY replica) AS ids FROM place($1, $2, $3, $4, $5, $6) GROUP BY job_no) AS j$$;

-- By hand
INSERT INTO fleet VALUES ('a1', 'a', 0.95), ('a2', 'a', 0.95), ('b1', 'b', 0.4), ('b2', 'b', 0.35), ('c', NULL, 0.3);
SELECT is(chosen(1, 0), 'a1', 'one job without a target: the likeliest, the lesser name of two');
SELECT is(chosen(1, 0.95), 'a1', 'a target that one reaches');
-- a1 and a2 fail together with 1 - 1.9 + .95^1.4 = .0307; a1 and b1 with 1 - 1.35 + .95^.8 x .4 = .0339
SELECT is(chosen(1, 0.96), 'a1 a2', 'a likelier one of the same group can be better than one of another');
SELECT is(chosen(1, 0.96, 12, 0.2, 0.8), 'a1 b1', 'but not where a group falls together: 1 - 1.9 + .95^1.2 = .0403');
SELECT is(chosen(5, 0), 'a1 | a2 | b1 | b2 | c', 'jobs without a target: each on the likeliest that is left');
SELECT is(chosen(6, 0), 'a1 | a2 | b1 | b2 | c', 'one more than there are machines');
SELECT is(chosen(1, 1), NULL, 'a job that cannot reach its target takes none');
SELECT is(cardinality(string_to_array(chosen(1, 1, 3, 0.2, 0.8, false), ' ')), 3, 'unless what there is was asked for: three replicas at most');
SELECT is(chosen(0, 0), NULL, 'no job');
SELECT is((SELECT joint FROM place(1, 0.9)), 0.95::float8, 'one replica holds with its own probability');
DELETE FROM fleet;
SELECT is(chosen(3, 0), NULL, 'nobody is there');

-- 40 at random, in seven groups and none; ties among them
INSERT INTO fleet
SELECT 'p' || i, CASE WHEN v < 7 THEN 'g' || v END, round((0.3 + 0.69 * u)::numeric, 2)
FROM generate_series(1, 40) AS i, LATERAL (SELECT (abs(hashint8extended(i, 1)) % 1000) / 1000.0 AS u, abs(hashint8extended(i, 2)) % 10 AS v) AS r;
SELECT is(differences(50, 0), NULL, 'as with all tried: no target');
SELECT is(differences(50, 0.9), NULL, 'as with all tried: target .9');
SELECT is(differences(50, 0.99), NULL, 'as with all tried: target .99');
SELECT is(differences(50, 0.999, 12, 0.05, 0.9), NULL, 'as with all tried: target .999, groups that fall together');
SELECT is(differences(50, 0.99999, 12, 0, 0), NULL, 'as with all tried: on their own');
SELECT is(differences(3, 1, 7, 0.1, 0.5, false), NULL, 'as with all tried: seven replicas, whatever they reach');
SELECT cmp_ok((SELECT count(DISTINCT job_no)::int FROM place(50, 0.9)), '>=', 10, 'and jobs were placed');
SELECT is((SELECT count(*) - count(DISTINCT provider_id) FROM place(50, 0.9)), 0::bigint, 'on distinct providers');
SELECT is((SELECT count(*) FROM liveness_internal.liveness_choose('{a, b}', '{a, b}', '{.2, .1}', 2147483647, 0, 1, 0, 0, false)), 2::bigint, 'two billion jobs end where nobody is free');

-- Bad input
SELECT throws_ok($$SELECT nobody('{.9}', '{a}', $$ || shares || ')', '22023', NULL, 'shock shares ' || shares)
FROM unnest('{"0.5, 0.4", "-0.1, 0", "0, 1.1", "''NaN'', 1", "0, ''infinity''"}'::text[]) AS shares;
SELECT throws_ok($$SELECT nobody(array_fill(0.9::float8, '{13}'), array_fill('a'::text, '{13}'))$$, '22023', '13 replicas are too many', 'more than twelve');
SELECT throws_ok($$SELECT nobody('{.9, .9}', '{a}')$$, '22023', NULL, 'a group for each');
SELECT throws_ok($$SELECT nobody('{1.5}', '{a}')$$, '22023', NULL, 'no probability');
SELECT throws_ok($$SELECT nobody('{NaN}', '{a}')$$, '22023', NULL, 'NaN is none either');
SELECT throws_ok($$SELECT liveness_internal.liveness_choose('{a, b}', '{a, b}', '{.1, .2}', 1, 0, 1, 0, 0, true)$$, '22023', NULL, 'providers must be sorted');

SELECT * FROM finish();
ROLLBACK;
