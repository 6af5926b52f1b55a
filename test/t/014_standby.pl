# On a standby everything can be read, and what writes says clearly that it cannot;
# once promoted, rollups and worker go on where they were, and nothing that was committed
# is lost or there twice.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	liveness.rollup_interval = '1s'
});
$primary->start;
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Functions of the extension that may write, and its views
my $functions = q{SELECT p.proname FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid AND p.provolatile = 'v' AND p.prorettype <> 'event_trigger'::regtype
	WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') ORDER BY p.proname COLLATE "C"};
my $views = q{SELECT c.oid::regclass FROM pg_depend d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'v'
	WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness')};

$primary->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	CREATE EXTENSION liveness_report;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 10, '2026-01-01 00:00+00'::timestamptz + g * interval '1 minute' FROM generate_series(0, 99) g;
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) SELECT 'p' || g, 'c', '2026-01-01 00:00+00', '2026-01-01 01:00+00' FROM generate_series(0, 9) g;
	SELECT liveness_rollup_features(), liveness_rollup_hourly();
});
$primary->wait_for_catchup($standby);

# Reads
my %reads = (
	'SELECT count(*) FROM provider_liveness WHERE connected' => 10,
	'SELECT count(*) FROM provider_session_history WHERE is_open' => 10,
	'SELECT count(*) FROM provider_heartbeat_history' => 100,
	'SELECT count(*) FROM provider_availability_matrix' => 1680,
	'SELECT count(*) FROM provider_disconnect_reasons' => 0,
	'SELECT count(*) FROM provider_stale_sessions' => 10,
	'SELECT providers FROM network_availability' => 10,
	'SELECT count(*) FROM liveness_jobs WHERE runs = 1' => 2,
	'SELECT count(*) FROM liveness_features_at()' => 10,
	'SELECT count(*) FROM liveness_reliability()' => 10,
	q{SELECT count(*) FROM liveness_heatmap('p1')} => 8,
	'SELECT count(*) FROM regexp_matches(liveness_report(), $$<dd>10</dd>$$, $$g$$)' => 4,	# providers, connected, stale, of 95 %
	'SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly' => 100);
is($standby->safe_psql('postgres', $_), $reads{$_}, "on the standby: $_") for sort keys %reads;
is($standby->safe_psql('postgres', q{SELECT md5(string_agg(f::text, '' ORDER BY provider_id)) FROM liveness_features_at('2026-02-01 00:00+00') f}),
	$primary->safe_psql('postgres', q{SELECT md5(string_agg(f::text, '' ORDER BY provider_id)) FROM liveness_features_at('2026-02-01 00:00+00') f}),
	'features are those of the primary');
my $primary_views = $primary->safe_psql('postgres', $views);
for my $call (split /\n/, $primary_views)
{
	is($standby->safe_psql('postgres', "SELECT count(*) FROM $call"), $primary->safe_psql('postgres', "SELECT count(*) FROM $call"), "view $call has as many rows as on the primary");
}
for my $call (q{candidates_at('2026-01-01 01:00+00', '1 hour', 0)}, q{backtest('1 hour', '2026-01-01 00:10+00', '2026-01-01 06:00+00', '1 hour')}, q{calibration('1 hour', '2026-01-01 00:10+00', '2026-01-01 06:00+00', '1 hour')})
{
	my $rows = $standby->safe_psql('postgres', "SELECT * FROM liveness_$call");
	isnt($rows, '', "liveness_$call tells something");
	is($rows, $primary->safe_psql('postgres', "SELECT * FROM liveness_$call"), 'which is what the primary tells');
}

