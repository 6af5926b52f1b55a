# The processes that the worker starts for its jobs, of a server that logs at debug1.
package Liveness::Jobs;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

our @EXPORT_OK = qw(wait_for_no_job_of);

# Wait until no job is there: of as many as the server was told of, it has forgotten as
# many.  One that has just begun is not in pg_stat_activity yet.
sub wait_for_no_job_of
{
	my ($node) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $log = slurp_file($node->logfile) =~ s/.*starting PostgreSQL//sr;
		my %jobs = (registering => 0, unregistering => 0);
		$jobs{$1}++ while $log =~ /DEBUG:  (\w+) background worker "liveness job/g;
		return if $jobs{registering} == $jobs{unregistering};
		usleep(100_000);
	}
	die 'a job runs on';
}

1;
