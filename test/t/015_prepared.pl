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
my $late = query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'});
query(q{COMMIT PREPARED 'e'});
is(query('SELECT liveness_rollup_hourly()'), 0, 'its hour was closed meanwhile');
is(query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), $late + 1, 'so it is late, and counted as such');
is(query(q{SELECT liveness_prune_batch('1 day')}), 1, 'and pruned');
is(query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), $late + 1, 'once');

# Partitions of partitions, written to by their own names: who holds one holds the watermark
query(q{SELECT liveness_partition_heartbeats('1 day', '2026-02-01', '2026-02-03');
	CREATE TABLE part (LIKE provider_heartbeats INCLUDING DEFAULTS) PARTITION BY RANGE (at);
	ALTER TABLE provider_heartbeats DETACH PARTITION provider_heartbeats_after;
	ALTER TABLE provider_heartbeats ATTACH PARTITION part FOR VALUES FROM ('2026-02-03') TO ('2026-03-02');
	ALTER TABLE provider_heartbeats ATTACH PARTITION provider_heartbeats_after FOR VALUES FROM ('2026-03-02') TO (MAXVALUE);
	CREATE TABLE part_of_part PARTITION OF part DEFAULT;
	SELECT liveness_rollup_hourly()});
for my $table ('provider_heartbeats_20260201', 'part', 'part_of_part')
{
	my $at = $table =~ /^part/ ? '2026-03-01 05:00+00' : '2026-02-01 05:00+00';
	for my $prepared (0, 1)
	{
		my $provider = $table . $prepared;
		$writer = $node->background_psql('postgres');
		$writer->query_safe("BEGIN; INSERT INTO $table (provider_id, at) VALUES ('$provider', '$at')");
		$writer->query_safe('PREPARE TRANSACTION $$p$$') if $prepared;
		query(insert('other'));
		query('SELECT liveness_rollup_hourly()');
		is(count_of($provider), 0, "$provider: not yet committed");
		$writer->query_safe($prepared ? 'COMMIT PREPARED $$p$$' : 'COMMIT');
		$writer->quit;
		query('SELECT liveness_rollup_hourly()');
		is(count_of($provider), 1, "$provider: committed after the run, counted by the next");
		is(query('SELECT liveness_rollup_hourly()'), 0, "$provider: and then nothing is new");
	}
}

$node->stop;
done_testing();
