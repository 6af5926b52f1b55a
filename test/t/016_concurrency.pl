# Coordinators write, the rollups run and the retention prunes, all at once; in
# the end every heartbeat that was committed stands in its cell once, or is
# counted as late.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('concurrency');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_connections = 40\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	-- what the writers committed, by another account
	CREATE TABLE written (provider_id text, at timestamptz);
	CREATE FUNCTION write(provider text, ages interval[]) RETURNS void LANGUAGE sql AS $$
		WITH h AS (
			INSERT INTO provider_heartbeats (provider_id, at)
				SELECT provider, date_trunc('hour', now()) - age FROM unnest(ages) age RETURNING provider_id, at)
		INSERT INTO written SELECT * FROM h
	$$;
});

sub query
{
	return $node->safe_psql('postgres', shift);
}

my %files = (
	# a heartbeat of now, an older one, a bunch of them
	single => q{
		\set p random(1, 20)
		\set minutes random(0, 600)
		SELECT write('p' || :p, ARRAY[make_interval(mins => :minutes)]);
	},
	bunch => q{
		\set p random(1, 20)
		SELECT write('p' || :p, array_agg(g * interval '7 minutes')) FROM generate_series(1, 30) g;
	},
	# transactions that take their time, in cells that nobody else will touch again
	slow => q{
		\set p random(1, 1000000000)
		\set ms random(0, 600)
		BEGIN;
		SELECT write('s' || :p, ARRAY[interval '1 hour']);
		\sleep :ms ms
		SELECT write('t' || :p, ARRAY[interval '1 hour']);
		COMMIT;
	},
	# and some that come to nothing
	undone => q{
		\set p random(1, 20)
		BEGIN;
		SELECT write('p' || :p, ARRAY[interval '1 hour']);
		SAVEPOINT s;
		SELECT write('p' || :p, ARRAY[interval '2 hours']);
		ROLLBACK TO s;
		\sleep 3 ms
		ROLLBACK;
	},
	# on both sides of what the retention cuts off
	old => q{
		\set p random(1, 20)
		\set minutes random(-300, 300)
		SELECT write('p' || :p, ARRAY[interval '3 days' + make_interval(mins => :minutes)]);
	},
	prune => q{
		SELECT liveness_prune_batch('3 days', 10);
	},
	hourly => q{
		SELECT liveness_rollup_hourly();
	},
	range => q{
		SELECT liveness_rollup_hourly(now() - interval '4 hours', now() - interval '3 hours');
	},
	features => q{
		SELECT liveness_rollup_features();
	},
	# two coordinators and few providers, so that they meet
	open => q{
		\set p random(1, 5)
		\set c random(1, 2)
		\set hours random(1, 48)
		SELECT liveness_open_session('p' || :p, 'c' || :c, now() - :hours * interval '1 hour');
	},
	close => q{
		\set p random(1, 5)
		SELECT liveness_close_session(id, 'clean_close') FROM provider_sessions WHERE provider_id = 'p' || :p AND disconnected_at IS NULL ORDER BY id LIMIT 1;
	},
	stale => q{
		\set c random(1, 2)
		SELECT liveness_close_stale('1 second', 'c' || :c), liveness_close_orphans('c' || :c);
	});
