-- liveness_features, column by column, on sessions small enough to work out by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SELECT plan(225);

-- Sessions as 'begin end reason', times as intervals from as_of: '-10h open' or '-10h -5h read_error'.
-- as_of is a Thursday's midnight UTC.
CREATE FUNCTION as_of() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$SELECT timestamptz '2026-01-15 00:00+00'$$;
CREATE FUNCTION instant(t text) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN t = 'open' THEN NULL WHEN t LIKE '%infinity' THEN t::timestamptz ELSE as_of() + t::interval END
$$;
CREATE FUNCTION features(window_days int, VARIADIC sessions text[]) RETURNS liveness_features_row STABLE LANGUAGE sql AS $$
	SELECT liveness_features(instant(m[1]), instant(m[2]), m[3], as_of(), window_days)
	FROM unnest(sessions) WITH ORDINALITY AS s (session, i), regexp_match(session, '^(\S+) (\S+) ?(.*)$') AS m
$$;
-- All columns but the matrix (see matrix.sql) and the last (see below), as JSON
CREATE FUNCTION columns(f liveness_features_row) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$SELECT to_jsonb(f) - '{hourly_availability,bridged_seconds,first_seen_at,observed_uptime_pct}'::text[]$$;

-- Four sessions, every column.
--   lengths 2 (open), 3, 5, 10 h: median 4 h; p10 at rank 0.3: 2.3 h; p90 at rank 2.7: 8.5 h
--   online 20 h of 336 h; two failures (the restart is censored): one every 10 h
--   gaps -290..-200, -195..-100, -97..-2: 280 h / 3 = 336,000 s
--   survival: failures at age 5 h (two at risk: 1/2) and 10 h
--   stays: the open one and the one cut short are undecided: 2 of 2 lasted 4 h, 1 of 2 lasted 8 h
--   score 0.35 * 20/336 + 0.25 * 1 + 0.15 * 1/2 + 0.25 / (1 + e^-6) = 0.020833 + 0.25 + 0.075 + 0.249382
CREATE TABLE four AS SELECT (features(14, '-300h -290h read_error', '-200h -195h clean_close', '-100h -97h coordinator_restart', '-2h open')).*;
SELECT is(uptime_pct, (20 / 336.0)::real, 'uptime_pct: 20 h of 14 d') FROM four;
SELECT is(sessions_count, 4, 'sessions_count') FROM four;
SELECT is(mtbf_seconds, 36000::bigint, 'mtbf_seconds: 20 h, two failures') FROM four;
SELECT is(median_session_seconds, 14400::bigint, 'median_session_seconds') FROM four;
SELECT is(p10_session_seconds, 8280::bigint, 'p10_session_seconds') FROM four;
SELECT is(p90_session_seconds, 30600::bigint, 'p90_session_seconds') FROM four;
SELECT is(disconnect_reasons, '{"read_error": 1, "clean_close": 1, "coordinator_restart": 1}', 'disconnect_reasons, the censored one with the others') FROM four;
SELECT is(spells_count, 4, 'spells_count') FROM four;
SELECT is(bridged_seconds, 0::bigint, 'bridged_seconds') FROM four;
SELECT is(first_seen_at, as_of() - interval '300h', 'first_seen_at') FROM four;
SELECT is(observed_uptime_pct, (20 / 300.0)::real, 'observed_uptime_pct: 20 h of 300') FROM four;
SELECT is((first_seen_at, observed_uptime_pct), seen, format('first seen with %s', sessions))
FROM (VALUES ('{-3h -1h x,-12h -6h x}'::text[], (as_of() - interval '12h', (8 / 12.0)::real)),
		-- before the window, which is then the divisor
		('{-3h open,-25h -24.5h x}', (as_of() - interval '25h', 0.125::real)), ('{-24h open}', (as_of() - interval '24h', 1::real)),
		('{-30h -12h x}', (as_of() - interval '30h', 0.5::real)), ('{-1us open}', (as_of() - interval '1us', 1::real)),
		-- a gap that is bridged is time online; a session without length is none
		('{-10h -6h coordinator_restart,-359min open}', (as_of() - interval '10h', 1::real)), ('{-4h -4h x}', (as_of() - interval '4h', 0::real))) AS v (sessions, seen),
	features(1, VARIADIC sessions);
SELECT is(p_stays_4h, 1::real, 'p_stays_4h: 5 and 10 h, and two undecided') FROM four;
SELECT is(p_stays_8h, 0.5::real, 'p_stays_8h: 10 h, not 5, and two undecided') FROM four;
SELECT is(last_disconnect_at, as_of() - interval '195h', 'last_disconnect_at passes over the restart') FROM four;
SELECT is(last_session_duration_seconds, 18000::bigint, 'last_session_duration_seconds is of the same session') FROM four;
SELECT is(round(liveness_score::numeric, 6), 0.595215, 'liveness_score') FROM four;
SELECT is(mttr_seconds, 336000::bigint, 'mttr_seconds: three gaps') FROM four;
SELECT is(failures_count, 2, 'failures_count') FROM four;
SELECT is(p_survives_4h, 1::real, 'p_survives_4h: no failure up to there') FROM four;
SELECT is(p_survives_8h, 0.5::real, 'p_survives_8h: one of two at risk') FROM four;
SELECT is(columns(f), (SELECT to_jsonb(four) - '{hourly_availability,bridged_seconds,first_seen_at,observed_uptime_pct}'::text[] FROM four), 'the order of the sessions does not matter')
FROM features(14, '-2h open', '-100h -97h coordinator_restart', '-300h -290h read_error', '-200h -195h clean_close') AS f;

SELECT is((p_stays_4h, p_stays_8h), stays, format('a session of %s stays (4 h, 8 h): %s', length, stays))
FROM (VALUES ('14400s', (1::real, 0::real)), ('14399.999999s', (0::real, 0::real)), ('28800s', (1::real, 1::real)), ('28799.999999s', (1::real, 0::real))) AS v (length, stays),
	features(1, '-' || length || ' open');
SELECT is((p_stays_4h, p_stays_8h), ((2 / 3.0)::real, 0.5::real), 'open 4 h and censored 8 h lasted, 3 h failed, censored 2 h are undecided')
FROM features(1, '-4h open', '-20h -12h coordinator_restart', '-11h -8h x', '-7h -5h coordinator_restart');

