# The script of the extension is what its parts in sql/ make, and a reader finds the text of
# an object by the name of a file; what is not for people stands in liveness_internal.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$ENV{TESTDIR}/..";
plan skip_all => 'sql/ is not here' unless -d "$root/sql";

my $made = PostgreSQL::Test::Utils::tempdir();
command_ok([ "$root/scripts/sql", $made ], 'scripts/sql');
for my $path (glob "$made/*")
{
	my ($name) = $path =~ m{([^/]+)\z};
	is(slurp_file($path), -e "$root/$name" ? slurp_file("$root/$name") : '', "$name is as sql/ makes it");
}

# Every part is in the order, once, but for those of updates
my @order = split /\n/, slurp_file("$root/sql/order");
my @parts = grep { !m{^updates/} } map { s/^\Q$root\E\/sql\///r } glob("$root/sql/*.sql $root/sql/*/*.sql $root/sql/*/*/*.sql");
is(join("\n", sort @order), join("\n", sort @parts), 'sql/order names every part once');

my $node = PostgreSQL::Test::Cluster->new('sql');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA fleet; CREATE EXTENSION liveness SCHEMA fleet');
my $members = q{
	SELECT n.nspname, coalesce(p.proname, c.relname, t.typname) AS name
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
	LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('r', 'v', 'c')
	LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typrelid = 0 AND t.typelem = 0
	JOIN pg_namespace n ON n.oid IN (p.pronamespace, c.relnamespace, t.typnamespace)
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'};

# One file an object; what an aggregate or a type is made of stands with it
my %text = map { m{([^/]+)\.sql$} ? ($1 => slurp_file("$root/sql/$_")) : () } @parts;
my @homeless = grep {
	my $name = $_;
	!$text{$name} && !grep { $text{$_} =~ /^CREATE \w+ (?:liveness_internal\.)?\Q$name\E\b/m && $text{$_} =~ /^CREATE (?:AGGREGATE|TYPE) /m } keys %text
} split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT name FROM ($members) m ORDER BY 1");
is("@homeless", '', 'every object has a file of its name, or is part of one that has');

# The public ones are what the documentation names
my $documents = join "\n", map { slurp_file($_) } "$root/README.md", "$root/docs/reference.md";
my @public = split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT name FROM ($members) m WHERE nspname = 'fleet' ORDER BY 1");
cmp_ok(scalar(@public), '<', 100, 'the product is less than a hundred names');
is(join(' ', grep { $documents !~ /\b$_\b/ } @public), '', 'and the documentation names each');
is(join(' ', grep { !/^(liveness|survival|provider|network)_/ } @public), '', 'by the prefixes that are ours');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($members) m WHERE nspname = 'fleet' AND name ~ '_(transfn|combine|serialize|deserialize|final|in|out|recv|send)\$'"), 0, 'nothing that an aggregate or a type is made of is among them');
is($node->safe_psql('postgres', q{SELECT has_schema_privilege('public', 'liveness_internal', 'USAGE, CREATE')}), 'f', 'nobody may look into liveness_internal, or create there');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($members) m WHERE nspname NOT IN ('fleet', 'liveness_internal')"), 0, 'and there is no third schema');

$node->stop;
done_testing();
