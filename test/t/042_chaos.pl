# Everything at once: writers at each isolation level, sessions opened and closed,
# rollups that are let finish or not, a retention that closes one hour after another,
# and tables rebuilt, changed and emptied under them.  Nobody fails or deadlocks, and
# in the end independent accounts of what was written agree with what is there.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => 'pgbench of 14 does not try again what could not be serialized') unless `pgbench --help` =~ /--max-tries/;

my $node = PostgreSQL::Test::Cluster->new('chaos');
$node->init;
# autovacuum gives way to DDL with an ERROR in the log, which is to have none
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nlog_min_messages = warning\nlog_min_error_statement = error\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	-- the accounts: heartbeats written, and by which transaction; heartbeats deleted; sessions opened and closed
	CREATE TABLE written (provider_id text, at timestamptz, id bigint, xid xid8 DEFAULT pg_current_xact_id());
	CREATE TABLE deleted (provider_id text, at timestamptz, id bigint);
	CREATE TABLE opened (id bigint);
	CREATE TABLE closed (id bigint, reason text);
	-- whom somebody saw with two open sessions at one coordinator
	CREATE TABLE doubles (provider_id text);
	-- what was committed before each prune began, and up to which hour it left them closed
	CREATE TABLE closings (n serial, seen pg_snapshot, until timestamptz);
	-- each prune cuts off a little more, from 40 hours down to 6
	CREATE SEQUENCE age;
	CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.deleted SELECT provider_id, at, id FROM gone;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER DELETE ON provider_heartbeats REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_deletion();
	CREATE FUNCTION write(provider text, hours float8[]) RETURNS void LANGUAGE sql AS $$
		WITH h AS (
			INSERT INTO provider_heartbeats (provider_id, at)
				SELECT provider, date_trunc('hour', now()) - age * interval '1 hour' FROM unnest(hours) age RETURNING provider_id, at, id)
		INSERT INTO written SELECT * FROM h
	$$;
	CREATE FUNCTION prune(hours bigint) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		seen pg_snapshot := pg_current_snapshot();
		deleted bigint := liveness_prune_batch(hours * interval '1 hour', 60);
	BEGIN
		INSERT INTO closings (seen, until) SELECT seen, pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly' AND deleted IS NOT NULL;
		RETURN deleted;
	END $$;
	-- a history, of which the first hours are closed already
	SELECT write('p' || p, array_agg(h + 0.5)) FROM generate_series(1, 20) p, generate_series(0, 47) h GROUP BY p;
	SELECT prune(46);
});

sub query
{
	return $node->safe_psql('postgres', shift);
}

