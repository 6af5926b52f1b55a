# Clocks and time zones: every result is the same to the bit in any zone, in sessions
# and in the worker's jobs; a server's clock that is set back or runs ahead, and
# coordinators whose clocks are hours off, lose no heartbeat and count none twice.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Clock;
use Liveness::Jobs qw(wait_for_no_job_of);

my $clock = Liveness::Clock->new;
my $node = PostgreSQL::Test::Cluster->new('clocks');
$node->init;
$node->append_conf('postgresql.conf', q{
	timezone = 'America/St_Johns'
	datestyle = 'German, DMY'
	intervalstyle = 'sql_standard'
	jit = off
	log_statement = none
	log_min_messages = debug1
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	liveness.flush_interval = '100ms'
	liveness.rollup_interval = '1s'
	autovacuum = off
});
$clock->hold('2026-04-06 09:20');
$clock->start($node);
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');

# In UTC, whatever the server, the database or the role have
sub query
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; $sql");
}

sub poll
{
	my ($sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until('postgres', $sql), $name);
}

# A line that tells whether the rows of a query are the same in every bit
sub digest
{
	my ($name, $sql) = @_;
	return "SELECT '$name ' || count(*) || ' ' || coalesce(md5(string_agg(record_send(t), '' ORDER BY record_send(t))), '') FROM ($sql) t;\n";
}

# How many rows one of two queries has and the other has not
sub differences
{
	my ($one, $other) = @_;
	return "SELECT count(*) FROM ((($one) EXCEPT ALL ($other)) UNION ALL (($other) EXCEPT ALL ($one))) d";
}

# The hourly table by PostgreSQL's own functions, from heartbeats that tell no thermal state
my $hours = q{SELECT provider_id, date_trunc('hour', at, 'UTC') AS hour, count(*)::int, avg(memory_pressure)::real, avg(cpu_usage)::real, '', avg(memory_available_gb)::real
	FROM provider_heartbeats GROUP BY 1, 2};

sub hours_are_right
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(query(differences('TABLE provider_heartbeats_hourly', $hours)), 0, $name);
}

# Uptime as of an instant from a union of ranges
sub uptimes
{
	my ($as_of, $days) = @_;
	return qq{SELECT u.provider_id, ((SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0) FROM unnest(online) r) / ($days * 86400.0))::float8::real
		FROM (SELECT provider_id, range_agg(tstzrange(connected_at, greatest(connected_at, least(disconnected_at, $as_of))))
				* tstzmultirange(tstzrange($as_of - $days * interval '24 hours', $as_of)) AS online
			FROM provider_sessions
			WHERE connected_at < $as_of AND (disconnected_at IS NULL OR disconnected_at >= $as_of - $days * interval '24 hours')
			GROUP BY provider_id) u};
}

sub start_again
{
	query('TRUNCATE provider_sessions, provider_heartbeats, provider_heartbeats_hourly, provider_reliability_features, liveness_internal.liveness_fleet_hazard, liveness_internal.liveness_provider_hazard, liveness_internal.liveness_job_state');
	return;
}

# ---------- any zone ----------

# Six weeks before now() of twelve providers, and one by hand: a session that ended a
# microsecond before the window of 14 days, one at its edge, and two of four hours,
# the last a microsecond short, while somebody's clocks are changed.  s1 and s2 were
# last heard of half an hour less, and twenty minutes more, than 30 days ago.
sub load
{
	my ($night, $short, $heard) = @_;
	start_again();
	query(qq{
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id)
		SELECT 'p' || p, c, c + make_interval(mins => 13 * ((7 * s + 3 * p) % 50)),
			(ARRAY['read_error', 'clean_close', 'coordinator_restart'])[1 + (s + p) % 3], (ARRAY['blue', 'green'])[1 + s % 2]
		FROM generate_series(1, 12) p, generate_series(1, 20) s, LATERAL (SELECT now() - make_interval(hours => 50 * s + 5 * p, mins => 37 * p) AS c) x;
		INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at)
		SELECT 'p' || p, now() - make_interval(hours => 7 * p), now() FROM generate_series(1, 6) p;
		INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at) VALUES
			('s1', now() - interval '800 hours', now() - interval '719 hours 30 minutes'),
			('s2', now() - interval '800 hours', now() - interval '720 hours 20 minutes');
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
			('h', now() - interval '400 hours', now() - interval '336 hours 0.000001 seconds', 'read_error'),
			('h', now() - interval '340 hours', now() - interval '336 hours', 'read_error'),
			('h', '$night', '$night'::timestamptz + interval '4 hours', 'read_error'),
			('h', '$short', '$short'::timestamptz + interval '4 hours -0.000001 seconds', 'read_error');
		INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, memory_pressure, memory_available_gb)
		SELECT 'p' || 1 + g % 12, now() - make_interval(mins => 201 * g), (g * 0.618033988749 % 1)::real, (g * 1e-7)::real, CASE WHEN g % 5 > 0 THEN g END
		FROM generate_series(1, 300) g;
		INSERT INTO provider_heartbeats (provider_id, at) SELECT 'h', '$heard'::timestamptz + t::interval
		FROM unnest(ARRAY['0', '29 minutes 59.999999 seconds', '30 minutes', '59 minutes 59.999999 seconds', '60 minutes', '75 minutes']) t;
	});
	return;
}

