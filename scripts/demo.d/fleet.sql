-- The simulated fleet: its temperaments, and the sessions that its coordinators
-- wrote down.  All is a function of a provider's name and the clock: a later
-- run makes the same fleet, moved in time.
-- Variables: providers.  Time zone UTC.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
BEGIN;

-- What only the simulation knows; gone once the fleet is loaded.
CREATE SCHEMA demo;

-- One instant for every script of the demo: the first of them takes seconds.
CREATE TABLE demo.clock AS
	SELECT now() AS at,
		now() - interval '20 days' AS starts_at,
		-- the green coordinator was restarted once, the blue one has just crashed
		now() - interval '9 days 4 hours' AS green_restarted_at,
		now() - interval '45 minutes' AS blue_crashed_at;

-- A number from 0 up to 1 that looks like chance.
CREATE FUNCTION demo.chance(key text, salt int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashtextextended(key, salt) & 4294967295)::float8 / 4294967296;

-- One of the words, each as likely as it is often in the array.
CREATE FUNCTION demo.pick(words text[], chance float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN words[1 + floor(chance * cardinality(words))::int];

CREATE TABLE demo.provider AS
	SELECT k.temperament || '-' || to_char(n, 'FM000') AS provider_id, k.temperament, n,
		CASE WHEN demo.chance(k.temperament || n, 1) < 0.2 THEN 'blue' ELSE 'green' END AS coordinator_id
	FROM (VALUES
		('steady', 0.34), ('office', 0.24), ('night', 0.12), ('flaky', 0.14),
		('vanished', 0.04), ('new', 0.04), ('bluegreen', 0.08)
	) k (temperament, share)
	CROSS JOIN LATERAL generate_series(1, round(k.share * :providers)::int) n;

-- disconnected_at: NULL or in the future is still connected
CREATE TABLE demo.session (
	provider_id text,
	connected_at timestamptz,
	disconnected_at timestamptz,
	reason text,
	coordinator_id text
);

-- steady, new, vanished: days at a time, minutes of update in between.  Some
-- never go away.
INSERT INTO demo.session
	SELECT provider_id,
		begins_at + coalesce(sum(online + offline) OVER before, interval '0') AS connected_at,
		begins_at + coalesce(sum(online + offline) OVER before, interval '0') + online AS disconnected_at,
		reason, coordinator_id
	FROM (
		SELECT p.provider_id, p.coordinator_id, k,
			CASE p.temperament
				WHEN 'new' THEN c.at - (0.1 + 3 * demo.chance(p.provider_id, 2)) * interval '1 day'
				ELSE c.starts_at + demo.chance(p.provider_id, 2) * interval '6 hours'
			END AS begins_at,
			CASE WHEN p.n % 45 = 9 AND p.temperament = 'steady' THEN interval '100 days'
				ELSE (0.4 + 9 * demo.chance(p.provider_id, 100 + k) ^ 2) * interval '1 day'
			END AS online,
			(2 + 8 * demo.chance(p.provider_id, 200 + k)) * interval '1 minute' AS offline,
			demo.pick('{clean_close,clean_close,clean_close,read_error}', demo.chance(p.provider_id, 300 + k)) AS reason
		FROM demo.provider p
		CROSS JOIN demo.clock c
		CROSS JOIN generate_series(1, 40) k
		WHERE p.temperament IN ('steady', 'new', 'vanished')
	) run
	WINDOW before AS (PARTITION BY provider_id ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- vanished: not seen since, two weeks and more ago
UPDATE demo.session s SET
	disconnected_at = v.vanished_at,
	reason = demo.pick('{read_error,stale_heartbeat}', demo.chance(s.provider_id, 4))
FROM (
	SELECT p.provider_id, c.starts_at + (1 + 3.5 * demo.chance(p.provider_id, 3)) * interval '1 day' AS vanished_at
	FROM demo.provider p
	CROSS JOIN demo.clock c
	WHERE p.temperament = 'vanished'
) v
WHERE s.provider_id = v.provider_id AND v.vanished_at BETWEEN s.connected_at AND s.disconnected_at;
DELETE FROM demo.session s
USING demo.clock c
WHERE s.provider_id LIKE 'vanished-%' AND s.disconnected_at > c.starts_at + interval '4.5 days';

-- office: from Monday to Friday, every third with a lunch break
INSERT INTO demo.session
	SELECT p.provider_id,
		day + part.opens + (demo.chance(p.provider_id, 5) + 0.4 * demo.chance(p.provider_id || day, part.no)) * interval '1 hour',
		day + part.closes + (demo.chance(p.provider_id, 6) + 0.4 * demo.chance(p.provider_id || day, 10 + part.no)) * interval '1 hour',
		demo.pick('{clean_close,clean_close,clean_close,clean_close,clean_close,clean_close,read_error,""}',
			demo.chance(p.provider_id || day, 20 + part.no)),
		p.coordinator_id
	FROM demo.provider p
	CROSS JOIN demo.clock c
	CROSS JOIN LATERAL generate_series(date_trunc('day', c.starts_at), c.at, '1 day') day
	JOIN (VALUES (true, 1, interval '7 h', interval '11 h 15 min'), (true, 2, '12 h 45 min', '16 h'), (false, 1, '7 h', '16 h'))
		part (lunch, no, opens, closes) ON part.lunch = (p.n % 3 = 0)
	WHERE p.temperament = 'office'
	AND extract(isodow FROM day) <= 5
	-- a day off now and then
	AND demo.chance(p.provider_id || day, 30) > 0.06;

-- night: from the evening to the morning, weekends too
INSERT INTO demo.session
	SELECT p.provider_id,
		day + interval '19 h' + (demo.chance(p.provider_id, 5) + 0.5 * demo.chance(p.provider_id || day, 1)) * interval '1 hour',
		day + interval '28 h' + (2 * demo.chance(p.provider_id, 6) + 0.5 * demo.chance(p.provider_id || day, 2)) * interval '1 hour',
		demo.pick('{clean_close,clean_close,clean_close,clean_close,clean_close,clean_close,clean_close,read_error,stale_heartbeat}',
			demo.chance(p.provider_id || day, 3)),
		p.coordinator_id
	FROM demo.provider p
	CROSS JOIN demo.clock c
	CROSS JOIN LATERAL generate_series(date_trunc('day', c.starts_at), c.at, '1 day') day
	WHERE p.temperament = 'night'
	AND demo.chance(p.provider_id || day, 4) > 0.05;

-- flaky: exponential times of some 20 to 90 minutes, and of a quarter of that
INSERT INTO demo.session
	SELECT provider_id,
		starts_at + coalesce(sum(online + offline) OVER before, interval '0'),
		starts_at + coalesce(sum(online + offline) OVER before, interval '0') + online,
		reason, coordinator_id
	FROM (
		SELECT p.provider_id, p.coordinator_id, c.starts_at, k,
			-ln(1 - demo.chance(p.provider_id, 1000 + k)) * m.mean_minutes * interval '1 minute' + interval '5 seconds' AS online,
			-ln(1 - demo.chance(p.provider_id, 5000 + k)) * m.mean_minutes / 4 * interval '1 minute' + interval '20 seconds' AS offline,
			demo.pick('{read_error,read_error,read_error,read_error,read_error,stale_heartbeat,stale_heartbeat,clean_close,duplicate_serial,""}',
				demo.chance(p.provider_id, 9000 + k)) AS reason
		FROM demo.provider p
		CROSS JOIN demo.clock c
		CROSS JOIN LATERAL (SELECT 20 + 70 * demo.chance(p.provider_id, 7) AS mean_minutes) m
		CROSS JOIN LATERAL generate_series(1, (1.4 * 20 * 24 * 60 / (1.25 * m.mean_minutes))::int) k
		WHERE p.temperament = 'flaky'
	) run
	WINDOW before AS (PARTITION BY provider_id ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- bluegreen: a deploy each 60 hours moves them to the other coordinator; the one
-- that leaves keeps its connections until their jobs are done.
INSERT INTO demo.session
	SELECT p.provider_id,
		c.at - interval '60 hours' * deploy - demo.chance(p.provider_id || deploy, 1) * interval '3 minutes' - interval '11 hours',
		CASE WHEN deploy > 0 THEN
			c.at - interval '60 hours' * (deploy - 1) + (0.5 + 5 * demo.chance(p.provider_id || deploy, 2)) * interval '1 hour' - interval '11 hours'
		END,
		'clean_close',
		CASE WHEN deploy % 2 = 0 THEN 'green' ELSE 'blue' END
	FROM demo.provider p
	CROSS JOIN demo.clock c
	CROSS JOIN generate_series(0, 8) deploy
	WHERE p.temperament = 'bluegreen';

-- The restart of green ended what it held, and all came back within minutes.
INSERT INTO demo.session
	SELECT s.provider_id, c.green_restarted_at + (20 + 160 * demo.chance(s.provider_id, 8)) * interval '1 second',
		s.disconnected_at, s.reason, s.coordinator_id
	FROM demo.session s
	CROSS JOIN demo.clock c
	WHERE s.coordinator_id = 'green' AND s.connected_at < c.green_restarted_at
	AND coalesce(s.disconnected_at, 'infinity') > c.green_restarted_at + interval '3 minutes';
UPDATE demo.session s SET disconnected_at = c.green_restarted_at, reason = 'coordinator_restart'
FROM demo.clock c
WHERE s.coordinator_id = 'green' AND s.connected_at < c.green_restarted_at
AND coalesce(s.disconnected_at, 'infinity') > c.green_restarted_at + interval '3 minutes';

-- As the coordinators wrote it, in order of arrival.  Blue stopped writing when
-- it crashed: what it held then is open still, and nothing began since.
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason,
	last_heartbeat_at, requests_served, tokens_generated, coordinator_id)
SELECT s.provider_id, s.connected_at,
	CASE WHEN s.disconnected_at <= k.known_until THEN s.disconnected_at END,
	CASE WHEN s.disconnected_at <= k.known_until THEN s.reason ELSE '' END,
	-- a coordinator notes it once a minute
	s.connected_at + floor(extract(epoch FROM least(s.disconnected_at, k.known_until) - s.connected_at) / 60) * interval '1 minute',
	r.requests, r.requests * (300 + floor(500 * demo.chance(s.provider_id, 9)))::bigint,
	s.coordinator_id
FROM demo.session s
CROSS JOIN demo.clock c
CROSS JOIN LATERAL (SELECT CASE s.coordinator_id WHEN 'blue' THEN c.blue_crashed_at ELSE c.at END AS known_until) k
CROSS JOIN LATERAL (
	SELECT floor(extract(epoch FROM least(s.disconnected_at, k.known_until) - s.connected_at)
		/ 40 * demo.chance(s.provider_id, 10))::bigint AS requests
) r
WHERE s.connected_at < k.known_until
ORDER BY s.connected_at, s.provider_id;

-- Lids that were shut some hours ago, and nobody has noticed yet.
UPDATE provider_sessions s
SET last_heartbeat_at = greatest(s.connected_at, c.at - (2 + 6 * demo.chance(s.provider_id, 11)) * interval '1 hour')
FROM demo.clock c
WHERE s.disconnected_at IS NULL AND s.coordinator_id = 'green' AND s.provider_id ~ '^(steady|flaky)-..3$';

SELECT to_char(count(*), 'FM999,999,999') FROM provider_sessions;
COMMIT;