-- Online for ever
SELECT is(columns(f), '{"uptime_pct": 1, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 1209600, "median_session_seconds": 3600000,
	"p10_session_seconds": 3600000, "p90_session_seconds": 3600000, "disconnect_reasons": {}, "p_stays_4h": 1, "p_stays_8h": 1,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "liveness_score": 1, "mttr_seconds": 0,
	"failures_count": 0, "p_survives_4h": 1, "p_survives_8h": 1}', 'open for 1,000 h: the best there is')
FROM features(14, '-1000h open') AS f;
SELECT is(columns(f), '{"uptime_pct": 1, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 1209600, "median_session_seconds": 1209600,
	"p10_session_seconds": 1209600, "p90_session_seconds": 1209600, "disconnect_reasons": {}, "p_stays_4h": 1, "p_stays_8h": 1,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "liveness_score": 1, "mttr_seconds": 0,
	"failures_count": 0, "p_survives_4h": 1, "p_survives_8h": 1}', 'open since the window began: the same, with its length')
FROM features(14, '-336h open') AS f;
SELECT is(uptime_pct, 0.5::real, 'a new provider is divided by the whole window') FROM features(14, '-168h open');
SELECT is(liveness_score, 1::real, 'score 1 for window_days 1 too: MTBF 24 h is e^-20 short of it, less than real holds') FROM features(1, '-1000h open');

-- One failure, the score with its penalty: closed 6 h ago after 12 h, window 1 d:
-- 0.35 / 2 + 0.25 + 0.15 + 0.25 / (1 + e^-8) - 0.1 * 18/24 = 0.175 + 0.4 + 0.249916 - 0.075
SELECT is(columns(f) - 'liveness_score', '{"uptime_pct": 0.5, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 43200, "median_session_seconds": 43200,
	"p10_session_seconds": 43200, "p90_session_seconds": 43200, "disconnect_reasons": {"read_error": 1}, "p_stays_4h": 1, "p_stays_8h": 1,
	"last_disconnect_at": "2026-01-14T18:00:00+00:00", "last_session_duration_seconds": 43200, "mttr_seconds": 0,
	"failures_count": 1, "p_survives_4h": 1, "p_survives_8h": 1}', 'one session of 12 h, closed')
FROM features(1, '-18h -6h read_error') AS f;
SELECT is(round(liveness_score::numeric, 6), 0.749916, 'its score, three quarters of the penalty taken off') FROM features(1, '-18h -6h read_error');
-- The score takes unrounded shares but the rounded MTBF: 4 h 0.4 s is 4 h, the sigmoid a half
SELECT is(liveness_score, (0.35 * 14400.4 / 86400 + 0.25 + 0.25 * 0.5 - 0.10 * (14400.4 / 86400))::real, 'the score takes the rounded MTBF')
FROM features(1, '-86400s -71999.6s x');

-- Edges of the window
SELECT is(columns(f), '{"uptime_pct": 0, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 0, "median_session_seconds": 21600,
	"p10_session_seconds": 21600, "p90_session_seconds": 21600, "disconnect_reasons": {"x": 1}, "p_stays_4h": 1, "p_stays_8h": 0,
	"last_disconnect_at": "2026-01-14T00:00:00+00:00", "last_session_duration_seconds": 21600, "mttr_seconds": 0,
	"failures_count": 1, "p_survives_4h": null, "p_survives_8h": null}'::jsonb || jsonb_build_object('liveness_score', (0.25 + 0.25 / (1 + exp(4::float8)))::real),
	'disconnected exactly at since: it counts, without uptime and without time at risk')
FROM features(1, '-30h -24h x') AS f;
SELECT is(features(1, '-30h -86400.000001s x'), NULL, 'disconnected a microsecond before since: no session, NULL');
SELECT is(features(1, '0h open'), NULL, 'connected exactly at as_of: no session');
SELECT is(features(1, '0h 0h x'), NULL, 'connected and disconnected at as_of: no session');
SELECT is(columns(f) - 'liveness_score', '{"sessions_count": 1, "spells_count": 1, "mtbf_seconds": 0, "median_session_seconds": 0,
	"p10_session_seconds": 0, "p90_session_seconds": 0, "disconnect_reasons": {}, "p_stays_4h": 0, "p_stays_8h": 0,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "mttr_seconds": 0, "failures_count": 0,
	"p_survives_4h": null, "p_survives_8h": null}'::jsonb || jsonb_build_object('uptime_pct', (1 / 86400e6)::real), 'connected a microsecond before as_of')
FROM features(1, '-1us open') AS f;
SELECT is(columns(f) - 'liveness_score', '{"uptime_pct": 0.25, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 21600, "median_session_seconds": 21600,
	"p10_session_seconds": 21600, "p90_session_seconds": 21600, "disconnect_reasons": {"x": 1}, "p_stays_4h": 1, "p_stays_8h": 0,
	"last_disconnect_at": "2026-01-15T00:00:00+00:00", "last_session_duration_seconds": 21600, "mttr_seconds": 0,
	"failures_count": 1, "p_survives_4h": 1, "p_survives_8h": 0}', 'disconnected exactly at as_of: closed')
FROM features(1, '-6h 0h x') AS f;
SELECT is(columns(f) - 'liveness_score', '{"uptime_pct": 0.25, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 21600, "median_session_seconds": 21600,
	"p10_session_seconds": 21600, "p90_session_seconds": 21600, "disconnect_reasons": {}, "p_stays_4h": 1, "p_stays_8h": 0,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "mttr_seconds": 0,
	"failures_count": 0, "p_survives_4h": 1, "p_survives_8h": null}', 'disconnected a microsecond after as_of: open, its length up to as_of')
FROM features(1, '-6h 1us x') AS f;
SELECT is(columns(features(1, '-6h 100h x')), columns(features(1, '-6h open')), 'long after as_of: the same as open');
SELECT is(columns(features(1, '-6h open', '1us 2h x', '0h 3h y', '5h open', '5h -1h z')), columns(features(1, '-6h open')), 'rows that begin at or after as_of are ignored');
SELECT is(features(1, '1h 2h x', '5h open'), NULL, 'nothing but the future: NULL');
SELECT is(columns(f) - 'liveness_score', '{"sessions_count": 1, "spells_count": 1, "mtbf_seconds": 3600, "median_session_seconds": 25200,
	"p10_session_seconds": 25200, "p90_session_seconds": 25200, "disconnect_reasons": {"x": 1}, "p_stays_4h": 1, "p_stays_8h": 0,
	"last_disconnect_at": "2026-01-14T01:00:00+00:00", "last_session_duration_seconds": 25200, "mttr_seconds": 0,
	"failures_count": 1, "p_survives_4h": 1, "p_survives_8h": 0}'::jsonb || jsonb_build_object('uptime_pct', (1 / 24.0)::real), 'begun before since: length unclipped (7 h), uptime clipped (1 h)')
