# What engines that divide tables over servers or over time ask for, as far as it can be
# seen without them: keys, triggers, and the shape of every statement that we send to the
# tables; and how TimescaleDB's functions are called, by a stand-in for it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('engines');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\n");
$node->start;

sub query
{
	return $node->safe_psql('postgres', shift);
}

query('CREATE EXTENSION liveness; CREATE ROLE ops; SELECT liveness_grant_operator($$ops$$)');

# Each unique index holds the distribution column, that of heartbeats the time too
is(query(q{
	SELECT i.indexrelid::regclass FROM pg_index i
	WHERE i.indisunique AND i.indrelid IN ('provider_heartbeats'::regclass, 'provider_heartbeats_hourly'::regclass, 'provider_sessions'::regclass, 'provider_reliability_features'::regclass)
	AND NOT ARRAY['provider_id'] || CASE WHEN i.indrelid = 'provider_heartbeats'::regclass THEN ARRAY['at'] ELSE '{}' END
		<@ (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]))}), '', 'every unique index has provider_id, and at');
is(query(q{
	SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid::regclass::text ~ '^provider_'
	UNION ALL SELECT conname FROM pg_constraint WHERE conrelid::regclass::text ~ '^provider_' AND contype NOT IN ('p', 'n')
	UNION ALL SELECT attname FROM pg_attribute WHERE attrelid::regclass::text ~ '^provider_' AND (attidentity <> '' OR attgenerated <> '')}), '', 'no trigger, foreign key, check, identity or generated column');

