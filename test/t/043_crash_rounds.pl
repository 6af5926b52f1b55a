# The power fails, again and again, in the middle of each job while a client writes:
# every process of the server is killed with SIGKILL at once. After each recovery one
# query compares all that is stored with the heap, with a ledger that a trigger keeps,
# and with what clients were told. LIVENESS_CRASH_ROUNDS says how often (50).
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $rounds = $ENV{LIVENESS_CRASH_ROUNDS} || 50;
srand(43);

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', q{
	timezone = 'UTC'
	synchronous_commit = on
	log_statement = none
	autovacuum = off
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	# small batches, and many: there are more moments to be hit in
	liveness.flush_interval = '10ms'
	liveness.batch_size = 20
});
$node->start;

sub query
{
	return $node->safe_psql('postgres', shift);
}

# ---------- what is stored ----------

# An hour has 2,000 heartbeats of 200 providers, which are whole batches of 500. Hours are
# added at the end and pruned from the beginning; the writer has an hour of its own. The
# sessions that the features are computed from are of 2025, those of the writer of today.
my ($pruned, $filled) = (0, 0);
my $writers_hour = 10_000;

sub hour
{
	my ($number) = @_;
	return "'2026-01-01 00:00+00'::timestamptz + $number * interval '1 hour'";
}

sub fill
{
	my ($hours) = @_;
	my $first = $filled;
	$filled += $hours;
	return "INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || g % 200, " . hour($first)
		. " + g / 2000 * interval '1 hour' + g % 2000 * interval '1 second', g % 8 / 8.0 FROM generate_series(0, 2000 * $hours - 1) g;";
}

query(q{
	CREATE EXTENSION liveness;
	CREATE EXTENSION amcheck;
	CREATE SCHEMA test;

	-- every heartbeat that was ever there, by provider and hour
	CREATE TABLE test.ledger (provider_id text, hour timestamptz, n bigint, cpu_usage float8);
	CREATE FUNCTION test.note() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO test.ledger SELECT provider_id, date_trunc('hour', at), count(*), sum(cpu_usage) FROM added GROUP BY 1, 2;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER INSERT ON provider_heartbeats REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION test.note();

	-- what clients were told is committed
	CREATE TABLE test.told (what text);

	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || g % 300, '2025-12-31 00:00+00'::timestamptz - g * interval '50 s', '2025-12-31 00:00+00'::timestamptz - (g - 300 - g % 150) * interval '50 s',
		CASE WHEN g % 7 > 0 THEN 'read_error' ELSE 'coordinator_restart' END FROM generate_series(1, 16000) g;
});
query(fill(8));
query(q{
	SELECT brin_summarize_new_values('idx_provider_heartbeats_id_brin');
	CREATE FUNCTION test.by_brin() RETURNS bigint LANGUAGE sql
		SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
		AS 'SELECT count(*) FROM provider_heartbeats WHERE id > 0';
});

