# What is the same on a plain server and where Citus distributes the tables: rows, and the
# steps after which both are compared.  A test says where statements run (answers_from) and
# calls the steps in the order of this file.
package Liveness::Distributed;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw(answers_from both same rows_of_three_weeks compare_rollups compare_reads compare_sessions_of_heartbeats);

# A code that runs a statement on both, and gives the answers: of the plain server, and of the other
my $answers;

sub answers_from
{
	($answers) = @_;
	return;
}

sub both
{
	my ($sql) = @_;
	return $answers->($sql);
}

sub same
{
	my ($sql, $what) = @_;
	my ($plain, $citus) = both($sql);
	is($citus, $plain, $what);
	return $plain;
}

sub rows_of_three_weeks
{
	return q{
	-- 30 providers, three weeks, a session each eight hours; the last of two in three is open
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
	SELECT 'p' || p, s.since, CASE WHEN n < 60 OR p % 3 = 0 THEN s.since + (1 + (p * n * 31) % 25000) * interval '1 s' END,
		CASE WHEN n < 60 OR p % 3 = 0 THEN (ARRAY['clean_close', 'read_error', 'coordinator_restart', 'stale_heartbeat'])[1 + (p * n) % 4] ELSE '' END, 'c' || p % 2
	FROM generate_series(1, 30) p, generate_series(0, 60) n,
		LATERAL (SELECT '2026-03-01 00:00+00'::timestamptz + n * interval '8 hours' + (p * 7919 % 3600) * interval '1 s' AS since) s;
	-- three hours of heartbeats, every minute
	INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb)
	SELECT 'p' || p, '2026-03-21 00:00+00'::timestamptz + n * interval '1 min' + p * interval '1 s', (p % 10) / 10.0, (n % 7) / 7.0,
		(ARRAY['nominal', 'fair', 'serious', ''])[1 + (p + n) % 4], 8 + p
	FROM generate_series(1, 30) p, generate_series(0, 179) n;
	INSERT INTO provider_groups SELECT 'p' || p, 'g' || p % 5 FROM generate_series(1, 30) p;
	INSERT INTO provider_exclusions (provider_id, since, until) VALUES
		('p3', '2026-03-15', '2026-03-16'), (NULL, '2026-03-10', '2026-03-10 01:00');
	};
}

my @tables = (
	'SELECT * FROM provider_reliability_features ORDER BY provider_id',
	'SELECT as_of, counted_at, counted_since, settings, (SELECT array_agg(round(h::numeric, 8)) FROM unnest(hazard) h) FROM liveness_internal.liveness_fleet_hazard',
	'SELECT provider_id, as_of, spells, (SELECT array_agg(round(h::numeric, 4)) FROM unnest(hazard) h), spell_since, spell_until, spell_uncensored, fingerprint, digest, counted_digest FROM liveness_internal.liveness_provider_hazard ORDER BY provider_id');

sub features
{
	my ($what, $at) = @_;
	same("SELECT liveness_rollup_features('$at')", "$what: as many providers");
	my $n = 0;
	same($_, "$what: table " . ++$n) for @tables;
}

my $hours = 'SELECT * FROM provider_heartbeats_hourly ORDER BY provider_id, hour';

sub hourly
{
	my ($what, $sql) = @_;
	same($sql // 'SELECT liveness_rollup_hourly()', "$what: as many cells");
	same($hours, "$what: the cells");
	same(q{SELECT watermark IS NOT NULL, pruned_before, late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}, "$what: the state");
}

sub compare_rollups
{
	features('the first run', '2026-03-21 03:00:30+00');
	features('nothing changed', '2026-03-21 03:05:30+00');
	both(q{UPDATE provider_sessions SET disconnected_at = '2026-03-21 03:06+00', disconnect_reason = 'read_error' WHERE provider_id = 'p4' AND disconnected_at IS NULL});
	features('one closed', '2026-03-21 03:10:30+00');
	both(q{DO $$DECLARE s record; BEGIN
		SELECT t.id, t.disconnected_at - interval '1 second' AS at INTO s FROM provider_sessions t WHERE t.provider_id = 'p6' AND t.connected_at > '2026-03-12' ORDER BY t.connected_at LIMIT 1;
		UPDATE provider_sessions t SET disconnected_at = s.at WHERE t.provider_id = 'p6' AND t.id = s.id;
	END$$});
	features('a close noted late', '2026-03-21 03:15:30+00');
	both(q{DELETE FROM provider_sessions WHERE provider_id = 'p9'; DELETE FROM provider_sessions WHERE provider_id = 'p12' AND connected_at > '2026-03-03'});
	features('providers vanished', '2026-03-21 03:20:30+00');
	both(q{INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'new' || n, '2026-03-21 03:21+00' FROM generate_series(1, 3) n});
	features('others came', '2026-03-21 03:25:30+00');
	features('the next interval', '2026-03-21 04:00:30+00');
	both('DELETE FROM provider_exclusions');
	features('no excluded time', '2026-03-21 04:05:30+00');
	features('an earlier instant', '2026-03-18 12:00+00');
	features('before all', '2026-02-01 00:00+00');
	features('and back', '2026-03-21 05:00:30+00');

	hourly('the first run');
	hourly('nothing new');
	both(q{INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || p, '2026-03-21 01:30:30+00', 0.9 FROM generate_series(1, 20) p});
	hourly('most cells of an hour');
	both(q{INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) VALUES ('p1', '2026-03-21 00:30:30+00', 0.8), ('p2', '1970-01-01 00:00:01+00', 0.7), ('p2', 'infinity', 0.1), ('p3', '-infinity', 0.1)});
	hourly('single cells, and clocks that are wrong');
	both(q{UPDATE provider_heartbeats_hourly SET heartbeat_count = 7, max_thermal_state = 'x' WHERE provider_id = 'p5'});
	hourly('a range', q{SELECT liveness_rollup_hourly('2026-03-21 00:10+00', '2026-03-21 01:10+00')});
	hourly('all', q{SELECT liveness_rollup_hourly('-infinity', NULL)});

	same(q{SELECT liveness_prune_batch(now() - '2026-03-21 01:00+00', 1000)}, 'a batch of the retention');
	same('SELECT count(*), min(at) FROM provider_heartbeats', 'what it left');
	same(q{SELECT liveness_prune_batch(now() - '2026-03-21 01:00+00', 100000)}, 'the rest of it');
	hourly('after the retention');
	both(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '2026-03-21 00:10+00')});
	hourly('a heartbeat for a closed hour');
	return;
}

