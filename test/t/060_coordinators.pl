# The coordinators of examples/coordinator, one in each language and one of each behind PgBouncer,
# all at once on one server: the same events, and then the sessions and heartbeats of each, to the
# row.  Meanwhile heartbeats are malformed, the buffer is full, and the server stops and crashes.
use strict;
use warnings;

use IO::Handle;
use IPC::Run;
use Liveness::Clients qw(client_commands start_pgbouncer);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($commands, $missing) = client_commands("$ENV{TESTDIR}/../examples/coordinator/coordinator");
plan skip_all => 'no driver is there' unless %$commands;

my $node = PostgreSQL::Test::Cluster->new('coordinators');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
# small, so that it can be full; and nothing becomes stale because this machine is slow
$node->append_conf('postgresql.conf', <<'END');
timezone = 'America/New_York'
shared_preload_libraries = 'liveness'
liveness.database = 'fleet'
liveness.buffer_size = '64kB'
liveness.session_timeout = '1h'
END
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE fleet; CREATE ROLE coordinator LOGIN');
$node->safe_psql('fleet', q{CREATE EXTENSION liveness; SELECT liveness_grant_writer('coordinator')});

sub query
{
	return $node->safe_psql('fleet', shift);
}

#--- The coordinators

my %pgbouncer = start_pgbouncer($node, 'coordinator');
my %coordinator;
foreach my $language (sort keys %$commands)
{
	$coordinator{$language} = { command => $commands->{$language}, env => { PGHOST => $node->host, PGPORT => $node->port } };
	$coordinator{"$language-pgbouncer"} = { command => $commands->{$language}, env => {%pgbouncer} } if %pgbouncer;
}
my @names = sort keys %coordinator;

sub start_coordinator
{
	my ($name) = @_;
	my $c = $coordinator{$name};
	local %ENV = (%ENV, PGDATABASE => 'fleet', PGUSER => 'coordinator', %{ $c->{env} });
	$c->{log} = "$PostgreSQL::Test::Utils::log_path/060_coordinators_$name.log";
	pipe my $events, $c->{in} or die "pipe: $!";
	$c->{in}->autoflush;
	$c->{run} = IPC::Run::start([ @{ $c->{command} }, $name ], '<', $events, '>&', $c->{log});
	return;
}

END
{
	local $?;
	$_->{run} && $_->{run}->kill_kill for values %coordinator;
}

# Events, for each of them
sub happens
{
	my ($lines) = @_;
	foreach my $name (@names)
	{
		print { $coordinator{$name}{in} } $lines =~ s/NAME/$name/gr;
	}
	return;
}

# Heartbeats, each with a number of its own
my @beats;

sub beat
{
	my ($provider, %with) = @_;
	push @beats, $provider;
	return sprintf qq(beat %s {"status":"NAME","active_model":"%d","cpu_usage":%.2f%s}\n), $provider, scalar(@beats), @beats % 100 / 100,
	  join '', map { qq(,"$_":$with{$_}) } sort keys %with;
}

sub wait_for
{
	my ($what, $sql) = @_;
	foreach my $name (@names)
	{
		$node->poll_query_until('fleet', $sql =~ s/NAME/$name/gr)
		  or die "$name: $what does not come: " . slurp_file($coordinator{$name}{log});
	}
	return;
}

# Nothing is on its way any more
sub wait_for_beats
{
	my $n = @beats;
	return wait_for('a heartbeat', "SELECT count(*) >= $n FROM provider_heartbeats WHERE status = 'NAME'");
}

# Each says something, so many times since a mark
sub mark
{
	$coordinator{$_}{mark} = -s $coordinator{$_}{log} foreach @names;
	return;
}

sub wait_for_log
{
	my ($pattern, $times) = @_;
	foreach my $name (@names)
	{
		my $seen = 0;
		for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
		{
			$seen = () = substr(slurp_file($coordinator{$name}{log}), $coordinator{$name}{mark} // 0) =~ /$pattern/g;
			last if $seen >= $times;
			select undef, undef, undef, 0.1;
		}
		$seen >= $times or die "$name does not say $pattern: " . slurp_file($coordinator{$name}{log});
	}
	return;
}

# Sessions: provider, and the reason of the end or open
my @sessions;

sub sessions_are
{
	my ($test) = @_;
	foreach my $name (@names)
	{
		is( query(qq{
				SELECT provider_id, CASE WHEN disconnected_at IS NULL THEN 'open' ELSE disconnect_reason END
				FROM provider_sessions WHERE coordinator_id = '$name' ORDER BY provider_id, 2}),
			join("\n", map { join '|', @$_ } sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } map { [ split /\|/ ] } @sessions), "$name: $test");
	}
	return;
}

sub beats_are
{
	my ($test) = @_;
	my $expected = join "\n", map { sprintf '%d|%s|%s', $_, $beats[ $_ - 1 ], $_ % 100 / 100 } 1 .. @beats;
	foreach my $name (@names)
	{
		is(query("SELECT active_model, provider_id, cpu_usage FROM provider_heartbeats WHERE status = '$name' ORDER BY active_model::int, id"),
			$expected, "$name: $test");
	}
	return;
}

#--- They start.  Each has crashed before and left a session, and so has one that stays away.

query(qq{INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at)
	VALUES ('m-0', '$_', now() - interval '2 hours', now() - interval '1 hour')}) foreach @names, 'elsewhere';
