-- How far providers fall together: the shares that were estimated, and the estimate
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL client_min_messages = warning;
SELECT * FROM no_plan();

SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares() s', 'VALUES (0::float8, 0::float8)', 'nothing was estimated: independence');
-- an estimate of an earlier day, as a restore may leave it, and that of today
INSERT INTO liveness_internal.liveness_shock_estimate (as_of, horizon, phi, psi, cuts, cases, pairs, group_pairs) VALUES
	('2026-01-01 00:00+00', '1 hour', 0.9, 0.9, 1, 1, 1, 1),
	('2026-01-02 00:00+00', '1 hour', 0.1, 0.2, 1, 1, 1, 1), ('2026-01-02 00:00+00', '6 hours', 0.2, 0.6, 1, 1, 1, 1), ('2026-01-02 00:00+00', '24 hours', 0.4, 0.7, 1, 1, 1, 1);
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares() s', 'VALUES (0.2::float8, 0.6::float8)', 'six hours are the default, and the latest estimate counts');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(1) s', 'VALUES (0.1::float8, 0.2::float8)', 'a job shorter than the first horizon has its shares');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(30 * 86400000000) s', 'VALUES (0.4::float8, 0.7::float8)', 'a longer one than the last those of the last');
-- 12 h are half way from 6 h to 24 h in the logarithm
SELECT results_eq('SELECT round(s.phi::numeric, 9), round(s.psi::numeric, 9) FROM liveness_internal.liveness_shock_shares(12 * 3600000000) s', 'VALUES (0.3, 0.65)', 'between two the logarithm of the job counts');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares(NULL) s', 'VALUES (0.1::float8, 0.2::float8)', 'NULL is the shortest');

-- ---------- the estimate, from cases that come from the model itself ----------

-- A shock of exponential strength ends all whose share of the load is greater
SELECT setseed(0.2);
CREATE FUNCTION pg_temp.cases(phi float8, psi float8, cuts int, providers int) RETURNS TABLE (cut int, group_no int, load float8, held boolean) LANGUAGE sql VOLATILE AS $$
	WITH fleet AS MATERIALIZED (SELECT c, -ln(1 - random()) AS shock FROM generate_series(1, cuts) c),
	together AS MATERIALIZED (SELECT c, g, -ln(1 - random()) AS shock FROM generate_series(1, cuts) c, generate_series(0, 3) g)
	SELECT f.c, p % 4, l.load, f.shock > phi * l.load AND t.shock > (psi - phi) * l.load AND -ln(1 - random()) > (1 - psi) * l.load
	FROM fleet f CROSS JOIN generate_series(0, providers - 1) p CROSS JOIN LATERAL (SELECT (ARRAY[0.05, 0.3, 1.2])[1 + p % 3]::float8 AS load) l JOIN together t ON t.c = f.c AND t.g = p % 4
$$;
CREATE TEMP TABLE told AS
	SELECT phi, psi, (liveness_internal.liveness_shocks(k.cut, k.group_no, k.load, k.held)).*
	FROM (VALUES (0::float8, 0::float8), (0.2, 0.2), (0.5, 0.5), (0.2, 0.6), (0.5, 1)) v (phi, psi), pg_temp.cases(phi, psi, 3000, 24) k GROUP BY phi, psi;
SELECT cmp_ok(abs(phi_estimate - phi), '<', 0.03::float8, format('a share %s of the fleet is found', phi)) FROM told WHERE psi = phi ORDER BY phi;
-- phi is that of all pairs, and 5 of 23 others are of the same group
SELECT cmp_ok(phi_estimate, '>', phi, 'where groups fall together more, all pairs do so a little more') FROM told WHERE psi > phi ORDER BY phi;
SELECT cmp_ok(phi_estimate, '<', phi + (psi - phi) * 5 / 23 + 0.03, 'but not more than their share') FROM told WHERE psi > phi ORDER BY phi;
SELECT cmp_ok(abs(psi_estimate - psi), '<', 0.05::float8, format('a share %s of a group is found', psi)) FROM told ORDER BY phi, psi;
SELECT is_empty('SELECT * FROM told WHERE NOT phi_error BETWEEN 0.0001 AND 0.03 OR NOT psi_error BETWEEN 0.0001 AND 0.04', 'with errors that tell how far off they are');
-- 24 of a cut make 276 pairs, 6 of a group 15
SELECT results_eq('SELECT DISTINCT cuts, cases, pairs, group_pairs FROM told', 'VALUES (3000, 72000::bigint, 828000::bigint, 180000::bigint)', 'all pairs of a cut, and of a cut and a group');
SELECT results_eq('SELECT DISTINCT round(stated::numeric, 9) FROM told', 'SELECT round((exp(-0.05) + exp(-0.3) + exp(-1.2))::numeric / 3, 9)', 'what the model said');

