# The extension liveness_report: one page of HTML that says what the views of liveness say, whatever names and
# texts there are, and before there is anything to say; and its parts.  What a browser
# makes of it (no overflow, no overlap, contrast, in both color schemes, on a phone and
# on a desk) is looked at where there is a chromium: CHROMIUM names one that is not in PATH.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('report');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

my $database = q{<i>"&'};
$node->safe_psql('postgres', qq{CREATE DATABASE "<i>""&'" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
$node->safe_psql('postgres', qq{CREATE DATABASE $_ ENCODING '$_' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0}) for qw(latin1 sql_ascii euc_jp);
$node->safe_psql($_, 'CREATE EXTENSION liveness; CREATE EXTENSION liveness_report') for $database, 'postgres', qw(latin1 sql_ascii euc_jp);

sub error_of
{
	my ($sql) = @_;
	my $err = '';
	$node->psql('postgres', "\\set VERBOSITY sqlstate\n$sql", stderr => \$err);
	return $err =~ /ERROR:  (\w{5})/ ? $1 : $err;
}

sub page
{
	my ($db, $arguments) = @_;
	return $node->safe_psql($db, 'SELECT liveness_report(' . ($arguments // '') . ')');
}

# A like() that does not print a page
sub has
{
	my ($html, $re, $test) = @_;
	return ok($html =~ $re, $test) || diag("expected $re");
}

sub text_of
{
	my ($html) = @_;
	my %entity = (amp => '&', lt => '<', gt => '>', quot => '"');
	$html =~ s/<[^>]*>//g;
	$html =~ s/&(?:#(\d+)|(\w+));/defined $1 ? chr $1 : $entity{$2}/ge;
	return $html;
}

# The cells of the table of that caption, as psql -At would print them
sub table
{
	my ($html, $caption) = @_;
	my ($body) = $html =~ m{<table><caption>\Q$caption\E</caption>.*?<tbody>(.*?)</tbody>}s or return "no table $caption";
	return join "\n", map {
		join '|', map { my $cell = text_of($_); $cell eq "\x{2013}" ? '' : $cell } m{<t[hd](?! class="bar")[^>]*>(.*?)</t[hd]>}g
	} $body =~ m{<tr>(.*?)</tr>}g;
}

sub figures
{
	my ($html) = @_;
	return join ' ', map { my $figure = text_of($_); $figure =~ s/ //g; $figure } $html =~ m{<dd>(.*?)</dd>}g;
}

# What any of the pages must be
sub page_ok
{
	my ($html, $what) = @_;
	has($html, qr/\A<!DOCTYPE html>\n<html lang="en">\n<head>.*<\/html>\z/s, "$what: a document, and nothing else");
	is(join(' ', $html =~ /([^\t\n -~])/g), '', "$what: all of it ASCII");
	my %count;
	(my $rest = $html) =~ s{<!DOCTYPE html>|</\w+>|<(\w+)(?:\s[\w:-]+="[^"]*")*/?>}{$count{$1}++ if defined $1; ''}ge;
	is(join(' ', $rest =~ /<.{0,20}/g), '', "$what: nothing but elements is in angle brackets");
	is(join(' ', grep { !/^(?:html|head|meta|title|style|body|main|h1|h2|p|bdi|ul|li|dl|div|dt|dd|small|section|figure|figcaption|b|i|svg|desc|text|path|circle|table|caption|thead|tbody|tr|th|td|footer)$/ } sort keys %count), '', "$what: elements that fetch nothing and do nothing");
	(my $names = join ' ', $html =~ /<\w+((?:\s[\w:-]+="[^"]*")*)/g) =~ s/="[^"]*"//g;
	is(join(' ', grep { !/^(?:lang|charset|http-equiv|content|name|class|role|tabindex|scope|colspan|style|xmlns|viewBox|aria-label|font-family|font-size|fill|fill-opacity|stroke|stroke-opacity|stroke-width|stroke-dasharray|text-anchor|x|y|d|cx|cy|r)$/ } sort keys %{ { map { $_ => 1 } split ' ', $names } }), '', "$what: and so are their attributes");
	my ($style) = $html =~ m{<style>(.*?)</style>}s;
	unlike($style, qr{url|import|//|\\}, "$what: nor does the style sheet");
	has($html, qr{<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>}, "$what: and the browser is told so");
	is("@count{qw(html head style body main h1)}", '1 1 1 1 1 1', "$what: one of each");
	is($count{title}, 1 + ($count{desc} // 0), "$what: the page has a title, and so has each image that is described");
	is(scalar(() = $html =~ /<table><caption>[^<]+<\/caption><thead><tr>(?:<th scope="col"[^>]*>[^<]+<\/th>)+(?:<td><\/td>)?<\/tr><\/thead>/g), $count{table}, "$what: each table has a caption and heads of columns");
	is(scalar(() = $html =~ /<svg [^>]*role="img" aria-label="[^"]+"/g), $count{svg} // 0, "$what: each image has a name");
	return;
}

# The parts

is($node->safe_psql($database, q{SELECT liveness_report_escape(E'<a href="x">&''é中\U0001F600 \u202Ex\x01\n\u200D\uFEFF\uFDD0\U000E0041')}),
	'&lt;a href=&quot;x&quot;&gt;&amp;&#39;&#233;&#20013;&#128512; \u202Ex\u0001\u000A&#8205;\uFEFF\uFDD0\U000E0041', 'markup, what is beyond ASCII, and what nobody sees');
is($node->safe_psql($database, q{SELECT liveness_report_escape('éàü', 2), liveness_report_escape('éà', 2), liveness_report_escape(''), liveness_report_escape(NULL) IS NULL, length(liveness_report_escape(repeat('<', 1000000))), liveness_report_escape(repeat('<', 1000000), 1)}),
	'&#233;&#224;&#8230;|&#233;&#224;||t|4000000|&lt;&#8230;', 'clipped by characters');
is($node->safe_psql('latin1', q{SELECT liveness_report_escape(convert_from('\xe9', 'LATIN1'))}), '&#233;', 'LATIN1');
is($node->safe_psql('euc_jp', q{SELECT liveness_report_escape(convert_from('\xc6fc', 'EUC_JP'), 1)}), '&#26085;', 'EUC_JP');
# 0xA9A1: a row of JIS X 0208 that has no characters
is($node->safe_psql('euc_jp', q{SELECT liveness_report_escape(convert_from('\xa9a13c', 'EUC_JP'))}), '&#65533;&lt;', 'EUC_JP: no character of Unicode');
is($node->safe_psql('sql_ascii', q{SELECT liveness_report_escape(convert_from('\xe93c', 'SQL_ASCII'))}), '&#65533;&lt;', 'SQL_ASCII does not say what it means');
# A value may be no text of the encoding: a cast that checks nothing makes some
$node->safe_psql($_, 'CREATE CAST (bytea AS text) WITHOUT FUNCTION') for $database, 'euc_jp';
foreach my $bytes ('e93c', 'c3', '613ce0803c', 'ff3e', 'c0bc', 'eda0803c', 'f4908080', '3c5ce926')
{
	foreach my $db ($database, 'euc_jp')
	{
		my $shown = $node->safe_psql($db, qq{SELECT liveness_report_escape(decode('$bytes', 'hex')::text)});
		like($shown, qr/^(?:&lt;|&gt;|&amp;|&#\d{3,5};|[a\\])+$/, "corrupt $bytes in $db is shown");
		unlike($shown, qr/&#5[56]\d{3};/, "corrupt $bytes in $db: as what HTML allows");
	}
}
is($node->safe_psql($database, q{SELECT liveness_report_escape(decode('3c5ce926', 'hex')::text), liveness_report_escape(decode('3c5ce926', 'hex')::text, 2)}), '&lt;\\&#65533;&amp;|&lt;\\&#8230;', 'ASCII around a corrupt byte stays');
is(error_of(q{SELECT liveness_report_escape('x', 0)}), '22023', 'max_chars is checked');

is($node->safe_psql('postgres', q{SELECT liveness_report_number(1234567.891, 2), liveness_report_number(0.05, 1), liveness_report_number(-0.4), liveness_report_number('NaN'), liveness_report_number('-infinity'), liveness_report_number(1e15), liveness_report_number(NULL) IS NULL}),
	'1,234,567.89|0.1|0|NaN|-Infinity|1e+15|t', 'numbers');
# 99.955 is nearer to 100.0 than to 99.9, and 0.999997 to 1.0000
is($node->safe_psql('postgres', q{SELECT liveness_report_share(0.99955), liveness_report_share(0.99955::real), liveness_report_share(0.999997, 1, 4), liveness_report_share(1 - 1e-16), liveness_report_share(1), liveness_report_share(0.9994), liveness_report_share(0.00004, 1, 4), liveness_report_share(1.5), liveness_report_share('NaN'), liveness_report_share('-infinity'), liveness_report_share(NULL) IS NULL}),
	'99.9|99.9|0.9999|99.9|100.0|99.9|0.0000|150.0|NaN|-Infinity|t', 'shares, of which none is rounded up to the whole');
is($node->safe_psql('postgres', q{SELECT liveness_report_span(0.1694), liveness_report_span(99.4), liveness_report_span(100), liveness_report_span(6000), liveness_report_span(359999), liveness_report_span(360000), liveness_report_span(-90)}),
	'169 ms|99 s|2 min|1.7 h|100.0 h|4 d|-90 s', 'spans of time');
is($node->safe_psql('postgres', q{SET timezone = 'Asia/Tokyo'; SELECT liveness_report_time('2026-03-29 01:30+02'), liveness_report_time('infinity')}), '2026-03-28 23:30 UTC|infinity', 'instants, in UTC');
like($node->safe_psql('postgres', q{SELECT liveness_report_table('a<b', '{x,y&z}', ARRAY[['<p>', '1'], ['', NULL]], bars => '{2,NULL}')}),
	qr{aria-label="a&lt;b"><table><caption>a&lt;b</caption><thead><tr><th scope="col" class="l">x</th><th scope="col">y&amp;z</th><td></td></tr></thead><tbody><tr><th scope="row"><bdi>&lt;p&gt;</bdi></th><td>1</td><td class="bar"><div style="width:100.0%"></div></td></tr>\n<tr><th scope="row"><bdi><i>\(empty\)</i></bdi></th><td><i>&#8211;</i></td><td class="bar"><div style="width:0.0%"></div></td></tr>\n</tbody>},
	'a table escapes its cells');
like($node->safe_psql('postgres', q{SELECT liveness_report_table('a', '{x,y}', NULL)}), qr{<tbody><tr><td class="l" colspan="2"><i>none</i></td></tr></tbody>}, 'and says so if it has none');

# all 0 but Sunday 0 h (1), Monday 1 h (0.05), and Saturday 23 h, which the window does not hold
$node->safe_psql('postgres', q{CREATE TABLE week AS SELECT jsonb_agg(CASE g WHEN 0 THEN '1' WHEN 25 THEN '0.05' WHEN 167 THEN 'null' ELSE '0' END::jsonb ORDER BY g) AS matrix FROM generate_series(0, 167) g});
my $map = $node->safe_psql('postgres', q{SELECT liveness_report_heatmap(matrix, '<"') FROM week});
has($map, qr/aria-label="&lt;&quot;"/, 'heatmap: the title is escaped');
has($map, qr/fill-opacity="1\.0" d="M31 16h12v12h-12z"/, 'Sunday 0 h is full');
has($map, qr/fill-opacity="0\.1" d="M44 29h12v12h-12z"/, 'Monday 1 h is of the lightest shade');
has($map, qr/fill="none"[^>]* d="M330\.5 94\.5h11v11h-11z"/, 'Saturday 23 h is hollow');
has($map, qr/<path fill-opacity="\.07" d="(?:M\d+ \d+h12v12h-12z){165}"/, 'and the others are empty');
# (1 + 0.05) / 167
has($map, qr{<desc>Mean 0\.6 %\. Lowest Sunday 1 h, 0\.0 %; highest Sunday 0 h, 100\.0 %\.</desc>}, 'and it says so in words');
is($node->safe_psql('postgres', q{SELECT count(liveness_report_heatmap(m)) FROM (VALUES ('{}'::jsonb), ('[]'), ('[1]'), ('7'), ('null'), (NULL)) v (m)}), 0, 'what is no matrix is no heatmap');
like($node->safe_psql('postgres', q{SELECT liveness_report_heatmap(jsonb_agg((ARRAY['-1', '7', '"x"', '1e-400', '1e400'])[1 + g % 5]::jsonb)) FROM generate_series(0, 167) g}),
	qr/<desc>Mean 50\.\d %\. Lowest Sunday 0 h, 0\.0 %; highest Sunday 1 h, 100\.0 %/, 'what is no share is none, or clamped');

# Four of which one ends at 2, one at 4, and two are seen until 4: S(2) = 3/4, S(4) = 1/2.  In R
# summary(survfit(Surv(c(2, 4, 4, 4), c(1, 1, 0, 0)) ~ 1, conf.type = "log-log")) has the bounds
# 0.1279 and 0.961, 0.0578 and 0.845.  The axis is 500 wide from 44, and 214 high from 250 up.
my $curve = $node->safe_psql('postgres', q{SELECT liveness_report_survival('{2:1:0, 4:1:2}', 1, 10, 'a<b')});
has($curve, qr/ d="M44 36H144V89\.5H244V143\.0H244"/, 'survival: the steps');
has($curve, qr/ d="M44 36H144V44\.4H244V69\.2H244V237\.6H244V222\.6H144V36Z"/, 'its bounds');
has($curve, qr{cx="244" cy="143.0" r="4"/><text class="mark"[^>]*>4 h: 50\.0 %</text></svg>}, 'S(4 h) is marked, and S(8 h) is not known');
has($curve, qr{<title>a&lt;b</title><desc>Longer than 4 h last 50\.0 %\. Half of them last longer than 4\.0 h\.</desc>}, 'and it says so in words');
is($node->safe_psql('postgres', q{SELECT liveness_report_survival(NULL) IS NULL}), 't', 'no curve, no image');
like($node->safe_psql('postgres', q{SELECT liveness_report_survival('{0:1:0, 3600:0:1, Infinity:0:1}')}), qr/ d="M44 36H44V107\.3H544"/, 'times of 0 and infinity');
is(error_of("SELECT liveness_report_survival('{2:1:0}', $_)"), '22023', "survival: $_ is refused") for '0', '1e-10', "'NaN'", 'NULL', "'infinity'", '1, 0', '1, 8761', '1, NULL';

# At risk in (entry, length], in minutes: as_of - window is 1 January.  The curve, by hand:
# at 11 f ends, of 6; at 60 d and e are censored; at 120 a ends, of 4 since g came at 119; then b, then g
is( $node->safe_psql('postgres', q{
		BEGIN;
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES
			('a', '2026-01-10 00:00+00', '2026-01-10 02:00+00', 'read_error'),
			('b', '2026-01-10 00:00+00', '2026-01-10 02:00:00.000001+00', ''),
			('c', '2026-01-14 21:00+00', NULL, ''),
			('d', '2026-01-14 23:00+00', '2026-01-16 00:00+00', 'read_error'),
			('e', '2026-01-10 00:00+00', '2026-01-10 01:00+00', 'coordinator_restart'),
			('f', '2025-12-31 23:59:30+00', '2026-01-01 00:10+00', 'clean_close'),
			('g', '2025-12-31 22:00:30+00', '2026-01-01 01:00+00', 'read_error'),
			('before', '2025-12-01 00:00+00', '2025-12-31 23:59+00', 'read_error'),
			('after', '2026-01-15 00:00+00', NULL, ''),
			('backwards', '2026-01-05 00:00+00', '2026-01-02 00:00+00', 'read_error'),
			('ever', '-infinity', '2026-01-02 00:00+00', 'read_error'),
			('never', '2026-01-05 00:00+00', '-infinity', 'read_error');
		SELECT time, n_risk, n_event, n_censor FROM survival_table(liveness_fleet_survival('2026-01-15 00:00+00', 14)) WHERE n_event + n_censor > 0;
		ROLLBACK}),
	"660|6|1|0\n3600|5|0|2\n7200|4|1|0\n7260|3|1|0\n10800|2|1|1", 'survival of the fleet: sessions of the window, open, censored, truncated, in seconds');
is($node->safe_psql('postgres', q{SELECT liveness_report_mean_matrix() IS NULL, liveness_fleet_survival() IS NULL}), 't|t', 'an empty fleet has neither');
$node->safe_psql('postgres', q{
	INSERT INTO provider_reliability_features (provider_id, sessions_count, hourly_availability)
		SELECT 'a', 1, matrix FROM week UNION ALL SELECT 'b', 1, jsonb_set(matrix, '{0}', '0.5') FROM week UNION ALL SELECT 'vanished', 0, jsonb_set(matrix, '{1}', '1') FROM week});
is($node->safe_psql('postgres', q{SELECT liveness_report_mean_matrix() = jsonb_set(matrix, '{0}', '0.7500') FROM week}), 't', 'the mean of the fleet leaves out who vanished');
$node->safe_psql('postgres', 'DELETE FROM provider_reliability_features');
is(error_of("SELECT liveness_fleet_survival($_->[0])"), $_->[1], "survival of the fleet: $_->[0] is refused") for [ 'NULL', '22004' ], [ "'infinity'", '22008' ], [ 'now(), 0', '22023' ];

# Nothing yet

my $html = page('postgres');
page_ok($html, 'empty');
is(figures($html), "0 0 0 0 0 \x{2013} \x{2013} \x{2013} \x{2013}", 'empty: figures');
has($html, qr/<li>There was no rollup of the features yet/, 'empty: and it says why');
has($html, qr/there is no buffer and no counter/, 'not preloaded: and it says so');
has($html, qr/No time is excluded now/, 'empty: nothing is excluded');
is(table($html, 'The best'), 'none', 'empty: no ranking');
is(table($html, 'Jobs'), "features||||0|0||\nhourly||||0|0||\nretention||||0|0||", 'empty: no job has run');
$node->safe_psql('postgres', q{INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('p', now() - interval '5 h', now() - interval '30 min'), ('q', now(), NULL)});
$html = page('postgres');
page_ok($html, 'before the first rollup');
is(figures($html), "0 1 0 0 0 \x{2013} \x{2013} \x{2013} \x{2013}", 'before the first rollup: who is connected is known');
is((split /\n/, table($html, 'The same in numbers'))[0], 'last longer, %|100.0|100.0|0.0|0.0|0.0|0.0', 'before the first rollup: so is the survival of sessions');
is(error_of("SELECT liveness_report($_->[0])"), $_->[1], "report: $_->[0] is refused")
  for [ 'NULL', '22004' ], [ 'max_rows => 0', '22023' ], [ 'max_rows => 501', '22023' ], [ 'max_rows => NULL', '22023' ], [ 'heatmaps => -1', '22023' ], [ 'heatmaps => 501', '22023' ], [ 'heatmaps => NULL', '22023' ];

# A small fleet: the page says what the views say

$node->safe_psql('postgres', q{
	DELETE FROM provider_sessions;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, coordinator_id)
	SELECT p, now() - ago, now() - ago + length, reason, now() - ago + heard, coordinator
	FROM (VALUES
		('whole', interval '15 days', NULL::interval, '', NULL::interval, 'green'),
		('half', '14 days', '7 days', 'read_error', NULL, 'blue'),
		('mix', '6 days', '3 h 30 s', 'read_error', NULL, 'blue'),
		('mix', '5 days', '4 h', 'clean_close', NULL, 'blue'),
		('mix', '4 days', '4 h 20 s', 'read_error', NULL, 'blue'),
		('mix', '3 days', '6 h', 'coordinator_restart', NULL, 'blue'),
		('mix', '2 days', '10 h', 'stale_heartbeat', NULL, 'blue'),
		('ghost', '30 min', NULL, '', '10 min', 'blue'),
		('gone', '40 days', '1 day', 'read_error', NULL, 'blue')) v (p, ago, length, reason, heard, coordinator);
	INSERT INTO provider_exclusions (provider_id, since, until, reason) VALUES
		('nobody', now() - interval '2 days', NULL, '<b>disk</b>'), (NULL, now() - interval '1 day', now() + interval '1 hour', ''), ('nobody', '-infinity', 'infinity', 'ever'),
		('nobody', now() - interval '2 days', now() - interval '1 day', 'over'), ('nobody', now() + interval '1 day', NULL, 'ahead');
	UPDATE provider_exclusions SET provider_id = 'everybody else' WHERE provider_id IS NULL;
	SELECT liveness_rollup_features(now() - interval '38 days');
	SELECT liveness_rollup_features(), liveness_internal.liveness_record_error('hourly', '<b>it broke</b>')});
my @both = split /\n===\n/, $node->safe_psql('postgres', q{
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	SELECT liveness_report('Fleet & <b>') || E'\n===';
	SELECT concat_ws(' ', providers, connected, 1, vanished, highly_reliable, round(100 * mean_uptime_pct::numeric, 1) || '%', round(100 * p10_uptime_pct::numeric, 1) || '%', round(100 * p50_uptime_pct::numeric, 1) || '%', round(100 * p90_uptime_pct::numeric, 1) || '%') || E'\n===' FROM network_availability;
	SELECT string_agg(concat_ws('|', provider_id, round(liveness_score::numeric, 4), round(100 * uptime_pct::numeric, 1), round(100 * observed_uptime_pct::numeric, 1), round(100 * p_stays_4h::numeric, 1), round(100 * p_stays_8h::numeric, 1), round(mtbf_seconds / 3600.0, 1), round(median_session_seconds / 3600.0, 1), sessions_count, CASE WHEN connected THEN 'yes' ELSE 'no' END), E'\n' ORDER BY liveness_score DESC) || E'\n===' FROM provider_liveness;
	SELECT string_agg(concat_ws('|', provider_id, round(100 * probability::numeric, 1), round(100 * lower::numeric, 1), round(100 * upper::numeric, 1), round(age_seconds::numeric / 3600, 1), own_sessions, round(liveness_score::numeric, 4)), E'\n' ORDER BY probability DESC) FROM liveness_candidates('4 h');
	COMMIT});
$html = $both[0];
page_ok($html, 'a small fleet');
has($html, qr{<title>Fleet &amp; &lt;b&gt;</title>.*<h1><bdi>Fleet &amp; &lt;b&gt;</bdi></h1>}s, 'the title is given');
is(figures($html), $both[1], 'figures are those of network_availability, and one stale session');
like($both[1], qr/^4 2 1 1 1 /, '4 in the window, 2 connected, 1 stale, 1 vanished, 1 of 95 %');
is(table($html, 'The best'), $both[2], 'the ranking');
like($both[2], qr/^whole\|\S+\|100\.0\|100\.0\|100\.0\|100\.0\|336\.0\|360\.0\|1\|yes\nhalf\|\S+\|50\.0\|50\.0\|/, 'which begins with who was always there');
is(table($html, 'The worst of those with a session in the window'), 'no table The worst of those with a session in the window', 'all are in it, so there is no table of the worst');
is(table($html, 'A job of 4 hours'), $both[3], 'candidates');
like($both[3], qr/^whole\|/, 'of whom there is one, the other being stale');
# At risk from the start: 6 and the ghost, who is gone before anybody ends.  5/6 at 3 h 0 min 30 s,
# 4/6 at 4 h, 3/6 at 4 h 0 min 20 s; one is censored at 6 h; 1/4 at 10 h; half ends after 7 days.
# Bounds of 4/6: S ** exp(+-1.96 * sqrt(1/30 + 1/20) / |log S|); R has 0.195 and 0.904.
is(join(',', map { (split /\|/)[0 .. 6] } (split /\n/, table($html, 'The same in numbers'))[0]), 'last longer, %,100.0,66.7,50.0,25.0,25.0,25.0', 'survival: who ends at 4 h does not last longer');
is(join(' ', map { (split /\|/)[2] } split /\n/, table($html, 'The same in numbers')), '66.7 19.5 90.4', 'survival: the bounds');
has($html, qr{>4 h: 66\.7 %</text>.*>8 h: 50\.0 %</text></svg>}, 'survival: and so says the image');
is(table($html, 'Why sessions ended'), "read_error|3|50.0|2\nclean_close|1|16.7|1\ncoordinator_restart|1|16.7|1\nstale_heartbeat|1|16.7|1", 'reasons');
is(join(' ', $html =~ /class="bar"><div style="width:([\d.]+)%/g), '100.0 33.3 33.3 33.3', 'reasons: their bars');
is(table($html, 'By coordinator'), "blue|1|1\ngreen|1|0", 'coordinators');
like(table($html, 'Stale, the longest silent first'), qr/^ghost\|blue\|[\d-]+ [\d:]+ UTC\|\d+ min$/, 'who is stale');
like(table($html, 'Excluded now, the longest first'), qr/^nobody\|[^|]*\|goes on\|ever\nnobody\|[\d-]+ [\d:]+ UTC\|goes on\|<b>disk<\/b>\neverybody else\|[\d-]+ [\d:]+ UTC\|[\d-]+ [\d:]+ UTC\|\(empty\)\z/, 'what is excluded now');
# half went a week ago; mix has four gaps between five spells, and went 38 hours ago
has($html, qr{>Outages after a spell: 6; those that go on: 2\.<}, 'outages are counted');
like(table($html, 'The longest'), qr/^half\|[^|]*\|goes on\|7 d\|read_error\|no\nmix\|[^|]*\|goes on\|38\.0 h\|stale_heartbeat\|no\nmix\|[^|]*\|[\d-]+ [\d:]+ UTC\|21\.0 h\|read_error\|no\nmix\|[^\n]*\|20\.0 h\|[^\n]*\nmix\|[^\n]*\|20\.0 h\|[^\n]*\nmix\|[^|]*\|[^|]*\|18\.0 h\|coordinator_restart\|no\z/, 'the longest first');
is(join(' ', map { (split /\|/)[1] } (split /\n/, table($html, 'What the predictor believes'))[2 .. 9]),
	$node->safe_psql('postgres', q{SELECT concat_ws(' ', spells, providers, round(failures_per_day_1h::numeric, 2), round(failures_per_day_6h::numeric, 2), round(failures_per_day_1d::numeric, 2), round(failures_per_day_7d::numeric, 2), round(100 * phi::numeric, 1), round(100 * psi::numeric, 1)) FROM liveness_model}),
	'the model is that of liveness_model');
like(table($html, 'What the predictor believes'), qr/^as of\|[\d-]+ [\d:]+ UTC\nage\|\d+ (?:m?s|min)\n/, 'and tells its age');
is(join(' ', map { (split /\|/)[1] } split /\n/, table($html, 'Backlog of the retention and of the hourly rollup')), '0 0 0 0', 'there is no backlog');
is(table($html, 'Ends of sessions by coordinator'), 'blue|6|16.7', 'six ends in the window, one of them the observer\'s');
is(join(', ', $html =~ m{<figcaption><b>(.*?)</b>}g), 'Share of sessions that last longer, Mean of the fleet, <bdi>half</bdi>, <bdi>mix</bdi>, <bdi>ghost</bdi>, <bdi>whole</bdi>',
	'heatmaps: of the fleet, and first of those who are not there all the time');
like(table($html, 'Jobs'), qr/^features\|\d+ m?s ago\|\d+ ms\|4\|2\|0\|\|\nhourly\|\|\|\|0\|1\|\d+ m?s ago\|<b>it broke<\/b>\n/, 'jobs');
is(join("\n", $html =~ m{<li>(.*?)</li>}g), "The job hourly failed when it ran last: &lt;b&gt;it broke&lt;/b&gt;\nOpen sessions that nobody has heard of for liveness.session_timeout: 1.", 'what to look at is said first');

$html = page('postgres', 'max_rows => 1, heatmaps => 0');
page_ok($html, 'one row each');
like(table($html, 'The best'), qr/^whole\|[^\n]*\z/, 'the best');
like(table($html, 'The worst of those with a session in the window'), qr/^ghost\|[^\n]*\z/, 'the worst of those with a session in the window');
is(table($html, 'Why sessions ended'), "read_error|3|50.0|2\n3 other reasons|3|50.0|", 'other reasons come together');
is(scalar(() = $html =~ /<figcaption>/g), 2, 'no heatmap but the fleet\'s');

$node->safe_psql('postgres', q{UPDATE provider_reliability_features SET updated_at = updated_at - interval '3 h'});
has(page('postgres'), qr/<li>The last rollup of the features is 3\.0 h old\.<\/li>/, 'old figures are said to be');

$node->safe_psql('postgres', q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', now() - interval '40 days')});
has(page('postgres'), qr{<li>Heartbeats are not deleted in time: the oldest is 12 d past liveness\.heartbeat_retention\.</li>.*<th scope="row"><bdi>liveness_overdue_heartbeats</bdi></th><td>1</td>}s, 'a backlog of the retention is said to be there');
$node->safe_psql('postgres', 'DELETE FROM provider_heartbeats');
$node->safe_psql('postgres', q{CREATE ROLE reader; CREATE ROLE nobody; SELECT liveness_grant_reader('reader')});
is(error_of('SET ROLE reader; SELECT liveness_report()'), '42501', 'the privileges of liveness are not those of the report');
$node->safe_psql('postgres', q{SELECT liveness_report_grant('reader')});
is($node->safe_psql('postgres', q{SET ROLE reader; SET default_transaction_read_only = on; SELECT left(liveness_report(), 15)}), '<!DOCTYPE html>', 'a reader may have it, in a read-only transaction');
is(error_of('SET ROLE nobody; SELECT liveness_report()'), '42501', 'nobody else may');
my $members = q{
	SELECT p.* FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness_report'
	JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'};
is( $node->safe_psql('postgres', qq{
		SELECT string_agg(p.proname, ' ') FILTER (WHERE NOT has_function_privilege('reader', oid, 'EXECUTE')), count(*) FILTER (WHERE has_function_privilege('nobody', oid, 'EXECUTE'))
		FROM ($members) p}),
	'liveness_report_grant|0', 'nor call any of its parts');
my $settings = q{SET extra_float_digits = -15; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET timezone = 'Asia/Tokyo'; SET search_path = 'pg_temp'};
# 19 knows standard strings only
$settings .= '; SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = off' if $node->safe_psql('postgres', 'SHOW server_version_num') < 190000;
# without what changes by itself
my ($usual, $unusual) = map { s/made [^<]*|>\d+ (?:m?s|min)(?: ago)?<|<h2>Who will hold.*?<\/section>//gsr } page('postgres'), $node->safe_psql('postgres', "$settings; SELECT public.liveness_report()");
ok($usual eq $unusual, 'settings of the session do not matter');

# Nothing of it depends on anything of liveness, which may change by an upgrade

is( $node->safe_psql('postgres', q{
		WITH RECURSIVE member AS (
			SELECT e.extname, d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			UNION
			SELECT m.extname, d.classid, d.objid FROM member m JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('a', 'i')
		)
		SELECT count(*) > 20, string_agg(pg_describe_object(d.classid, d.objid, 0) || ': ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), ', ') FILTER (WHERE o.objid IS NOT NULL)
		FROM member m JOIN pg_depend d USING (classid, objid)
		LEFT JOIN member o ON o.extname = 'liveness' AND o.classid = d.refclassid AND o.objid = d.refobjid
		WHERE m.extname = 'liveness_report'}),
	't|', 'it depends on nothing of liveness');
is($node->safe_psql('postgres', q{SELECT r.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.objid JOIN pg_extension r ON r.oid = d.refobjid WHERE d.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'liveness_report'}),
	'liveness', 'but on the extension');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($members) p WHERE p.prosecdef OR p.prolang NOT IN (SELECT l.oid FROM pg_language l WHERE l.lanname IN ('sql', 'plpgsql'))"), 0, 'it is SQL alone, and runs as who asks');
is($node->safe_psql('postgres', "SELECT string_agg(p.proname, ', ') FROM ($members) p JOIN pg_language l ON l.oid = p.prolang WHERE CASE l.lanname WHEN 'sql' THEN p.prosqlbody IS NULL ELSE NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}')) END"), '', 'no name in it is looked up in the path of who asks');
is($node->safe_psql('postgres', "SELECT string_agg(p.proname, ', ') FROM ($members) p WHERE obj_description(p.oid, 'pg_proc') IS NULL OR length(obj_description(p.oid, 'pg_proc')) > 110"), '', 'everything has a short comment');
is( $node->safe_psql('postgres', qq{
		SELECT count(*) > 100, string_agg(DISTINCT p.proname || ': ' || f.proname, ', ') FILTER (WHERE strpos('isv', f.provolatile::text) > strpos('isv', p.provolatile::text) OR strpos('sru', f.proparallel::text) > strpos('sru', p.proparallel::text))
		FROM ($members) p, regexp_matches(p.prosqlbody::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') c JOIN pg_proc f ON f.oid = c[1]::oid}),
	't|', 'no function promises more than what it calls');
# A column more at the start, others in other types, and a view and a function made anew.
# A page that differs divides by zero.
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE TEMP TABLE said AS SELECT liveness_report() AS page;
	ALTER EXTENSION liveness DROP VIEW network_availability;
	ALTER VIEW network_availability RENAME TO network;
	CREATE VIEW network_availability AS SELECT 1 AS further, n.* FROM network n;
	ALTER EXTENSION liveness DROP FUNCTION liveness_candidates(interval, float8, int);
	ALTER FUNCTION liveness_candidates(interval, float8, int) RENAME TO candidates;
	CREATE FUNCTION liveness_candidates(job interval, min_probability float8, max_rows int, further int DEFAULT 0)
		RETURNS TABLE (further_column text, liveness_score float8, own_sessions bigint, age_seconds numeric, upper real, lower real, probability float8, provider_id varchar)
		LANGUAGE sql AS $$ SELECT '', c.liveness_score::float8, c.own_sessions::bigint, c.age_seconds::numeric, c.upper::real, c.lower::real, c.probability, c.provider_id::varchar FROM public.candidates(job, min_probability, max_rows) c $$;
	SELECT 1 / (page = liveness_report())::int FROM said;
	ALTER EXTENSION liveness DROP VIEW liveness_stats;
	DROP VIEW liveness_stats;
	ROLLBACK});
ok(1, 'what liveness gains, and the order and types of its columns, change nothing');

# Dumped and restored, with what was granted

my $dump = PostgreSQL::Test::Utils::tempdir . '/dump.sql';
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'it is dumped');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', 'SET ROLE reader; SELECT left(liveness_report(), 15)'), '<!DOCTYPE html>', 'for who could make the report before');

# In schemas with odd names, renamed, and not in the path

$node->safe_psql('postgres', 'CREATE DATABASE schemas');
$node->safe_psql('schemas', q{CREATE SCHEMA "my @liveness@ %s Schema"; CREATE SCHEMA "the report"; CREATE EXTENSION liveness SCHEMA "my @liveness@ %s Schema"; CREATE EXTENSION liveness_report SCHEMA "the report"});
has($node->safe_psql('schemas', 'SELECT "the report".liveness_report()'), qr/<h2>Who will hold/, 'in odd schemas');
$node->safe_psql('schemas', q{ALTER SCHEMA "the report" RENAME TO other});
has($node->safe_psql('schemas', 'SELECT other.liveness_report()'), qr/<h2>Who will hold/, 'in a schema with a new name');
like($node->safe_psql('schemas', q{SELECT other.liveness_report_survival('{2:1:0}', 1)}), qr/^<svg/, 'so are its parts');

# Functions that stand in the way when it is created, and fit better than those of PostgreSQL

$node->safe_psql('postgres', 'CREATE DATABASE strangers');
$node->safe_psql('strangers', q{
	CREATE EXTENSION liveness;
	CREATE FUNCTION public.abs(interval) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT 666::float8 $$;
	CREATE FUNCTION public.round(float8, int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT 666::float8 $$;
	CREATE FUNCTION public.concat(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '666' $$;
	CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '666' $$;
	CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '666' $$;
	CREATE FUNCTION public.format(text, int, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '666' $$;
	CREATE FUNCTION public.minus(numeric, int) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT 666::numeric $$;
	CREATE OPERATOR public.- (LEFTARG = numeric, RIGHTARG = int, FUNCTION = public.minus)});
my $careless = $node->safe_psql('postgres', 'SHOW server_version_num') < 190000 ? 'SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = off; ' : '';
$node->safe_psql('strangers', "${careless}SET search_path = public, pg_catalog; CREATE EXTENSION liveness_report");
$html = page('strangers');
page_ok($html, 'strangers');
unlike($html, qr/666/, 'strangers: none is called');

# Hostile texts, of providers, reasons, coordinators, errors and the database

my @hostile = (
	'<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', q{' onmouseover='alert(1)}, '</title></style></svg></table><h1>', '&amp;&lt;&#60;', ']]>', '<!--', '-->', '<?php', '%s%n$1\\1',
	"\x{202E}drawkcab", "\x{05D0}\x{05D1}", "tab\tnew\nline", "e\x{301}\x{1F600}", '', ' ', "\x7f");
sub shown
{
	my ($name) = @_;
	return '(empty)' if $name eq '';
	$name =~ s/([\x{202E}\t\n\x7f])/sprintf '\\u%04X', ord $1/ge;
	return $name;
}
my $values = join ', ', map { my $name = $_; $name =~ s/'/''/g; utf8::encode($name); "('$name')" } @hostile;
$node->safe_psql($database, qq{
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, coordinator_id)
		SELECT name, now() - interval '5 days', now() - interval '1 day', name, NULL, '' FROM (VALUES $values) v (name)
		UNION ALL SELECT name, now() - interval '2 h', NULL, '', now() - interval '1 h', name FROM (VALUES $values) v (name);
	-- of what cannot be indexed a prefix is enough
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES (repeat('<', 100000), now() - interval '3 days', now(), repeat('"&', 500000));
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, last_heartbeat_at) VALUES ('odd', '-infinity', NULL, '-infinity'), ('odd', '-infinity', 'infinity', NULL), ('odd', 'infinity', '-infinity', NULL), ('odd', '4713-01-01 00:00 BC', '294276-12-31 23:59', NULL);
	SELECT liveness_rollup_features(), liveness_internal.liveness_record_error('features', '<script>' || repeat('x', 1000000));
	UPDATE provider_reliability_features SET uptime_pct = 'NaN', mtbf_seconds = -9223372036854775808, liveness_score = '-infinity', hourly_availability = '"<script>"', disconnect_reasons = '["<script>"]' WHERE provider_id = 'odd'});
my $hostile = page($database, q{'</title><script>', 50, 30});
page_ok($hostile, 'hostile');
cmp_ok(length($hostile), '<', 200_000, 'hostile: long texts are clipped');
my %rank = map { (split /\|/)[0] => 1 } split /\n/, table($hostile, 'The best');
is(join(' ', grep { !$rank{ shown($_) } } @hostile), '', 'hostile: all names are in the ranking, as they are');
ok($rank{ '<' x 50 . "\x{2026}" }, 'hostile: the long one too, clipped');
my %reason = map { (split /\|/)[0] => 1 } split /\n/, table($hostile, 'Why sessions ended');
is(join(' ', grep { $_ ne '' && !$reason{ shown($_) } } @hostile), '', 'hostile: all reasons are there');
my %coordinator = map { (split /\|/)[0] => 1 } split /\n/, table($hostile, 'By coordinator');
is(join(' ', grep { !$coordinator{ shown($_) } } @hostile), '', 'hostile: all coordinators are there');
has($hostile, qr/in database <bdi>&lt;i&gt;&quot;&amp;&#39;<\/bdi>/, 'hostile: the database');
has($hostile, qr/<li>The job features failed when it ran last: &lt;script&gt;x+&#8230;<\/li>/, 'hostile: the error');

# The buffer's figures are there once the library is preloaded

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'liveness'\nliveness.scheduler = off\n");
$node->restart;
$html = page('postgres');
page_ok($html, 'preloaded');
my $counters = join "\n", map { s/,//gr } map { join '|', (split /\|/)[ 0, 1 ] } split /\n/, table($html, 'Counters');
is($counters, $node->safe_psql('postgres', 'SELECT name, CASE WHEN value = floor(value) THEN value::bigint::text ELSE round(value::numeric, 3)::text END FROM liveness_stats ORDER BY name'), 'the counters');

# Well formed: then the XML parser of the server reads it, and so does any of HTML

my %page = (small => $html, hostile => $hostile, reader => page('sql_ascii'));
SKIP:
{
	skip 'the server is built without libxml', 3 if $node->psql('postgres', q{SELECT '<a/>'::xml}) != 0;
	foreach my $what (sort keys %page)
	{
		(my $literal = $page{$what}) =~ s/'/''/g;
		is($node->safe_psql('postgres', "SET standard_conforming_strings = on; SELECT xml_is_well_formed_document('$literal')"), 't', "$what: well formed");
	}
}

# In a browser: the pages in frames of 360 and 1200 px, measured by a script around them
my ($browser) = grep { defined && -x } $ENV{CHROMIUM}, map { my $dir = $_; map {"$dir/$_"} qw(chromium chromium-headless-shell) } split /:/, $ENV{PATH};
SKIP:
{
	skip 'there is no chromium in PATH (packages chromium, chromium-headless-shell)', 1 unless $browser;
	my $dir = PostgreSQL::Test::Utils::tempdir;
	my $frames = '';
	foreach my $what (qw(hostile small))
	{
		(my $attribute = $page{$what}) =~ s/&/&amp;/g;
		$attribute =~ s/"/&quot;/g;
		$frames .= qq{<iframe title="$what $_" srcdoc="$attribute" style="border:0;height:900px;width:${_}px"></iframe>\n} for 360, 1200;
	}
	my $script = <<'END';
window.onload = () => {
	const out = [];
	const light = c => { const [r, g, b] = c.match(/[\d.]+/g).slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05) };
	const frames = [...document.querySelectorAll('iframe')];
	for (const frame of frames) {
		const doc = frame.contentDocument, win = frame.contentWindow, say = (name, value) => out.push([frame.title, name, value].join(': '));
		const page = win.getComputedStyle(doc.body).backgroundColor;
		say('elements', doc.querySelectorAll('*').length);
		say('page', page);
		say('scripts', doc.querySelectorAll('script, img, a, link, iframe, [onmouseover], [onerror]').length + (doc.title.startsWith('</title><script>') ? 0 : doc.title === 'Liveness of the fleet' ? 0 : 1));
		say('wider by', doc.documentElement.scrollWidth - doc.documentElement.clientWidth);
		const boxes = [], faint = new Set(), lost = new Set();
		const walker = doc.createTreeWalker(doc.body, win.NodeFilter.SHOW_TEXT);
		for (let node; node = walker.nextNode();) {
			const parent = node.parentElement;
			if (!node.data.trim() || parent.closest('title, desc')) continue;
			const style = win.getComputedStyle(parent), color = parent.closest('svg') ? style.fill : style.color;
			if (contrast(color, page) < 4.5) faint.add(parent.tagName + ' ' + color);
			const scroll = parent.closest('.scroll'), clip = scroll && scroll.getBoundingClientRect(), range = doc.createRange();
			range.selectNodeContents(node);
			for (const r of parent.closest('svg') ? [parent.getBoundingClientRect()] : range.getClientRects()) {
				if (r.width < 1) continue;
				const right = clip ? Math.min(r.right, clip.right) : r.right;
				if (right > doc.documentElement.clientWidth + 0.5 || r.left < -0.5) lost.add(node.data.slice(0, 30));
				if (right > r.left) boxes.push({ l: r.left, r: right, t: r.top, b: r.bottom, node });
			}
		}
		const over = new Set();
		for (let i = 0; i < boxes.length; i++)
			for (let j = 0; j < i; j++) {
				const a = boxes[i], b = boxes[j];
				if (a.node !== b.node && Math.min(a.r, b.r) - Math.max(a.l, b.l) > 1 && Math.min(a.b, b.b) - Math.max(a.t, b.t) > 2)
					over.add(b.node.data.slice(0, 30) + ' / ' + a.node.data.slice(0, 30));
			}
		say('texts', boxes.length > 100);
		say('faint', [...faint].join(', '));
		say('lost', [...lost].join(', '));
		say('overlapping', [...over].slice(0, 9).join(', '));
	}
	document.body.textContent = '';
	const pre = document.createElement('pre');
	pre.textContent = out.join('\n');
	document.body.append(pre);
};
END
	PostgreSQL::Test::Utils::append_to_file("$dir/page.html", "<!DOCTYPE html><meta charset=utf-8><title>measured</title><script>$script</script>\n$frames");
	my %ground = (light => 'rgb(255, 255, 255)', dark => 'rgb(19, 23, 28)');
	foreach my $scheme (qw(light dark))
	{
		my ($out, $err) = ('', '');
		IPC::Run::run(
			[ $browser, qw(--headless --no-sandbox --disable-gpu --virtual-time-budget=30000), "--user-data-dir=$dir/$scheme",
				($scheme eq 'dark' ? '--blink-settings=preferredColorScheme=0' : ()), '--dump-dom', "file://$dir/page.html" ],
			'>', \$out, '2>', \$err, IPC::Run::timeout(300));
		my ($said) = $out =~ m{<pre>(.*?)</pre>}s;
		BAIL_OUT("$browser has not run the script: $err") unless defined $said;
		my %measured;
		foreach (split /\n/, text_of($said))
		{
			my ($frame, $name, $value) = /^(.*?): (.*?): (.*)$/ or next;
			$measured{$frame}{$name} = $value;
		}
		is(scalar(keys %measured), 4, "$scheme: four frames were measured");
		foreach my $frame (sort keys %measured)
		{
			my ($what) = split / /, $frame;
			my $is = sub { my ($name, $expected, $test) = @_; is($measured{$frame}{$name}, $expected, "$scheme, $frame px: $test") };
			$is->('page', $ground{$scheme}, 'the scheme is followed');
			$is->('elements', scalar(() = $page{$what} =~ /<\w/g), 'the browser reads the elements that are written');
			$is->('scripts', 0, 'no text became an element');
			$is->('texts', 'true', 'there are texts');
			$is->('wider by', 0, 'the page does not scroll sideways');
			$is->('lost', '', 'no text is outside');
			$is->('faint', '', 'all texts have a contrast of 4.5');
			$is->('overlapping', '', 'no text overlaps another');
		}
	}
}

$node->stop;
done_testing();
