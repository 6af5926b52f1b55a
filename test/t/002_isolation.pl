# The concurrency specs (test/isolation).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Liveness::Regress qw(run_regress);

my $node = PostgreSQL::Test::Cluster->new('isolation');
$node->init;
$node->start;

run_regress(
	$node,
	runner => $ENV{PG_ISOLATION_REGRESS},
	inputdir => "$ENV{TESTDIR}/isolation",
	scripts => 'specs',
	ending => 'spec',
	options => [ '--load-extension=liveness' ],
	only => $ENV{SPECS});

$node->stop;
done_testing();
