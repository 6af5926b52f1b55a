# On a standby everything can be read, and what writes says clearly that it cannot;
# once promoted, the rollups go on where they were.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

$primary->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
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
	q{SELECT count(*) FROM liveness_heatmap('p1')} => 7,
	'SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly' => 100);
is($standby->safe_psql('postgres', $_), $reads{$_}, "on the standby: $_") for sort keys %reads;
is($standby->safe_psql('postgres', q{SELECT md5(string_agg(f::text, '' ORDER BY provider_id)) FROM liveness_features_at('2026-02-01 00:00+00') f}),
	$primary->safe_psql('postgres', q{SELECT md5(string_agg(f::text, '' ORDER BY provider_id)) FROM liveness_features_at('2026-02-01 00:00+00') f}),
	'features are those of the primary');

# Writes
for my $statement (
	'SELECT liveness_rollup_features()', 'SELECT liveness_rollup_hourly()', q{SELECT liveness_rollup_hourly('2026-01-01', NULL)},
	'SELECT liveness_close_hours(now())', 'SELECT liveness_prune_batch()', 'CALL liveness_prune()',
	q{CALL liveness_run('features')}, q{CALL liveness_run('hourly')}, q{CALL liveness_run('retention')},
	q{SELECT liveness_open_session('p1')}, q{SELECT liveness_close_session(1, 'x')},
	q{SELECT liveness_close_orphans('c')}, 'SELECT liveness_close_stale()')
{
	my $err = '';
	$standby->psql('postgres', "\\set VERBOSITY verbose\n$statement;", stderr => \$err);
	like($err, qr/ERROR:  25006: cannot execute [A-Za-z_() ]+ (in a read-only transaction|during recovery)/, "refused on the standby: $statement");
}
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

$standby->stop;
done_testing();
