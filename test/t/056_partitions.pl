# Heartbeats partitioned by time, with PostgreSQL's own partitions: everything goes on as
# before, and the retention drops partitions, by an operator who owns none, after their
# hours were rolled up and closed: what is committed behind it is rolled up or counted.
use strict;
use warnings;

use Liveness::Catalog qw(difference);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('partitions');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nshared_preload_libraries = 'liveness'\nliveness.database = 'postgres'\nliveness.scheduler = off\n");
$node->start;

sub query
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'postgres', $sql);
}

sub error_of
{
	my ($sql, $db) = @_;
	my $err = '';
	$node->psql($db // 'postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Midnights, which stay those of the start of the test: -6 is six days ago
my %day = map { split /\|/ } split /\n/, query(q{SELECT d, date_trunc('day', now()) + d * interval '24 hours' FROM generate_series(-9, 9) d});
my $where = 'SELECT tableoid::regclass, count(*) FROM provider_heartbeats GROUP BY 1 ORDER BY 1';
my $state = q{SELECT pruned_before - '%s', late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'};

sub name
{
	my ($day) = @_;
	return 'provider_heartbeats_' . ($day{$day} =~ s/^(\d+)-(\d+)-(\d+) .*/$1$2$3/r);
}

# What the hourly rows should be, by PostgreSQL's own aggregates
sub cells
{
	my ($days) = @_;
	return query("SELECT provider_id, hour, heartbeat_count, avg_cpu_usage FROM provider_heartbeats_hourly WHERE hour < '$day{$days}' ORDER BY 1, 2");
}

sub expected_cells
{
	my ($days) = @_;
	return query("SELECT provider_id, date_trunc('hour', at), count(*), avg(cpu_usage)::real FROM provider_heartbeats WHERE at < '$day{$days}' GROUP BY 1, 2 ORDER BY 1, 2");
}

query(qq{
	CREATE EXTENSION liveness;
	CREATE ROLE ops; CREATE ROLE reader; CREATE ROLE writer;
	SELECT liveness_grant_operator('ops'), liveness_grant_reader('reader'), liveness_grant_writer('writer');
	GRANT SELECT (provider_id) ON provider_heartbeats TO PUBLIC;
	-- six days, 72 heartbeats a day, and two of a clock ahead
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage)
		SELECT 'p' || g % 3, '$day{-6}'::timestamptz + g * interval '20 minutes', g % 7 / 7.0 FROM generate_series(0, 431) g;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('ahead', '$day{5}'), ('p1', 'infinity');
	SELECT liveness_open_session('p' || p, 'c', '$day{-6}') FROM generate_series(0, 2) p;
	CREATE VIEW users AS SELECT provider_id, count(*) FROM provider_heartbeats GROUP BY 1;
	SELECT liveness_rollup_hourly(), liveness_rollup_features('$day{0}');
});

# Refused
query('CREATE MATERIALIZED VIEW copies AS TABLE provider_heartbeats');
like(error_of('SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: \S+provider_heartbeats cannot be partitioned with materialized view public.copies\n.*HINT: /s, 'a materialized view cannot be made again');
query('DROP MATERIALIZED VIEW copies; CREATE PUBLICATION mirror FOR TABLE provider_heartbeats');
like(error_of('SELECT liveness_partition_heartbeats()'), qr/ERROR:  55000: .*with publication mirror/, 'nor is a publication changed');
query('DROP PUBLICATION mirror');
# What a swap of the table would lose is refused
for my $obstacle (
	[ 'publication everything', 'CREATE PUBLICATION everything FOR ALL TABLES' ],
	[ 'statistics object together', 'CREATE STATISTICS together ON provider_id, status FROM provider_heartbeats' ],
	[ 'REPLICA IDENTITY FULL', 'ALTER TABLE provider_heartbeats REPLICA IDENTITY FULL' ],
	[ 'trigger audit', 'CREATE TRIGGER audit BEFORE UPDATE ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()' ],
	[ 'row-level security', 'ALTER TABLE provider_heartbeats ENABLE ROW LEVEL SECURITY' ],
	[ 'policy own', 'CREATE POLICY own ON provider_heartbeats USING (true)' ],
	[ 'policy other on table public.provider_sessions', 'CREATE POLICY other ON provider_sessions USING (EXISTS (SELECT FROM provider_heartbeats))' ],
	[ 'rule silent', 'CREATE RULE silent AS ON UPDATE TO provider_heartbeats DO INSTEAD NOTHING' ],
	[ 'constraint known', 'CREATE TABLE known (p text PRIMARY KEY); ALTER TABLE provider_heartbeats ADD CONSTRAINT known FOREIGN KEY (provider_id) REFERENCES known NOT VALID' ],
	[ 'constraint once', 'ALTER TABLE provider_heartbeats ADD CONSTRAINT once UNIQUE (id, at)' ],
	[ 'generated column twice', 'ALTER TABLE provider_heartbeats ADD COLUMN twice real GENERATED ALWAYS AS (2 * cpu_usage) STORED' ],
	[ 'parent table public.beats', 'CREATE TABLE beats (LIKE provider_heartbeats); ALTER TABLE provider_heartbeats INHERIT beats' ],
	[ 'table public.more_beats', 'CREATE TABLE more_beats () INHERITS (provider_heartbeats)' ],
	[ 'function public.busy(public.provider_heartbeats)', q{CREATE FUNCTION busy(provider_heartbeats) RETURNS boolean LANGUAGE sql AS 'SELECT $1.cpu_usage > 0.9'} ],
	[ 'storage parameters of index idx_provider_heartbeats_provider_at', 'ALTER INDEX idx_provider_heartbeats_provider_at SET (fillfactor = 80)' ])
{
	my ($name, $do) = @$obstacle;
	like(error_of("SET search_path = public; BEGIN; $do; SELECT liveness_partition_heartbeats();"), qr/ERROR:  55000: \S+provider_heartbeats cannot be partitioned with [^\n]*\Q$name\E\n.*HINT: /s, "refused: $name");
}
is(query(q{SELECT relkind FROM pg_class WHERE oid = 'provider_heartbeats'::regclass}), 'r', 'and nothing is done');

like(error_of("SELECT liveness_partition_heartbeats('$_')"), qr/ERROR:  22023: width .* is not a number of whole hours.*HINT: /s, "width $_") for '0', '90 minutes', '1 month', '-1 day';
like(error_of(q{SELECT liveness_partition_heartbeats(until => 'infinity')}), qr/ERROR:  22008: /, 'partitions without end');
like(error_of(q{SELECT liveness_partition_heartbeats('1 hour', until => now() + interval '30 days')}), qr/ERROR:  54000: more than 500 partitions.*HINT: /s, 'or without number');
like(error_of("SET ROLE ops; SELECT $_"), qr/ERROR:  42501: /, "an operator may not call $_")
  for 'liveness_partition_heartbeats()', q{liveness_internal.liveness_dump_rows_of('provider_heartbeats')};
like(error_of("SET ROLE reader; SELECT $_"), qr/ERROR:  42501: /, "a reader may not call $_")
  for map { "liveness_internal.$_" } 'liveness_extend_partitions()', "liveness_drop_partitions('$day{9}')", 'liveness_prune_partitions(now(), now())', 'liveness_lock_partitions(now(), true)';
query(q{GRANT EXECUTE ON FUNCTION liveness_internal.liveness_dump_rows_of TO reader});
like(error_of(q{SET ROLE reader; SELECT liveness_internal.liveness_dump_rows_of('provider_heartbeats')}), qr/ERROR:  42501: must be owner of extension liveness/, 'nor may who was granted to, but does not own the extension');
query(q{REVOKE EXECUTE ON FUNCTION liveness_internal.liveness_dump_rows_of FROM reader});

# Partitioned: what anyone sees is as before, but for names that the columns of a UNION's
# later arms get when they are read again
my $seen = q{
	SELECT 'column ' || (to_jsonb(a) - '{attrelid,attcacheoff,attoptions}'::text[])::text || coalesce(col_description(attrelid, attnum), '') || coalesce(pg_get_expr(adbin, adrelid), '')
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'provider_heartbeats'::regclass AND attnum > 0
	UNION ALL SELECT 'index ' || replace(pg_get_indexdef(indexrelid), ' ONLY ', ' ') || coalesce(obj_description(indexrelid, 'pg_class'), '') FROM pg_index WHERE indrelid = 'provider_heartbeats'::regclass
	UNION ALL SELECT 'key ' || conname || pg_get_constraintdef(oid) || obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = 'provider_heartbeats'::regclass AND contype = 'p'
	UNION ALL SELECT 'table ' || relacl::text || obj_description(oid, 'pg_class') FROM pg_class WHERE oid = 'provider_heartbeats'::regclass
	UNION ALL SELECT 'sequence ' || pg_get_serial_sequence('provider_heartbeats', 'id')
	UNION ALL SELECT 'view ' || relname || regexp_replace(pg_get_viewdef(oid), ' AS (text|jsonb|int4|int8|float4|float8|timestamptz|"\?column\?")\M', '', 'g') || relacl::text FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace AND relacl IS NOT NULL
	UNION ALL SELECT 'function ' || regexp_replace(pg_get_functiondef(oid), ' AS \w+', '', 'g') || coalesce(proacl::text, '') FROM pg_proc WHERE proname ~ '^liveness_' AND prokind <> 'a'
	UNION ALL SELECT to_jsonb(v)::text FROM provider_liveness v
	UNION ALL SELECT (to_jsonb(v) - 'last_sign_of_life'::text)::text FROM liveness_internal.liveness_last_signs v
	UNION ALL SELECT to_jsonb(v)::text FROM provider_heartbeat_history v
	UNION ALL SELECT to_jsonb(v)::text FROM users v};
my $before = query($seen);
my $cells = cells(0);
is(query("SELECT liveness_partition_heartbeats('1 day', '$day{-5}', '$day{3}')"), 8, 'eight partitions of a day');
is(difference($before, query($seen)), '', 'columns, indexes, comments, grants, views and functions are as before');
is(query('SELECT count(*) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.refobjid = $$provider_heartbeats_before$$::regclass'), 0, 'no view reads the old table');
is(query($where), join("\n", 'provider_heartbeats_before|72', 'provider_heartbeats_after|2', map { name($_) . '|72' } -5 .. -1), 'rows are where they belong');
is(query('SELECT liveness_rollup_hourly()'), 0, 'the watermark goes on: nothing is rolled up again');
is(query("SELECT liveness_partition_heartbeats('1 day', '$day{-5}', '$day{3}')"), 0, 'a second call makes no partition twice');
is(query('SELECT count(*) FROM pg_class c WHERE relkind = $$r$$ AND relname ~ $$^provider_heartbeats_(\d|before|after)$$ AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND c.oid = ANY (e.extconfig) WHERE d.objid = c.oid AND d.deptype = $$e$$)'),
	0, 'each partition is the extension\'s, and dumped');

# Written and read as ever
query("SET ROLE writer; INSERT INTO provider_heartbeats (provider_id, at) VALUES ('w', '$day{1}'), ('w', '$day{8}')");
query("SELECT liveness_emit('w', at => '$day{-1}')");
query('SELECT liveness_flush()');
is(query(q{SET ROLE reader; SELECT tableoid::regclass, count(*) FROM provider_heartbeats WHERE provider_id = 'w' GROUP BY 1 ORDER BY 1}),
	join("\n", 'provider_heartbeats_after|1', name(-1) . '|1', name(1) . '|1'), 'INSERT and liveness_emit');
is(query('SELECT liveness_rollup_hourly()'), 3, 'three new cells');
is(difference(expected_cells(9), cells(9)), '', 'each is right');
my $plan = query("SET enable_bitmapscan = off; EXPLAIN (COSTS OFF) SELECT * FROM provider_heartbeat_history WHERE at >= '$day{-2}' AND at < '$day{-1}'");
is(join(' ', $plan =~ / on (provider_heartbeats\w*)/g), name(-2), 'a span of time reads its partition alone');
$plan = query("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT at FROM provider_heartbeats WHERE at >= \$1 AND at < \$2; EXPLAIN (COSTS OFF) EXECUTE p('$day{-2}', '$day{-1}')");
like($plan, qr/Subplans Removed/, 'one in a parameter too');
$plan = query("SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN (COSTS OFF) SELECT at FROM provider_heartbeats WHERE provider_id = 'p1' ORDER BY at DESC LIMIT 1");
like($plan, qr/->  Append/, 'the newest heartbeat of a provider is looked for from the newest partition on');
$plan = query("SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT count(*) FROM provider_heartbeats WHERE id > 1000000");
my $scans = () = $plan =~ /Bitmap Index Scan on \w*id/g;
is($scans, query(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'provider_heartbeats'::regclass}), 'the watermark by BRIN in each');

# The retention, as an operator: to the middle of day -3
my ($expected, $kept) = (expected_cells(-3), expected_cells(9));
query("SET ROLE ops; CALL liveness_prune(now() - '$day{-3}'::timestamptz - interval '12 hours')");
is(query($where), join("\n", 'provider_heartbeats_after|2', name(-3) . '|72', name(-2) . '|72', name(-1) . '|73', name(1) . '|1', name(5) . '|1'), 'what lies wholly before the cut is gone, the day of the cut is whole');
is(query(sprintf $state, $day{-3}), '00:00:00|0', 'their hours are closed, and no more');
is(cells(-3), $expected, 'and rolled up');
is(query(q{SELECT last_rows FROM liveness_jobs WHERE job = 'retention'}), 216, 'liveness_jobs: three days of 72');
is(query('SELECT count(*) >= 6 FROM liveness_internal.liveness_heartbeat_partitions() WHERE since > now()'), 't', 'partitions for the next days were made, and have what was in the last one');

# Late heartbeats, for what is no more
query("INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '$day{-5}'), ('late', '$day{-4}')");
is(query(q{SELECT DISTINCT tableoid::regclass FROM provider_heartbeats WHERE at < '} . $day{-3} . q{'}), 'provider_heartbeats_before', 'late heartbeats go to the partition that is open to the past');
query("SET ROLE ops; CALL liveness_prune(now() - '$day{-3}'::timestamptz)");
query('SELECT liveness_rollup_hourly()');
is(query(sprintf $state, $day{-3}), '00:00:00|2', 'are counted once');
is(cells(-3), $expected, 'rolled up nowhere');
is(query("SELECT count(*) FROM provider_heartbeats WHERE at < '$day{-3}'"), 0, 'and deleted by the row');

# Somebody writes to a day that is to go, and has not committed
my $writer = $node->background_psql('postgres');
$writer->query_safe("BEGIN; INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p1', '$day{-3}'::timestamptz + interval '1 minute')");
my $to = "SET ROLE ops; CALL liveness_prune(now() - '$day{-2}'::timestamptz)";
like(error_of($to), qr/WARNING:  .*heartbeats before .* were not dropped, because provider_heartbeats is in use.*HINT: /s, 'the retention gives up after a second');
is(query("SELECT count(*) FROM provider_heartbeats WHERE at < '$day{-2}'"), 72, 'leaving the day whole, and its rows too');
is(query(sprintf $state, $day{-3}), '00:00:00|2', 'and open');
query("INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p2', '$day{-4}')");
my $batch = "SELECT liveness_prune_batch(now() - '$day{-2}'::timestamptz);";
like(error_of("BEGIN ISOLATION LEVEL REPEATABLE READ; $batch $batch COMMIT;"), qr/NOTICE:  .*READ COMMITTED only/, 'no partition goes by an old snapshot');
is(query($where) =~ /^\Q${\name(-3)}\E\|72$/m, 1, 'which stays');
# and commits while the retention waits for it, with the hours rolled up already
my $pruner = $node->background_psql('postgres', on_error_stop => 0);
$pruner->query_until(qr/begun/, "\\echo begun\n$to;\n");
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'provider_heartbeats'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)}) or die;
$writer->query_safe('COMMIT');
$pruner->quit;
query($to);		# on a slow machine it may have given up before
is(query("SELECT count(*) FROM provider_heartbeats WHERE at < '$day{-2}'"), 0, 'the day is gone with it');
is(query("SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly WHERE hour >= '$day{-3}' AND hour < '$day{-2}'"), 73, 'but was rolled up before: 72 and one');
is(query(sprintf $state, $day{-2}), '00:00:00|3', 'closed; the late one for the day before is the third');

