# pg_upgrade of a cluster in which the extension is in use: every row, privilege,
# comment and membership arrives, and the worker and its jobs go on. From the server of
# this installation, or from that of LIVENESS_OLD_BIN, a bin folder with the extension.
use strict;
use warnings;

use Liveness::Catalog qw(contents difference members);
use Liveness::Jobs qw(wait_for_no_job_of);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %install = $ENV{LIVENESS_OLD_BIN} ? (install_path => $ENV{LIVENESS_OLD_BIN} =~ s{/bin/?$}{}r) : ();
my $old = PostgreSQL::Test::Cluster->new('old', %install);
my $new = PostgreSQL::Test::Cluster->new('new');
# pg_upgrade wants checksums in both or in neither, and the default is of a version
$_->init(extra => ['--data-checksums']) for $old, $new;
$_->append_conf('postgresql.conf', q{
	timezone = 'UTC'
	log_min_messages = debug1
	shared_preload_libraries = 'liveness'
	liveness.database = 'postgres'
	liveness.scheduler = off
	liveness.rollup_interval = '1s'
}) for $old, $new;
$old->start;

my $worker = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND state IS NOT NULL};
$old->poll_query_until('postgres', $worker) or die 'there is no worker';

my $schema = '"Fleet data"';
$old->safe_psql('postgres', q{CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE ops; ALTER DATABASE postgres SET liveness.window_days = 21});
$old->safe_psql('postgres', qq{
	CREATE SCHEMA $schema;
	CREATE EXTENSION liveness SCHEMA $schema;
	ALTER DATABASE postgres SET search_path = $schema, public});
$old->safe_psql('postgres', q{
	SELECT liveness_grant_reader('reader'), liveness_grant_writer('writer'), liveness_grant_operator('ops');
	REVOKE EXECUTE ON FUNCTION liveness_score FROM PUBLIC;
	GRANT SELECT (provider_id) ON provider_sessions TO PUBLIC;
	ALTER TABLE provider_heartbeats SET (autovacuum_vacuum_scale_factor = 0.01);
	COMMENT ON TABLE provider_sessions IS 'ours';
	INSERT INTO provider_heartbeats (provider_id, at, memory_available_gb, capacity, thermal_state)
		SELECT 'p' || g % 30, '2026-01-01 00:00+00'::timestamptz + g * interval '10 minutes', nullif(g % 4, 0), '{"slots": [1, null]}', 'fair' FROM generate_series(1, 3000) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 30, now() - g * interval '30 minutes', now() - g * interval '30 minutes' + interval '8 hours', 'read_error' FROM generate_series(20, 1200) g;
	SELECT liveness_open_session('p' || g, 'c', now() - interval '1 hour') FROM generate_series(1, 5) g;
	SELECT liveness_emit('p1', at => '2026-01-20 00:00+00'), liveness_emit('p2', at => '2026-01-20 00:00+00');
	SELECT liveness_flush();
	SELECT liveness_rollup_features(), liveness_rollup_hourly(), liveness_prune_batch(now() - '2026-01-11 00:00+00', 1000);
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('not rolled up yet', '2026-01-20 00:00+00');
	SELECT liveness_exclude('p1', '2026-01-12 00:00+00', '2026-01-13 00:00+00', 'disk');
	INSERT INTO provider_groups VALUES ('p1', 'rack 1');
	INSERT INTO liveness_internal.liveness_shock_estimate (as_of, horizon, phi, psi, cuts, cases, pairs, group_pairs) VALUES (now(), '6 hours', 0.2, 0.6, 30, 900, 9000, 900);
	-- a user's own, which depend on it
	CREATE TABLE public.curves AS SELECT provider_id, survival_agg(extract(epoch FROM disconnected_at - connected_at)::float8, true) AS curve FROM provider_sessions GROUP BY 1;
	CREATE VIEW public.best AS SELECT provider_id, liveness_score FROM liveness_reliability(max_rows => 3);
});

# All that can be read, as many rows as there are
sub reads
{
	my ($node) = @_;
	return join "\n", map { "$_: " . $node->safe_psql('postgres', "SELECT count(*) FROM $_") }
		qw(provider_liveness provider_session_history provider_heartbeat_history provider_availability_matrix provider_disconnect_reasons provider_stale_sessions
		liveness_internal.liveness_last_signs network_availability liveness_jobs liveness_stats public.best), q{liveness_candidates('6 hours')}, q{liveness_heatmap('p1')}, 'liveness_features_at()';
}

