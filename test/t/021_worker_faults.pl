# The worker, the server, the extension and the database are stopped, killed and
# dropped while heartbeats come in. Every heartbeat for which liveness_emit() said
# true is in the table, once, or is counted as one that is not.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $settings = q{
	timezone = 'UTC'
	log_statement = none
	restart_after_crash = on
	max_prepared_transactions = 2
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	# small batches, and many: there are more moments to be hit in
	liveness.flush_interval = '10ms'
	liveness.batch_size = 20
	# no write is given up because the machine is slow
	liveness.flush_timeout = '10min'
};
my $limit = $PostgreSQL::Test::Utils::timeout_default;
my $node = PostgreSQL::Test::Cluster->new('faults');
$node->init;
$node->append_conf('postgresql.conf', $settings);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub error_of
{
	my ($server, $sql, $database) = @_;
	my $err = '';
	$server->psql($database // 'postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Change a setting and wait until new sessions have it
sub set
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = '$value'\n");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'") or die "$name did not change";
	return;
}

# Change settings with certainty that the worker knows them
sub restart_with
{
	my (%value) = @_;
	$node->append_conf('postgresql.conf', "$_ = '$value{$_}'\n") for keys %value;
	$node->restart;
	return wait_for_worker($node);
}

my $worker_state = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL};

# The worker has a state once it has opened the buffer
sub wait_for_worker
{
	my ($server) = @_;
	$server->poll_query_until('postgres', $worker_state) or die 'there is no worker';
	return $server->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'liveness worker'});
}

sub counter
{
	my ($name) = @_;
	return query("SELECT value FROM liveness_stats WHERE name = 'liveness_$name'");
}

# Every heartbeat is accounted for: those taken are in the table, or counted as not
# written, and none is in the buffer
my $accounts = q{
	SELECT coalesce(sum(value) FILTER (WHERE name = 'liveness_emitted_total'), 0)
		- coalesce(sum(value) FILTER (WHERE name IN ('liveness_rows_set_aside_total', 'liveness_rows_lost_total')), 0)
		- (SELECT count(*) FROM provider_heartbeats) AS missing,
		sum(value) FILTER (WHERE name = 'liveness_buffered') AS buffered
	FROM liveness_stats
};

# ---------- emitters ----------

# Emits 1, 2, 3 ... as :client, and shows after each whether it was taken. Ends when
# there is a table named stop; a loss of its connection ends it too.
my $script = <<'END';
for (my $i = 1;; $i++)
{
	print "SELECT $i, liveness_emit(:'client', active_model => '$i') FROM pg_sleep(0.0005);\n" or exit;
	print "SELECT to_regclass('public.stop') IS NOT NULL AS stop \\gset\n\\if :stop\n\\quit\n\\endif\n" if $i % 20 == 0;
}
END

my $clients = 0;