-- The same by pairs of rows, for loads that are twice too low.  The loads are in bins of their own, so that bins change nothing.
CREATE TEMP TABLE k AS SELECT row_number() OVER () AS id, cut, CASE WHEN group_no < 3 THEN group_no END AS group_no, load / 2 AS load, held, (cut - 1) / 6 AS block FROM pg_temp.cases(0.3, 0.5, 60, 24);
CREATE FUNCTION pg_temp.scale() RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE low float8 := 0; high float8 := 20;
BEGIN
	FOR i IN 1..60 LOOP
		IF (SELECT (sum(exp(-(low + high) / 2 * load)) + 0.5) / (count(*) + 1) > (count(*) FILTER (WHERE held) + 0.5) / (count(*) + 1) FROM k) THEN low := (low + high) / 2; ELSE high := (low + high) / 2; END IF;
	END LOOP;
	RETURN low;
END $$;
CREATE TEMP TABLE scaled AS SELECT k.*, exp(-k.load * s) AS p, k.load * s AS l FROM k, pg_temp.scale() s;
SELECT cmp_ok(abs(s - 2), '<', 0.5::float8, 'that they are too low is seen') FROM pg_temp.scale() s;
CREATE FUNCTION pg_temp.share(within_group boolean, leave int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE low float8 := -1; high float8 := 1; wanted float8;
BEGIN
	CREATE TEMP TABLE pair ON COMMIT DROP AS SELECT a.p * b.p AS pp, least(a.l, b.l) AS l, count(*) AS n FROM scaled a JOIN scaled b ON b.cut = a.cut AND b.id <> a.id AND (NOT within_group OR b.group_no = a.group_no) WHERE a.block <> leave GROUP BY 1, 2;
	SELECT sum(u.together) INTO wanted FROM (SELECT (sum(held::int) - sum(p)) ^ 2 - sum(p * (1 - p)) AS together FROM scaled WHERE block <> leave AND (NOT within_group OR group_no IS NOT NULL)
		GROUP BY cut, CASE WHEN within_group THEN group_no END) u;
	FOR i IN 1..50 LOOP
		IF (SELECT sum(n * pp * (exp((low + high) / 2 * l) - 1)) < wanted FROM pair) THEN low := (low + high) / 2; ELSE high := (low + high) / 2; END IF;
	END LOOP;
	DROP TABLE pair;
	RETURN low;
END $$;
CREATE TEMP TABLE ours AS SELECT (liveness_internal.liveness_shocks(cut, group_no, load, held)).* FROM k;
SELECT cmp_ok(abs(phi_estimate - pg_temp.share(false, -1)), '<', 1e-9::float8, 'phi solves the equation over all pairs') FROM ours;
SELECT cmp_ok(abs(psi_estimate - pg_temp.share(true, -1)), '<', 1e-9::float8, 'psi that over the pairs of a group') FROM ours;
-- ten blocks of six cuts: the jackknife's error is the root of 9/10 of the squared differences
SELECT cmp_ok(abs(o.phi_error - (SELECT sqrt(0.9 * 10 * var_pop(pg_temp.share(false, b))) FROM generate_series(0, 9) b)), '<', 1e-9::float8, 'its error is that of the jackknife over ten blocks') FROM ours o;
SELECT results_eq('SELECT group_pairs FROM ours', 'VALUES (60 * 3 * 15::bigint)', 'who has no group has no pair in one');

-- Nothing to tell
SELECT results_eq('SELECT (liveness_internal.liveness_shocks(1, 1, NULL, true)).*', 'VALUES (NULL::float8, NULL::float8, NULL::float8, NULL::float8, 0, 0::bigint, 0::bigint, 0::bigint, NULL::float8, NULL::float8)', 'no case');
SELECT results_eq('SELECT phi_estimate, phi_error, psi_estimate, cuts, pairs FROM (SELECT (liveness_internal.liveness_shocks(1, NULL, 0.1, true)).*) s', 'VALUES (NULL::float8, NULL::float8, NULL::float8, 1, 0::bigint)', 'one case');
SELECT results_eq($$SELECT phi_estimate = -1, phi_error, cuts FROM (SELECT (liveness_internal.liveness_shocks(1, NULL, 0.1, n = 1)).* FROM generate_series(1, 2) n) s$$, 'VALUES (true, NULL::float8, 1)', 'one cut: no error');
SELECT throws_ok(format('SELECT liveness_internal.liveness_shocks(1, 1, %L, true)', v), '22023', NULL, 'a load of ' || v) FROM unnest('{NaN,-1,Infinity}'::text[]) v;

-- ---------- the estimate of a fleet ----------

-- 120 providers in 12 groups for 45 days, each up for 20 hours on average.  Shocks of the fleet, of groups and of single
-- providers come at random; half an hour later whoever was met is up again.
CREATE FUNCTION pg_temp.make_fleet(phi float8, psi float8) RETURNS void LANGUAGE sql AS $$
	TRUNCATE provider_sessions, provider_groups;
	INSERT INTO provider_groups SELECT 'p' || p, 'g' || p % 12 FROM generate_series(1, 120) p;
	WITH RECURSIVE shock AS MATERIALIZED (
		-- times in hours, of the fleet (0), of the groups (1 to 12) and of the providers (13 on)
		SELECT k, sum(-ln(1 - random()) * 20 / nullif(CASE WHEN k = 0 THEN phi WHEN k <= 12 THEN psi - phi ELSE 1 - psi END, 0)) OVER (PARTITION BY k ORDER BY n) AS at
		FROM generate_series(0, 132) k, generate_series(1, 120) n
	), met AS (
		SELECT p, s.at, lead(s.at) OVER (PARTITION BY p ORDER BY s.at) AS next
		FROM generate_series(1, 120) p JOIN shock s ON s.k IN (0, 1 + p % 12, 12 + p)
		WHERE s.at < 1080
	)
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || p, '2026-01-15 00:00+00'::timestamptz + (at + 0.5) * interval '1 hour', '2026-01-15 00:00+00'::timestamptz + next * interval '1 hour', 'read_error'
	FROM met WHERE next > at + 0.5 OR next IS NULL;
$$;
SELECT setseed(0.1);
CREATE TEMP TABLE fleets AS SELECT 0::float8 AS phi_true, 0::float8 AS psi_true, e.* FROM liveness_internal.liveness_shock_estimate e;
CREATE FUNCTION pg_temp.estimate(phi float8, psi float8) RETURNS void LANGUAGE sql AS $$
	SELECT pg_temp.make_fleet($1, $2);
	INSERT INTO fleets SELECT $1, $2, e.* FROM liveness_internal.liveness_estimate_shocks('2026-03-01 00:00+00') e;
$$;
TRUNCATE fleets;
SELECT pg_temp.estimate(phi, psi) FROM (VALUES (0::float8, 0::float8), (0.3, 0.3), (0, 0.6)) v (phi, psi);
SELECT results_eq('SELECT phi_true, psi_true, count(*), min(horizon), max(horizon), bool_and(as_of = ''2026-03-01 00:00+00'') FROM fleets GROUP BY 1, 2 ORDER BY 1, 2',
	$$VALUES (0::float8, 0::float8, 3::bigint, interval '1 hour', interval '1 day', true), (0, 0.6, 3, '1 hour', '1 day', true), (0.3, 0.3, 3, '1 hour', '1 day', true)$$, 'a row for each of three horizons');
SELECT is_empty('SELECT * FROM fleets WHERE NOT phi BETWEEN 0 AND psi OR NOT psi BETWEEN 0 AND 1', 'shares are shares, and a group has no less in common than the fleet');
SELECT is_empty('SELECT * FROM fleets WHERE cuts > 30 OR cuts < 29 OR cases > 900 OR pairs > cases * 15 OR group_pairs > pairs', 'a quarter of 120 at 30 cuts');
SELECT cmp_ok(max(phi), '<', 0.03::float8, 'independent providers have next to nothing in common') FROM fleets WHERE psi_true = 0;
SELECT cmp_ok(max(psi), '<', 0.06::float8, 'nor have their groups') FROM fleets WHERE psi_true = 0;
SELECT cmp_ok(abs(phi - 0.3), '<', 0.15::float8, 'a fleet that falls together does so in the estimate for a day') FROM fleets WHERE phi_true = 0.3 AND horizon = '1 day';
SELECT cmp_ok(abs(psi - 0.6), '<', 0.15::float8, 'groups that fall together do so, too') FROM fleets WHERE psi_true = 0.6 AND horizon = '1 day';
SELECT cmp_ok(phi, '<', 0.15::float8, 'which makes no fleet fall together') FROM fleets WHERE psi_true = 0.6 AND horizon = '1 day';

-- What the job does, once a day
DELETE FROM liveness_internal.liveness_shock_estimate;
INSERT INTO liveness_internal.liveness_shock_estimate (as_of, horizon, phi, psi, cuts, cases, pairs, group_pairs) VALUES ('2098-01-01 00:00+00', '1 hour', 1, 1, 1, 1, 1, 1);
SELECT results_eq($$SELECT liveness_internal.liveness_run_shocks('2026-03-01 00:00+00'), liveness_internal.liveness_run_shocks('2026-03-01 23:59+00')$$, 'VALUES (true, false)', 'the job estimates anew, but not within a day');
SELECT results_eq('SELECT as_of, horizon, phi, psi FROM liveness_internal.liveness_shock_estimate ORDER BY horizon', 'SELECT as_of, horizon, phi, psi FROM fleets WHERE psi_true = 0.6 ORDER BY horizon', 'and replaces what was there, of a clock ahead too');
SELECT results_eq('SELECT s.phi, s.psi FROM liveness_internal.liveness_shock_shares() s', $$SELECT phi, psi FROM fleets WHERE psi_true = 0.6 AND horizon = '6 hours'$$, 'from then on placement knows');
SELECT ok(liveness_internal.liveness_run_shocks('2026-03-02 00:00+00'), 'a day later it does so again');

-- The view of the model: no row before a rollup; then the array's numbers, the bins of age being those of 1, 6, 24 and 168 h
SELECT is_empty('SELECT * FROM liveness_model', 'nothing was learned yet');
SELECT liveness_rollup_features('2026-03-01 00:00+00');
SELECT results_eq('SELECT providers, spells > 4000, frailty_prior, hour_prior, phi, psi, shocks_as_of FROM liveness_model',
	$$SELECT 120::bigint, true, hazard[265], hazard[266], phi, psi, '2026-03-02 00:00+00'::timestamptz FROM liveness_internal.liveness_fleet_hazard, liveness_internal.liveness_shock_shares()$$, 'then what was');
-- 37.5 s x 2^((j - 1) / 4) <= age < 37.5 s x 2^(j / 4)
SELECT results_eq('SELECT failures_per_day_1h, failures_per_day_6h, failures_per_day_1d, failures_per_day_7d FROM liveness_model',
	$$SELECT 86400 * max(hazard[j + 1]) FILTER (WHERE a = 1), 86400 * max(hazard[j + 1]) FILTER (WHERE a = 6), 86400 * max(hazard[j + 1]) FILTER (WHERE a = 24), 86400 * max(hazard[j + 1]) FILTER (WHERE a = 168)
	FROM liveness_internal.liveness_fleet_hazard, generate_series(1, 95) j, unnest(ARRAY[1, 6, 24, 168]) a WHERE 37.5 * 2 ^ ((j - 1) / 4.0) <= a * 3600 AND a * 3600 < 37.5 * 2 ^ (j / 4.0)$$, 'and the hazard at four ages');
-- an hour or a day old, these spells fail 1.2 times a day
SELECT cmp_ok(abs(failures_per_day_6h - 1.2), '<', 0.2::float8, 'which is that of the fleet') FROM liveness_model;

-- Quantiles of how many hold, by hand: of two that hold with 1/2 each, none, one and two with 1/4, 1/2 and 1/4; with all of the hazard in
-- common none or two.  Of (0.9, 0.5) a shock of all spares none with 0.1, the first with 0.4, both with 0.5.
SELECT is((SELECT array_agg(liveness_internal.liveness_survivors_quantile(p, phi, f) ORDER BY n) FROM (VALUES
	(1, '{0.5,0.5}'::float8[], 0::float8, 0.24::float8), (2, '{0.5,0.5}', 0, 0.26), (3, '{0.5,0.5}', 0, 0.74), (4, '{0.5,0.5}', 0, 0.76),
	(5, '{0.5,0.5}', 1, 0.49), (6, '{0.5,0.5}', 1, 0.51),
	(7, '{0.5,0.9}', 1, 0.09), (8, '{0.5,0.9}', 1, 0.11), (9, '{0.5,0.9}', 1, 0.49), (10, '{0.5,0.9}', 1, 0.51),
	-- both of two that hold with 0.9 fail with 0.02725 where a fifth of the hazard is in common
	(11, '{0.9,0.9}', 0.2, 0.02724), (12, '{0.9,0.9}', 0.2, 0.02726),
	(13, '{}', 0.5, 0.5), (14, '{0,1,1}', 0.5, 0.5), (15, '{0,1,1}', 0, 1)) v (n, p, phi, f)),
	ARRAY[0, 1, 1, 2, 0, 2, 0, 1, 1, 2, 0, 1, 0, 2, 2], 'quantiles of how many hold');
SELECT throws_ok(format('SELECT liveness_internal.liveness_survivors_quantile(%L, %L, %L)', p, phi, f), '22023', NULL, format('%s, %s, %s', p, phi, f))
FROM (VALUES ('{1.1}', 0, 0.5), ('{NaN}', 0, 0.5), ('{NULL}', 0, 0.5), ('{{0.5}}', 0, 0.5), ('{0.5}', -0.1, 0.5), ('{0.5}', 'NaN', 0.5), ('{0.5}', 0, 1.5)) v (p, phi, f);

-- The back-test of the likeliest, by its cases
CREATE TEMP TABLE backtested AS SELECT * FROM liveness_internal.liveness_backtest_cases('24 hours', '2026-02-10 00:00+00', '2026-02-28 00:00+00', '24 hours');
CREATE TEMP TABLE best AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY predictor, cut ORDER BY probability DESC, provider_id) AS place FROM backtested) b WHERE place <= 20;
SELECT results_eq($$SELECT predictor, cuts, round(stated::numeric, 9), round(held::numeric, 9) FROM liveness_backtest_joint('24 hours', '2026-02-10 00:00+00', '2026-02-28 00:00+00', '24 hours', 20)$$,
	$$SELECT predictor, count(DISTINCT cut), round(avg(probability)::numeric, 9), round(avg(held::int), 9) FROM best WHERE predictor <> 'base_rate' GROUP BY predictor
	ORDER BY array_position(ARRAY['uptime', 'liveness_score', 'own', 'fleet', 'candidates'], predictor)$$, 'liveness_backtest_joint: the twenty likeliest of each cut');