sub compare_reads
{
	for my $call (q{SELECT provider_id, session_id IS NOT NULL FROM liveness_open_sessions('{a,b,a,p1}', 'c1', '2026-03-21 06:00+00')},
		q{SELECT liveness_open_session('a', 'c1', '2026-03-21 06:10+00') IS NOT NULL}, q{SELECT liveness_close_session(1, 'x')},
		q{DO $$DECLARE latest bigint; BEGIN SELECT max(id) INTO latest FROM provider_sessions WHERE provider_id = 'b'; PERFORM liveness_close_session(latest, 'clean_close', '2026-03-21 06:20+00'); END$$},
		q{SELECT liveness_close_orphans('c1')}, q{SELECT liveness_close_stale('1 hour')})
	{
		same($call, $call);
		same('SELECT provider_id, connected_at, disconnected_at > now() - interval \'1 hour\', disconnect_reason, coordinator_id FROM provider_sessions ORDER BY 1, 2, 3, 4, 5', 'and the sessions');
	}
	both(q{SELECT liveness_open_session('p' || p, 'c9', '2026-03-21 07:00+00') FROM generate_series(1, 9) p});
	both(q{SELECT liveness_rollup_features()});
	same($_, $_) for (
		q{SELECT provider_id, round(uptime_pct::numeric, 6), failures_count FROM liveness_features_at('2026-03-21 05:00+00', 14) ORDER BY 1},
		q{SELECT provider_id, probability BETWEEN 0 AND 1 FROM liveness_candidates('4 hours', 0) ORDER BY 1},
		q{SELECT provider_id, round(probability::numeric, 9), round(lower::numeric, 9), round(upper::numeric, 9) FROM liveness_candidates_at('2026-03-21 03:00+00', '4 hours', 0)},
		q{SELECT liveness_probability('p1', '4 hours') BETWEEN 0 AND 1, liveness_remaining('p1') > interval '0'},
		q{SELECT * FROM liveness_uptime('2026-03-10', '2026-03-20') ORDER BY 1}, q{SELECT * FROM liveness_uptime('2026-03-10', '2026-03-20', 'p5')},
		q{SELECT * FROM liveness_fleet_connected('2026-03-10', '2026-03-12')},
		q{SELECT predictor, n, held, round(brier::numeric, 9), round(log_loss::numeric, 9), round(ece::numeric, 9) FROM liveness_backtest('4 hours', '2026-03-10', '2026-03-21', '12 hours')},
		q{SELECT count(*) FROM liveness_explain('p5')}, q{SELECT count(*) FROM liveness_heatmap('p5')},
		q{SELECT provider_id FROM liveness_reliability(max_rows => 500) ORDER BY 1}, q{SELECT survival_at(liveness_fleet_survival('2026-03-21', 14), 3600)},
		q{SELECT count(*) FROM liveness_replicas('4 hours')}, q{SELECT provider_id FROM liveness_at_risk('1 hour', 0.01) ORDER BY 1},
		q{SELECT provider_id, connected FROM provider_liveness ORDER BY 1}, q{SELECT provider_id, since, sessions, failed FROM provider_spells ORDER BY 1, 2},
		q{SELECT count(*) FROM provider_outages}, q{SELECT providers, connected, vanished, p50_uptime_pct FROM network_availability});
	return;
}

