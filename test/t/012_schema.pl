# The extension in schemas with odd names, not in the path, with and without
# preloading; what stands in its way; and what it leaves behind.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init;
$node->start;

sub error_of
{
	my ($db, $sql) = @_;
	my $err = '';
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# All that can be called, every name qualified
sub exercise
{
	my ($db, $schema, $what) = @_;
	my $call = sub {
		my ($sql) = @_;
		$sql =~ s/\@\./"$schema"./g;
		my ($out, $err) = ('', '');
		$node->psql($db, $sql, stdout => \$out, stderr => \$err);
		return $out . $err;
	};

	is($call->(q{SELECT @.liveness_open_session('p', 'c', now() - interval '1 hour')}), 1, "$what: open");
	is($call->(q{SELECT @.liveness_open_session('p', 'c', now() - interval '30 minutes')}), 2, "$what: supersede");
	is($call->(q{SELECT @.liveness_close_session(2, 'x')}), 't', "$what: close");
	is($call->(q{SELECT @.liveness_open_session('q', 'c', now() - interval '1 hour')}), 3, "$what: open another");
	is($call->(q{SELECT @.liveness_close_orphans('c')}), 1, "$what: orphans");
	is($call->(q{SELECT @.liveness_close_stale()}), 0, "$what: stale");
	is($call->(q{INSERT INTO @.provider_heartbeats (provider_id, at) VALUES ('p', now()), ('p', '2026-01-01 00:00+00')}), '', "$what: heartbeats");
	is($call->(q{SELECT @.liveness_rollup_hourly()}), 2, "$what: hourly rollup");
	is($call->(q{SELECT @.liveness_rollup_hourly('2026-01-01', '2026-02-01')}), 1, "$what: of a range");
	is($call->(q{SELECT @.liveness_rollup_features()}), 2, "$what: features rollup");
	is($call->(q{SELECT count(*) FROM @.liveness_features_at(now())}), 2, "$what: features");
	is($call->(q{SELECT @.liveness_prune_batch('28 days')}), 1, "$what: a batch");
	is($call->(q{CALL @.liveness_prune()}), '', "$what: the retention");
	is($call->(qq{CALL \@.liveness_run('$_')}), '', "$what: run $_") for qw(features hourly retention);
	is($call->(q{SELECT count(*) FROM @.liveness_reliability()}), 2, "$what: the ranking");
	is($call->(q{SELECT count(*) FROM @.liveness_heatmap('p')}), 7, "$what: a heatmap");
	is($call->(qq{SELECT count(*) >= 0 FROM \@.$_}), 't', "$what: $_")
	  for qw(provider_liveness provider_session_history provider_heartbeat_history provider_availability_matrix
		provider_disconnect_reasons provider_stale_sessions network_availability liveness_jobs);
	is($call->(qq{SELECT \@.liveness_grant_$_('"Odd %s Role"')}), '', "$what: grant $_") for qw(reader writer operator);
	is($call->(q{SET ROLE "Odd %s Role"; SELECT @.liveness_rollup_hourly(), @.liveness_open_session('r'), (SELECT count(*) FROM @.liveness_jobs)}), '0|4|3', "$what: which is enough");
	is($call->(q{SELECT runs > 0, errors FROM @.liveness_jobs}), "t|0\nt|0\nt|0", "$what: no error was noted");
	return;
}

# What is in a schema, and what of us is anywhere
sub leftovers
{
	my ($db, $schema) = @_;
	return $node->safe_psql($db, qq{
		SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = n), (SELECT count(*) FROM pg_proc WHERE pronamespace = n),
			(SELECT count(*) FROM pg_type WHERE typnamespace = n), (SELECT count(*) FROM pg_operator WHERE oprnamespace = n),
			(SELECT count(*) FROM pg_constraint WHERE connamespace = n), (SELECT count(*) FROM pg_opclass WHERE opcnamespace = n),
			(SELECT count(*) FROM pg_class WHERE relname ~ '^(provider|liveness|idx_provider|network)_') +
			(SELECT count(*) FROM pg_proc WHERE proname ~ '^(liveness|survival)_') + (SELECT count(*) FROM pg_type WHERE typname ~ '^_?(liveness|survival)_')
		FROM (SELECT '"$schema"'::regnamespace AS n) n});
}

$node->safe_psql('postgres', 'CREATE ROLE "Odd %s Role"');
my $n = 0;
for my $preload (0, 1)
{
	if ($preload)
	{
		$node->append_conf('postgresql.conf', "shared_preload_libraries = 'liveness'\n");
		$node->restart;
		is($node->safe_psql('postgres', 'SHOW liveness.window_days'), 14, 'preloaded: settings are there at once');
	}
	for my $schema ('my Schema', 'select', "Ärger; %s %I", '100%')
	{
		my $db = 'db' . $n++;
		my $what = "$schema, " . ($preload ? 'preloaded' : 'not preloaded');

		$node->safe_psql('postgres', "CREATE DATABASE $db");
		$node->safe_psql($db, qq{CREATE SCHEMA "$schema"});
		is(error_of($db, qq{CREATE EXTENSION liveness SCHEMA "$schema";}), '', "$what: created");
		exercise($db, $schema, $what);
		$node->safe_psql($db, 'DROP OWNED BY "Odd %s Role"');
		$node->safe_psql($db, 'DROP EXTENSION liveness');
		is(leftovers($db, $schema), '0|0|0|0|0|0|0', "$what: dropped, and nothing is left");
		$node->safe_psql($db, qq{DROP SCHEMA "$schema"});
		$node->safe_psql('postgres', "DROP DATABASE $db");
	}
}

# The first schema of the path, unless it is told otherwise
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE SCHEMA first; SET search_path = first, public; CREATE EXTENSION liveness');
is($node->safe_psql('fresh', q{SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'provider_sessions'}), 'first', 'it goes where the path begins');
like(error_of('fresh', 'ALTER EXTENSION liveness SET SCHEMA public;'), qr/ERROR:  0A000/, 'and stays there');
like(error_of('fresh', 'CREATE SCHEMA second; CREATE EXTENSION liveness SCHEMA second;'), qr/ERROR:  42710/, 'there is one a database');
$node->safe_psql('fresh', 'DROP EXTENSION liveness');

# Tables in the way
for my $schema ('public', 'my Schema', '100%')
{
	$node->safe_psql('fresh', qq{CREATE SCHEMA IF NOT EXISTS "$schema"; CREATE TABLE "$schema".provider_sessions (id bigint); INSERT INTO "$schema".provider_sessions VALUES (1)});
	like(error_of('fresh', qq{CREATE EXTENSION liveness SCHEMA "$schema";}),
		qr/ERROR:  42P07: schema "?\Q$schema\E"? already holds provider_sessions\nHINT:  .*docs\/operations\.md/, "$schema: a table in the way is refused, with a way out");
	is($node->safe_psql('fresh', qq{SELECT count(*) FROM "$schema".provider_sessions}), 1, "$schema: and left alone");
}
is($node->safe_psql('fresh', 'CREATE SCHEMA empty; CREATE EXTENSION liveness SCHEMA empty; SELECT empty.liveness_rollup_features()'), 0, 'a table elsewhere is none of our business');

# An unprivileged owner of the database cannot create it
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
like(error_of('owned', 'SET ROLE owner; CREATE EXTENSION liveness;'), qr/ERROR:  42501/, 'it takes a superuser');

$node->stop;
done_testing();
