# Programs in Python, Node and Go that talk to a server by the drivers of their languages, and
# PgBouncer.  What this machine lacks is left out: only scripts/check installs Go.
package Liveness::Clients;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(client_commands start_pgbouncer);

my %missing;

sub runs
{
	my ($what, @command) = @_;
	my ($out, $err) = ('', '');
	return 1 if eval { IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err) };
	$missing{$what} = (grep { /error|not found|no required/i } split /\n/, $err)[0] // "$command[0] is not there";
	return 0;
}

# The commands that run DIR/NAME.py, .mjs and .go, by language; and why a language is left out
sub client_commands
{
	my ($path) = @_;
	my %command;
	%missing = ();

	# Debian's own: it is the one that has Debian's packages
	my $python = $ENV{PYTHON} || '/usr/bin/python3';
	$command{python} = [ $python, '-u', "$path.py" ] if runs('python', $python, '-c', 'import psycopg');

	my $node = $ENV{NODE} || 'node';
	$command{node} = [ $node, "$path.mjs" ]
	  if runs('node', $node, '-e', q{require('node:module').createRequire(process.argv[1])('pg')}, "$path.mjs");

	# Debian's packages are for Go's ways before modules
	local %ENV = (%ENV, GO111MODULE => 'off', GOPATH => '/usr/share/gocode', GOFLAGS => '', GOCACHE => ($ENV{LIVENESS_GOCACHE} || PostgreSQL::Test::Utils::tempdir_short() . '/go'));
	my $program = PostgreSQL::Test::Utils::tempdir_short() . '/client';
	my $go = $ENV{GO} || 'go';
	if (!-d '/usr/share/gocode/src/github.com/jackc/pgx/v4')
	{
		$missing{go} = 'there is no pgx 4 in /usr/share/gocode (Debian 12 has no package of pgx 5)';
	}
	elsif (runs('go', $go, 'build', '-o', $program, "$path.go"))
	{
		$command{go} = [ $program ];
	}
	return (\%command, \%missing);
}

# In transaction mode, with so few connections to the server that clients take turns; where it listens
my @pgbouncers;

sub start_pgbouncer
{
	my ($node, @users) = @_;
	my $program = (grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin')[0] // return;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	append_to_file("$dir/users", join '', map { qq{"$_" ""\n} } @users);
	append_to_file("$dir/ini", '[databases]' . "\n* = host=" . $node->host . ' port=' . $node->port . <<"END");

[pgbouncer]
pool_mode = transaction
default_pool_size = 2
listen_addr =
listen_port = 6432
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
logfile = $dir/log
pidfile = $dir/pid
server_login_retry = 1
query_wait_timeout = 2
END
	my $run = IPC::Run::start([ $program, '-q', "$dir/ini" ], '<', \undef, '>&', "$PostgreSQL::Test::Utils::log_path/pgbouncer.log");
	push @pgbouncers, $run;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return (PGHOST => $dir, PGPORT => 6432) if -S "$dir/.s.PGSQL.6432";
		$run->pumpable or last;
		select undef, undef, undef, 0.1;
	}
	die 'PgBouncer did not start: ' . slurp_file("$PostgreSQL::Test::Utils::log_path/pgbouncer.log");
}

END
{
	local $?;
	$_->kill_kill for @pgbouncers;
}

1;
