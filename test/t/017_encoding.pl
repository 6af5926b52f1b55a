# Databases in other encodings: heatmap and curve are drawn in ASCII, names are bytes.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('encoding');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

# the script is ASCII, which is valid in all of them
$node->safe_psql('postgres', "CREATE DATABASE euc_jp ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
is($node->psql('euc_jp', 'CREATE EXTENSION liveness'), 0, 'the extension is created in EUC_JP');

my %shades = (SQL_ASCII => '.-+*#?', LATIN1 => '.-+*#?', UTF8 => "\xc2\xb7\xe2\x96\x91\xe2\x96\x92\xe2\x96\x93\xe2\x96\x88?");
for my $encoding (sort keys %shades)
{
	my $db = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION liveness');
	is($node->safe_psql($db, 'SHOW server_encoding'), $encoding, "a database in $encoding");
	$node->safe_psql($db, q{
		INSERT INTO provider_reliability_features (provider_id, hourly_availability)
			SELECT 'p', jsonb_agg((ARRAY['0', '0.2', '0.4', '0.6', '0.8', 'null'])[1 + g % 6]::jsonb ORDER BY g) FROM generate_series(0, 167) g
	});
	my $line = $shades{$encoding} x 4;
	my $heatmap = $node->safe_psql($db, "SET client_encoding = $encoding; SELECT liveness_heatmap('p')");
	utf8::encode($heatmap) if utf8::is_utf8($heatmap);
	is($heatmap, join("\n", 'UTC 0  3  6  9  12 15 18 21', map { "$_ $line" } qw(Sun Mon Tue Wed Thu Fri Sat)), "$encoding: the heatmap");
	# S is 5/6 from 1 on, 1/3 from 2 on, and unknown past 3: of two lines one and two thirds, two thirds
	is($node->safe_psql($db, q{SELECT survival_plot('{1:1:0,2:3:0,3:0:2}', 20, 2, 7)}), "100%+##::\n 50%+####:::????????\n  0%++------+------+\n     0     3.5     7", "$encoding: a curve")
		if $encoding ne 'UTF8';
	# beyond ASCII, unknown thermal states and reasons are kept as they are
	my $bytes = $encoding eq 'UTF8' ? 'c3a9' : 'e9';
	is($node->safe_psql($db, qq{
		SET client_encoding = SQL_ASCII;
		SELECT set_config('t.t', convert_from('\\x$bytes', '$encoding'), false) \\gset _
		INSERT INTO provider_heartbeats (provider_id, at, thermal_state) VALUES ('h', '2026-01-01 00:00+00', 'e'), ('h', '2026-01-01 00:00+00', current_setting('t.t'));
		INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason) VALUES ('s', '2026-01-01 00:00+00', '2026-01-01 01:00+00', current_setting('t.t'));
		SELECT liveness_rollup_hourly() \\gset _
		SELECT liveness_rollup_features('2026-01-02 00:00+00') \\gset _
		SELECT encode(convert_to(max_thermal_state, '$encoding'), 'hex'), (SELECT encode(convert_to(reason, '$encoding'), 'hex') FROM provider_disconnect_reasons WHERE provider_id = 's')
		FROM provider_heartbeats_hourly}),
		"$bytes|$bytes", "$encoding: the greatest of two unknown thermal states, and a reason");
}

$node->stop;
done_testing();
