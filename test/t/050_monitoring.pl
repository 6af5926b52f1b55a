# liveness_metrics and what stands in monitoring/: the figures are right and nothing but
# them can be read; the real exporters and the real prometheus see the same; the alerts
# keep what their tests say; every query of the dashboard runs.
use strict;
use warnings;

use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $monitoring = "$ENV{TESTDIR}/../monitoring";
-d $monitoring or die "what is to be tested is not at $monitoring";

my $node = PostgreSQL::Test::Cluster->new('monitoring');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

# In a schema and database of its own, with names to quote
my $db = 'Providers';
$node->safe_psql('postgres', qq{CREATE DATABASE "$db"});
$node->safe_psql('postgres', qq{ALTER DATABASE "$db" SET search_path = "Fleet", public});
$node->safe_psql($db, q{CREATE SCHEMA "Fleet"; CREATE EXTENSION liveness SCHEMA "Fleet"});

sub query
{
	return $node->safe_psql($db, shift);
}

sub query_as
{
	my ($role, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return $err =~ /ERROR: +(.*)/ ? $1 : $out;
}

# Values of a metric, in the order of its labels
sub metric
{
	my ($name) = @_;
	return query("SELECT string_agg(concat_ws('=', (SELECT string_agg(v, ',') FROM jsonb_each_text(labels) e (k, v)), value::numeric), ' ' ORDER BY labels)
		FROM liveness_metrics WHERE name = 'liveness_$name'");
}

sub metrics_are
{
	my ($what, %expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply({ map { $_ => metric($_) } keys %expected }, \%expected, $what);
}

# Before anything: not preloaded, no rollup, no provider
is(query(q{SELECT count(*) FROM liveness_internal.liveness_counters(true)}), 0, 'not preloaded: there are no counters to list');
is(query(q{SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM liveness_metrics}), join(' ', sort qw(
	liveness_fleet_providers liveness_fleet_connected_providers liveness_fleet_vanished_providers liveness_fleet_highly_reliable_providers
	liveness_fleet_stale_sessions liveness_job_runs_total liveness_job_errors_total liveness_job_failing
	liveness_exclusions_unended liveness_fleet_future_sessions liveness_overdue_pending_writer_seconds
	liveness_overdue_seconds liveness_overdue_heartbeats liveness_overdue_partitions)),
	'what is not known yet has no row');
metrics_are('and what is known is zero', fleet_providers => 0, fleet_stale_sessions => 0, exclusions_unended => 0, job_runs_total => 'features=0 hourly=0 retention=0', overdue_seconds => 0, overdue_heartbeats => 0, overdue_partitions => 0,
	fleet_future_sessions => 0, overdue_pending_writer_seconds => 0);

# The fleet: 120 providers, the scores of 1 to 120 in a thousand; of these 1 to 5 have
# vanished, and 116 to 120 (uptime 0.96 and more) are connected.  115 are in the window,
# uptime 0.048 to 0.96: mean (6 + 120) / 2 * 0.008, and the percentiles at 0.1 * 114 = 11.4,
# 57 and 102.6 steps of 0.008 above 0.048.
query(q{
	INSERT INTO provider_reliability_features (provider_id, updated_at, sessions_count, liveness_score, uptime_pct, p_stays_4h, p_stays_8h, bridged_seconds)
	SELECT 'p' || g, now() - interval '1 hour', CASE WHEN g > 5 THEN 1 ELSE 0 END, g / 1000.0, g * 0.008, 0.5, 0.25, g
	FROM generate_series(1, 120) g;
	INSERT INTO provider_sessions (provider_id) SELECT 'p' || g FROM generate_series(116, 120) g;
	INSERT INTO provider_sessions (provider_id) VALUES ('p120')});
sub rounded
{
	my ($name) = @_;
	return query("SELECT string_agg(round(value::numeric, 4)::text, ' ' ORDER BY labels) FROM liveness_metrics WHERE name = 'liveness_$name'");
}
metrics_are('the fleet', fleet_providers => 115, fleet_connected_providers => 5, fleet_vanished_providers => 5, fleet_highly_reliable_providers => 2, bridged_seconds => 7260);
is(rounded('fleet_uptime_mean_ratio'), '0.5040', 'mean uptime');
is(rounded('fleet_uptime_ratio'), '0.1392 0.5040 0.8688', 'its deciles and median');
is(query(q{SELECT string_agg(labels::text, ' ' ORDER BY labels) FROM liveness_metrics WHERE name = 'liveness_fleet_uptime_ratio'}),
	'{"quantile": "0.1"} {"quantile": "0.5"} {"quantile": "0.9"}', 'by quantile');
is(query(q{SELECT floor(value) BETWEEN 3600 AND 4200 FROM liveness_metrics WHERE name = 'liveness_fleet_features_age_seconds'}), 't', 'an hour old');

# Of the 115 the 50 best, 71 to 120, and the 50 worst, 6 to 55
is(query(q{SELECT count(*), min(n), max(n) FILTER (WHERE n < 60), min(n) FILTER (WHERE n > 60), max(n), bool_and(abs(value - n / 1000.0) < 1e-7)
	FROM (SELECT substr(labels->>'provider_id', 2)::int AS n, value FROM liveness_metrics WHERE name = 'liveness_provider_score') p}),
	'100|6|55|71|120|t', 'the best and the worst, by score');
is(query(q{SELECT string_agg(DISTINCT format('%s %s', name, count), ', ') FROM (SELECT name, count(*) FROM liveness_metrics WHERE name LIKE 'liveness\_provider\_%' GROUP BY 1) c}),
	join(', ', map { "liveness_provider_$_ 100" } qw(connected score stays_4h_ratio stays_8h_ratio uptime_ratio)), 'a row a figure');
is(query(q{SELECT sum(value), min(labels->>'provider_id'), max(labels->>'provider_id') FROM liveness_metrics WHERE name = 'liveness_provider_connected' AND value > 0}),
	'5|p116|p120', 'five are connected');
# of equal scores each provider once, though they are as many as there is room
query(q{UPDATE provider_reliability_features SET liveness_score = 0.5; DELETE FROM provider_reliability_features WHERE provider_id IN (SELECT 'p' || g FROM generate_series(6, 20) g)});
is(query(q{SELECT count(*), count(DISTINCT labels) FROM liveness_metrics WHERE name = 'liveness_provider_score'}), '100|100', 'a fleet of a hundred is there whole, whatever the ties');

# Stale sessions, each alone its provider's unless said otherwise.  In hours before now:
# when it began, what its row tells, heartbeats.
query(q{TRUNCATE provider_sessions;
	INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at, disconnected_at)
	SELECT id, now() - connected * interval '1 h', now() - told * interval '1 h', now() - ended * interval '1 h'
	FROM (VALUES
		('new', 0.01, NULL, NULL),
		('never heard of', 5, NULL, NULL),
		('row is recent', 5, 0.01, NULL),
		('row is old', 5, 2, NULL),                     -- stale
		('row is old, but not the heartbeat', 5, 2, NULL),
		('heartbeat is recent', 5, NULL, NULL),
		('heartbeat is old', 5, NULL, NULL),            -- stale
		('heartbeat is older than the session', 5, NULL, NULL),
		('heartbeat is to come', 5, NULL, NULL),        -- stale: a wrong clock tells nothing
		('blue and green', 5, NULL, NULL),              -- stale: the recent heartbeat is the next one's
		('blue and green', 1, NULL, NULL),
		('blue was never heard of', 5, NULL, NULL),
		('blue was never heard of', 1, NULL, NULL),
		('green has come and gone', 5, NULL, NULL),     -- stale
		('green has come and gone', 1, NULL, 0.5),
		('heard just before green', 5, NULL, NULL),
		('heard just before green', 0.005, NULL, NULL),
		('began together', 5, NULL, NULL),              -- two, neither the next: heard of both
		('began together', 5, NULL, NULL),
		('to come', -1, NULL, NULL),                    -- listed: it has not begun
		('closed', 5, 2, 1)) s (id, connected, told, ended);
	INSERT INTO provider_heartbeats (provider_id, at)
	SELECT id, now() - at * interval '1 h'
	FROM (VALUES ('row is old, but not the heartbeat', 0.01), ('heartbeat is recent', 3), ('heartbeat is recent', 0.01), ('heartbeat is old', 3),
		('heartbeat is older than the session', 6), ('heartbeat is to come', -1), ('blue and green', 3), ('blue and green', 0.01),
		('blue was never heard of', 0.01), ('green has come and gone', 2), ('green has come and gone', 0.7), ('green has come and gone', 0.01),
		('heard just before green', 0.01), ('began together', 0.01)) h (id, at)});
my $stale = q{SELECT string_agg(provider_id, ', ' ORDER BY provider_id) FROM provider_stale_sessions};
is(query($stale), 'blue and green, green has come and gone, heartbeat is old, heartbeat is to come, row is old, to come', 'six sessions are stale');
metrics_are('and counted', fleet_stale_sessions => 6);
query(q{UPDATE provider_heartbeats SET at = at - interval '2 min' WHERE provider_id IN ('began together', 'heartbeat is recent')});
is(query($stale), 'began together, began together, blue and green, green has come and gone, heartbeat is old, heartbeat is recent, heartbeat is to come, row is old, to come', 'three more');
metrics_are('and counted', fleet_stale_sessions => 9);
is(query(q{SET enable_seqscan = off; SELECT value FROM liveness_metrics WHERE name = 'liveness_fleet_stale_sessions'}), 9, 'whatever the plan');

# 'to come', and what an hour's lead is by a session_timeout of two minutes, but none that is closed
query(q{INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('closed to come', now() + interval '1 h', now() + interval '2 h')});
metrics_are('of these one begins in the future', fleet_future_sessions => 1);

# A transaction that wrote heartbeats and goes on: the rollup waits for it
my $writer = $node->background_psql($db);
$writer->query_safe(q{BEGIN; INSERT INTO provider_heartbeats (provider_id) VALUES ('slow')});
query(q{SELECT liveness_rollup_hourly()});
is(query(q{SELECT value > 0 AND value <= extract(epoch FROM now() - (SELECT min(xact_start) FROM pg_stat_activity WHERE state = 'idle in transaction'))
	FROM liveness_metrics WHERE name = 'liveness_overdue_pending_writer_seconds'}), 't', 'a writer is pending, as long as its transaction');
$writer->query_safe('COMMIT');
$writer->quit;
metrics_are('and then no longer', overdue_pending_writer_seconds => 0);
query(q{TRUNCATE liveness_internal.liveness_job_state, provider_heartbeats_hourly});

# Exclusions that never ended, and who blames the observer
query(q{TRUNCATE provider_sessions, provider_exclusions;
	INSERT INTO provider_exclusions (provider_id, since, until) VALUES ('p', now(), NULL), (NULL, now(), 'infinity'), ('p', now(), now()), ('p', now(), '-infinity'), ('q', '-infinity', NULL);
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p', c, now() - interval '2 days', now() - ended * interval '1 h', r
	FROM (VALUES ('blue', 1, 'read_error'), ('blue', 2, 'coordinator_restart'), ('blue', 3, 'observer_outage'), ('blue', 23, 'stale_heartbeat'), ('blue', 25, 'read_error'),
		('green', 1, 'superseded'), ('green', 0.5, 'clean_close'), ('red', 5, 'coordinator_restart'), ('', 30, 'x'), ('', -1, 'x')) s (c, ended, r)});
metrics_are('exclusions, and ends of the last day by coordinator', exclusions_unended => 3, coordinator_ends => 'blue=4 green=2 red=1', coordinator_censored_ends_ratio => 'blue=0.5 green=0 red=1');
query('TRUNCATE provider_sessions, provider_exclusions');

# Jobs
query(q{SELECT liveness_internal.liveness_record_run('hourly', now() - interval '90 s', '2.5 s', 7), liveness_internal.liveness_record_error('features', 'no'), liveness_internal.liveness_record_error('hourly', 'no');
	UPDATE liveness_internal.liveness_job_state SET last_error_at = last_started_at - interval '1 s' WHERE job = 'hourly'});
metrics_are('jobs', job_runs_total => 'features=0 hourly=1 retention=0', job_errors_total => 'features=1 hourly=1 retention=0',
	job_failing => 'features=1 hourly=0 retention=0', job_last_duration_seconds => 'hourly=2.5');
query(q{UPDATE liveness_internal.liveness_job_state SET last_error_at = last_started_at + interval '1 s' WHERE job = 'hourly'});
metrics_are('an error since the last success', job_failing => 'features=1 hourly=1 retention=0');
is(query(q{SELECT count(*), bool_and(labels = '{"job_name": "hourly"}'), bool_and(value BETWEEN 90 AND 690) FROM liveness_metrics WHERE name = 'liveness_job_last_success_age_seconds'}), '1|t|t', 'age');

# What Prometheus asks of names, labels and types
is(query(q{SELECT count(*) FROM liveness_metrics WHERE name !~ '^liveness_[a-z][a-z0-9_]*[a-z]$' OR value IS NULL OR help = ''
	OR (type = 'counter') <> (name LIKE '%\_total') OR type NOT IN ('counter', 'gauge')
	OR EXISTS (SELECT FROM jsonb_each(labels) e WHERE e.key !~ '^[a-z_]+$' OR e.key = 'job' OR jsonb_typeof(e.value) <> 'string')}), 0, 'conventions are kept');
is(query(q{SELECT count(*) FROM (SELECT FROM liveness_metrics GROUP BY name HAVING count(DISTINCT (help, type)) > 1) d}), 0, 'a name has one type and one help');
is(query(q{SELECT count(*) FROM (SELECT FROM liveness_metrics GROUP BY name, labels HAVING count(*) > 1) d}), 0, 'a name and labels have one value');

# What nobody asks for is not computed
my %scanned = map { s/_\d+$//r => 1 } query(q{EXPLAIN (COSTS OFF) SELECT * FROM liveness_metrics WHERE name LIKE 'liveness\_job\_%'}) =~ /CTE Scan on (\w+)/g;
is(join(' ', sort keys %scanned), 'counter job', 'whoever asks for jobs does not pay for fleet and providers');

# The role: that view and nothing else.  Made twice.
my $role = 'Monitor';
for (1 .. 2)
{
	my $err = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-h', $node->host, '-p', $node->port, '-d', $db, '-v', "role=$role", '-f', "$monitoring/role.sql" ], '>', \my $out, '2>', \$err);
	is($err, '', 'role.sql');
}
is(query_as($role, 'SELECT count(*) > 100, current_setting($$jit$$) FROM liveness_metrics'), 't|off', 'it reads the metrics, without naming their schema');
is(query_as($role, 'CREATE TEMP TABLE t ()'), 'cannot execute CREATE TABLE in a read-only transaction', 'and writes nothing');
my @others = split /\n/, query(q{SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('"Fleet"'::regnamespace, 'liveness_internal'::regnamespace) AND c.relkind IN ('r', 'v') AND c.relname <> 'liveness_metrics'});
cmp_ok(scalar @others, '>', 15, 'of other tables and views');
is_deeply([ grep { query_as($role, "TABLE $_") !~ /^permission denied/ } @others ], [], 'it may read none');
is(query(qq{SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace IN ('"Fleet"'::regnamespace, 'liveness_internal'::regnamespace)
		AND has_function_privilege('$role', p.oid, 'EXECUTE') AND NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)}),
	'liveness_counters liveness_metrics_at_risk liveness_metrics_backlog liveness_metrics_bridged liveness_metrics_ends liveness_metrics_exclusions liveness_metrics_fleet liveness_metrics_jobs liveness_metrics_model liveness_metrics_overdue liveness_metrics_stale', 'and calls what the view calls');
query(q{CREATE ROLE reader LOGIN; SELECT liveness_grant_reader('reader'); CREATE ROLE nobody LOGIN; GRANT USAGE ON SCHEMA "Fleet" TO nobody});
is(query_as('reader', 'SELECT count(*) > 100 FROM liveness_metrics'), 't', 'a reader reads it too');
is(query(q{SELECT has_table_privilege('nobody', 'liveness_metrics', 'SELECT')}), 'f', 'nobody else');

# Now with the library: a buffer of 64 kB that is emptied on demand
$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'liveness'
liveness.database = '$db'
liveness.scheduler = off
liveness.buffer_size = 64kB
liveness.batch_size = 100000
liveness.flush_interval = 1h
liveness.session_timeout = 1h
END
$node->restart;
$node->poll_query_until($db, qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND datname = '$db' AND wait_event_type = 'Extension'})
  or die 'the worker does not come to rest';
# a heartbeat takes 112 bytes and its text, to a multiple of 8
query(q{SELECT liveness_emit('x') FROM generate_series(1, 3)});
metrics_are('what waits in the buffer', buffered => 3, buffered_bytes => 360, buffer_size_bytes => 65536, emitted_total => 3, dropped_total => 0);
is(query(q{SELECT count(*) FROM liveness_stats s FULL JOIN (SELECT * FROM liveness_metrics WHERE name !~ '^liveness_(fleet|job|provider|counters|overdue|bridged|exclusions|coordinator|partitions)_') m USING (name, value, help)
	WHERE s.since IS NULL OR m.labels IS DISTINCT FROM '{}'}), 0, 'every counter is a metric, under its name');
is(query(q{SELECT value = (SELECT extract(epoch FROM since)::float8 FROM liveness_stats LIMIT 1) FROM liveness_metrics WHERE name = 'liveness_counters_start_time_seconds'}), 't', 'with their beginning');

# The dashboard, under a reader: each panel's columns, and how many rows
query(q{TRUNCATE provider_sessions, provider_heartbeats, provider_reliability_features;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT p, now() - d * interval '1 day' - interval '3 h', now() - d * interval '1 day', r
	FROM (VALUES ('o''brien', 'read_error'), ('q', '')) v (p, r), generate_series(1, 5) d;
	INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('o''brien', now() - interval '2 h');
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT p, now() - h * interval '1 h', 0.5 FROM (VALUES ('o''brien'), ('q')) v (p), generate_series(0, 5) h;
	SELECT liveness_rollup_features(), liveness_rollup_hourly()});
is(query(q{SELECT value FROM liveness_metrics WHERE name = 'liveness_fleet_at_risk_providers'}), query('SELECT count(*) FROM liveness_at_risk()'), 'who is at risk is counted');
my $dashboard = decode_json(slurp_file("$monitoring/grafana-dashboard.json"));
cmp_ok($dashboard->{schemaVersion}, '>=', 30, 'the dashboard has a version of its schema');
my %variable = map { $_->{name} => $_ } @{ $dashboard->{templating}{list} };
is($variable{DS}{type} . ' ' . $variable{DS}{query}, 'datasource postgres', 'its data source is a variable');
my %expected = (
	'Fleet' => [ 1, qw(providers connected vanished highly_reliable mean_uptime_pct p50_uptime_pct age_seconds) ],
	# six hours, each with two providers
	'Providers heard of, by hour' => [ 6, qw(time providers) ],
	# five days, two reasons
	'Ends of sessions, by reason' => [ 10, qw(time metric sessions) ],
	'Uptime of the fleet' => [ 1, qw(uptime_from providers) ],
	'Why sessions ended' => [ 2, qw(reason sessions providers) ],
	# of two providers, five spells each
	'Longest outages' => [ 10, qw(provider_id since until duration_seconds reason excused) ],
	'Excluded now' => [ 0, qw(provider_id since until reason) ],
	'Ranking' => [ 2, qw(provider_id liveness_score uptime_pct observed_uptime_pct p_stays_4h p_stays_8h first_seen_at mtbf_seconds median_session_seconds sessions_count connected last_disconnect_at) ],
	'Candidates for a job of $job' => [ 1, qw(provider_id probability lower upper age_seconds own_sessions liveness_score) ],
	# all ten sessions before lasted three hours, and this one has lasted two
	'About to leave' => [ 1, qw(provider_id group_name probability age_seconds coordinator_id) ],
	'What the predictor believes' => [ 1, qw(age_seconds spells providers failures_per_day_1h failures_per_day_6h failures_per_day_1d failures_per_day_7d frailty_prior hour_prior phi psi) ],
	'Availability by hour of the week, UTC' => [ 7, 'day', map { sprintf '%02d', $_ } 0 .. 23 ],
	'Heartbeats and load, by hour' => [ 6, qw(time heartbeat_count avg_cpu_usage avg_memory_pressure) ],
	'Sessions' => [ 6, qw(connected_at disconnected_at length_seconds disconnect_reason coordinator_id) ],
	'Heartbeat buffer' => [ 1, qw(waiting used dropped failed_writes set_aside lost stale_sessions) ],
	'Backlog' => [ 1, qw(overdue_seconds overdue_heartbeats overdue_partitions pending_writer_seconds) ],
	'Jobs' => [ 3, qw(job age_seconds duration_seconds last_rows runs errors last_error_at last_error) ],
	# of liveness_stats
	'Counters' => [ query(q{SELECT count(*) FROM liveness_stats WHERE name LIKE '%\_total'}), qw(name value help) ]);
# as Grafana puts them in: a literal, a range of time, the width of a point
sub substituted
{
	my ($sql, %value) = @_;
	$sql =~ s/\$\{(\w+):sqlstring\}/"'" . ($value{$1} =~ s{'}{''}gr) . "'"/ge;
	$sql =~ s/\$__timeFilter\((\w+)\)/"$1 BETWEEN '$value{from}' AND '$value{to}'"/ge;
	$sql =~ s/\$__interval\b/$value{interval}/g;
	unlike($sql, qr/\$/, 'nothing is left to be substituted');
	return $sql;
}
my %value = (provider => "o'brien", job => '1 hour', interval => '1m', from => query(q{SELECT now() - interval '7 days'}), to => query(q{SELECT now() + interval '1 hour'}));
# as Grafana shows shares: rounded to the decimals that the panel says
sub shown_shares
{
	my ($panel) = @_;
	my %decimals = map { my %property = map { $_->{id} => $_->{value} } @{ $_->{properties} }; ($property{unit} // '') eq 'percentunit' ? ($_->{matcher}{options} => $property{decimals}) : () } @{ $panel->{fieldConfig}{overrides} };
	my $sql = substituted($panel->{targets}[0]{rawSql}, %value);
	return join ' ', map { query("SELECT round(100 * q.$_\::numeric, $decimals{$_}) FROM ($sql) q WHERE q.provider_id = 'nearly'") } sort keys %decimals;
}
my %seen;
for my $panel (grep { $_->{type} ne 'row' } @{ $dashboard->{panels} })
{
	my $title = $panel->{title};
	for my $target (@{ $panel->{targets} })
	{
		$seen{$title}++;
		is($target->{datasource}{uid}, '${DS}', "$title: its data source");
		my $sql = substituted($target->{rawSql}, %value);
		my ($out, $err) = ('', '');
		$node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', 'reader', '-P', 'tuples_only=off', '-P', 'footer=off' ]);
		is($err, '', "$title: the query runs") or next;
		my ($header, @rows) = split /\n/, $out;
		my ($rows, @columns) = @{ $expected{$title} // [0] };
		is($header, join('|', @columns), "$title: its columns");
		is(scalar @rows, $rows, "$title: its rows");
		is(query("SELECT DISTINCT pg_typeof(q.time) FROM ($sql) q"), 'timestamp with time zone', "$title: begins with a time")
		  if $target->{format} eq 'time_series';
	}
}
query(q{INSERT INTO provider_reliability_features (provider_id, sessions_count, liveness_score, uptime_pct, observed_uptime_pct, p_stays_4h, p_stays_8h, hourly_availability)
	SELECT 'nearly', 1, 0.99999, 0.99999, 0.99999, 0.99999, 1, jsonb_agg(0.9999) FROM generate_series(1, 168)});
my %panel = map { $_->{title} => $_ } @{ $dashboard->{panels} };
is(shown_shares($panel{Ranking}), '99.9 99.9 99.9 100.0 99.9', 'a share below 1 is not shown as 100 %');
is(query(qq{SELECT DISTINCT q."00", q."23" FROM (} . substituted($panel{'Availability by hour of the week, UTC'}{targets}[0]{rawSql}, %value, provider => 'nearly') . ') q'), '0.99|0.99', 'nor in the matrix');
is(scalar(grep { my $override = $_; (grep { ($_->{value} // '') eq 'percentunit' } @{ $override->{properties} }) && !grep { $_->{id} eq 'decimals' } @{ $override->{properties} } } map { @{ $_->{fieldConfig}{overrides} // [] } } values %panel), 0, 'each share has its decimals');
query(q{DELETE FROM provider_reliability_features WHERE provider_id = 'nearly'});
is_deeply([ sort keys %seen ], [ sort keys %expected ], 'every panel was there');
is(query_as('reader', $variable{provider}{query}), "o'brien\nq", 'the variable offers the providers');
is(scalar(grep { query("SELECT interval '$_->{value}' > '0'") eq 't' } @{ $variable{job}{options} }), 7, 'and lengths of jobs');

# The partitions of the next seven days
like(query(q{BEGIN; SELECT liveness_partition_heartbeats();
	SELECT count(*), bool_and(to_timestamp(value) BETWEEN now() + interval '7 days' AND now() + interval '8 days') FROM liveness_metrics WHERE name = 'liveness_partitions_end_time_seconds'; ROLLBACK}),
	qr/^1\|t$/m, 'the partitions made ahead end in a week');

# From here on with the programs of the packages
my @programs = qw(promtool prometheus prometheus-postgres-exporter prometheus-sql-exporter);
my @missing = grep { my $program = $_; !grep { -x "$_/$program" } split /:/, $ENV{PATH} } @programs;
if (@missing)
{
	note("not installed: @missing");
	SKIP: { skip "without @missing: rules, exporters, prometheus", 1 }
	done_testing();
	exit;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(postgres sql prometheus);
my $dsn = "postgres:///$db?user=$role&host=" . $node->host . '&port=' . $node->port . '&sslmode=disable';
my $http = HTTP::Tiny->new(timeout => 10);
my @started;

sub start
{
	my ($program, $env, @arg) = @_;
	local %ENV = (%ENV, %$env);
	push @started, IPC::Run::start([ $program, @arg ], '<', \undef, '>', "$dir/$program.log", '2>&1');
	return;
}

END
{
	my $status = $?;
	$_->kill_kill(grace => 5) for @started;
	$? = $status;
}

sub await
{
	my ($what, $check) = @_;
	for (1 .. 5 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $result = $check->();
		return $result if $result;
		select undef, undef, undef, 0.2;
	}
	diag("waiting in vain: $what", map { slurp_file($_) } glob "$dir/*.log");
	die $what;
}

sub get
{
	my ($port, $path) = @_;
	my $response = $http->get("http://127.0.0.1:$port$path");
	return $response->{success} ? $response->{content} : '';
}

# The rules, and their tests; the configuration as it will be used here
for my $file (qw(role.sql postgres-exporter.yml sql-exporter.yml prometheus.yml rules.yml rules_test.yml rules_week_test.yml))
{
	my $text = slurp_file("$monitoring/$file");
	$text =~ s/localhost:9187/127.0.0.1:$port{postgres}/;
	$text =~ s/localhost:9237/127.0.0.1:$port{sql}/;
	# which is also how long an answer may take
	$text =~ s/: 15s$/: 5s/mg if $file =~ /^(sql-exporter|prometheus)/;
	$text =~ s{postgres://[^\s']+}{$dsn} if $file =~ /^sql-/;
	append_to_file("$dir/$file", $text);
}
command_ok([ 'promtool', 'check', 'config', "$dir/prometheus.yml" ], 'prometheus.yml and its rules are valid');
command_ok([ 'promtool', 'test', 'rules', "$dir/rules_test.yml", "$dir/rules_week_test.yml" ], 'the alerts fire when they should, and only then');
my $rules = slurp_file("$monitoring/rules.yml");
my @alerts = $rules =~ /- alert: (\w+)/g;
my $tested = slurp_file("$monitoring/rules_test.yml") . slurp_file("$monitoring/rules_week_test.yml");
is_deeply([ grep { $tested !~ /alertname: $_\n +exp_alerts/ } @alerts ], [], 'every alert has a test in which it fires');
query(q{INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at) VALUES ('ended', 'blue', now() - interval '2 h', now() - interval '1 h')});
my %known = map { $_ => 1 } 'liveness_partitions_end_time_seconds', split /\n/, query('SELECT DISTINCT name FROM liveness_metrics');
is_deeply([ grep { !$known{$_} } $rules =~ /\b(liveness_\w+)\b(?=.*\n +(?:for|labels):)/g ], [], 'alerts ask for metrics that there are');

start('prometheus-postgres-exporter', { DATA_SOURCE_NAME => $dsn },
	'--disable-default-metrics', '--disable-settings-metrics', '--no-collector.database', '--no-collector.bgwriter',
	"--extend.query-path=$dir/postgres-exporter.yml", "--web.listen-address=127.0.0.1:$port{postgres}");
start('prometheus-sql-exporter', { LOGLEVEL => 'WARN' }, '-config.file', "$dir/sql-exporter.yml", '-web.listen-address', "127.0.0.1:$port{sql}");
start('prometheus', {}, "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", "--web.listen-address=127.0.0.1:$port{prometheus}");

# Types and help of postgres_exporter are those of the view
my $text = await('figures from postgres_exporter', sub { my $got = get($port{postgres}, '/metrics'); $got =~ /^liveness_provider_score/m && $got });
my %help = $text =~ /^# HELP (liveness_\w+) (.*)$/mg;
my %type = $text =~ /^# TYPE (liveness_\w+) (\w+)$/mg;
is_deeply([ map { "$_ $type{$_} $help{$_}" } grep { $type{$_} } sort keys %type ],
	[ split /\n/, query(q{SELECT DISTINCT concat_ws(' ', name, type, help) COLLATE "C" AS line FROM liveness_metrics ORDER BY line}) ],
	'postgres_exporter shows every metric with its type and its help');

# What prometheus has of a job: name and labels -> value
sub stored
{
	my ($job) = @_;
	my $answer = get($port{prometheus}, '/api/v1/query?query=' . $http->www_form_urlencode({ '' => qq({job="$job", __name__=~"liveness_.+"}) }) =~ s/^=//r) or return {};
	return { map {
			my $metric = $_->{metric};
			my $labels = join ',', map { defined $metric->{$_} ? "$_=$metric->{$_}" : () } qw(coordinator_id job_name provider_id quantile);
			("$metric->{__name__} $labels" => 0 + $_->{value}[1])
		} @{ decode_json($answer)->{data}{result} } };
}

sub in_view
{
	return { map { my ($key, $value) = split /\|/; ($key => 0 + $value) } split /\n/, query(q{
		SELECT name || ' ' || coalesce((SELECT string_agg(k || '=' || v, ',' ORDER BY k) FROM jsonb_each_text(labels) e (k, v)), ''), value FROM liveness_metrics}) };
}

# Figures that were scraped after these, if they are there
sub newer
{
	my ($job, $than) = @_;
	my $got = stored($job);
	return if grep { !defined $got->{$_} || $got->{$_} < $than->{$_} } grep { /_age_seconds / } keys %$than;
	return $got;
}

# Nothing moves but ages: those are between what they were and what they are
sub same_as_view
{
	my ($what, $got, $before) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $view = in_view();
	for my $age (grep { /_age_seconds / } keys %$view)
	{
		ok(defined $got->{$age} && $got->{$age} >= $before->{$age} && $got->{$age} <= $view->{$age}, "$what: $age") or diag(explain([ $before->{$age}, $got->{$age}, $view->{$age} ]));
	}
	my ($g, $v) = map { my $m = $_; +{ map { /_age_seconds / ? () : ($_ => $m->{$_}) } keys %$m } } $got, $view;
	return is_deeply($g, $v, "$what: every figure is as in the view");
}

query(q{CALL liveness_run('retention')});
my @jobs = qw(liveness liveness-sql);
metrics_are('the heartbeats still wait', buffered => 3);
my $before = in_view();
for my $job (@jobs)
{
	my $got = await("figures in prometheus by $job", sub { newer($job, $before) });
	same_as_view($job, $got, $before);
}

# A full buffer, which the worker cannot empty: 65,536 bytes hold 546 heartbeats of 120, three of which are there
my $locker = $node->background_psql($db);
$locker->query_safe('BEGIN; LOCK TABLE "Fleet".provider_heartbeats IN SHARE MODE');
is(query(q{SELECT count(*) FROM (SELECT liveness_emit('x') AS taken FROM generate_series(1, 600)) e WHERE NOT taken}), 57, '57 heartbeats are dropped');
for my $job (@jobs)
{
	my $got = await("drops by $job", sub { my $got = stored($job); ($got->{'liveness_dropped_total '} // 0) == 57 && $got });
	is($got->{'liveness_buffered_bytes '}, 546 * 120, "$job: the buffer is full");
}
$locker->query_safe('ROLLBACK');
$locker->quit;
my $firing = await('the alert', sub { my $answer = get($port{prometheus}, '/api/v1/alerts') or return; my @a = grep { $_->{labels}{alertname} eq 'LivenessHeartbeatsDropped' && $_->{state} eq 'firing' } @{ decode_json($answer)->{data}{alerts} }; @a == 2 && \@a });
is_deeply([ sort map { $_->{labels}{job} } @$firing ], \@jobs, 'an alert fires for the drops, by either exporter');

# Without the library: the gauges go on and the counters are gone
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
is(query(q{SELECT count(*) FROM liveness_metrics WHERE name LIKE 'liveness\_buffer%'}), 0, 'the library is not preloaded');
for my $job (@jobs)
{
	$before = in_view();
	my $got = await("figures of a server without the library by $job", sub { my $got = newer($job, $before); $got && !defined $got->{'liveness_buffered '} && $got });
	same_as_view("$job, not preloaded", $got, $before);
}

done_testing();
