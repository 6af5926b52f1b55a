# The statements of docs/install.md that adopt the tables of an existing
# deployment, run as they stand there: no row is lost, ids go on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $guide = slurp_file("$ENV{TESTDIR}/../docs/install.md");
my ($section) = $guide =~ /^## Adopting existing tables\n(.*?)(?=^## |\z)/ms;
ok($section, 'the guide has the section that the hint names');
my $statements = join '', map { /^    (.*\n)/ ? $1 : () } split /^/, $section;
like($statements, qr/CREATE EXTENSION liveness/, 'and the statements');

my $node = PostgreSQL::Test::Cluster->new('adopting');
$node->init;
$node->start;

# As a coordinator would have made them: other keys, other order of columns, types that
# PostgreSQL turns into ours, a column more, the same names of indexes.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE provider_sessions (
	id serial PRIMARY KEY, provider_id varchar(64) NOT NULL, region text, connected_at timestamptz NOT NULL DEFAULT now(),
	disconnected_at timestamptz, disconnect_reason text NOT NULL DEFAULT '', last_heartbeat_at timestamptz,
	requests_served bigint NOT NULL DEFAULT 0, tokens_generated bigint NOT NULL DEFAULT 0,
	coordinator_id text NOT NULL DEFAULT '', legacy text, "Our Note" text);
ALTER TABLE provider_sessions DROP COLUMN legacy;
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
CREATE TABLE provider_heartbeats_hourly (
	provider_id text, hour timestamptz, heartbeat_count int, avg_memory_pressure real, avg_cpu_usage real,
	max_thermal_state text, avg_memory_available_gb real);
CREATE TABLE provider_reliability_features (provider_id text PRIMARY KEY);
CREATE TABLE provider_groups (provider_id text, rack text);
CREATE TABLE provider_exclusions (id int, provider_id text, since timestamptz, until timestamptz, reason text, noted_at timestamptz);
INSERT INTO provider_exclusions VALUES (7, 'p1', '2026-01-01 00:00+00', '2026-01-03 00:00+00', 'disk', '2026-01-02 00:00+00');
INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('p0', now());
INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, capacity)
SELECT 'p' || i % 7, now() - interval '1 minute' * i, 0.5, '{"slots": 4}' FROM generate_series(1, 1000) i;
-- hours whose heartbeats are gone, and one that is still there, with a count of old
INSERT INTO provider_heartbeats_hourly
SELECT 'p1', date_trunc('hour', now(), 'UTC') - interval '1 day' * i, 60, 0, 0.25, 'fair', NULL FROM generate_series(0, 9) i;
SQL

my $error = '';
$node->psql('postgres', 'CREATE EXTENSION liveness', stderr => \$error);
like($error, qr/already holds provider_exclusions, provider_groups, provider_heartbeats, provider_heartbeats_hourly, provider_reliability_features, provider_sessions\n/, 'the extension does not take them over silently');
like($error, qr/HINT: .*liveness_adopt\(\).*"Adopting existing tables" in docs\/install\.md/, 'and says where to read on');

my $out = '';
$error = '';
is($node->psql('postgres', $statements, stdout => \$out, stderr => \$error, on_error_stop => 1), 0, 'the statements run');
is($out, "provider_sessions|301\nprovider_heartbeats|1000", 'and tell what was copied');
like($error, qr/^psql:<stdin>:\d+: NOTICE:  columns of before_liveness.provider_sessions that are not adopted: region, "Our Note"\s*$/, 'and what was not, without another word');

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

# Exclusions of another database
is($node->safe_psql('postgres', q{SELECT liveness_adopt(NULL, NULL, 'before_liveness.provider_exclusions')}), '(provider_exclusions,1)', 'exclusions are adopted');
is($node->safe_psql('postgres', q{SELECT x FROM provider_exclusions x}), '(7,p1,"2026-01-01 00:00:00+00","2026-01-03 00:00:00+00",disk,"2026-01-02 00:00:00+00")', 'as they were');
is($node->safe_psql('postgres', q{SELECT liveness_exclude('nobody', now())}), 8, 'and ids go on');
is($node->safe_psql('postgres', 'SELECT liveness_rollup_features()'), 7, 'the features rollup finds the providers');
$node->safe_psql('postgres', 'SELECT liveness_rollup_hourly()');
is($node->safe_psql('postgres', q{SELECT sum(heartbeat_count) FILTER (WHERE hour >= h), sum(heartbeat_count) FILTER (WHERE hour < h)
	FROM provider_heartbeats_hourly, (SELECT date_trunc('hour', min(at), 'UTC') AS h FROM provider_heartbeats) k}), '1001|540', 'the hourly rollup every heartbeat, beside 9 hours of old');