sub start_emitters
{
	my ($server, $database) = @_;
	my @emitters;
	for (1 .. 4)
	{
		my $client = 'c' . ++$clients;
		my $out = $server->basedir . "/$client";
		my $run = IPC::Run::start(
			[ $^X, '-e', $script ], '<', '/dev/null', '|',
			[ 'psql', '-XAtq', '-v', "client=$client", '-v', 'VERBOSITY=sqlstate', '-v', 'stop=0',
				'-d', $server->connstr($database // 'postgres') ],
			'>', $out, '2>', "$out.err");
		push @emitters, { client => $client, out => $out, run => $run };
	}
	wait_for_emits(\@emitters, 50);
	return \@emitters;
}

# What an emitter has been told so far: number => t or f
sub told
{
	my ($emitter) = @_;
	return { slurp_file($emitter->{out}) =~ /^(\d+)\|([tf])$/mg };
}

# Wait until each emitter has had so many heartbeats taken, from now on
sub wait_for_emits
{
	my ($emitters, $more) = @_;
	for my $emitter (@$emitters)
	{
		my $target = keys(%{ told($emitter) }) + $more;
		my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
		while (keys(%{ told($emitter) }) < $target)
		{
			die 'an emitter stands still' if time > $deadline;
			usleep(10_000);
		}
	}
	return;
}

sub finish_emitters
{
	my ($emitters) = @_;
	for my $emitter (@$emitters)
	{
		$emitter->{run}->finish;
		$emitter->{told} = told($emitter);
		$emitter->{errors} = slurp_file("$emitter->{out}.err");
	}
	return;
}

sub stop_emitters
{
	my ($emitters) = @_;
	query('CREATE TABLE public.stop ()');
	finish_emitters($emitters);
	query('DROP TABLE public.stop');
	return;
}

# SQLSTATEs that the emitters got
sub errors_of
{
	my ($emitters) = @_;
	my %seen;
	for my $emitter (@$emitters)
	{
		$seen{$1} = 1 while $emitter->{errors} =~ /(?:ERROR|FATAL): +(\w+)$/mg;
	}
	return join ' ', sort keys %seen;
}

# Compare what the emitters were told with the table
sub compare
{
	my ($emitters) = @_;
	my %stored;
	$stored{$_}++ for split /\n/, query('SELECT provider_id, active_model FROM provider_heartbeats WHERE provider_id IN ('
		. join(', ', map { "'$_->{client}'" } @$emitters) . ')');
	my %result = (taken => 0, missing => 0, doubled => 0);
	for my $emitter (@$emitters)
	{
		while (my ($i, $taken) = each %{ $emitter->{told} })
		{
			my $is_stored = delete $stored{"$emitter->{client}|$i"} // 0;
			$result{taken} += $taken eq 't';
			$result{missing}++ if $taken eq 't' && !$is_stored;
			$result{doubled}++ if $is_stored > 1;
		}
	}
	$result{untold} = keys %stored;
	$result{doubled} += grep { $_ > 1 } values %stored;
	return \%result;
}

# The same, tested. A client that lost its connection may have emitted one heartbeat
# that it was not told of, the last.
sub compare_ok
{
	my ($emitters, $max_untold, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $result = compare($emitters);
	cmp_ok($result->{taken}, '>', 100, "$name: heartbeats were taken");
	is("$result->{missing} $result->{doubled}", '0 0', "$name: none is missing, none is doubled");
	cmp_ok($result->{untold}, '<=', $max_untold, "$name: none is there that was not emitted");
	return;
}

# ---------- a worker that is stopped ----------

wait_for_worker($node);
my $emitters = start_emitters($node);
query(qq{SET test.patience = '$limit s';} . q{
	DO $$
	DECLARE
		worker int;
		replaced int;
		started timestamptz;
	BEGIN
		SELECT pid INTO STRICT worker FROM pg_stat_activity WHERE backend_type = 'liveness worker';
		FOR i IN 1 .. 100 LOOP
			-- not always at the same moment of its round
			PERFORM pg_sleep(random() * 0.03);
			IF NOT pg_terminate_backend(worker) THEN
				RAISE EXCEPTION 'no worker to be terminated';
			END IF;
			started := clock_timestamp();
			LOOP
				PERFORM pg_stat_clear_snapshot();
				SELECT pid INTO replaced FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND pid <> worker;
				EXIT WHEN FOUND;
				IF clock_timestamp() > started + current_setting('test.patience')::interval THEN
					RAISE EXCEPTION 'no new worker after termination %', i;
				END IF;
				PERFORM pg_sleep(0.001);
			END LOOP;
			worker := replaced;
		END LOOP;
	END $$;
});
wait_for_worker($node);
wait_for_emits($emitters, 50);
stop_emitters($emitters);
query('SELECT liveness_flush()');
my $exits = () = slurp_file($node->logfile) =~ /background worker "liveness worker" \(PID \d+\) exited with exit code 1$/mg;
is($exits, 100, 'the worker was terminated a hundred times, and came back');
is(errors_of($emitters), '55000', 'emitters were told while it was away');
compare_ok($emitters, 0, 'terminated');
is(query($accounts), '0|0', 'the counters say so too');
is(counter('rows_set_aside_total') . counter('rows_lost_total') . counter('dropped_total'), '000', 'none was set aside, lost or dropped');

# Cancelled: at any moment, then so often that whatever the worker does is hit
my $pid = wait_for_worker($node);
$emitters = start_emitters($node);
query(qq{
	DO \$\$
	BEGIN
		FOR i IN 1 .. 200 LOOP
			PERFORM pg_cancel_backend($pid), pg_sleep(random() * 0.005);
		END LOOP;
	END \$\$;
});
is(wait_for_worker($node), $pid, 'a cancel does not end the worker');
query('SELECT liveness_flush()');	# after a success, it does not wait long to try again
my $rolled_back = q{SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'};
my $failed = query($rolled_back);
query(qq{
	DO \$\$
	DECLARE
		started timestamptz := clock_timestamp();
	BEGIN
		WHILE pg_cancel_backend($pid) LOOP
			PERFORM pg_cancel_backend($pid) FROM generate_series(1, 1000);
			PERFORM pg_stat_clear_snapshot();
			EXIT WHEN ($rolled_back) >= $failed + 4
				OR clock_timestamp() > started + interval '$limit s';
		END LOOP;
	END \$\$;
});
stop_emitters($emitters);
query('SELECT liveness_flush()');
cmp_ok(query($rolled_back), '>=', $failed + 4, 'writing was cancelled');
is(wait_for_worker($node), $pid, 'nor does a hail of them');
is(errors_of($emitters), '', 'and emitters do not notice');
compare_ok($emitters, 0, 'cancelled');
is(query($accounts), '0|0', 'as the counters say');

# ---------- a server that is stopped ----------

my $since = query('SELECT DISTINCT since FROM liveness_stats');
for my $round (1 .. 5)
{
	$emitters = start_emitters($node);
	my $emitted = counter('emitted_total');
	$node->stop('fast');
	finish_emitters($emitters);
	$node->start;
	wait_for_worker($node);
	compare_ok($emitters, 4, "fast shutdown $round");
	is(query('SELECT DISTINCT since FROM liveness_stats'), $since, 'the counters survive it');
	cmp_ok(counter('emitted_total'), '>=', $emitted, 'with what they held');
	is(query($accounts), '0|0', 'and are right');
	is(counter('rows_lost_total'), 0, 'nothing is counted as lost');
}

# Smart, with a heartbeat in the buffer that nobody would have written for an hour
restart_with('liveness.flush_interval' => '1h');
is(query(q{SELECT liveness_emit('smart')}), 't', 'one is emitted');
is(counter('buffered'), 1, 'and waits');
$node->stop('smart');
$node->start;
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'smart'}), 1, 'a smart shutdown writes it');
is(query($accounts), '0|0', 'as the counters say');

# Fast, with the table locked by somebody who does not go when the server does, or ever
restart_with('liveness.flush_timeout' => '2s');
query(q{BEGIN; LOCK TABLE provider_heartbeats IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'keeper'});
is(query(q{SELECT DISTINCT liveness_emit('lost') FROM generate_series(1, 7)}), 't', 'seven are emitted behind a lock');
my $offset = -s $node->logfile;
my $begin = time;
ok($node->stop('fast', fail_ok => 1), 'a lock does not hold up the shutdown for ever');
my $duration = time - $begin;
cmp_ok($duration, '>=', 2, "but for liveness.flush_timeout, 2 s ($duration s)");
ok($node->log_contains(qr/LOG:  7 heartbeats were still in the buffer when the server stopped/, $offset), 'the log tells what was lost');
$node->append_conf('postgresql.conf', "liveness.flush_timeout = '10min'\n");
$node->start;
is(counter('rows_lost_total'), 7, 'and so do the counters');
query(q{COMMIT PREPARED 'keeper'});
wait_for_worker($node);
is(query(q{SELECT liveness_emit('found')}), 't', 'it goes on');
is(query('SELECT liveness_flush()'), 1, 'with what comes later');
is(query(q{SELECT string_agg(provider_id, ' ') FROM provider_heartbeats WHERE provider_id IN ('lost', 'found')}), 'found', 'alone');
is(query($accounts), '0|0', 'every heartbeat is accounted for');
is(query(q{SELECT liveness_emit('last')}), 't', 'one more');
$node->stop('fast');
$node->start;
is(counter('rows_lost_total'), 7, 'a clean shutdown adds nothing to what was lost');

# ---------- a server that crashes ----------

set('liveness.flush_interval', '10ms');

# Heartbeats of the emitters that were taken before now
sub taken_so_far
{
	my ($emitters) = @_;
	my @taken;
	for my $emitter (@$emitters)
	{
		my $told = told($emitter);
		push @taken, map { "$emitter->{client}|$_" } grep { $told->{$_} eq 't' } keys %$told;
	}
	return \@taken;
}

# How many of these are not in the table, and how many are there twice
sub flushed
{
	my ($taken) = @_;
	my %stored;
	$stored{$_}++ for split /\n/, query('SELECT provider_id, active_model FROM provider_heartbeats');
	return (scalar grep { !$stored{$_} } @$taken) . ' ' . (scalar grep { $_ > 1 } values %stored);
}

my $accounts_of_new = q{
	SELECT sum(value) FILTER (WHERE name = 'liveness_emitted_total'), sum(value) FILTER (WHERE name = 'liveness_flush_rows_total'),
		sum(value) FILTER (WHERE name IN ('liveness_buffered', 'liveness_rows_set_aside_total', 'liveness_rows_lost_total'))
	FROM liveness_stats
};
my $counted = q{
	SELECT coalesce(sum(value), 0) FROM liveness_stats WHERE name IN ('liveness_emitted_total', 'liveness_flush_rows_total', 'liveness_buffered', 'liveness_rows_lost_total')
};

# Kill the postmaster, and start again once it and its worker have gone
sub kill_and_start
{
	my ($emitters) = @_;
	my @pids = (wait_for_worker($node), split /\n/, slurp_file($node->data_dir . '/postmaster.pid'));
	$node->kill9;
	finish_emitters($emitters);
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if !kill(0, $pids[0]) && !kill(0, $pids[1]) && $node->start(fail_ok => 1);
		usleep(100_000);
	}
	die 'the server does not start';
}