FROM features(1, '-30h -23h x') AS f;

-- Overlap, touch, nesting
SELECT is((uptime_pct, sessions_count, mtbf_seconds, failures_count, mttr_seconds), ((10 / 24.0)::real, 2, 36000::bigint, 0, 0::bigint), 'two coordinators during a deploy count once')
FROM features(1, '-10h -5h coordinator_restart', '-6h open');
SELECT is((uptime_pct, mtbf_seconds, failures_count, mttr_seconds), ((10 / 24.0)::real, 36000::bigint, 0, 0::bigint), 'whatever the reason of the one that ended under the other')
FROM features(1, '-10h -5h read_error', '-6h open');
SELECT is((uptime_pct, mtbf_seconds, failures_count, mttr_seconds), ((8 / 24.0)::real, 28800::bigint, 1, 0::bigint), 'touching sessions merge: no gap, one failure')
FROM features(1, '-10h -5h read_error', '-5h -2h read_error');
SELECT is((mtbf_seconds, failures_count, mttr_seconds), (14400::bigint, 2, 0::bigint), 'a microsecond apart they do not')
FROM features(1, '-10h -18000.000001s read_error', '-5h -2h read_error');
SELECT is((uptime_pct, sessions_count, failures_count, last_disconnect_at, last_session_duration_seconds, p90_session_seconds),
	((9 / 24.0)::real, 2, 1, as_of() - interval '1h', 32400::bigint, 32400::bigint), 'one inside the other')
FROM features(1, '-10h -1h clean_close', '-9h -5h read_error');
SELECT is((uptime_pct, mtbf_seconds, failures_count, last_disconnect_at, last_session_duration_seconds),
	((9 / 24.0)::real, 32400::bigint, 0, NULL::timestamptz, 0::bigint), 'the outer censored: no failure')
FROM features(1, '-10h -1h coordinator_restart', '-9h -5h read_error');
SELECT is((uptime_pct, failures_count, mtbf_seconds), ((9 / 24.0)::real, 1, 32400::bigint), 'the outer first by a microsecond, then by none')
FROM features(1, '-36000.000001s -1h x', '-10h -1h x', '-10h -9h y');
SELECT is((uptime_pct, sessions_count, mttr_seconds, failures_count), (0.5::real, 5, 14400::bigint, 2), 'a chain of overlaps and, after 4 h, another')
FROM features(1, '-20h -17h x', '-18h -15h x', '-15h -14h x', '-16h -13h x', '-9h -4h x');
SELECT is((uptime_pct, sessions_count, failures_count, mtbf_seconds), (1::real, 3, 0, 86400::bigint), 'three open ones, begun at different times')
FROM features(1, '-100h open', '-10h open', '-24h open');
SELECT is((uptime_pct, sessions_count, failures_count, p10_session_seconds), (0.25::real, 3, 1, 21600::bigint), 'three times the same session')
FROM features(1, '-10h -4h x', '-10h -4h x', '-10h -4h x');

-- Spells: sessions that overlap, touch, or resume within ten minutes of a censored end
CREATE FUNCTION spells(VARIADIC sessions text[]) RETURNS text STABLE LANGUAGE sql AS $$
	SELECT format('%s of %s, %s failed, up %s s', f.spells_count, f.sessions_count, f.failures_count, round(f.uptime_pct::numeric * 86400))
	FROM (SELECT (features(1, VARIADIC sessions)).*) AS f
$$;
SELECT is(spells(VARIADIC sessions), expected, title)
FROM (VALUES
	('a coordinator that restarts', ARRAY['-20h -10h coordinator_restart', '-35940s -5h coordinator_restart', '-17990s open'], '1 of 3, 0 failed, up 72000 s'),
	('a gap of exactly ten minutes', ARRAY['-10h -5h coordinator_restart', '-17400s open'], '1 of 2, 0 failed, up 36000 s'),
	('a microsecond more', ARRAY['-10h -5h coordinator_restart', '-17399.999999s open'], '2 of 2, 0 failed, up 35400 s'),
	('a failure bridges nothing', ARRAY['-10h -5h read_error', '-17990s open'], '2 of 2, 1 failed, up 35990 s'),
	('nor does a censored end at which another session fails', ARRAY['-10h -5h coordinator_restart', '-9h -5h read_error', '-17990s open'], '2 of 3, 1 failed, up 35990 s'),
	('two censored ends at one instant do', ARRAY['-10h -5h coordinator_restart', '-9h -5h observer_outage', '-17990s open'], '1 of 3, 0 failed, up 36000 s'),
	('an inner session''s censored end does not', ARRAY['-10h -5h read_error', '-9h -18300s coordinator_restart', '-17990s open'], '2 of 3, 1 failed, up 35990 s'),
	('an inner session''s failure does not hinder', ARRAY['-10h -5h coordinator_restart', '-9h -18300s read_error', '-17990s open'], '1 of 3, 0 failed, up 36000 s'),
	('a chain of bridges', ARRAY['-10h -9h coordinator_restart', '-32000s -31500s coordinator_restart', '-31000s -8h coordinator_restart', '-28300s -7h read_error'], '1 of 4, 1 failed, up 10800 s'),
	('over a session of no length', ARRAY['-10h -9h coordinator_restart', '-31900s -31900s coordinator_restart', '-31400s -8h read_error'], '1 of 3, 1 failed, up 7200 s'),
	('not over one that failed', ARRAY['-10h -9h coordinator_restart', '-31900s -31900s x', '-31400s -8h read_error'], '2 of 3, 2 failed, up 6700 s'),
	('from before the window on', ARRAY['-30h -23h coordinator_restart', '-82500s -20h read_error'], '1 of 2, 1 failed, up 14400 s'),
	('not from a session that ended before the window', ARRAY['-30h -86400.000001s coordinator_restart', '-86300s -20h read_error'], '1 of 1, 1 failed, up 14300 s'),
	('4,000 at once are as one', (SELECT array_agg('-10h -9h read_error'::text) FROM generate_series(1, 4000)), '1 of 4000, 1 failed, up 3600 s')
) AS v (title, sessions, expected);
SET LOCAL liveness.resume_within = 0;
SELECT is(spells('-10h -5h coordinator_restart', '-17999.999999s open'), '2 of 2, 0 failed, up 36000 s', 'resume_within 0 bridges nothing');
SELECT is(spells('-10h -5h coordinator_restart', '-5h open'), '1 of 2, 0 failed, up 36000 s', 'but sessions that touch are one');
SET LOCAL liveness.resume_within = '1h';
SELECT is(spells('-10h -5h coordinator_restart', '-4h open'), '1 of 2, 0 failed, up 36000 s', 'an hour bridges an hour');
RESET liveness.resume_within;
-- Time that is bridged, and all the time online over the failures
SELECT is((bridged_seconds, mtbf_seconds), (expected, mtbf), title) FROM (VALUES
	('two restarts', 70::bigint, 72000::bigint, ARRAY['-20h -10h coordinator_restart', '-35940s -5h coordinator_restart', '-17990s open']),
	('a failure bridges nothing', 0, 35990, ARRAY['-10h -5h read_error', '-17990s open']),
	('nothing where sessions overlap or touch', 0, 36000, ARRAY['-10h -5h coordinator_restart', '-6h -4h coordinator_restart', '-4h open']),
	('past an inner session', 10, 36000, ARRAY['-10h -5h coordinator_restart', '-9h -8h coordinator_restart', '-17990s open']),
	('in a chain, 1600, 500 and 500 s are not all near enough', 1000, 10500, ARRAY['-10h -9h coordinator_restart', '-30800s -30500s coordinator_restart', '-30000s -8h coordinator_restart', '-28300s -24000s x', '-100s open']),
	('from before the window on', 300, 14400, ARRAY['-30h -23h coordinator_restart', '-82500s -20h read_error']),
	('not the time before the first that belongs to the window', 0, 14300, ARRAY['-30h -86400.000001s coordinator_restart', '-86300s -20h read_error']),
	('from the begin of the window', 100, 14400, ARRAY['-30h -24h coordinator_restart', '-86300s -20h read_error']),
	('half a second is one', 1, 36000, ARRAY['-10h -5h coordinator_restart', '-17999.5s open']),
	('less is none', 0, 36000, ARRAY['-10h -5h coordinator_restart', '-17999.500001s open'])
) AS v (title, expected, mtbf, sessions), features(1, VARIADIC sessions);

