-- What liveness_features_at(as_of, window_days) returns, in one statement of plain SQL: the C code's
-- opponent in the benchmarks, and its oracle in the tests. Definitions: docs/definitions.
--   psql -v as_of='2025-06-15 12:34:56+00' -v window_days=14 -f features_pure_sql.sql
-- Only 'coordinator_restart' is censored.
WITH week AS (
	-- Each hour of the week: how much of the window lies in it. since: the window's begin in its week.
	SELECT hour, since,
		3600000000 * ((since + length) / 604800000000)
			+ least(greatest((since + length) % 604800000000 - hour * 3600000000, 0), 3600000000)
			- least(greatest(since - hour * 3600000000, 0), 3600000000) AS whole
	FROM (
		SELECT :window_days * 86400000000 AS length,
			mod(mod((extract(epoch FROM :'as_of'::timestamptz) - 3 * 86400) * 1000000
				- :window_days * 86400000000, 604800000000) + 604800000000, 604800000000)::bigint AS since
	) AS anchor, generate_series(0::bigint, 167) AS hour
), span AS (
	-- Microseconds since the window began, as float8: whole numbers, exact for 285 years; what
	-- connected before that takes the slow exact way. kind: 2 open, 1 failure, 0 censored.
	-- COLLATE "C" halves the time of the sort and changes no result.
	SELECT provider_id COLLATE "C" AS provider_id,
		CASE WHEN connected_at > (SELECT CASE WHEN :'as_of'::timestamptz > '4000-01-01 00:00+00 BC'
				THEN :'as_of'::timestamptz - interval '250 years' ELSE '-infinity' END)
			THEN round(date_part('epoch', connected_at - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8
			ELSE greatest(-9223372036854775807, (extract(epoch FROM connected_at)
				- extract(epoch FROM :'as_of'::timestamptz)) * 1000000 + :window_days * 86400000000)::float8
		END AS c,
		CASE WHEN disconnected_at <= :'as_of'::timestamptz
			THEN round(date_part('epoch', disconnected_at - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8
			ELSE :window_days * 86400e6::float8 END AS e,
		CASE WHEN disconnected_at <= :'as_of'::timestamptz
			THEN (disconnect_reason <> 'coordinator_restart')::int ELSE 2 END AS kind,
		connected_at
	FROM provider_sessions
	WHERE connected_at < :'as_of'::timestamptz
		AND (disconnected_at IS NULL
			OR disconnected_at >= :'as_of'::timestamptz - make_interval(hours => 24 * :window_days))
), merged AS (
	-- Of the sessions that began before: the latest end of one of positive length; the latest
	-- end of all, with the kind in its two low bits (at one end, open beats failure beats
	-- censored); the ages at which those that are older than the window came under observation.
	-- e and kind are in the sort key so that the scan, which runs in parallel, computes them once.
	SELECT provider_id, c, e, kind,
		CASE WHEN c > -8e15 THEN greatest(e - c, 0)::bigint
			ELSE least(9223372036854775807, e::numeric - :window_days * 86400000000
				+ (extract(epoch FROM :'as_of'::timestamptz) - extract(epoch FROM connected_at)) * 1000000)::bigint
		END AS len,
		max(CASE WHEN e > c THEN e END) OVER before AS pos_end,
		max(greatest(c, e) * 4 + kind) OVER before AS last_end,
		array_agg(-c) FILTER (WHERE c < 0 AND e > 0 AND c > -9223372036854775807::float8) OVER before AS entries
	FROM span
	WINDOW before AS (PARTITION BY provider_id ORDER BY c, e, kind
		ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), aged AS (
	-- Of the longer sessions (at one length failures come last): how many count in the survival
	-- curve, and the last failure. [a, e) is what the session adds to the union.
	SELECT provider_id, c, e, kind, len, pos_end, last_end, entries,
		greatest(c, pos_end, 0) AS a,
		e > greatest(c, 0) AND c > -9223372036854775807::float8 AS subject,
		count(*) FILTER (WHERE e > greatest(c, 0) AND c > -9223372036854775807::float8) OVER longer AS n_longer,
		max(e) FILTER (WHERE kind = 1) OVER longer AS longer_end
	FROM merged
	WINDOW longer AS (PARTITION BY provider_id ORDER BY len DESC, kind = 1
		ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), risk AS (
	-- At risk at this failure: it, the longer ones, less those that entered at this age or later.
	-- Failures of one length are taken one by one, which telescopes to the same product.
	SELECT *,
		CASE WHEN kind = 1 AND subject AND len <= 28800000000 THEN
			n_longer + 1 - CASE WHEN entries IS NULL OR len > entries[1] THEN 0
				WHEN len <= entries[cardinality(entries)] THEN cardinality(entries)
				ELSE (SELECT count(*) FROM unnest(entries) AS entry WHERE entry >= len) END
		END::float8 AS n
	FROM aged
	-- in this order already; OFFSET keeps n from being computed at each use
	ORDER BY provider_id OFFSET 0
), agg AS (
	SELECT provider_id,
		count(*) AS sessions,
		coalesce(sum(e - a) FILTER (WHERE e > a), 0) AS up,
		sum(c - pos_end) FILTER (WHERE c > pos_end AND e > c) AS gap,
		count(*) FILTER (WHERE c > pos_end AND e > c) AS gaps,
		count(*) FILTER (WHERE c * 4 > last_end AND last_end::bigint & 3 = 1)
			+ (max(greatest(c, e) * 4 + kind)::bigint & 3 = 1)::int AS failures,
		percentile_cont('{0.1,0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY len / 1e6::float8) AS pct,
		count(*) FILTER (WHERE len >= 14400000000) AS stay_4h,
		count(*) FILTER (WHERE len >= 28800000000) AS stay_8h,
		max(e) FILTER (WHERE kind = 1) AS last_e,
		-- the longest comes first, so that the last to raise the maximum is the one
		min(len) FILTER (WHERE kind = 1 AND (longer_end IS NULL OR e > longer_end)) AS last_len,
		max(len) FILTER (WHERE subject) AS last_exit,
		sum(CASE WHEN n > 1 THEN ln((n - 1) / n) ELSE '-Infinity' END)
			FILTER (WHERE n > 0 AND len <= 14400000000) AS ln_4h,
		sum(CASE WHEN n > 1 THEN ln((n - 1) / n) ELSE '-Infinity' END)
			FILTER (WHERE n > 0 AND len > 14400000000) AS ln_4h_8h,
		-- as microseconds since the Sunday before the window
		array_agg((a + (SELECT since FROM week LIMIT 1))::bigint) FILTER (WHERE e > a) AS starts,
		array_agg((e + (SELECT since FROM week LIMIT 1))::bigint) FILTER (WHERE e > a) AS ends,
		coalesce(sum(floor((e + (SELECT since FROM week LIMIT 1)) / 604800e6::float8)
			- floor((a + (SELECT since FROM week LIMIT 1)) / 604800e6::float8)) FILTER (WHERE e > a), 0) AS weeks
	FROM risk
	GROUP BY provider_id
), reasons AS (
	SELECT provider_id, jsonb_object_agg(reason, n) AS reasons
	FROM (
		SELECT provider_id COLLATE "C" AS provider_id,
			coalesce(nullif(disconnect_reason, ''), 'unspecified') AS reason, count(*) AS n
		FROM provider_sessions
		WHERE connected_at < :'as_of'::timestamptz
			AND disconnected_at BETWEEN :'as_of'::timestamptz - make_interval(hours => 24 * :window_days)
				AND :'as_of'::timestamptz
		GROUP BY 1, 2
	) AS counted
	GROUP BY provider_id
)
SELECT provider_id, updated_at, window_days, uptime_pct, sessions_count, mtbf_seconds,
	median_session_seconds, p10_session_seconds, p90_session_seconds,
	-- A start adds the rest of its hour and all the hours after it, an end takes them away: sums
	-- over hours of the week, and whole weeks by arithmetic. No interval is cut into hours.
	to_jsonb(ARRAY(
		SELECT CASE WHEN whole > 0 THEN trim_scale(0.0001 * ((20000 * online::bigint + whole) / (2 * whole))) END
		FROM (
			SELECT hour, whole, 3600e6::float8 * (weeks + coalesce(sum(n::int) OVER (ORDER BY hour), 0))
				- coalesce(part, 0) AS online
			FROM week LEFT JOIN (
				SELECT x / 3600000000 % 168 AS hour, sum(sign) AS n, sum(sign * (x % 3600000000)::float8) AS part
				FROM (
					SELECT x, 1 AS sign FROM unnest(starts) AS x
					UNION ALL
					SELECT x, -1 FROM unnest(ends) AS x
				) AS edge
				GROUP BY 1
			) AS edges USING (hour)
		) AS cell
		ORDER BY hour
	)) AS hourly_availability,
	disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds,
	least(greatest(0.35 * uptime + 0.25 * stays_4h + 0.15 * stays_8h
		+ 0.25 / (1 + exp(-least((mtbf_seconds - 14400) / 3600e0::float8, 700)))
		- 0.10 * coalesce(greatest(0, 1 - silence / 86400e6::float8), 0), 0), 1)::real AS liveness_score,
	mttr_seconds, failures_count, p_survives_4h, p_survives_8h
FROM (
	SELECT provider_id::text AS provider_id, :'as_of'::timestamptz AS updated_at, :window_days::int AS window_days,
		up / (:window_days * 86400e6::float8) AS uptime,
		stay_4h / sessions::float8 AS stays_4h,
		stay_8h / sessions::float8 AS stays_8h,
		(up / (:window_days * 86400e6::float8))::real AS uptime_pct,
		sessions::int AS sessions_count,
		-- Integer division of (2 x + y) by 2 y rounds x / y half up, exactly.
		(2 * up::bigint + greatest(failures, 1) * 1000000) / (greatest(failures, 1) * 2000000) AS mtbf_seconds,
		-- floor(x + 0.5) would round 0.49999999999999994 up
		floor(pct[2])::bigint + (pct[2] - floor(pct[2]) >= 0.5)::int AS median_session_seconds,
		floor(pct[1])::bigint + (pct[1] - floor(pct[1]) >= 0.5)::int AS p10_session_seconds,
		floor(pct[3])::bigint + (pct[3] - floor(pct[3]) >= 0.5)::int AS p90_session_seconds,
		coalesce(reasons, '{}') AS disconnect_reasons,
		(stay_4h / sessions::float8)::real AS p_stays_4h,
		(stay_8h / sessions::float8)::real AS p_stays_8h,
		:'as_of'::timestamptz - make_interval(secs => (:window_days * 86400e6::float8 - last_e) / 1e6) AS last_disconnect_at,
		:window_days * 86400e6::float8 - last_e AS silence,
		coalesce(last_len / 1000000 + (last_len % 1000000 >= 500000)::int, 0) AS last_session_duration_seconds,
		CASE WHEN gaps > 0 THEN (2 * gap::bigint + gaps * 1000000) / (gaps * 2000000) ELSE 0 END AS mttr_seconds,
		failures::int AS failures_count,
		-- e^-103 is the least that real can hold
		CASE WHEN ln_4h < -103 THEN 0 WHEN last_exit >= 14400000000 THEN exp(coalesce(ln_4h, 0)) END::real AS p_survives_4h,
		CASE WHEN coalesce(ln_4h, 0) + coalesce(ln_4h_8h, 0) < -103 THEN 0
			WHEN last_exit >= 28800000000 THEN exp(coalesce(ln_4h, 0) + coalesce(ln_4h_8h, 0)) END::real AS p_survives_8h,
		weeks, starts, ends
	FROM agg LEFT JOIN reasons USING (provider_id)
) AS feature;