# Writes
my @writes = (
	'SELECT liveness_rollup_features()', 'SELECT liveness_rollup_hourly()', q{SELECT liveness_rollup_hourly('2026-01-01', NULL)},
	q{SELECT liveness_internal.liveness_lock_job('hourly', false)}, q{SELECT liveness_internal.liveness_merge_job_state('hourly', NULL)}, q{SELECT liveness_internal.liveness_rollup_to_prune('2026-01-01', NULL)},
	'SELECT liveness_internal.liveness_close_hours(now())', 'SELECT liveness_internal.liveness_close_rolled_up_hours(now())', 'SELECT liveness_partition_heartbeats()', q{SELECT liveness_internal.liveness_dump_rows_of('provider_heartbeats')},
	'SELECT liveness_prune_batch()', 'CALL liveness_prune()',
	'SELECT liveness_internal.liveness_prune_heartbeats(now(), 1)', 'SELECT liveness_internal.liveness_prune_derived(1)', 'SELECT liveness_internal.liveness_prune_step(NULL, 1, now(), NULL, 0)',
	q{SELECT liveness_internal.liveness_record_run('hourly', now(), '1 s', 1)}, q{SELECT liveness_internal.liveness_record_error('hourly', 'x')},
	q{CALL liveness_run('features')}, q{CALL liveness_run('hourly')}, q{CALL liveness_run('retention')},
	q{SELECT liveness_open_session('p1')}, q{SELECT liveness_open_sessions('{p1}')}, q{SELECT liveness_close_session(1, 'x')},
	q{SELECT liveness_forget_provider('p1')}, 'SELECT liveness_internal.liveness_run_shocks(now())', q{SELECT liveness_sessionize('2026-01-01', '2026-01-02')}, 'SELECT liveness_internal.liveness_run_sessions(true)',
	q{SELECT liveness_close_orphans('c')}, 'SELECT liveness_close_stale()', q{SELECT liveness_adopt('provider_sessions', NULL)},
	q{SELECT liveness_exclude('p1', now())}, 'SELECT liveness_end_exclusion(1)', q{SELECT liveness_internal.liveness_note_outage('{1}')}, q{SELECT liveness_internal.liveness_lock_sessions('{1}')}, 'SELECT liveness_internal.liveness_follow_outages()',
	map { "SELECT liveness_grant_$_('pg_monitor')" } qw(reader writer operator monitor));
push @writes, 'SELECT liveness_internal.liveness_run_features(now(), NULL)', 'SELECT liveness_internal.liveness_run_hourly(NULL, NULL)', q{SELECT liveness_revoke('pg_monitor')}, q{SELECT liveness_internal.liveness_grant('pg_monitor', 'reader')},
	q{SELECT liveness_internal.liveness_grant_here('pg_monitor', 'reader')}, q{SELECT liveness_internal.liveness_revoke_here('pg_monitor')},
	'SELECT liveness_internal.liveness_distribute_reads()', 'SELECT liveness_internal.liveness_guard_node()';
for my $statement (@writes)
{
	my $err = '';
	$standby->psql('postgres', "\\set VERBOSITY verbose\n$statement;", stderr => \$err);
	like($err, qr/ERROR:  25006: cannot execute [A-Za-z_() ]+ (in a read-only transaction|during recovery)/, "refused on the standby: $statement");
}
my %others = (
	q{SELECT liveness_emit('p1')} => 'liveness_emit\(\) cannot be used on a standby\nHINT:  Connect to the primary',
	q{SELECT liveness_emit_batch('[{"provider_id": "p1"}]')} => 'liveness_emit_batch\(\) cannot be used on a standby\nHINT:  Connect to the primary',
	'SELECT liveness_flush()' => 'liveness_flush\(\) cannot be used on a standby\nHINT:  Connect to the primary',
	'SELECT liveness_distribute()' => 'there is no Citus in this database',
	'SELECT liveness_schedule()' => 'pg_cron is not loaded',
	'SELECT liveness_unschedule()' => 'pg_cron is not loaded');