SELECT results_eq($$SELECT phi, below_5pct, below_5pct_shared, bounds_covered FROM liveness_backtest_joint('24 hours', '2026-02-10 00:00+00', '2026-02-28 00:00+00', '24 hours', 20) WHERE predictor = 'candidates'$$,
	$$SELECT e.phi, b.below, b.shared, c.covered FROM (SELECT phi FROM liveness_internal.liveness_estimate_shocks('2026-02-10 00:00+00') WHERE horizon = '24 hours') e,
	LATERAL (SELECT avg((held < liveness_internal.liveness_survivors_quantile(p, 0, 0.05))::int)::float8 AS below, avg((held < liveness_internal.liveness_survivors_quantile(p, e.phi, 0.05))::int)::float8 AS shared
		FROM (SELECT cut, array_agg(probability) AS p, sum(held::int) AS held FROM best WHERE predictor = 'candidates' GROUP BY cut) s) b,
	(SELECT avg(covered::int)::float8 AS covered FROM (SELECT avg(held::int) BETWEEN avg(lower) AND avg(upper) AS covered
		FROM (SELECT *, ntile(20) OVER (ORDER BY probability) AS part FROM backtested WHERE predictor = 'candidates') p GROUP BY part) q) c$$, 'and its quantiles and bounds');
SELECT is_empty($$SELECT * FROM liveness_backtest_joint('24 hours', '2026-02-10 00:00+00', '2026-02-28 00:00+00', '24 hours', 200)$$, 'no cut has as many');

-- Nobody was ever up
TRUNCATE provider_sessions;
SELECT results_eq($$SELECT horizon, phi, psi, phi_estimate, cuts FROM liveness_internal.liveness_estimate_shocks('2026-03-01 00:00+00')$$,
	$$VALUES (interval '1 hour', 0::float8, 0::float8, NULL::float8, 0), ('6 hours', 0, 0, NULL, 0), ('1 day', 0, 0, NULL, 0)$$, 'of nobody there is nothing to tell');
SELECT throws_ok($$SELECT * FROM liveness_internal.liveness_estimate_shocks('infinity')$$, '22008', NULL, 'an instant that is none');

SELECT * FROM finish();
ROLLBACK;
