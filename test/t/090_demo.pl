# `make demo`: its SQL on a small fleet and on small traces, the rounds of its coordinators,
# and the script as a whole, from a path with blanks.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $scripts = "$ENV{TESTDIR}/../demo.d";
-d $scripts or die "the scripts of the demo are not at $scripts";

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init;
# as the demo sets it
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
wal_level = minimal
max_wal_senders = 0
shared_preload_libraries = 'liveness'
liveness.database = 'fleet'
liveness.scheduler = off
END
$node->start;

# Runs a script (or a command) as scripts/demo does; returns output and errors.
sub run_psql
{
	my ($db, @arg) = @_;
	my $input = ref $arg[-1] ? ${ pop @arg } : '';
	my ($out, $err);
	IPC::Run::run(
		[ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', $db, @arg ],
		'<', \$input, '>', \$out, '2>', \$err);
	return ($out, $err);
}

sub script_ok
{
	my ($db, $script, @variables) = @_;
	my ($out, $err) = run_psql($db, '-f', "$scripts/$script.sql", $script eq 'report' ? () : '-At',
		map { ('-v', $_) } @variables);
	is($err, '', "$script.sql (@variables) in $db raises nothing");
	return $out;
}

sub new_database
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION liveness');
	return;
}

sub longest_line
{
	my ($text) = @_;
	utf8::decode($text);
	return (sort { length($b) <=> length($a) } split /\n/, $text)[0];
}

# The simulated fleet

$ENV{PGCLIENTENCODING} = 'UTF8';
new_database('fleet');
like(script_ok('fleet', 'fleet', 'providers=50'), qr/^\d,\d{3}\n\z/, 'sessions are counted');
is($node->safe_psql('fleet', q{SELECT string_agg(DISTINCT split_part(provider_id, '-', 1), ' ') FROM provider_sessions}),
	'bluegreen flaky new night office steady vanished', 'all temperaments have sessions');
is($node->safe_psql('fleet', 'SELECT count(*) FROM provider_sessions WHERE disconnected_at < connected_at OR connected_at > now()'),
	'0', 'no session ends before it begins, or begins in the future');

like(script_ok('fleet', 'coordinator'), qr/^[1-9]\d* orphans of blue, [1-9]\d* back, [1-9]\d* stale\n\z/,
	'the coordinators have something to do');
is($node->safe_psql('fleet', q{SELECT count(*) FROM provider_sessions WHERE coordinator_id = 'blue' AND disconnected_at IS NULL}),
	'0', 'nothing of blue is open');

like(script_ok('fleet', 'heartbeats', 'days=0.5', 'beat_seconds=300'), qr/^\d,\d{3}\n\z/, 'heartbeats are counted');
is( $node->safe_psql('fleet', q{
		SELECT count(*) FROM provider_heartbeats h
		WHERE NOT EXISTS (
			SELECT FROM provider_sessions s
			WHERE s.provider_id = h.provider_id AND h.at >= s.connected_at
			AND h.at <= coalesce(s.disconnected_at, now()))}),
	'0', 'heartbeats come from sessions only');

# the database is younger than the worker's first attempts to start
$node->poll_query_until('fleet', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'fleet' AND backend_type = 'liveness worker' AND state IS NOT NULL})
  or die 'the worker stays away';
my $connected = $node->safe_psql('fleet', 'SELECT count(DISTINCT provider_id) FROM provider_sessions WHERE disconnected_at IS NULL');
like(script_ok('fleet', 'emit'), qr/^$connected accepted in [\d.]+ ms, $connected on disk [\d.]+ ms later\n\z/,
	'each connected provider sends a heartbeat');
like(script_ok('fleet', 'rollup', 'simulated=on'), qr/^50 providers, \d+ provider-hours\n\z/,
	'the rollups know all that did not vanish, and the two that have just come');
is( $node->safe_psql('fleet', q{
		WITH mean AS (
			SELECT split_part(provider_id, '-', 1) AS temperament, avg(liveness_score) AS score, avg(uptime_pct) AS uptime
			FROM provider_reliability_features
			GROUP BY temperament
		)
		SELECT s.score > n.score AND n.score > f.score AND f.score > v.score, v.score < 0.005, b.uptime >= 0.999
		FROM mean s, mean n, mean f, mean v, mean b
		WHERE s.temperament = 'steady' AND n.temperament = 'night' AND f.temperament = 'flaky'
		AND v.temperament = 'vanished' AND b.temperament = 'bluegreen'}),
	't|t|t', 'the temperaments rank as they should');
