# Statements to one database after another of a node, each with the extension.
package Liveness::Databases;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(use_node begin_in database query error_of);

my ($node, $db);

sub use_node
{
	($node, $db) = (shift, 'postgres');
	return;
}

# From here on the statements go to a database of that name, with the extension
sub begin_in
{
	($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION liveness');
	return;
}

# Its name
sub database
{
	return $db;
}

sub query
{
	return $node->safe_psql($db, shift);
}

# What psql says, with the SQLSTATE
sub error_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

1;