# What is wrong with what is stored: nothing is ''. Every index but the one in question is
# left out. n_told: how many things clients were told. as_ofs: what the features may be as
# of. hole: hours without cells, which one run fills, or none. pruned: the hours before
# have been pruned to the end.
query(q{
	CREATE FUNCTION test.wrong(n_told bigint, as_ofs timestamptz[], hole tstzrange, pruned timestamptz) RETURNS text
	LANGUAGE sql SET enable_indexscan = off SET enable_indexonlyscan = off SET enable_bitmapscan = off SET jit = off SET work_mem = '64MB'
	BEGIN ATOMIC
		WITH state AS MATERIALIZED (
			SELECT coalesce(max(watermark), 0) AS watermark, max(pending) AS pending, coalesce(max(pruned_before), '-infinity') AS closed
			FROM liveness_internal.liveness_job_state WHERE job = 'hourly'
		), ledger AS (
			SELECT provider_id, hour, sum(n) AS n, (sum(cpu_usage) / sum(n))::real AS cpu FROM test.ledger GROUP BY 1, 2
		), kept AS (
			SELECT provider_id, date_trunc('hour', at) AS hour, count(*) AS n, count(*) FILTER (WHERE id <= watermark) AS seen
			FROM provider_heartbeats CROSS JOIN state GROUP BY 1, 2
		), cells AS MATERIALIZED (
			SELECT hour, hour < s.closed AS is_closed, hole @> hour AS in_hole, coalesce(l.n, 0) AS written, l.cpu,
				coalesce(k.n, 0) AS kept, coalesce(k.seen, 0) AS seen, coalesce(c.heartbeat_count, 0) AS counted, c.avg_cpu_usage
			FROM ledger l FULL JOIN kept k USING (provider_id, hour) FULL JOIN provider_heartbeats_hourly c USING (provider_id, hour) CROSS JOIN state s
		), hours AS MATERIALIZED (
			SELECT hour, is_closed, sum(written) AS written, sum(kept) AS kept FROM cells GROUP BY 1, 2
		), features AS MATERIALIZED (
			SELECT min(updated_at) AS as_of, count(DISTINCT updated_at) AS n, count(*) AS providers FROM provider_reliability_features
		)
		SELECT coalesce(string_agg(what || ': ' || n, ', '), '')
		FROM (VALUES
			-- the hourly rollup
			('cells with less than what was rolled up', (SELECT count(*) FROM cells WHERE counted < CASE WHEN is_closed THEN written WHEN NOT in_hole THEN seen ELSE 0 END)),
			('cells with more than there ever was', (SELECT count(*) FROM cells WHERE counted > written)),
			('cells with another mean', (SELECT count(*) FROM cells WHERE counted = written AND avg_cpu_usage <> cpu)),
			('half of a range', (SELECT count(DISTINCT counted = written) - 1 FROM cells WHERE in_hole HAVING count(*) > 0)),
			('a watermark above ids to come', (SELECT count(*) FROM state, provider_heartbeats_id_seq WHERE greatest(watermark, pending) > last_value)),
			-- the retention: whole batches, the oldest first, of closed hours alone
			('open hours without all heartbeats', (SELECT count(*) FROM hours WHERE NOT is_closed AND kept <> written)),
			('hours with a part of a batch', (SELECT count(*) FROM hours WHERE is_closed AND kept % 500 > 0)),
			('hours left out', (SELECT count(*) FROM hours WHERE kept > 0 AND hour < (SELECT max(hour) FROM hours WHERE kept < written))),
			('heartbeats that were pruned', (SELECT count(*) FROM provider_heartbeats WHERE at < pruned)),
			-- the features, and what candidates are told from: of one run, and all of it
			('features of several runs', (SELECT n - 1 FROM features)),
			('features of no such run', (SELECT (as_of <> ALL (as_ofs))::int FROM features)),
			('features that differ', (SELECT count(*) FROM features CROSS JOIN LATERAL liveness_features_at(as_of) a
				FULL JOIN provider_reliability_features f USING (provider_id) WHERE a::text IS DISTINCT FROM f::text)),
			('hazards of another run', (SELECT count(*) FROM features JOIN (TABLE liveness_internal.liveness_fleet_hazard) f ON f.as_of <> features.as_of)
				+ (SELECT count(*) FROM features JOIN liveness_internal.liveness_provider_hazard p ON p.as_of > features.as_of)),
			('hazards of no provider', (SELECT providers - (SELECT count(*) FROM liveness_internal.liveness_provider_hazard) FROM features)),
			-- what clients were told
			('told, and not there', (SELECT count(*) FROM (SELECT what FROM test.told EXCEPT (
				SELECT active_model FROM provider_heartbeats UNION ALL SELECT 'open ' || id FROM provider_sessions WHERE coordinator_id = 'c'
				UNION ALL SELECT 'closed ' || id FROM provider_sessions WHERE disconnect_reason = 'clean_close')) t)),
			('told, and forgotten', (SELECT n_told - count(*) FROM test.told)),
			-- keys, in the heap
			('keys twice', (SELECT count(*) FROM (
				SELECT FROM provider_heartbeats GROUP BY id HAVING count(*) > 1
				UNION ALL SELECT FROM provider_heartbeats WHERE active_model > '' GROUP BY active_model HAVING count(*) > 1
				UNION ALL SELECT FROM provider_heartbeats_hourly GROUP BY provider_id, hour HAVING count(*) > 1
				UNION ALL SELECT FROM provider_sessions GROUP BY id HAVING count(*) > 1
				UNION ALL SELECT FROM provider_reliability_features GROUP BY provider_id HAVING count(*) > 1
				UNION ALL SELECT FROM liveness_internal.liveness_provider_hazard GROUP BY provider_id HAVING count(*) > 1
				UNION ALL SELECT FROM liveness_internal.liveness_job_state GROUP BY job HAVING count(*) > 1) d)),
			-- indexes and heap: an error, should a B-tree differ
			('B-trees not checked', (SELECT greatest(11 - count(bt_index_check(i.indexrelid, true)::text), 0)
				FROM pg_depend d JOIN pg_index i ON i.indrelid = d.objid JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
				WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
				AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND a.amname = 'btree')),
			('not in the BRIN', (SELECT count(*) - test.by_brin() FROM provider_heartbeats))
		) wrong (what, n)
		WHERE n <> 0;
	END;
});

