# The runbooks of docs/operations.md, each block run as it stands there, by bash or psql, on
# the machine that it names: a data directory and a port each.  What the page shows below a
# block is what it prints, and what a runbook promises is there afterwards.
use strict;
use warnings;

use Liveness::Catalog qw(difference members);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $page = slurp_file("$ENV{TESTDIR}/../docs/operations.md");
utf8::decode($page);

# Sections by heading, each with its blocks: kind, text, and what is shown below
my (%section, %ran);
for my $text (split /^(?=##)/m, $page)
{
	my ($heading) = $text =~ /\A##+ ([^\n]+)\n/ or next;
	$section{$heading} = [];
	while ($text =~ /^```(\w+)\n(.*?)^```\n/msg)
	{
		if ($1 eq 'text') { $section{$heading}[-1]{shown} = $2 }
		else { push @{ $section{$heading} }, { kind => $1, text => $2, name => "$heading, block " . (1 + @{ $section{$heading} }) } }
	}
}

# Machines, for which a directory and a port stand
my $dir = PostgreSQL::Test::Utils::tempdir_short;
my %machine = map { $_ => { data => "$dir/$_/data", port => PostgreSQL::Test::Cluster::get_free_port() } } qw(primary standby new);
my %variable = (
	BACKUP => "$dir/backup",
	OLD_BIN => `pg_config --bindir` =~ s/\n//r,
	NEW_DATA => "$dir/upgraded",
	INITDB_OPTIONS => '--no-locale --encoding=UTF8 --no-sync',
	UPGRADE_OPTIONS => '--no-sync');
$variable{NEW_BIN} = $variable{OLD_BIN};
mkdir $_ for $variable{BACKUP}, map { "$dir/$_" } keys %machine;
delete @ENV{ grep { /^PG(?!_|CTLTIMEOUT)/ } keys %ENV };

# Run something as it runs on a machine; what it prints, and whether it succeeded.  A file
# takes the output: a server that is started keeps a pipe open.
sub on
{
	my ($name, @command) = @_;
	my $self = $machine{$name};
	my $address = sub { "host=$dir port=$machine{ $_[0] }{port} user=postgres" };
	local %ENV = (%ENV, %variable, PGDATA => $self->{data}, PGPORT => $self->{port}, PGHOST => $dir, PGUSER => 'postgres',
		PRIMARY => $address->('primary'), STANDBY => $address->('standby'));
	my $out = "$dir/out";
	IPC::Run::run(\@command, '<', \undef, '>', $out, '2>', "$dir/err", init => sub { chdir $dir });
	my $status = $?;
	return (slurp_file($out) =~ s/\n\z//r, $status, slurp_file("$dir/err"));
}

sub query
{
	my ($name, $sql, $db) = @_;
	my ($out, $status, $error) = on($name, 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $db // 'mydb', '-c', $sql);
	die "$name: $sql: $error" if $status;
	return $out;
}

sub wait_for
{
	my ($name, $sql, $db) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my ($out) = on($name, 'psql', '-XAtq', '-d', $db // 'mydb', '-c', $sql);
		return 1 if $out eq 't';
		usleep(100_000);
	}
	die "$name: $sql did not come true";
}

# As Liveness::Catalog wants a server
sub Machine::safe_psql { return query($_[0]{name}, $_[2], $_[1]) }
sub node { return bless { name => shift }, 'Machine' }

# Run blocks of a section: all, or those of these numbers
sub run_section
{
	my ($heading, @numbers) = @_;
	my $blocks = $section{$heading} // die "there is no section $heading";
	@numbers = (1 .. @$blocks) unless @numbers;
	my $last;
	for my $block (map { $blocks->[ $_ - 1 ] } @numbers)
	{
		$last = run_block($block);
	}
	return $last;
}

sub run_block
{
	my ($block) = @_;
	my $file = "$dir/block";
	my ($on) = $block->{text} =~ /\A# on the (\w+)/;
	$ran{ $block->{name} } = 1;
	unlink $file;
	append_to_file($file, $block->{text});
	my ($out, $status, $error) = $block->{kind} eq 'sql' ? on('primary', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'mydb', '-f', $file) : on($on, 'bash', '-eu', '-o', 'pipefail', $file);
	is($status, 0, "$block->{name} runs") or diag($error);
	# what pg_ctl tells is not shown
	my $stopped = $out =~ /server stopped\n?\z/;
	$out =~ s/^(?:waiting for server|server (?:started|promoted|stopped|signaled)| done|[^\n]*(?:redirecting log output|Future log output))[^\n]*\n?//mg;
	$out =~ s/\n\z//;
	is($out, $block->{shown} =~ s/\n\z//r, "$block->{name} prints what the page shows") if defined $block->{shown};
	# a person takes longer to the next block
	wait_for('primary', q{SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_lsn()), true) FROM pg_stat_replication WHERE application_name = 'walreceiver'}, 'postgres')
	  if $on && $on eq 'primary' && !$stopped;
	return $out;
}

# A new server, as a package makes it
sub init
{
	my ($name) = @_;
	system_or_bail('initdb', '-D', $machine{$name}{data}, '-A', 'trust', '-N', '-U', 'postgres', '--no-locale', '-E', 'UTF8');
	append_to_file("$machine{$name}{data}/postgresql.conf", <<"END");
listen_addresses = ''
unix_socket_directories = '$dir'
logging_collector = on
log_directory = '$dir/$name'
fsync = off
timezone = 'UTC'
END
	on($name, 'pg_ctl', 'start');
	return;
}

END
{
	my $status = $?;
	on($_, 'pg_ctl', 'stop', '-m', 'immediate') for keys %machine;
	$? = $status;
}

# Install.  What no runbook says: a small buffer that is written often
init('primary');
append_to_file("$machine{primary}{data}/postgresql.conf", <<'END');
liveness.buffer_size = 64kB
liveness.flush_interval = 0.2
liveness.flush_timeout = 0.5
liveness.rollup_interval = 0
END
run_section('Install on a primary with a standby');
is(query('primary', q{SELECT count(*) FROM provider_heartbeats}), 0, 'nothing of the probe is left');
query('primary', q{
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 10, 'blue', now() - g * interval '7 hours', now() - g * interval '7 hours' + interval '5 hours', 'read_error' FROM generate_series(1, 60) g;
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || g % 10, now() - interval '1 hour' - g * interval '30 minutes', 0.5 FROM generate_series(0, 999) g;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g, now() - interval '10 minutes' FROM generate_series(0, 9) g;
	SELECT liveness_open_session('p' || g, 'blue', now() - interval '1 hour') FROM generate_series(0, 9) g;
	INSERT INTO provider_groups VALUES ('p1', 'rack');
	SELECT liveness_exclude('p1', now() - interval '3 days', now() - interval '2 days', 'disks');
	SELECT liveness_rollup_features(), liveness_rollup_hourly()});

# Dump and restore
init('new');
is(run_section('Dump and restore'), "CALL\nCALL", 'the jobs run in the restored database');
is(query('new', 'SELECT count(*), sum(requests_served) FROM provider_sessions'), query('primary', 'SELECT count(*), sum(requests_served) FROM provider_sessions'), 'the sessions are there');
is(query('new', 'SELECT h::text FROM provider_heartbeats h ORDER BY 1'), query('primary', 'SELECT h::text FROM provider_heartbeats h ORDER BY 1'), 'the heartbeats too');
is(query('new', 'SELECT * FROM provider_heartbeats_hourly ORDER BY 1, 2'), query('primary', 'SELECT * FROM provider_heartbeats_hourly ORDER BY 1, 2'), 'and the hours');
is(query('new', q{SET ROLE coordinator; SELECT liveness_open_session('new') > 0}), 't', 'the coordinator may write');
on('new', 'pg_ctl', 'stop', '-m', 'immediate');
run_section('Into the served database');

query('primary', q{ALTER TABLE provider_sessions ADD COLUMN region text DEFAULT 'eu'; CREATE INDEX ours ON provider_sessions (region)});
run_section('What pg_dump leaves out');
is(query('primary', q{SELECT count(*), count(region) FROM provider_sessions}, 'restored'), '70|70', 'the column is restored');
is(query('primary', q{SELECT to_regclass('ours') IS NOT NULL}, 'restored'), 't', 'and the index');
query('primary', 'DROP DATABASE restored', 'postgres');
query('primary', 'ALTER TABLE provider_sessions DROP COLUMN region');

# To a point in time
run_section('Restore to a point in time', 1);
query('primary', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('the last')});
$variable{WHEN} = query('primary', 'SELECT clock_timestamp()');
query('primary', 'DELETE FROM provider_sessions WHERE disconnected_at IS NOT NULL');
my $segment = run_section('Restore to a point in time', 2);
wait_for('primary', "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver", 'postgres');
system_or_bail('rm', '-rf', $machine{new}{data});
system_or_bail('mkdir', '-m', '700', $machine{new}{data});
run_section('Restore to a point in time', 3);
wait_for('new', 'SELECT NOT pg_is_in_recovery()');
is(query('new', 'SELECT count(*), count(*) FILTER (WHERE disconnected_at IS NULL) FROM provider_sessions'), '70|10', 'all sessions are there again');
is(query('new', q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'the last'}), 1, 'and what was written until then');
is(query('new', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'liveness job'}), 0, 'no job runs');
run_section('Restore to a point in time', 4);
is(query('new', 'SELECT count(*) FROM provider_sessions WHERE disconnected_at IS NULL'), 0, 'the sessions are closed');
on('new', 'pg_ctl', 'stop', '-m', 'immediate');
# the primary gets its sessions from there, in a way that is no runbook
query('primary', q{INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'p' || g % 10, 'blue', now() - g * interval '7 hours', now() - g * interval '7 hours' + interval '5 hours', 'read_error' FROM generate_series(1, 60) g});