query('TRUNCATE provider_heartbeats');
wait_for_worker($node);
$since = query('SELECT DISTINCT since FROM liveness_stats');
$emitters = start_emitters($node);
my $taken = taken_so_far($emitters);
query('SELECT liveness_flush()');
kill_and_start($emitters);
wait_for_worker($node);
cmp_ok(scalar(@$taken), '>=', 200, 'the postmaster is killed under load');
is(flushed($taken), '0 0', 'all that was flushed before is there, and nothing twice');
is(query(qq{SELECT DISTINCT since > '$since' FROM liveness_stats}), 't', 'the counters began again');
is(query($counted), 0, 'at zero');
is(compare($emitters)->{doubled}, 0, 'and what was in the buffer is not written twice');
is(query(q{SELECT liveness_emit('again'), liveness_emit('again')}), 't|t', 'it goes on');
query('SELECT liveness_flush()');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'again'}), 2, 'and writes');
is(query($accounts_of_new), '2|2|0', 'from an empty buffer');

query('TRUNCATE provider_heartbeats');
query('SELECT liveness_stats_reset()');
$since = query('SELECT DISTINCT since FROM liveness_stats');
$pid = wait_for_worker($node);
my $postmaster = query('SELECT pg_postmaster_start_time()');
$emitters = start_emitters($node);
$taken = taken_so_far($emitters);
query('SELECT liveness_flush()');
kill(9, $pid) or die 'the worker is not there';
finish_emitters($emitters);
# until the server notices, it takes connections still
$node->wait_for_log(qr/background worker "liveness worker" \(PID $pid\) was terminated by signal 9/);
$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
isnt(wait_for_worker($node), $pid, 'the worker is killed, and comes back');
is(query('SELECT pg_postmaster_start_time()'), $postmaster, 'by the same postmaster');
is(flushed($taken), '0 0', 'all that was flushed before is there, and nothing twice');
is(query(qq{SELECT DISTINCT since > '$since' FROM liveness_stats}), 't', 'the counters began again');
is(query($counted), 0, 'at zero');
is(query(q{SELECT liveness_emit('again'), liveness_emit('again')}), 't|t', 'it goes on');
query('SELECT liveness_flush()');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'again'}), 2, 'and writes');
is(query($accounts_of_new), '2|2|0', 'from an empty buffer');

