# Every block of README.md, as a reader runs it: the SQL in order, on a new server that is
# configured as the page says, prints what the page shows. The SQL of the other pages runs
# too. Every link of every page leads somewhere, and so does every page that the code names.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path("$ENV{TESTDIR}/..");

sub text_of
{
	my ($path) = @_;
	my $text = slurp_file($path);
	utf8::decode($text);
	return $text;
}

# The blocks between fences: kind, text, and the line where they begin
sub blocks
{
	my ($text) = @_;
	my @found;
	while ($text =~ /^```(\w*)\n(.*?)^```\n/msg)
	{
		push @found, { kind => $1, text => $2, line => 1 + ($` =~ tr/\n//) };
	}
	return @found;
}

my @readme = blocks(text_of("$root/README.md"));
is_deeply([ grep { !/\A(?:sh|conf|sql|text)\z/ } map { $_->{kind} } @readme ], [], 'README: every block is of a kind that is tested here');
cmp_ok(scalar(grep { $_->{kind} eq 'sql' } @readme), '>=', 5, 'README: there is SQL');
unlike($_->{text}, qr/\.\.\.|\x{2026}/, "README, line $_->{line}: nothing is left out") for @readme;

# Commands: of make and of scripts that are there
my %target = map { $_ => 1 } 'all', 'install', map { split ' ' } text_of("$root/Makefile") =~ /^([\w -]+):(?!=)/mg;
for my $page (qw(README CONTRIBUTING))
{
	for my $block (grep { $_->{kind} eq 'sh' } blocks(text_of("$root/$page.md")))
	{
		for my $command (split /\n/, $block->{text})
		{
			$command =~ s/\s+#.*//;
			my @word = grep { !/\A(?:sudo|[A-Z_]+=\S*)\z/ } split ' ', $command;
			my $program = shift @word;
			if ($program eq 'make')
			{
				is_deeply([ grep { !$target{$_} } @word ], [], "$page: the Makefile can $command");
			}
			else
			{
				like($program, qr/\Ascripts\//, "$page: $command is a script of ours");
				ok(-x "$root/$program", "$page: $program is there");
				ok(-e "$root/$_", "$page: $_ is there") for grep { /\// } @word;
			}
		}
	}
}

# The server, as the page says; but no job of the worker's comes between the examples
my ($conf) = map { $_->{text} } grep { $_->{kind} eq 'conf' } @readme;
my ($database) = $conf =~ /^liveness\.database = '(\w+)'/m;
my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init;
$node->append_conf('postgresql.conf', "listen_addresses = ''\nwal_level = logical\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->append_conf('postgresql.conf', "$conf\nliveness.scheduler = off\n");
$node->restart;
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL)}) or die 'there is no worker';

sub run_block
{
	my ($block) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/block.sql";

	unlink $file;
	append_to_file($file, do { my $sql = $block->{text}; utf8::encode($sql); $sql });
	local @ENV{qw(PGCLIENTENCODING PGTZ)} = ('UTF8', 'America/New_York');
	my ($printed, $error) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', $file ]);
	utf8::decode($printed);
	return ($printed, $error);
}

for my $i (0 .. $#readme)
{
	my $block = $readme[$i];
	next unless $block->{kind} eq 'sql';
	my $shown = $i < $#readme && $readme[ $i + 1 ]{kind} eq 'text' ? $readme[ $i + 1 ]{text} : '';
	my ($printed, $error) = run_block($block);

	# psql fills up the lines of a heading
	s/[ \t]+$//mg, s/\n*\z// for $printed, $shown;
	is($error, '', "README, line $block->{line}: the block runs");
	is($printed, $shown, "README, line $block->{line}: it prints what the page shows");
}
is_deeply([ map { $readme[$_]{line} } grep { $readme[$_]{kind} eq 'text' && ($_ == 0 || $readme[ $_ - 1 ]{kind} ne 'sql') } 0 .. $#readme ], [],
	'README: every output stands below its SQL');

# The other pages, by the roles that they name
$node->safe_psql($database, 'CREATE EXTENSION liveness_report; CREATE ROLE coordinator; CREATE ROLE analyst; CREATE ROLE ops; CREATE ROLE exporter');
for my $path (glob "$root/docs/*.md")
{
	my ($name) = $path =~ /(\w+)\.md\z/;
	for my $block (grep { $_->{kind} eq 'sql' } blocks(text_of($path)))
	{
		my ($printed, $error) = run_block($block);
		is($error, '', "docs/$name, line $block->{line}: the block runs");
	}
	# which would keep another page from partitioning the table
	$node->safe_psql($database, 'DROP PUBLICATION IF EXISTS mirror, own');
}

my @settings = split /\n/, $node->safe_psql($database, q{LOAD 'liveness'; SELECT name FROM pg_settings WHERE name LIKE 'liveness.%' ORDER BY 1});
is_deeply([ sort(text_of("$root/docs/install.md") =~ /^\| `(liveness\.\w+)` \|/mg) ], \@settings, 'docs/install.md has every setting');
$node->stop;

# Links and headings, as GitHub and other readers of Markdown make anchors of them
my %page = map { $_ => text_of($_) } glob "$root/*.md $root/docs/*.md $root/monitoring/*.md $root/examples/*/*.md";
my %anchor;
sub prose
{
	my ($text) = @_;
	$text =~ s/^```.*?^```\n|^(?: {4}|\t)[^\n]*\n//msg;
	return $text;
}
for my $path (keys %page)
{
	for my $heading (prose($page{$path}) =~ /^#+ (.*)$/mg)
	{
		my $anchor = lc $heading;
		$anchor =~ s/[^\w\- ]//g;
		$anchor =~ s/ /-/g;
		$anchor{$path}{$anchor} = $heading;
	}
}
my $links = 0;
for my $path (sort keys %page)
{
	my @broken;
	for my $link (prose($page{$path}) =~ /\]\(([^()\s]+)\)/g)
	{
		next if $link =~ /\Ahttps?:/;
		my ($file, $anchor) = split /#/, $link, 2;
		my $to = $file eq '' ? $path : abs_path(dirname($path) . "/$file");
		$links++;
		push @broken, $link unless defined $to && -e $to && (!defined $anchor || $anchor{$to}{$anchor});
	}
	is_deeply(\@broken, [], substr($path, length($root) + 1) . ': its links lead somewhere');
}
cmp_ok($links, '>=', 20, 'the links are found');

# What the library, the script and the tools name: pages, and sections in quotes before them
my $named = 0;
for my $path (glob "$root/liveness--*.sql $root/sql/* $root/sql/*/* $root/report/* $root/src/* $root/scripts/* $root/bench/* $root/test/t/* $root/monitoring/*")
{
	next unless -f $path && -T $path;
	my $text = slurp_file($path);
	while ($text =~ /(?:"([^"\n]*)" in )?\b((?:docs|monitoring)\/[\w-]+\.md)\b/g)
	{
		my ($section, $file) = ($1, "$root/$2");
		$named++;
		ok(-e $file, "$file is there, which " . substr($path, length($root) + 1) . ' names');
		ok(scalar(grep { $_ eq $section } values %{ $anchor{$file} }), "and its section $section") if defined $section;
	}
}
cmp_ok($named, '>=', 5, 'names of pages are found');

done_testing();
