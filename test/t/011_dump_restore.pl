# Dump and restore into another database, in every format, of one table, and of a whole
# cluster with its roles: no row and no privilege is lost, ids go on, and the hourly
# rollup starts again without touching what was pruned.
use strict;
use warnings;

use Liveness::Catalog qw(contents difference members);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

$node->safe_psql('postgres', 'CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE ops');

for my $schema ('public', 'my Schema')
{
	my $source = $schema eq 'public' ? 'source' : 'source2';
	$node->safe_psql('postgres', "CREATE DATABASE $source");
	$node->safe_psql($source, $schema eq 'public' ? 'CREATE EXTENSION liveness' : qq{CREATE SCHEMA "$schema"; CREATE EXTENSION liveness SCHEMA "$schema"});
	$node->safe_psql($source, qq{SET search_path = "$schema", pg_catalog;} . q{
		INSERT INTO provider_heartbeats (provider_id, at, status, memory_available_gb, capacity, thermal_state)
			SELECT 'p' || g % 3, '2026-01-01 00:00+00'::timestamptz + g * interval '10 minutes', E'it''s\\\\ "odd"\n', nullif(g % 4, 0), '{"slots": [1, null]}', 'fair' FROM generate_series(1, 40) g;
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('new', now()), ('inf', 'infinity');
		SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('ops');
		REVOKE EXECUTE ON FUNCTION liveness_score FROM PUBLIC;
		GRANT SELECT (provider_id) ON provider_sessions TO PUBLIC;
		SELECT liveness_open_session('p1', 'c', '2026-01-01 00:00+00');
		SELECT liveness_close_session(1, 'read_error', '2026-01-01 05:00+00', '2026-01-01 04:59+00', 5, 6);
		SELECT liveness_open_session('p1', 'c', now() - interval '1 hour'), liveness_open_session('é', '', now() - interval '1 hour');
		SELECT liveness_rollup_features(), liveness_rollup_hourly();
		-- half of an hour is gone
		SELECT liveness_prune_batch('1 day', 20);
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', '2026-01-01 00:00+00'), ('new', now());
	});
	my $before = contents($node, $source);
	my $members = members($node, $source);
	my $max = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_heartbeats});
	my $max_session = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_sessions});
	my $cells = $node->safe_psql($source, qq{TABLE "$schema".provider_heartbeats_hourly ORDER BY 1, 2});
	is($node->safe_psql($source, qq{SELECT count(*) FROM "$schema".provider_heartbeats}), 24, "$schema: 42 heartbeats written, 20 pruned, 2 more written");

	for my $format ('plain', 'custom', 'directory')
	{
		my $target = "${source}_$format";
		my $file = $node->basedir . "/$target";
		my $what = "$schema, $format";

		$node->safe_psql('postgres', "CREATE DATABASE $target");
		my @jobs = $format eq 'directory' ? ('--jobs', 2) : ();
		$node->command_ok([ 'pg_dump', '--format', $format, @jobs, '--file', $file, $source ], "$what: pg_dump");
		$node->command_ok(
			$format eq 'plain'
			? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', $file, '-d', $target ]
			: [ 'pg_restore', '--exit-on-error', @jobs, '-d', $target, $file ],
			"$what: restored without an error");
		is(difference($before, contents($node, $target)), '', "$what: every row is there, and sequences are where they were");
		is(difference($members, members($node, $target)), '', "$what: every object, with who may do what");
		is($node->safe_psql($target, qq{SELECT nextval('"$schema".provider_heartbeats_id_seq')}), $max + 1, "$what: ids of heartbeats go on");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_open_session('x')}), $max_session + 1, "$what: ids of sessions go on");
		is($node->safe_psql($target, qq{SELECT * FROM "$schema".liveness_jobs ORDER BY 1}), $node->safe_psql($source, qq{SELECT * FROM "$schema".liveness_jobs ORDER BY 1}),
			"$what: liveness_jobs goes on");

		# The watermark is another database's.  What is late, or in a closed hour,
		# makes no cell; new has one, or two across the hour, of two heartbeats.
		isnt($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_hourly()}), 0, "$what: the first rollup starts again");
		is($node->safe_psql($target, qq{TABLE "$schema".provider_heartbeats_hourly ORDER BY 1, 2}) =~ s/^new\|[^\n]*\n?//mgr, $cells =~ s/^new\|[^\n]*\n?//mgr,
			"$what: and leaves closed hours as they were");
		is($node->safe_psql($target, qq{SELECT sum(heartbeat_count) FROM "$schema".provider_heartbeats_hourly WHERE provider_id = 'new'}), 2, "$what: what had not been rolled up is");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_hourly()}), 0, "$what: the second has nothing to do");
		isnt($node->safe_psql($target, qq{SELECT watermark_of FROM "$schema".liveness_job_state WHERE job = 'hourly'}),
			$node->safe_psql($source, qq{SELECT watermark_of FROM "$schema".liveness_job_state WHERE job = 'hourly'}), "$what: the watermark is its own");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_prune_batch('1 day', 100)}), 21, "$what: the retention goes on");
		is($node->safe_psql($target, qq{SELECT "$schema".liveness_rollup_features()}), 3, "$what: and so do the features");
	}
}

# One table, into a database where the extension is; its sequence goes along by the name
$node->safe_psql('postgres', 'CREATE DATABASE one_table');
$node->safe_psql('one_table', 'CREATE EXTENSION liveness');
my $file = $node->basedir . '/one_table';
$node->command_ok([ 'pg_dump', '--table', 'provider_sessions*', '--file', $file, 'source' ], 'pg_dump of one table');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', 'one_table' ], 'restored beside the others');
my $features = q{SELECT f::text FROM liveness_features_at('2026-01-02 00:00+00') f};
is($node->safe_psql('one_table', $_), $node->safe_psql('source', $_), 'nothing is different') for 'TABLE provider_sessions ORDER BY id', $features;
is($node->safe_psql('one_table', q{SELECT liveness_open_session('x')}), 4, 'ids go on after the 3');

# A cluster: roles, a setting of the database, and the rest
$node->safe_psql('postgres', 'ALTER DATABASE source SET liveness.window_days = 21');
$file = $node->basedir . '/all';
$node->command_ok([ 'pg_dumpall', '--exclude-database', 'source?*', '--exclude-database', 'one_table', '--file', $file ], 'pg_dumpall');
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$other->start;
# the one role that both have
$other->command_checks_all([ 'psql', '-X', '-q', '-f', $file, '-d', 'postgres' ], 0, [], [qr/\A(?:psql:\S+: ERROR:  role "[^"]+" already exists\n)\z/], 'into another cluster, without an error but for the superuser');
is(difference(contents($node, 'source'), contents($other, 'source')), '', 'every row is there');
is(difference(members($node, 'source'), members($other, 'source')), '', 'every object, with who may do what');
is($other->safe_psql('source', q{SET ROLE writer; SELECT liveness_open_session('x')}), 4, 'the writer writes');
is($other->safe_psql('source', 'SET ROLE ops; SELECT liveness_rollup_features(); SELECT DISTINCT window_days FROM provider_reliability_features'), "3\n21", 'the operator rolls up, by the setting of the database');

$other->stop;
$node->stop;
done_testing();