is($node->safe_psql('fleet', q{SELECT string_agg(DISTINCT reason, ' ') FROM provider_disconnect_reasons}),
	'clean_close coordinator_restart duplicate_serial read_error stale_heartbeat superseded unspecified',
	'there are sessions that ended for each reason');

my $report = script_ok('fleet', 'report', 'simulated=on');
like($report, qr/^ steady-\d+ +\| 1\.0000 /m, 'the report ranks');
like($report, qr/^UTC 0  3  6  9  12 15 18 21\n(?:\w{3} \S+\n){7}/m, 'the report draws a heatmap');
foreach my $question (split /\n/, <<'END')
Who can be relied on?
How do the temperaments compare?
How available is the fleet?
Why do sessions end?
Do two coordinators at a deploy count twice?
What became of one that vanished?
How are the machines doing?
What do the rollups cost?
What has the server counted?
Who can take a 6-hour job now?
END
{
	like($report, qr/^== \Q$question\E/m, "the report asks: $question");
}
cmp_ok(length(longest_line($report)), '<=', 80, 'the report fits a terminal')
  or diag(longest_line($report));

# The coordinators go on

sub query
{
	return $node->safe_psql('fleet', shift);
}

# nothing becomes stale, and no coordinator restarts, because this machine is slow
query(q{ALTER SYSTEM SET liveness.session_timeout = '1h'});
query('SELECT pg_reload_conf()');
$node->poll_query_until('fleet', q{SELECT current_setting('liveness.session_timeout') = '1h'}) or die 'the setting does not come';
script_ok('fleet', 'live', 'speed=60');
query(q{UPDATE demo.coordinator SET goes_at = now() + interval '1 day', back_at = now() + interval '1 day'});

# A round, and how many it says have come, gone, become stale, were orphans, and sent a heartbeat
sub tick
{
	my ($last) = @_;
	query(q{UPDATE demo.live SET ticked_at = now() - interval '} . ($last // '0') . q{'});
	my ($line) = query('SELECT demo.tick()');
	my @numbers = $line =~ /^\d\d:\d\d:\d\d: (\d+) come, (\d+) gone, (\d+) stale, (\d+) orphans, (\d+) heartbeats; up: (.*)$/
	  or die "a round says: $line";
	return @numbers;
}

# Nothing happens by itself until a step says so
query('UPDATE demo.machine SET changes_at = NULL');
is(query(q{SELECT count(*) FROM demo.machine WHERE temperament = 'vanished'}), 0, 'who has vanished stays away');
my $there = query('SELECT count(*) FROM demo.machine WHERE is_there');
my $heartbeats = query('SELECT liveness_flush(), count(*) FROM provider_heartbeats') =~ s/.*\|//r;
is_deeply([ tick() ], [ 0, 0, 0, 0, $there, 'blue, green' ], 'a round: a heartbeat of each');
query('SELECT liveness_flush()');
is(query('SELECT count(*) FROM provider_heartbeats'), $heartbeats + $there, '... is written');

query(q{UPDATE demo.machine SET changes_at = demo.clock_time() WHERE is_there AND temperament <> 'bluegreen'});
my $bluegreen = query(q{SELECT count(*) FROM demo.machine WHERE temperament = 'bluegreen'});
is_deeply([ tick() ], [ 0, $there - $bluegreen, 0, 0, $bluegreen, 'blue, green' ], 'all of them go but those that never do');
is(query('SELECT count(*) FROM demo.machine WHERE is_there'), $bluegreen, '... and are away');
is(query('SELECT count(*) FROM demo.machine WHERE changes_at <= demo.clock_time()'), 0, '... for a while');
cmp_ok(query('SELECT count(*) FROM provider_sessions WHERE disconnected_at = (SELECT ticked_at FROM demo.live)'),
	'<=', $there - $bluegreen, 'most of them noticed');

query('UPDATE demo.machine SET changes_at = demo.clock_time() WHERE NOT is_there');
my $machines = query('SELECT count(*) FROM demo.machine');
is_deeply([ (tick())[ 0, 1, 3, 4 ] ], [ $machines - $bluegreen, 0, 0, $machines ], 'all of them come');
query('UPDATE demo.machine SET changes_at = NULL');
my $each_has_one = q{
	SELECT count(*) FILTER (WHERE s.coordinator_id = m.coordinator_id) FROM demo.machine m
	JOIN provider_sessions s ON s.id = m.session_id AND s.provider_id = m.provider_id AND s.disconnected_at IS NULL};
