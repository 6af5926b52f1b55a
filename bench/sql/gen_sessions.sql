-- Fills provider_sessions with a fleet of varied temperaments; the same data at every run.
--   psql -v providers=10000 -v sessions=1000000 -v as_of='2025-06-15 12:34:56+00' -f gen_sessions.sql
-- Every random draw is hashint8extended(row, salt), so that neither plan nor parallelism changes it.
-- A provider's sessions follow one another over the 20 days before as_of; the table is
-- filled in order of connection, as a coordinator would.
WITH fleet AS MATERIALIZED (
	SELECT p,
		'provider-' || md5(p::text) AS provider_id,
		-- Temperament: share of the time online, from a laptop to a machine in a rack.
		CASE WHEN u < 0.15 THEN 0.15 + u
			WHEN u < 0.50 THEN 0.35 + u * 0.6
			WHEN u < 0.85 THEN 0.70 + (u - 0.50) * 0.6
			ELSE 0.93 + (u - 0.85) * 0.45 END AS duty,
		-- Sessions of each: long tail around the mean; everyone has at least two.
		greatest(2, round(:sessions::float8 / :providers * (0.3 - 0.7 * ln(v)))::int) AS n
	FROM (
		SELECT p,
			(hashint8extended(p, 1) & 1048575) / 1048576.0::float8 AS u,
			((hashint8extended(p, 2) & 1048575) + 0.5) / 1048576.0::float8 AS v
		FROM generate_series(1, :providers::bigint) AS p
	) AS draw
), step AS MATERIALIZED (
	-- Each step is an online and an offline stretch of exponential length; scaled below so
	-- that a provider's steps fill the 20 days.
	SELECT p, i, provider_id, n, duty, p * 1000003 + i AS key,
		-ln(((hashint8extended(p * 1000003 + i, 3) & 16777215) + 0.5) / 16777216.0::float8) * duty AS up,
		-ln(((hashint8extended(p * 1000003 + i, 4) & 16777215) + 0.5) / 16777216.0::float8) * (1 - duty) AS down
	FROM fleet, generate_series(1, n) AS i
), placed AS (
	SELECT *,
		up * 1728000 / sum(up + down) OVER whole AS up_s,
		(sum(up + down) OVER before - up - down) * 1728000 / sum(up + down) OVER whole AS start_s
	FROM step
	WINDOW before AS (PARTITION BY p ORDER BY i),
		whole AS (PARTITION BY p ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), drawn AS (
	SELECT p, i, n, provider_id, duty, start_s, up_s,
		hashint8extended(key, 5) & 65535 AS r1,
		hashint8extended(key, 6) & 65535 AS r2,
		hashint8extended(key, 7) & 65535 AS r3
	FROM placed
), session AS (
	SELECT provider_id, up_s,
		:'as_of'::timestamptz - make_interval(secs => 1728000 - start_s
			-- One in 25 begins before the last has ended: a deploy with two coordinators.
			+ CASE WHEN r1 < 2621 AND start_s > 1200 THEN 1200 * (r2 / 65536.0) ELSE 0 END) AS connected_at,
		-- Seven in ten of the providers are connected as of as_of.
		CASE WHEN i = n AND hashint8extended(p, 8) & 65535 < 45875 THEN NULL
			-- one in 5,000 ends before it begins: skewed clocks
			WHEN r1 BETWEEN 30000 AND 30012 THEN
				:'as_of'::timestamptz - make_interval(secs => 1728000 - start_s + 1300)
			-- one in 33 runs into the next
			WHEN r1 > 63570 AND i < n THEN
				:'as_of'::timestamptz - make_interval(secs => greatest(0, 1728000 - start_s - up_s - 600))
			ELSE :'as_of'::timestamptz - make_interval(secs => greatest(0, 1728000 - start_s - up_s))
		END AS disconnected_at,
		CASE WHEN r3 < 27000 THEN 'clean_close'
			WHEN r3 < 45000 THEN 'read_error'
			WHEN r3 < 57000 THEN 'stale_heartbeat'
			WHEN r3 < 61500 THEN 'coordinator_restart'
			WHEN r3 < 64000 THEN 'duplicate_serial'
			ELSE '' END AS reason,
		r2, r3
	FROM drawn
)
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason,
	last_heartbeat_at, requests_served, tokens_generated, coordinator_id)
SELECT provider_id, connected_at, disconnected_at,
	CASE WHEN disconnected_at IS NULL THEN '' ELSE reason END,
	greatest(connected_at, coalesce(disconnected_at, :'as_of'::timestamptz) - make_interval(secs => r2 % 10)),
	(up_s * (r2 / 65536.0) / 20)::bigint, (up_s * (r3 / 65536.0) * 15)::bigint,
	'coordinator-' || CASE WHEN r2 & 1 = 0 THEN 'a' ELSE 'b' END
FROM session
ORDER BY connected_at, provider_id;

ANALYZE provider_sessions;
