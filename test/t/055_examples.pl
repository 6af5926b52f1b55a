# Every file of examples/, as a reader runs it in psql, on a fleet and at a time for which
# the answers can be worked out by hand. What is connected when stands beside the rows.
use strict;
use warnings;

use Liveness::Clock;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $examples = "$ENV{TESTDIR}/../examples";
my $clock = Liveness::Clock->new;
my $node = PostgreSQL::Test::Cluster->new('examples');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nautovacuum = off\n");
# Monday; the window of 14 days begins on a Monday at noon, too
$clock->hold('2026-04-06 11:55');
$clock->start($node);
$node->safe_psql('postgres', q{CREATE DATABASE fleet ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0; CREATE ROLE analyst});
$node->safe_psql('fleet', q{
	CREATE EXTENSION liveness;
	SELECT liveness_grant_reader('analyst');
	INSERT INTO provider_groups VALUES ('gold-1', 'rack'), ('gold-2', 'rack');
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason) VALUES
		('gold-1', 'blue', '2026-03-01 00:00', NULL, ''),
		-- away for four hours on Sunday
		('gold-2', 'green', '2026-03-16 12:00', '2026-04-05 12:00', 'read_error'),
		('gold-2', 'green', '2026-04-05 16:00', NULL, ''),
		('office-1', 'green', '2026-04-06 09:00', NULL, ''),
		-- five hours, by no fault of its own
		('cut-1', 'blue', '2026-03-26 00:00', '2026-03-26 05:00', 'coordinator_restart');
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, last_heartbeat_at) VALUES ('ghost-1', 'green', '2026-04-06 06:00', '2026-04-06 08:00');
	-- from 9 to 17 on weekdays: one for four weeks, the other for three
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
		SELECT p, c, d + interval '9 hours', d + interval '17 hours', 'clean_close'
		FROM (VALUES ('office-1', 'green', '2026-04-03'::timestamptz), ('office-2', 'blue', '2026-03-27')) v (p, c, until), generate_series('2026-03-09', until, interval '1 day') d
		WHERE extract(isodow FROM d) < 6;
	-- one hour there and one away, for two days
	INSERT INTO provider_sessions (provider_id, coordinator_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'flaky-1', 'blue', at, at + interval '1 hour', 'read_error' FROM generate_series('2026-04-04 12:00'::timestamptz, '2026-04-06 10:00', '2 hours') at;
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('gold-1', '2026-04-06 11:59:50'), ('gold-2', '2026-04-06 11:59:30'), ('office-1', '2026-04-06 11:59:00');
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, thermal_state)
		SELECT 'gold-2', at, CASE WHEN at < '2026-04-06 10:30' THEN 0.5 ELSE 1 END, CASE at WHEN '2026-04-06 10:40' THEN 'critical' ELSE 'fair' END
		FROM generate_series('2026-04-06 10:00'::timestamptz, '2026-04-06 10:50', '10 minutes') at;
	SELECT liveness_rollup_hourly(), liveness_rollup_features()});
$clock->hold('2026-04-06 12:00');

# The rows of an example, cells divided by |
my %seen;
sub answer
{
	my ($name) = @_;
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	local $ENV{PGOPTIONS} = '-c role=analyst -c TimeZone=UTC -c intervalstyle=postgres';
	my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('fleet'), '-f', "$examples/$name.sql");
	my ($shown, $err) = run_command([ @psql, '-P', 'pager=off' ]);
	utf8::decode($shown);
	is($err, '', "$name: nothing is wrong");
	cmp_ok((sort { $b <=> $a } map { length } split /\n/, $shown)[0], '<=', 80, "$name: fits 80 columns");
	like(slurp_file("$examples/$name.sql"), qr/\A-- [^\n]*\?/, "$name: says which question it answers");
	$seen{$name} = 1;
	my ($rows) = run_command([ @psql, '-At' ]);
	return $rows;
}

# ages: from 03-01 0:00 36 1/2 days, from 04-05 16:00 20 hours; ghost-1 is stale, flaky-1 away
like(answer('candidates'), qr/\Agold-1\|876\.0\|9\d\.\d\|[^\n]+\|1\ngold-2\|20\.0\|[^\n]+\|2(?!.*(?:ghost|flaky))/s, 'candidates: who is up, for how long, and by how many sessions');
# gold-1 holds likeliest; without shock shares a group does not matter: gold-2 is next, and both fail with the product
like(answer('replicas'), qr/\A1\|gold-1\|rack\|(9\d\.\d)\|\1\n2\|gold-2\|rack\|\d\d\.\d\|9\d\.\d\z/, 'replicas: the two that never left for long');
# office-1 goes at 17:00, five hours from now, as it did on twenty days before; ghost-1 is not there
like(answer('at_risk'), qr/\Aoffice-1\|\|3\.0\|[5-9]\d\.\d\z/, 'at_risk: the office closes');