# Everything there is, as of now(), in a transaction that leaves nothing behind.  No
# literal but with its offset: what it reads is the same in any zone.
my $answers = "BEGIN;\n"
  . digest('features', 'SELECT * FROM (VALUES (14), (42)) d (days), liveness_features_at(now(), days)')
  . digest('features without a table', q{SELECT provider_id, liveness_features(connected_at, disconnected_at, disconnect_reason, now(), 42) FROM provider_sessions GROUP BY 1})
  . digest('the rollup of the features', 'SELECT liveness_rollup_features()')
  . join('', map { digest($_, "TABLE $_") } qw(provider_reliability_features liveness_internal.liveness_fleet_hazard liveness_internal.liveness_provider_hazard))
  . digest('the routine rollup of the hours', 'SELECT liveness_rollup_hourly()')
  . digest('the hours', 'TABLE provider_heartbeats_hourly')
  . "UPDATE provider_heartbeats_hourly SET heartbeat_count = -1;\n"
  . digest('the rollup of a span', 'SELECT liveness_rollup_hourly(liveness_internal.liveness_window_start(now(), 30), liveness_internal.liveness_window_start(now(), 1))')
  . digest('its hours', 'TABLE provider_heartbeats_hourly')
  . digest('hours without a table', 'SELECT provider_id, liveness_internal.liveness_hours(at, memory_pressure, cpu_usage, thermal_state, memory_available_gb ORDER BY at) FROM provider_heartbeats GROUP BY 1')
  . digest('candidates', q{SELECT * FROM liveness_candidates('1 day 2 hours', 0, NULL)})
  . digest('candidates at', q{SELECT c.* FROM generate_series(0, 40, 5) d, LATERAL liveness_candidates_at(now() - make_interval(hours => 24 * d), '1 day', 0, NULL) c})
  . join('', map { digest($_, "SELECT * FROM $_('1 day', liveness_internal.liveness_window_start(now(), 25), now(), '1 day')") } qw(liveness_internal.liveness_backtest_cases liveness_backtest liveness_calibration))
  . join('', map { digest($_, "TABLE $_") } qw(provider_liveness provider_session_history provider_heartbeat_history provider_availability_matrix
		provider_disconnect_reasons provider_stale_sessions liveness_internal.liveness_last_signs network_availability))
  . digest('the ranking', 'SELECT * FROM liveness_reliability()')
  . digest('the heatmap', q{SELECT liveness_heatmap('h')})
  . digest('parts', q{SELECT liveness_internal.liveness_utc_hour(at), liveness_recency_penalty(at, now()), liveness_internal.liveness_window_start(at, 14), liveness_score(0.5, 0.5, 0.5, 15000, at, now()) FROM provider_heartbeats})
  . digest('settings', q{SELECT liveness_internal.liveness_setting_interval(s) FROM unnest(ARRAY['session_timeout', 'heartbeat_retention']) s})
  . digest('cut', q{SELECT liveness_internal.liveness_prune_cut(r) FROM unnest(ARRAY['30 days', '1 month', '720 hours']::interval[]) r})
  . digest('pruned', q{SELECT liveness_prune_batch('30 days')})
  . join('', map { digest("$_ then", "TABLE $_") } qw(provider_heartbeats provider_heartbeats_hourly))
  . digest('closed hours', q{SELECT pruned_before, late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'})
  . digest('closed as stale', q{SELECT liveness_close_stale('30 days')})
  . digest('sessions then', 'TABLE provider_sessions')
  . "ROLLBACK;\n";

# Zones of whole, half and three quarters of hours, with and without summer time, and
# where a session's may come from; '' is that of the server
my @zones = (
	[ 'Asia/Kolkata', 'SQL, DMY', 'iso_8601', 'SET' ],
	[ 'Asia/Kathmandu', 'Postgres, MDY', 'postgres_verbose', 'ALTER DATABASE postgres SET' ],
	[ 'Australia/Lord_Howe', 'German, YMD', 'sql_standard', 'ALTER ROLE CURRENT_USER SET' ],
	[ 'America/St_Johns', 'German, DMY', 'sql_standard', '' ],
	[ 'America/New_York', 'ISO, MDY', 'postgres', 'ALTER ROLE CURRENT_USER IN DATABASE postgres SET' ],
	[ 'Pacific/Chatham', 'Postgres, DMY', 'postgres', 'SET' ],
	[ 'Europe/Berlin', 'German, MDY', 'iso_8601', 'ALTER DATABASE postgres SET' ]);

for my $season (
	{
		now => '2026-04-06 09:20', changes => 'in spring, Lord Howe\'s and Chatham\'s autumn',
		# in Berlin from 23:00 to 4:00; on Lord Howe from 0:10 to 3:40
		night => '2026-03-28 22:00+00', short => '2026-04-04 13:10+00', heard => '2026-04-04 14:00+00',
		# (132 h 40 min + 155 h 10 min) / 2; Saturday is day 6
		mttr => 518100, matrix => '0:0.5 1:0.5 157:0.4167 158:0.5 159:0.5 160:0.5 161:0.0833 166:0.5 167:0.5',
		cuts => '2026-03-07 09:00 2026-03-06 09:00',
		# an hour of which the session's clock had two, or half of one twice
		hours => '2026-04-04 14:00 4 2026-04-04 15:00 2',
	},
	{
		now => '2026-11-02 09:20', changes => 'in autumn, Lord Howe\'s and Chatham\'s spring',
		# in Berlin from 0:00 to 3:00; in New York from 23:10 to 2:10
		night => '2026-10-24 22:00+00', short => '2026-11-01 03:10+00', heard => '2026-11-01 04:00+00',
		# (132 h 40 min + 169 h 10 min) / 2
		mttr => 543300, matrix => '0:0.5 1:0.5 3:0.4167 4:0.5 5:0.5 6:0.5 7:0.0833 166:0.5 167:0.5',
		cuts => '2026-10-03 09:00 2026-10-02 09:00',
		hours => '2026-11-01 04:00 4 2026-11-01 05:00 2',
	})
{
	$clock->hold($season->{now});
	load(@$season{qw(night short heard)});
	my $expected = query($answers);
	for my $zone (@zones)
	{
		my ($name, $datestyle, $intervalstyle, $source) = @$zone;
		my $session = '';
		for ([ TimeZone => $name ], [ DateStyle => $datestyle ], [ IntervalStyle => $intervalstyle ])
		{
			my $set = "$source $_->[0] = '$_->[1]'; ";
			if ($source eq 'SET') { $session .= $set }
			elsif ($source) { $node->safe_psql('postgres', $set) }
		}
		is($node->safe_psql('postgres', "${session}SELECT concat_ws('|', current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'));\n$answers"),
			"$name|$datestyle|$intervalstyle\n$expected", "$season->{changes}: the same in $name, $datestyle, $intervalstyle" . ($source && " by $source"));
		$node->safe_psql('postgres', ($source =~ s/SET$/RESET ALL/r)) if $source =~ /^ALTER/;
	}

	# and these are right
	query('SELECT liveness_rollup_features(); SELECT liveness_rollup_hourly()');
	is(query(q{SELECT sessions_count, failures_count, uptime_pct = ((8 * 3600 - 0.000001) / (14 * 86400))::real, mtbf_seconds, mttr_seconds, median_session_seconds, p_stays_4h = (2 / 3.0)::real
		FROM provider_reliability_features WHERE provider_id = 'h'}), "3|3|t|9600|$season->{mttr}|14400|t", 'a day has 24 h, and four hours are four');
	is(query(q{SELECT string_agg(cell - 1 || ':' || share, ' ' ORDER BY cell) FROM provider_reliability_features f, jsonb_array_elements_text(hourly_availability) WITH ORDINALITY m (share, cell)
		WHERE provider_id = 'h' AND share <> '0'}), $season->{matrix}, 'the matrix has hours of UTC');
	is(query(differences('SELECT provider_id, uptime_pct FROM provider_reliability_features WHERE sessions_count > 0', uptimes('now()', 14))), 0, 'uptimes are those of a union of ranges');
	is(query(q{SELECT string_agg(to_char(hour, 'YYYY-MM-DD HH24:MI ') || heartbeat_count, ' ' ORDER BY hour) FROM provider_heartbeats_hourly WHERE provider_id = 'h'}), $season->{hours}, 'and so has the hourly table');
	hours_are_right('all its rows as by date_trunc at UTC');
	is(query(q{SELECT string_agg(to_char(liveness_internal.liveness_prune_cut(r::interval), 'YYYY-MM-DD HH24:MI'), ' ') FROM unnest(ARRAY['30 days', '1 month']) r}), $season->{cuts}, 'where the retention cuts');
	is(query(q{BEGIN; SELECT liveness_close_stale('30 days'); SELECT provider_id FROM provider_sessions WHERE disconnect_reason = 'stale_heartbeat'; ROLLBACK}), "1\ns2", 'who was silent for 30 days');
}

# ---------- the worker's zone ----------

# A job is a process of its own, with the settings of the server, of its database, and of
# the role that the server was initialized by
query(q{
	CREATE TABLE noted (job text, zone text);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.noted VALUES (NEW.job, current_setting('TimeZone'));
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER INSERT OR UPDATE OF runs ON liveness_internal.liveness_job_state FOR EACH ROW EXECUTE FUNCTION note();
	TRUNCATE liveness_internal.liveness_job_state, provider_heartbeats_hourly;
	DELETE FROM provider_heartbeats WHERE at < '2026-10-01 00:00+00';	-- nothing for the retention
});

# It has a state once it has opened the buffer
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL}) or die 'there is no worker';