# ---------- clients ----------

# The writers: each shows what it did once that is committed
sub script
{
	my ($name, @statements) = @_;
	my $file = $node->basedir . "/$name.sql";
	append_to_file($file, join '', map { my $i = $_; map { s/\bI\b/$i/gr . "\n" } @statements } 1 .. 2000);
	return $file;
}

my $at = hour($writers_hour);
my %writer = (
	insert => script('insert', "INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, active_model) VALUES ('p' || I % 200, $at, 0.5, :'round' || '.I') RETURNING active_model;"),
	emit => script('emit',
		"SELECT count(liveness_emit('p' || g, cpu_usage => 0.5, active_model => :'round' || '.I.' || g, at => $at)) AS emitted FROM generate_series(1, 10) g \\gset",
		"SELECT liveness_flush() AS flushed \\gset",
		"SELECT :'round' || '.I.' || g FROM generate_series(1, 10) g;"),
	sessions => script('sessions',
		"SELECT liveness_open_session('w' || I % 9, 'c') AS id \\gset",
		"SELECT 'open ' || :id;",
		"SELECT 'closed ' || :id WHERE liveness_close_session(:id, 'clean_close');"));

sub start_client
{
	my ($name, @options) = @_;
	my $out = $node->basedir . "/$name.out";
	unlink $out;
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), @options ], '<', '/dev/null', '>', $out, '2>', "$out.err");
	my $end = time + $PostgreSQL::Test::Utils::timeout_default;
	until (-s $out)
	{
		die "$name does nothing: " . slurp_file("$out.err") if time > $end || -s "$out.err";
		usleep(1000);
	}
	return { run => $run, out => $out };
}

# Lines that a client was sent to the end
sub finish_client
{
	my ($client) = @_;
	$client->{run}->finish;
	return slurp_file($client->{out}) =~ /^(.+)\n/mg;
}

# The jobs: what comes before, and the call. Cells that range and prune will write are
# deleted before, so that it shows whether they did; prune takes 16 batches.
my ($as_of, $next_as_of, $hole, $cut, $emptied);
my $as_ofs = 0;
my %job = (
	features => sub {
		$next_as_of = sprintf "2025-12-31 00:%02d:%02d+00", int(++$as_ofs / 60), $as_ofs % 60;
		return ('', "SELECT liveness_rollup_features('$next_as_of')");
	},
	hourly => sub {
		return ('VACUUM provider_heartbeats;' . fill(4) . q{SELECT brin_summarize_new_values('idx_provider_heartbeats_id_brin');}, 'SELECT liveness_rollup_hourly()');
	},
	range => sub {
		my ($since, $until) = (hour($filled - 8), hour($filled));
		$hole = query("SELECT tstzrange($since, $until)");
		return ("SELECT liveness_rollup_hourly(); DELETE FROM provider_heartbeats_hourly WHERE hour >= $since AND hour < $until;", "SELECT liveness_rollup_hourly($since, $until)");
	},
	prune => sub {
		my $since = hour($pruned);
		$cut = hour($pruned += 4);
		$hole = query("SELECT tstzrange($since, $cut)");
		return ("DELETE FROM provider_heartbeats_hourly WHERE hour >= $since AND hour < $cut;", "CALL liveness_prune(now() - ($cut), 500)");
	});
my @jobs = qw(features hourly range prune);
my @writers = qw(insert emit sessions);

# A job has come to its end: what must be seen of it
sub finished
{
	my ($job) = @_;
	$as_of = $next_as_of if $job eq 'features';
	$hole = undef if $job =~ /range|prune/;
	$emptied = $cut if $job eq 'prune';
	return;
}

# ---------- the power fails ----------

# What the system says of a process: its number, name, state, parent; '' if it is gone
sub process
{
	my ($pid) = @_;
	open(my $handle, '<', "/proc/$pid/stat") or return '';
	return <$handle> // '';
}

# No process of the server is left, and none could know of another's end
sub power_failure
{
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
	kill(STOP => $postmaster);
	my @pids = ($postmaster, grep { process($_) =~ /\) \S $postmaster / } map { m{(\d+)} } glob '/proc/[0-9]*');
	kill(STOP => @pids);
	kill(KILL => @pids);
	$node->kill9;
	my $end = time + $PostgreSQL::Test::Utils::timeout_default;
	for my $pid (@pids)
	{
		while (process($pid) =~ /\) [^ZX] /)
		{
			die "process $pid is still there" if time > $end;
			usleep(1000);
		}
	}
	# who is dead may not have been reaped yet: the number of the process is still taken
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	return scalar @pids;
}

