# The retention of partitions beside who else locks them: nobody gets a deadlock for it,
# autovacuum gives way, and what cannot be dropped now is dropped by the next run.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('partition_locks');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nautovacuum_naptime = 1s\nshared_preload_libraries = 'liveness'\nliveness.database = 'postgres'\nliveness.scheduler = off\nliveness.heartbeat_retention = '28d'\n");
$node->start;

sub query
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

sub await
{
	my ($what, $sql) = @_;
	$node->poll_query_until('postgres', $sql) or die "waited for $what";
	return;
}

sub messages_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Four days of 1,000 heartbeats that are all to go, and today's
query(q{
	CREATE EXTENSION liveness;
	CREATE ROLE ops;
	SELECT liveness_grant_operator('ops');
	SELECT liveness_partition_heartbeats('1 day', now() - interval '40 days');
	INSERT INTO provider_heartbeats (provider_id, at)
		SELECT 'p' || g % 10, date_trunc('day', now()) - interval '40 days' + g * interval '345.6 s' FROM generate_series(0, 999) g;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('stray', now() - interval '50 days'), ('today', now());
});
my @partition = split /\n/, query(q{SELECT DISTINCT tableoid::regclass FROM provider_heartbeats WHERE at < now() - interval '28 days' AND provider_id <> 'stray' ORDER BY 1});
is(scalar @partition, 4, 'four partitions to drop');
my $prune = 'SET ROLE ops; CALL liveness_prune()';
my $left = q{SELECT string_agg(r.partition::text, ' ' ORDER BY r.since) FROM liveness_internal.liveness_heartbeat_partitions() r WHERE EXISTS (SELECT FROM provider_heartbeats h WHERE h.tableoid = r.partition AND h.provider_id <> 'today')};

# Somebody reads the table and does not end; REINDEX of the partition comes while the
# retention waits for him
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; LOCK TABLE ONLY provider_heartbeats IN ACCESS SHARE MODE');
for my $maintenance ('REINDEX TABLE %s', 'REINDEX INDEX %s_at_idx', 'CREATE INDEX ON %s (status)', 'VACUUM FULL %s', 'ALTER TABLE %s ALTER COLUMN status SET STATISTICS 10', 'ANALYZE %s')
{
	my $command = sprintf $maintenance, $partition[0];
	query("INSERT INTO provider_heartbeats (provider_id, at) VALUES ('stray', now() - interval '50 days')");
	my $runs = query(q{SELECT runs FROM liveness_jobs WHERE job = 'retention'});
	my $pruner = $node->background_psql('postgres', on_error_stop => 0);
	my $other = $node->background_psql('postgres', on_error_stop => 0);
	$pruner->query_until(qr/begun/, "\\echo begun\n$prune;\n");
	# or, on a slow machine, until it has given up
	await('the retention', qq{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'provider_heartbeats'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)
		OR (SELECT runs FROM liveness_jobs WHERE job = 'retention') > $runs});
	is($other->query_safe($command . '; SELECT 1') =~ s/\s//gr, '1', "$command: no deadlock");
	$other->quit;
	$pruner->quit;
	is(query($left), join(' ', @partition), 'the partition is left for the next run');
	is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'stray'}), 0, 'what is in none was deleted');
}
like(messages_of($prune), qr/WARNING:  [^\n]*heartbeats before .* were not dropped, because provider_heartbeats is in use/, 'which is told');
is(query(q{SELECT string_agg(value::text, ' ' ORDER BY name) FROM liveness_metrics WHERE name IN ('liveness_overdue_heartbeats', 'liveness_overdue_partitions')}), '1000 ' . query(q{SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() WHERE since > '-infinity' AND until <= liveness_internal.liveness_prune_cut(NULL)}), 'and counted');
# and by a single batch too, which says that it can do no more
is(query('SET client_min_messages = error; SET ROLE ops; SELECT liveness_prune_batch()'), 0, 'a batch drops nothing then');
$reader->query_safe('COMMIT');

# A transaction that has read the partition itself, and comes to the table behind the retention
my $direct = $node->background_psql('postgres', on_error_stop => 0);
$direct->query_safe("BEGIN; SELECT count(*) FROM $partition[0]");
my $runs = query(q{SELECT runs FROM liveness_jobs WHERE job = 'retention'});
my $pruner = $node->background_psql('postgres', on_error_stop => 0);
$pruner->query_until(qr/begun/, "\\echo begun\n$prune;\n");
like($direct->query_safe('SELECT count(*) FROM provider_heartbeats'), qr/1001/, 'who reads a partition and then the table gets no deadlock');
await('the retention to give up', "SELECT runs > $runs FROM liveness_jobs WHERE job = 'retention'");
is(query($left), join(' ', @partition), 'nor does the retention');
$direct->query_safe('COMMIT');
$direct->quit;
$pruner->quit;

# Somebody holds a partition for maintenance: given up, and nothing is held
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; LOCK TABLE $partition[0] IN SHARE UPDATE EXCLUSIVE MODE");
like(messages_of($prune), qr/WARNING:  [^\n]*were not dropped/, 'a VACUUM by hand is waited for, but not for ever');
$holder->query_safe('COMMIT');
$holder->quit;
$reader->quit;

# Autovacuum, slowed down, is at the oldest partition, and gives way
query(qq{
	ALTER TABLE $partition[0] SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
	UPDATE provider_heartbeats SET status = status WHERE tableoid = '$partition[0]'::regclass;
});
my $log = -s $node->logfile;
$node->append_conf('postgresql.conf', 'autovacuum = on');
$node->reload;
await('autovacuum', qq{SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = '$partition[0]'::regclass)});
query($prune);
is(query($left), '', 'every partition goes');
like(slurp_file($node->logfile, $log), qr/canceling autovacuum task/, 'for which autovacuum is cancelled');
is(query(q{SELECT (SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly) + (SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly')}), 1008,
	'and every heartbeat was rolled up, or counted as late: 1,000, seven strays, and today\'s');
is(query(q{SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly WHERE provider_id <> 'stray'}), 1001, 'none of the partitions was late');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'there was no deadlock');

$node->stop;
done_testing();