is(query($each_has_one), $machines, '... and each has a session of its coordinator');

query(q{UPDATE demo.coordinator SET goes_at = now(), back_at = now() + interval '1 hour' WHERE coordinator_id = 'green'});
my $blue = query(q{SELECT count(*) FROM demo.machine WHERE coordinator_id = 'blue'});
is_deeply([ tick() ], [ 0, 0, 0, 0, $blue, 'blue' ], 'a coordinator that is away hears nobody');
query(q{UPDATE demo.coordinator SET back_at = now() WHERE coordinator_id = 'green'});
my $open = query(q{SELECT count(*) FROM provider_sessions WHERE coordinator_id = 'green' AND disconnected_at IS NULL});
is_deeply([ tick() ], [ $machines - $blue, 0, 0, $open, $machines, 'blue, green' ], 'back, it closes its orphans, and opens sessions again');
is(query($each_has_one), $machines, '... one for each');

$open = query('SELECT count(*) FROM provider_sessions WHERE disconnected_at IS NULL');
is_deeply([ tick('2 minutes') ], [ $machines, 0, 0, $open, $machines, 'blue, green' ], 'after two minutes without a server both begin anew');
is(query($each_has_one), $machines, '... with one for each');

# As somebody calls it.  It would not return from here if what it leaves running held its output.
sub demo
{
	my ($dir, @arg) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PG_BIN} = PostgreSQL::Test::Utils::run_command([ 'pg_config', '--bindir' ]);
	local $ENV{TMPDIR} = $dir;
	local $ENV{DEMO_NAME} = 'test-demo';
	local $ENV{INSTALLED} = 1;
	local $ENV{PGCTLTIMEOUT} = $PostgreSQL::Test::Utils::timeout_default;
	IPC::Run::run([ 'bash', "$dir/with blanks/scripts/demo", @arg ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# What runs whose command line names a directory
sub running
{
	my ($dir) = @_;
	my @found;
	foreach my $file (glob '/proc/[0-9]*/cmdline')
	{
		open my $fh, '<', $file or next;
		my $line = do { local $/; <$fh> } // '';
		push @found, $line =~ tr/\0/ /r if index($line, $dir) >= 0 && $file !~ m{/$$/};
	}
	return @found;
}

my $tmp = PostgreSQL::Test::Utils::tempdir_short();
mkdir "$tmp/with blanks" or die;
PostgreSQL::Test::RecursiveCopy::copypath("$ENV{TESTDIR}/../scripts", "$tmp/with blanks/scripts");
{
	local $ENV{SPEED} = '0';
	my ($status, $out, $err) = demo($tmp);
	is("$status $err", "1 demo: SPEED must be a whole number from 1 to 9999, and is 0\n", 'a speed that is none');
}
{
	local $ENV{PROVIDERS} = '50';
	local $ENV{SPEED} = '60';
	my ($status, $out, $err) = demo($tmp);
	is("$status $err", '0 ', 'the demo runs') or diag($out);
	my ($page) = $out =~ m{^    (\S+/report\.html)$}m;
	like(slurp_file($page), qr{<html.*</html>}s, 'it ends with a page to open');
	my ($host) = $out =~ /^    psql -h (\S+) -U postgres liveness$/m;
	is((stat $host)[2] & 07777, 0711, 'whose folder others may pass, and not list');
	my @psql = ('psql', '-X', '-At', '-h', $host, '-p', 5432, '-U', 'postgres', '-d', 'liveness', '-c');
	my $count = sub { (run_command([ @psql, 'SELECT count(*) FROM provider_heartbeats' ]))[0] };
	my $before = $count->();
	my $more = 0;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$more = $count->() > $before and last;
		select undef, undef, undef, 0.1;
	}
	ok($more, 'heartbeats go on');
	is_deeply([ run_command([ @psql, q{SELECT current_setting('liveness.rollup_interval'), sum(speed) FROM demo.live} ]) ], [ '1min|60', '' ],
		'... at the speed that was asked for');
	foreach my $watched ($out =~ /^    (SELECT .*) \\watch 10$/mg)
	{
		is((run_command([ @psql, $watched ]))[1], '', "one can watch: $watched");
	}
	($status, $out, $err) = demo($tmp, '--stop');
	is("$status $out$err", "0 Stopped the demo, and removed $host.\n", 'it can be stopped');
	my $left = 1;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$left = () = running($host);
		last if $left == 0;
		select undef, undef, undef, 0.1;
	}
	is($left, 0, '... and nothing is left running') or diag(running($host));
	ok(!-e $host, '... or lying about');
	is_deeply([ demo($tmp, '--stop') ], [ 0, '', '' ], '... so there is nothing to stop');
}