my $range = 'liveness_rollup_hourly(now() - interval $$12 hours$$, now() - interval $$2 hours$$)';
my %script = (
	heartbeat => [ 30, q{
		\set p random(1, 20)
		\set minutes random(0, 3000)
		SELECT write('p' || :p, ARRAY[:minutes / 60.0]);
	} ],
	# in transactions with a snapshot of their own, which last
	repeatable => [ 10, q{
		\set p random(1, 1000)
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT write('r' || :p, ARRAY[1, 11]);
		\sleep 5 ms
		SELECT write('s' || :p, ARRAY[1, 21]);
		COMMIT;
	} ],
	serializable => [ 10, q{
		\set p random(1, 1000)
		BEGIN ISOLATION LEVEL SERIALIZABLE;
		SELECT count(*) FROM provider_reliability_features WHERE provider_id = 'p1';
		SELECT write('t' || :p, ARRAY[1, 31]);
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('t' || :p, now() - interval '9 hours', now() - interval '8 hours');
		COMMIT;
	} ],
	undone => [ 4, q{
		\set p random(1, 20)
		BEGIN;
		SELECT write('p' || :p, ARRAY[1, 2, 3]);
		SELECT liveness_open_session('p' || :p, 'c1');
		ROLLBACK;
	} ],
	# few providers and two coordinators, so that they meet
	open => [ 16, q{
		\set p random(1, 4)
		\set c random(1, 2)
		BEGIN;
		INSERT INTO opened SELECT liveness_open_session('p' || :p, 'c' || :c, now() - interval '3 hours');
		\sleep 2 ms
		COMMIT;
		INSERT INTO doubles SELECT provider_id FROM provider_sessions WHERE disconnected_at IS NULL GROUP BY provider_id, coordinator_id HAVING count(*) > 1;
	} ],
	close => [ 10, q{
		\set p random(1, 4)
		\set r random(1, 1000000)
		SELECT coalesce(min(id), 0) AS id FROM provider_sessions WHERE provider_id = 'p' || :p AND disconnected_at IS NULL \gset
		BEGIN;
		INSERT INTO closed SELECT :id, 'r' || :r WHERE liveness_close_session(:id, 'r' || :r);
		\sleep 2 ms
		COMMIT;
	} ],
	stale => [ 4, q{
		\set c random(1, 2)
		SELECT liveness_close_stale('1 second', 'c' || :c);
	} ],
	orphans => [ 1, q{
		\set c random(1, 2)
		SELECT liveness_close_orphans('c' || :c);
	} ],
	hourly => [ 8, q{SELECT liveness_rollup_hourly();} ],
	range => [ 4, qq{SELECT $range;} ],
	features => [ 4, q{SELECT liveness_rollup_features();} ],
	prune => [ 8, q{SELECT prune(greatest(6, 40 - nextval('age') / 10));} ],
	retention => [ 1, q{CALL liveness_prune('48 hours', 20);} ],
	# rollups from a snapshot: 40001 is for the caller to repeat
	snapshot => [ 3, qq{
		\\set level random(1, 2)
		\\if :level = 1
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		\\else
		BEGIN ISOLATION LEVEL SERIALIZABLE;
		\\endif
		SELECT liveness_rollup_features();
		SELECT liveness_rollup_hourly();
		SELECT $range;
		COMMIT;
	} ],
	# no \if in another, for pgbenches up to 17.0 went into the inner one of a false one;
	# one at a time: a CREATE INDEX CONCURRENTLY that waits for everybody's snapshots must
	# not wait for one that waits behind another's DDL, which is PostgreSQL's own deadlock
	maintenance => [ 3, q{
		SELECT pg_try_advisory_lock(1)::int AS mine \gset
		\set t :mine * random(1, 16)
		\if :t = 1
		VACUUM FULL provider_heartbeats;
		\elif :t = 2
		VACUUM FULL provider_sessions;
		\elif :t = 3
		VACUUM FULL provider_heartbeats_hourly;
		\elif :t = 4
		VACUUM FULL provider_reliability_features;
		\elif :t = 5
		VACUUM FULL liveness_internal.liveness_job_state;
		\elif :t = 6
		REINDEX TABLE provider_heartbeats;
		\elif :t = 7
		REINDEX TABLE provider_sessions;
		\elif :t = 8
		REINDEX TABLE provider_heartbeats_hourly;
		\elif :t = 9
		REINDEX TABLE liveness_internal.liveness_job_state;
		\elif :t = 10
		REINDEX TABLE CONCURRENTLY provider_heartbeats;
		\elif :t = 11
		REINDEX TABLE CONCURRENTLY provider_heartbeats_hourly;
		\elif :t = 12
		ALTER TABLE provider_heartbeats ADD COLUMN IF NOT EXISTS own int DEFAULT 1, SET (fillfactor = 90);
		\elif :t = 13
		ALTER TABLE provider_sessions ADD COLUMN IF NOT EXISTS own int, SET (fillfactor = 90);
		\elif :t = 14
		ALTER TABLE provider_heartbeats_hourly ADD COLUMN IF NOT EXISTS own int, ALTER COLUMN heartbeat_count SET STATISTICS 50;
		\elif :t = 15
		TRUNCATE provider_reliability_features;
		\elif :t = 16
		TRUNCATE liveness_internal.liveness_provider_hazard;
		\endif
		\if :mine = 1
		SELECT pg_advisory_unlock(1);
		\endif
	} ]);