sub scheduler
{
	my ($who) = @_;
	$node->append_conf('postgresql.conf', "liveness.scheduler = $who\n");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('liveness.scheduler') = '$who'") or die "liveness.scheduler did not change";
	return if $who ne 'off';
	return wait_for_no_job_of($node);
}

# The features are of the very instant that they say
my $features_are_right = differences('SELECT record_send(f) FROM provider_reliability_features f WHERE sessions_count > 0',
	'SELECT record_send(f) FROM liveness_features_at((SELECT as_of FROM liveness_internal.liveness_fleet_hazard)) f');

$clock->run_from('2026-10-25 00:30');
query(q{SELECT liveness_emit('e', cpu_usage => 0.25, at => '2026-10-25 00:59:59.999999+00'), liveness_emit('e', at => '2026-10-25 01:00+00'), liveness_flush()});
is(query(q{SELECT string_agg(at::text, ' ' ORDER BY at) FROM provider_heartbeats WHERE provider_id = 'e'}), '2026-10-25 00:59:59.999999+00 2026-10-25 01:00:00+00',
	'on a day of changed clocks the worker writes a heartbeat as it was');
for ([ 'America/St_Johns', '' ], [ 'Asia/Kathmandu', 'ALTER DATABASE postgres' ], [ 'Australia/Lord_Howe', 'ALTER ROLE CURRENT_USER' ])
{
	my ($zone, $whose) = @$_;
	query("$whose SET TimeZone = '$zone'") if $whose;
	query(q{UPDATE provider_heartbeats_hourly SET heartbeat_count = -1; INSERT INTO provider_heartbeats (provider_id, at) SELECT DISTINCT provider_id, at FROM provider_heartbeats});
	scheduler('worker');
	poll("SELECT count(DISTINCT job) = 2 FROM noted WHERE zone = '$zone' AND job <> 'retention'", "jobs run in $zone" . ($whose && " by $whose"));
	scheduler('off');
	is(query($features_are_right), 0, 'with features as in UTC');
	hours_are_right('and hours of UTC');
}