# Fail over, and both change places; the standby may still be about to connect again
wait_for('primary', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'}, 'postgres');
query('primary', q{SELECT liveness_emit('at the end')});
run_section('Fail over', 1, 2);
is(query('standby', q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'at the end'}), 1, 'what was emitted before is there');
run_section('Fail over', 3);
@machine{qw(primary standby)} = @machine{qw(standby primary)};
wait_for('primary', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'}, 'postgres');

run_section('Logical replication');
query('primary', 'DROP PUBLICATION mirror, own');
is(run_section('Upgrade liveness') =~ s/.*\n//sr, 't', 'the version is that of the library');

# What to do when: the buffer is full, because somebody holds the table
my %block = map { my $heading = $_; ($heading => $section{$heading}) } 'liveness_dropped_total grows', 'A flush fails', 'The disk is full', 'A job fails', 'The fleet looks dead';
my ($locked, $unlock) = ('', '');
{
	local %ENV = (%ENV, PGHOST => $dir, PGPORT => $machine{primary}{port}, PGUSER => 'postgres');
	my $locker = IPC::Run::start([ 'psql', '-XAtq', '-d', 'mydb' ], '<', \$unlock, '>', \$locked);
	$unlock = "BEGIN; LOCK TABLE provider_heartbeats IN SHARE MODE; SELECT 'locked';\n";
	$locker->pump until $locked =~ /locked/;
	my $taken = query('primary', q{SELECT count(*) FILTER (WHERE liveness_emit('f' || g)) FROM generate_series(1, 1000) g});
	cmp_ok($taken, '<', 1000, 'the buffer is full');
	like(run_section('liveness_dropped_total grows'), qr/^liveness_dropped_total\|@{[ 1000 - $taken ]}$/m, 'the counter says so');
	wait_for('primary', q{SELECT value > 0 FROM liveness_stats WHERE name = 'liveness_flush_failed_total'});
	my ($pid, @rest) = split /\|/, run_section('A flush fails');
	is("@rest[0 .. 3]", 'postgres idle in transaction ShareLock t', 'who holds the table');
	query('primary', "SELECT pg_terminate_backend($pid)");
	query('primary', 'SELECT liveness_flush()');
	is(query('primary', q{SELECT count(*) FROM provider_heartbeats WHERE provider_id ~ '^f'}), $taken, 'once he is gone, what was taken is written');
	$locker->kill_kill;
}

# The disk is full, as an error says
query('primary', q{
	CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE disk_full; END$$;
	CREATE TRIGGER disk_full BEFORE INSERT ON provider_heartbeats FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
	SELECT liveness_emit('waits')});
my $old = q{SELECT count(*) FROM provider_heartbeats WHERE at < now() - interval '14 days 1 hour'};
cmp_ok(query('primary', $old), '>', 0, 'there are old heartbeats');
like(run_section('The disk is full', 1), qr/^provider_heartbeats\|/m, 'what takes the disk');
run_section('The disk is full', 2);
is(query('primary', $old), 0, 'the retention has deleted them');
query('primary', $_) for 'DROP TRIGGER disk_full ON provider_heartbeats', 'SELECT liveness_flush()';
is(query('primary', q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'waits'}), 1, 'and what waited is written');

# A job fails
query('primary', q{CREATE TRIGGER disk_full BEFORE UPDATE ON provider_reliability_features FOR EACH STATEMENT EXECUTE FUNCTION disk_full()});
isnt((on('primary', 'psql', '-d', 'mydb', '-c', q{CALL liveness_run('features')}))[1], 0, 'a job fails');
like(run_section('A job fails', 1), qr/^features\|.*disk_full/, 'the error is there');
query('primary', 'DROP TRIGGER disk_full ON provider_reliability_features');
run_section('A job fails', 2);
is(run_section('A job fails', 1), '', 'and is over');

# The fleet looks dead: blue is silent, its ten sessions were never heard of for an hour
like(run_section('The fleet looks dead', 1), qr/^blue\|10\|10\|/m, 'blue is silent');
run_section('The fleet looks dead', 2);
is(query('primary', q{SELECT provider_id IS NULL, until - since FROM provider_exclusions WHERE reason = 'network'}), 't|01:00:00', 'everybody is excused for an hour');

# Copies and other names
run_section('Clone the served database');
my $rows = q{SELECT s::text FROM provider_sessions s UNION ALL SELECT h::text FROM provider_heartbeats h ORDER BY 1};
is(query('primary', $rows, $_), query('primary', $rows), "$_ has all rows") for 'copy1', 'copy2';
is(query('primary', 'SELECT liveness_rollup_hourly() > 0, liveness_rollup_features()', $_), 't|10', "$_: jobs can be run") for 'copy1', 'copy2';
wait_for('primary', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND datname = 'mydb')});
query('primary', "DROP DATABASE $_", 'postgres') for 'copy1', 'copy2';