# An immediate shutdown is a crash, too
restart_with('liveness.flush_interval' => '1h');
$since = query('SELECT DISTINCT since FROM liveness_stats');
is(query(q{SELECT liveness_emit('gone')}), 't', 'one is emitted');
$node->stop('immediate');
$node->start;
is(query(qq{SELECT DISTINCT since > '$since' FROM liveness_stats}), 't', 'after an immediate shutdown the counters began again');
is(query($counted), 0, 'at zero');
is(query(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'gone'}), 0, 'and what was in the buffer is gone');
set('liveness.flush_interval', '10ms');

# ---------- an extension that is dropped ----------

query('TRUNCATE provider_heartbeats');
query('SELECT liveness_stats_reset()');
$pid = wait_for_worker($node);
$emitters = start_emitters($node);
query('DROP EXTENSION liveness CASCADE');
# each emitter has found its function gone
for my $emitter (@$emitters)
{
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (slurp_file("$emitter->{out}.err") !~ /ERROR/)
	{
		die 'an emitter emits still' if time > $deadline;
		usleep(10_000);
	}
	$emitter->{before} = (sort { $b <=> $a } keys %{ told($emitter) })[0];
}
query('CREATE EXTENSION liveness');
is(query(q{SELECT count(*) FROM provider_heartbeats h WHERE (h.provider_id, h.active_model::int) IN (} . join(', ', map { "('$_->{client}', $_->{before})" } @$emitters) . ')'),
	0, 'the new table is without heartbeats of the old one');
wait_for_emits($emitters, 50);
stop_emitters($emitters);
query('SELECT liveness_flush()');
is(query('SELECT count(*) FROM provider_heartbeats h WHERE ' . join(' OR ', map { "h.provider_id = '$_->{client}' AND h.active_model::int <= $_->{before}" } @$emitters)),
	0, 'and stays so');
cmp_ok(query('SELECT min(n) FROM (SELECT count(*) AS n FROM provider_heartbeats GROUP BY provider_id) h'), '>=', 50, 'what each emitter emits from then on is there');
is(query('SELECT count(*) FROM (SELECT FROM provider_heartbeats GROUP BY provider_id, active_model HAVING count(*) > 1) h'), 0, 'once');
is(query(q{SELECT sum(CASE name WHEN 'liveness_emitted_total' THEN value ELSE -value END) FROM liveness_stats
	WHERE name IN ('liveness_emitted_total', 'liveness_flush_rows_total', 'liveness_rows_set_aside_total')}), 0, 'every heartbeat was written or set aside');
# all that was told of after the drop
my $after = 0;
for my $emitter (@$emitters)
{
	$after += grep { $_ > $emitter->{before} && $emitter->{told}{$_} eq 't' } keys %{ $emitter->{told} };
}
is(query('SELECT count(*) FROM provider_heartbeats'), $after, 'as many as the emitters were told');
is(wait_for_worker($node), $pid, 'the worker is the same');

# Heartbeats that wait while it is dropped
$pid = restart_with('liveness.flush_interval' => '1h', 'liveness.batch_size' => 1000);
query('SELECT liveness_flush(), liveness_stats_reset()');
is(query(q{SELECT DISTINCT liveness_emit('old') FROM generate_series(1, 10)}), 't', 'ten wait');
query('DROP EXTENSION liveness CASCADE');
query('CREATE EXTENSION liveness');
is(query(q{SELECT DISTINCT liveness_emit('new') FROM generate_series(1, 5)}), 't', 'five more come');
is(query('SELECT liveness_flush()'), 5, 'of which five are written');
is(query('SELECT provider_id, count(*) FROM provider_heartbeats GROUP BY 1'), 'new|5', 'those of the new extension');
is(counter('rows_set_aside_total'), 10, 'the others are set aside');
is(query(q{SELECT DISTINCT liveness_emit('old') FROM generate_series(1, 3)}), 't', 'three wait');
query('BEGIN; DROP EXTENSION liveness CASCADE; CREATE EXTENSION liveness; COMMIT');
is(query(q{SELECT DISTINCT liveness_emit('new') FROM generate_series(1, 2)}), 't', 'and two come after a drop and create in one transaction');
is(query('SELECT liveness_flush()'), 2, 'two are written');
is(query('SELECT provider_id, count(*) FROM provider_heartbeats GROUP BY 1'), 'new|2', 'those of the new extension');
is(counter('rows_set_aside_total'), 13, '10 + 3 are set aside');
is(query(q{SELECT DISTINCT liveness_emit('kept') FROM generate_series(1, 3)}), 't', 'three wait');
query('BEGIN; DROP EXTENSION liveness CASCADE; ROLLBACK');
is(query('SELECT liveness_flush()'), 3, 'a drop that is rolled back sets none aside');
is(wait_for_worker($node), $pid, 'the worker is the same');

# A worker with nothing to do is in nobody's way
my $patient = "SET statement_timeout = '$limit s'";
ok($node->poll_query_until('postgres', qq{SELECT (SELECT count(*) FROM pg_locks WHERE pid = $pid), xact_start IS NULL AND backend_xmin IS NULL, state FROM pg_stat_activity WHERE pid = $pid},
	'0|t|idle'), 'idle, it holds no lock and no snapshot');
is(error_of($node, qq{$patient; COMMENT ON EXTENSION liveness IS 'x'; ALTER EXTENSION liveness UPDATE TO '1.0'; ALTER TABLE provider_heartbeats SET (fillfactor = 90);})
		=~ s/.*NOTICE:  00000: version "1.0" of extension "liveness" is already installed\n(LOCATION: .*)?//r,
	'', 'nor in the way of COMMENT, ALTER EXTENSION and ALTER TABLE');
query('CREATE DATABASE other');
is(error_of($node, "$patient; DROP DATABASE other;"), '', 'nor of DROP DATABASE, which wants an answer of every process');
set('liveness.flush_interval', '10ms');
set('liveness.batch_size', 20);
query('CREATE DATABASE other');
$emitters = start_emitters($node);
is(error_of($node, "$patient; DROP DATABASE other;"), '', 'nor when it is busy');
stop_emitters($emitters);
query('SELECT liveness_flush()');
compare_ok($emitters, 0, 'DROP DATABASE of another');
$node->stop;

# ---------- the worker's own database is dropped ----------

# Returns the error.  Those whom it disconnects have 5 s to go, which on a slow machine
# they may not make.
sub drop_by_force
{
	my $err;
	for (1 .. 20)
	{
		$err = error_of($node, "$patient; DROP DATABASE fleet WITH (FORCE);");
		last if $err !~ /ERROR:  55006/;
	}
	return $err;
}

$node = PostgreSQL::Test::Cluster->new('dropped');
$node->init;
$node->append_conf('postgresql.conf', $settings . "\tliveness.database = 'fleet'\n");
$node->start;
query('CREATE DATABASE fleet');
$node->safe_psql('fleet', 'CREATE EXTENSION liveness');
wait_for_worker($node);
like(error_of($node, 'CREATE EXTENSION liveness; SELECT liveness_emit($$x$$);'),
	qr/ERROR:  55000: liveness_emit\(\) cannot be used in database "postgres"\n.*DETAIL:  The liveness worker serves database "fleet"/s, 'another database than the worker\'s');
$emitters = start_emitters($node, 'fleet');
$postmaster = query('SELECT pg_postmaster_start_time()');
$offset = -s $node->logfile;
is(drop_by_force(), '', 'the database is dropped under load');
finish_emitters($emitters);
like(errors_of($emitters), qr/57P01/, 'emitters are disconnected');

# Starts fail at once, after 1 s, 2 s, 4 s ...
$node->wait_for_log(qr/(?:FATAL:  database "fleet" does not exist.*?){3}/s, $offset);
my $failure = qr/ \d\d:(\d\d):([\d.]+) .*FATAL:  database "fleet" does not exist/;
my $log = slurp_file($node->logfile, $offset);
my @failures;
push @failures, $1 * 60 + $2 while $log =~ /$failure/g;
for my $n (1 .. $#failures)
{
	$duration = ($failures[$n] - $failures[ $n - 1 ]) * 1000 % 3_600_000;
	cmp_ok($duration, '>=', 1000 * 2**($n - 1) - 50, "each attempt to start again waits for twice as long: $duration ms");
}
query('CREATE DATABASE other');
is(error_of($node, "$patient; DROP DATABASE other;"), '', 'a worker that waits to start is not in the way of DROP DATABASE');
is(query('SELECT pg_postmaster_start_time()'), $postmaster, 'the server is up');
query('CREATE DATABASE fleet');
$node->safe_psql('fleet', 'CREATE EXTENSION liveness');
wait_for_worker($node);
is($node->safe_psql('fleet', q{SELECT liveness_emit('new')}), 't', 'which serves it');
$node->safe_psql('fleet', 'SELECT liveness_flush()');
is($node->safe_psql('fleet', 'SELECT provider_id FROM provider_heartbeats'), 'new', 'and writes nothing else to it');
is($node->safe_psql('fleet', q{SELECT sum(CASE name WHEN 'liveness_emitted_total' THEN value ELSE -value END) FROM liveness_stats
	WHERE name IN ('liveness_emitted_total', 'liveness_flush_rows_total', 'liveness_rows_set_aside_total')}), 0, 'every heartbeat was written or set aside');

# The server is stopped while its worker waits to start: for some time to pass, and
# for a lock on the database that nobody will release
$offset = -s $node->logfile;
is(drop_by_force(), '', 'dropped again');
$node->wait_for_log(qr/(?:FATAL:  database "fleet" does not exist.*?){3}/s, $offset);
$offset = -s $node->logfile;
$node->stop('fast');
# within the 4 s that it had to wait
unlike(slurp_file($node->logfile, $offset) =~ s/.*?received fast shutdown request//sr, qr/database "fleet" does not exist/, 'waiting to start again does not hold up a shutdown');
$node->start;
query('CREATE DATABASE fleet');
wait_for_worker($node);
is(drop_by_force(), '', 'and again');
query('CREATE DATABASE fleet');
# the worker may be there again already, and is away for a second when it is told to go
for (1 .. 20)
{
	last if $node->psql('postgres', q{
		SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = 'fleet';
		BEGIN; ALTER DATABASE fleet RENAME TO sold; PREPARE TRANSACTION 'keeper'}) == 0;
}
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND classid = 'pg_database'::regclass}) or die 'the worker does not wait';
ok($node->stop('fast', fail_ok => 1), 'nor does waiting for a lock on the database');
$node->stop('immediate');

# ---------- standbys ----------

$node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', $settings);
$node->start;
query('CREATE EXTENSION liveness');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
wait_for_worker($node);
query(q{SELECT liveness_emit('primary')});
query('SELECT liveness_flush()');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT string_agg(provider_id, $$ $$) FROM provider_heartbeats'), 'primary', 'heartbeats arrive on the standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'liveness%'}), 0, 'where no worker runs');
for my $call (q{liveness_emit('x')}, 'liveness_flush()')
{
	like(error_of($standby, "SELECT $call;"), qr/ERROR:  55000: liveness_\w+\(\) cannot be used on a standby\nHINT:  Connect to the primary\./, "$call says so");
}
is($standby->safe_psql('postgres', q{SELECT value FROM liveness_stats WHERE name = 'liveness_emitted_total'}), 0, 'and counts nothing');
$standby->promote;
wait_for_worker($standby);
is($standby->safe_psql('postgres', q{SELECT liveness_emit('promoted')}), 't', 'promoted, it has a worker');
$standby->safe_psql('postgres', 'SELECT liveness_flush()');
is($standby->safe_psql('postgres', 'SELECT string_agg(provider_id, $$ $$ ORDER BY id) FROM provider_heartbeats'), 'primary promoted', 'which writes, after what came from the primary');
$standby->stop;

