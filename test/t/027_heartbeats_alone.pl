# Sessions from heartbeats alone: whatever the order in which heartbeats arrive, in whatever
# batches, with runs that fail and servers that die in between, beside sessions of other
# coordinators, the sessions are those of a query in plain SQL.  And by the worker: one call
# is all that a coordinator needs.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('alone');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nshared_preload_libraries = 'liveness'\nliveness.database = 'postgres'\nliveness.scheduler = 'off'\nrestart_after_crash = on\n");
$node->start;
sub query { return $node->safe_psql('postgres', shift) }

query(q{
	CREATE EXTENSION liveness;
	CREATE VIEW expected AS
		WITH beat AS (
			SELECT DISTINCT h.provider_id, h.at
			FROM provider_heartbeats h
			WHERE isfinite(h.at) AND h.at <= now() + interval '90 s' AND NOT EXISTS (
				SELECT FROM provider_sessions s
				WHERE s.provider_id = h.provider_id AND s.coordinator_id <> 'heartbeats'
				AND s.connected_at <= h.at AND coalesce(s.disconnected_at, 'infinity') >= h.at)
		), marked AS (
			SELECT *, (at - lag(at) OVER w <= interval '90 s') IS NOT TRUE AS is_first FROM beat WINDOW w AS (PARTITION BY provider_id ORDER BY at)
		), numbered AS (
			SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY provider_id ORDER BY at) AS n FROM marked
		)
		SELECT provider_id, min(at) AS since, max(at) AS until FROM numbered GROUP BY provider_id, n;
	CREATE VIEW tracked AS
		SELECT provider_id, connected_at AS since, last_heartbeat_at AS until FROM provider_sessions WHERE coordinator_id = 'heartbeats';
	CREATE VIEW differences AS
		SELECT 'missing' AS what, m.* FROM (TABLE expected EXCEPT ALL TABLE tracked) m
		UNION ALL SELECT 'added', a.* FROM (TABLE tracked EXCEPT ALL TABLE expected) a
		UNION ALL SELECT 'ended elsewhere', s.provider_id, s.connected_at, s.disconnected_at FROM provider_sessions s
			WHERE s.coordinator_id = 'heartbeats' AND s.disconnected_at <> s.last_heartbeat_at;
	-- A round: heartbeats of six hours on a grid of a minute, a few close to now, and what coordinators do
	CREATE PROCEDURE happen() LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.provider_heartbeats (provider_id, at)
			SELECT 'p' || floor(random() * 4), now() - interval '6 hours' + floor(random() * 360) * interval '1 minute' FROM generate_series(1, floor(random() * 60)::int);
		INSERT INTO public.provider_heartbeats (provider_id, at) SELECT 'p' || floor(random() * 4), now() + (random() * 300 - 200) * interval '1 s' FROM generate_series(1, floor(random() * 3)::int);
		INSERT INTO public.provider_heartbeats (provider_id, at) SELECT 'p0', a FROM unnest(ARRAY['infinity', '-infinity']::timestamptz[]) a WHERE random() < 0.1;
		IF random() < 0.3 THEN
			PERFORM public.liveness_open_session('p' || floor(random() * 4), 'blue', now() - random() * interval '6 hours');
		END IF;
		IF random() < 0.3 THEN
			PERFORM public.liveness_close_session(s.id, 'read_error', s.connected_at + random() * (now() - s.connected_at))
			FROM (SELECT * FROM public.provider_sessions WHERE coordinator_id = 'blue' AND disconnected_at IS NULL LIMIT 1) s;
		END IF;
		INSERT INTO public.provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at)
			SELECT 'p' || floor(random() * 4), 'green', c, c + random() * interval '20 minutes' FROM (SELECT now() - random() * interval '6 hours' AS c) c WHERE random() < 0.2;
	END $$;
	-- In the transaction of the run: what may be stamped ahead of now() does not change meanwhile
	CREATE FUNCTION differences_after(call text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE 'SELECT ' || call;
		RETURN (SELECT coalesce(string_agg(d::text, ' '), 'none') FROM public.differences d);
	END $$;
	-- runs that are rolled back, and what happened with them
	CREATE PROCEDURE happen_in_vain() LANGUAGE plpgsql AS $$
	BEGIN
		CALL public.happen();
		PERFORM liveness_internal.liveness_run_sessions(true);
		RAISE EXCEPTION USING ERRCODE = 'LV000';
	EXCEPTION WHEN SQLSTATE 'LV000' THEN NULL;
	END $$;
	CREATE PROCEDURE rounds(n int, seed float8) LANGUAGE plpgsql AS $$
	DECLARE
		differences text;
	BEGIN
		PERFORM setseed(seed);
		FOR r IN 1..n LOOP
			CALL public.happen();
			COMMIT;
			IF random() < 0.2 THEN
				CALL public.happen_in_vain();
				COMMIT;
			END IF;
			-- some runs look at the past whole
			UPDATE liveness_internal.liveness_job_state SET swept_at = '-infinity' WHERE job = 'sessions' AND random() < 0.1;
			PERFORM liveness_internal.liveness_run_sessions(true);
			SELECT string_agg(d::text, ' ') INTO differences FROM public.differences d;
			IF differences IS NOT NULL THEN
				RAISE EXCEPTION 'seed %, round %: %', seed, r, differences;
			END IF;
		END LOOP;
	END $$;
});

