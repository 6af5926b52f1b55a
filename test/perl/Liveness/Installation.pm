# Installations of PostgreSQL of our own, in which a test may put other versions of the extension.
package Liveness::Installation;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);

our @EXPORT_OK = qw(linked_installation);

# One of links to that of pg_config, but for the programs that look for what belongs to them from
# where they are; where it is, its folder of extensions and its folder of libraries
sub linked_installation
{
	my ($root) = @_;
	my %dir = map { my $path = `pg_config --$_`; chomp $path; ($_ => $path) } qw(bindir sharedir pkglibdir);
	my @own = qw(postgres initdb pg_ctl pg_config);

	make_path("$root$dir{bindir}", "$root$dir{sharedir}/extension", "$root$dir{pkglibdir}");
	for my $name (@own)
	{
		copy("$dir{bindir}/$name", "$root$dir{bindir}/$name") or die "$name: $!";
		chmod 0755, "$root$dir{bindir}/$name";
	}
	for my $path (glob("$dir{bindir}/* $dir{sharedir}/* $dir{sharedir}/extension/* $dir{pkglibdir}/*"))
	{
		my $to = "$root$path";
		symlink($path, $to) unless -e $to;
	}
	return (dirname("$root$dir{bindir}"), "$root$dir{sharedir}/extension", "$root$dir{pkglibdir}");
}

1;