-- Padded by parallel sessions: nothing but the number of sessions changes
SELECT is(columns(padded) - 'sessions_count' - 'disconnect_reasons', columns(plain) - 'sessions_count' - 'disconnect_reasons', 'padding by 4,000 parallel sessions gains nothing')
FROM features(14, '-20h -19h a', '-10h -9h a', '-5h -2h a') AS plain,
	features(14, VARIADIC ARRAY['-20h -19h a', '-10h -9h a', '-5h -2h a'] || (SELECT array_agg('-' || 18000 - i || 's -2h a') FROM generate_series(1, 4000) AS i)) AS padded;

-- Clocks that went wrong
SELECT is(columns(f) - 'liveness_score', '{"uptime_pct": 0, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 0, "median_session_seconds": 0,
	"p10_session_seconds": 0, "p90_session_seconds": 0, "disconnect_reasons": {"x": 1}, "p_stays_4h": 0, "p_stays_8h": 0,
	"last_disconnect_at": "2026-01-14T19:00:00+00:00", "last_session_duration_seconds": 0, "mttr_seconds": 0,
	"failures_count": 1, "p_survives_4h": null, "p_survives_8h": null}', 'a session that ends before it begins counts, with length 0, where it begins')
FROM features(1, '-5h -7h x') AS f;
SELECT is(features(1, '-5h -25h x'), NULL, 'unless it ended before since');
SELECT is((uptime_pct, sessions_count, failures_count, p_survives_4h), (0::real, 1, 1, NULL::real), 'zero length: a session, a failure, no time at risk')
FROM features(1, '-5h -5h x');
SELECT is((uptime_pct, sessions_count, failures_count, median_session_seconds), ((8 / 24.0)::real, 2, 0, 28800::bigint), 'ended before it began, inside another: merged away where it began')
FROM features(1, '-10h -2h coordinator_restart', '-5h -7h x');
SELECT is(failures_count, 1, 'zero length where another ends for a censored reason: a failure') FROM features(1, '-10h -5h coordinator_restart', '-5h -5h x');
SELECT is(failures_count, 1, 'and ended before it began, there') FROM features(1, '-10h -5h coordinator_restart', '-5h -11h x');
SELECT is(failures_count, 0, 'zero length where another begins: none') FROM features(1, '-5h -5h x', '-5h -2h coordinator_restart');
SELECT is(failures_count, 0, 'in either order') FROM features(1, '-5h -2h coordinator_restart', '-5h -5h x');

-- Infinities.  2^63 - 1 us are 9223372036854.775807 s
SELECT is(columns(f), '{"uptime_pct": 1, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 1209600, "median_session_seconds": 9223372036855,
	"p10_session_seconds": 9223372036855, "p90_session_seconds": 9223372036855, "disconnect_reasons": {}, "p_stays_4h": 1, "p_stays_8h": 1,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "liveness_score": 1, "mttr_seconds": 0,
	"failures_count": 0, "p_survives_4h": null, "p_survives_8h": null}', 'connected at -infinity, open')
FROM features(14, '-infinity open') AS f;
SELECT is((uptime_pct, mtbf_seconds, failures_count, last_session_duration_seconds, p_survives_4h),
	((19 / 24.0)::real, 68400::bigint, 1, 9223372036855::bigint, NULL::real), 'connected at -infinity, closed')
