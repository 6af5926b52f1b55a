# Runs pg_regress or pg_isolation_regress on a node and reports in TAP: a test
# for each file, and one for each pgTAP line in its output, so that the count of
# tests is that of the assertions.
package Liveness::Regress;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT_OK = qw(run_regress);

# Names of the files of a folder, without the ending, in order
sub names_in
{
	my ($dir, $ending) = @_;
	opendir(my $handle, $dir) or die "cannot read $dir: $!";
	return sort map { /^(.+)\.\Q$ending\E$/ ? $1 : () } readdir $handle;
}

sub slurp
{
	my ($path) = @_;
	open(my $handle, '<:encoding(UTF-8)', $path) or return '';
	local $/;
	return <$handle> // '';
}

# run_regress($node, runner => ..., inputdir => ..., scripts => 'sql' or 'specs',
#             ending => 'sql' or 'spec', options => [...], only => 'name name')
sub run_regress
{
	my ($node, %arg) = @_;
	my $outputdir = $node->basedir . '/regress';
	my @names = grep { length } split ' ', $arg{only} // '';
	@names = names_in("$arg{inputdir}/$arg{scripts}", $arg{ending}) unless @names;

	mkdir $outputdir;
	my $log = '';
	IPC::Run::run(
		[
			$arg{runner},
			'--inputdir', $arg{inputdir}, '--outputdir', $outputdir,
			'--bindir', '', '--host', $node->host, '--port', $node->port,
			@{ $arg{options} // [] }, @names
		],
		'>&', \$log);
	my $diffs = slurp("$outputdir/regression.diffs");

	foreach my $name (@names)
	{
		ok($log =~ /^(?:test|ok \d+\s*-)\s+\Q$name\E\s.*$/m && $& !~ /FAILED|^not ok/,
			"$name gives the expected output")
		  or diag($diffs =~ /(^diff [^\n]*\Q$name\E\.out.*?)(?=^diff |\z)/ms ? $1 : $log);

		my $results = slurp("$outputdir/results/$name.out");
		while ($results =~ /^ ?(ok|not ok) \d+(?: - )?(.*)$/mg)
		{
			ok($1 eq 'ok', "$name: $2");
		}
		fail("$name: as many tests as planned") if $results =~ /^ ?# Looks like you planned/m;
	}
	# a file without expected output is none that was compared
	like($log, qr/All \d+ tests? passed/i, 'every file was run and compared');
	return;
}

1;
