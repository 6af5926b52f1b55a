-- The fleet goes on: what its machines and its two coordinators do from now on.  Each
-- call of demo.tick() is a round of both coordinators, by the functions that a real one calls.
-- Variables: speed, how many times faster than in real time machines come and go

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
BEGIN;

CREATE TABLE demo.live AS SELECT now() AS began_at, :speed::float8 AS speed, now() AS ticked_at;

-- A coordinator is away from goes_at to back_at.
CREATE TABLE demo.coordinator AS
	SELECT coordinator_id, now() + minutes * interval '1 minute' AS goes_at,
		now() + minutes * interval '1 minute' + interval '30 seconds' AS back_at
	FROM (VALUES ('blue', 3), ('green', 8)) v (coordinator_id, minutes);

-- The time that the machines live in
CREATE FUNCTION demo.clock_time() RETURNS timestamptz
LANGUAGE sql VOLATILE
RETURN (SELECT began_at + (clock_timestamp() - began_at) * speed FROM demo.live);

-- When a machine that has just come (or gone) will go (or come).  NULL: never.
CREATE FUNCTION demo.changes_at(provider_id text, temperament text, is_there boolean, t timestamptz) RETURNS timestamptz
LANGUAGE sql VOLATILE
RETURN CASE
	WHEN $2 = 'bluegreen' AND $3 THEN NULL
	WHEN $2 = 'flaky' THEN $4 - ln(1 - random()) * (20 + 70 * demo.chance($1, 7))
		* CASE WHEN $3 THEN 1 ELSE 0.25 END * interval '1 minute'
	WHEN $2 IN ('office', 'night') THEN (
		SELECT min(change.at)
		FROM generate_series(date_trunc('day', $4), $4 + interval '4 days', '1 day') day
		CROSS JOIN LATERAL (SELECT day + random() * interval '30 minutes' + CASE
			WHEN $2 = 'office' AND $3 THEN interval '16 h'
			WHEN $2 = 'office' THEN interval '7 h'
			WHEN $3 THEN interval '4 h'
			ELSE interval '19 h'
		END + demo.chance($1, CASE WHEN $3 THEN 6 ELSE 5 END) * interval '1 hour' AS at) change
		WHERE change.at > $4 AND ($2 = 'night' OR $3 OR extract(isodow FROM day) <= 5))
	WHEN $3 THEN $4 + (0.4 + 9 * random() ^ 2) * interval '1 day'
	ELSE $4 + (2 + 8 * random()) * interval '1 minute'
END;

-- session_id: what the coordinator knows.  changes_at: when the machine goes, or comes.
CREATE TABLE demo.machine AS
	SELECT provider_id, temperament, session_id IS NOT NULL AS is_there,
		demo.changes_at(provider_id, temperament, session_id IS NOT NULL, demo.clock_time()) AS changes_at,
		coordinator_id, session_id
	FROM (
		SELECT DISTINCT ON (provider_id) provider_id, split_part(provider_id, '-', 1) AS temperament, s.coordinator_id,
			CASE WHEN s.disconnected_at IS NULL THEN s.id END AS session_id
		FROM provider_sessions s
		ORDER BY provider_id, s.disconnected_at DESC NULLS FIRST, s.connected_at DESC
	) latest
	WHERE temperament <> 'vanished';
ALTER TABLE demo.machine ADD PRIMARY KEY (provider_id);

CREATE FUNCTION demo.tick() RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
	t timestamptz := demo.clock_time();
	up text[];
	orphans bigint;
	come bigint;
	gone bigint;
	stale bigint;
	beats bigint;
BEGIN
	-- Nobody called for a while: the server or this machine was away, and what is open is orphaned.
	UPDATE demo.coordinator SET back_at = now()
	FROM demo.live
	WHERE ticked_at < now() - interval '1 minute';
	UPDATE demo.live SET ticked_at = now();

	-- A coordinator that is back first closes what it left open, and knows no session then.
	WITH back AS (
		UPDATE demo.coordinator SET goes_at = now() + interval '10 minutes', back_at = now() + interval '10 minutes 30 seconds'
		WHERE back_at <= now()
		RETURNING coordinator_id, liveness_close_orphans(coordinator_id) AS closed
	), forgotten AS (
		UPDATE demo.machine m SET session_id = NULL
		FROM back
		WHERE m.coordinator_id = back.coordinator_id
	)
	SELECT coalesce(sum(closed), 0) INTO orphans FROM back;
	up := ARRAY(SELECT coordinator_id FROM demo.coordinator WHERE goes_at > now());

	-- What the machines do
	UPDATE demo.machine m
	SET is_there = NOT m.is_there, changes_at = demo.changes_at(m.provider_id, m.temperament, NOT m.is_there, t)
	WHERE m.changes_at <= t;

	-- Who has gone.  One of six leaves unnoticed, and its session becomes stale.
	SELECT count(*) FILTER (WHERE random() < 1.0 / 6 OR liveness_close_session(session_id,
		demo.pick(CASE temperament WHEN 'flaky' THEN '{read_error,read_error,read_error,clean_close}'::text[]
			ELSE '{clean_close,clean_close,clean_close,read_error}' END, random())))
	INTO gone
	FROM demo.machine
	WHERE NOT is_there AND session_id IS NOT NULL AND coordinator_id = ANY (up);
	UPDATE demo.machine SET session_id = NULL
	WHERE NOT is_there AND coordinator_id = ANY (up);
	SELECT liveness_close_stale() INTO stale;

	-- Who has come finds one of the coordinators.
	UPDATE demo.machine m SET coordinator_id = found.coordinator_id,
		session_id = liveness_open_session(m.provider_id, found.coordinator_id)
	FROM (SELECT provider_id, demo.pick(up, random()) AS coordinator_id FROM demo.machine) found
	WHERE m.provider_id = found.provider_id
	AND m.is_there AND m.session_id IS NULL AND found.coordinator_id IS NOT NULL;
	GET DIAGNOSTICS come = ROW_COUNT;

	-- A heartbeat of each
	SELECT count(*) FILTER (WHERE liveness_emit(provider_id, CASE WHEN load > 0.3 THEN 'serving' ELSE 'idle' END,
		0.25 + 0.6 * load, load, CASE WHEN load > 0.93 THEN 'serious' WHEN load > 0.75 THEN 'fair' ELSE 'nominal' END,
		memory_gb * (0.75 - 0.6 * load), backend_state => 'ready'))
	INTO beats
	FROM (
		SELECT provider_id, 0.2 + 0.4 * demo.chance(provider_id, 22) + 0.4 * random() AS load,
			16 * 2 ^ floor(4 * demo.chance(provider_id, 20)) AS memory_gb
		FROM demo.machine
		WHERE is_there AND session_id IS NOT NULL AND coordinator_id = ANY (up)
		OFFSET 0
	) machine;
	RETURN format('%s: %s come, %s gone, %s stale, %s orphans, %s heartbeats; up: %s',
		to_char(now(), 'HH24:MI:SS'), come, gone, stale, orphans, beats, array_to_string(up, ', '));
END
$$;
COMMIT;
