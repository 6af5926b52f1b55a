# Logical replication, in two ways: a mirror, which gets all rows and only reads, and a
# database that gets sessions and heartbeats, and has rollups and a retention of its own.
# Either tells the same as the publisher.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
for my $node ($publisher, $subscriber)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
	$node->start;
}
$subscriber->safe_psql('postgres', "CREATE DATABASE $_") for 'mirror', 'own';
my %node = (postgres => $publisher, mirror => $subscriber, own => $subscriber);
$node{$_}->safe_psql($_, 'CREATE EXTENSION liveness') for keys %node;

sub query
{
	my ($db, $sql) = @_;
	return $node{$db}->safe_psql($db, $sql);
}

# Rows of a table, as they are
sub rows
{
	my ($db, $table) = @_;
	return query($db, "SELECT t::text FROM $table t ORDER BY 1");
}

sub catch_up
{
	$publisher->wait_for_catchup($_) for 'mirror', 'own';
	return;
}

my @base = qw(provider_sessions provider_heartbeats provider_exclusions);
my @all = (@base, qw(provider_heartbeats_hourly provider_reliability_features provider_groups liveness_internal.liveness_fleet_hazard liveness_internal.liveness_provider_hazard
	liveness_internal.liveness_shock_estimate));

# Some rows are there when the subscriptions begin
my $now = query('postgres', 'SELECT now()');
query('postgres', qq{
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 5, 'c', now() - g * interval '7 hours', now() - g * interval '7 hours' + interval '5 hours', 'read_error' FROM generate_series(1, 40) g;
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, thermal_state, capacity)
		SELECT 'p' || g % 5, '$now'::timestamptz - interval '40 days' + g * interval '1 hour', g % 4 / 4.0, 'fair', '{"slots": 4}' FROM generate_series(1, 500) g;
	SELECT liveness_rollup_hourly();
	SELECT liveness_exclude('p1', now() - interval '3 days', reason => 'disk'), liveness_exclude(NULL, now() - interval '2 days', now() - interval '1 day');
});
query('postgres', 'CREATE PUBLICATION mirror FOR TABLE ' . join(', ', @all));
query('postgres', 'CREATE PUBLICATION own FOR TABLE ' . join(', ', @base) . q{ WITH (publish = 'insert, update')});
my $connection = $publisher->connstr . ' dbname=postgres';
query($_, "CREATE SUBSCRIPTION $_ CONNECTION '$connection' PUBLICATION $_") for 'mirror', 'own';
$subscriber->wait_for_subscription_sync($publisher, $_, $_) for 'mirror', 'own';
is(query('own', 'SELECT count(*) FROM provider_heartbeats'), 500, 'heartbeats of before arrive');
is(rows('mirror', $_), rows('postgres', $_), "$_ is mirrored") for @all;

# Every kind of write, with the rollups and the retention: none fails for want of a
# replica identity
query('own', 'SELECT liveness_rollup_hourly()');
query('postgres', qq{
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage) SELECT 'p' || g % 5, '$now'::timestamptz - g * interval '1 minute', 0.5 FROM generate_series(1, 300) g;
	SELECT liveness_open_session('p' || g, 'c', now() - interval '3 hours') FROM generate_series(0, 4) g;
	SELECT liveness_open_session('p1', 'c', now() - interval '2 hours');
	SELECT liveness_close_session(41, 'clean_close', now(), now(), 5, 6);
	SELECT liveness_close_orphans('c');
	SELECT liveness_end_exclusion(1), liveness_exclude('p2', now());
	SELECT liveness_open_session('new', 'c', now() - interval '1 hour');
});
query('postgres', "SELECT liveness_rollup_features('$now')");
is(query('postgres', 'SELECT liveness_rollup_features()'), 6, 'the features of six providers are written, and written again');
query('postgres', 'SELECT liveness_rollup_hourly()');
catch_up();
is(rows($_, 'provider_sessions'), rows('postgres', 'provider_sessions'), "$_: opened and closed sessions arrive") for 'mirror', 'own';
is(query('own', 'SELECT disconnect_reason, requests_served FROM provider_sessions WHERE id = 41'), 'clean_close|5', 'with how they ended');
is(query($_, 'SELECT count(*) FROM provider_heartbeats'), 800, "$_: heartbeats too") for 'mirror', 'own';