FROM features(1, '-infinity -5h x');
SELECT is(features(1, '-infinity -infinity x', '-5h -infinity y'), NULL, 'disconnected at -infinity: not in the window');
SELECT is(columns(features(1, '-5h infinity x')), columns(features(1, '-5h open')), 'disconnected at infinity: open');
SELECT is(columns(features(1, '-infinity infinity x')), columns(features(1, '-infinity open')), 'from -infinity to infinity: open');
SELECT is(features(1, 'infinity infinity x', 'infinity open', 'infinity -5h y'), NULL, 'connected at infinity: ignored');
SELECT is((f.uptime_pct, f.median_session_seconds, f.p_stays_8h), (1::real, 9223372036855::bigint, 1::real), 'a length that wraps on 15 is the longest there is')
FROM (SELECT (liveness_features('4714-11-24 00:00+00 BC', NULL, '', '294276-12-31 23:59:59.999999+00', 14)).*) AS f;
SELECT is((f.uptime_pct, f.failures_count, f.last_session_duration_seconds), (0.5::real, 1, 9223372036855::bigint), 'and of one that is closed')
FROM (SELECT (liveness_features('4714-11-24 00:00+00 BC', '294276-12-31 11:59:59.999999+00', 'x', '294276-12-31 23:59:59.999999+00', 1)).*) AS f;
-- 12 h of the day, and a window that begins before the calendar does
SELECT is((f.uptime_pct, f.median_session_seconds), (0.5::real, 43200::bigint), 'where the calendar begins')
FROM (SELECT (liveness_features('4714-11-24 00:00+00 BC', NULL, '', '4714-11-24 12:00+00 BC', 1)).*) AS f;
SELECT is(f.uptime_pct, (0.5 / 3650)::real, 'with the longest window')
FROM (SELECT (liveness_features('4714-11-24 00:00+00 BC', NULL, '', '4714-11-24 12:00+00 BC', 3650)).*) AS f;
-- timestamptz counts from 2000: before that, -infinity can be subtracted without an overflow
SELECT is((f.uptime_pct, f.median_session_seconds, f.p_survives_4h), (1::real, 9223372036855::bigint, NULL::real), 'connected at -infinity, as of a time before 2000')
FROM (SELECT (liveness_features('-infinity', NULL, '', '1999-12-31 00:00+00', 14)).*) AS f;

-- window_days and as_of
SELECT is(uptime_pct, (36 / 24.0 / days)::real, format('window of %s days', days))
FROM unnest(ARRAY[2, 10, 14, 30, 3650]) AS days, features(days, '-40h -10h x', '-6h open');
SELECT is(uptime_pct, (20 / 24.0)::real, 'window of 1 day') FROM features(1, '-40h -10h x', '-6h open');
SELECT is(columns(features(NULL, '-40h -10h x')), columns(features(14, '-40h -10h x')), 'NULL days are the setting, 14');
SET LOCAL liveness.window_days = 7;
SELECT is(columns(features(NULL, '-40h -10h x')), columns(features(7, '-40h -10h x')), 'or what it is set to');
SELECT isnt(columns(features(NULL, '-40h -10h x')), columns(features(14, '-40h -10h x')), 'which makes a difference');
SELECT lives_ok($$SELECT liveness_features('2026-01-01', NULL, '', as_of(), d) FROM (VALUES (7), (NULL)) AS v (d)$$, 'NULL and the same number do not vary');
RESET liveness.window_days;
SELECT throws_ok(format('SELECT features(%s, ''-40h -10h x'')', days), '22023', format('window_days %s is out of range', days), format('window_days %s is refused', days))
FROM unnest(ARRAY[0, -1, 3651, -2147483648, 2147483647]) AS days;
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', 'infinity', 14)$$, '22008', 'as_of must be finite, not infinity', 'as_of infinity is refused');
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', '-infinity', 14)$$, '22008', 'as_of must be finite, not -infinity', 'as_of -infinity is refused');
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', NULL, 14)$$, '22004', 'as_of must not be NULL', 'as_of NULL is refused');
SELECT throws_ok($$SELECT liveness_features(NULL, NULL, NULL, NULL, NULL)$$, '22004', 'as_of must not be NULL', 'whatever else is NULL');
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', a, 14) FROM (VALUES (as_of()), (NULL)) AS v (a)$$, '22004', 'as_of must not be NULL', 'as_of NULL in the second row');
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', a, 14) FROM (VALUES (as_of()), (as_of() + interval '1us')) AS v (a)$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'as_of that varies by a microsecond');
SELECT throws_ok($$SELECT liveness_features('2026-01-01', NULL, '', as_of(), d) FROM (VALUES (14), (15)) AS v (d)$$, '22023',
	'as_of, window_days and excluded of liveness_features must not vary within a group', 'window_days that vary');
SELECT throws_ok($$SELECT liveness_features(c, NULL, '', as_of(), d) FROM (VALUES (NULL::timestamptz, 14), (NULL, NULL), ('2027-01-01', 15)) AS v (c, d)$$, '22023',
	NULL, 'even in rows that do not count');
SELECT is(count(*)::int, 2, 'they may vary between groups') FROM (SELECT liveness_features('2026-01-01', NULL, '', as_of(), d) FROM (VALUES (14), (15)) AS v (d) GROUP BY d) AS f;
-- 8 March 2026 has 23 hours in New York
CREATE TABLE in_utc AS SELECT liveness_features(c, c + interval '5h', 'x', '2026-03-09 12:00+00', 1) AS f FROM (VALUES (timestamptz '2026-03-08 09:00+00'), ('2026-03-09 05:00+00')) AS v (c);
SELECT is(((f).uptime_pct, (f).mtbf_seconds), ((7 / 24.0)::real, 12600::bigint), 'a day is 24 h: 2 h and 5 h of it') FROM in_utc;
SET LOCAL TimeZone = 'America/New_York';
SELECT is(liveness_features(c, c + interval '5h', 'x', '2026-03-09 12:00+00', 1), (SELECT f FROM in_utc), 'in any time zone, over a change of its clocks as well')
FROM (VALUES (timestamptz '2026-03-08 09:00+00'), ('2026-03-09 05:00+00')) AS v (c);
SET LOCAL TimeZone = 'UTC';