for my $statement (sort keys %others)
{
	my $err = '';
	$standby->psql('postgres', "\\set VERBOSITY verbose\n$statement;", stderr => \$err);
	like($err, qr/ERROR:  55000: $others{$statement}/, "refused on the standby: $statement");
}
# what counts, reads which transactions run, raises, tells or warns, writes to no table, nor what finds no partition
my %tried = map { /(liveness_(?!internal)\w+)/ ? ($1 => 1) : () } @writes, keys %others, map { "liveness_$_" } qw(count count_failed_close counters stats_reset in_transaction_block oldest_running raise note_error drop_partitions extend_partitions lock_partitions prune_partitions make_like refuse_rename refuse_id on_other_nodes regrant partition_ahead);
is(join(' ', grep { !$tried{$_} } split /\n/, $primary->safe_psql('postgres', $functions)), '', 'no function that may write is left out');
my $err = '';
$standby->psql('postgres', 'SELECT liveness_rollup_hourly()', stderr => \$err);
like($err, qr/cannot execute liveness_rollup_hourly\(\)/, 'the error names the function');

# Promoted
$primary->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '2026-01-01 00:30+00')});
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
is($standby->safe_psql('postgres', 'SELECT liveness_rollup_hourly()'), 1, 'promoted: the watermark holds, only what is new is rolled up');
$standby->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p2', '2026-01-01 00:30+00')});
is($standby->safe_psql('postgres', 'SELECT liveness_rollup_hourly()'), 1, 'and goes on, whatever ids the sequence has skipped');
is($standby->safe_psql('postgres', 'SELECT liveness_rollup_features()'), 10, 'the features too');
is($standby->safe_psql('postgres', q{SELECT liveness_prune_batch('1 day')}), 102, 'and the retention');
my $promoted = $standby->safe_psql('postgres', 'SELECT now()');
$standby->append_conf('postgresql.conf', 'liveness.scheduler = worker');
$standby->reload;
ok($standby->poll_query_until('postgres', qq{SELECT count(*) = 2 FROM liveness_jobs WHERE job IN ('features', 'hourly') AND last_started_at > '$promoted'}), 'the worker runs them by itself');
is($standby->safe_psql('postgres', q{SELECT liveness_emit('p3'); SELECT liveness_flush(); SELECT id > 102 FROM provider_heartbeats WHERE provider_id = 'p3'}) =~ s/^t\n\d\n//r, 't', 'and writes heartbeats, with ids that go on');

# A fail over at work.  The one that was promoted has a standby that commits wait for, a
# worker with jobs every second, and two clients that write.
$standby->backup('again');
my $next = PostgreSQL::Test::Cluster->new('next');
$next->init_from_backup($standby, 'again', has_streaming => 1);
$next->start;
$standby->append_conf('postgresql.conf', "synchronous_standby_names = 'next'\n");
$standby->reload;
$standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'}) or die 'the standby is not synchronous';

# Each says the number of a heartbeat once it is committed
my %client = (
	emit => q{SELECT liveness_emit('emitter', '%d') \g /dev/null
SELECT liveness_flush() \g /dev/null
},
	insert => q{INSERT INTO provider_heartbeats (provider_id, status) VALUES ('inserter', '%d');
SELECT liveness_open_session('inserter-%1$d', 'busy') \g /dev/null
});
for my $name (keys %client)
{
	my $file = $standby->basedir . "/$name.sql";
	append_to_file($file, join '', map { sprintf($client{$name} . '\echo %1$d' . "\n", $_) } 1 .. 50_000);
	$client{$name} = { out => "$file.out" };
	$client{$name}{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $standby->connstr('postgres'), '-f', $file ], '<', \undef, '>', "$file.out", '2>', "$file.err");
}