# Of its own
my $as_of = query('postgres', 'SELECT max(updated_at) FROM provider_reliability_features');
is(query('own', "SELECT liveness_rollup_features('$as_of')"), 6, 'its own rollup finds the six providers');
is(query('own', 'SELECT liveness_rollup_hourly()'), query('postgres', "SELECT count(*) FROM provider_heartbeats_hourly WHERE hour >= date_trunc('hour', '$now'::timestamptz - interval '300 minutes', 'UTC')"),
	'and the cells of what has arrived since the last, alone');
# but counts of providers, which are of the instant at which each database counted them
my @computed = grep { !/provider_hazard/ } @all;
is(rows('own', $_), rows('postgres', $_), "$_ is the same, computed twice") for @computed;
my $candidates = "SELECT * FROM liveness_candidates_at('$as_of', '1 hour', 0)";
is(query($_, $candidates), query('postgres', $candidates), "$_: candidates are the same") for 'mirror', 'own';

# A heartbeat arrives after one that was drawn later, but committed before
my $writer = $publisher->background_psql('postgres');
$writer->query_safe("BEGIN; INSERT INTO provider_heartbeats (provider_id, at) VALUES ('late', '$now')");
query('postgres', "INSERT INTO provider_heartbeats (provider_id, at) VALUES ('in time', '$now')");
catch_up();
query('own', 'SELECT liveness_rollup_hourly()');
$writer->query_safe('COMMIT');
$writer->quit;
catch_up();
query($_, 'SELECT liveness_rollup_hourly()') for 'postgres', 'own';
is(rows('own', 'provider_heartbeats_hourly'), rows('postgres', 'provider_heartbeats_hourly'), 'a heartbeat that is late among ids is rolled up');

# The retention: before the hour of 28 days ago there are 12 x 24 - 1 heartbeats. The
# mirror loses them with the publisher, the other when it prunes.
my $prune = "CALL liveness_prune(now() - date_trunc('hour', '$now'::timestamptz - interval '28 days', 'UTC'), 100)";
query('postgres', $prune);
query('postgres', 'DELETE FROM provider_sessions WHERE id = 1');
catch_up();
is(query($_, 'SELECT count(*) FROM provider_heartbeats'), 802 - 287, "$_: they are gone") for 'postgres', 'mirror';
is(rows('mirror', $_), rows('postgres', $_), "$_ is mirrored still") for @all;
is(query('own', 'SELECT count(*) FROM provider_heartbeats'), 802, 'where only what is written is published, they are not');
query('own', $prune);
query('own', 'DELETE FROM provider_sessions WHERE id = 1');
is(rows('own', $_), rows('postgres', $_), "until they are pruned there, and $_ is the same") for @computed;

# The publisher is lost: ids go on where they were, once the sequences are set
query('own', q{
	DROP SUBSCRIPTION own;
	SELECT setval('provider_sessions_id_seq', (SELECT max(id) FROM provider_sessions)), setval('provider_heartbeats_id_seq', (SELECT max(id) FROM provider_heartbeats))});
is(query('own', q{SELECT liveness_open_session('p1', 'd')}), 48, 'another coordinator writes there now');
query('own', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1')});
is(query('own', 'SELECT liveness_rollup_hourly()'), 1, 'the rollup has one cell to do');
is(query('own', 'SELECT liveness_rollup_hourly()'), 0, 'and then none');
is(query('own', q{SELECT liveness_close_session(47, 'read_error', provider_id => 'new')}), 't', 'a session that was opened at the publisher is closed there');
is(query('own', q{SELECT liveness_close_orphans('c')}), query('postgres', q{SELECT count(*) - 1 FROM provider_sessions WHERE coordinator_id = 'c' AND disconnected_at IS NULL}), 'and the others of its coordinator, who starts again');
is(query('own', q{SELECT liveness_rollup_features(); SELECT provider_id FROM liveness_candidates('1 hour', 0)}), "6\np1", 'the one that is connected now is a candidate');

$subscriber->stop;
$publisher->stop;
done_testing();
