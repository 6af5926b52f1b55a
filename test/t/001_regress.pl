# The regression suite (test/sql), on a server without preloading.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Regress qw(run_regress);

my $node = PostgreSQL::Test::Cluster->new('regress');
$node->init;
# plans are of what the tests have analyzed, not of what a vacuum comes upon on its way
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 2\nautovacuum = off\n");
$node->start;

run_regress(
	$node,
	runner => $ENV{PG_REGRESS},
	inputdir => $ENV{TESTDIR},
	scripts => 'sql',
	ending => 'sql',
	options => [ '--load-extension=liveness', '--load-extension=pgtap', '--encoding=UTF8', '--no-locale' ],
	only => $ENV{TESTS});

$node->stop;
done_testing();