# Reads meanwhile: every view, and what asks who stays
my @asked = (split(/\n/, $primary_views), q{liveness_candidates('1 hour', 0)}, 'liveness_reliability()', 'liveness_at_risk()', q{liveness_uptime(now() - interval '1 day', now())});
my $jobs_ran = q{SELECT min(runs) FROM liveness_jobs WHERE job IN ('features', 'hourly')};
my $read_errors = '';
my $ran = $next->safe_psql('postgres', $jobs_ran);
for my $round (1 .. 3)
{
	# the primary's jobs have run again, and the standby knows
	$next->poll_query_until('postgres', "SELECT ($jobs_ran) > $ran") or die 'the jobs of the primary do not reach the standby';
	$ran = $next->safe_psql('postgres', $jobs_ran);
	$next->psql('postgres', join('', map { "SELECT count(*) FROM $_;\n" } @asked), stderr => \my $said);
	$read_errors .= $said;
}
is($read_errors, '', 'everything can be read on the standby while the primary works');
cmp_ok($next->safe_psql('postgres', q{SELECT count(*) FROM liveness_candidates('1 hour', 0) WHERE provider_id ~ '^inserter-'}), '>', 0, 'which knows who is connected now');

# The server is lost, and its clients with it
$standby->stop('immediate');
$_->{run}->finish for values %client;
my $begin = Time::HiRes::time();
$next->promote;
$promoted = $next->safe_psql('postgres', 'SELECT now()');
# before the worker is there, liveness_emit is refused
my $is_back = 0;
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	$is_back = $next->psql('postgres', q{SELECT liveness_emit('emitter', 'first'); SELECT liveness_flush()}, on_error_stop => 1, stderr => \my $refused) == 0 and last;
	Time::HiRes::usleep(100_000);
}
ok($is_back, 'promoted, the worker writes heartbeats');
note(sprintf 'after %.1f s', Time::HiRes::time() - $begin);
ok($next->poll_query_until('postgres', qq{SELECT count(*) = 2 FROM liveness_jobs WHERE job IN ('features', 'hourly') AND last_started_at > '$promoted'}), 'and the jobs run');
note(sprintf 'after %.1f s', Time::HiRes::time() - $begin);

for my $name (sort keys %client)
{
	my @told = split /\n/, slurp_file($client{$name}{out});
	my %there = map { split /\|/ } split /\n/, $next->safe_psql('postgres', "SELECT status, count(*) FROM provider_heartbeats WHERE provider_id ~ '^$name' GROUP BY 1");
	cmp_ok(scalar(@told), '>', 0, "$name: heartbeats were committed");
	is(join(' ', grep { !$there{$_} } @told), '', "$name: none of them is lost");
	is(join(' ', grep { $there{$_} > 1 } sort keys %there), '', "$name: and none is there twice");
}
my $told = () = slurp_file($client{insert}{out}) =~ /\n/g;
cmp_ok($next->safe_psql('postgres', q{SELECT count(*) FROM provider_sessions WHERE coordinator_id = 'busy' AND disconnected_at IS NULL}), '>=', $told, 'nor is a session');
is($next->safe_psql('postgres', q{SELECT count(*) FROM provider_sessions GROUP BY id HAVING count(*) > 1}), '', 'no id of a session is used again');
is($next->safe_psql('postgres', q{SELECT count(*) FROM provider_heartbeats GROUP BY id HAVING count(*) > 1}), '', 'and none of a heartbeat');
ok($next->poll_query_until('postgres', q{
	SELECT count(*) = 0 FROM (SELECT provider_id, date_trunc('hour', at, 'UTC') AS hour, count(*) AS n FROM provider_heartbeats GROUP BY 1, 2) h
	FULL JOIN (SELECT * FROM provider_heartbeats_hourly WHERE provider_id ~ '^(emitter|inserter)') k USING (provider_id, hour)
	WHERE provider_id ~ '^(emitter|inserter)' AND n IS DISTINCT FROM heartbeat_count}), 'every heartbeat is in its hour, once');
is($next->safe_psql('postgres', 'SELECT count(*) FROM liveness_internal.liveness_job_state GROUP BY job HAVING count(*) > 1'), '', 'each job has one state');

$next->stop;
done_testing();