$node->safe_psql('postgres', 'DROP SCHEMA before_liveness CASCADE');
is($node->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id) VALUES ('p1') RETURNING id}), 1002, 'and the old tables can go');

# ---------- tables of another shape ----------

$node->safe_psql('postgres', q{
	DROP EXTENSION liveness CASCADE;
	CREATE SCHEMA "Old ones";
	CREATE TABLE "Old ones".s (id bigint, provider_id text, connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text,
		last_heartbeat_at timestamptz, requests_served bigint, tokens_generated bigint, coordinator_id text);
	INSERT INTO "Old ones".s VALUES (7, 'p', '2026-01-01 00:00+00', NULL, '', NULL, 0, 0, '');
	CREATE EXTENSION liveness});

sub adopt
{
	my ($before, $arguments) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "\\set VERBOSITY verbose\n\\set ON_ERROR_STOP 1\nBEGIN; $before; SELECT liveness_adopt($arguments); COMMIT;", stdout => \$out, stderr => \$err);
	return $out . $err;
}

my $sessions = q{'"Old ones".s', NULL};
my $table = qr/"Old ones"\.s/;
like(adopt(q{ALTER TABLE "Old ones".s DROP coordinator_id}, $sessions),
	qr/ERROR:  42703: $table has no column coordinator_id, which is of type text in public\.provider_sessions\nHINT:  .*ALTER TABLE $table ADD COLUMN/, 'a column that is missing is named');
for (
	[ 'connected_at', 'timestamp without time zone', 'timestamp with time zone', q{'2026-01-01'} ],
	[ 'requests_served', 'double precision', 'bigint', 0 ],
	[ 'provider_id', 'uuid', 'text', q{'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'} ])
{
	my ($column, $type, $right, $value) = @$_;
	like(adopt(qq{ALTER TABLE "Old ones".s ALTER $column TYPE $type USING $value}, $sessions),
		qr/ERROR:  42804: column $column of $table is of type $type, not $right\nHINT:  .*ALTER TABLE $table ALTER COLUMN $column TYPE $right/, "$column of type $type is, too");
}
like(adopt(q{CREATE TABLE h AS SELECT * FROM provider_heartbeats; ALTER TABLE h ALTER capacity TYPE json}, q{'"Old ones".s', 'h'}),
	qr/ERROR:  42804: column capacity of public\.h is of type json, not jsonb/, 'of heartbeats as well');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provider_sessions'), 0, 'and then nothing is adopted');
like(adopt(q{INSERT INTO provider_sessions (provider_id) VALUES ('new')}, $sessions), qr/ERROR:  55000: table public\.provider_sessions is not empty\n.*HINT:  .*in one transaction/s,
	'nor where somebody has written already');
like(adopt(q{UPDATE "Old ones".s SET requests_served = NULL}, $sessions), qr/ERROR:  23502: null value in column "requests_served"/, 'nor where a value is missing');
is(adopt('', 'NULL, NULL'), '', 'nothing is to be adopted: nothing is');

# A view can have the shape that the table has not
is(adopt(q{ALTER TABLE "Old ones".s DROP requests_served, DROP tokens_generated, ALTER connected_at TYPE timestamp USING '2026-01-01 00:00';
	CREATE VIEW v AS SELECT id, provider_id, connected_at AT TIME ZONE 'Asia/Tokyo' AS connected_at, disconnected_at, disconnect_reason, last_heartbeat_at,
		0 AS requests_served, 0 AS tokens_generated, coordinator_id FROM "Old ones".s}, q{'v', NULL}), '(provider_sessions,1)', 'a view is adopted');
is($node->safe_psql('postgres', q{SELECT id, connected_at = '2025-12-31 15:00+00' FROM provider_sessions}), '7|t', 'as it shows the rows');
is($node->safe_psql('postgres', q{SELECT liveness_open_session('p')}), 8, 'and ids go on');

# Nobody writes to either meanwhile
is($node->safe_psql('postgres', q{
	TRUNCATE provider_sessions;
	BEGIN;
	SELECT FROM liveness_adopt('v', NULL);
	SELECT string_agg(relation::regclass || ' ' || mode, ', ' ORDER BY relation::regclass::text COLLATE "C") FROM pg_locks WHERE pid = pg_backend_pid() AND mode ~ '^Share' AND relation::regclass::text !~ '^pg_';
	ROLLBACK}) =~ s/^\n//r, '"Old ones".s ShareLock, provider_sessions ShareRowExclusiveLock, v ShareLock', 'the tables are locked against writers');

$node->stop;
done_testing();