# A synchronous standby that is not there: what is written waits for it until
# liveness.flush_timeout, and stays written
query('TRUNCATE provider_heartbeats');
query('SELECT liveness_stats_reset()');
set('liveness.flush_timeout', '5s');
set('liveness.batch_size', 1000);	# few batches, as each waits
set('synchronous_standby_names', 'nobody');
$pid = wait_for_worker($node);
$emitters = start_emitters($node);
$node->poll_query_until('postgres', qq{SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid}) or die 'the worker does not wait for the standby';
query(qq{SELECT pg_cancel_backend($pid)});
wait_for_emits($emitters, 50);
query(qq{SELECT pg_terminate_backend($pid)});
$node->poll_query_until('postgres', "$worker_state AND pid <> $pid") or die 'there is no new worker';
$node->poll_query_until('postgres', q{SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE backend_type = 'liveness worker'}) or die 'the worker does not wait for the standby';
wait_for_emits($emitters, 50);
ok($node->stop('fast', fail_ok => 1), 'a standby that is not there does not hold up a shutdown');
finish_emitters($emitters);
$node->start;
compare_ok($emitters, 4, 'without the synchronous standby');
is(query($accounts), '0|0', 'as the counters say');
is(counter('rows_lost_total'), 0, 'none is lost');

$node->stop;
done_testing();