sub differences_after
{
	my ($call) = @_;
	return query("SELECT differences_after(\$\$$call\$\$)");
}

sub start_over
{
	query('TRUNCATE provider_heartbeats, provider_sessions; DELETE FROM liveness_internal.liveness_job_state');
	return;
}

for my $seed (0.1, 0.2, -0.7)
{
	start_over();
	is($node->psql('postgres', "CALL rounds(25, $seed)"), 0, "25 rounds of seed $seed: each leaves the sessions of plain SQL");
	query("DELETE FROM provider_sessions WHERE coordinator_id = 'heartbeats'");
	is(differences_after(q{liveness_sessionize('-infinity', 'infinity')}), 'none', 'and so does liveness_sessionize');
}

# The server dies with a run under way: stopped, or for its backend is killed, which restarts all others.
# What is left of every other round is taken by the next.
start_over();
for my $round (1 .. 20)
{
	query('CALL happen()') for 1 .. 3;
	my $checkpointer = query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'});
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('SET client_min_messages = warning; BEGIN; SELECT liveness_internal.liveness_run_sessions(true)');
	my $stops = $round % 5 == 0;
	if ($stops) { $node->stop('immediate') }
	else { kill 'KILL', $session->query_safe('SELECT pg_backend_pid()') }
	$session->{run}->finish;
	if ($stops) { $node->start }
	else { $node->poll_query_until('postgres', "SELECT pid <> $checkpointer FROM pg_stat_activity WHERE backend_type = 'checkpointer'") }
	is(differences_after('liveness_internal.liveness_run_sessions(true)'), 'none', "killed with a run under way, $round") if $round % 2 == 0;
}

query(q{CALL liveness_run('sessions')});

# What a day holds, in one call, in chunks of a day each
start_over();
query(q{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, '2026-01-01 00:00+00'::timestamptz + n * interval '70 s' FROM generate_series(1, 3) p, generate_series(0, 4000) n WHERE n % (500 * p) > 1});
my $notices = '';
$node->psql('postgres', q{SELECT liveness_sessionize('-infinity', 'infinity')}, stderr => \$notices);
is(() = $notices =~ /NOTICE:  \d+ heartbeats from 2026-01-0\d/g, 3, 'a NOTICE tells of each day but the last');
is(query('SELECT count(*) FROM differences'), 0, 'the days are joined');

# By the worker: a coordinator that calls liveness_emit and nothing else
start_over();
$node->append_conf('postgresql.conf', "liveness.scheduler = 'worker'\nliveness.track_sessions = on\nliveness.sessions_interval = '1s'\nliveness.flush_interval = '100ms'\n");
$node->restart;
$node->poll_query_until('postgres', q{SELECT liveness_emit('one', 'serving')}) or die 'nobody takes heartbeats';
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM provider_session_history WHERE provider_id = 'one' AND is_open}), 'it has a session');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM provider_liveness WHERE provider_id = 'one' AND connected}), 'and is connected');
query(q{SELECT liveness_emit('two', at => now() - interval '10 minutes')});
ok($node->poll_query_until('postgres', q{SELECT disconnect_reason = 'stale_heartbeat' FROM provider_sessions WHERE provider_id = 'two'}), 'one that fell silent is closed');
is(query(q{SELECT sum(errors) FROM liveness_jobs}), 0, 'without errors');
is(query(q{SELECT count(*) FROM liveness_metrics WHERE name = 'liveness_sessions_runs_total' AND value > 0}), 1, 'runs are counted');

# Stale sessions of others, where that is asked for
query(q{INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES ('three', 'blue', now() - interval '1 hour', now() - interval '30 minutes')});
$node->append_conf('postgresql.conf', "liveness.track_sessions = off\nliveness.close_stale = on\n");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT disconnect_reason = 'stale_heartbeat' FROM provider_sessions WHERE provider_id = 'three'}), 'liveness.close_stale: those of all coordinators');

done_testing();