# What an operator can drop is what was closed
like(error_of("SET ROLE ops; SELECT liveness_internal.liveness_drop_partitions('$day{-1}')"), qr/ERROR:  55000: hours before .* are not closed yet.*HINT: /s, 'an operator drops nothing that is not rolled up');
like(error_of('SET ROLE ops; DROP TABLE ' . name(-1)), qr/ERROR:  42501: /, 'nor anything otherwise');

# Dumped and restored: as one table, which is partitioned again
my $rows = q{SELECT to_jsonb(h) FROM provider_heartbeats h ORDER BY id, provider_id};
my $file = $node->basedir . '/dump';
query('CREATE DATABASE one');
$node->command_ok([ 'pg_dump', '--load-via-partition-root', '--format', 'custom', '--file', $file, 'postgres' ], 'pg_dump --load-via-partition-root');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--single-transaction', '-d', 'one', $file ], 'restored');
is(query($rows, 'one'), query($rows), 'with every row');
is(query(q{SELECT relkind FROM pg_class WHERE oid = 'provider_heartbeats'::regclass}, 'one'), 'r', 'into a plain table');
is(query(q{SELECT relacl FROM pg_class WHERE oid = 'provider_heartbeats'::regclass}, 'one'), query(q{SELECT relacl FROM pg_class WHERE oid = 'provider_heartbeats'::regclass}), 'with its grants');
query("SELECT liveness_partition_heartbeats('1 day', '$day{-2}')", 'one');
is(query($rows, 'one'), query($rows), 'partitioned again');
# or without the option, where the same partitions are there before
my ($since, $until) = split /\|/, query('SELECT min(since), max(until) FROM liveness_internal.liveness_heartbeat_partitions() WHERE isfinite(since) AND isfinite(until)');
query('CREATE DATABASE two');
query("CREATE EXTENSION liveness; SELECT liveness_partition_heartbeats('1 day', '$since', '$until')", 'two');
$node->command_ok([ 'pg_dump', '--file', $file, 'postgres' ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', $file, '-d', 'two' ], 'restored into a table that is partitioned');
is(query($rows, 'two'), query($rows), 'with every row');

# A span that does not meet the last partition: one partition fills what lies between, so
# that every heartbeat has a place
query('CREATE DATABASE five');
query(q{
	CREATE EXTENSION liveness;
	SELECT liveness_partition_heartbeats('1 day', '2026-01-01', '2026-01-03');
}, 'five');
is(query(q{SELECT liveness_partition_heartbeats('7 days', '2026-01-14', '2026-01-20')}, 'five'), 3, 'three partitions');
is(query(q{SELECT since::date, until::date FROM liveness_internal.liveness_heartbeat_partitions() WHERE isfinite(since) AND isfinite(until) ORDER BY 1}, 'five'),
	join("\n", '2026-01-01|2026-01-02', '2026-01-02|2026-01-03', '2026-01-03|2026-01-12', '2026-01-12|2026-01-19', '2026-01-19|2026-01-26'), 'contiguous, by Mondays');
is(query(q{SELECT count(*) FROM (SELECT since, lag(until) OVER (ORDER BY since) AS before FROM liveness_internal.liveness_heartbeat_partitions()) r WHERE since <> before}, 'five'), 0, 'no gap is left');
query('ALTER EXTENSION liveness DROP TABLE provider_heartbeats_after; ALTER TABLE provider_heartbeats DETACH PARTITION provider_heartbeats_after', 'five');
like(error_of(q{SELECT liveness_partition_heartbeats()}, 'five'), qr/ERROR:  55000: \S*provider_heartbeats was not partitioned by liveness_partition_heartbeats.*HINT: /s, 'a table that others partition is left to them');

# In a schema of any name, by the hour
query('CREATE DATABASE three');
query(q{
	CREATE SCHEMA "50% Fleet";
	CREATE EXTENSION liveness SCHEMA "50% Fleet";
	SET search_path = "50% Fleet", pg_catalog;
	SELECT liveness_partition_heartbeats('6 hours', now() - interval '4 days');
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p', now() - g * interval '1 hour' FROM generate_series(0, 95) g;
}, 'three');
is(query(q{
	SET search_path = "50% Fleet", pg_catalog;
	SELECT a BETWEEN 1 AND 6, b FROM liveness_prune_batch('2 days') a, LATERAL liveness_prune_batch(a * interval '0' + interval '2 days') b;
	SELECT sum(heartbeat_count), (SELECT count(*) BETWEEN 84 AND 90 FROM provider_heartbeats) FROM provider_heartbeats_hourly;
}, 'three'), "t|6\n96|t", 'six hours wide, in another schema');

# Settings of the table and of its columns go along, to partitions of later days too; and
# nobody is let in by default privileges
query('CREATE DATABASE four');
query(q{
	CREATE ROLE stranger;
	CREATE EXTENSION liveness;
	ALTER TABLE provider_heartbeats SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 90, toast.autovacuum_enabled = false);
	ALTER TABLE provider_heartbeats ALTER COLUMN provider_id SET STATISTICS 1000, ALTER COLUMN provider_id SET (n_distinct = 5000);
	ALTER TABLE provider_heartbeats ADD COLUMN site text DEFAULT 'here' CHECK (site <> '');
	COMMENT ON COLUMN provider_heartbeats.site IS 'ours';
	CREATE INDEX by_site ON provider_heartbeats (site) WITH (fillfactor = 70);
	INSERT INTO provider_heartbeats (provider_id, at, site) VALUES ('p', now(), 'there');
	ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO stranger;
	SELECT liveness_partition_heartbeats('1 day');
	SELECT liveness_partition_heartbeats('1 day', until => now() + interval '9 days');
}, 'four');
is(query(q{
	SELECT count(*) > 9, bool_and(c.reloptions @> '{autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_insert_scale_factor=0.02,fillfactor=90}'), bool_and(t.reloptions = '{autovacuum_enabled=false}'),
		bool_and(a.attstattarget = 1000), bool_and('n_distinct=5000' = ANY (a.attoptions)), bool_and(NOT has_table_privilege('stranger', c.oid, 'SELECT')),
		bool_and(EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND x.reloptions = '{fillfactor=70}'))
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class t ON t.oid = c.reltoastrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'provider_id'
	WHERE i.inhparent = 'provider_heartbeats'::regclass}, 'four'), 't|t|t|t|t|t|t', 'settings of the partitions');
is(query(q{
	SELECT a.attstattarget, 'n_distinct=5000' = ANY (a.attoptions), has_table_privilege('stranger', c.oid, 'SELECT'), col_description(c.oid, 14),
		(SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), (SELECT site FROM provider_heartbeats)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'provider_id' WHERE c.oid = 'provider_heartbeats'::regclass}, 'four'),
	'1000|t|f|ours|1|there', 'and of the table');
query('DROP OWNED BY stranger', 'four');

query('DROP VIEW users; DROP EXTENSION liveness');
is(query(q{SELECT count(*) FROM pg_class WHERE relname ~ 'heartbeat'}), 0, 'DROP EXTENSION leaves nothing behind');

$node->stop;
done_testing();