my %weight = (single => 20, bunch => 3, slow => 6, undone => 4, old => 8, prune => 6, hourly => 6, range => 1, features => 2, open => 10, close => 4, stale => 1);
my @args;
for my $name (sort keys %files)
{
	my $path = $node->basedir . "/$name.sql";
	append_to_file($path, $files{$name} =~ s/^\t+//mgr);
	push @args, '-f', "$path\@$weight{$name}";
}
# A run that meets another leaves it to that one: until enough have run
my $round = 0;
do
{
	$round++;
	$node->command_ok([ 'pgbench', '-n', '-c', 10, '-j', 2, '-t', 100, '--random-seed', 41 + $round, @args, 'postgres' ],
		"ten sessions write, roll up and prune, and none of them fails, round $round");
} until ($round == 20 || query(q{SELECT min(runs) > 5 AND (SELECT count(*) FROM written) - (SELECT count(*) FROM provider_heartbeats) > 20
	AND (SELECT count(*) FROM provider_sessions WHERE disconnect_reason = 'superseded') > 10 FROM liveness_jobs}) eq 't');

cmp_ok(query('SELECT count(*) FROM written'), '>', 1000, 'heartbeats were written');
cmp_ok(query(q{SELECT min(runs) FROM liveness_jobs}), '>', 5, 'all jobs have run meanwhile');
cmp_ok(query(q{SELECT (SELECT count(*) FROM written) - (SELECT count(*) FROM provider_heartbeats)}), '>', 20, 'heartbeats were pruned');

# Only the routine run, only what is new: no sweep and no range helps it.
query(q{UPDATE liveness_internal.liveness_job_state SET swept_at = clock_timestamp() WHERE job = 'hourly'});
query('SELECT liveness_rollup_hourly()');
is(query('SELECT liveness_rollup_hourly()'), 0, 'in the end the watermark is above everything');

is(query(q{
	SELECT count(*) FROM (
		SELECT provider_id, date_trunc('hour', at) AS hour, count(*) AS n FROM written GROUP BY 1, 2) w
	FULL JOIN provider_heartbeats_hourly k USING (provider_id, hour)
	WHERE hour >= (SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly') AND w.n IS DISTINCT FROM k.heartbeat_count}),
	0, 'every open cell has what was written');
is(query(q{
	SELECT count(*) FROM provider_heartbeats_hourly k
	WHERE hour < (SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly')
		AND heartbeat_count > (SELECT count(*) FROM written w WHERE w.provider_id = k.provider_id AND w.at >= k.hour AND w.at < k.hour + interval '1 hour')}),
	0, 'no closed cell has more');
cmp_ok(query(q{SELECT (SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly) + late FROM liveness_internal.liveness_job_state WHERE job = 'hourly'}),
	'>=', query('SELECT count(*) FROM written'), 'and what the closed ones lack was counted as late');
is(query(q{SELECT count(*) FROM (TABLE provider_heartbeats EXCEPT ALL SELECT h.* FROM provider_heartbeats h WHERE (h.provider_id, h.at) IN (TABLE written)) x}), 0, 'nothing was stored but what was written');

is(query(q{SELECT count(*) FROM (SELECT FROM provider_sessions WHERE disconnected_at IS NULL GROUP BY provider_id, coordinator_id HAVING count(*) > 1) x}),
	0, 'of each provider and coordinator one session is open at most');
cmp_ok(query(q{SELECT count(*) FROM provider_sessions WHERE disconnect_reason = 'superseded'}), '>', 10, 'though many were opened');
query('SELECT liveness_rollup_features()');
is(query(q{SELECT count(*) FROM provider_reliability_features f FULL JOIN (SELECT provider_id, count(*) AS n FROM provider_sessions GROUP BY 1) s USING (provider_id) WHERE s.n IS DISTINCT FROM f.sessions_count}),
	0, 'and the features count them all');

# More opens in one transaction than the server's lock table has room for
cmp_ok(query(q{SELECT current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int}), '<', 16_000, 'the lock table is smaller');
is(query(q{SELECT count(DISTINCT liveness_open_session('bulk' || g, 'c' || g)) FROM generate_series(1, 16000) g}), 16_000, '16,000 sessions are opened in one statement');
is(query(q{BEGIN; SELECT count(DISTINCT liveness_open_session('bulk' || g, 'c' || g, now() + interval '1 hour')) FROM generate_series(1, 16000) g; SELECT count(*) <= 1024 FROM pg_locks WHERE locktype = 'advisory'; COMMIT}),
	"16000\nt", 'and superseded in another, with no more than 1,024 locks');
is(query(q{SELECT count(*) FROM provider_sessions WHERE provider_id LIKE 'bulk%' AND disconnect_reason = 'superseded'}), 16_000, 'each');

$node->stop;
done_testing();
