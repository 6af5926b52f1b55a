# The statements of docs/operations.md that adopt the tables of an existing
# deployment, run as they stand there: no row is lost, ids go on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $guide = slurp_file("$ENV{TESTDIR}/../docs/operations.md");
my ($section) = $guide =~ /^## Adopting existing tables\n(.*?)(?=^## )/ms;
ok($section, 'the guide has the section that the hint names');
my $statements = join '', map { /^    (.*\n)/ ? $1 : () } split /^/, $section;
like($statements, qr/CREATE EXTENSION liveness/, 'and the statements');

my $node = PostgreSQL::Test::Cluster->new('adopting');
$node->init;
$node->start;

# As a coordinator would have made them: other keys, other order of columns, the
# same names of indexes.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE provider_sessions (
	id bigserial PRIMARY KEY, provider_id text NOT NULL, connected_at timestamptz NOT NULL DEFAULT now(),
	disconnected_at timestamptz, disconnect_reason text NOT NULL DEFAULT '', last_heartbeat_at timestamptz,
	requests_served bigint NOT NULL DEFAULT 0, tokens_generated bigint NOT NULL DEFAULT 0,
	coordinator_id text NOT NULL DEFAULT '');
CREATE INDEX idx_provider_sessions_open ON provider_sessions (provider_id) WHERE disconnected_at IS NULL;
CREATE TABLE provider_heartbeats (
	id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), provider_id text NOT NULL,
	status text NOT NULL DEFAULT '', memory_pressure real NOT NULL DEFAULT 0, cpu_usage real NOT NULL DEFAULT 0,
	thermal_state text NOT NULL DEFAULT '', memory_available_gb real, gpu_memory_active_gb real,
	gpu_memory_cache_gb real, backend_state text NOT NULL DEFAULT '', active_model text NOT NULL DEFAULT '',
	capacity jsonb);
CREATE INDEX idx_provider_heartbeats_at ON provider_heartbeats (at);
INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, tokens_generated)
SELECT 'p' || i % 7, now() - interval '1 hour' * i, now() - interval '1 hour' * i + interval '30 minutes', 'read_error', i
FROM generate_series(1, 300) i;
INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('p0', now());
INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, capacity)
SELECT 'p' || i % 7, now() - interval '1 minute' * i, 0.5, '{"slots": 4}' FROM generate_series(1, 1000) i;
SQL

my $error = '';
$node->psql('postgres', 'CREATE EXTENSION liveness', stderr => \$error);
like($error, qr/already holds provider_heartbeats, provider_sessions/, 'the extension does not take them over silently');
like($error, qr/HINT: .*"Adopting existing tables" in docs\/operations\.md/, 'and says where to read on');

$error = '';
is($node->psql('postgres', $statements, stderr => \$error, on_error_stop => 1), 0, 'the statements run');
is($error, '', 'without a word');

is($node->safe_psql('postgres', <<'SQL'), "0\n0\n301\n1000", 'every row is there as it was');
SELECT count(*) FROM (SELECT id, provider_id, connected_at, disconnected_at, disconnect_reason, tokens_generated FROM before_liveness.provider_sessions
	EXCEPT SELECT id, provider_id, connected_at, disconnected_at, disconnect_reason, tokens_generated FROM public.provider_sessions) d;
SELECT count(*) FROM (SELECT id, provider_id, at, cpu_usage, capacity FROM before_liveness.provider_heartbeats
	EXCEPT SELECT id, provider_id, at, cpu_usage, capacity FROM public.provider_heartbeats) d;
SELECT count(*) FROM public.provider_sessions;
SELECT count(*) FROM public.provider_heartbeats;
SQL
is($node->safe_psql('postgres', q{SELECT liveness_open_session('p1')}), 302, 'ids of sessions go on');
is($node->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1') RETURNING id}), 1001, 'and those of heartbeats');
is($node->safe_psql('postgres', 'SELECT liveness_rollup_features()'), 7, 'the features rollup finds the providers');
$node->safe_psql('postgres', 'SELECT liveness_rollup_hourly()');
is($node->safe_psql('postgres', 'SELECT sum(heartbeat_count) FROM provider_heartbeats_hourly'), 1001, 'the hourly rollup every heartbeat');
$node->safe_psql('postgres', 'DROP SCHEMA before_liveness CASCADE');
is($node->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1') RETURNING id}), 1002, 'and the old tables can go');

$node->stop;
done_testing();
