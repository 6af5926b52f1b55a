-- What liveness_features_at(as_of, window_days) returns, in one statement of plain SQL: the C code's
-- opponent in the benchmarks, and its oracle in the tests. Definitions: docs/definitions.md.
--   psql -v as_of='2025-06-15 12:34:56+00' -v window_days=14 -f features_pure_sql.sql
-- With the default settings: 'coordinator_restart' and 'observer_outage' are censored, and a spell goes on
-- after a censored end if the next session begins within ten minutes.
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
	-- Microseconds since the window began, as float8 on the way where that is exact, which is
	-- faster than numeric. kind: 2 open, 1 failure, 0 censored. What never began is at -2e18.
	-- COLLATE "C" makes a sort by provider cheap, should there be one, and changes no result.
	-- OFFSET 0, here and below, keeps the planner from computing a column again at each use.
	SELECT provider_id COLLATE "C" AS provider_id,
		CASE WHEN connected_at > (SELECT CASE WHEN :'as_of'::timestamptz > '4000-01-01 00:00+00 BC'
				THEN :'as_of'::timestamptz - interval '250 years' ELSE '-infinity' END)
			THEN (round(date_part('epoch', connected_at - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8)::bigint
			WHEN connected_at = '-infinity' THEN -2000000000000000000
			ELSE ((extract(epoch FROM connected_at)
				- extract(epoch FROM :'as_of'::timestamptz)) * 1000000 + :window_days * 86400000000)::bigint
		END AS c,
		CASE WHEN disconnected_at <= :'as_of'::timestamptz
			THEN (round(date_part('epoch', disconnected_at - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8)::bigint
			ELSE :window_days * 86400000000 END AS e,
		CASE WHEN disconnected_at <= :'as_of'::timestamptz
			THEN (disconnect_reason NOT IN ('coordinator_restart', 'observer_outage'))::int ELSE 2 END AS kind
	FROM provider_sessions
	WHERE connected_at < :'as_of'::timestamptz
		AND (disconnected_at IS NULL
			OR disconnected_at >= :'as_of'::timestamptz - make_interval(hours => 24 * :window_days))
	OFFSET 0
), provider AS (
	-- Sessions that overlap or touch, as islands. The unit is a quarter of a microsecond, so that
	-- an upper bound also holds the kind: at one end, open beats failure beats censored.
	SELECT provider_id, count(*) AS sessions,
		range_agg(int8range(c * 4, greatest(c, e) * 4 + kind + 1)) AS online
	FROM span
	GROUP BY provider_id
), exclusion AS (
	-- Excluded time that is not before the window, in microseconds since the window began. The instant
	-- as_of is of the window: a spell may end there.
	SELECT provider_id COLLATE "C" AS provider_id, range_agg(int8range(
		CASE WHEN since <= :'as_of'::timestamptz - make_interval(hours => 24 * :window_days) THEN 0
			ELSE (round(date_part('epoch', since - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8)::bigint END,
		CASE WHEN until <= :'as_of'::timestamptz
			THEN (round(date_part('epoch', until - :'as_of'::timestamptz) * 1e6)
				+ :window_days * 86400e6::float8)::bigint
			ELSE :window_days * 86400000000 + 1 END)) AS off
	FROM provider_exclusions
	WHERE since <= :'as_of'::timestamptz AND since < coalesce(until, 'infinity')
		AND coalesce(until, 'infinity') > :'as_of'::timestamptz - make_interval(hours => 24 * :window_days)
	GROUP BY provider_id
), excluded AS (
	SELECT provider_id, off + coalesce((SELECT off FROM exclusion WHERE provider_id IS NULL), '{}') AS own
	FROM exclusion
), seen AS (
	-- What the table of features keeps, or the earliest session there is; and how long after the
	-- window's begin that was.
	SELECT provider_id, first_seen_at, CASE WHEN first_seen_at <= :'as_of'::timestamptz - make_interval(hours => 24 * :window_days) THEN 0
		ELSE (round(date_part('epoch', first_seen_at - :'as_of'::timestamptz) * 1e6) + :window_days * 86400e6::float8)::bigint END AS unseen
	FROM (
		SELECT provider_id COLLATE "C" AS provider_id, least(min(connected_at), min(kept.first_seen_at)) AS first_seen_at
		FROM provider_sessions LEFT JOIN provider_reliability_features AS kept USING (provider_id)
		WHERE connected_at < :'as_of'::timestamptz
		GROUP BY 1
	) AS first
), reasons AS (
	SELECT provider_id, jsonb_object_agg(reason, n) AS reasons
	FROM (
		SELECT provider_id COLLATE "C" AS provider_id, coalesce(nullif(disconnect_reason, ''), 'unspecified') AS reason, count(*) AS n
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
	to_jsonb(CASE WHEN off IS NULL THEN ARRAY(
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
	) ELSE ARRAY(
		-- where time is excluded, what is left is cut into hours
		SELECT CASE WHEN whole > 0 THEN trim_scale(0.0001 * ((20000 * coalesce(online, 0) + whole) / (2 * whole))) END
		FROM generate_series(0, 167) AS hour LEFT JOIN (
			SELECT ((since + n * 3600000000) / 3600000000 % 168)::int AS hour,
				sum(least(upper(r), n * 3600000000 + 3600000000 - since % 3600000000) - greatest(lower(r), n * 3600000000 - since % 3600000000)) FILTER (WHERE part = 1)::bigint AS whole,
				sum(least(upper(r), n * 3600000000 + 3600000000 - since % 3600000000) - greatest(lower(r), n * 3600000000 - since % 3600000000)) FILTER (WHERE part = 2)::bigint AS online
			FROM (SELECT since FROM week LIMIT 1) AS week,
				LATERAL (SELECT 1 AS part, unnest(span) AS r UNION ALL SELECT 2, unnest(counted)) AS part,
				generate_series((lower(r) + since % 3600000000) / 3600000000, (upper(r) - 1 + since % 3600000000) / 3600000000) AS n
			GROUP BY 1
		) AS hours USING (hour)
		ORDER BY hour
	) END) AS hourly_availability,
	disconnect_reasons, p_stays_4h, p_stays_8h, last_disconnect_at, last_session_duration_seconds,
	least(greatest(0.35 * uptime + 0.25 * stays_4h + 0.15 * stays_8h
		+ 0.25 / (1 + exp(-least((mtbf_seconds - 14400) / 3600e0::float8, 700)))
		- 0.10 * coalesce(greatest(0, 1 - silence / 86400e6::float8), 0), 0), 1)::real AS liveness_score,
	mttr_seconds, failures_count, p_survives_4h, p_survives_8h, spells_count,
	first_seen_at, coalesce(time / nullif(known, 0), 0)::real AS observed_uptime_pct,
	(2 * bridged + 1000000) / 2000000 AS bridged_seconds
FROM (
	SELECT provider_id::text AS provider_id, :'as_of'::timestamptz AS updated_at, :window_days::int AS window_days,
		coalesce(time / nullif(whole, 0), 0) AS uptime,
		coalesce(stay_4h::float8 / nullif(stay_4h + failed_4h, 0), 0) AS stays_4h,
		coalesce(stay_8h::float8 / nullif(stay_8h + failed_8h, 0), 0) AS stays_8h,
		coalesce(time / nullif(whole, 0), 0)::real AS uptime_pct,
		sessions::int AS sessions_count,
		-- Integer division of (2 x + y) by 2 y rounds x / y half up, exactly.
		(2 * time::bigint + greatest(failures, 1) * 1000000) / (greatest(failures, 1) * 2000000) AS mtbf_seconds,
		-- floor(x + 0.5) would round 0.49999999999999994 up
		floor(pct[2])::bigint + (pct[2] - floor(pct[2]) >= 0.5)::int AS median_session_seconds,
		floor(pct[1])::bigint + (pct[1] - floor(pct[1]) >= 0.5)::int AS p10_session_seconds,
		floor(pct[3])::bigint + (pct[3] - floor(pct[3]) >= 0.5)::int AS p90_session_seconds,
		coalesce(reasons, '{}') AS disconnect_reasons,
		coalesce(stay_4h::float8 / nullif(stay_4h + failed_4h, 0), 0)::real AS p_stays_4h,
		coalesce(stay_8h::float8 / nullif(stay_8h + failed_8h, 0), 0)::real AS p_stays_8h,
		:'as_of'::timestamptz - make_interval(secs => (:window_days * 86400000000 - last[1]) / 1e6::float8) AS last_disconnect_at,
		:window_days * 86400000000 - last[1] AS silence,
		coalesce(last[2] / 1000000 + (last[2] % 1000000 >= 500000)::int, 0) AS last_session_duration_seconds,
		CASE WHEN gaps > 0 THEN (2 * down + gaps * 1000000) / (gaps * 2000000) ELSE 0 END AS mttr_seconds,
		failures::int AS failures_count,
		-- e^-103 is the least that real can hold
		CASE WHEN ln_4h < -103 THEN 0 WHEN last_exit >= 28800000000 THEN exp(coalesce(ln_4h, 0)) END::real AS p_survives_4h,
		CASE WHEN ln_8h < -103 THEN 0 WHEN last_exit >= 57600000000 THEN exp(coalesce(ln_8h, 0)) END::real AS p_survives_8h,
		spells::int AS spells_count, first_seen_at, time, known, bridged, weeks, starts, ends, off, span, counted
	FROM provider JOIN seen USING (provider_id) LEFT JOIN reasons USING (provider_id) LEFT JOIN excluded USING (provider_id),
		LATERAL (
			SELECT coalesce(own, (SELECT x.own FROM excluded AS x WHERE x.provider_id IS NULL)) AS off OFFSET 0
		) AS off,
		LATERAL (
			SELECT count(*) AS spells,
				coalesce(sum(bridged), 0)::bigint AS bridged,
				count(*) FILTER (WHERE kind = 1) AS failures,
				count(*) FILTER (WHERE len >= 14400000000) AS stay_4h,
				count(*) FILTER (WHERE len >= 28800000000) AS stay_8h,
				count(*) FILTER (WHERE len < 14400000000 AND kind = 1) AS failed_4h,
				count(*) FILTER (WHERE len < 28800000000 AND kind = 1) AS failed_8h,
				array_agg(len / 1e6::float8) AS lengths,
				max(ARRAY[e, len]) FILTER (WHERE kind = 1) AS last,
				coalesce(sum(e - a), 0) AS covered,
				CASE WHEN off IS NOT NULL THEN range_agg(int8range(a, e)) END AS up,
				count(*) FILTER (WHERE e > c) AS lasting,
				max(e) FILTER (WHERE e > c) AS last_end,
				min(a) FILTER (WHERE e > c) AS first_start,
				-- as microseconds since the Sunday before the window
				array_agg(since + a) FILTER (WHERE e > a) AS starts,
				array_agg(since + e) FILTER (WHERE e > a) AS ends,
				coalesce(sum((since + e) / 604800000000 - (since + a) / 604800000000), 0)::float8 AS weeks,
				-- For the survival curve, of the spells whose range of ages under observation is not
				-- empty: lengths (8 h and more are one), in the last bit censored
				array_agg(least(len, 28800000001) * 2 + (kind <> 1)::int) FILTER (WHERE e > a AND c > -2000000000000000000) AS exits,
				array_agg(-c) FILTER (WHERE e > a AND c < 0 AND c > -2000000000000000000) AS entries,
				max(-c) FILTER (WHERE e > a AND c < 0 AND c > -2000000000000000000) AS last_entry
			FROM (
				-- a failure in excluded time is none
				SELECT min(c) AS c, max(e) AS e, greatest(min(c), 0) AS a,
					CASE WHEN (max(e * 4 + kind) & 3) = 1 AND off @> max(e) THEN 0 ELSE max(e * 4 + kind) & 3 END AS kind,
					CASE WHEN min(c) > -2000000000000000000 THEN max(e) - min(c) ELSE 9223372036854775807 END AS len,
					sum(bridged) AS bridged, (SELECT since FROM week LIMIT 1) AS since
				FROM (
					-- an island after a gap goes on with the spell of the one before it, if that ended
					-- censored and not long ago
					SELECT c, e, kind,
						CASE WHEN resumes THEN c - before - coalesce((
							SELECT sum(upper(r) - lower(r)) FROM unnest(int8multirange(int8range(before, c)) * off) AS r), 0) END AS bridged,
						count(*) FILTER (WHERE resumes IS NOT TRUE) OVER (ORDER BY c, e) AS spell
					FROM (
						SELECT c, e, kind, lag(e) OVER (ORDER BY c, e) AS before, lag(kind) OVER (ORDER BY c, e) = 0
							AND c - lag(e) OVER (ORDER BY c, e) <= 600000000 AS resumes
						FROM (
							SELECT lower >> 2 AS c, upper - 1 >> 2 AS e, (upper - 1 & 3)::int AS kind
							FROM (SELECT lower(island), upper(island) FROM unnest(online) AS island OFFSET 0) AS island
						) AS island
					) AS island
				) AS island
				GROUP BY spell
				OFFSET 0
			) AS spell
		) AS spells,
		LATERAL (
			-- What is left of the window, of the time online, and of the gaps between the spells, which are
			-- all from the first to the last that is not online
			SELECT covered::float8 AS time, :window_days * 86400e6::float8 AS whole,
				:window_days * 86400e6::float8 - unseen AS known,
				greatest(lasting - 1, 0) AS gaps, (last_end - first_start - covered)::bigint AS down,
				NULL::int8multirange AS span, NULL::int8multirange AS counted
			WHERE off IS NULL
			UNION ALL
			SELECT (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(counted) AS r)::float8,
				(SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(span) AS r)::float8,
				(SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(span - int8multirange(int8range(0, unseen))) AS r)::float8,
				gaps, down::bigint, span, counted
			FROM (SELECT int8multirange(int8range(0, :window_days * 86400000000)) - off AS span, up - off AS counted OFFSET 0) AS rest,
				LATERAL (
					SELECT count(*) AS gaps, sum(length) AS down
					FROM (
						SELECT (SELECT sum(upper(r) - lower(r)) FROM unnest(int8multirange(gap) - off) AS r) AS length
						FROM unnest(int8multirange(int8range(first_start, last_end)) - up) AS gap
					) AS gap
					WHERE length > 0 AND lasting > 1
				) AS gaps
			WHERE off IS NOT NULL
		) AS rest,
		LATERAL (
			SELECT percentile_cont('{0.1,0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY length) AS pct
			FROM unnest(lengths) AS length
		) AS percentiles,
		LATERAL (
			-- Kaplan-Meier. At risk at an exit: it, the later ones, less those that entered at this age
			-- or later. Failures at one age are taken one by one, which telescopes to the same product.
			SELECT sum(CASE WHEN n > 1 THEN ln((n - 1) / n) ELSE '-Infinity' END) FILTER (WHERE exit <= 28800000000) AS ln_4h,
				sum(CASE WHEN n > 1 THEN ln((n - 1) / n) ELSE '-Infinity' END) AS ln_8h,
				(SELECT max(exit) FROM unnest(exits) AS exit) AS last_exit
			FROM (
				SELECT exit, (later - CASE WHEN last_entry IS NULL OR exit > last_entry * 2 THEN 0
					WHEN cardinality(entries) = 1 THEN 1
					ELSE (SELECT count(*) FROM unnest(entries) AS entry WHERE entry * 2 >= exit) END)::float8 AS n
				FROM unnest(ARRAY(SELECT exit FROM unnest(exits) AS exit ORDER BY exit DESC))
					WITH ORDINALITY AS exits (exit, later)
				WHERE exit & 1 = 0 AND exit <= 57600000000
				OFFSET 0
			) AS failure
		) AS survival
) AS feature;