my @files;
for my $name (sort keys %script)
{
	my ($weight, $sql) = @{ $script{$name} };
	my $path = $node->basedir . "/$name.sql";
	append_to_file($path, $sql =~ s/^\t+//mgr);
	push @files, '-f', "$path\@$weight";
}

# Again and again, until there is enough of everything to be looked at
my @enough = (
	'SELECT count(DISTINCT until) > 15 FROM closings', 'SELECT min(runs) > 50 FROM liveness_jobs', 'SELECT count(*) > 500 FROM deleted',
	'SELECT count(*) > 50 FROM closed', "SELECT late > 10 FROM liveness_internal.liveness_job_state WHERE job = 'hourly'");

# Meanwhile runs that are given up somewhere on their way, each after 1 to 8 ms
my @given_up = ('SELECT liveness_rollup_hourly()', "SELECT $range", 'SELECT liveness_rollup_features()', q{SELECT prune(greatest(6, 40 - nextval('age') / 10))});
my ($round, $log, $err, %timeouts) = (0, '', '');
do
{
	$round++;
	my ($in, $out, $more) = (join('', map { my $ms = $_ % 8 + 1; map { "SET statement_timeout = $ms;\n$_;\n" } @given_up } 1 .. 150), '', '');
	my $impatient = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$more);
	$node->command_ok([ 'pgbench', '-n', '-c', 6, '-j', 2, '-t', 500, '--random-seed', 41 + $round, '--max-tries', 1000, @files, 'postgres' ],
		"six sessions do all of it 3,000 times, and none of them fails, round $round");
	$impatient->finish;
	$err .= $more;
	$log = slurp_file($node->logfile);
	%timeouts = map { $_ => 1 } $log =~ /due to statement timeout\n(?:.*CONTEXT: .*\n(?:\t.*\n)*)?.*STATEMENT:  (.*);/g;
} until (!(grep { query($_) ne 't' } @enough) && !(grep { !$timeouts{$_} } @given_up) || $round == 20);

# What went wrong is what may go wrong
my %errors = map { $_ => 1 } $log =~ /(?:ERROR|FATAL|PANIC): +(.*)/g;
# A timeout that strikes when a statement is just done, and about to commit, has PostgreSQL
# speak of a user's request
is(join('; ', grep { !/^could not serialize access|^canceling statement due to (?:statement timeout|user request)/ } sort keys %errors), '',
	'no deadlock and no other error in the log, but serialization failures and timeouts');
is(join(' ', grep { !/NOTICE|ERROR:  57014$/ } split /\n/, $err), '', 'a run with a timeout ends well, or by it');
is(scalar(grep { $timeouts{$_} } @given_up), 4, 'some of each kind ended by it');
cmp_ok(query('SELECT count(DISTINCT until) FROM closings'), '>', 15, 'hours were closed, one after another');
cmp_ok(query('SELECT min(runs) FROM liveness_jobs'), '>', 50, 'and all jobs have run');

# One more run of each: only the routine one for the hours, no sweep and no range helps it
query(q{UPDATE liveness_internal.liveness_job_state SET swept_at = clock_timestamp() WHERE job = 'hourly'});
query('SELECT liveness_rollup_hourly()');
is(query('SELECT liveness_rollup_hourly()'), 0, 'in the end the watermark is above everything');

# Heartbeats
is(query(q{
	SELECT count(*) FROM written w
	FULL JOIN (SELECT provider_id, at, id FROM provider_heartbeats UNION ALL TABLE deleted) h USING (provider_id, at, id)
	WHERE w.xid IS NULL OR h IS NULL}), 0, 'every heartbeat written is there or was pruned, and no other');
