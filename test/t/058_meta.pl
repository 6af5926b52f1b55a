# META.json says what PGXN asks for (PGXN Meta Spec 1.0.0), the same as the control file
# and the repository do, and nothing that is not there.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$ENV{TESTDIR}/..";
my $meta = decode_json(slurp_file("$root/META.json"));
my $control = slurp_file("$root/liveness.control");
my $semver = qr/\A(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[a-z][-0-9a-z]*)?\z/i;
my $term = qr/\A[^\s\/\\\p{Cntrl}]{2,}\z/;

like($meta->{name}, $term, 'the name is a term');
like($meta->{version}, $semver, 'the version is a semantic one');
is_deeply([ sort keys %{ $meta->{'meta-spec'} } ], [ 'url', 'version' ], 'the specification is named');
is($meta->{'meta-spec'}{version}, '1.0.0', 'in its version');
for my $key (qw(abstract description license))
{
	like($meta->{$key}, qr/\S/, "there is a text: $key");
}
unlike($meta->{abstract}, qr/\n/, 'the abstract is a line');
is($meta->{license}, 'postgresql', 'a license of the list');
like(slurp_file("$root/README.md"), qr/^License: PostgreSQL\./m, 'which the README names too');
ok(ref $meta->{maintainer} eq 'ARRAY' && @{ $meta->{maintainer} } > 0 && !grep({ !/\S/ } @{ $meta->{maintainer} }), 'there are maintainers');
is_deeply([ grep { !/\A(?:abstract|description|generated_by|license|maintainer|meta-spec|name|no_index|prereqs|provides|release_status|resources|tags|version|x_\w+)\z/i } keys %$meta ], [],
	'every key is of the specification');
is(scalar(grep { !/\A[^\/\\\p{Cntrl}]{1,256}\z/ } @{ $meta->{tags} }), 0, 'so is every tag');

# The control file's 1.0 is a semantic 1.0.0
my ($version) = $control =~ /^default_version = '(\d+\.\d+)'$/m;
is($meta->{version}, "$version.0", 'the version is that of the control file');

# An extension each control file, with a script of its version
my %script = (liveness => "liveness--$version.sql", liveness_report => "report/liveness_report--$version.sql");
is_deeply([ sort keys %{ $meta->{provides} } ], [ sort map { s{.*/(\w+)\.control$}{$1}r } glob "$root/*.control $root/*/*.control" ], 'every extension is provided');
for my $name (sort keys %{ $meta->{provides} })
{
	my $provided = $meta->{provides}{$name};
	is($provided->{version}, $meta->{version}, "$name: in the same version");
	is($provided->{file}, $script{$name}, "$name: by the script of that version");
	ok(-e "$root/$provided->{$_}", "$name: its $_ exists") for qw(file docfile);
	like(slurp_file("$root/" . ($script{$name} =~ s/--.*/.control/r)), qr/^default_version = '\Q$version\E'$/m, "$name: which its control file names");
}

for my $phase (sort keys %{ $meta->{prereqs} })
{
	like($phase, qr/\A(?:configure|build|test|runtime|develop)\z/, "$phase is a phase");
	for my $relation (sort keys %{ $meta->{prereqs}{$phase} })
	{
		like($relation, qr/\A(?:requires|recommends|suggests|conflicts)\z/, "$phase: $relation");
		my $needs = $meta->{prereqs}{$phase}{$relation};
		is(scalar(grep { !/$term/ || $needs->{$_} !~ /\A(?:0|\d+\.\d+\.\d+)\z/ } keys %$needs), 0, "$phase $relation: names and versions");
	}
}
like(slurp_file("$root/README.md"), qr/PostgreSQL \Q@{[ $meta->{prereqs}{runtime}{requires}{PostgreSQL} =~ s{\.0\.0$}{}r ]}\E to/, 'the oldest server is the one that the README names');
unlike(slurp_file("$root/META.json"), qr/TODO|FIXME|example\.(?:com|org)|\@/i, 'no placeholder and no address');

done_testing();
