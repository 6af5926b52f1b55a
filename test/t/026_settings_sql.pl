# The files of test/sql in databases that have hostile settings: every assertion holds there,
# too.  How a value is shown is not compared, but what pgTAP says of each.
use strict;
use warnings;

use Encode ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('settings_sql');
$node->init;
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 2\nautovacuum = off\nfsync = off\n");
$node->start;

my %display = (
	quote_all_identifiers => 'on',
	bytea_output => 'escape',
	DateStyle => 'SQL, DMY',
	IntervalStyle => 'sql_standard',
	extra_float_digits => '-15');
my %limits = (
	lock_timeout => '5min',
	statement_timeout => '10min',
	idle_in_transaction_session_timeout => '10min');
my %meaning = (
	standard_conforming_strings => 'off',
	escape_string_warning => 'off',
	backslash_quote => 'off',
	row_security => 'off',
	array_nulls => 'off',
	transform_null_equals => 'on',
	xmloption => 'document',
	check_function_bodies => 'off',
	search_path => 'hostile, public',
	'plpgsql.extra_errors' => 'all',
	'plpgsql.variable_conflict' => 'use_column',
	session_replication_role => 'replica');
my %transactions = (
	default_transaction_isolation => 'serializable',
	default_transaction_read_only => 'on',
	default_transaction_deferrable => 'on');

sub slurp_utf8
{
	my ($path) = @_;
	open(my $handle, '<:encoding(UTF-8)', $path) or die "cannot read $path: $!";
	local $/;
	return <$handle>;
}

# What pgTAP has said, in order.  Names are left out, for some tell a value.
sub verdicts
{
	return [ $_[0] =~ /^ ?((?:not )?ok \d+)\b/mg ];
}

my $dir = "$ENV{TESTDIR}/sql";
opendir(my $handle, $dir) or die "cannot read $dir: $!";
my @files = sort map { /^(.+)\.sql$/ ? $1 : () } readdir $handle;
@files = split ' ', $ENV{TESTS} if $ENV{TESTS};

# run_files(DATABASE, encoding, { settings of the database }, { file => options of its session }, files)
sub run_files
{
	my ($db, $encoding, $settings, $own, @names) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($db, 'CREATE SCHEMA hostile; CREATE EXTENSION pgtap; CREATE EXTENSION liveness');
	$node->safe_psql('postgres', join '', map { "ALTER DATABASE $db SET $_ = " . ($_ eq 'search_path' ? $settings->{$_} : "'$settings->{$_}'") . ';' } sort keys %$settings);
	foreach my $name (@names)
	{
		local $ENV{PGOPTIONS} = join ' ', map { "-c $_" } @{ $own->{$name} // [] }, @{ $own->{''} // [] };
		local $ENV{PGCLIENTENCODING} = 'UTF8';
		my $expected = verdicts(slurp_utf8("$ENV{TESTDIR}/expected/$name.out"));
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr($db), '-f', "$dir/$name.sql" ], '>', \$out, '2>', \$err);
		utf8::decode($out);
		my $got = verdicts($out);
		is_deeply($got, $expected, "$db: $name")
		  or diag(join "\n", $err =~ /^(.*?(?:ERROR|FATAL):.*)/m ? $1 : (), $out =~ /^(# .*(?:\n# .*){0,12})/mg);
	}
	return;
}

# A file that is about a setting, or whose own statements need another, has the usual one.
my %own = (
	catalog => ['quote_all_identifiers=off'],
	privileges => [ 'quote_all_identifiers=off', 'row_security=on' ],
	row_types => [ 'quote_all_identifiers=off', 'search_path=public' ],
	(map { $_ => ['extra_float_digits=1'] } qw(excluded features features_at placement shocks)),
	map { $_ => ['array_nulls=on'] } qw(checkpoint outages parallel percentiles survival survival_plot));
push @{ $own{$_} }, 'array_nulls=on' for qw(placement shocks);
push @{ $own{$_} }, 'standard_conforming_strings=on' for grep { slurp_utf8("$dir/$_.sql") =~ /^[^\\\n].*\\/m } @files;
run_files('hostile', 'UTF8', { %display, %limits, %meaning }, \%own, @files);

# forget, retention, rollup_hourly, hour_sums: in a transaction with one snapshot a provider is not forgotten, and the watermark cannot move.
# What takes long, and what has characters that the encoding does not have, is left out.
my %left_out = map { $_ => 1 } qw(forget retention rollup_hourly hour_sums any_value candidates features_random hours parallel percentiles rollup_features spells survival);
run_files('serial', 'EUC_JP', { %limits, %transactions }, { '' => ['default_transaction_read_only=off'] },
	grep { !$left_out{$_} && eval { Encode::encode('euc-jp', slurp_utf8("$dir/$_.sql"), Encode::FB_CROAK); 1 } } @files);

$node->stop;
done_testing();
