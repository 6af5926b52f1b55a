-- liveness_candidates answers from what a rollup knew and from what came since; liveness_candidates_at(now()) from the
-- sessions alone.  They tell the same providers, sessions and ages, whatever happened and whenever it was noted
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SELECT plan(20);

CREATE FUNCTION m(minutes float8) RETURNS timestamptz STABLE LANGUAGE sql AS $$SELECT now() + minutes * interval '1min'$$;
CREATE TABLE final (id bigint, provider_id text, c timestamptz, e timestamptz, reason text, coordinator_id text, noted boolean, noted_e timestamptz);
-- All sessions as they are in the end; as the rollup sees them some are not there yet, others have not ended
CREATE FUNCTION rollup_then_more(as_of timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	DELETE FROM provider_sessions;
	INSERT INTO provider_sessions (id, provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
	SELECT id, provider_id, c, noted_e, CASE WHEN noted_e = e THEN reason ELSE '' END, coordinator_id FROM final WHERE noted;
	n := liveness_rollup_features(as_of);
	UPDATE provider_sessions s SET disconnected_at = e, disconnect_reason = reason FROM final f WHERE f.id = s.id AND e IS DISTINCT FROM noted_e;
	INSERT INTO provider_sessions (id, provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
	SELECT id, provider_id, c, e, reason, coordinator_id FROM final WHERE NOT noted;
	ANALYZE provider_sessions;
	RETURN n;
END
$$;
-- Both, and when the running spell began by window functions over all sessions
CREATE VIEW plain AS
	SELECT provider_id, min(c) AS since
	FROM (
		SELECT *, count(*) FILTER (WHERE before IS NULL OR c > before[1] AND NOT (before[2] = 0 AND c - before[1] <= 600)) OVER (PARTITION BY provider_id ORDER BY c, id) AS spell
		FROM (
			SELECT *, max(ARRAY[e, kind]) OVER (PARTITION BY provider_id ORDER BY c, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM (
				SELECT id, provider_id, extract(epoch FROM connected_at) AS c,
					CASE WHEN disconnected_at <= now() THEN greatest(extract(epoch FROM disconnected_at), extract(epoch FROM connected_at)) ELSE 'infinity' END AS e,
					CASE WHEN disconnected_at <= now() THEN (disconnect_reason NOT IN ('coordinator_restart', 'observer_outage'))::int ELSE 2 END::numeric AS kind
				FROM provider_sessions
				WHERE connected_at <= now() + interval '90s'
			) AS s
		) AS s
	) AS s
	GROUP BY provider_id, spell
	HAVING bool_or(kind = 2);
CREATE VIEW both_ways AS
	SELECT provider_id, (c.session_id, c.coordinator_id, c.connected_at, c.age_seconds)::text AS by_rollup,
		(a.session_id, a.coordinator_id, a.connected_at, a.age_seconds)::text AS by_sessions, extract(epoch FROM c.connected_at) AS since, p.since AS plain_since
	FROM liveness_candidates('4 hours', 0, NULL) c
	FULL JOIN liveness_candidates_at(now(), '4 hours', 0, NULL) a USING (provider_id)
	FULL JOIN plain p USING (provider_id);
CREATE VIEW disagreeing AS
	SELECT * FROM both_ways WHERE by_rollup IS DISTINCT FROM by_sessions OR since IS DISTINCT FROM plain_since;

-- By hand, in minutes before now; the rollup is of ten minutes ago.  noted_e: when the rollup believes it ends
CREATE TABLE hand (provider_id text, since float8, c float8, noted_e float8, e float8, reason text);
INSERT INTO hand VALUES
	('goes on', -180, -180, NULL, NULL, ''),
	('handed over', -180, -180, NULL, -5, 'coordinator_restart'), ('handed over', -180, -4, 0, NULL, ''),
	('handed over, no gap', -180, -180, NULL, -5, 'read_error'), ('handed over, no gap', -180, -6, 0, NULL, ''),
	('failed since', -4, -180, NULL, -5, 'read_error'), ('failed since', -4, -4, 0, NULL, ''),
	('bridged before', -180, -180, -60, -60, 'coordinator_restart'), ('bridged before', -180, -50, NULL, NULL, ''),
	('bridged over the rollup', -180, -180, -12, -12, 'coordinator_restart'), ('bridged over the rollup', -180, -2, 0, NULL, ''),
	('too late', -1, -180, -12, -12, 'coordinator_restart'), ('too late', -1, -1, 0, NULL, ''),
	('failed before', -2, -180, -11, -11, 'read_error'), ('failed before', -2, -2, 0, NULL, ''),
	('a chain', -180, -180, -15, -15, 'coordinator_restart'), ('a chain', -180, -9, 0, -8, 'observer_outage'), ('a chain', -180, -7, 0, -7, 'coordinator_restart'), ('a chain', -180, -1, 0, NULL, ''),
	('a stepping stone', -180, -180, -15, -15, 'coordinator_restart'), ('a stepping stone', -180, -10, 0, -10, 'coordinator_restart'), ('a stepping stone', -180, -1, 0, NULL, ''),
	('a stumbling stone', -1, -180, -11, -11, 'coordinator_restart'), ('a stumbling stone', -1, -5, 0, -5, 'read_error'), ('a stumbling stone', -1, -1, 0, NULL, ''),
	('failure noted late', -5, -180, NULL, -30, 'stale_heartbeat'), ('failure noted late', -5, -5, 0, NULL, ''),
	('restart noted late', -5, -180, NULL, -30, 'coordinator_restart'), ('restart noted late', -5, -5, 0, NULL, ''),
	('restart noted in time', -180, -180, NULL, -14, 'coordinator_restart'), ('restart noted in time', -180, -5, 0, NULL, ''),
	('one of two noted late', -20, -180, NULL, -30, 'read_error'), ('one of two noted late', -20, -20, NULL, NULL, ''),
	('a begin noted late', -180, -180, -25, -25, 'coordinator_restart'), ('a begin noted late', -180, -20, 0, NULL, ''),
	('new', -3, -3, 0, NULL, ''),
	('begins soon', -180, -180, NULL, -1, 'coordinator_restart'), ('begins soon', -180, 1, 0, NULL, ''),
	('ends soon', -180, -180, NULL, 1, 'read_error'),
	('never began', '-infinity', '-infinity', NULL, NULL, ''),
	('never ends', -180, -180, 'infinity', 'infinity', ''),
	('gone', NULL, -180, NULL, -1, 'read_error'),
	('away', NULL, -180, NULL, -1, 'coordinator_restart'),
	('will begin', NULL, 2, NULL, NULL, ''),
	('will never begin', NULL, 'infinity', NULL, NULL, '');
CREATE FUNCTION at(minutes float8) RETURNS timestamptz STABLE LANGUAGE sql AS $$
	SELECT CASE WHEN minutes IN ('infinity', '-infinity') THEN minutes::text::timestamptz ELSE m(minutes) END
$$;
INSERT INTO final SELECT row_number() OVER (), provider_id, at(c), at(e), reason, 'coordinator ' || c, noted_e IS DISTINCT FROM 0, at(nullif(noted_e, 0)) FROM hand;
SELECT cmp_ok(rollup_then_more(m(-10)), '>', 15::bigint, 'a rollup of ten minutes ago, and more since');
SELECT set_eq('SELECT provider_id, connected_at FROM liveness_candidates(''4 hours'', 0, NULL)',
	'SELECT DISTINCT provider_id, at(since) FROM hand WHERE since IS NOT NULL', 'each with the spell that was worked out by hand');
SELECT is((SELECT count(*)::int FROM both_ways), 21, 'all of them');
SELECT is_empty('TABLE disagreeing', 'all agree');
SELECT cmp_ok(rollup_then_more(m(3)), '>', 15::bigint, 'a rollup of the future');
SELECT is_empty('TABLE disagreeing', 'all agree');
SELECT cmp_ok(rollup_then_more(m(-100)), '>', 15::bigint, 'a rollup of before most');
SELECT is_empty('TABLE disagreeing', 'all agree');

-- At random: 600 providers, of 1 to 25 sessions in the last hours, on a grid of three minutes
CREATE FUNCTION draw(as_of timestamptz) RETURNS bigint LANGUAGE sql AS $$
	DELETE FROM final;
	INSERT INTO final
	SELECT p * 100 + i, 'provider ' || p, c, e, reason, 'coordinator ' || i % 3,
		NOT late OR change % 3 > 0 OR (c < as_of AND e <= as_of), CASE WHEN NOT (late AND change % 3 = 1) THEN e END
	FROM (
		SELECT *, CASE WHEN r % 31 = 0 THEN '-infinity' ELSE drawn_c END AS c,
			CASE WHEN r % 29 = 1 THEN NULL WHEN r % 37 = 1 THEN 'infinity' WHEN r % 11 = 2 THEN drawn_c WHEN r % 13 = 2 THEN drawn_c - r % 50 * interval '3min' ELSE drawn_c + (r / 31 % (2 + p % 6)) * interval '3min' END AS e,
			(ARRAY['coordinator_restart', 'observer_outage', 'coordinator_restart', 'read_error', ''])[1 + r / 7 % (2 + p % 4)] AS reason,
			p % 3 > 0 AND r / 1009 % 7 = 0 AS late
		FROM (
			SELECT p, i, now() + interval '1min' - hash % (8 * (1 + p % 9)) * interval '3min' + (hash / 1000 % 3 - 1) * interval '1us' AS drawn_c, r, change
			FROM generate_series(1, 600::bigint) AS p, generate_series(1, 1 + abs(hashint8extended(p, 5) % 25)) AS i,
				LATERAL (SELECT abs(hashint8extended(p * 100 + i, 1)) AS hash, abs(hashint8extended(p * 100 + i, 2)) AS r, abs(hashint8extended(p * 100 + i, 3)) AS change) AS h
		) AS d
	) AS s
	-- one that ends before the rollup's instant, but begins after it, is seen by neither the rollup nor who asks later
	WHERE NOT (c >= as_of AND e < as_of);
	SELECT rollup_then_more(as_of)
$$;
CREATE TABLE drawn AS SELECT 0::float8 AS minutes, 0::bigint AS n, 0::bigint AS disagreeing LIMIT 0;
DO $$
DECLARE
	minutes float8;
BEGIN
	FOREACH minutes IN ARRAY ARRAY[0, -2, -11, -29.0000001, -60, -200, -150, 0.5, 30] LOOP
		PERFORM draw(m(minutes));
		INSERT INTO drawn SELECT minutes, (SELECT count(*) FROM both_ways), (SELECT count(*) FROM disagreeing);
	END LOOP;
END
$$;
SELECT is(disagreeing, 0::bigint, format('none disagrees: a rollup of %s minutes from now', minutes)) FROM drawn ORDER BY minutes DESC;
SELECT cmp_ok(min(n)::int, '>', 250, 'of many candidates') FROM drawn;
-- Many stale ones that rank before those that are there
DELETE FROM provider_sessions;
INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at) SELECT 'silent ' || n, m(-15000), m(-14000) FROM generate_series(1, 1600) n;
INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at) SELECT 'there ' || n, m(-15000), now() FROM generate_series(1, 3) n;
SELECT liveness_rollup_features(now()) = 1603 AS all_of_them;
SELECT results_eq($$SELECT provider_id FROM liveness_candidates('1 hour', 0, 2)$$, $$VALUES ('there 1'), ('there 2')$$, 'the likeliest two, behind 1,600 that are stale');
SELECT results_eq($$SELECT provider_id FROM liveness_candidates('1 hour', 0, 500)$$, $$VALUES ('there 1'), ('there 2'), ('there 3')$$, 'and all three');
SELECT * FROM finish();
ROLLBACK;