run_section('Rename the served database');
is(query('primary', q{SELECT liveness_emit('renamed'), liveness_flush()}, 'fleet'), 't|1', 'the worker serves the database of the new name');
{
	my ($block) = @{ $section{'Rename the served database'} };
	my %other = (mydb => 'fleet', fleet => 'mydb');
	run_block({ %$block, text => $block->{text} =~ s/\b(mydb|fleet)\b/$other{$1}/gr, name => 'and back' });
}

# pg_upgrade
on('standby', 'pg_ctl', 'stop', '-m', 'immediate');
my $before = query('primary', $rows);
# but for the column that was dropped
my $members = members(node('primary'), 'mydb') =~ s/^[^\n]*pg\.dropped[^\n]*\n?//mgr;
is(run_section('Upgrade PostgreSQL') =~ s/.*\n(?=t\n1\n)//sr, "t\n1\nt", 'after pg_upgrade, the worker writes');
$machine{primary}{data} = $variable{NEW_DATA};
is(difference($members, members(node('primary'), 'mydb') =~ s/^[^\n]*pg\.dropped[^\n]*\n?//mgr), '', 'every object is as it was');
is(difference($before, query('primary', $rows)), '', 'every row is there');

# Another schema, and none
query('primary', 'SELECT liveness_rollup_hourly()');
my $hours = query('primary', 'SELECT * FROM provider_heartbeats_hourly ORDER BY 1, 2');
run_section('Move to another schema', 1);
run_section('Uninstall and keep the data', 2);
is(query('primary', q{SELECT count(*) FROM pg_extension WHERE extname = 'liveness'}), 0, 'there is no extension');
run_section('Move to another schema', 2);
is(query('primary', q{SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'liveness'}), 'fleet', 'the extension is in another schema');
is(difference($before, query('primary', $rows)), '', 'with all rows');
is(difference($hours, query('primary', 'SELECT * FROM provider_heartbeats_hourly ORDER BY 1, 2')), '', 'and hours');
is(query('primary', q{SET ROLE analyst; SELECT count(*) > 0 FROM provider_liveness}), 't', 'the analyst may read');
is(query('primary', q{SELECT liveness_emit('moved'), liveness_flush()}), 't|1', 'the worker writes');
query('primary', 'DROP SCHEMA kept CASCADE');
$before = query('primary', $rows);
run_section('Uninstall and keep the data');
is(query('primary', q{SET search_path = kept; } . $rows), $before, 'without the extension, the rows are kept');
is(query('primary', q{SELECT count(*) FROM pg_proc WHERE proname ~ '^liveness'}), 0, 'and nothing else');

is_deeply([ grep { !$ran{$_} } map { $_->{name} } map { @$_ } values %section ], [], 'every block was run');
done_testing();
