-- Survival curves against R's survfit (package survival 3.5-3) and figures worked out by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(338);

-- R's figures have 12 digits
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
$$SELECT coalesce(a = b OR abs(a - b) <= 1e-9 * abs(b), a IS NULL AND b IS NULL)$$;
CREATE FUNCTION close_to(got float8, expected float8, name text) RETURNS text LANGUAGE sql AS
$$SELECT CASE WHEN near(got, expected) THEN pass(name) ELSE fail(name) || E'\n' || diag(format('got %s, expected %s', got, expected)) END$$;
-- The error that a literal gives, with the reason
CREATE FUNCTION refusal(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	code text;
BEGIN
	RETURN literal::survival_curve;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	-- from 16 on without an error, too
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE $sql$SELECT sql_error_code FROM pg_input_error_info($1, 'survival_curve')$sql$ INTO code USING literal;
		IF code IS DISTINCT FROM SQLSTATE THEN
			RETURN 'told softly: ' || coalesce(code, 'nothing');
		END IF;
	END IF;
	RETURN SQLSTATE || ' ' || coalesce(nullif(detail, ''), 'without a reason: ' || SQLERRM);
END $$;

-- Remission of leukaemia: 6-MP or placebo (Freireich et al. 1963, weeks), maintained chemotherapy or not (AML; Miller 1981).
-- Negative: censored.
CREATE TABLE trial (arm text, duration float8, observed boolean);
INSERT INTO trial
SELECT arm, abs(x), x > 0
FROM (VALUES
	('6-MP', '{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35}'::float8[]),
	('placebo', '{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}'),
	('maintained', '{9, 13, -13, 18, 23, -28, 31, 34, -45, 48, -161}'),
	('not maintained', '{5, 5, 8, 8, 12, -16, 23, 27, 30, 33, 43, 45}')) AS v (arm, xs), unnest(xs) AS x;
CREATE TABLE fit AS SELECT arm, survival_agg(duration, observed) AS curve FROM trial GROUP BY arm;

-- What a curve is
SELECT is(curve::text, '{6:3:1,7:1:0,9:0:1,10:1:1,11:0:1,13:1:0,16:1:0,17:0:1,19:0:1,20:0:1,22:1:0,23:1:0,25:0:1,32:0:2,34:0:1,35:0:1}', 'events and censored by time: 6-MP')
FROM fit WHERE arm = '6-MP';
SELECT is(curve::text, '{1:2:0,2:2:0,3:1:0,4:2:0,5:2:0,8:4:0,11:2:0,12:2:0,15:1:0,17:1:0,22:1:0,23:1:0}', 'placebo, without censoring')
FROM fit WHERE arm = 'placebo';

-- Tables: R's at the times of events
CREATE TABLE r (arm text, "time" float8, n_risk bigint, n_event bigint, survival float8, std_err float8,
	plain_lower float8, plain_upper float8, log_lower float8, log_upper float8, log_log_lower float8, log_log_upper float8);
INSERT INTO r VALUES
	('6-MP', 6, 21, 3, 0.857142857143, 0.0763603548321, 0.707479311825, 1, 0.719817083916, 1, 0.619717955266, 0.951551747647),
	('6-MP', 7, 17, 1, 0.806722689076, 0.0869352851801, 0.636332661137, 0.977112717014, 0.653124218462, 0.996443675909, 0.563146564622, 0.922809019203),
	('6-MP', 10, 15, 1, 0.752941176471, 0.0963496529943, 0.564099326679, 0.941783026262, 0.58591898203, 0.967574754552, 0.5031995108, 0.889361835169),
	('6-MP', 13, 12, 1, 0.690196078431, 0.106814707775, 0.480843098173, 0.89954905869, 0.509613099102, 0.934769195536, 0.431610222486, 0.849065963349),
	('6-MP', 16, 11, 1, 0.627450980392, 0.114053865257, 0.403909512191, 0.850992448593, 0.439393924969, 0.895994938535, 0.367510855988, 0.804912189472),
	('6-MP', 22, 7, 1, 0.53781512605, 0.128233751693, 0.28648159113, 0.789148660971, 0.337036616158, 0.858200848045, 0.267778936767, 0.746790717635),
	('6-MP', 23, 6, 1, 0.448179271709, 0.134591456756, 0.184384863841, 0.711973679577, 0.248788226818, 0.807372045529, 0.188052005959, 0.680142628495),
	('placebo', 1, 21, 2, 0.904761904762, 0.064056448489, 0.779213572746, 1, 0.787535047533, 1, 0.670045882235, 0.975294149038),
	('placebo', 2, 19, 2, 0.809523809524, 0.0856890867469, 0.641576285632, 0.977471333416, 0.657853062408, 0.996162875319, 0.568905059924, 0.923888828559),
	('placebo', 3, 17, 1, 0.761904761905, 0.0929428640903, 0.579740095668, 0.944069428142, 0.599880482213, 0.967690870807, 0.519391415328, 0.893257109782),
	('placebo', 4, 16, 2, 0.666666666667, 0.102868899975, 0.465047327587, 0.868286005746, 0.492680633676, 0.902094407747, 0.425350435565, 0.825044008797),
	('placebo', 5, 14, 2, 0.571428571429, 0.107989849431, 0.359772355848, 0.78308478701, 0.394548121478, 0.827606556639, 0.337976953859, 0.749240709943),
	('placebo', 8, 12, 4, 0.380952380952, 0.105971169574, 0.173252705187, 0.588652056717, 0.220845361318, 0.657132736169, 0.18306654882, 0.577788677746),
	('placebo', 11, 8, 2, 0.285714285714, 0.0985807941918, 0.0924994795311, 0.478929091898, 0.145291270387, 0.561855181278, 0.116561326437, 0.481819648009),
	('placebo', 12, 6, 2, 0.190476190476, 0.0856890867469, 0.0225286665841, 0.358423714368, 0.0788701399577, 0.460011598277, 0.0594817013612, 0.377434890585),
	('placebo', 15, 4, 1, 0.142857142857, 0.0763603548321, 0, 0.292520688175, 0.0501089839665, 0.40727553524, 0.0356573551907, 0.321161574681),
	('placebo', 17, 3, 1, 0.0952380952381, 0.064056448489, 0, 0.220786427254, 0.0254858280685, 0.355895627963, 0.0162592602122, 0.261249981969),
	('placebo', 22, 2, 1, 0.047619047619, 0.0464714320452, 0, 0.138701380738, 0.0070322298474, 0.322454434134, 0.00332446304253, 0.197044905699),
	('placebo', 23, 1, 1, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('maintained', 9, 11, 1, 0.909090909091, 0.0866784172041, 0.739204333134, 1, 0.754133845082, 1, 0.50808020577, 0.986673822668),
	('maintained', 13, 10, 1, 0.818181818182, 0.11629129983, 0.590255058799, 1, 0.619248987399, 1, 0.447428614682, 0.951162228582),
	('maintained', 18, 8, 1, 0.715909090909, 0.139664970557, 0.442170778715, 0.989647403103, 0.488426287422, 1, 0.350190385908, 0.899023974191),
	('maintained', 23, 7, 1, 0.613636363636, 0.152632331027, 0.314482491946, 0.912790235326, 0.376867059502, 0.999157600228, 0.265752040001, 0.83529924325),
	('maintained', 31, 5, 1, 0.490909090909, 0.164193267221, 0.169096200652, 0.812721981166, 0.254859951199, 0.9455849552, 0.167330909777, 0.753399790371),
	('maintained', 34, 4, 1, 0.368181818182, 0.162668885827, 0.0493566605555, 0.687006975808, 0.154877117897, 0.875260678144, 0.092829574937, 0.657040832398),
	('maintained', 48, 2, 1, 0.184090909091, 0.153492745786, 0, 0.48493116272, 0.0359178984892, 0.943525769475, 0.0117384801232, 0.525014842727),
	('not maintained', 5, 12, 2, 0.833333333333, 0.107582870728, 0.622474781353, 1, 0.647036987013, 1, 0.481714942195, 0.955509365728),
	('not maintained', 8, 10, 2, 0.666666666667, 0.136082763488, 0.399949351314, 0.93338398202, 0.44684608115, 0.994625360259, 0.337018932541, 0.859711799084),
	('not maintained', 12, 8, 1, 0.583333333333, 0.142318760638, 0.304393688158, 0.862272978509, 0.36161370521, 0.940998012174, 0.270138924085, 0.800940192333),
	('not maintained', 23, 6, 1, 0.486111111111, 0.148130062553, 0.195781523479, 0.776440698744, 0.267518248858, 0.88331922534, 0.191876619619, 0.729671569779),
	('not maintained', 27, 5, 1, 0.388888888889, 0.146986183948, 0.100801262126, 0.676976515652, 0.185396526096, 0.815735715691, 0.126272012195, 0.649817408289),
	('not maintained', 30, 4, 1, 0.291666666667, 0.138715169135, 0.0197899310527, 0.563543402281, 0.114831150152, 0.740822018516, 0.0724016089078, 0.560886052671),
	('not maintained', 33, 3, 1, 0.194444444444, 0.12187450538, 0, 0.433314085624, 0.0569215525716, 0.664223659883, 0.0311986429312, 0.461429476238),
	('not maintained', 43, 2, 1, 0.0972222222222, 0.0918663649675, 0, 0.277276988949, 0.0152565271709, 0.619548629119, 0.00574630569586, 0.348903861111),
	('not maintained', 45, 1, 1, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE bounds AS
SELECT arm, conf_type, "time", n_risk, n_event, survival, std_err, lower, upper
FROM r, LATERAL (VALUES ('plain', plain_lower, plain_upper), ('log', log_lower, log_upper), ('log-log', log_log_lower, log_log_upper)) AS b (conf_type, lower, upper);
SELECT is_empty(format($$
	SELECT t, b
	FROM (SELECT t.* FROM fit, survival_table(curve, 0.95, %1$L) AS t WHERE arm = %2$L AND t.n_event > 0) AS t
	FULL JOIN (SELECT * FROM bounds WHERE arm = %2$L AND conf_type = %1$L) AS b USING ("time")
	WHERE NOT coalesce(t.n_risk = b.n_risk AND t.n_event = b.n_event AND near(t.survival, b.survival) AND near(t.std_err, b.std_err)
		AND near(t.lower, b.lower) AND near(t.upper, b.upper), false)$$, conf_type, arm), format('as in R: table of %s, %s', arm, conf_type))
FROM unnest(ARRAY['plain', 'log', 'log-log']) AS conf_type, (SELECT DISTINCT arm FROM trial) AS arms
ORDER BY conf_type COLLATE "C", arm COLLATE "C";
SELECT is(array_agg(n ORDER BY arm COLLATE "C"), '{7,7,9,12}', 'so many times of events in each arm')
FROM (SELECT arm, count(*) AS n FROM fit, survival_table(curve) WHERE n_event > 0 GROUP BY arm) AS counts;
SELECT results_eq($$SELECT t FROM fit, survival_table(curve) AS t WHERE arm = 'maintained'$$,
	$$SELECT t FROM fit, survival_table(curve, 0.95, 'log-log') AS t WHERE arm = 'maintained'$$, 'bounds are log-log ones of 95 % unless asked otherwise');
SELECT results_eq($$SELECT "time", n_risk, n_event, n_censor FROM fit, survival_table(curve) WHERE arm = '6-MP'$$,
	$$VALUES (6::float8, 21::bigint, 3::bigint, 1::bigint), (7, 17, 1, 0), (9, 16, 0, 1), (10, 15, 1, 1), (11, 13, 0, 1), (13, 12, 1, 0), (16, 11, 1, 0), (17, 10, 0, 1),
	(19, 9, 0, 1), (20, 8, 0, 1), (22, 7, 1, 0), (23, 6, 1, 0), (25, 5, 0, 1), (32, 4, 0, 2), (34, 2, 0, 1), (35, 1, 0, 1)$$, 'those of the censored are in the table too, in order');
SELECT is(count(*)::int, 9, 'where nobody has the event the row before is repeated') FROM (
	SELECT n_event, (survival, std_err, lower, upper) = lag((survival, std_err, lower, upper)) OVER (ORDER BY "time") AS same
	FROM fit, survival_table(curve, 0.95, 'log') WHERE arm = '6-MP') AS t
WHERE n_event = 0 AND same;
SELECT results_eq($$SELECT survival, std_err, lower, upper FROM survival_table('{1:0:1,2:1:1}') LIMIT 1$$,
	$$VALUES (1::float8, 0::float8, NULL::float8, NULL::float8)$$, 'before the first event there are no log-log bounds');
SELECT results_eq(format($$SELECT survival, std_err, lower, upper FROM survival_table('{1:0:1,2:1:1}', 0.95, %L) LIMIT 1$$, t),
	$$VALUES (1::float8, 0::float8, 1::float8, 1::float8)$$, 'by the others S is 1 for certain: ' || t) FROM unnest(ARRAY['plain', 'log']) t;
SELECT results_eq($$SELECT n_risk, survival, std_err, lower, upper FROM survival_table('{1:3:0}')$$,
	$$VALUES (3::bigint, 0::float8, NULL::float8, NULL::float8, NULL::float8)$$, 'where nobody is left there is no error to tell');
SELECT is_empty($$SELECT * FROM survival_table('{}')$$, 'no table of nothing');
SELECT is_empty($$SELECT * FROM survival_table(NULL)$$, 'no table of NULL');
SELECT is_empty($$SELECT * FROM survival_table('{1:1:0}', NULL)$$, 'nor of a NULL level');

-- S = 6/7 and error sqrt(3 / (21 * 18)) S at 6 weeks; z = 1.6448536269514722 for 90 %, 2.5758293035489004 for 99 %
SELECT close_to(lower, 6 / 7.0 - 1.6448536269514722 * 6 / 7.0 * sqrt(3 / 378.0), 'plain bound of 90 % by hand') FROM fit, survival_table(curve, 0.9, 'plain') WHERE arm = '6-MP' LIMIT 1;
SELECT close_to(upper, 6 / 7.0 + 1.6448536269514722 * 6 / 7.0 * sqrt(3 / 378.0), 'the upper one') FROM fit, survival_table(curve, 0.9, 'plain') WHERE arm = '6-MP' LIMIT 1;
SELECT close_to(lower, 6 / 7.0 * exp(-2.5758293035489004 * sqrt(3 / 378.0)), 'log bound of 99 % by hand') FROM fit, survival_table(curve, 0.99, 'log') WHERE arm = '6-MP' LIMIT 1;
SELECT close_to(lower, exp(-exp(ln(-ln(6 / 7.0::float8)) + 2.5758293035489004 * sqrt(3 / 378.0) / -ln(6 / 7.0::float8))), 'log-log bound of 99 % by hand')
FROM fit, survival_table(curve, 0.99, 'log-log') WHERE arm = '6-MP' LIMIT 1;
SELECT throws_ok(format('SELECT * FROM survival_table(%L, %L)', '{1:1:0}', level), '22023', 'conf_level must be between 0 and 1, and is ' || level, 'no bounds of ' || level)
FROM unnest(ARRAY['0', '1', '-0.5', '95', 'NaN', 'Infinity']) AS level;
SELECT throws_ok(format('SELECT * FROM survival_table(%L, 0.95, %L)', '{1:1:0}', type), '22023', format('conf_type "%s" is not known', type), format('no bounds of type "%s"', type))
FROM unnest(ARRAY['', 'Log', 'loglog', 'log-log ', 'plain''']) AS type;

-- Quantiles: R's at 0.1, 0.25, 0.5, 0.75 and 0.9, the others read off the tables
CREATE TABLE asked (arm text, quantiles float8[]);
INSERT INTO asked VALUES
	('6-MP', '{6, 10, 13, 13, 22, 23, NULL, NULL, NULL, NULL, NULL}'),
	('placebo', '{2, 3, 4, 4, 5, 8, 8, 11, 12, 12, 17}'),
	('maintained', '{13, 18, 18, 23, 31, 31, 34, 48, 48, 48, NULL}'),
	('not maintained', '{5, 8, 8, 8, 12, 23, 27, 30, 33, 33, 43}');
SELECT is(ARRAY(SELECT survival_quantile(curve, p) FROM unnest('{0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9}'::float8[]) WITH ORDINALITY AS u (p, i) ORDER BY i),
	quantiles, 'quantiles, NULL where not reached: ' || arm)
FROM fit JOIN asked USING (arm) ORDER BY arm COLLATE "C";
SELECT is(survival_quantile('{1:1:0,2:1:0,3:1:0,4:1:0}', p), q, format('1, 2, 3, 4 at %s: %s', p, q))
FROM (VALUES (0::float8, 0::float8), (0.2, 1), (0.25, 1.5), (0.3, 2), (0.5, 2.5), (0.75, 3.5), (0.76, 4), (1, 4)) AS v (p, q);
SELECT is(survival_quantile('{1:1:0,2:1:0,3:0:1,4:1:0}', 0.5), 3::float8, 'the censored do not end a flat');
SELECT is(survival_quantile('{1:1:0,2:1:0,3:0:1,7:0:1}', 0.5), 4.5::float8, 'a flat that nothing ends goes as far as anybody was observed');
SELECT is(survival_quantile('{1:1:0,2:1:0,3:0:1,7:0:1}', 0.51), NULL, 'and more is not reached');
SELECT is(survival_quantile('{3:1:0,5:1:0,7:1:0}', 1 / 3.0::float8), 4::float8, 'rounding does not hide a flat: a third');
SELECT is(survival_quantile(survival_agg(i, true), 0.7), 7.5::float8, 'seven tenths') FROM generate_series(1, 10) AS i;
SELECT is(survival_quantile('{1:0:3}', 0.5), NULL, 'none where nobody has the event');
SELECT is(survival_quantile('{}', 0.5), NULL, 'none of nothing');
SELECT is(survival_quantile('{}', 0), NULL, 'not even at 0');
SELECT is(survival_quantile(NULL, 0.5), NULL, 'NULL of NULL');
SELECT is(survival_quantile('{1:1:0}', NULL), NULL, 'NULL at NULL');
SELECT throws_ok(format('SELECT survival_quantile(%L, %L)', '{1:1:0}', p), '22023', 'p must be between 0 and 1, and is ' || p, 'no quantile at ' || p)
FROM unnest(ARRAY['-0.1', '1.5', '50', 'NaN', 'Infinity', '-Infinity']) AS p;

-- Restricted means: R's
SELECT close_to(survival_rmean(curve, h), mean, 'as in R: restricted mean of ' || arm)
FROM fit JOIN (VALUES ('6-MP', 35, 23.287394958), ('placebo', 35, 8.66666666667), ('maintained', 161, 52.6454545455), ('not maintained', 161, 22.7083333333)) AS v (arm, h, mean) USING (arm)
ORDER BY arm COLLATE "C";
SELECT close_to(survival_rmean('{2:1:0,4:1:0}', h), mean, format('2, 4 up to %s: %s', h, mean))
FROM (VALUES (0::float8, 0::float8), (1, 1), (2, 2), (3, 2.5), (4, 3), (100, 3), ('Infinity', 3)) AS v (h, mean);
SELECT is(survival_rmean('{2:1:0,4:0:1}', 4), 3::float8, 'up to the last time');
SELECT is(survival_rmean('{2:1:0,4:0:1}', 4.5), NULL, 'NULL past it');
SELECT is(survival_rmean('{}', 1), NULL, 'of nothing too');
SELECT throws_ok($$SELECT survival_rmean('{1:1:0}', 'NaN')$$, '22023', 'horizon must not be NaN', 'no mean up to NaN');
SELECT throws_ok($$SELECT survival_rmean('{1:1:0}', -1)$$, '22023', 'horizon must not be negative', 'nor before 0');

-- S(t)
SELECT close_to(survival_at(curve, t), s, format('6-MP at %s: %s', t, coalesce(s::text, 'NULL')))
FROM fit, (VALUES ('-Infinity'::float8, 1::float8), (-1, 1), (0, 1), (5.999999, 1), (6, 6 / 7.0), (6.5, 6 / 7.0), (7, 6 / 7.0 * 16 / 17), (22.9, 0.53781512605), (23, 0.448179271709), (35, 0.448179271709),
	(35.000001, NULL), ('Infinity', NULL)) AS v (t, s)
WHERE arm = '6-MP' ORDER BY t;
SELECT is(ARRAY(SELECT survival_at(curve, t) FROM unnest('{23, 24, Infinity}'::float8[]) AS t), '{0, 0, 0}', 'once nobody is left it stays 0') FROM fit WHERE arm = 'placebo';
SELECT close_to(survival_at('{3:1:1,5:1:1}', 3), 0.75, 'the censored are at risk at the time they leave: 3 of 4');
SELECT close_to(survival_at('{3:1:1,5:1:1}', 5), 0.375, 'and are gone after it: half of that');
SELECT is(survival_at('{3:1:1,5:1:1}', 5.1), NULL, 'who was censored last may have lasted any time');
SELECT is(survival_at('{}', 1), NULL, 'NULL of nothing');
SELECT is(survival_at('{}', -1), NULL, 'at any time');
SELECT is(survival_at(NULL, 1), NULL, 'NULL of NULL');
SELECT is(survival_at('{1:1:0}', NULL), NULL, 'NULL at NULL');
SELECT throws_ok($$SELECT survival_at('{1:1:0}', 'NaN')$$, '22023', 't must not be NaN', 'no S of NaN');

-- S(age + more) / S(age)
SELECT close_to(survival_conditional(curve, age, more), p, format('6-MP: from %s weeks %s more: %s', age, more, coalesce(p::text, 'NULL')))
FROM fit, (VALUES (0::float8, 10::float8, 0.752941176471::float8), (10, 13, 25 / 42.0), (10, 0, 1), (23, 12, 1), (23, 12.1, NULL), (36, 0, NULL), (35, 0, 1), (0, 'Infinity', NULL)) AS v (age, more, p)
WHERE arm = '6-MP' ORDER BY age, more;
SELECT is(survival_conditional('{1:1:0,2:1:0}', 1, 1), 0::float8, 'nobody lasts longer: 0');
SELECT is(survival_conditional('{1:1:0,2:1:0}', 1, 'Infinity'), 0::float8, 'however long');
SELECT is(survival_conditional('{1:1:0,2:1:0}', 2, 1), NULL, 'NULL where nobody gets');
SELECT is(survival_conditional('{}', 0, 1), NULL, 'NULL of nothing');
SELECT throws_ok(format('SELECT survival_conditional(%L, %L, %L)', '{1:1:0}', age, more), '22023', message, message)
FROM (VALUES ('NaN', '1', 'age must not be NaN'), ('-1', '1', 'age must not be negative'), ('1', 'NaN', 'more must not be NaN'), ('1', '-1', 'more must not be negative')) AS v (age, more, message);

-- At many ages
SELECT is_empty($$
	SELECT arm, age, more FROM fit, LATERAL (VALUES (0), (1), (6), (7), (10), (13.5), (22), (23)) AS m (more),
	LATERAL unnest('{0, 23, 6, 5.5, 13, 1, 1, 12}'::float8[], liveness_internal.survival_conditionals(curve, '{0, 23, 6, 5.5, 13, 1, 1, 12}', more)) AS u (age, p)
	WHERE p IS DISTINCT FROM survival_conditional(curve, age, more) AND survival_at(curve, age + more) IS NOT NULL$$, 'at many ages as at each, in any order');
SELECT is(liveness_internal.survival_conditionals('{1:4:0,2:2:0,4:1:1}', '{0, 1, 2, 3, 4, 100}', 1), '{0.5, 0.5, 1, 0.5, 1, 1}', 'past its last time the curve goes on as it ended');
SELECT is(liveness_internal.survival_conditionals('{1:1:0,2:1:0}', '{0, 2, NULL, 1}', 1), '{0.5, NULL, NULL, 0}', 'NULL where S(age) is 0, or the age not known');
SELECT is(liveness_internal.survival_conditionals('{1:1:0,2:0:1}', '{}', 1), '{}', 'no ages, no answers');
SELECT is(liveness_internal.survival_conditionals('{}', '{0, 5}', 1), '{1, 1}', 'of nothing: nobody was seen to end');
SELECT is(liveness_internal.survival_conditionals('{1:1:0}', NULL, 1), NULL, 'NULL ages');
SELECT is(liveness_internal.survival_conditionals('{1:1:0}', '{0}', NULL), NULL, 'NULL more');
SELECT is(liveness_internal.survival_conditionals('{1:1:0,2:0:1}', '{0, 1}', 'Infinity'), '{0.5, 1}', 'infinitely many more');
SELECT throws_ok(format('SELECT liveness_internal.survival_conditionals(%L, %L, %L)', '{1:1:0}', ages, more), '22023', message, 'at many: ' || message)
FROM (VALUES ('{0, NaN}', '1', 'age must not be NaN'), ('{0, -1}', '1', 'age must not be negative'), ('{}', 'NaN', 'more must not be NaN'), ('{}', '-1', 'more must not be negative')) AS v (ages, more, message);

-- What is counted
SELECT is((SELECT survival_agg(x, observed)::text FROM unnest(xs, os) AS u (x, observed)), expected, name)
FROM (VALUES
	('{0, 2}'::float8[], '{t, t}'::boolean[], '{0:1:0,2:1:0}', 'a duration of 0 counts at 0'),
	('{-0, 0}', '{t, f}', '{0:1:1}', '-0 is 0'),
	('{Infinity, 1e300, Infinity}', '{f, t, t}', '{1e+300:1:0,Infinity:1:1}', 'infinity comes last'),
	('{NULL, 2, NULL, 1, NaN, -1}', '{t, NULL, NULL, t, NULL, NULL}', '{1:1:0}', 'rows with a NULL are left out, whatever else they hold'),
	('{0.1, 0.30000000000000004, 0.09999999999999999}', '{t, t, f}', '{0.09999999999999999:0:1,0.1:1:0,0.30000000000000004:1:0}', 'times are told apart to the last bit'),
	('{1.7976931348623157e308, 5e-324, 1e-300}', '{f, t, t}', '{5e-324:1:0,1e-300:1:0,1.7976931348623157e+308:0:1}', 'the ends of the range'),
	('{3, 1, 2, 3, 1}', '{t, t, f, f, t}', '{1:2:0,2:0:1,3:1:1}', 'in any order'),
	('{NULL, NULL}', '{t, f}', NULL, 'NULL where every row has one'),
	('{}', '{}', NULL, 'NULL without a row')) AS v (xs, os, expected, name);
SELECT is(survival_agg(x, true, x)::text, NULL, 'NULL where nobody was at risk') FROM generate_series(1, 3) AS x;
SELECT is(survival_at(survival_agg(x, true), 0), 0.5::float8, 'S is after the time: at 0 one of two is gone') FROM unnest('{0, 2}'::float8[]) AS x;
SELECT is(survival_at(survival_agg(x, true), -1e-300), 1::float8, 'before it none') FROM unnest('{0, 2}'::float8[]) AS x;
SELECT is(survival_at(survival_agg(x, true), '-0'), 0.5::float8, 'at -0 as at 0') FROM unnest('{0, 2}'::float8[]) AS x;
SELECT is(survival_at(c, 1e308), 0.75::float8, 'before infinity nobody is known to end') FROM CAST('{1:1:0,Infinity:1:2}' AS survival_curve) AS c;
SELECT is(survival_at(c, 'Infinity'), 0.5::float8, 'at infinity one of three') FROM CAST('{1:1:0,Infinity:1:2}' AS survival_curve) AS c;
SELECT is(survival_rmean(c, 11), 8.5::float8, 'a finite mean up to a finite horizon') FROM CAST('{1:1:0,Infinity:1:2}' AS survival_curve) AS c;
SELECT is(survival_rmean(c, 'Infinity'), 'Infinity'::float8, 'an infinite one up to infinity') FROM CAST('{1:1:0,Infinity:1:2}' AS survival_curve) AS c;
SELECT throws_ok(format('SELECT survival_agg(%L, %L)', x, observed), '22023', message, format('%s, observed %s: %s', x, observed, message))
FROM (VALUES ('NaN', 'duration must not be NaN'), ('-1', 'duration must not be negative'), ('-5e-324', 'duration must not be negative'), ('-Infinity', 'duration must not be negative')) AS v (x, message), unnest('{t, f}'::boolean[]) AS observed;
SELECT throws_ok(format('SELECT survival_agg(%L, true, %L)', x, entry), '22023', message, format('entered at %s: %s', entry, message))
FROM (VALUES ('NaN', '0', 'duration must not be NaN'), ('-1', '-2', 'duration must not be negative'), ('-1', '0', 'duration must not be negative'), ('1', 'NaN', 'entry must not be NaN')) AS v (x, entry, message);

-- Left truncation: at risk at 5 are those in from before 5, four; at 7 three; at 8 two; at 9 one
CREATE TABLE truncated (entry float8, duration float8, observed boolean);
INSERT INTO truncated VALUES (0, 5, true), (2, 8, true), (5, 9, true), (4, 6, false), ('-Infinity', 7, true),
	(3, 3, true), (7, 5, true), ('Infinity', 'Infinity', true), (0, 0, true), ('-0', 0, false), (0, '-0', true), (NULL, 5, true), (0, NULL, true), (0, 5, NULL);
CREATE TABLE late AS SELECT survival_agg(duration, observed, entry) AS curve FROM truncated;
SELECT is(curve::text, '{0:0:0:1,2:0:0:1,4:0:0:1,5:1:0:1,6:0:1,7:1:0,8:1:0,9:1:0}', 'who enters counts, unless not before leaving') FROM late;
SELECT results_eq($$SELECT "time", n_risk, n_event, n_censor, survival FROM late, survival_table(curve)$$,
	$$VALUES (5::float8, 4::bigint, 1::bigint, 0::bigint, 0.75::float8), (6, 4, 0, 1, 0.75), (7, 3, 1, 0, 0.5), (8, 2, 1, 0, 0.25), (9, 1, 1, 0, 0)$$,
	'who enters at 5 is at risk only after it; who only enters is not in the table');
SELECT close_to(std_err, 0.25, 'error by hand: 1/2 sqrt(1/12 + 1/6)') FROM late, survival_table(curve) WHERE "time" = 7;
SELECT is(survival_quantile(curve, 0.5), 7.5::float8, 'the median, on a flat') FROM late;
SELECT is(survival_rmean(curve, 10), 5 + 1.5 + 0.5 + 0.25::float8, 'the mean, past the end') FROM late;
SELECT is(survival_at(curve, 1), 1::float8, 'S is 1 before the first leaves') FROM late;
SELECT is(survival_agg(x, true, '-Infinity')::text, survival_agg(x, true)::text, 'from -infinity: as without entry') FROM generate_series(0, 9) AS x;
SELECT is(survival_agg(x, true, -3)::text, '{-3:0:0:2,0:1:0,1:1:0}', 'an entry before 0') FROM generate_series(0, 1) AS x;
SELECT is(survival_agg(x, true, '-0')::text, '{0:0:0:1,1:1:0}', '-0 is 0 here too') FROM generate_series(0, 1) AS x;
-- 1 of 1 is gone at 2, whatever comes later
SELECT is(ARRAY(SELECT survival FROM survival_table('{0:0:0:1,2:1:0,3:0:0:2,4:1:0,5:0:1}')), '{0, 0, 0}', 'once nobody is left, who comes later does not raise S');
SELECT is(ARRAY(SELECT n_risk FROM survival_table('{0:0:0:1,2:1:0,3:0:0:2,4:1:0,5:0:1}')), '{1, 2, 1}', 'though there are some at risk again');
SELECT is(survival_at('{0:0:0:1,2:0:1,3:0:0:1,4:1:0}', 2.5), 1::float8, 'known as 1 while nobody is at risk, as R has it');

-- Counted by a query instead: 400 small groups with many ties, some left-truncated
CREATE TABLE drawn AS
SELECT g, abs(hashint8extended(i, g) % (1 + g % 30))::float8 AS duration, hashint8extended(i, -g) % 3 <> 0 AS observed,
	CASE WHEN g % 2 = 0 AND i % 4 > 0 THEN hashint8extended(i, g + 1000) % 8 ELSE '-Infinity'::float8 END AS entry
FROM generate_series(1, 400) AS g, generate_series(1, 1 + g % 25) AS i;
CREATE TABLE counted AS
SELECT g, "time", n_risk, n_event, n_censor,
	CASE WHEN bool_or(n_event = n_risk) OVER past THEN 0 ELSE exp(sum(ln(1 - n_event / nullif(n_risk::float8, n_event))) OVER past) END AS survival,
	sum(n_event / nullif(n_risk::float8 * (n_risk - n_event), 0)) OVER past AS variance
FROM (
	SELECT g, "time", count(*) FILTER (WHERE duration >= "time") AS n_risk, count(*) FILTER (WHERE duration = "time" AND observed) AS n_event,
		count(*) FILTER (WHERE duration = "time" AND NOT observed) AS n_censor
	FROM (SELECT DISTINCT g, duration AS "time" FROM drawn WHERE entry < duration) AS times JOIN drawn USING (g)
	WHERE entry < "time" AND entry < duration
	GROUP BY g, "time") AS counts
WINDOW past AS (PARTITION BY g ORDER BY "time");
CREATE INDEX ON counted (g, "time");
ANALYZE counted;
CREATE TABLE curves AS SELECT g, survival_agg(duration, observed, entry) AS curve FROM drawn GROUP BY g;
SELECT cmp_ok(count(*)::int, '>', 2500, 'so many times in the groups') FROM counted;
SELECT is_empty($$
	SELECT g, t, c FROM (SELECT g, t.* FROM curves, survival_table(curve, 0.95, 'plain') AS t) AS t FULL JOIN counted AS c USING (g, "time")
	WHERE NOT coalesce(t.n_risk = c.n_risk AND t.n_event = c.n_event AND t.n_censor = c.n_censor AND near(t.survival, c.survival)
		AND near(t.std_err, CASE WHEN c.survival > 0 THEN c.survival * sqrt(c.variance) END), false)$$, 'tables as counted by a query');
SELECT is_empty($$
	SELECT g, t FROM curves, generate_series(-1, 31, 0.5) AS t,
		LATERAL (SELECT coalesce((SELECT survival FROM counted AS c WHERE c.g = curves.g AND "time" <= t ORDER BY "time" DESC LIMIT 1), 1) AS s, (SELECT max("time") FROM counted AS c WHERE c.g = curves.g) AS last) AS e
	WHERE NOT near(survival_at(curve, t), CASE WHEN t <= last OR s = 0 THEN s END)$$, 'S at any time, too');
SELECT is_empty($$
	SELECT g, h FROM curves, unnest('{0, 1, 3.5, 10, 29}'::float8[]) AS h,
		LATERAL (SELECT sum(survival * (least(h, next) - least(h, "time"))) AS area FROM (
			SELECT "time", survival, lead("time", 1, 'Infinity') OVER (ORDER BY "time") AS next FROM (
				SELECT "time", survival FROM counted AS c WHERE c.g = curves.g AND "time" > 0 UNION ALL
				SELECT 0, coalesce((SELECT survival FROM counted AS c WHERE c.g = curves.g AND "time" = 0), 1)) AS u) AS steps) AS e
	WHERE abs(survival_rmean(curve, h) - area) > 1e-9 OR (survival_rmean(curve, h) IS NULL) <> (survival_at(curve, h) IS NULL)$$, 'and the area under it');
SELECT is_empty($$
	SELECT g, p FROM curves, unnest('{0.05, 0.17, 0.31, 0.47, 0.53, 0.71, 0.93, 0.99}'::float8[]) AS p
	WHERE survival_quantile(curve, p) IS DISTINCT FROM (SELECT min("time") FROM counted AS c WHERE c.g = curves.g AND survival <= 1 - p)
	AND NOT EXISTS (SELECT FROM counted AS c WHERE c.g = curves.g AND near(survival, 1 - p))$$, 'and the quantiles off a flat');

-- Merging
CREATE TABLE parts AS
SELECT g, survival_agg(duration, observed) AS curve FROM (SELECT *, abs(hashint8extended(row_number() OVER (), 1) % 7) AS g FROM trial) AS t GROUP BY g;
SELECT cmp_ok(count(*)::int, '>=', 5, 'several parts') FROM parts;
SELECT is((SELECT survival_merge(curve)::text FROM parts), (SELECT survival_agg(duration, observed)::text FROM trial), 'the parts merged are the whole');
SELECT is((SELECT survival_merge(curve)::text FROM fit), (SELECT survival_agg(duration, observed)::text FROM trial), 'so are other parts');
SELECT is(count(DISTINCT survival_merge)::int, 1, 'the same in any order') FROM (
	SELECT survival_merge(curve ORDER BY hashint8extended(g, seed))::text FROM parts, generate_series(1, 40) AS seed GROUP BY seed) AS merged;
SELECT is(survival_merge(c)::text, '{0:1:2,1:1:0:1,2:2:0}', 'truncated and plain ones') FROM unnest('{"{0:1:2,2:1:0}", "{1:0:0:1,2:1:0}", NULL, "{1:1:0}"}'::survival_curve[]) AS c;
SELECT is(survival_merge(c)::text, (SELECT survival_agg(duration, observed, entry)::text FROM (SELECT duration, observed, '-Infinity'::float8 AS entry FROM trial UNION ALL SELECT duration, observed, entry FROM truncated) AS t), 'as if all had been given at once')
FROM (SELECT curve FROM late UNION ALL SELECT curve FROM fit) AS u (c);
SELECT is(survival_merge(curve)::text, curve::text, 'one alone stays as it is') FROM late GROUP BY curve::text;
SELECT is(survival_merge('{}')::text, '{}', 'nothing stays nothing');
SELECT is(survival_merge(c)::text, '{1:1:0}', 'and adds nothing') FROM unnest('{"{}", "{1:1:0}", "{}"}'::survival_curve[]) AS c;
SELECT is(survival_merge(NULL)::text, NULL, 'NULL of NULL');
SELECT is(survival_merge(curve)::text, NULL, 'NULL of no row') FROM fit WHERE false;
SELECT throws_ok(format('SELECT survival_merge(c) FROM unnest(%L::survival_curve[]) AS c', cs), '22003', 'a survival curve cannot count so many observations', 'too many: ' || cs)
FROM unnest(ARRAY['{"{1:9223372036854775807:0}","{1:1:0}"}', '{"{1:9223372036854775807:0}","{1:0:1}"}', '{"{1:9223372036854775807:0}","{2:1:0}"}']) AS cs;

-- Text
SELECT is(x::survival_curve::text, x, 'read and written: ' || x)
FROM unnest(ARRAY['{}', '{0:1:0}', '{0.1:1:0}', '{1e-300:0:1}', '{1e+300:1:1}', '{Infinity:2:0}', '{5e-324:1:0,1.7976931348623157e+308:1:0}', '{0.1:1:0,0.30000000000000004:1:0}',
	'{-7.5:0:0:2,0:1:0:1,3:2:0}', '{1:9223372036854775806:1}', '{1:0:0:9223372036854775807,2:0:9223372036854775807}']) AS x;
SELECT is(x::survival_curve::text, expected, 'another spelling of ' || expected)
FROM (VALUES (E' { 1 : 2 : 3 ,\n\t2:0 : 1:1 , 3:1:0 } ', '{1:2:3,2:0:1:1,3:1:0}'), ('{ }', '{}'), ('{-0:1:0}', '{0:1:0}'), ('{-0:0:0:1,1:1:0}', '{0:0:0:1,1:1:0}'), ('{1e0:01:00:0}', '{1:1:0}'),
	('{inf:1:0}', '{Infinity:1:0}'), ('{1.50:1:0,0x2:1:0}', '{1.5:1:0,2:1:0}'), ('{1:1:0:0}', '{1:1:0}')) AS v (x, expected);
SELECT is(refusal(x), expected, 'refused: ' || quote_literal(x))
FROM (VALUES
	('', '22P02 It does not begin with {.'),
	('  ', '22P02 It does not begin with {.'),
	('1:1:0', '22P02 It does not begin with {.'),
	('{1:1:0', '22P02 A comma or } is missing.'),
	('{1}', '22P02 A colon is missing.'),
	('{1:2}', '22P02 A colon is missing.'),
	('{1:1', '22P02 A colon is missing.'),
	('{1:', '22P02 A count is missing.'),
	('{1:1:', '22P02 A count is missing.'),
	('{1:1:0:}', '22P02 A count is missing.'),
	('{1:-1:0}', '22P02 A count is missing.'),
	('{1:+1:0}', '22P02 A count is missing.'),
	('{1:x:0}', '22P02 A count is missing.'),
	('{1:1.5:0}', '22P02 A colon is missing.'),
	('{1:1e3:0}', '22P02 A colon is missing.'),
	('{1:1:0:0:0}', '22P02 A comma or } is missing.'),
	('{1:1:0 2:1:0}', '22P02 A comma or } is missing.'),
	('{1:1:0;2:1:0}', '22P02 A comma or } is missing.'),
	('{1:99999999999999999999:0}', '22P02 A count is out of range.'),
	('{1:0:9223372036854775808}', '22P02 A count is out of range.'),
	('{1:1:0}x', '22P02 Something follows after }.'),
	('{1:1:0}}', '22P02 Something follows after }.'),
	('{1:1:0}{2:1:0}', '22P02 Something follows after }.'),
	('{2:1:0,1:1:0}', '22P02 Times do not ascend.'),
	('{1:1:0,1:1:0}', '22P02 Times do not ascend.'),
	('{0:1:0,-0:1:0}', '22P02 Times do not ascend.'),
	('{NaN:1:0}', '22P02 A time is not a number, or -Infinity.'),
	('{1:1:0,NaN:1:0}', '22P02 A time is not a number, or -Infinity.'),
	('{-Infinity:0:0:1}', '22P02 A time is not a number, or -Infinity.'),
	('{-Infinity:0:0:1,1:1:0}', '22P02 A time is not a number, or -Infinity.'),
	('{-1:1:0}', '22P02 A duration is negative.'),
	('{-1:0:1}', '22P02 A duration is negative.'),
	('{1:0:0}', '22P02 Nothing happens at a time.'),
	('{1:0:0:0}', '22P02 Nothing happens at a time.'),
	('{5:2:0,7:0:0:1}', '22P02 More leave than are at risk.'),
	('{5:0:0:1}', '22P02 More leave than are at risk.'),
	('{5:1:0:1}', '22P02 More leave than are at risk.'),
	('{1:0:0:1,2:0:1,3:1:0:1}', '22P02 More leave than are at risk.'),
	('{1:9223372036854775807:9223372036854775807}', '22003 without a reason: a survival curve cannot count so many observations'),
	('{1:9223372036854775807:0,2:0:1}', '22003 without a reason: a survival curve cannot count so many observations'),
	('{1:0:0:9223372036854775807,2:0:0:1,3:1:0}', '22003 without a reason: a survival curve cannot count so many observations'),
	('{1e400:1:0}', '22003 without a reason: "1e400" is out of range for type double precision'),
	('{1e-400:1:0}', '22003 without a reason: "1e-400" is out of range for type double precision')) AS v (x, expected);
-- No number where a time should be
SELECT matches(refusal(x), '^22P02 (?!without a reason)', 'refused with a reason: ' || quote_literal(x))
FROM unnest(ARRAY['{', '{,}', '{1:1:0,}', '{1:1:0,', '{a:1:0}', '{:1:0}', '{{1:1:0}}', '{x}']) AS x;

-- Messages that any client can be sent
CREATE FUNCTION message_of(literal text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM literal::survival_curve;
EXCEPTION WHEN invalid_text_representation THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
SELECT lives_ok(format($$SELECT convert_from(textsend(message), 'UTF8') FROM message_of(repeat('x', %s) || repeat(chr(233), 60))$$, n), format('a long literal is not cut within a character: %s before', n))
FROM generate_series(0, 1) AS n;
SELECT is(hint ~ '^[ -~]+$', true, 'the hint is ASCII, which every client encoding has') FROM message_of('x');

-- Binary: format 1, so many points; of each the time as float8, events, censored and entered as int8
SELECT is(liveness_internal.survival_curve_send('{}'), '\x0000000100000000', 'in binary: nothing');
SELECT is(liveness_internal.survival_curve_send('{1:2:3,2.5:1:0:4,Infinity:0:5}'), ('\x0000000100000003'
	|| '3ff0000000000000' || '0000000000000002' || '0000000000000003' || '0000000000000000'
	|| '4004000000000000' || '0000000000000001' || '0000000000000000' || '0000000000000004'
	|| '7ff0000000000000' || '0000000000000000' || '0000000000000005' || '0000000000000000')::bytea, 'in binary: three points');
SELECT current_setting('data_directory') || '/survival.data' AS file \gset
CREATE TABLE sent (id int, curve survival_curve);
INSERT INTO sent SELECT row_number() OVER (), curve FROM (SELECT curve FROM fit UNION ALL SELECT curve FROM late UNION ALL
	SELECT unnest(ARRAY[NULL, '{}', '{0.1:1:0}', '{5e-324:1:0,1.7976931348623157e+308:1:0,Infinity:0:9}', '{-7.5:0:0:2,0:1:0:1,3:2:0}']::survival_curve[])) AS u (curve);
CREATE TABLE received (LIKE sent);
COPY sent TO :'file' (FORMAT binary);
COPY received FROM :'file' (FORMAT binary);
SELECT results_eq('SELECT id, curve::text FROM received ORDER BY id', 'SELECT id, curve::text FROM sent ORDER BY id', 'in binary: written and read again');
-- COPY of one column, as a file
SELECT set_config('test.file', :'file', true) IS NOT NULL AS set;
CREATE FUNCTION receive(field bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	large oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(1::int2) || int4send(length(field)) || field || int2send(-1::int2));
BEGIN
	PERFORM lo_export(large, current_setting('test.file'));
	PERFORM lo_unlink(large);
	DELETE FROM received;
	EXECUTE format('COPY received (curve) FROM %L (FORMAT binary)', current_setting('test.file'));
	RETURN (SELECT curve::text FROM received);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;
SELECT is(receive(field), expected, 'received: ' || expected)
FROM (VALUES
	('\x0000000100000000'::bytea, '{}'),
	('\x0000000100000001' || float8send(1.5) || int8send(2) || int8send(3) || int8send(0), '{1.5:2:3}'),
	('\x0000000100000001' || float8send('-0') || int8send(1) || int8send(0) || int8send(0), '{0:1:0}'),
	('\x0000000200000000', '22P03 unsupported format 2 of a survival_curve'),
	('\x0000000100000001', '22P03 invalid number of points of a survival_curve: 1'),
	('\x00000001ffffffff', '22P03 invalid number of points of a survival_curve: -1'),
	('\x000000017fffffff', '22P03 invalid number of points of a survival_curve: 2147483647'),
	('\x0000000100000001' || float8send(1.5) || int8send(2) || int8send(3), '22P03 invalid number of points of a survival_curve: 1'),
	('\x0000000100000001' || float8send('NaN') || int8send(1) || int8send(0) || int8send(0), '22P03 invalid survival_curve A time is not a number, or -Infinity.'),
	('\x0000000100000001' || float8send('-Infinity') || int8send(0) || int8send(0) || int8send(1), '22P03 invalid survival_curve A time is not a number, or -Infinity.'),
	('\x0000000100000001' || float8send(-1) || int8send(1) || int8send(0) || int8send(0), '22P03 invalid survival_curve A duration is negative.'),
	('\x0000000100000001' || float8send(1) || int8send(-1) || int8send(2) || int8send(0), '22P03 invalid survival_curve A count is negative.'),
	('\x0000000100000001' || float8send(1) || int8send(1) || int8send(0) || int8send(-1), '22P03 invalid survival_curve A count is negative.'),
	('\x0000000100000001' || float8send(1) || int8send(0) || int8send(0) || int8send(0), '22P03 invalid survival_curve Nothing happens at a time.'),
	('\x0000000100000001' || float8send(1) || int8send(1) || int8send(0) || int8send(1), '22P03 invalid survival_curve More leave than are at risk.'),
	('\x0000000100000001' || float8send(1) || int8send(9223372036854775807) || int8send(1) || int8send(0), '22003 a survival curve cannot count so many observations'),
	('\x0000000100000002' || float8send(1) || int8send(1) || int8send(0) || int8send(0) || float8send(1) || int8send(1) || int8send(0) || int8send(0), '22P03 invalid survival_curve Times do not ascend.')) AS v (field, expected);
SELECT matches(receive(field), '^(22P03|08P01) ', 'received: nothing of ' || field::text)
FROM unnest(ARRAY['\x', '\x00', '\x00000001', '\x000000010000', '\x000000010000000000']::bytea[]) AS field;

-- Stored, the large one out of line
CREATE TABLE stored (id int, curve survival_curve);
CREATE TABLE many AS SELECT i, i % 20 AS g, abs(hashint8extended(i, 1) % 1000000000) / 7.0::float8 AS duration, hashint8extended(i, 2) % 3 <> 0 AS observed, abs(hashint8extended(i, 3) % 1000000000) / 7.0::float8 AS entry FROM generate_series(1, 100000) AS i;
INSERT INTO stored SELECT 1, curve FROM late UNION ALL SELECT 2, survival_agg(duration, observed) FROM many UNION ALL SELECT 3, NULL UNION ALL SELECT 4, '{}' UNION ALL SELECT 5, survival_agg(i / 2, true) FROM many;
SELECT cmp_ok(pg_relation_size(reltoastrelid), '>', 500000::bigint, 'a large curve is stored out of line') FROM pg_class WHERE relname = 'stored';
SELECT is(md5((SELECT curve::text FROM stored WHERE id = 2)), md5((SELECT survival_agg(duration, observed)::text FROM many)), 'and comes back as it was');
SELECT is(md5((SELECT curve::text::survival_curve::text FROM stored WHERE id = 2)), md5((SELECT curve::text FROM stored WHERE id = 2)), 'as text too');
SELECT is((SELECT curve::text FROM stored WHERE id = 1), (SELECT curve::text FROM late), 'a small one too');
SELECT cmp_ok(pg_column_size(curve), '<', 32 * 50000, 'a regular one is compressed') FROM stored WHERE id = 5;
SELECT is(survival_quantile(curve, 0.5), 25000::float8, 'and answers') FROM stored WHERE id = 5;
SELECT is(survival_merge(curve)::text, (SELECT survival_merge(curve)::text FROM (SELECT curve FROM late UNION ALL SELECT survival_agg(duration, observed) FROM many UNION ALL SELECT survival_agg(i / 2, true) FROM many) AS u (curve)), 'merged from storage as from memory') FROM stored;
SELECT is(liveness_internal.survival_conditionals(curve, '{0}', 1e8), ARRAY[survival_at(curve, 1e8)], 'a large one answers the same by either way') FROM stored WHERE id = 2;

-- Groups, filters, frames
SELECT results_eq('SELECT arm, survival_agg(duration, observed) FILTER (WHERE duration > 20)::text FROM trial GROUP BY arm ORDER BY arm COLLATE "C"',
	$$VALUES ('6-MP', '{22:1:0,23:1:0,25:0:1,32:0:2,34:0:1,35:0:1}'), ('maintained', '{23:1:0,28:0:1,31:1:0,34:1:0,45:0:1,48:1:0,161:0:1}'),
	('not maintained', '{23:1:0,27:1:0,30:1:0,33:1:0,43:1:0,45:1:0}'), ('placebo', '{22:1:0,23:1:0}')$$, 'filtered, in groups');
SELECT is(survival_agg(DISTINCT duration, observed)::text, '{1:1:0,2:1:0,3:1:0,4:1:0,5:1:0,8:1:0,11:1:0,12:1:0,15:1:0,17:1:0,22:1:0,23:1:0}', 'distinct durations') FROM trial WHERE arm = 'placebo';
SELECT is_empty(format($$SELECT n, got, expected
	FROM (SELECT n, survival_agg(duration, observed) OVER (ORDER BY n ROWS %1$s)::text AS got, array_agg(n) OVER (ORDER BY n ROWS %1$s) AS ns FROM (SELECT *, row_number() OVER () AS n FROM trial) AS t) AS w,
	LATERAL (SELECT survival_agg(duration, observed)::text AS expected FROM (SELECT *, row_number() OVER () AS n FROM trial) AS t WHERE n = ANY (ns)) AS e
	WHERE got IS DISTINCT FROM expected$$, frame), 'over rows ' || lower(frame))
FROM unnest(ARRAY['UNBOUNDED PRECEDING', 'BETWEEN 3 PRECEDING AND 1 FOLLOWING', 'BETWEEN 5 FOLLOWING AND 9 FOLLOWING', 'BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING', 'BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW']) AS frame;
SELECT is(array_agg(c ORDER BY n), '{"{1:1:0}","{1:2:0}","{1:2:0,2:0:1}"}', 'merged over a growing frame, by hand') FROM (
	SELECT n, survival_merge(c::survival_curve) OVER (ORDER BY n)::text AS c FROM (VALUES (1, '{1:1:0}'), (2, '{1:1:0}'), (3, '{2:0:1}')) AS v (n, c)) AS w;

-- Parallel plans
ANALYZE many;
CREATE TABLE pieces AS SELECT i % 5 AS g, survival_agg(duration, observed) AS curve FROM many GROUP BY i % 500, i % 5;
ANALYZE pieces;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		lines := lines || line || E'\n';
	END LOOP;
	RETURN lines;
END $$;
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	md text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(q.curve::text, %L ORDER BY q.g)) FROM (%s) AS q', E'\n', query) INTO md;
	RETURN md;
END $$;
CREATE TABLE queries (name text, query text, serial text);
INSERT INTO queries VALUES
	('all', 'SELECT 0 AS g, survival_agg(duration, observed) AS curve FROM many'),
	('few distinct times', 'SELECT 0 AS g, survival_agg(floor(duration / 1e7), observed) AS curve FROM many'),
	('truncated', 'SELECT 0 AS g, survival_agg(duration, observed, entry) AS curve FROM many'),
	('in groups', 'SELECT g, survival_agg(duration, observed) AS curve FROM many GROUP BY g'),
	('truncated, filtered, in groups', 'SELECT g, survival_agg(duration, observed, entry) FILTER (WHERE i % 3 = 0) AS curve FROM many GROUP BY g'),
	('nobody', 'SELECT 0 AS g, survival_agg(duration, observed) FILTER (WHERE duration < 0) AS curve FROM many'),
	('merged', 'SELECT 0 AS g, survival_merge(curve) AS curve FROM pieces'),
	('merged in groups', 'SELECT g, survival_merge(curve) AS curve FROM pieces GROUP BY g');
SET LOCAL max_parallel_workers_per_gather = 0;
UPDATE queries SET serial = answer(query);
SELECT doesnt_match(plan_of(query), 'Gather', 'in one process: ' || name) FROM queries;
SELECT is((SELECT serial FROM queries WHERE name = 'merged'), (SELECT serial FROM queries WHERE name = 'all'), 'merged of 500 pieces: the whole');
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
SELECT matches(plan_of(query), 'Finalize.*Gather.*Partial', 'in parallel: ' || name) FROM queries;
SELECT is(answer(query), serial, 'the same in parallel: ' || name) FROM queries;

-- Without censoring S is the share of those that last longer; a million distinct durations, in no order
CREATE TABLE million AS SELECT (i::bigint * 7919 % 1000003) / 8.0::float8 AS duration FROM generate_series(1, 1000000) AS i;
CREATE TABLE of_million AS SELECT survival_agg(duration, true) AS curve FROM million;
SELECT is(count(*)::int, 1000000, 'a million times') FROM of_million, survival_table(curve);
SELECT is_empty($$
	SELECT t, survival_at(curve, t), share
	FROM of_million, unnest('{0, 1, 99.9, 12345.625, 62500.1875, 100000, 124999, 125000.25, 125001}'::float8[]) AS t,
		LATERAL (SELECT count(*) FILTER (WHERE duration > t) / 1e6 AS share FROM million) AS s
	WHERE NOT near(survival_at(curve, t), share)$$, 'S of a million: the share that lasts longer');
SELECT close_to(survival_quantile(curve, 0.5), (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration) FROM million), 'the median of a million') FROM of_million;
SELECT close_to(survival_rmean(curve, 130000), (SELECT avg(duration) FROM million), 'the mean of a million') FROM of_million;
SELECT close_to(std_err, sqrt(survival * (1 - survival) / 1e6), 'the error of a million: that of a share') FROM of_million, survival_table(curve) WHERE n_risk = 300001;

SELECT * FROM finish();
ROLLBACK;