# How long each job takes when nothing comes in between
my %duration;
query('SELECT liveness_rollup_hourly()');
for my $job (@jobs)
{
	my ($before, $call) = $job{$job}->();
	query($before . $call);
	$duration{$job} = query(q{SELECT extract(epoch FROM last_duration) FROM liveness_jobs ORDER BY last_started_at DESC LIMIT 1});
	finished($job);
}

my $told = 0;

# What is wrong, once clients were told these things too
sub wrong
{
	my @what = @_;
	my $hours = $hole // 'empty';
	$told += @what;
	return query((@what ? 'INSERT INTO test.told VALUES ' . join(', ', map { "('$_')" } @what) . ';' : '')
		. "SELECT test.wrong($told, '{$as_of, $next_as_of}', '$hours', $emptied)");
}

is(wrong(), '', 'nothing is wrong before');

my %interrupted = map { $_ => 0 } @jobs;
for my $round (1 .. $rounds)
{
	my $job = $jobs[ $round % @jobs ];
	my $writer = $writers[ $round % @writers ];
	my ($before, $call) = $job{$job}->();
	query($before . q{
		SET statement_timeout = '} . $PostgreSQL::Test::Utils::timeout_default . q{s';
		DO $$ BEGIN
			WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL) LOOP
				PERFORM pg_sleep(0.005), pg_stat_clear_snapshot();
			END LOOP;
		END $$;
	});

	my $writing = start_client('writer', '-v', "round=$round", '-f', $writer{$writer});
	my $running = start_client('job', '-c', q{SELECT 'begin'}, '-c', $call, '-c', q{SELECT 'end'});
	# the moments lie apart, from the beginning of a job to its end; but each fourth time
	# it has just been told that it is committed
	my $of_job = int(($round - 1) / @jobs);
	my $begin = time;
	if ($of_job % 4 == 3)
	{
		usleep(1000) until slurp_file($running->{out}) =~ /^end$/m || time > $begin + $PostgreSQL::Test::Utils::timeout_default;
	}
	elsif ($of_job > 0)
	{
		usleep(1e6 * $duration{$job} * ($of_job + rand) * @jobs / $rounds);
	}
	my $ms = 1000 * (time - $begin);
	my $killed = power_failure();

	my @what = finish_client($writing);
	my $ended = grep { $_ eq 'end' } finish_client($running);
	$interrupted{$job}++ unless $ended;
	finished($job) if $ended;
	$node->start;
	is(wrong(@what), '',
		sprintf "round %d: %d processes are killed %d ms into %s%s, beside %s that was told of %d", $round, $killed, $ms, $job, $ended ? ' (ended)' : '', $writer, scalar @what);

	# either is right; from here on one is known
	$as_of = $next_as_of = query('SELECT max(updated_at) FROM provider_reliability_features');
	query("SELECT liveness_rollup_hourly(lower(h), upper(h)) FROM (SELECT '$hole'::tstzrange) r (h)") if $hole;
	$hole = undef;
}
cmp_ok($interrupted{$_}, '>', 0, "$_ was interrupted ($interrupted{$_} times)") for $rounds < @jobs ? () : @jobs;

# ---------- all goes on ----------

for my $job (@jobs)
{
	my ($before, $call) = $job{$job}->();
	query("$before$call");
	finished($job);
}
is(wrong(), '', 'a last run of each job, and nothing is wrong');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE id > (SELECT coalesce(max(watermark), 0) FROM liveness_internal.liveness_job_state WHERE job = 'hourly')}), 0, 'no heartbeat is above the watermark');
is(query('SELECT sum(n) FROM test.ledger'), query('SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly'), 'the hours count every heartbeat there ever was');
is(query("SELECT count(*) FROM provider_heartbeats"), query("SELECT sum(n) FROM test.ledger WHERE hour >= $cut"), 'and those that are not pruned are there');
$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', "as_of=$as_of", '-v', 'window_days=14', '-o', $node->basedir . '/oracle', '-f', "$ENV{TESTDIR}/../bench/sql/features_pure_sql.sql", 'postgres' ],
	'the features in plain SQL');
is(join("\n", sort split /\n/, slurp_file($node->basedir . '/oracle')), join("\n", sort split /\n/, query('TABLE provider_reliability_features')), 'are those that are stored');
is(query('SELECT count(*) FROM liveness_jobs WHERE last_error IS NOT NULL'), 0, 'no run failed');

$node->stop;
done_testing();
