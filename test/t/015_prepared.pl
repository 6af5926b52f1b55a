# Heartbeats held in prepared transactions, across rollups and restarts of the
# server, are counted once they are committed.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('prepared');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');

sub query
{
	return $node->safe_psql('postgres', shift);
}

# An old hour, which no lookback reaches; each scenario has its own provider
sub insert
{
	my ($provider) = @_;
	return "INSERT INTO provider_heartbeats (provider_id, at) VALUES ('$provider', '2026-01-01 00:00+00');";
}

sub count_of
{
	my ($provider) = @_;
	return query("SELECT coalesce(max(heartbeat_count), 0) FROM provider_heartbeats_hourly WHERE provider_id = '$provider'");
}

# Prepared before the rollup
query('BEGIN;' . insert('a') . q{PREPARE TRANSACTION 'a'});
query(insert('other'));
is(query('SELECT liveness_rollup_hourly()'), 1, 'a rollup beside a prepared transaction takes the others');
is(query('SELECT liveness_rollup_hourly()'), 1, 'and again, for the watermark cannot pass it');
is(count_of('a'), 0, 'what is prepared is not counted');
query(q{COMMIT PREPARED 'a'});
query('SELECT liveness_rollup_hourly()');
is(count_of('a'), 1, 'once committed it is');
is(query('SELECT liveness_rollup_hourly()'), 0, 'and then nothing is new');

# A writer that a rollup has seen is prepared after it
my $writer = $node->background_psql('postgres');
$writer->query_safe('BEGIN;' . insert('b'));
query(insert('other'));
query('SELECT liveness_rollup_hourly()');
$writer->query_safe(q{PREPARE TRANSACTION 'b'});
$writer->quit;
query('SELECT liveness_rollup_hourly()');
query('SELECT liveness_rollup_hourly()');
query(q{COMMIT PREPARED 'b'});
query('SELECT liveness_rollup_hourly()');
is(count_of('b'), 1, 'a writer that is prepared between two rollups is not lost');

# One that is rolled back holds up nothing for good
query('BEGIN;' . insert('c') . q{PREPARE TRANSACTION 'c'});
query(insert('other'));
query('SELECT liveness_rollup_hourly()');
query(q{ROLLBACK PREPARED 'c'});
is(query('SELECT liveness_rollup_hourly()'), 1, 'after ROLLBACK PREPARED the watermark moves');
is(query('SELECT liveness_rollup_hourly()'), 0, 'past it');

# Across a restart, and across a crash
for my $mode ('fast', 'immediate')
{
	my $provider = "d_$mode";
	query('BEGIN;' . insert($provider) . "PREPARE TRANSACTION '$provider'");
	query(insert('other'));
	query('SELECT liveness_rollup_hourly()');
	$node->stop($mode);
	$node->start;
	query('SELECT liveness_rollup_hourly()');
	query('SELECT liveness_rollup_hourly()');
	is(count_of($provider), 0, "$mode: prepared, and the server is restarted between two rollups");
	query("COMMIT PREPARED '$provider'");
	query('SELECT liveness_rollup_hourly()');
	is(count_of($provider), 1, "$mode: counted once it is committed");
	is(query('SELECT liveness_rollup_hourly()'), 0, "$mode: and then nothing is new");
}

# The retention: its hours are closed while it is prepared, so that it is late
query('BEGIN;' . insert('e') . q{PREPARE TRANSACTION 'e'});
query(q{SELECT liveness_prune_batch('1 day', 1000)});
my $late = query(q{SELECT late FROM liveness_job_state WHERE job = 'hourly'});
query(q{COMMIT PREPARED 'e'});
is(query('SELECT liveness_rollup_hourly()'), 0, 'its hour was closed meanwhile');
is(query(q{SELECT late FROM liveness_job_state WHERE job = 'hourly'}), $late + 1, 'so it is late, and counted as such');
is(query(q{SELECT liveness_prune_batch('1 day')}), 1, 'and pruned');
is(query(q{SELECT late FROM liveness_job_state WHERE job = 'hourly'}), $late + 1, 'once');

$node->stop;
done_testing();