# What we send, told by auto_explain
query(q{
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 3, now() - g * interval '6 hours' FROM generate_series(0, 200) g;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'q' || g, now() - interval '1 day' FROM generate_series(0, 20) g;
	SELECT liveness_open_session('p' || g % 3, 'c', now() - g * interval '3 hours') FROM generate_series(0, 20) g;
});
my $start = -s $node->logfile;
query(q{
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	SET auto_explain.log_timing = off;
	SELECT liveness_rollup_features();
	SELECT liveness_rollup_hourly();
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('q1', now() - interval '1 day');	-- one of many
	UPDATE liveness_internal.liveness_job_state SET swept_at = NULL;
	SELECT liveness_rollup_hourly();
	SELECT liveness_prune_batch('40 days', 5), liveness_prune_batch('40 days', 5);
	CALL liveness_prune();
	SELECT liveness_close_session(1, 'read_error'), liveness_close_orphans('c'), liveness_close_stale();
});
my $log = slurp_file($node->logfile, $start);
# a statement goes on in lines that begin with a tab, its plan begins with a cost or a name;
# from 16 on its parameters stand between
my %sent;
for my $entry ($log =~ /Query Text: (.*?)\n\t[^\n]*\(cost=/sg)
{
	my $sql = $entry =~ s/\n\tQuery Parameters: .*//sr =~ s/--[^\n]*//gr =~ s/\s+/ /gr;
	$sent{$sql}++ if $sql =~ /provider_(heartbeats|sessions|reliability)/ && $sql !~ /^(LOAD|SET) /;
}
note $_ for sort keys %sent;
cmp_ok(scalar(keys %sent), '>=', 20, 'statements are told');
# but for the function that liveness_distribute() makes empty
is_deeply([ grep { /\bFOR (NO KEY )?(UPDATE|SHARE)\b/i && !/ANY \(session_ids\)/ } keys %sent ], [], 'none locks rows of the tables');
is_deeply([ grep { /\bctid\b|DECLARE|\bCURSOR\b/i } keys %sent ], [], 'none has a cursor, or goes by ctid');
my @aggregates = grep { /\bliveness_(features_all|hours|hourly)\(/ && /provider_(sessions|heartbeats)\b/ } keys %sent;
is(scalar(@aggregates), 4, 'four aggregate the tables: features, new heartbeats, whole hours, and single cells');
is_deeply([ grep { !/GROUP BY \w\.provider_id/ } @aggregates ], [], 'each by provider_id');
is_deeply([ grep { /SELECT[^(]*FROM \S*provider_(sessions|heartbeats) .*JOIN/ && !/provider_id = \w+\.provider_id/ } keys %sent ], [], 'joins are by provider_id');
is_deeply([ grep { /(DELETE FROM|UPDATE) \S*provider_heartbeats / && !/h\.provider_id = o\.provider_id/ } keys %sent ], [], 'heartbeats are deleted by their key');

# A stand-in for TimescaleDB: a table by inheritance as its hypertables are, a view of its
# chunks and a drop_chunks() of the same names and arguments.  It shows how they are
# called and that hours are closed before, and nothing of TimescaleDB itself.
my $today = query(q{SELECT date_trunc('day', now())});
query(qq{CREATE FUNCTION today() RETURNS timestamptz LANGUAGE sql IMMUTABLE AS \$\$SELECT timestamptz '$today'\$\$});
query(q{
	TRUNCATE provider_heartbeats, provider_heartbeats_hourly, liveness_internal.liveness_job_state;
	CREATE SCHEMA chunks;
	CREATE SCHEMA timescaledb_information;
	CREATE TABLE chunks.c1 (CHECK (at < public.today() - interval '9 days')) INHERITS (provider_heartbeats);
	CREATE TABLE chunks.c2 (CHECK (at < public.today() - interval '8 days')) INHERITS (provider_heartbeats);
	CREATE TABLE chunks.c3 () INHERITS (provider_heartbeats);
	CREATE VIEW timescaledb_information.chunks AS
		SELECT 'public'::name AS hypertable_schema, 'provider_heartbeats'::name AS hypertable_name, 'chunks'::name AS chunk_schema, relname AS chunk_name,
			public.today() - (11 - right(relname, 1)::int) * interval '1 day' AS range_start, public.today() - (10 - right(relname, 1)::int) * interval '1 day' AS range_end
		FROM pg_class WHERE relnamespace = 'chunks'::regnamespace AND relkind = 'r';
	CREATE TABLE calls (n serial, who name DEFAULT current_user, relation regclass, older_than timestamptz, closed timestamptz, locked boolean);
	CREATE FUNCTION drop_chunks(relation regclass, older_than timestamptz DEFAULT NULL, newer_than timestamptz DEFAULT NULL, verbose boolean DEFAULT false) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		chunk regclass;
	BEGIN
		INSERT INTO public.calls (relation, older_than, closed, locked) SELECT $1, $2, s.pruned_before,
			EXISTS (SELECT FROM pg_locks l WHERE l.relation = $1 AND l.mode = 'AccessExclusiveLock' AND l.pid = pg_backend_pid() AND l.granted)
			FROM liveness_internal.liveness_job_state s WHERE s.job = 'hourly';
		FOR chunk IN SELECT format('%I.%I', c.chunk_schema, c.chunk_name)::regclass FROM timescaledb_information.chunks c WHERE c.range_end <= $2 LOOP
			RETURN NEXT chunk::text;
			EXECUTE format('DROP TABLE %s', chunk);
		END LOOP;
	END $$;
	INSERT INTO chunks.c1 (provider_id, at) SELECT 'p', public.today() - interval '10 days' + g * interval '10 minutes' FROM generate_series(0, 143) g;
	INSERT INTO chunks.c2 (provider_id, at) SELECT 'p', public.today() - interval '9 days' + g * interval '10 minutes' FROM generate_series(0, 143) g;
	INSERT INTO chunks.c3 (provider_id, at) SELECT 'p', public.today() - interval '8 days' + g * interval '10 minutes' FROM generate_series(0, 143) g;
	GRANT USAGE ON SCHEMA timescaledb_information, chunks TO PUBLIC;
	GRANT SELECT ON timescaledb_information.chunks TO PUBLIC;
	CREATE VIEW timescaledb_information.hypertables AS SELECT 'public'::name AS hypertable_schema, 'provider_heartbeats'::name AS hypertable_name;
	CREATE VIEW timescaledb_information.jobs AS SELECT 1001 AS job_id, 'policy_retention'::name AS proc_name, 'public'::name AS hypertable_schema, 'provider_heartbeats'::name AS hypertable_name
		UNION ALL SELECT 1002, 'policy_compression', 'public', 'provider_heartbeats' UNION ALL SELECT 1003, 'policy_retention', 'public', 'other';
	GRANT SELECT ON timescaledb_information.hypertables, timescaledb_information.jobs TO PUBLIC;
});
is(query('SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions()'), 0, 'what has the names of TimescaleDB and is not it, is not asked');
query(q{
	INSERT INTO pg_extension SELECT 99999, 'timescaledb', oid, 'public'::regnamespace, false, '2', NULL, NULL FROM pg_roles WHERE rolname = current_user;
	ALTER EXTENSION timescaledb ADD VIEW timescaledb_information.chunks;
	ALTER EXTENSION timescaledb ADD VIEW timescaledb_information.hypertables;
	ALTER EXTENSION timescaledb ADD VIEW timescaledb_information.jobs;
	ALTER EXTENSION timescaledb ADD FUNCTION drop_chunks(regclass, timestamptz, timestamptz, boolean);
});
is(query('SELECT count(*), min(until) - min(since) FROM liveness_internal.liveness_heartbeat_partitions()'), '3|1 day', 'chunks are found');
my $told = '';
$node->psql('postgres', q{SET ROLE ops; CALL liveness_prune(now() - (public.today() - interval '7 days 12 hours'))}, stderr => \$told);
like($told, qr/WARNING:  TimescaleDB drops chunks of provider_heartbeats by a retention policy \(job 1001\).*HINT:  Call remove_retention_policy/s, 'the retention policy of TimescaleDB is warned of, and no other job');
is(query(q{SELECT relation, older_than - public.today(), closed - older_than, locked, who = (SELECT rolname FROM pg_roles WHERE oid = 10) FROM calls ORDER BY n}),
	"provider_heartbeats|-9 days|00:00:00|t|t\nprovider_heartbeats|-8 days|00:00:00|t|t",
	'drop_chunks(relation, older_than => the end of a chunk), one a transaction, by the owner, hours closed, writers locked out');
is(query('SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly'), 432, 'all were rolled up');
is(query('SELECT count(*) FROM provider_heartbeats'), 144, 'the chunk that holds the cut stays whole');

my $refused = '';
$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT liveness_partition_heartbeats()", stderr => \$refused);
like($refused, qr/ERROR:  55000: \S*provider_heartbeats is a hypertable of TimescaleDB\nHINT:  TimescaleDB makes its chunks itself/s, 'a hypertable is not partitioned');

$node->stop;
done_testing();
