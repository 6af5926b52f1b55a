# Which of the connected providers will hold a job: the formulas against a second
# implementation of them, slow and straightforward, and what liveness_candidates and
# liveness_candidates_at make of them.
use strict;
use warnings;

use List::Util qw(max min sum0);
use Liveness::Databases qw(use_node begin_in database query error_of);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('candidates');
$node->init;
# compiling takes longer than all that these few rows do
$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nliveness.session_timeout = '90s'\nliveness.hazard_interval = '1s'\n");
$node->start;
use_node($node);

sub numbers
{
	return map { $_ + 0 } split /,/, shift =~ tr/{}//dr;
}

# The largest difference between two lists, relative where they are not near zero
sub difference
{
	my ($got, $expected, $near_zero) = @_;
	return 'inf' if @$got != @$expected;
	return max(0, map { abs($got->[$_] - $expected->[$_]) / max(abs($expected->[$_]), $near_zero) } 0 .. $#$got);
}

sub same_numbers
{
	my ($got, $expected, $tolerance, $near_zero, $name) = @_;
	my $difference = difference($got, $expected, $near_zero);
	ok($difference <= $tolerance, $name) or diag("they differ by $difference:\n@$got\n@$expected");
}

# ---------- the formulas, a second time ----------

use constant { DAY => 86400, HOUR => 3600 };
my @bound = (0, map { 300 * 2**(($_ - 13) / 4) } 1 .. 95);
push @bound, 9**9**9;

sub bin_of
{
	my ($age) = @_;
	my ($bin) = grep { $bound[$_] <= $age && $age < $bound[ $_ + 1 ] } 0 .. 95;
	return $bin;
}

# At exactly a bound an event belongs to what led there
sub bin_of_event
{
	my ($age) = @_;
	my ($bin) = grep { $age <= $bound[ $_ + 1 ] } 0 .. 95;
	return $bin;
}

sub octave_of
{
	return int(bin_of(shift) / 4);
}

# Weighted seconds from one instant to another, by Simpson's rule
sub weighted_seconds
{
	my ($from, $to, $as_of, $half_life) = @_;
	my $pieces = 2 * (1 + int(($to - $from) / DAY));
	my $width = ($to - $from) / $pieces;
	my $sum = 0;
	for my $i (0 .. $pieces)
	{
		my $factor = $i == 0 || $i == $pieces ? 1 : $i % 2 ? 4 : 2;
		$sum += $factor * 2**(-($as_of - $from - $i * $width) / $half_life);
	}
	return $sum * $width / 3;
}

# The hazard by age, integrated from one age to another
sub expected_between
{
	my ($by_age, $from, $to) = @_;
	return sum0(map { $by_age->[$_] * (min($bound[ $_ + 1 ], $to) - $bound[$_]) } grep { $bound[$_] < $to } 0 .. 95)
	  - sum0(map { $by_age->[$_] * (min($bound[ $_ + 1 ], $from) - $bound[$_]) } grep { $bound[$_] < $from } 0 .. 95);
}

sub hour_of_week
{
	return (int(shift() / HOUR) + 96) % 168;    # from Sunday; Unix time begins on a Thursday
}

# [from, to, hour of the week, weight in the middle of the hour] hour by hour
sub hours_between
{
	my ($from, $to, $as_of) = @_;
	my @hours;
	for (my $hour = HOUR * int($from / HOUR); $hour < $to; $hour += HOUR)
	{
		push @hours, [ max($from, $hour), min($to, $hour + HOUR), hour_of_week($hour), 2**(-($as_of - $hour - HOUR / 2) / (60 * DAY)) ];
	}
	return @hours;
}

# What was known at as_of of the spells that sessions {provider, start, end (or undef),
# censored} make: two of a provider's are joined until no two can be
sub known_spells
{
	my ($as_of, @sessions) = @_;
	my @spells;
	for my $s (grep { $_->{start} < $as_of } @sessions)
	{
		my $open = !defined $s->{end} || $s->{end} > $as_of;
		push @spells, { provider => $s->{provider}, start => $s->{start}, until => $open ? $as_of : max($s->{start}, $s->{end}),
			open => $open ? 1 : 0, failed => !$open && !$s->{censored} ? 1 : 0 };
	}
	my $joined = 1;
	while ($joined)
	{
		$joined = 0;
		@spells = sort { $a->{provider} cmp $b->{provider} || $a->{start} <=> $b->{start} } @spells;
		for my $i (1 .. $#spells)
		{
			my ($one, $two) = @spells[ $i - 1, $i ];
			next if $one->{provider} ne $two->{provider};
			my $gap = $two->{start} - $one->{until};
			next if $gap > 0 && ($gap > 600 || $one->{open} || $one->{failed});
			my @last = grep { $_->{until} == max($one->{until}, $two->{until}) } $one, $two;
			splice @spells, $i - 1, 2, { provider => $one->{provider}, start => $one->{start}, until => $last[0]{until},
				open => max(map { $_->{open} } @last), failed => max(map { $_->{failed} } @last) };
			$joined = 1;
			last;
		}
	}
	return map { { %$_, length => $_->{until} - $_->{start}, event => $_->{failed} && !$_->{open} } } grep { $_->{until} > $_->{start} } @spells;
}

sub fleet_ages
{
	my ($as_of, @known) = @_;
	my @events = (0) x 96;
	my @seconds = (0) x 96;
	for my $k (@known)
	{
		for my $j (grep { $bound[$_] < $k->{length} } 0 .. 95)
		{
			$seconds[$j] += weighted_seconds($k->{start} + $bound[$j], $k->{start} + min($bound[ $j + 1 ], $k->{length}), $as_of, 30 * DAY);
		}
		$events[ bin_of_event($k->{length}) ] += 2**(-($as_of - $k->{until}) / (30 * DAY)) if $k->{event};
	}
	my ($all_events, $all_seconds) = (sum0(@events), sum0(@seconds));
	my $mean = ($all_events + 0.5) / ($all_seconds + $all_seconds / ($all_events + 1));
	return map {
		my @near = max(0, $_ - 4) .. min(95, $_ + 4);
		my $local = (sum0(@events[@near]) + 1) / (sum0(@seconds[@near]) + 1 / $mean);
		($events[$_] + 2) / ($seconds[$_] + 2 / $local)
	} 0 .. 95;
}

sub fleet_hours
{
	my ($as_of, $by_age, @known) = @_;
	my @events = (0) x 168;
	my @expected = (0) x 168;
	for my $k (@known)
	{
		for my $h (hours_between($k->{start}, $k->{until}, $as_of))
		{
			$expected[ $h->[2] ] += $h->[3] * expected_between($by_age, $h->[0] - $k->{start}, $h->[1] - $k->{start});
		}
		$events[ hour_of_week($k->{until} - 1) ] += 2**(-($as_of - $k->{until}) / (60 * DAY)) if $k->{event};
	}
	return map {
		my $w = $_;
		my @days = grep { $_ % 24 == $w % 24 } 0 .. 167;
		my $of_day = (20 + sum0(@events[@days])) / (20 + sum0(@expected[@days]));
		($events[$w] + 50 * $of_day) / ($expected[$w] + 50)
	} 0 .. 167;
}

# A spell that is still running is none of the provider's own
sub host_hazard
{
	my ($as_of, $by_age, $by_hour, @known) = @_;
	my @events = (0) x 24;
	my @expected = (0) x 24;
	my @hour_events = (0) x 24;
	my @hour_expected = (0) x 24;
	for my $k (grep { !$_->{open} } @known)
	{
		for my $j (grep { $bound[$_] < $k->{length} } 0 .. 95)
		{
			$expected[ int($j / 4) ] += $by_age->[$j] *
			  weighted_seconds($k->{start} + $bound[$j], $k->{start} + min($bound[ $j + 1 ], $k->{length}), $as_of, 30 * DAY);
		}
		for my $h (hours_between($k->{start}, $k->{until}, $as_of))
		{
			$hour_expected[ $h->[2] % 24 ] += $h->[3] * $by_hour->[ $h->[2] ] *
			  expected_between($by_age, $h->[0] - $k->{start}, $h->[1] - $k->{start});
		}
		next if !$k->{event};
		$events[ int(bin_of_event($k->{length}) / 4) ] += 2**(-($as_of - $k->{until}) / (30 * DAY));
		$hour_events[ hour_of_week($k->{until} - 1) % 24 ] += 2**(-($as_of - $k->{until}) / (60 * DAY));
	}
	# they are stored as real
	return map { unpack 'f', pack 'f', $_ } @events, @expected, @hour_events, @hour_expected;
}

# The weights of the priors, in the order of the formulas: each window and each provider by itself
sub prior
{
	my ($as_of, $by_age, $by_hour, @known) = @_;
	my @weights = map { 0.125 * 2**($_ / 2) } 0 .. 14;
	my @hour_weights = (0.5, 1, 2, 4, 8, 16, 32);
	my @score = (0) x @weights;
	my @hour_score = (0) x @hour_weights;
	my %providers = map { $_->{provider} => 1 } @known;
	for my $window ([ 1, 0 ], [ 2, 1 ], [ 4, 2 ], [ 8, 4 ])
	{
		my ($since, $until) = map { $as_of - $_ * DAY } @$window;
		for my $provider (keys %providers)
		{
			my @own = grep { $_->{provider} eq $provider } @known;
			my @ended = grep { $_->{until} <= $since } @own;
			next if !@ended;
			my @host = host_hazard($since, $by_age, $by_hour, map { { %$_, open => 0 } } @ended);
			my (@n, @e, @m, @u);
			for my $k (grep { $_->{until} > $since && $_->{start} < $until } @own)
			{
				my ($from, $to) = (max($k->{start}, $since), min($k->{until}, $until));
				for my $h (hours_between($from, $to, $as_of))
				{
					my @cuts = ($h->[0], (grep { $_ > $h->[0] && $_ < $h->[1] } map { $k->{start} + $bound[ 4 * $_ ] } 1 .. 23), $h->[1]);
					for my $i (1 .. $#cuts)
					{
						my $expected = $by_hour->[ $h->[2] ] * expected_between($by_age, map { $_ - $k->{start} } @cuts[ $i - 1, $i ]);
						$e[ octave_of(($cuts[ $i - 1 ] + $cuts[$i]) / 2 - $k->{start}) ] += $expected;
						$u[ $h->[2] % 24 ] += $expected;
					}
				}
				next if !$k->{event} || $k->{until} > $until;
				$n[ int(bin_of_event($k->{length}) / 4) ]++;
				$m[ hour_of_week($k->{until} - 1) % 24 ]++;
			}
			for my $j (0 .. $#weights)
			{
				for my $o (0 .. 23)
				{
					my $z = ($weights[$j] + sum0(map { 2**-abs($o - $_) * $host[$_] } 0 .. 23)) / ($weights[$j] + sum0(map { 2**-abs($o - $_) * $host[ 24 + $_ ] } 0 .. 23));
					$score[$j] += ($n[$o] // 0) * log($z) - $z * ($e[$o] // 0);
				}
			}
			my $g = (1.5 + sum0(@host[ 0 .. 23 ])) / (1.5 + sum0(@host[ 24 .. 47 ]));
			for my $j (0 .. $#hour_weights)
			{
				for my $c (0 .. 23)
				{
					my $gr = ($host[ 48 + $c ] + $hour_weights[$j] * $g) / ($host[ 72 + $c ] + $hour_weights[$j]);
					$hour_score[$j] += ($m[$c] // 0) * log($gr) - $gr * ($u[$c] // 0);
				}
			}
		}
	}
	return (best_weight(3, \@weights, [ map { 0.1 * $score[$_] - log($weights[$_] / 2)**2 / 2 } 0 .. $#weights ]),
		best_weight(5, \@hour_weights, [ map { 0.1 * $hour_score[$_] - log($hour_weights[$_] / 5)**2 / 2 } 0 .. $#hour_weights ]));
}

# The weight where the posterior is highest, by the parabola through three points of equal distance
sub best_weight
{
	my ($most, $weights, $posterior) = @_;
	my ($best) = grep { $posterior->[$_] == max(@$posterior) } 0 .. $#$posterior;
	return min($most, $weights->[$best]) if $best == 0 || $best == $#$posterior;
	my ($left, $middle, $right) = @$posterior[ $best - 1 .. $best + 1 ];
	my $step = log($weights->[1] / $weights->[0]);
	return min($most, $weights->[$best] * exp($step * ($left - $right) / (2 * ($left - 2 * $middle + $right))));
}

# The weights of the priors, for what follows
my ($frailty_prior, $hour_prior);

# Shape and rate of the provider's factor for ages of some octaves
sub frailty
{
	my ($host, $from, $to) = @_;
	my ($shape, $rate) = ($frailty_prior, $frailty_prior);
	for my $o (0 .. 23)
	{
		my $weight = 2**-($o < $from ? $from - $o : $o > $to ? $o - $to : 0);
		$shape += $weight * $host->[$o];
		$rate += $weight * $host->[ 24 + $o ];
	}
	return ($shape, $rate);
}

# -ln of the probability for one length of job, without a look at shorter ones
sub hazard_of_job
{
	my ($by_age, $by_hour, $host, $age, $as_of, $job) = @_;
	my $mean = ($frailty_prior + sum0(@$host[ 0 .. 23 ])) / ($frailty_prior + sum0(@$host[ 24 .. 47 ]));
	my $sum = 0;
	for my $h (hours_between($as_of, $as_of + $job, $as_of))
	{
		my $c = $h->[2] % 24;
		my $of_hour = ($host->[ 48 + $c ] + $hour_prior * $mean) / ($host->[ 72 + $c ] + $hour_prior) / $mean;
		$sum += expected_between($by_age, $age + $h->[0] - $as_of, $age + $h->[1] - $as_of) * $by_hour->[ $h->[2] ] * $of_hour;
	}
	my ($shape, $rate) = frailty($host, octave_of($age), octave_of($age + $job));
	return $sum * $shape / $rate;
}

# The probability: the least over the shorter jobs.  Where an octave is left the
# factor changes, so the instants just before that must be among them.
sub holds
{
	my ($by_age, $by_hour, $host, $age, $as_of, $job) = @_;
	my @jobs = map { $job * $_ / 12 } 1 .. 12;
	for my $b (map { $bound[ 4 * $_ ] } 1 .. 23)
	{
		push @jobs, $b - $age - 1e-6 if $b - 1e-6 > $age && $b < $age + $job;
	}
	return exp(-max(map { hazard_of_job($by_age, $by_hour, $host, $age, $as_of, $_) } @jobs));
}

# P(gamma < x), by Simpson's rule
sub gamma_below
{
	my ($shape, $rate, $x) = @_;
	my $y = $x * $rate;
	my $log_gamma = log_gamma($shape);
	my $pieces = 20000;
	my $sum = 0;
	for my $i (1 .. $pieces)
	{
		my $t = $y * $i / $pieces;
		$sum += ($i == $pieces ? 1 : $i % 2 ? 4 : 2) * exp(($shape - 1) * log($t) - $t - $log_gamma);
	}
	return $sum * $y / $pieces / 3;
}

# Stirling's series, where it is good
sub log_gamma
{
	my ($x) = @_;
	my $shift = 0;
	$shift += log($x++) while $x < 20;
	return ($x - 0.5) * log($x) - $x + 0.5 * log(2 * 3.14159265358979324) + 1 / (12 * $x) - 1 / (360 * $x**3) + 1 / (1260 * $x**5) - $shift;
}

# A small fleet.  Some sessions overlap, some end on the hour; among the lengths are two
# bounds of bins, 300 s and 600 s.
my $as_of = 1772533425;    # 2026-03-03 10:23:45 UTC
srand(31);
my @fleet;
for my $i (0 .. 59)
{
	my $start = $as_of - 600 - int(rand(100 * DAY));
	my $length = int(20 * exp(rand(log(20 * DAY / 20))));
	my $end = $start + ($i % 20 == 4 ? 300 : $i % 20 == 14 ? 600 : $length);
	$end = HOUR * int($end / HOUR) if $i % 20 == 8;
	$end = $start if $i % 15 == 2 || $end < $start;
	$end = undef if $i % 12 == 7;
	push @fleet, { provider => 'p' . (1 + $i % 5), start => $start, end => $end, censored => $i % 7 == 3 || $i % 4 == 1 ? 1 : 0 };
}
my @known = known_spells($as_of, @fleet);
cmp_ok(scalar(@known), '<', 60, 'sessions without any length are left out, others are one spell');
cmp_ok(scalar(grep { $_->{open} } @known), '>', 4, 'some are open');
cmp_ok(scalar(grep { !$_->{open} && !$_->{event} } @known), '>', 4, 'some are censored');

begin_in('formulas');
query('INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES '
	. join(', ', map { sprintf "('%s', to_timestamp(%d), to_timestamp(%s), '%s')", $_->{provider}, $_->{start}, $_->{end} // 'NULL::float8',
			!defined $_->{end} ? '' : $_->{censored} ? 'coordinator_restart' : 'read_error' } @fleet));
# what has no length, or does not exist yet, counts for nothing
query(qq{INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
	('p1', to_timestamp($as_of), NULL, ''), ('p1', to_timestamp($as_of + 5), NULL, ''), ('p1', to_timestamp($as_of - 50), to_timestamp($as_of - 60), 'read_error'),
	('never', '-infinity', to_timestamp($as_of - 60), 'read_error'), ('p2', to_timestamp($as_of + 5), to_timestamp($as_of + 50), 'read_error')});
query(qq{
	CREATE TABLE histories AS SELECT provider_id, liveness_internal.liveness_features_history(connected_at, disconnected_at, disconnect_reason, to_timestamp($as_of), 1) AS sessions FROM provider_sessions GROUP BY provider_id;
	CREATE TABLE fleet AS SELECT a.ages, (SELECT liveness_internal.liveness_fleet_hours(h.sessions, a.ages, to_timestamp($as_of)) FROM histories h) AS hours, NULL::float8[] AS prior
		FROM (SELECT liveness_internal.liveness_fleet_ages(sessions, to_timestamp($as_of)) AS ages FROM histories) a;
	UPDATE fleet SET prior = (SELECT liveness_internal.liveness_fleet_prior(h.sessions, ages || hours, to_timestamp($as_of)) FROM histories h);
	CREATE TABLE hosts AS SELECT h.provider_id, liveness_internal.liveness_host_hazard(h.sessions, f.ages || f.hours || f.prior, to_timestamp($as_of)) AS host FROM histories h, fleet f;
});

my @ages = fleet_ages($as_of, @known);
my @hours = fleet_hours($as_of, \@ages, @known);
same_numbers([ numbers(query('SELECT ages FROM fleet')) ], \@ages, 1e-8, 0, 'liveness_fleet_ages: 96 hazards by age');
same_numbers([ numbers(query('SELECT hours FROM fleet')) ], \@hours, 1e-8, 0, 'liveness_fleet_hours: 168 factors of the hours of the week');
($frailty_prior, $hour_prior) = prior($as_of, \@ages, \@hours, @known);
same_numbers([ numbers(query('SELECT prior FROM fleet')) ], [ $frailty_prior, $hour_prior ], 1e-6, 0, "liveness_fleet_prior: $frailty_prior and $hour_prior");
is(error_of(q{SELECT liveness_internal.liveness_fleet_ages(h.sessions, '2026-02-01') IS NOT NULL FROM (
	SELECT g, liveness_internal.liveness_features_history(t, t + interval '300 s', 'read_error', '2026-02-01', 1) AS sessions FROM generate_series(1, 40) g, LATERAL (SELECT '2026-01-01'::timestamptz + g * interval '5 hours' AS t) t GROUP BY g) h;}),
	'', 'many lengths at exactly a bound, where rounding goes either way');
my %host = (unseen => [ (0) x 96 ]);
for my $p (map { "p$_" } 1 .. 5)
{
	$host{$p} = [ host_hazard($as_of, \@ages, \@hours, grep { $_->{provider} eq $p } @known) ];
	same_numbers([ numbers(query("SELECT host::float8[] FROM hosts WHERE provider_id = '$p'")) ], $host{$p}, 1e-5, 1e-7, "liveness_host_hazard of $p");
	is(query("SELECT liveness_internal.liveness_history_count(sessions, to_timestamp($as_of)) FROM histories WHERE provider_id = '$p'"),
		scalar(grep { $_->{provider} eq $p } @known), "and its spells of any length");
}

my @session_ages = (0, 30, 300, 5000, 307200, 20 * DAY);
my @jobs = (300, 1800, 3 * HOUR, 12 * HOUR, 3 * DAY);
for my $p (sort keys %host)
{
	my $got = query(qq{SELECT liveness_internal.liveness_holds(f.ages || f.hours || f.prior, (SELECT host FROM hosts WHERE provider_id = '$p'), to_timestamp($as_of - a), to_timestamp($as_of), j * 1000000)
		FROM fleet f, unnest(ARRAY[@{[join ',', @session_ages]}]) WITH ORDINALITY x (a, n), unnest(ARRAY[@{[join ',', @jobs]}]::bigint[]) j ORDER BY n, j});
	my @expected = map { my $age = $_; map { holds(\@ages, \@hours, $host{$p}, $age, $as_of, $_) } @jobs } @session_ages;
	same_numbers([ split /\n/, $got ], \@expected, 1e-6, 0, "liveness_holds of $p for jobs of 5 minutes to 3 days");
}
my $fleet_array = '(SELECT ages || hours || ARRAY[3, 5]::float8[] FROM fleet)';
is(query(qq{SELECT liveness_internal.liveness_holds($fleet_array, NULL, to_timestamp($as_of + 7200), to_timestamp($as_of), 3600000000) = h,
	liveness_internal.liveness_holds($fleet_array, NULL, '-infinity', to_timestamp($as_of), 3600000000) = h FROM liveness_internal.liveness_holds($fleet_array, NULL, to_timestamp($as_of), to_timestamp($as_of), 3600000000) h}),
	't|t', 'a session that begins in the future, or never began, has just begun');

# A session that ends at as_of is not running any more, and its end is known
query(qq{CREATE TABLE ended AS SELECT n, liveness_internal.liveness_features_history(to_timestamp($as_of - 7200), to_timestamp($as_of - n), 'read_error', to_timestamp($as_of), 1) AS sessions FROM (VALUES (0), (1)) v (n) GROUP BY n});
same_numbers([ numbers(query("SELECT liveness_internal.liveness_host_hazard(e.sessions, $fleet_array, to_timestamp($as_of))::float8[] FROM ended e WHERE n = 0")) ],
	[ host_hazard($as_of, \@ages, \@hours, known_spells($as_of, { provider => 'x', start => $as_of - 7200, end => $as_of, censored => 0 })) ],
	1e-5, 1e-7, 'a session that ended at this very instant is one of the own');

# Weights of priors that are none
like(error_of("SELECT liveness_internal.liveness_holds(ages || hours || ARRAY[$_]::float8[], NULL, now(), now(), 1) FROM fleet;"), qr/ERROR:  22023: .*\nHINT: /, "weights $_ are refused")
	for '0, 5', '3, 0', '-1, 5', "3, 'NaN'", "'infinity', 5", '3', '3, 5, 7';

# Bounds.  For shape 3 and rate 3 R's qgamma(c(.025, .975), 3, 3) has these values
# (they solve 1 - exp(-3 q) (1 + 3 q + (3 q)^2 / 2) = p).
my ($probability, @bounds) = split /\|/, query(qq{SELECT liveness_internal.liveness_holds($fleet_array, NULL, c, a, j), b[1], b[2]
	FROM (VALUES (to_timestamp($as_of - 3600), to_timestamp($as_of), 14400000000)) v (c, a, j), liveness_internal.liveness_holds_bounds($fleet_array, NULL, c, a, j) b});
same_numbers([ map { log($_) / log($probability) } @bounds ], [ 2.408229222574652, 0.2062240409652001 ], 1e-9, 0, 'the bounds of an unseen provider: quantiles of gamma(3, 3)');
($frailty_prior, $hour_prior) = (3, 5);
$host{many} = [ (40.7) x 24, (25.2) x 24, (1) x 48 ];
for my $p ('p1', 'p3', 'many')
{
	my $array = sprintf "'{%s}'::real[]", join ',', @{ $host{$p} };
	($probability, @bounds) = split /\|/, query(qq{SELECT liveness_internal.liveness_holds($fleet_array, $array, c, a, j), b[1], b[2]
		FROM (VALUES (to_timestamp($as_of - 3600), to_timestamp($as_of), 600000000)) v (c, a, j), liveness_internal.liveness_holds_bounds($fleet_array, $array, c, a, j) b});
	# in one octave there is one factor; the probability is its mean's
	my ($shape, $rate) = frailty($host{$p}, octave_of(3600), octave_of(4200));
	same_numbers([ map { gamma_below($shape, $rate, log($_) / log($probability) * $shape / $rate) } @bounds ], [ 0.975, 0.025 ], 1e-6, 0,
		sprintf('the bounds of %s: quantiles of gamma(%.1f, %.1f)', $p, $shape, $rate));
}

# ---------- learned weights ----------

# Twelve providers for three weeks: four fail every two hours, four twice a day and always at the
# same hour of their own, four every nine days.  So their own history says more than the fleet's.
begin_in('priors');
@fleet = ();
for my $i (0 .. 11)
{
	my ($every, $up) = $i < 4 ? (2 * HOUR, 1.8 * HOUR) : $i < 8 ? (12 * HOUR, 11 * HOUR) : (9 * DAY, 8.9 * DAY);
	for (my $start = $as_of - 21 * DAY + $i * 1234; $start < $as_of; $start += $every)
	{
		my $end = $start + $up - int(rand(600));
		push @fleet, { provider => "p$i", start => $start, end => $end < $as_of ? $end : undef, censored => 0 };
	}
}
@known = known_spells($as_of, @fleet);
query('INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES '
	. join(', ', map { sprintf "('%s', to_timestamp(%d), to_timestamp(%s), 'read_error')", $_->{provider}, $_->{start}, $_->{end} // 'NULL::float8' } @fleet));
query(qq{SELECT liveness_rollup_features(to_timestamp($as_of))});
@ages = fleet_ages($as_of, @known);
@hours = fleet_hours($as_of, \@ages, @known);
my @prior = prior($as_of, \@ages, \@hours, @known);
same_numbers([ (numbers(query('SELECT hazard FROM liveness_internal.liveness_fleet_hazard')))[ 264, 265 ] ], \@prior, 1e-6, 0, "the rollup learns the weights: @prior");
cmp_ok($prior[0], '<', 1.5, 'which say that providers differ');
cmp_ok($prior[1], '<', 4, 'and that their hours do');
# parallel processes add up what each of them found
is(query(qq{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
	CREATE TABLE histories AS SELECT provider_id, liveness_internal.liveness_features_history(connected_at, disconnected_at, disconnect_reason, to_timestamp($as_of), 1) AS sessions FROM provider_sessions GROUP BY provider_id;
	CREATE FUNCTION plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE ''EXPLAIN (COSTS off) '' || statement; END';
	SELECT bool_or(p ~ 'Partial Aggregate') FROM plan_of('SELECT liveness_internal.liveness_fleet_prior(sessions, (SELECT hazard[1:264] FROM liveness_internal.liveness_fleet_hazard), to_timestamp($as_of)) FROM histories') p;
	SELECT abs(p[1] - f.hazard[265]) < 1e-9 AND abs(p[2] - f.hazard[266]) < 1e-9 FROM liveness_internal.liveness_fleet_hazard f,
		(SELECT liveness_internal.liveness_fleet_prior(sessions, (SELECT hazard[1:264] FROM liveness_internal.liveness_fleet_hazard), to_timestamp($as_of)) FROM histories) p (p)}), "t\nt", 'in parallel as well');
# nobody has a history: what is believed without data
is(query(q{TRUNCATE provider_sessions; INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('a', now() - interval '9 days');
	SELECT liveness_rollup_features(); SELECT round(hazard[265]::numeric, 9), round(hazard[266]::numeric, 9) FROM liveness_internal.liveness_fleet_hazard}), "1\n2.000000000|5.000000000", 'without history 2 and 5');

# ---------- before there is anything ----------

begin_in('nothing');
my $no_rollup = qr/ERROR:  55000: [^\n]*\n.*HINT:  Run SELECT .*liveness_rollup_features\(\)/s;
like(error_of(q{SELECT * FROM liveness_candidates('4 hours');}), $no_rollup, 'before the first rollup there is nothing to answer from');
query(q{INSERT INTO provider_sessions (provider_id) VALUES ('a')});
like(error_of(q{SELECT * FROM liveness_candidates('4 hours');}), $no_rollup, 'whoever is connected');
is(query(q{SELECT provider_id, own_sessions FROM liveness_candidates_at(now() + interval '1 second', '4 hours', 0)}), 'a|1', 'liveness_candidates_at needs no rollup');
query('TRUNCATE provider_sessions');
is(query(q{SELECT count(*) FROM liveness_candidates_at(now(), '4 hours')}), 0, 'nor any session');
query('SELECT liveness_rollup_features()');
is(query(q{SELECT count(*) FROM liveness_candidates('4 hours', 0, NULL)}), 0, 'after a rollup over no sessions no row, and no error');
query(q{INSERT INTO provider_sessions (provider_id) VALUES ('a')});
is(query(q{SELECT count(*) FROM liveness_candidates('4 hours', 0, NULL)}), 0, 'nor for those that connected since: there is no fleet to compare with');

# ---------- arguments, whether or not there is anybody ----------

sub arguments_are_checked
{
	my ($whose) = @_;
	for my $function ('liveness_candidates(', 'liveness_candidates_at(now(), ')
	{
		my $name = $function =~ s/\(.*//r . " $whose";
		like(error_of("SELECT * FROM ${function}NULL);"), qr/ERROR:  22004: job must not be NULL\nHINT: /, "$name: job NULL");
		for my $job ('0', '-1 hour', '3650 days 00:00:01', '122 months', '2 days -48 hours')
		{
			like(error_of("SELECT * FROM ${function}'$job');"), qr/ERROR:  22023: job must be longer than 0 and at most 3650 days\nHINT: /, "$name: job $job");
		}
		for my $p ('NaN', '-0.1', '1.1', 'infinity')
		{
			like(error_of("SELECT * FROM ${function}'4 hours', '$p');"), qr/ERROR:  22023: min_probability must be between 0 and 1, [^\n]*\nHINT: /, "$name: min_probability $p");
		}
		for my $n (0, -1)
		{
			like(error_of("SELECT * FROM ${function}'4 hours', 0.5, $n);"), qr/ERROR:  22023: max_rows $n is out of range\nHINT: /, "$name: max_rows $n");
		}
		is(query("SELECT count(*) >= 0 FROM ${function}'3650 days', NULL, NULL)"), 't', "$name: the longest job, and no bounds");
	}
	like(error_of(q{SELECT * FROM liveness_candidates_at(NULL, '4 hours');}), qr/ERROR:  22004: as_of must not be NULL/, "liveness_candidates_at $whose: as_of NULL");
	like(error_of(q{SELECT * FROM liveness_candidates_at('infinity', '4 hours');}), qr/ERROR:  22008: as_of must be finite/, "liveness_candidates_at $whose: as_of infinite");
}
arguments_are_checked('of one unknown');
query('TRUNCATE provider_sessions');
arguments_are_checked('of nobody');

# ---------- a fleet of now ----------

begin_in('live');
# wide enough for a slow machine
query(q{ALTER DATABASE live SET liveness.session_timeout = '20min'});
query(q{
	-- thirty ordinary providers: some sessions a week for two months, and one of now
	SELECT setseed(0.31);
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'm' || lpad(m::text, 2, '0'), s.at, s.at + (interval '20 minutes' * exp(random() * 5)), CASE WHEN random() < 0.1 THEN 'coordinator_restart' ELSE 'read_error' END
		FROM generate_series(1, 30) m, LATERAL (SELECT now() - interval '2 days' - g * interval '47 hours' - m * interval '17 minutes' AS at FROM generate_series(1, 30) g) s;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'm' || lpad(m::text, 2, '0'), now() - m * m * interval '5 minutes' FROM generate_series(1, 30) m;
	-- a few, many short ones, many long ones
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'few', now() - g * interval '3 days', now() - g * interval '3 days' + interval '5 hours', 'read_error' FROM generate_series(1, 3) g
		UNION ALL SELECT 'short', now() - g * interval '3 hours', now() - g * interval '3 hours' + interval '20 minutes' + g * interval '25 seconds', 'read_error' FROM generate_series(2, 300) g
		UNION ALL SELECT 'long', now() - g * interval '100 hours', now() - g * interval '100 hours' + interval '97 hours', 'read_error' FROM generate_series(1, 20) g;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT p, now() - interval '2 hours' FROM unnest('{few,short,long}'::text[]) p;
	-- zero-length sessions are not among the own, what ran until now is
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'few', now() - interval '9 days', now() - interval '9 days', 'read_error' FROM generate_series(1, 4);
	-- connected, or not, or stale
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at) VALUES
		('gone', now() - interval '2 hours', now() - interval '1 hour', 'read_error', now()),
		('s_session', now() - interval '2 hours', NULL, '', now() - interval '1 hour'),
		('s_heartbeat', now() - interval '2 hours', NULL, '', NULL),
		('s_future', now() - interval '2 hours', NULL, '', NULL),
		('t_session', now() - interval '2 hours', NULL, '', now()),
		('t_heartbeat', now() - interval '2 hours', NULL, '', now() - interval '1 hour'),
		('t_young', now() - interval '5 seconds', NULL, '', now() - interval '1 hour'),
		('t_before', now() - interval '2 hours', NULL, '', NULL),
		('t_unheard', now() - interval '2 hours', NULL, '', NULL),
		('t_skew', now() + interval '10 minutes', NULL, '', NULL),
		('t_skew', now() - interval '9 days', now() - interval '8 days', 'read_error', NULL),
		-- a clock that is wrong keeps nobody alive; an end that lies ahead is none yet
		('w_begin', '2098-01-01', NULL, '', NULL), ('w_begin', now() - interval '9 days', now() - interval '8 days', 'read_error', NULL),
		('w_last', now() - interval '2 hours', NULL, '', '2098-01-01'), ('w_stored', now() - interval '2 hours', NULL, '', NULL),
		('w_infinity', 'infinity', NULL, '', NULL),
		('t_end', now() - interval '2 hours', 'infinity', '', NULL), ('t_later', now() - interval '2 hours', now() + interval '1 hour', 'x', NULL),
		('t_dawn', '-infinity', NULL, '', NULL), ('t_4714', '4714-11-24 00:00+00 BC', NULL, '', NULL);
	INSERT INTO provider_heartbeats (provider_id, at) VALUES
		('s_heartbeat', now() - interval '1 hour'), ('s_future', now() - interval '1 hour'), ('s_future', now() + interval '1 hour'), ('w_stored', '2098-01-01'), ('w_stored', 'infinity'),
		('t_heartbeat', now()), ('t_before', now() - interval '3 hours');
	-- two coordinators: the latest session counts, though the other has a later id
	INSERT INTO provider_sessions (provider_id, connected_at, coordinator_id) VALUES ('twice', now() - interval '1 hour', 'b'), ('twice', now() - interval '5 days', 'a');
	-- in one statement, so that now() is one
	SELECT liveness_rollup_features();
	INSERT INTO provider_sessions (provider_id, connected_at) VALUES ('new2', now() - interval '2 hours'), ('new1', now() - interval '2 hours');
});
# psql sends the statements above in one transaction: the rollup's instant is theirs
my $rolled_up = query('SELECT as_of FROM liveness_internal.liveness_fleet_hazard');
my $all = q{liveness_candidates('4 hours', 0, NULL)};

is(query("SELECT string_agg(provider_id, ' ' ORDER BY provider_id) FROM $all WHERE provider_id !~ '^m'"),
	'few long new1 new2 short t_4714 t_before t_dawn t_end t_heartbeat t_later t_session t_skew t_unheard t_young twice', 'who is connected and not stale, and who was never heard of');
is(query("SELECT count(*) FROM $all WHERE provider_id ~ '^m'"), 30, 'the others too');
# the library must know the setting before it is set
is(query("LOAD 'liveness'; SET liveness.session_timeout = '3h'; SELECT string_agg(provider_id, ' ' ORDER BY provider_id) FROM $all WHERE provider_id ~ '^(s_|gone)'"),
	's_future s_heartbeat s_session', 'with a longer liveness.session_timeout the stale ones');
is(query("SELECT c.session_id = (SELECT min(id) FROM provider_sessions WHERE provider_id = 'twice'), round(c.age_seconds / 3600), count(*) OVER () FROM $all c WHERE c.provider_id = 'twice'"),
	't|120|1', 'of two open sessions the latest, and the age of the spell');
is(query("SELECT count(*) FROM $all c JOIN provider_sessions s ON s.id = c.session_id AND s.provider_id = c.provider_id AND s.connected_at >= c.connected_at AND s.coordinator_id = c.coordinator_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())"),
	46, 'each row names an open session of the spell');
is(query("SELECT bool_and(abs(age_seconds - greatest(extract(epoch FROM now()) - extract(epoch FROM connected_at), 0)) < 1e-3) FILTER (WHERE connected_at > '-infinity'), min(age_seconds), max(age_seconds) FROM $all"), 't|0|Infinity', 'with its age; one that begins in the future has none yet');
is(query("SELECT probability > 0 AND probability < 1, own_sessions FROM $all WHERE provider_id = 't_skew'"), 't|1', 'and an answer');
is(query("SELECT array_agg(provider_id) = array_agg(provider_id ORDER BY probability DESC, provider_id) FROM $all"), 't', 'the likeliest first');
is(query("SELECT string_agg(provider_id, ' ' ORDER BY n) FROM (SELECT provider_id, row_number() OVER () AS n FROM $all) c WHERE provider_id ~ '^new'"), 'new1 new2', 'and by name where they are alike');
is(query("SELECT count(DISTINCT as_of), min(as_of) FROM $all"), "1|$rolled_up", 'as_of is that of the rollup');
is(query("SELECT bool_and(0 <= lower AND lower <= probability AND probability <= upper AND upper <= 1) FROM $all"), 't', 'the bounds lie about the probability');
is(query("SELECT bool_and(upper - lower > 0.01) FROM $all WHERE connected_at > '2000-01-01'"), 't', 'with room');
is(query("SELECT count(*) FROM $all c JOIN provider_reliability_features f USING (provider_id) WHERE f.liveness_score IS DISTINCT FROM c.liveness_score"), 0, 'the score is that of the features');
is(query("SELECT string_agg(provider_id || own_sessions || coalesce(liveness_score::text, ' none'), ', ' ORDER BY provider_id) FROM $all WHERE provider_id ~ '^new'"),
	'new10 none, new20 none', 'those that connected after the rollup have neither score nor sessions');
is(query("SELECT string_agg(provider_id || ' ' || own_sessions, ', ' ORDER BY provider_id) FROM $all WHERE provider_id IN ('few', 'short', 'long', 'twice', 'm01')"),
	'few 4, long 21, m01 31, short 300, twice 1', 'own_sessions: spells of any length');
is(query(qq{SELECT abs(c.probability - liveness_internal.liveness_holds(f.hazard, NULL, c.connected_at, now(), 14400000000)) < 1e-12, abs(c.lower - b[1]) < 1e-12, abs(c.upper - b[2]) < 1e-12
	FROM $all c, liveness_internal.liveness_fleet_hazard f, liveness_internal.liveness_holds_bounds(f.hazard, NULL, c.connected_at, now(), 14400000000) b WHERE c.provider_id = 'new1'}), 't|t|t', 'but the answer of the fleet');
is(query(qq{SELECT bool_and(abs(c.probability - liveness_internal.liveness_holds(f.hazard, liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()), c.connected_at, now(), 14400000000)) < 1e-12)
	FROM liveness_internal.liveness_fleet_hazard f, $all c JOIN liveness_internal.liveness_provider_hazard p USING (provider_id)}), 't', 'the others that of what is known of them');

# Bounds of the list
is(query("SELECT count(*), min(probability) >= 0.5 FROM liveness_candidates('4 hours', max_rows => NULL)"),
	query("SELECT count(*), true FROM $all WHERE probability >= 0.5"), 'at least a half unless asked otherwise');
is(query("BEGIN; SELECT (SELECT count(*) FROM liveness_candidates('4 hours', m, NULL)) = (SELECT count(*) FROM $all WHERE probability >= m) FROM (SELECT percentile_disc(0.3) WITHIN GROUP (ORDER BY probability) AS m FROM $all) x"),
	't', 'min_probability is among the answers');
is(query(q{SELECT count(*) FROM liveness_candidates('4 hours', 1)}), 0, 'nobody is certain');
is(query("SELECT (SELECT array_agg(provider_id) FROM liveness_candidates('4 hours', 0, 7)) = (SELECT (array_agg(provider_id))[1:7] FROM $all)"), 't', 'max_rows: the first');
is(query(q{SELECT count(*) FROM liveness_candidates('4 hours', NULL, NULL)}), 46, 'NULL is no bound');
is(query(q{INSERT INTO provider_sessions (provider_id) SELECT 'x' || g FROM generate_series(1, 30) g; SELECT count(*) FROM liveness_candidates('1 second', 0)}), 50, 'fifty unless asked otherwise');
query(q{DELETE FROM provider_sessions WHERE provider_id ~ '^x'});
is(query(q{SELECT count(*) FROM liveness_candidates_at(now(), '4 hours', NULL, NULL)}), 46, 'as many at an instant');
is(query(q{SELECT count(*), count(*) FILTER (WHERE probability >= 0.6) FROM liveness_candidates_at(now(), '4 hours', 0.6, 7)}), '7|7', 'within its bounds');
is(query("SELECT bool_and(abs(b.probability - c.probability) < 1e-12) FROM liveness_candidates('1 mon', 0, NULL) b JOIN liveness_candidates('30 days', 0, NULL) c USING (provider_id)"), 't', 'a month has 30 days');

# What the answers say
my $at = sub { return query("SELECT round(probability::numeric, 6) FROM $all WHERE provider_id = '$_[0]'") };
my ($few, $short, $long, $new) = map { $at->($_) } qw(few short long new1);
ok($few > 0.1 && $few < 0.95, "three sessions make nothing certain: $few");
cmp_ok(abs($few - $new), '<', 0.12, "and lean on the fleet's $new");
cmp_ok($short, '<', $new - 0.2, "hundreds of short ones are much below it: $short");
cmp_ok($long, '>', $new + 0.1, "long ones above: $long");
is(query("SELECT (SELECT upper - lower FROM $all WHERE provider_id = 'short') < (SELECT (upper - lower) / 2 FROM $all WHERE provider_id = 'new1')"), 't', 'who is known well has narrow bounds');
is(query(q{
	SELECT count(DISTINCT job), count(*), count(*) FILTER (WHERE probability > before), count(*) FILTER (WHERE NOT probability BETWEEN 0 AND 1)
	FROM (SELECT job, provider_id, probability, lag(probability) OVER (PARTITION BY provider_id ORDER BY job) AS before
		FROM generate_series(0, 199) g, make_interval(secs => 60 * 43200 ^ (g / 199.0)) job, liveness_candidates(job, 0, NULL)) c}),
	'200|9200|0|0', 'from a minute to 30 days the probability never rises in the job');
is(query(q{
	SELECT count(*) FILTER (WHERE lower > lower_before), count(*) FILTER (WHERE upper > upper_before), count(*) FILTER (WHERE NOT lower <= probability OR NOT probability <= upper)
	FROM (SELECT provider_id, probability, lower, upper, lag(lower) OVER by_job AS lower_before, lag(upper) OVER by_job AS upper_before
		FROM generate_series(0, 199) g, make_interval(secs => 60 * 43200 ^ (g / 199.0)) job, liveness_candidates(job, 0, NULL)
		WINDOW by_job AS (PARTITION BY provider_id ORDER BY job)) c}),
	'0|0|0', 'nor do its bounds, between which it stays');

# An end that nobody watched is none
for my $p ('short', 'long', 'm07')
{
	is(query(qq{BEGIN;
		SELECT liveness_rollup_features() > 0;
		CREATE TEMP TABLE before AS SELECT * FROM $all;
		UPDATE provider_sessions SET disconnect_reason = 'coordinator_restart' WHERE provider_id = '$p' AND disconnect_reason = 'read_error';
		SELECT liveness_rollup_features() > 0;
		SELECT c.probability > b.probability FROM $all c JOIN before b USING (provider_id) WHERE provider_id = '$p';
		ROLLBACK}), "t\nt\nt", "$p: sessions closed by coordinator_restart are censored");
}
is(query(qq{BEGIN;
	SELECT liveness_rollup_features() > 0;
	CREATE TEMP TABLE before AS SELECT * FROM $all;
	SET LOCAL liveness.censored_reasons = 'coordinator_restart, read_error';
	SELECT liveness_rollup_features() > 0;
	SELECT count(*), bool_and(c.probability > b.probability) FROM $all c JOIN before b USING (provider_id);
	ROLLBACK}), "t\nt\n46|t", 'as are those of the reasons in liveness.censored_reasons');

# The same at the instant of the rollup
is(query(qq{BEGIN;
	SELECT liveness_rollup_features() > 0;
	SELECT count(*), bool_and(a.session_id = c.session_id AND a.connected_at = c.connected_at AND a.own_sessions = c.own_sessions AND a.as_of = c.as_of AND a.age_seconds = c.age_seconds
			AND a.liveness_score IS NOT DISTINCT FROM c.liveness_score),
		bool_and(abs(a.probability - c.probability) < 1e-6 AND abs(a.lower - c.lower) < 1e-6 AND abs(a.upper - c.upper) < 1e-6)
	FROM $all c FULL JOIN liveness_candidates_at(now(), '4 hours', 0, NULL) a USING (provider_id);
	SELECT (SELECT array_agg(provider_id) FROM liveness_candidates('3 days', 0.01, 20)) = (SELECT array_agg(provider_id) FROM liveness_candidates_at(now(), '3 days', 0.01, 20));
	ROLLBACK}), "t\n46|t|t\nt", 'liveness_candidates_at says the same as liveness_candidates right after a rollup');

# ---------- what the rollup keeps ----------

my $kept = q{SELECT md5(string_agg(x::text, '' ORDER BY x::text)) FROM (SELECT to_jsonb(p) AS x FROM liveness_internal.liveness_provider_hazard p UNION ALL SELECT to_jsonb(f) FROM liveness_internal.liveness_fleet_hazard f) x};
query('SELECT liveness_rollup_features()');
is(query('SELECT count(*), count(DISTINCT p.as_of), bool_and(p.as_of = f.as_of) FROM liveness_internal.liveness_provider_hazard p, liveness_internal.liveness_fleet_hazard f'),
	query('SELECT count(DISTINCT provider_id), 1, true FROM provider_sessions WHERE connected_at < now()'), 'the rollup keeps a row for each provider with a session');
query(q{DELETE FROM provider_sessions WHERE provider_id IN ('gone', 'm03', 't_dawn', 't_4714'); SELECT liveness_rollup_features()});
is(query(q{SELECT count(*) FROM liveness_internal.liveness_provider_hazard WHERE provider_id IN ('gone', 'm03')}), 0, 'a provider whose sessions were deleted vanishes');
is(query(q{SELECT string_agg(x::text, ' ') FROM (SELECT provider_id FROM liveness_internal.liveness_provider_hazard EXCEPT SELECT provider_id FROM provider_sessions) x}), '', 'nobody else is there');
my $before = query($kept);
is(query(qq{BEGIN; SELECT liveness_rollup_features('2026-01-01') >= 0; DELETE FROM provider_sessions; SELECT liveness_rollup_features(); ROLLBACK; $kept}), "t\n0\n$before", 'a rollback leaves all as it was');
is(query(q{SELECT liveness_rollup_features(now() - interval '10 days') > 0;
	SELECT count(DISTINCT p.as_of), bool_and(p.as_of = f.as_of AND f.as_of < now() - interval '9 days'),
		bool_or(p.provider_id ~ '^(new|t_u|s_|twice)'), max(p.spells) FILTER (WHERE p.provider_id = 'short')
	FROM liveness_internal.liveness_provider_hazard p, liveness_internal.liveness_fleet_hazard f}), "t\n1|t|f|221", 'as of another instant all are those of then, and nobody of later');
is(query(qq{SELECT count(*) FROM liveness_candidates('4 hours', 0, NULL) c JOIN liveness_internal.liveness_fleet_hazard f ON f.as_of = c.as_of}), 43, 'and the answers follow from it');
is(query(q{SELECT liveness_rollup_features('1999-01-01'); SELECT count(*) FROM liveness_internal.liveness_provider_hazard; SELECT hazard IS NULL, as_of = '1999-01-01' FROM liveness_internal.liveness_fleet_hazard; SELECT count(*) FROM liveness_candidates('1 hour', 0)}),
	"0\n0\nt|t\n0", 'before anybody was ever up there is nothing to tell');
query(q{SELECT liveness_rollup_features('2026-01-01')});
query(q{SELECT liveness_rollup_features()});
is(query(q{SELECT count(*) FROM liveness_internal.liveness_provider_hazard p JOIN (SELECT provider_id, liveness_internal.liveness_features_history(connected_at, disconnected_at, disconnect_reason, now(), 1) AS sessions FROM provider_sessions GROUP BY 1) h USING (provider_id),
	liveness_internal.liveness_fleet_hazard f WHERE p.hazard = liveness_internal.liveness_host_hazard(h.sessions, f.hazard, f.as_of) AND p.spells = liveness_internal.liveness_history_count(h.sessions, f.as_of)}),
	query('SELECT count(*) FROM liveness_internal.liveness_provider_hazard'), 'whatever went before, the rows are those of the sessions');

# Two at once
$before = query($kept);
my $other = $node->background_psql(database());
$other->query_safe('BEGIN');
$other->query_safe('SELECT liveness_rollup_features()');
is(query('SELECT liveness_rollup_features() IS NULL'), 't', 'a second run gives way to the first');
is(query($kept), $before, 'of which nothing is to be seen before it ends');
is(query("SELECT count(*) FROM $all"), 43, 'nor does anybody have to wait');
$other->query_safe('COMMIT');
isnt(query($kept), $before, 'then it is');
$other->quit;

# ---------- no look ahead ----------

begin_in('past');
query(q{
	CREATE FUNCTION t() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2026-02-10 12:34:56+00'::timestamptz $$;
	SELECT setseed(0.5);
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || p, at, at + (interval '10 minutes' * exp(random() * 7)), CASE WHEN random() < 0.2 THEN 'coordinator_restart' ELSE 'read_error' END
		FROM generate_series(1, 12) p, LATERAL (SELECT t() - interval '40 days' + g * interval '25 hours' + p * random() * interval '3 hours' AS at FROM generate_series(1, 50) g) s;
	-- up at that instant: closed later, or open still; silent, heard lately, heard since
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at)
		SELECT 'p' || p, t() - p * p * interval '7 minutes', CASE WHEN p % 3 > 0 THEN t() + p * interval '20 minutes' END, CASE p % 3 WHEN 0 THEN '' WHEN 1 THEN 'read_error' ELSE 'coordinator_restart' END,
			CASE p % 4 WHEN 0 THEN t() - interval '5 seconds' WHEN 1 THEN t() + interval '2 minutes' WHEN 2 THEN t() - interval '10 minutes' END
		FROM generate_series(1, 12) p;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, t() - p * interval '17 seconds' FROM generate_series(1, 12) p WHERE p % 2 > 0;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || p, t() + p * interval '7 seconds' FROM generate_series(1, 12) p;
});
# the order in which sessions are added up leaves its mark on the last digits
my $answer = q{SELECT count(*), string_agg(concat_ws(' ', provider_id, session_id, connected_at, age_seconds, round(probability::numeric, 12),
	round(lower::numeric, 12), round(upper::numeric, 12), own_sessions, liveness_score, as_of), E'\n') FROM liveness_candidates_at(t(), '4 hours', 0, NULL)};
my $then = query($answer);
like($then, qr/^\d+\|p\d/, 'an answer of the past');
cmp_ok($then =~ s/\|.*//r, '>', 5, 'has rows');
cmp_ok($then =~ s/\|.*//r, '<', 12, 'and leaves out who was stale then');
query(q{
	SELECT liveness_rollup_features(), liveness_rollup_hourly();
	UPDATE provider_sessions SET
		disconnected_at = CASE id % 4 WHEN 0 THEN t() + interval '1 microsecond' WHEN 1 THEN 'infinity' WHEN 2 THEN t() + random() * interval '9 days' END,
		disconnect_reason = CASE id % 5 WHEN 0 THEN 'coordinator_restart' WHEN 1 THEN '' ELSE 'clean_close' END,
		requests_served = 7
		WHERE disconnected_at > t() OR disconnected_at IS NULL;
	UPDATE provider_sessions SET last_heartbeat_at = t() + random() * interval '9 days' WHERE last_heartbeat_at IS NULL OR last_heartbeat_at > t();
	DELETE FROM provider_sessions WHERE connected_at > t() AND id % 3 = 0;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 20, t() + g * interval '3 minutes', t() + g * interval '5 minutes', 'read_error' FROM generate_series(1, 200) g;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || g, t() + interval '1 microsecond' FROM generate_series(1, 20) g;
	DELETE FROM provider_heartbeats WHERE at > t() AND id % 2 = 0;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 20, t() + g * interval '10 seconds' FROM generate_series(1, 200) g;
	SELECT liveness_rollup_features();
});
is(query($answer), $then, 'whatever happened after it, the answer of an instant stays');
query(q{UPDATE provider_sessions SET disconnected_at = t() WHERE provider_id = 'p4' AND connected_at < t() AND disconnected_at > t()});
isnt(query($answer), $then, 'what happens by then changes it');
is(query(q{SELECT count(*) FROM liveness_candidates_at(t(), '4 hours', 0, NULL) WHERE provider_id = 'p4'}), 0, 'and who leaves at that very instant is not there any more');
like($then, qr/^p4 /m, 'as it was');

# ---------- the retention deletes sessions that are not as old as hazard_history ----------

$node->append_conf('postgresql.conf', "liveness.session_retention = '20d'\n");
$node->reload;
ok($node->poll_query_until(database(), q{SELECT liveness_internal.liveness_setting_interval('session_retention') = '20 days'}), 'sessions are kept for 20 days');
query(q{
	TRUNCATE provider_sessions, provider_heartbeats, provider_exclusions, provider_reliability_features;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || p, now() - make_interval(hours => 30 * n + p), now() - make_interval(hours => 30 * n + p - n % 20 - 1), 'read_error'
		FROM generate_series(1, 20) p, generate_series(1, 60) n;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || p, now() - make_interval(mins => 40 * p) FROM generate_series(1, 20) p;
	SELECT liveness_rollup_features()});
is(query(q{
	BEGIN;
	SET LOCAL liveness.hazard_interval = '1h';
	SELECT liveness_rollup_features();
	SELECT liveness_internal.liveness_prune_derived(1000000) BETWEEN 500 AND 1000;
	SELECT liveness_rollup_features();
	SELECT count(*) FROM liveness_candidates('4 hours', 0, NULL) c JOIN liveness_candidates_at(now(), '4 hours', 0, NULL) a USING (provider_id, own_sessions)
	WHERE abs(c.probability - a.probability) < 1e-6 AND abs(c.lower - a.lower) < 1e-6 AND abs(c.upper - a.upper) < 1e-6;
	COMMIT}), "20\nt\n20\n20", 'when they are deleted within an interval, the answers stay those of candidates_at');

$node->stop;
done_testing();
