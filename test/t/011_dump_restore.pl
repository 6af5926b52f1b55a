# Dump and restore into another database: nothing is lost, ids go on, and the
# hourly rollup starts again without touching what was pruned.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

my @tables = qw(provider_heartbeats provider_heartbeats_hourly provider_sessions provider_reliability_features liveness_job_state liveness_job_lock);

# Everything that is stored, table by table
sub contents
{
	my ($db, $schema) = @_;
	return join "\n", map { "$_:\n" . $node->safe_psql($db, qq{SELECT t::text FROM "$schema".$_ t ORDER BY 1}) } @tables;
}

for my $schema ('public', 'my Schema')
{
	my $source = $schema eq 'public' ? 'source' : 'source2';
	$node->safe_psql('postgres', "CREATE DATABASE $source");
	$node->safe_psql($source, $schema eq 'public' ? 'CREATE EXTENSION liveness' : qq{CREATE SCHEMA "$schema"; CREATE EXTENSION liveness SCHEMA "$schema"});
	$node->safe_psql($source, qq{SET search_path = "$schema", pg_catalog;} . q{
		INSERT INTO provider_heartbeats (provider_id, at, status, memory_available_gb, capacity, thermal_state)
			SELECT 'p' || g % 3, '2026-01-01 00:00+00'::timestamptz + g * interval '10 minutes', E'it''s\\\\ "odd"\n', nullif(g % 4, 0), '{"slots": [1, null]}', 'fair' FROM generate_series(1, 40) g;
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('new', now()), ('inf', 'infinity');
		SELECT liveness_open_session('p1', 'c', '2026-01-01 00:00+00');
		SELECT liveness_close_session(1, 'read_error', '2026-01-01 05:00+00', '2026-01-01 04:59+00', 5, 6);
		SELECT liveness_open_session('p1', 'c', now() - interval '1 hour'), liveness_open_session('é', '', now() - interval '1 hour');
		SELECT liveness_rollup_features(), liveness_rollup_hourly();
		-- half of an hour is gone
		SELECT liveness_prune_batch('1 day', 20);
		INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', '2026-01-01 00:00+00'), ('new', now());
	});
	my $before = contents($source, $schema);
	my $max = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_heartbeats});
	my $max_session = $node->safe_psql($source, qq{SELECT max(id) FROM "$schema".provider_sessions});
	my $cells = $node->safe_psql($source, qq{TABLE "$schema".provider_heartbeats_hourly ORDER BY 1, 2});
	is($node->safe_psql($source, qq{SELECT count(*) FROM "$schema".provider_heartbeats}), 24, "$schema: 42 heartbeats written, 20 pruned, 2 more written");

	for my $format ('plain', 'custom')
	{
		my $target = "${source}_$format";
		my $file = $node->basedir . "/$target";
		my $what = "$schema, $format";

		$node->safe_psql('postgres', "CREATE DATABASE $target");
		$node->command_ok([ 'pg_dump', '--format', $format, '--file', $file, $source ], "$what: pg_dump");
		$node->command_ok(
			$format eq 'plain'
			? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', $file, '-d', $target ]
			: [ 'pg_restore', '--exit-on-error', '-d', $target, $file ],
			"$what: restored without an error");
		is(contents($target, $schema), $before, "$what: every row is there");
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

$node->stop;
done_testing();
