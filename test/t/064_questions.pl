# docs/questions.md: every question as an analyst asks it, on a fleet and at a time for
# which the answers can be worked out by hand, prints what the page shows.
use strict;
use warnings;

use Liveness::Clock;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = slurp_file("$ENV{TESTDIR}/../docs/questions.md");
utf8::decode($page);

# Monday, noon; a window of 14 days begins on a Monday at noon, too
my $clock = Liveness::Clock->new;
my $node = PostgreSQL::Test::Cluster->new('questions');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nautovacuum = off\n");
$clock->hold('2026-04-06 11:55');
$clock->start($node);
$node->safe_psql('postgres', q{CREATE DATABASE fleet ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; CREATE ROLE analyst});
$node->safe_psql('fleet', q{
	CREATE EXTENSION liveness;
	SELECT liveness_grant_reader('analyst');
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
		('gold-1', '2026-03-01 00:00', '2026-03-20 03:00', 'coordinator_restart'),
		('gold-1', '2026-03-20 03:02', NULL, ''),
		('gold-2', '2026-03-16 12:00', '2026-04-05 12:00', 'read_error'),
		('gold-2', '2026-04-05 16:00', NULL, ''),
		('gone-1', '2026-03-01 00:00', '2026-03-11 00:00', 'clean_close'),
		('office-1', '2026-04-06 09:00', NULL, '');
	INSERT INTO provider_sessions (provider_id, connected_at, last_heartbeat_at) VALUES ('ghost-1', '2026-04-06 06:00', '2026-04-06 08:00');
	-- from 9 to 17 on weekdays
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT p, d + interval '9 hours', d + interval '17 hours', 'clean_close'
		FROM (VALUES ('office-1', '2026-04-03'::timestamptz), ('office-2', '2026-03-27')) v (p, until), generate_series('2026-03-09', until, interval '1 day') d
		WHERE extract(isodow FROM d) < 6;
	-- one hour there and one away, for two days
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'flaky-1', at, at + interval '1 hour', 'read_error' FROM generate_series('2026-04-04 12:00'::timestamptz, '2026-04-06 10:00', '2 hours') at;
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, thermal_state)
		SELECT 'gold-2', at, CASE WHEN at < '2026-04-06 10:30' THEN 0.5 ELSE 1 END, CASE at WHEN '2026-04-06 10:40' THEN 'critical' ELSE 'fair' END
		FROM generate_series('2026-04-06 10:00'::timestamptz, '2026-04-06 11:50', '10 minutes') at;
	SELECT liveness_rollup_features('2026-03-20 00:00'), liveness_rollup_hourly(), liveness_rollup_features();
	-- and after that
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('gold-2', '2026-04-06 11:59:30');
	INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('new-1', '2026-04-06 11:50')});
$clock->hold('2026-04-06 12:00');

my $questions = 0;
while ($page =~ /^### ([^\n]+)\n\n```sql\n(.*?)^```\n```text\n(.*?)^```\n/msg)
{
	my ($question, $sql, $shown) = ($1, $2, $3);
	my $file = "$PostgreSQL::Test::Utils::tmp_check/question.sql";
	$questions++;
	unlink $file;
	append_to_file($file, $sql);
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	local $ENV{PGOPTIONS} = '-c role=analyst -c TimeZone=UTC -c intervalstyle=postgres';
	my ($printed, $error) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-P', 'pager=off', '-d', $node->connstr('fleet'), '-f', $file ]);
	utf8::decode($printed);
	# psql fills up the lines of a heading
	s/[ \t]+$//mg, s/\n*\z// for $printed, $shown;
	is($error, '', "$question It runs,");
	is($printed, $shown, 'and prints what the page shows');
	is(scalar(() = $sql =~ /;/g), 1, 'one statement');
	cmp_ok(length $sql, '<', 300, 'a short one');
}
is($questions, 26, '26 questions');
is(scalar(() = $page =~ /^### /mg), $questions, 'each with its statement and its output');
$node->stop;
done_testing();