# Heartbeats on a grid of 20 days, where the nodes' timeout is 30 days: one that is missing breaks a session.
my $tracked = q{SELECT provider_id, coordinator_id, connected_at, last_heartbeat_at, disconnected_at, disconnect_reason FROM provider_sessions WHERE provider_id LIKE 'q%' ORDER BY 1, 2, 3, 4, 5, 6};

sub sessionize
{
	my ($what, $sql) = @_;
	my $rows = same($sql // 'SET client_min_messages = warning; SELECT liveness_internal.liveness_run_sessions(true)', "$what: as many sessions");
	same($tracked, "$what: the sessions");
	return $rows;
}

sub compare_sessions_of_heartbeats
{
	my $at = q{'2001-01-01 00:00+00'::timestamptz + interval '20 days' *};
	# as if the retention had not been there: nothing before its cut would be cut
	both('DELETE FROM provider_sessions; DELETE FROM provider_heartbeats; UPDATE liveness_internal.liveness_job_state SET pruned_before = NULL');
	both(qq{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'q' || p, $at n FROM generate_series(1, 4) p, generate_series(0, 100) n WHERE n % (p + 3) > 0});
	cmp_ok(sessionize('the first run'), '>', 0, 'there are sessions of heartbeats');
	is(sessionize('nothing new'), 0, 'nothing is written twice');
	both(qq{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'q' || p, $at n FROM generate_series(1, 3) p, unnest('{-7,-1,0,20,21,101,105}'::int[]) n});
	sessionize('late ones, that extend, join and follow');
	both(qq{INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at) VALUES
		('q1', 'blue', $at 9.5, $at 10.5), ('q2', 'blue', $at 31.5, $at 50.5), ('q4', 'blue', $at 60, NULL)});
	both(q{UPDATE liveness_internal.liveness_job_state SET swept_at = '-infinity' WHERE job = 'sessions'});
	sessionize('sessions of another coordinator, which cut these');
	both(qq{UPDATE provider_sessions SET disconnected_at = $at 64.5 WHERE provider_id = 'q4' AND coordinator_id = 'blue'});
	both(q{UPDATE liveness_internal.liveness_job_state SET swept_at = '-infinity' WHERE job = 'sessions'});
	sessionize('one is closed, and what follows is read again');
	sessionize('nothing new again');
	for my $seed (1 .. 6)
	{
		both(qq{SELECT setseed(0.$seed);
			INSERT INTO provider_heartbeats (provider_id, at) SELECT 'q' || floor(random() * 4), $at floor(random() * 100) FROM generate_series(1, 30);
			INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at)
				SELECT 'q' || floor(random() * 4), 'green', $at c, $at c + random() * interval '100 days' FROM (SELECT random() * 100 AS c) c;
			UPDATE liveness_internal.liveness_job_state SET swept_at = '-infinity' WHERE job = 'sessions'});
		sessionize("round $seed");
	}
	# the same of a query in plain SQL
	my $expected = q{SELECT n.provider_id, min(n.at), max(n.at) FROM (
			SELECT m.provider_id, m.at, count(*) FILTER (WHERE m.is_first) OVER (PARTITION BY m.provider_id ORDER BY m.at) AS n FROM (
				SELECT b.provider_id, b.at, (b.at - lag(b.at) OVER (PARTITION BY b.provider_id ORDER BY b.at) <= interval '30 days') IS NOT TRUE AS is_first FROM (
					SELECT DISTINCT h.provider_id, h.at FROM provider_heartbeats h
					WHERE NOT EXISTS (SELECT 1 FROM provider_sessions s WHERE s.provider_id = h.provider_id AND s.coordinator_id <> 'heartbeats'
						AND s.connected_at <= h.at AND coalesce(s.disconnected_at, 'infinity') >= h.at)) b) m) n
		GROUP BY n.provider_id, n.n ORDER BY 1, 2};
	my $found = q{SELECT provider_id, connected_at, last_heartbeat_at FROM provider_sessions WHERE coordinator_id = 'heartbeats' ORDER BY 1, 2};
	is(same($found, 'sessions of heartbeats'), same($expected, 'sessions by plain SQL'), 'are those of a query in plain SQL');
	both(q{DELETE FROM provider_sessions WHERE coordinator_id = 'heartbeats'});
	sessionize('a range', q{SELECT liveness_sessionize('2002-01-01', '2003-01-01')});
	sessionize('with a timeout', q{SELECT liveness_sessionize('2003-01-01', '2004-01-01', '40 days')});
	sessionize('all', q{SET client_min_messages = warning; SELECT liveness_sessionize('-infinity', 'infinity')});
	both(q{SET client_min_messages = warning; CALL liveness_run('sessions')});
	same(q{SELECT job, errors FROM liveness_jobs WHERE job = 'sessions'}, 'the job runs');
	same($tracked, 'and changes nothing');
	return;
}

1;