my $rows = contents($old, 'postgres');
my $members = members($old, 'postgres');
my $reads = reads($old);
my $curves = $old->safe_psql('postgres', 'TABLE public.curves ORDER BY 1');
my $best = $old->safe_psql('postgres', 'TABLE public.best');
is($old->safe_psql('postgres', 'SELECT count(*) FROM provider_heartbeats'), 2003, '3,000 heartbeats, of which 1,000 are gone, and 2 and 1 more');
my %filled = map { $_ => 1 } $rows =~ /^(\w+)/mg;
is(join(' ', sort keys %filled),
	'liveness_dump_known liveness_fleet_hazard liveness_granted_role liveness_job_state liveness_provider_hazard liveness_shock_estimate provider_exclusions provider_exclusions_id_seq provider_groups provider_heartbeats provider_heartbeats_hourly provider_heartbeats_id_seq provider_reliability_features provider_sessions provider_sessions_id_seq',
	'every table and sequence is filled');
$old->stop;

# A worker that ran while the servers are started for the upgrade would roll up at once
$_->append_conf('postgresql.conf', 'liveness.scheduler = worker') for $old, $new;
chdir $PostgreSQL::Test::Utils::tmp_check or die;
$new->command_ok([
		'pg_upgrade', '--no-sync', '--jobs', 2, '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir, '--old-bindir', $old->config_data('--bindir'),
		'--new-bindir', $new->config_data('--bindir'), '--socketdir', $new->host, '--old-port', $old->port, '--new-port', $new->port ],
	'pg_upgrade');
$new->append_conf('postgresql.conf', 'liveness.scheduler = off');
$new->start;

is(difference($rows, contents($new, 'postgres')), '', 'every row is there, and the sequences are where they were');
is(difference($members, members($new, 'postgres')), '', 'every object is a member as it was, with its privileges, options and comments');
is(reads($new), $reads, 'every view works');
is($new->safe_psql('postgres', 'TABLE public.curves ORDER BY 1'), $curves, 'curves in a table of a user, too');
is($new->safe_psql('postgres', 'TABLE public.best'), $best, 'and a view of one');
is($new->safe_psql('postgres', 'SHOW liveness.window_days'), 21, 'a setting of the database');

# As the roles
$new->poll_query_until('postgres', $worker) or die 'there is no worker';
is($new->safe_psql('postgres', q{SET ROLE writer; SELECT liveness_open_session('new')}), 1187, 'the writer writes; 1,181 + 5 sessions were there');
$new->safe_psql('postgres', q{SET ROLE writer; SELECT liveness_emit('new'); SELECT liveness_flush()});
is($new->safe_psql('postgres', q{SELECT provider_id, id FROM provider_heartbeats ORDER BY id DESC LIMIT 1}), 'new|3004', 'by the worker, too; 3,000 + 2 + 1 heartbeats have been there');
is($new->safe_psql('postgres', q{SET ROLE reader; SELECT connected FROM provider_liveness WHERE provider_id = 'p1'}), 't', 'the reader reads');

# The jobs: the first hourly run starts again, and finds what it had found, and the rest
my $hours = q{SELECT provider_id, hour, heartbeat_count, avg_memory_available_gb FROM provider_heartbeats_hourly WHERE provider_id ~ '^p' ORDER BY 1, 2};
my $before = $new->safe_psql('postgres', $hours);
$new->append_conf('postgresql.conf', 'liveness.scheduler = worker');
$new->reload;
$new->poll_query_until('postgres', q{SELECT count(*) = 2 FROM liveness_jobs WHERE job IN ('features', 'hourly') AND last_started_at > pg_postmaster_start_time()}) or die 'the worker runs no job';
$new->append_conf('postgresql.conf', 'liveness.scheduler = off');
$new->reload;
$new->poll_query_until('postgres', q{SELECT current_setting('liveness.scheduler') = 'off'}) or die 'liveness.scheduler did not change';
wait_for_no_job_of($new);
is($new->safe_psql('postgres', $hours), $before, 'the hours are as they were');
is($new->safe_psql('postgres', q{SELECT heartbeat_count FROM provider_heartbeats_hourly WHERE provider_id = 'not rolled up yet'}), 1, 'with what had not been rolled up yet');
is($new->safe_psql('postgres', q{SET ROLE ops; CALL liveness_run('retention'); SELECT errors, runs FROM liveness_jobs WHERE job = 'retention'}), '0|2', 'the retention goes on');
is($new->safe_psql('postgres', q{SELECT provider_id, window_days FROM provider_reliability_features WHERE provider_id = 'new'}), 'new|21', 'the features as well');

# It is an extension still
$new->safe_psql('postgres', 'DROP EXTENSION liveness CASCADE');
is($new->safe_psql('postgres', qq{SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = '$schema'::regnamespace}), 0, 'dropped, it leaves its schema empty');

$new->stop;
done_testing();