start_coordinator($_) foreach @names;
happens("connect m-$_\n" . beat("m-$_")) foreach 1 .. 4;
wait_for('a session', q{SELECT count(*) = 4 FROM provider_sessions WHERE coordinator_id = 'NAME' AND disconnected_at IS NULL});
wait_for_beats();
@sessions = ('m-0|coordinator_restart', map { "m-$_|open" } 1 .. 4);
sessions_are('orphans are closed, and who connects has a session');
beats_are('and its heartbeats');
is(query(q{SELECT count(*) FROM provider_sessions WHERE provider_id = 'm-0' AND disconnected_at <> last_heartbeat_at}), '0', 'orphans end at their last heartbeat');

#--- What providers do, and what they send that is none

happens("disconnect m-1 read_error\nconnect flap\n" . beat('flap') . "disconnect flap\nconnect m-2\n" . beat('m-2'));
happens(qq(beat m-3 {"cpu_usage":"hot"}\nbeat m-3 {"no_such_column":1}\nbeat m-3 {"cpu_usage":1e300}\nbeat m-3 {"status":"\\u0000"}\n));
happens("beat m-3 [\nnonsense\nabide m-3\nbeat nobody {}\ndisconnect nobody\n" . beat('m-3', memory_available_gb => 'null', capacity => '{"gpus":[1,2]}'));
wait_for_beats();
wait_for('the end of a session', q{SELECT count(*) = 3 FROM provider_sessions WHERE coordinator_id = 'NAME' AND provider_id IN ('flap', 'm-1', 'm-2') AND disconnected_at IS NOT NULL});
wait_for_log(qr/^refused: /m, 4);
@sessions = ('flap|clean_close', 'm-0|coordinator_restart', 'm-1|read_error', 'm-2|duplicate_serial', 'm-2|open', 'm-3|open', 'm-4|open');
sessions_are('each end has its reason');
beats_are('what is malformed does not keep others back');

#--- The buffer is full

my $locker = $node->background_psql('fleet');
$locker->query_safe('BEGIN; LOCK TABLE provider_heartbeats');
my $kilobyte = '"' . ('x' x 1000) . '"';
happens(join '', map { beat('m-4', capacity => $kilobyte) } 1 .. 70);
wait_for_log(qr/^buffer full; heartbeats that wait: [1-9]/m, 1);
$locker->query_safe('COMMIT');
$locker->quit;
wait_for_beats();
beats_are('what found no room came later, once');
cmp_ok(query(q{SELECT value FROM liveness_stats WHERE name = 'liveness_dropped_total'}), '>', 0, 'the buffer was full');

#--- The server stops, and crashes

my $round = 0;
foreach my $mode ('fast', 'immediate')
{
	$round++;
	my ($leaves, $comes, $flaps) = ('m-' . ($round + 2), 'm-' . ($round + 4), "flap-$round");
	mark();
	$node->stop($mode);
	happens("disconnect $leaves read_error\nconnect $comes\n" . beat($comes) . beat('m-2') . "connect $flaps\n" . beat($flaps) . "disconnect $flaps\n");
	wait_for_log(qr/^again in /m, 1);
	$node->start;
	wait_for_log(qr/^connected; /m, 1);
	wait_for_beats();
	wait_for('the end of a session', "SELECT count(*) = 1 FROM provider_sessions WHERE coordinator_id = 'NAME' AND provider_id = '$flaps' AND disconnected_at IS NOT NULL");
	# what was open is cut, but for the one whose end is known
	@sessions = map { /^\Q$leaves\E\|open/ ? "$leaves|read_error" : s/\|open/|coordinator_restart/ ? ($_, s/\|.*/|open/r) : $_ } @sessions;
	push @sessions, "$comes|open", "$flaps|clean_close";
	sessions_are("$mode: sessions begin anew, and what ended meanwhile has its reason");
	beats_are("$mode: heartbeats of the meantime come later");
}

#--- They leave: half of them are told to, the others have no more events

my $told = 0;
foreach my $name (@names)
{
	my $run = $coordinator{$name}{run};
	$told = !$told;
	$told ? $run->signal('TERM') : close $coordinator{$name}{in};
	$run->finish;
	is($run->full_result(0), 0, "$name leaves");
	like(slurp_file($coordinator{$name}{log}), qr/^all is written$/m, '... with all written');
	delete $coordinator{$name}{run};
}
s/\|open/|coordinator_restart/ foreach @sessions;
sessions_are('no session is left');
beats_are('no heartbeat is missing');

is(query(q{SELECT count(*) FROM provider_sessions WHERE disconnected_at IS NULL}), '1', 'but that of a coordinator that stayed away');
is(query(q{SELECT count(*) FROM provider_sessions WHERE disconnected_at < connected_at}), '0', 'no session ends before it begins');
is( query(q{
		SELECT count(*) FROM provider_sessions s JOIN provider_sessions n USING (provider_id, coordinator_id)
		WHERE s.id < n.id AND n.connected_at < s.disconnected_at}),
	'0', 'none begins before the former one of its coordinator has ended');
is(query(q{SELECT failures_count FROM liveness_features_at() WHERE provider_id = 'm-4'}), '1', 'a provider whose connection broke has failed');

note("left out: $_: $missing->{$_}") foreach sort keys %$missing;
note('left out: PgBouncer is not there') unless %pgbouncer;
is(join(' ', @names), join(' ', map { %pgbouncer ? ($_, "$_-pgbouncer") : $_ } sort keys %$commands), 'all that this machine can run has run');

$node->stop;
done_testing();
