# The layers of src/ are those of CONTRIBUTING.md: every file belongs to one, and includes
# headers of its own layer and of those below only.  Files never include each other in a circle.
use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$ENV{TESTDIR}/..";
my $guide = slurp_file("$root/CONTRIBUTING.md");
my ($section) = $guide =~ /^### Layers of src\/\n(.*?)(?=^##|\z)/ms;
ok($section, 'CONTRIBUTING.md has the layers');

# Rows of the table, the lowest layer first: its name and the files, `x` for x.c and x.h
my @there = map { s{.*/}{}r } sort glob "$root/src/*.[ch]";
my (%layer, @twice, @unknown, @name);
while ($section =~ /^\| (\w[\w ]*) \| ((?:`[\w.]+`,? ?)+) \|/mg)
{
	my $files = $2;
	push @name, $1;
	for my $entry ($files =~ /`([\w.]+)`/g)
	{
		my @file = grep { $entry =~ /\./ ? $_ eq $entry : /\A\Q$entry\E\.[ch]\z/ } @there;
		push @unknown, $entry unless @file;
		push @twice, grep { defined $layer{$_} } @file;
		@layer{@file} = ($#name) x @file;
	}
}
cmp_ok(scalar @name, '>=', 3, 'there are layers');
is_deeply(\@unknown, [], 'whose files are there');
is_deeply(\@twice, [], 'no file is in two of them');
is_deeply([ grep { !defined $layer{$_} } @there ], [], 'every file of src/ is in one');

for my $file (grep { defined $layer{$_} } @there)
{
	my @upwards = grep { defined $layer{$_} && $layer{$_} > $layer{$file} } slurp_file("$root/src/$file") =~ /^#include "(\w+\.h)"/mg;
	is_deeply(\@upwards, [], "src/$file includes no header of a layer above");
}

# A room is x.c and x.h.  Those that include no other room can go, until none is left.
my %includes;
for my $file (@there)
{
	my $room = $file =~ s/\.[ch]\z//r;
	$includes{$room}{$_} = 1 for grep { $_ ne $room } slurp_file("$root/src/$file") =~ /^#include "(\w+)\.h"/mg;
	$includes{$room} //= {};
}
while (my @free = grep { my $room = $_; !grep { exists $includes{$_} } keys %{ $includes{$room} } } keys %includes)
{
	delete @includes{@free};
}
is_deeply([ sort keys %includes ], [], 'no file includes itself by way of others');

done_testing();