# ---------- a server's clock is set back ----------

# By a day: nothing waits for the time to come again
$clock->run_from('2026-10-24 00:30');
scheduler('worker');
is(query(q{SELECT liveness_emit('e'), liveness_flush()}), 't|1', 'the clock is set back by a day: heartbeats are written');
poll(q{SELECT as_of < '2026-10-24 01:00+00' FROM liveness_internal.liveness_fleet_hazard}, 'the features rollup runs, as of the earlier time');
is(query($features_are_right), 0, 'and tells what is true then');
poll(q{SELECT heartbeat_count = 1 FROM provider_heartbeats_hourly WHERE provider_id = 'e' AND hour = '2026-10-24 00:00+00'}, 'the hourly rollup finds what is new, though it is of an earlier hour');
hours_are_right('and loses nothing of later ones');
scheduler('off');
query('ALTER DATABASE postgres RESET ALL; ALTER ROLE CURRENT_USER RESET ALL; DROP TRIGGER note ON liveness_internal.liveness_job_state');

# A server that starts with its clock at 2000: nothing has begun yet
my $known = digest('features', 'SELECT * FROM provider_reliability_features WHERE sessions_count > 0') . digest('fleet', 'TABLE liveness_internal.liveness_fleet_hazard') . digest('hazard', 'TABLE liveness_internal.liveness_provider_hazard')
  . digest('candidates', q{SELECT * FROM liveness_candidates('4 hours', 0, NULL)});
