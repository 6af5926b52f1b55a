# What the predictors would have been worth: figures worked out by hand, no look
# ahead, and with LIVENESS_DATA the folder of the real traces, those of R.
use strict;
use warnings;

use Liveness::Databases qw(use_node begin_in database query error_of);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('backtest');
$node->init;
# compiling takes longer than all that these few rows do
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nwork_mem = '64MB'\n");
$node->start;
use_node($node);

# ---------- by hand ----------

# Hours around midnight; asked with a horizon of 2 h every hour from 0 to 6 h, that
# is, at the cuts 0 to 4 h:
#	a	-10 ...					held at every cut
#	b	-10 to -9, -3 to 2.5	held at 0, not at 1 and 2
#		3 to 5					begins at a cut: is up, and held at 3; not at 4
#	c	-1 to 4.5, censored		held at 0, 1 and 2; not known at 3 and 4
#	d	2 to 2					never up
#	e	0.5 to 2				not at 1; ends at a cut: is not up at 2
# Held of those asked: 3 of 3, 2 of 4, 2 of 3, 2 of 2, 1 of 2.  The outcomes of cut 0
# are known at 2, so that cuts 0 and 1 drop out, and 7 cases are left, 5 of them held.
begin_in('by_hand');
query(q{
	CREATE FUNCTION h(hours float8) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2026-01-08 00:00+00'::timestamptz + make_interval(secs => 3600 * hours) $$;
	INSERT INTO provider_sessions (id, provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
		(1, 'a', h(-10), NULL, ''),
		(2, 'b', h(-10), h(-9), 'read_error'),
		(3, 'b', h(-3), h(2.5), 'read_error'),
		(4, 'b', h(3), h(5), 'clean_close'),
		(5, 'c', h(-1), h(4.5), 'coordinator_restart'),
		(6, 'd', h(2), h(2), 'read_error'),
		(7, 'e', h(0.5), h(2), 'read_error');
});
my $asked = q{('2 hours', h(0), h(6), '1 hour')};

# name => [probability of a, b and c at 2, a and b at 3, a and b at 4]
my %hand = (
	# 3 of 3; (3 + 2) of (3 + 4); (3 + 2 + 2) of (3 + 4 + 3)
	base_rate => [ 1, 1, 1, 5 / 7, 5 / 7, 0.7, 0.7 ],
	# b: of 12, 13, 14 hours 6, 6.5 and 7.5
	uptime => [ 1, 0.5, 1, 1, 0.5, 1, 7.5 / 14 ],
	# b, one hour, then that or 5.5 hours: at 2 its age is 5, at 3 it is 0, at 4 it is 1
	own => [ 1, 1, 1, 1, 0.5, 1, 1 ],
	# lengths at 3: 1 e, 1.5 e, 4 c, 5.5 e, 13 c; S(2) = 4/5 3/4.  At 4: 1 e, 1 c, 1.5 e, ...; S(3)/S(1) = 3/4
	fleet => [ 1, 1, 1, 1, 0.6, 1, 0.75 ]);
is(query("SELECT string_agg(concat_ws(' ', extract(hour FROM cut), provider_id, session_id, held), E'\\n' ORDER BY cut, provider_id) FROM liveness_internal.liveness_backtest_cases$asked WHERE predictor = 'base_rate'"),
	"2 a 1 t\n2 b 3 f\n2 c 5 t\n3 a 1 t\n3 b 4 t\n4 a 1 t\n4 b 4 f", 'cases: from the first cut that knows an outcome on; who is censored is left out');
for my $p (sort keys %hand)
{
	my @got = split /\n/, query("SELECT probability FROM liveness_internal.liveness_backtest_cases$asked WHERE predictor = '$p' ORDER BY cut, provider_id");
	is("@{[ map { sprintf '%.9f', $_ } @got ]}", "@{[ map { sprintf '%.9f', $_ } @{ $hand{$p} } ]}", "what $p says");
}
is(query("SELECT string_agg(DISTINCT predictor, ' ' ORDER BY predictor), count(*) FROM liveness_internal.liveness_backtest_cases$asked"), 'base_rate candidates fleet liveness_score own uptime|42', 'six predictors are asked of each case');
is(query(qq{SELECT count(*), max(abs(k.probability - c.probability)) < 1e-9 FROM liveness_internal.liveness_backtest_cases$asked k
	JOIN LATERAL liveness_candidates_at(k.cut, '2 hours', 0, NULL) c ON c.session_id = k.session_id WHERE k.predictor = 'candidates'}), '7|t', 'candidates says what liveness_candidates_at does');
is(query(qq{SELECT count(*), bool_and(k.probability = f.liveness_score) FROM liveness_internal.liveness_backtest_cases$asked k
	JOIN LATERAL liveness_features_at(k.cut) f ON f.provider_id = k.provider_id WHERE k.predictor = 'liveness_score'}), '7|t', 'and liveness_score what liveness_features_at does');

# Probability of those that held / of those that did not, and so
# log loss: 1 is clipped to 1 - 1e-6, and costs -ln 1e-6 where it is wrong
# AUC: of the ten pairs those in which the one that held is the likelier, ties half
# ECE: | sum of what was said - held |, bin by bin
my ($sure, $wrong) = (-log(1 - 1e-6), -log(1e-6));
my %measures = (
	# 1 1 5/7 5/7 .7 / 1 .7: 2 ties with the 1, above the .7 are 4, and a tie
	base_rate => [ (1 + 2 * (2 / 7)**2 + 0.3**2 + 0.7**2) / 7, (2 * $sure + $wrong - 2 * log(5 / 7) - log(0.7) - log(0.3)) / 7, 0.55, (1 + 4 / 7 + 0.4) / 7 ],
	# 1 1 1 .5 1 / .5 7.5/14, which has a bin to itself
	uptime => [ (2 * 0.25 + (7.5 / 14)**2) / 7, (4 * $sure - 2 * log(0.5) - log(6.5 / 14)) / 7, 0.85, (0 + 0 + 7.5 / 14) / 7 ],
	# 1 1 1 .5 1 / 1 1
	own => [ 2.25 / 7, (4 * $sure + 2 * $wrong - log(0.5)) / 7, 0.4, (2 + 0.5) / 7 ],
	# 1 1 1 .6 1 / 1 .75
	fleet => [ (1 + 0.4**2 + 0.75**2) / 7, (4 * $sure + $wrong - log(0.6) - log(0.25)) / 7, 0.6, (1 + 0.4 + 0.75) / 7 ]);
for my $p (sort keys %measures)
{
	my @got = split /\|/, query("SELECT n, held, brier, log_loss, auc, ece FROM liveness_backtest$asked WHERE predictor = '$p'");
	my @expected = (7, 5 / 7, @{ $measures{$p} });
	is("@{[ map { sprintf '%.9f', $_ } @got ]}", "@{[ map { sprintf '%.9f', $_ } @expected ]}", "n, held, Brier score, log loss, AUC and ECE of $p");
}
is(query("SELECT string_agg(predictor, ' ') FROM liveness_backtest$asked"), 'base_rate uptime liveness_score own fleet candidates', 'from the plainest predictor to the best');

# .5 and .7 are closed by their bins, (.4, .5] and (.6, .7]; 5/7 is in (.7, .8]
is(query(qq{SELECT concat_ws(' ', predictor, bin, lower, upper, n, round(predicted::numeric, 6), round(held::numeric, 6)) FROM liveness_calibration$asked WHERE predictor IN ('base_rate', 'uptime')}),
	"base_rate 7 0.6 0.7 2 0.700000 0.500000\nbase_rate 8 0.7 0.8 2 0.714286 1.000000\nbase_rate 10 0.9 1 3 1.000000 0.666667\n"
	  . "uptime 5 0.4 0.5 2 0.500000 0.500000\nuptime 6 0.5 0.6 1 0.535714 0.000000\nuptime 10 0.9 1 4 1.000000 1.000000", 'liveness_calibration: bins closed on the right');
is(query(qq{SELECT count(*) FROM liveness_backtest$asked b JOIN (SELECT predictor, sum(n) AS n, sum(n * abs(predicted - held)) / sum(n) AS ece, sum(n * held) / sum(n) AS held
	FROM liveness_calibration$asked GROUP BY predictor) c USING (predictor) WHERE b.n = c.n AND abs(b.ece - c.ece) < 1e-12 AND abs(b.held - c.held) < 1e-12}), 6, 'adds up to ece');

# Which cuts are asked
my $cuts = sub { return query("SELECT string_agg(DISTINCT extract(hour FROM cut)::text, ' ') FROM liveness_internal.liveness_backtest_cases($_[0])") };
is($cuts->(q{'2 hours', h(0), h(6) - interval '1 microsecond', '1 hour'}), '2 3', 'a cut whose horizon ends after until is not');
is($cuts->(q{'2 hours', h(0), h(6), '2 hours'}), '2 4', 'a step as long as the horizon: the first cut drops out');
is($cuts->(q{'1 hour', h(0), h(5), '2 hours'}), '2 4', 'so with a longer one');
is($cuts->(q{'2 hours', h(0), h(3), '1 hour'}), '', 'with nothing known at any cut nothing is asked');
is($cuts->(q{'2 hours', h(-20), h(-8), '1 hour'}), '', 'nor where nobody was up by the first outcome');
is(query(q{SELECT count(DISTINCT cut), max(cut) + interval '1 hour' = now() FROM liveness_internal.liveness_backtest_cases('1 hour', now() - interval '5 hours', now() + interval '10 years', '1 hour')}), '4|t',
	'the future is not asked');
is(query(q{SELECT n, held, auc IS NULL FROM liveness_backtest('1 hour', h(-8), h(-4), '1 hour') WHERE predictor = 'candidates'}), '3|1|t', 'where all held there is no AUC');
is(query(q{UPDATE provider_sessions SET disconnect_reason = 'coordinator_restart' WHERE id = 4; SELECT n, held::numeric(5, 4) FROM liveness_backtest('2 hours', h(0), h(6), '1 hour') WHERE predictor = 'fleet'}), '6|0.8333',
	'a censored end is left out before the horizon, and is a session that held from there on');

# ---------- restarts of coordinators ----------

# The same cuts, and the two before, so that there are cases from 0 on:
#	a	-10 ...
#	f	-10 to 1.5, restart; 5 minutes later ...			one spell, which holds at every cut
#	g	-1 to 2.5, restart; 11 minutes later ...			not known at 1 and 2; a new spell at 3
#	k	-1 to 2.5, failure; a minute later ...				a failure, however soon it is back
#	m	-1 to 2.95, restart; 3.05 to 3.5, failure			holds at 1, until when the coordinator is away; not up at 3
begin_in('restarts');
query(q{
	CREATE FUNCTION h(hours float8) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2026-01-08 00:00+00'::timestamptz + make_interval(secs => 3600 * hours) $$;
	INSERT INTO provider_sessions (id, provider_id, connected_at, disconnected_at, disconnect_reason, coordinator_id) VALUES
		(1, 'a', h(-10), NULL, '', 'blue'),
		(2, 'f', h(-10), h(1.5), 'coordinator_restart', 'blue'),
		(3, 'f', h(1.5) + interval '5 min', NULL, '', 'green'),
		(4, 'g', h(-1), h(2.5), 'coordinator_restart', 'blue'),
		(5, 'g', h(2.5) + interval '11 min', NULL, '', 'blue'),
		(6, 'k', h(-1), h(2.5), 'read_error', 'blue'),
		(7, 'k', h(2.5) + interval '1 min', NULL, '', 'green'),
		(8, 'm', h(-1), h(2.95), 'coordinator_restart', 'green'),
		(9, 'm', h(3.05), h(3.5), 'read_error', 'blue');
});
$asked = q{('2 hours', h(-2), h(6), '1 hour')};
is(query("SELECT string_agg(concat_ws(' ', extract(hour FROM cut), provider_id, session_id, held), E'\n' ORDER BY cut, provider_id) FROM liveness_internal.liveness_backtest_cases$asked WHERE predictor = 'own'"),
	"0 a 1 t\n0 f 2 t\n0 g 4 t\n0 k 6 t\n0 m 8 t\n1 a 1 t\n1 f 2 t\n1 k 6 f\n1 m 8 t\n2 a 1 t\n2 f 3 t\n2 k 6 f\n2 m 8 f\n"
	  . "3 a 1 t\n3 f 3 t\n3 g 5 t\n3 k 7 t\n4 a 1 t\n4 f 3 t\n4 g 5 t\n4 k 7 t",
	'a restart within the horizon holds if the provider is there again in time; if not it is left out; a failure is none');
is(query(qq{SELECT count(*), max(abs(k.probability - c.probability)) < 1e-9, string_agg(to_char(c.age_seconds / 60, 'FM999'), ' ' ORDER BY k.cut, c.provider_id) FILTER (WHERE c.provider_id IN ('f', 'g'))
	FROM liveness_internal.liveness_backtest_cases$asked k JOIN LATERAL liveness_candidates_at(k.cut, '2 hours', 0, NULL) c ON c.session_id = k.session_id
	WHERE k.predictor = 'candidates' AND k.cut IN (h(1), h(2), h(3))}), '12|t|660 720 780 19', 'with the ages of spells');

# ---------- arguments ----------

for my $function (qw(liveness_internal.liveness_backtest_cases liveness_backtest liveness_calibration))
{
	for my $span (q{h(0), h(6)}, q{h(6), h(0)})
	{
		like(error_of("SELECT * FROM $function(NULL, $span, '1 hour');"), qr/ERROR:  22004: horizon must not be NULL\nHINT: /, "$function, $span: horizon NULL");
		like(error_of("SELECT * FROM $function('1 hour', $span, NULL);"), qr/ERROR:  22004: step must not be NULL\nHINT: /, "$function, $span: step NULL");
		for my $bad ('0', '-1 hour', '4000 days')
		{
			like(error_of("SELECT * FROM $function('$bad', $span, '1 hour');"), qr/ERROR:  22023: horizon must be longer than 0 and at most 3650 days/, "$function, $span: horizon $bad");
			like(error_of("SELECT * FROM $function('1 hour', $span, '$bad');"), qr/ERROR:  22023: step must be longer than 0 and at most 3650 days/, "$function, $span: step $bad");
		}
	}
	is(query("SELECT count(*) FROM $function('1 hour', h(6), h(0), '1 hour')"), 0, "$function: an empty span has no row");
	is(query("SELECT count(*) FROM $function('7 hours', h(0), h(6), '1 hour')"), 0, "$function: nor one that is shorter than the horizon");
	like(error_of("SELECT * FROM $function('1 hour', $_, '1 hour');"), qr/ERROR:  22008: (since|until) must be finite\nHINT: /, "$function: $_ has no end")
	  for q{'-infinity', h(6)}, q{h(0), 'infinity'}, q{'-infinity', 'infinity'}, q{'infinity', 'infinity'}, q{'infinity', '-infinity'};
	like(error_of("SELECT * FROM $function('1 hour', NULL, h(6), '1 hour');"), qr/ERROR:  22004: since must not be NULL\nHINT: /, "$function: since NULL");
	like(error_of("SELECT * FROM $function('1 hour', h(0), NULL, '1 hour');"), qr/ERROR:  22004: until must not be NULL\nHINT: /, "$function: until NULL");
}
query('TRUNCATE provider_sessions');
is(query('SELECT count(*) FROM liveness_backtest' . $asked), 0, 'without sessions no row');
like(error_of(q{SELECT * FROM liveness_backtest('0', h(0), h(6), '1 hour');}), qr/ERROR:  22023/, 'but the errors');

# ---------- no look ahead ----------

begin_in('past');
query(q{
	CREATE FUNCTION t() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2026-02-10 12:00:00+00'::timestamptz $$;
	SELECT setseed(0.32);
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || p, at, at + (interval '20 minutes' * exp(random() * 6)), CASE WHEN random() < 0.15 THEN 'coordinator_restart' ELSE 'read_error' END
		FROM generate_series(1, 15) p, LATERAL (SELECT t() - interval '40 days' + g * interval '19 hours' + p * random() * interval '5 hours' AS at FROM generate_series(1, 80) g) s;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || p, t() - p * interval '31 hours' FROM generate_series(3, 15, 3) p;
	-- what was said, by what was known before the change; cuts are t() - 9 days, ..., t() + 6 days
	CREATE TABLE said AS SELECT * FROM liveness_internal.liveness_backtest_cases('6 hours', t() - interval '10 days', t() + interval '6 days 6 hours', '1 day');
});
my $numbers = q{count(*), md5(string_agg(concat_ws(' ', cut, provider_id, session_id, held, predictor, round(probability::numeric, 11)), E'\n' ORDER BY cut, session_id, predictor))};
my $until_t = query("SELECT $numbers FROM liveness_internal.liveness_backtest_cases('6 hours', t() - interval '10 days', t() + interval '6 hours', '1 day')");
cmp_ok($until_t =~ s/\|.*//r, '>', 6 * 40, 'a back-test of the past');
is(query("SELECT $numbers FROM said WHERE cut <= t()"), $until_t, 'does not depend on how long it goes on');

# All that happens after the last horizon, and no more
my $change = sub {
	my ($t) = @_;
	query(qq{
		UPDATE provider_sessions SET
			disconnected_at = CASE id % 4 WHEN 0 THEN $t + interval '1 microsecond' WHEN 1 THEN NULL ELSE $t + random() * interval '9 days' END,
			disconnect_reason = CASE id % 5 WHEN 0 THEN 'coordinator_restart' WHEN 1 THEN '' ELSE 'clean_close' END, last_heartbeat_at = $t + interval '1 hour'
			WHERE disconnected_at > $t OR disconnected_at IS NULL;
		DELETE FROM provider_sessions WHERE connected_at > $t AND id % 3 = 0;
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
			SELECT 'p' || g % 20, $t + g * interval '3 minutes', $t + g * interval '5 minutes', 'read_error' FROM generate_series(1, 200) g;
		INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 20, $t + g * interval '10 seconds' FROM generate_series(1, 200) g;
	});
};
$change->(q{(t() + interval '6 hours')});
is(query("SELECT $numbers FROM liveness_internal.liveness_backtest_cases('6 hours', t() - interval '10 days', t() + interval '6 hours', '1 day')"), $until_t, 'nor on anything that happened after its last horizon');

# All that happens after a cut: whether they held changes, and by it who is asked; not what is said
$change->('t()');
query(q{CREATE TABLE said_then AS SELECT * FROM liveness_internal.liveness_backtest_cases('6 hours', t() - interval '10 days', t() + interval '6 days 6 hours', '1 day')});
is(query(q{SELECT count(*) > 6 * 5, count(DISTINCT s.predictor), count(*) FILTER (WHERE s.held <> n.held) > 0, bool_and(abs(s.probability - n.probability) < 1e-11)
	FROM said s JOIN said_then n USING (cut, session_id, predictor) WHERE cut = t()}), 't|6|t|t', 'what is said at a cut does not depend on what happens after it');
is(query(q{SELECT count(*), bool_and(abs(s.probability - n.probability) < 1e-11) FROM said s JOIN said_then n USING (cut, session_id, predictor, held) WHERE cut + interval '6 hours' <= t()}),
	query(q{SELECT count(*), true FROM said WHERE cut + interval '6 hours' <= t()}), 'nor what was said before');
is(query(q{SELECT bool_or(abs(s.probability - n.probability) > 1e-6) FROM said s JOIN said_then n USING (cut, session_id, predictor) WHERE cut > t()}), 't', 'what is said later does');

# ---------- real traces ----------

sub slurp_csv
{
	my ($path) = @_;
	open(my $handle, '<', $path) or die "cannot read $path: $!";
	my ($header, @rows) = map { chomp; [ split /,/ ] } <$handle>;
	return map { my $row = $_; +{ map { $header->[$_] => $row->[$_] } 0 .. $#$header } } @rows;
}

# The figures of R under our names
my %of_r = (base_rate => 'baserate', uptime => 'uptime30', own => 'own', fleet => 'pool');

sub compare_with_r
{
	my ($dataset, $arguments, $data, $brier, $auc) = @_;
	my %r = map { $_->{predictor} => $_ } grep { $_->{dataset} eq $dataset } slurp_csv("$data/baseline_backtest_r.csv");
	my %got = map { my @row = split /\|/; $row[0] => { n => $row[1], held => $row[2], brier => $row[3], log_loss => $row[4], auc => $row[5], ece => $row[6] } }
	  split /\n/, query("SELECT * FROM liveness_backtest($arguments)");
	for my $p (sort keys %of_r)
	{
		my $expected = $r{ $of_r{$p} };
		is($got{$p}{n}, $expected->{n}, "$dataset, $p: as many cases as R has");
		cmp_ok(abs($got{$p}{held} - $expected->{rate}), '<', 1e-4, 'of which as many held');
		cmp_ok(abs($got{$p}{brier} - $expected->{brier}), '<', 1e-3, "its Brier score is $expected->{brier}") or diag("not $got{$p}{brier}");
	}
	cmp_ok($got{candidates}{brier}, '<=', $brier, sprintf('%s: Brier score %.5f of candidates', $dataset, $got{candidates}{brier}));
	cmp_ok($got{candidates}{auc}, '>=', $auc, sprintf('and AUC %.4f', $got{candidates}{auc}));
	cmp_ok($got{candidates}{$_}, '<', $got{fleet}{$_}, "its $_ is below that of fleet") for qw(brier log_loss);
}

SKIP:
{
	my $data = $ENV{LIVENESS_DATA};
	skip 'LIVENESS_DATA does not name the folder of the traces', 1
	  if !defined $data || grep { !-r "$data/$_" } qw(g5k06_sessions.csv.gz spot_sessions.csv baseline_backtest_r.csv);

	begin_in('g5k06');
	query(qq{
		CREATE TEMP TABLE raw (node_id text, start bigint, "end" bigint, censored int);
		\\copy raw FROM PROGRAM 'gzip -dc "$data/g5k06_sessions.csv.gz"' CSV HEADER
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
			SELECT node_id, to_timestamp(start), CASE censored WHEN 0 THEN to_timestamp("end") END, CASE censored WHEN 0 THEN 'read_error' ELSE '' END FROM raw;
		ANALYZE provider_sessions;
	});
	my $pure_sql = slurp_file("$ENV{TESTDIR}/../bench/sql/features_pure_sql.sql");
	for my $at (1130000000, 1150000000.000001, 1163165604)
	{
		my $as_of = query("SELECT to_timestamp(0) + $at * interval '1 s'");
		my $pure = $pure_sql =~ s/:'as_of'/'$as_of'/gr =~ s/:window_days/30/gr =~ s/;\s*$//r;
		is(query("WITH ours AS (SELECT * FROM liveness_features_at('$as_of', 30)), pure AS ($pure)
			SELECT (SELECT count(*) > 300 FROM ours), (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE pure) d), (SELECT count(*) FROM (TABLE pure EXCEPT ALL TABLE ours) d)"),
			't|0|0', "g5k06: the features of $as_of are those of plain SQL");
	}
	compare_with_r('g5k06 6h', q{'6 hours', to_timestamp(1150000000), to_timestamp(1163165604), '37 hours'}, $data, 0.1075, 0.78);

	begin_in('spot');
	query(qq{
		CREATE TEMP TABLE raw (host text, kind text, start_s float8, end_s float8, end_reason text);
		\\copy raw FROM '$data/spot_sessions.csv' CSV HEADER
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
			SELECT host, timestamptz '2023-02-15 00:00+00' + make_interval(secs => start_s), timestamptz '2023-02-15 00:00+00' + make_interval(secs => end_s),
				CASE end_reason WHEN 'trace_end' THEN 'coordinator_restart' ELSE end_reason END
			FROM raw WHERE host LIKE 'aws-02-15-2023/%';
		ANALYZE provider_sessions;
	});
	is(query('SELECT count(DISTINCT provider_id) FROM provider_sessions'), 9, 'nine hosts');
	compare_with_r('spot_v100 1h', q{'1 hour', timestamptz '2023-02-25 00:00+00', timestamptz '2023-02-15 00:00+00' + interval '1078 hours 36 minutes', '90 minutes'}, $data, 0.1173, 0.80);
}

$node->stop;
done_testing();