# Traces

my $header = "node_id,start,end,censored\n";

sub load_trace
{
	my ($db, $trace, $as_of) = @_;
	new_database($db);
	script_ok($db, 'trace_table');
	my (undef, $copy_error) = run_psql($db, '-c', 'COPY demo.trace FROM STDIN (FORMAT csv, HEADER)', \$trace);
	return $copy_error if $copy_error ne '';
	my ($out, $error) = run_psql($db, '-At', '-f', "$scripts/trace.sql", '-v', 'as_of=' . ($as_of // ''));
	return $error ne '' ? $error : $out;
}

# 40 days of a node that is always up, one that is up every other day, and
# one that is gone after a fortnight
my $day = 86400;
my $from = 1_000_000_000;
my $trace = $header . "always,$from," . ($from + 40 * $day) . ",1\n" . "gone,$from," . ($from + 14 * $day) . ",0\n";
$trace .= "alternate," . ($from + 2 * $_ * $day) . ',' . ($from + (2 * $_ + 1) * $day) . ",0\n" foreach 0 .. 19;
is(load_trace('trace', $trace), "22 sessions of 3 nodes\n", 'a trace is loaded');
is(script_ok('trace', 'rollup', 'simulated=off'), "2 of 3 nodes, as of 2001-10-18 01:00:00+00\n",
	'it is seen from a day before its end');
is( $node->safe_psql('trace', q{
		SELECT provider_id, round(uptime_pct::numeric, 3), sessions_count, disconnect_reasons
		FROM provider_reliability_features ORDER BY provider_id}),
	"node-alternate|0.500|8|{\"unspecified\": 7}\nnode-always|1.000|1|{}\nnode-gone|0.000|0|{}",
	'a censored interval is an open session');
$report = script_ok('trace', 'report', 'simulated=off');
like($report, qr/When is node-alternate there\?/, 'the report shows the node with a pattern');
is($node->safe_psql('trace', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'demo'}), '0', 'the demo clears up');
unlike($report, qr/temperaments|machines doing/, 'the report asks nothing of a trace that it cannot answer');
cmp_ok(length(longest_line($report)), '<=', 80, 'the report fits a terminal')
  or diag(longest_line($report));

is(load_trace('given', $trace, '2001-09-20'), "22 sessions of 3 nodes\n", 'the instant may be given');
is(script_ok('given', 'rollup', 'simulated=off'), "3 of 3 nodes, as of 2001-09-20 00:00:00+00\n", 'and is that of the rollup');
script_ok('given', 'report', 'simulated=off');

is(load_trace('tiny', $header . "a,1000,2000,0\nb,1500,1800,0\n"), "2 sessions of 2 nodes\n", 'a trace may be short');
script_ok('tiny', 'rollup', 'simulated=off');
unlike(script_ok('tiny', 'report', 'simulated=off'), qr/When is|vanished\?/, 'the report leaves out what there is not');

my $n = 0;
foreach my $bad (
	[ "a,1000,2000,0\nb,soon,2000,0\n", '', qr/COPY trace, line 3, column start: "soon"/ ],
	[ "a,1000,2000,0\nb,1000,2000,2\n", '', qr/censored_is_0_or_1.*COPY trace, line 3/s ],
	[ "a,1000,2000,0\nb,1000\n", '', qr/missing data for column "end"\nCONTEXT: +COPY trace, line 3/ ],
	[ "a,NaN,2000,0\n", '', qr/start_is_in_unix_seconds.*COPY trace, line 2/s ],
	[ ",1000,2000,0\n", '', qr/null value in column "node_id".*COPY trace, line 2/s ],
	[ '', '', qr/the trace holds no interval/ ],
	[ "a,1000,2000,0\n", '2001-01-01', qr/AS_OF is 2001-01-01 00:00:00\+00, but the trace goes from 1970-/ ],
	[ "a,1000,2000,0\n", 'noon-ish', qr/invalid input syntax for type timestamp/ ])
{
	my ($lines, $as_of, $error) = @$bad;
	like(load_trace('bad' . $n++, $header . $lines, $as_of), $error, "what does not fit is named: $error");
}

$node->stop;
done_testing();
