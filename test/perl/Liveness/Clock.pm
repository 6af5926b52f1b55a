# A wall clock that a test sets as it likes, while the server runs: a library that is
# preloaded into the server tells its time (clock.c).
package Liveness::Clock;

use strict;
use warnings;

use Fcntl qw(SEEK_SET);
use PostgreSQL::Test::Utils;
use Time::HiRes ();
use Time::Local qw(timegm_modern);

sub new
{
	my ($class) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { library => "$dir/clock.so", path => "$dir/clock" }, $class;

	system_or_bail($ENV{CC} // 'cc', '-O', '-shared', '-fPIC', '-o', $self->{library}, "$ENV{TESTDIR}/perl/Liveness/clock.c");
	open($self->{file}, '+>', $self->{path}) or die "cannot write $self->{path}: $!";
	$self->_set(0, 1);
	return $self;
}

# Start a server that has this clock
sub start
{
	my ($self, $node) = @_;
	local $ENV{LIVENESS_CLOCK} = $self->{path};
	local $ENV{LD_PRELOAD} = $self->{library};
	$node->start;
	return;
}

# Eight bytes in one write: no process sees half of them
sub _set
{
	my ($self, $seconds, $runs) = @_;
	sysseek($self->{file}, 0, SEEK_SET);
	(syswrite($self->{file}, pack 'q', 2_000_000 * $seconds + $runs) // 0) == 8 or die "cannot write $self->{path}: $!";
	return;
}

sub _seconds
{
	my ($time) = @_;
	my ($year, $month, $day, $hour, $minute) = $time =~ /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)$/ or die "no time: $time";
	return timegm_modern(0, $minute, $hour, $day, $month - 1, $year);
}

# It is 'YYYY-MM-DD HH:MM' UTC, and stays so
sub hold
{
	my ($self, $time) = @_;
	return $self->_set(_seconds($time), 0);
}

# It is that time now, and goes on from there
sub run_from
{
	my ($self, $time) = @_;
	return $self->_set(_seconds($time) - int(Time::HiRes::time()), 1);
}

1;