$clock->hold('2026-11-02 09:20');
query('SELECT liveness_rollup_features()');
my $before = query($known);
$clock->hold('2000-01-01 00:30');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('e')});
is(query('SELECT liveness_rollup_features(), liveness_rollup_hourly()'), '0|1', 'the clock stands at 2000: no session has begun, and one heartbeat is new');
is(query(q{SELECT count(*), sum(sessions_count), max(last_disconnect_at) FROM provider_reliability_features}), '15|0|', 'whoever is known is reset, without a disconnect in the future');
is(query(q{SELECT count(*) FROM liveness_candidates('4 hours', 0, NULL)}), 0, 'and there is nobody to choose');
query(q{CALL liveness_run('retention')});
hours_are_right('the retention takes nothing, the hours are right');
$clock->hold('2026-11-02 09:20');
query('SELECT liveness_rollup_features()');
is(query($known), $before, 'once the clock is right, everything is there again, to the bit');

# Ahead by 60 days, the retention takes what it must; but hours that are still to come
# when the clock is right again are not closed
query(q{INSERT INTO provider_heartbeats (provider_id, at) SELECT 'e', now() - g * interval '1 minute' FROM generate_series(0, 4) g; SELECT liveness_rollup_hourly()});
$clock->hold('2027-01-01 09:20');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('e')});
query(q{CALL liveness_run('retention')});
is(query('SELECT count(*) FROM provider_heartbeats'), 1, 'the clock is ahead by 60 days: all heartbeats but those of that time are old');
$clock->hold('2026-11-02 09:40');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('e')});
is(query('SELECT liveness_rollup_hourly()'), 0, 'set back, the hour that has lost its rows stays closed');
$clock->hold('2026-11-02 10:10');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('e'), ('f')});
is(query('SELECT liveness_rollup_hourly()'), 2, 'and the next one is rolled up');
is(query(q{SELECT string_agg(concat_ws(' ', provider_id, to_char(hour, 'MM-DD HH24'), heartbeat_count), ', ' ORDER BY hour, provider_id) FROM provider_heartbeats_hourly WHERE hour >= '2026-11-02 09:00+00'}),
	'e 11-02 09 5, e 11-02 10 1, f 11-02 10 1, e 01-01 09 1', 'with what was there before kept');
is(query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), 1, 'one heartbeat was late');

# ---------- coordinators' clocks ----------

