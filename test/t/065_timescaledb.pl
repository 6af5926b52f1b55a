# On TimescaleDB itself, where it is installed: a hypertable of heartbeats beside a plain
# table of the same rows.  Rollups, late heartbeats, compression and retention give the same
# hours; reads give the same rows; nothing is lost.
use strict;
use warnings;

use Liveness::Catalog qw(difference);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $sharedir = `pg_config --sharedir`);
plan skip_all => 'TimescaleDB is not installed' unless -e "$sharedir/extension/timescaledb.control";

my $node = PostgreSQL::Test::Cluster->new('timescaledb');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nshared_preload_libraries = 'timescaledb, liveness'\nliveness.database = 'hyper'\nliveness.scheduler = off\ntimescaledb.telemetry_level = off\n");
$node->start;

sub query
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'hyper', $sql);
}

sub messages_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('hyper', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# The same in both: rows, and what is read of them
my $cells = 'SELECT provider_id, hour, heartbeat_count, avg_cpu_usage, max_thermal_state FROM provider_heartbeats_hourly ORDER BY 1, 2';
my @reads = (
	'SELECT provider_id, at, status, cpu_usage FROM provider_heartbeats ORDER BY 1, 2, 3',
	'SELECT provider_id, connected, connected_since, last_heartbeat_at, liveness_score FROM provider_liveness ORDER BY 1',
	'SELECT provider_id, at, cpu_usage FROM provider_heartbeat_history ORDER BY 1, 2',
	'SELECT provider_id, last_sign_of_life FROM provider_stale_sessions ORDER BY 1',
	q{SELECT provider_id, round(probability::numeric, 6) FROM liveness_candidates('4 hours', 0) ORDER BY 1});

sub both
{
	my ($what, $sql) = @_;
	query($sql, $_) for 'plain', 'hyper';
	return compare_both($what);
}

sub compare_both
{
	my ($what) = @_;
	is(difference(query($cells, 'plain'), query($cells, 'hyper')), '', "$what: the same hours");
	return;
}

query("CREATE DATABASE $_", 'postgres') for 'plain', 'hyper';
query('CREATE EXTENSION timescaledb');
diag('TimescaleDB ' . query(q{SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'}));
my $today = query(q{SELECT date_trunc('day', now())}, 'plain');
for my $db ('plain', 'hyper')
{
	query(q{CREATE EXTENSION liveness}, $db);
	query(qq{
		INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, thermal_state)
			SELECT 'p' || g % 5, '$today'::timestamptz - interval '10 days' + g * interval '2 minutes', g % 7 / 7.0, (ARRAY['nominal', 'fair', 'serious'])[g % 3 + 1]
			FROM generate_series(0, 7199) g;
		INSERT INTO provider_sessions (provider_id, connected_at, coordinator_id) SELECT 'p' || p, '$today'::timestamptz - interval '10 days', 'c' FROM generate_series(0, 4) p;
	}, $db);
}
query('CREATE ROLE ops');
query(q{SELECT liveness_grant_operator('ops')}, $_) for 'plain', 'hyper';
query(q{SELECT create_hypertable('provider_heartbeats', 'at', chunk_time_interval => INTERVAL '1 day', migrate_data => true)});
is(query(q{SELECT is_hypertable, policies FROM liveness_internal.liveness_hypertable()}), 't|', 'a hypertable, known as such');
cmp_ok(query('SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions()'), '>=', 10, 'with its chunks');
is(query(q{SELECT bool_and(c.reloptions @> '{autovacuum_vacuum_scale_factor=0.03}') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'provider_heartbeats'::regclass}),
	't', 'which have the autovacuum parameters of the table');
like(messages_of('SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: \S*provider_heartbeats is a hypertable of TimescaleDB/, 'which are its own to make');

both('rollup', 'SELECT liveness_rollup_hourly()');
both('late heartbeats, and a rollup of what is new', qq{
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || g % 5, '$today'::timestamptz - interval '9 days' + g * interval '7 hours', 0.5 FROM generate_series(0, 20) g;
	SELECT liveness_rollup_hourly()});
query(q{SELECT liveness_emit('p1', at => now()), liveness_flush()});
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE at >= now() - interval '1 minute'}), 1, 'liveness_emit');
query(qq{INSERT INTO provider_heartbeats (provider_id, at) SELECT provider_id, at FROM (VALUES ('p1', timestamptz '} . query(q{SELECT max(at) FROM provider_heartbeats}) . q{')) v (provider_id, at)}, 'plain');
both('that too', 'SELECT liveness_rollup_hourly()');
my $as_of = query('SELECT now()');
query(qq{SELECT liveness_rollup_features('$as_of')}, $_) for 'plain', 'hyper';
is(difference(query($_, 'plain'), query($_, 'hyper')), '', $_) for @reads;

# Compressed, all but the last days: late heartbeats, a whole day anew
query(q{
	ALTER TABLE provider_heartbeats SET (timescaledb.compress, timescaledb.compress_segmentby = 'provider_id', timescaledb.compress_orderby = 'at DESC, id DESC');
	SELECT count(compress_chunk(c)) FROM show_chunks('provider_heartbeats', older_than => INTERVAL '2 days') c});
both('a compressed day, rolled up anew', qq{SELECT liveness_rollup_hourly('$today'::timestamptz - interval '8 days', '$today'::timestamptz - interval '7 days')});
both('late heartbeats in compressed chunks', qq{
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'late' || g % 3, '$today'::timestamptz - interval '8 days' + g * interval '5 hours', 0.25 FROM generate_series(0, 9) g;
	SELECT liveness_rollup_hourly()});
is(difference(query($reads[0], 'plain'), query($reads[0], 'hyper')), '', 'every row is read');

# Retention: chunks go whole, after their hours are closed
my $prune = "SET ROLE ops; CALL liveness_prune(now() - ('$today'::timestamptz - interval '5 days'))";
both('retention', $prune);
is(query(qq{SELECT count(*) FROM provider_heartbeats WHERE at < '$today'::timestamptz - interval '5 days'}), 0, 'what is older than the cut is gone');
is(query(q{SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() WHERE until <= } . "'$today'::timestamptz - interval '5 days'"), 0, 'with its chunks');
both('a late heartbeat for a day that is gone', qq{
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) VALUES ('p1', '$today'::timestamptz - interval '8 days', 1);
	SELECT liveness_rollup_hourly()});
is(query(q{SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}), 1, 'is counted');
both('and goes', $prune);
is(query(qq{SELECT count(*) FROM provider_heartbeats WHERE at < '$today'::timestamptz - interval '5 days'}), 0, 'by the next retention');

# Somebody else's retention
query(q{SELECT add_retention_policy('provider_heartbeats', INTERVAL '28 days')});
like(messages_of('CALL liveness_prune()'), qr/WARNING:  01000: TimescaleDB drops chunks of provider_heartbeats by a retention policy/, 'a retention policy of TimescaleDB is warned of');
query(q{SELECT remove_retention_policy('provider_heartbeats')});
is(messages_of('CALL liveness_prune()'), '', 'and no longer');

# A reader and a REINDEX of a chunk beside the retention: no deadlock
my $chunk = query(q{SELECT partition FROM liveness_internal.liveness_heartbeat_partitions() ORDER BY since LIMIT 1});
my $reader = $node->background_psql('hyper');
$reader->query_safe('BEGIN; LOCK TABLE ONLY provider_heartbeats IN ACCESS SHARE MODE');
my $runs = query(q{SELECT runs FROM liveness_jobs WHERE job = 'retention'});
my $pruner = $node->background_psql('hyper', on_error_stop => 0);
$pruner->query_until(qr/begun/, "\\echo begun\nSET ROLE ops; CALL liveness_prune(now() - ('$today'::timestamptz - interval '4 days'));\n");
$node->poll_query_until('hyper', qq{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'provider_heartbeats'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)
	OR (SELECT runs FROM liveness_jobs WHERE job = 'retention') > $runs}) or die;
my $other = $node->background_psql('hyper', on_error_stop => 0);
is($other->query_safe("REINDEX TABLE $chunk; SELECT 1") =~ s/\s//gr, '1', 'REINDEX of a chunk beside the retention');
$other->quit;
$pruner->quit;
$reader->query_safe('COMMIT');
$reader->quit;
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock');

$node->stop;
done_testing();