-- No sessions, NULLs, FILTER, windows
SELECT is(liveness_features(c, NULL, '', as_of(), 14), NULL, 'no rows: NULL') FROM (VALUES (now())) AS v (c) WHERE false;
SELECT is(liveness_features(NULL, '2026-01-10', 'x', as_of(), 14), NULL, 'NULL connected_at alone: NULL');
SELECT is((f).sessions_count, 1, 'NULL connected_at is left out')
FROM (SELECT liveness_features(c::timestamptz, '2026-01-10', 'x', as_of(), 14) AS f FROM (VALUES (NULL), ('2026-01-09')) AS v (c)) AS s;
SELECT is((f).disconnect_reasons, '{"unspecified": 3}', 'a NULL reason is the same as ''''')
FROM (SELECT liveness_features('2026-01-09', '2026-01-10', r, as_of(), 14) AS f FROM (VALUES (NULL), (''), (NULL)) AS v (r)) AS s;
SELECT is(((f).failures_count, (f).last_disconnect_at), (1, timestamptz '2026-01-10 00:00+00'), 'and a failure')
FROM (SELECT liveness_features('2026-01-09', '2026-01-10', NULL, as_of(), 14) AS f) AS s;
SELECT is(((f).sessions_count, (f).disconnect_reasons), (1, '{}'::jsonb), 'NULL disconnected_at is open, whatever the reason')
FROM (SELECT liveness_features('2026-01-09', NULL, 'x', as_of(), 14) AS f) AS s;
SELECT is(liveness_features('2026-01-09', NULL, 'x', as_of(), 14) FILTER (WHERE false), NULL, 'a FILTER that matches nothing: NULL');
SELECT is(array_agg(running ORDER BY i), ARRAY['1 x', '2 xy', '3 xyz', '4 xyyz'], 'as a window aggregate it goes on after each answer')
FROM (
	SELECT i, (f).sessions_count || ' ' || (SELECT string_agg(repeat(k, v::int), '' ORDER BY k) FROM jsonb_each_text((f).disconnect_reasons) AS e (k, v)) AS running
	FROM (SELECT i, liveness_features(as_of() - i * interval '2h', as_of() - i * interval '1h', r, as_of(), 14) OVER (ORDER BY i) AS f
		FROM (VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, 'y')) AS v (i, r)) AS w) AS answers;

-- Reasons
SELECT is(disconnect_reasons, '{"a": 2, "A": 1, "a ": 1, "ä": 1, "unspecified": 3}', 'reasons compare exactly; '''' and unspecified are one')
FROM features(14, '-9h -8h a', '-8h -7h ', '-7h -6h A', '-6h -5h a', '-5h -4h unspecified', '-4h -3h a ', '-3h -2h ä', '-2h -1h ');
SELECT is(disconnect_reasons, '{"unspecified": 1}', '''unspecified'' alone') FROM features(14, '-9h -8h unspecified');
SELECT is((f).disconnect_reasons, jsonb_build_object(r, 2, 'x', 1), format('a reason of %s characters with quotes, backslashes and Unicode', length(r)))
FROM (SELECT r, liveness_features(as_of() - i * interval '2h', as_of() - i * interval '1h', CASE WHEN i = 2 THEN 'x' ELSE r END, as_of(), 14) AS f
	FROM (SELECT left(repeat(E'"\\/ü€😀\n\t''{}[],:', 300), 3000)) AS long (r), generate_series(1, 3) AS i GROUP BY r) AS s;
SELECT is((f).disconnect_reasons, (SELECT jsonb_object_agg(repeat(md5(i::text), 3000), CASE WHEN i = 5 THEN 2 ELSE 1 END) FROM generate_series(1, 5) AS i), 'reasons of 96,000 characters')
FROM (SELECT liveness_features(as_of() - i * interval '2h', as_of() - i * interval '1h', repeat(md5(least(i, 5)::text), 3000), as_of(), 14) AS f FROM generate_series(1, 6) AS i) AS s;
-- Around 16 different reasons, where looking turns into hashing, and many more; '' and unspecified among them
SELECT is((f).disconnect_reasons, expected, format('%s different reasons', (SELECT count(*) FROM jsonb_each(expected))))
FROM (
	SELECT n, liveness_features(as_of() - (i + 1) * interval '1min', as_of() - i * interval '1min', r, as_of(), 14) AS f
	FROM unnest(ARRAY[15, 16, 17, 18, 64, 65, 1500]) AS n, generate_series(0, 2 * n + 3) AS i,
		LATERAL (SELECT CASE i % n WHEN 3 THEN '' WHEN n - 1 THEN 'unspecified' ELSE 'reason ' || i % n END) AS reasons (r)
	GROUP BY n) AS s
JOIN (
	SELECT n, jsonb_object_agg(r, c) AS expected
	FROM (SELECT n, CASE WHEN i % n IN (3, n - 1) THEN 'unspecified' ELSE 'reason ' || i % n END AS r, count(*) AS c
		FROM unnest(ARRAY[15, 16, 17, 18, 64, 65, 1500]) AS n, generate_series(0, 2 * n + 3) AS i GROUP BY 1, 2) AS counted
	GROUP BY n) AS e USING (n)
ORDER BY n;
SELECT is(((f).failures_count, (f).mtbf_seconds), (100, 65::bigint), 'a censored reason is known among 100 that are hashed: each is bridged to the next')
FROM (SELECT liveness_features(as_of() - i * interval '1min', as_of() - i * interval '1min' + interval '5s', CASE WHEN i % 2 = 0 THEN 'coordinator_restart' ELSE 'r' || i END, as_of(), 14) AS f
	FROM generate_series(1, 200) AS i) AS s;

-- A session that ends for a censored reason is a session, but no failure
SELECT is(columns(f) - 'liveness_score', '{"uptime_pct": 0.5, "sessions_count": 1, "spells_count": 1, "mtbf_seconds": 43200, "median_session_seconds": 43200,
	"p10_session_seconds": 43200, "p90_session_seconds": 43200, "disconnect_reasons": {"coordinator_restart": 1}, "p_stays_4h": 1, "p_stays_8h": 1,
	"last_disconnect_at": null, "last_session_duration_seconds": 0, "mttr_seconds": 0,
	"failures_count": 0, "p_survives_4h": 1, "p_survives_8h": 1}', 'censored: counted, no failure, no last disconnect')
FROM features(1, '-18h -6h coordinator_restart') AS f;
-- 0.35 / 2 + 0.25 + 0.15 + 0.25 / (1 + e^-8), no penalty
SELECT is(round(liveness_score::numeric, 6), 0.824916, 'and no penalty in the score') FROM features(1, '-18h -6h coordinator_restart');
CREATE FUNCTION failures(VARIADIC reasons text[]) RETURNS int STABLE LANGUAGE sql AS $$
	SELECT (liveness_features(as_of() - i * interval '1h', as_of() - i * interval '1h' + interval '1min', r, as_of(), 14)).failures_count
	FROM unnest(reasons) WITH ORDINALITY AS s (r, i)
$$;
SELECT is(failures('coordinator_restart', 'Coordinator_restart', 'coordinator_restart ', 'coordinator', ''), 4, 'the default censors coordinator_restart, exactly');
SET LOCAL liveness.censored_reasons = '';
SELECT is(failures('coordinator_restart', 'x', ''), 3, '''''  censors nothing');
SET LOCAL liveness.censored_reasons = 'a, b';
SELECT is(failures('a', 'b', ' b', 'A', 'a, b', 'coordinator_restart', ''), 5, '''a, b'' censors a and b and no longer coordinator_restart');
SET LOCAL liveness.censored_reasons = 'a', 'b';
SELECT is(failures('a', 'b', ' b', 'A', 'a, b'), 3, 'given as a list as well');
SET LOCAL liveness.censored_reasons = '"a,b", " c", "", "say ""hi"""';
SELECT is(failures('a', 'b', 'a,b', ' c', 'c', '', 'say "hi"'), 3, 'in quotes, commas, blanks and nothing at all');
SELECT is((last_disconnect_at, failures_count, p_survives_4h), (as_of() - interval '3h', 1, (2 / 3.0)::real), 'which reaches every column')
FROM features(1, '-9h -5h ', '-4h -3h a', '-2h -1h  c');
SELECT throws_ok('SET LOCAL liveness.censored_reasons = ''a,,b''', '22023', 'invalid value for parameter "liveness.censored_reasons": "a,,b"', 'a list that is none is refused');
SELECT throws_ok('SET LOCAL liveness.censored_reasons = ''"a''', '22023', NULL, 'with a quote left open as well');
RESET liveness.censored_reasons;
SELECT is(failures('coordinator_restart', 'a'), 1, 'and the default is back');

-- Rounding, half away from zero
SELECT is((p10_session_seconds, median_session_seconds, p90_session_seconds, last_session_duration_seconds),
	(rounded, rounded, rounded, rounded), format('a session of %s s is %s s long', length, rounded))
FROM (VALUES (0.5, 1::bigint), (1.5, 2), (2.5, 3), (2.499999, 2), (0.499999, 0), (0.500001, 1), (3599.5, 3600)) AS v (length, rounded),
	features(1, '-7200s ' || -7200 + length || 's x');
SELECT is(median_session_seconds, rounded, format('the median of %s s and %s s is %s s', least(a, b), greatest(a, b), rounded))
FROM (VALUES (1, 2, 2::bigint), (2, 3, 3), (3, 4, 4), (1, 1, 1)) AS v (a, b, rounded), features(1, '-2h ' || -7200 + a || 's x', '-1h ' || -3600 + b || 's x');
-- Of 0, 1, .. 5 s: rank 0.5 and rank 4.5
SELECT is((p10_session_seconds, median_session_seconds, p90_session_seconds), (1::bigint, 3::bigint, 5::bigint), 'p10 0.5 s is 1 s, the median 2.5 s is 3 s, p90 4.5 s is 5 s')
FROM features(1, '-6h -6h x', '-5h -17999s x', '-4h -14398s x', '-3h -10797s x', '-2h -7196s x', '-1h -3595s x');
SELECT is(mtbf_seconds, rounded, format('mtbf: %s s and %s s, two failures', a, b))
FROM (VALUES (2, 3, 3::bigint), (0, 1, 1), (1, 2, 2), (1, 3, 2)) AS v (a, b, rounded), features(1, '-2h ' || -7200 + a || 's x', '-1h ' || -3600 + b || 's x');
SELECT is(mtbf_seconds, 1::bigint, 'mtbf: 4 s and three failures are 1.33 s') FROM features(1, '-3h -10799s x', '-2h -7199s x', '-1h -3598s x');
SELECT is(mttr_seconds, rounded, format('mttr: a gap of %s s is %s s', gap, rounded))
FROM (VALUES (0.5, 1::bigint), (0.499999, 0), (1.5, 2), (2.5, 3)) AS v (gap, rounded), features(1, '-2h -1h x', -3600 + gap || 's open');
SELECT is(mttr_seconds, 2::bigint, 'mttr: gaps of 1 s and 2 s') FROM features(1, '-3h -2h x', '-7199s -1h x', '-3598s open');

-- Mean time to return
SELECT is(mttr_seconds, 0::bigint, 'mttr: the outage before the first and the one after the last do not count') FROM features(1, '-10h -8h x');
SELECT is((mttr_seconds, failures_count, sessions_count), (14400::bigint, 3, 3), 'mttr: a session of no length does not divide a gap') FROM features(1, '-10h -8h x', '-6h -6h x', '-4h -2h x');
SELECT is((mttr_seconds, failures_count), (0::bigint, 3), 'nor does it end one, or begin one') FROM features(1, '-10h -10h x', '-8h -6h x', '-4h -5h x');
SELECT is(mttr_seconds, 7200::bigint, 'mttr: the gap after a censored end counts too') FROM features(1, '-10h -8h coordinator_restart', '-6h open');
SELECT is(mttr_seconds, 5400::bigint, 'mttr: the gap before a session that came from before the window does not exist') FROM features(1, '-40h -23h x', '-22h -20h x', '-18h -1h x');
SELECT is(mttr_seconds, 0::bigint, 'mttr: nor one that lies before the window') FROM features(1, '-40h -30h x', '-26h -20h x');

-- The last disconnect: of the spell that failed last
SELECT is((last_disconnect_at, last_session_duration_seconds), (as_of() - interval '2h', 25200::bigint), 'its length is the spell''s') FROM features(1, '-5h -2h a', '-9h -2h b', '-7h -2h c');
SELECT is((last_disconnect_at, last_session_duration_seconds), (as_of() - interval '2h', 25200::bigint), 'in any order') FROM features(1, '-9h -2h b', '-5h -2h a');
SELECT is((last_disconnect_at, last_session_duration_seconds), (as_of() - interval '2h', 25200::bigint), 'a censored session takes part where another fails at the same instant') FROM features(1, '-9h -2h coordinator_restart', '-5h -2h a');
SELECT is((last_disconnect_at, last_session_duration_seconds), (as_of() - interval '1h', 0::bigint), 'the latest wins however short') FROM features(1, '-9h -3h a', '-1h -2h a');
SELECT is((last_disconnect_at, last_session_duration_seconds), (NULL::timestamptz, 0::bigint), 'an end under an open session is none') FROM features(1, '-11h -9h a', '-10h open');

-- Ends at one instant
SELECT is(failures_count, 1, 'censored and not, one end: a failure') FROM features(1, '-9h -2h coordinator_restart', '-5h -2h read_error');
SELECT is(failures_count, 1, 'the shorter one censored') FROM features(1, '-9h -2h read_error', '-5h -2h coordinator_restart');
SELECT is(failures_count, 1, 'two failures at one end are one') FROM features(1, '-9h -2h read_error', '-5h -2h x');
SELECT is(failures_count, 0, 'both censored: none') FROM features(1, '-9h -2h coordinator_restart', '-5h -2h coordinator_restart');
SELECT is((failures_count, last_disconnect_at), (0, NULL::timestamptz), 'closed at as_of, another open: the spell is open') FROM features(1, '-9h 0h read_error', '-5h open');
SELECT is(failures_count, 0, 'in the other order of begins') FROM features(1, '-9h open', '-5h 0h read_error');
SELECT is(failures_count, 1, 'both closed at as_of') FROM features(1, '-9h 0h coordinator_restart', '-5h 0h read_error');

-- Survival with left truncation, window 336 h: at risk in (entry, exit]
--     began   ended   entry exit            at the failures' ages
--   A -342 h  -333 h    6 h   9 h  failure   3 h: B C D E F at risk, S = 4/5
--   B -300 h  -295 h    0     5 h  failure   5 h: B D E at risk,     S = 4/5 * 2/3 = 8/15
--   C -200 h  -197 h    0     3 h  failure   7 h: A E at risk,       S = 4/15
--   D -100 h   -94 h    0     6 h  censored  9 h: A at risk,         S = 0
--   E  -80 h   -73 h    0     7 h  failure
--   F   -4 h  open      0     4 h  censored
SELECT is((p_survives_4h, p_survives_8h), (0.8::real, (4 / 15.0)::real), 'survival with left truncation')
FROM features(14, '-342h -333h x', '-300h -295h x', '-200h -197h x', '-100h -94h coordinator_restart', '-80h -73h x', '-4h open');
-- Seen from further back nothing is truncated: 3 h 5/6, 5 h * 3/4 (A B D E), 7 h * 1/2
SELECT is((p_survives_4h, p_survives_8h), ((5 / 6.0)::real, (5 / 16.0)::real), 'the same in a longer window, without it')
FROM features(28, '-342h -333h x', '-300h -295h x', '-200h -197h x', '-100h -94h coordinator_restart', '-80h -73h x', '-4h open');
-- 4 h: two of four fail, the open one is still at risk; 9 h: the last
SELECT is((p_survives_4h, p_survives_8h), (0.5::real, 0.5::real), 'ties: who is censored at an age is still at risk there')
FROM features(2, '-40h -36h x', '-30h -26h x', '-24h -15h x', '-4h open');
SELECT is((p_survives_4h, p_survives_8h), (0::real, 0::real), 'a failure at exactly 4 h counts at 4 h') FROM features(1, '-9h -5h x');
SELECT is((p_survives_4h, p_survives_8h), (1::real, 0::real), 'a microsecond later at 8 h') FROM features(1, '-9h -17999.999999s x');
SELECT is((p_survives_4h, p_survives_8h), (1::real, NULL::real), 'NULL past the last exit') FROM features(1, '-5h open');
SELECT is((p_survives_4h, p_survives_8h), (1::real, 1::real), 'not at the last exit') FROM features(1, '-8h open');
SELECT is((p_survives_4h, p_survives_8h), (1::real, NULL::real), 'a microsecond short of it') FROM features(1, '-28799.999999s open');
SELECT is((p_survives_4h, p_survives_8h), (0::real, 0::real), '0 once it is reached, past the last exit too') FROM features(1, '-5h -2h x');
SELECT is((p_survives_4h, p_survives_8h), (0::real, 0::real), 'and for ever, even if the next come under observation later') FROM features(1, '-5h -3h x', '-30h -20h x');
SELECT is((p_survives_4h, p_survives_8h), (0.5::real, NULL::real), 'half, then nobody is left') FROM features(1, '-10h -7h x', '-6h open');
SELECT is((p_survives_4h, p_survives_8h), (NULL::real, NULL::real), 'only censored and short: nothing is known') FROM features(1, '-10h -7h coordinator_restart', '-2h open');
SELECT is((p_survives_4h, p_survives_8h), (1::real, NULL::real), 'failures of no length were never at risk') FROM features(1, '-10h -10h x', '-9h -20h x', '-5h open');
SELECT is((p_survives_4h, p_survives_8h), (1::real, NULL::real), 'nor who connected at -infinity') FROM features(1, '-infinity -9h x', '-5h open');
SELECT is((p_survives_4h, p_survives_8h), (NULL::real, NULL::real), 'nor who left as the window began') FROM features(1, '-32h -24h x', '-2h open');

-- The matrix to the last byte as PostgreSQL stores such an array: shares of all kinds, and cells without any
SELECT is((SELECT count(*) FROM (
		SELECT (liveness_features('2026-01-10 00:00+00'::timestamptz + s * interval '7 hours', '2026-01-10 00:00+00'::timestamptz + s * interval '7 hours' + p * interval '97.3 s',
			'read_error', '2026-01-15 12:34:56+00', 1 + p % 14)).hourly_availability AS m
		FROM generate_series(1, 400) p, generate_series(1, 18) s GROUP BY p) f
	WHERE record_image_eq(ROW(m), ROW(m::text::jsonb))), 400::bigint, 'the matrix is jsonb as PostgreSQL writes it');

-- Reasons that differ each time
CREATE TABLE unique_reasons AS
	SELECT p, '2026-01-02 00:00+00'::timestamptz + i * interval '1 minute' AS at,
		CASE i % 5 WHEN 0 THEN '' WHEN 1 THEN 'unspecified' WHEN 2 THEN 'read_error' ELSE repeat('x', i % 400) || ' ' || p || ' ' || i % 700 END AS reason
	FROM generate_series(1, 200) p, generate_series(1, 1000) i;
ANALYZE unique_reasons;
CREATE FUNCTION pg_temp.wrong_reasons() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (
		SELECT p, (liveness_features(at, at, reason, '2026-01-10 00:00+00', 14)).disconnect_reasons AS got FROM unique_reasons GROUP BY p) g
	FULL JOIN (SELECT p, jsonb_object_agg(r, n) AS expected FROM (
		SELECT p, coalesce(nullif(reason, ''), 'unspecified') AS r, count(*) AS n FROM unique_reasons GROUP BY 1, 2) c GROUP BY p) e USING (p)
	WHERE got IS DISTINCT FROM expected
$$;
SELECT is(pg_temp.wrong_reasons(), 0::bigint, '80,000 different reasons are counted');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(pg_temp.wrong_reasons(), 0::bigint, 'by parallel processes too');
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL enable_hashagg = off;
SELECT is(pg_temp.wrong_reasons(), 0::bigint, 'and group by group');
CREATE FUNCTION pg_temp.memory() RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
END
$$;
CREATE TEMP TABLE by_group AS
	SELECT liveness_features(at, at, reason, '2026-01-10 00:00+00', 14) AS features,
		CASE WHEN u.p > 5 THEN pg_temp.memory() END AS bytes
	FROM (SELECT * FROM unique_reasons ORDER BY p) u GROUP BY u.p;
SELECT cmp_ok(max(bytes) - min(bytes), '<', 8000000::numeric, 'whose memory is given back') FROM by_group;

SELECT * FROM finish();
ROLLBACK;