# Blue's is three hours ahead, green's two hours behind
start_again();
$clock->hold('2026-07-01 12:10');
query(q{
	COPY provider_heartbeats (provider_id, at, cpu_usage) FROM stdin;
p	2026-07-01 15:05:00+00	0.25
p	2026-07-01 15:06:00+00	0.75
q	2026-07-01 15:06:00+00	1
\.
	SELECT liveness_emit('p', at => '2026-07-01 10:05+00'), liveness_emit('p', at => '2026-07-01 10:59:59.999999+00'), liveness_emit('p'), liveness_flush();
});
# cells as provider, hour, heartbeats
my $cells = q{SELECT string_agg(concat_ws(' ', provider_id, to_char(hour, 'HH24'), heartbeat_count), ', ' ORDER BY provider_id, hour) FROM provider_heartbeats_hourly};
is(query('SELECT liveness_rollup_hourly()'), 4, 'heartbeats from ahead, behind and now');
is(query($cells), 'p 10 2, p 12 1, p 15 2, q 15 1', 'are each in their own hour');
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', '2026-07-01 06:30+00'), ('q', '2026-07-01 10:30+00')});
is(query('SELECT liveness_rollup_hourly()'), 2, 'late ones, of hours before all that was rolled up');
is(query('SELECT liveness_rollup_hourly()'), 0, 'are new once');
$clock->hold('2026-07-01 15:20');
query(q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p')});
is(query('SELECT liveness_rollup_hourly()'), 2, 'when the time gets there');
is(query($cells), 'p 06 1, p 10 2, p 12 1, p 15 3, q 10 1, q 15 1', 'the hour has what it had and what is new');
hours_are_right('all as from the raw rows');

# The retention goes by the server's clock
is(query(q{SELECT liveness_prune_batch('5 hours')}), 1, 'at 15:20, of the last five hours and before, one is before 10:00');
$clock->hold('2026-07-01 16:30');
is(query(q{SELECT liveness_prune_batch('5 hours')}), 3, 'at 16:30 three are before 11:00');
query(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', '2026-07-01 10:50+00'), ('q', '2026-07-01 13:50+00')});
is(query('SELECT liveness_rollup_hourly()'), 1, 'green delivers one for a closed hour, and one for another');
is(query("$cells; SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'"), "p 06 1, p 10 2, p 12 1, p 15 3, q 10 1, q 13 1, q 15 1\n1", 'which leaves the closed hour, and is counted');

# Sessions.  At 12:00 p connects to green, by whose clock it is 10:00, and at 12:20 to
# blue, 15:20; r to blue alone at 12:10, 15:10, and is closed by the server's at 12:40.
query(q{
	SELECT liveness_open_session('p', 'green', '2026-07-01 10:00+00'), liveness_open_session('p', 'blue', '2026-07-01 15:20+00');
	SELECT liveness_close_session(liveness_open_session('r', 'blue', '2026-07-01 15:10+00'), 'read_error', '2026-07-01 12:40+00');
});
my $at = sub {
	my ($time) = @_;
	$clock->hold("2026-07-01 $time");
	query('SELECT liveness_rollup_features(now(), 1)');
	is(query(differences('SELECT provider_id, uptime_pct FROM provider_reliability_features WHERE sessions_count > 0', uptimes('now()', 1))), 0, "$time: uptimes are those of a union of ranges");
	return query(q{SELECT concat_ws(' ', provider_id, sessions_count, failures_count, mtbf_seconds * failures_count, mttr_seconds, to_char(last_disconnect_at, 'HH24:MI')) FROM provider_reliability_features ORDER BY provider_id});
};
is($at->('12:30'), 'p 1 0 0 0', 'what blue says has not begun by the server\'s clock');
is(query(q{SELECT uptime_pct = (2.5 / 24)::real FROM provider_reliability_features WHERE provider_id = 'p'}), 't', 'green\'s lasts for two hours and a half');
is($at->('15:20'), "p 1 0 0 0\nr 1 1 0 0 15:10", 'at the very instant neither; r ended before it began: a session, a failure, no time');
is(query(q{SELECT length_seconds, is_open FROM provider_session_history WHERE provider_id = 'r'}), '0|f', 'to the history too');
is($at->('15:50'), "p 2 0 0 0\nr 1 1 0 0 15:10", 'then both are open');
my $later = query(digest('features', 'TABLE provider_reliability_features'));
is(query(q{SELECT uptime_pct = ((5 + 50 / 60.0) / 24)::real FROM provider_reliability_features WHERE provider_id = 'p'}), 't', 'and count once: 10:00 to 15:50');
is($at->('12:30'), "p 1 0 0 0\nr 0 0 0 0", 'the clock is set back: what has not happened is forgotten');
is($at->('15:50') && query(digest('features', 'TABLE provider_reliability_features')), $later, 'and is known again, to the bit, when the time is there');
# green closes at 16:00, 14:00 by its clock
query(q{UPDATE provider_sessions SET disconnected_at = '2026-07-01 14:00+00', disconnect_reason = 'read_error' WHERE coordinator_id = 'green'});
# 10:00 to 14:00, 15:20 to 16:30, and 80 minutes without
is($at->('16:30'), "p 2 1 18600 4800 14:00\nr 1 1 0 0 15:10", 'a gap that only clocks have made is one: they are taken at their word');

$node->stop;
done_testing();