is(query(q{SELECT count(*) - count(DISTINCT (provider_id, at, id)) FROM (SELECT provider_id, at, id FROM provider_heartbeats UNION ALL TABLE deleted) h}), 0, 'none twice');
is(query(q{SELECT count(*) FROM deleted WHERE at >= (SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly')}), 0, 'none was pruned of an open hour');
cmp_ok(query('SELECT count(*) FROM deleted'), '>', 500, 'though many were pruned');

# Hours
is(query(q{
	SELECT count(*) FROM (SELECT provider_id, date_trunc('hour', at) AS hour, count(*) AS n FROM provider_heartbeats GROUP BY 1, 2) h
	FULL JOIN provider_heartbeats_hourly k USING (provider_id, hour)
	WHERE hour >= (SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly') AND h.n IS DISTINCT FROM k.heartbeat_count}),
	0, 'every open hour has the heartbeats that there are');
my $closed = q{
	FROM (SELECT provider_id, date_trunc('hour', at) AS hour, count(*) AS n, count(*) FILTER (WHERE pg_visible_in_snapshot(xid, seen)) AS committed_before
		FROM written w CROSS JOIN LATERAL (SELECT seen FROM closings WHERE until > w.at ORDER BY n LIMIT 1) c GROUP BY 1, 2) w
	FULL JOIN (SELECT * FROM provider_heartbeats_hourly WHERE hour < (SELECT pruned_before FROM liveness_internal.liveness_job_state WHERE job = 'hourly')) k USING (provider_id, hour)
};
is(query("SELECT count(*) $closed WHERE NOT coalesce(heartbeat_count, 0) BETWEEN coalesce(committed_before, 0) AND coalesce(n, 0)"),
	0, 'every closed one what was committed before it was closed, and not more than was ever written');
is(query("SELECT sum(n) - sum(heartbeat_count) <= (SELECT late FROM liveness_internal.liveness_job_state WHERE job = 'hourly') $closed"), 't', 'the rest was counted as late');
is(query(qq{SELECT count(*) > 100 AND count(*) FILTER (WHERE heartbeat_count < n) > 10 $closed}), 't', 'of which there was some');

# Sessions
is(query('SELECT count(*) FROM doubles'), 0, 'of each provider and coordinator one session was open at most, at any time');
is(query(q{SELECT count(*) FROM opened o FULL JOIN (SELECT id FROM provider_sessions WHERE coordinator_id <> '') s USING (id) WHERE o IS NULL OR s IS NULL}),
	0, 'every session opened is there, and no other');
is(query('SELECT count(*) FROM closed c LEFT JOIN provider_sessions s USING (id) WHERE s.disconnect_reason IS DISTINCT FROM c.reason'),
	0, 'who was told that he closed a session did, and nobody after him');
is(query('SELECT count(*) > 50, count(*) - count(DISTINCT id) FROM closed'), 't|0', 'many did');

# Features, by the clock of one instant
query(q{CREATE TABLE instant AS SELECT now() AS as_of, now() - interval '336 hours' AS since; SELECT liveness_rollup_features(as_of) FROM instant});
my ($instant) = query('SELECT as_of FROM instant');
my $pure_sql = slurp_file("$ENV{TESTDIR}/../bench/sql/features_pure_sql.sql") =~ s/:'as_of'/'$instant'/gr =~ s/:window_days/14/gr =~ s/;\s*\z//r;
is(query(qq{SELECT count(*) FROM ($pure_sql) s FULL JOIN provider_reliability_features f USING (provider_id)
	WHERE (s.sessions_count, s.spells_count, s.failures_count, s.uptime_pct, s.median_session_seconds, s.disconnect_reasons)
		IS DISTINCT FROM (f.sessions_count, f.spells_count, f.failures_count, f.uptime_pct, f.median_session_seconds, f.disconnect_reasons)}),
	0, 'features are those of the sessions there are');
is(query(q{
	SELECT count(*) FROM (SELECT liveness_features_at(as_of) AS f FROM instant) a
	FULL JOIN provider_reliability_features f ON (a.f).provider_id = f.provider_id WHERE a.f IS DISTINCT FROM f}), 0, 'and as liveness_features_at has them');
is(query(q{SELECT count(*) FROM liveness_internal.liveness_provider_hazard p FULL JOIN provider_reliability_features f USING (provider_id), instant
	WHERE coalesce(p.as_of > instant.as_of, true) OR f.updated_at IS DISTINCT FROM instant.as_of}), 0, 'for everybody, hazards too');

$node->stop;
done_testing();