# office-2: uptime 77 of 336 hours then, 37 now; MTBF 7.7 h (10 failures) and 7.4 h (5): sigmoid 0.975873 and 0.967705;
# 0.35 x 0.229167 + 0.4 + 0.25 x 0.975873 = 0.724176, 0.35 x 0.110119 + 0.4 + 0.25 x 0.967705 = 0.680468.
# gold-2: always there, then 332 of 336 hours, and 24 hours since. office-1's weeks are alike.
is(answer('worse'), "office-2|0.7242|0.6805|-0.0437|-11.9\ngold-2|1.0000|0.9958|-0.0042|-1.2", 'worse: two of them, and by how much');

# Sundays: gold-1 is always there, gold-2 but for one of two from 12 to 16, flaky-1 at even hours of one of two
like(answer('thin_hours'), qr/\ASun\|13\|1\.5\nSun\|15\|1\.5\nSun\|1\|2\.0\n/, 'thin_hours: Sunday while gold-2 was away');

# office-1: eight nights of 16 h and two weekends of 64, office-2: four nights, and 235 h since 03-27 17:00; flaky-1 24 h, gold-2 4 h; cut-1 eleven days and 7 h
is(answer('lost_hours'), "clean_close|555.0|15|2\ncoordinator_restart|271.0|1|1\nread_error|28.0|25|2", 'lost_hours: 128 + 128 + 64 + 235, 271, 24 + 4');

# gold: 480 h ended, 876 h and 20 h not: a half from 480 h to 876 h; office: 35 of 8 h and one of 3 h so far; cut: 5 h at least
is(answer('survival_by_group'), "cut|1||100.0|\nghost|1||100.0|\ngold|3|678.0|100.0|100.0\noffice|36|8.0|100.0|0.0\nflaky|24|1.0|0.0|", 'survival_by_group: medians, S(4), and S(8)/S(4)');

# 65 sessions: 24 end after 1 h, 3 are censored at 3, 5 and 6 h, at 8 h 35 of 38 end: S = 41/65, 80.7 of 128 eighths, then 3/38 of that, 6.4; a column is 24/66 h
my ($full, $one, $six) = ("\xe2\x96\x88", "\xe2\x96\x81", "\xe2\x96\x86");
my @curve = split /\n/, answer('survival_curve');
is(scalar(@curve), 18, 'survival_curve: 18 lines');
like($curve[0], qr/^100%...(?:$full){3}$/, 'survival_curve: all, before an hour has gone');
like($curve[5], qr/^    ...(?:$full){3}(?:$one){19}$/, 'survival_curve: down to 41/65,');
like($curve[6], qr/^    ...(?:$full){22}$/, 'survival_curve: which last up to 8 h');
like($curve[15], qr/^    ...(?:$full){22}(?:$six){45}$/, 'survival_curve: and a twentieth stays');
like($curve[17], qr/^     0 +12 +24$/, 'survival_curve: a day');

# blue: gold-1, 5 of office-2, 24 of flaky-1, cut-1; green: 2 of gold-2, 11 of office-1, ghost-1
is(answer('coordinators'), "blue|31|30|80.0|1|0\ngreen|14|11|9.1|3|1", 'coordinators: 24 of 30 and 1 of 11 were lost');

is(answer('freshness'), join("\n", 'retention|||f', 'sessions|2026-04-06 11:00:00+00|01:00:00|', 'features|2026-04-06 11:55:00+00|00:05:00|f', 'hourly|2026-04-06 11:55:00+00|00:05:00|f', 'heartbeats|2026-04-06 11:59:50+00|00:00:10|'),
	'freshness: the rollups are five minutes old, the retention never ran');

is(answer('flapping'), 'flaky-1|24|3.4|60.0|24', 'flapping: 24 sessions of an hour in seven days');

is(answer('hot'), 'gold-2|1|0|1|0.75|2026-04-06 10:00:00+00', 'hot: an hour of six heartbeats, three at 0.5 and three at 1');

is(answer('ghosts'), 'ghost-1|green|2026-04-06 06:00:00+00|04:00:00', 'ghosts: four hours of silence');

# At cuts from 03-30 16:00, the first with an outcome known, to 04-06 8:00, 161: gold-1 at each; gold-2 at 140 + 17 of which 137 + 17 hold;
# office-1 at 1 + 4 x 8, 4 x 5 hold; flaky-1 at 23, none; ghost-1 at 3, all. 338 of 377
my @trust = split /\n/, answer('trust');
is(scalar(@trust), 6, 'trust: six predictors');
is(scalar(grep { /^\w+\|377\|0\.897\|/ } @trust), 6, 'trust: of 377 cases, 338 of which held');

is(join(' ', sort keys %seen), join(' ', sort map { s{.*/|\.sql$}{}gr } glob "$examples/*.sql"), 'that is all of them');

$node->stop;
done_testing();
