# docs/reference.md says what the catalogs say.
use strict;
use warnings;

use Liveness::Catalog qw(difference);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$ENV{TESTDIR}/..";
my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'liveness'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');
my ($made, $err) = run_command([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-v', "details=$root/docs/functions.md", '-f', "$root/scripts/reference.sql" ]);
is($err, '', 'the reference is made');

my $kept = slurp_file("$root/docs/reference.md") =~ s/\n\z//r;
ok($made eq $kept, 'docs/reference.md is as the catalogs have it')
	or diag("run scripts/reference, which writes it anew; lines that differ:\n" . difference($kept, $made));

# Nothing is left out: what has no entry is inside of an aggregate or a type, and all have comments
my %entry = map { $_ => 1 } $made =~ /^### (\w+)/mg;
my @missing = grep { !$entry{$_} } split /\n/, $node->safe_psql('postgres', q{
	SELECT coalesce(p.proname, c.relname, t.typname)
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
	LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid AND p.proname !~ '_(transfn|combine|serialize|deserialize|final|in|out|recv|send)$'
	LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('r', 'v')
	LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typrelid = 0 AND t.typelem = 0
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND num_nonnulls(p.oid, c.oid, t.oid) > 0});
is("@missing", '', 'every function, table, view and type has an entry');
is(scalar(() = $made =~ /^\| `liveness\./mg), $node->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name ~ '^liveness\.'}), 'and every setting a line');
is(scalar(() = $made =~ /^\|[^|]*\|[^|]*\| \|$/mg), 0, 'every column is described');

# What is written in docs/functions.md is about a function, and is shown
my %detail = slurp_file("$root/docs/functions.md") =~ /^## ([^\n]+)\n\n(.*?)(?=\n\n## |\n*\z)/msg;
cmp_ok(scalar(keys %detail), '>', 50, 'there are functions in detail');
is(join(', ', grep { $made !~ /^### \Q$_\E\n\n.*?\n\n\Q$detail{$_}\E$/ms } sort grep { $entry{ (split / /)[0] } } keys %detail), '', 'what is said of a function in detail is shown with it');
is(join(', ', grep { my ($name) = split / /; $node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE proname = '$name'") == 0 } sort keys %detail), '', 'and of nothing else');

$node->stop;
done_testing();
