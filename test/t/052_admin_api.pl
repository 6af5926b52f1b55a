# examples/admin-api over HTTP: each endpoint answers what SQL does, to the digit; pages
# neither lose nor repeat a row; bad arguments, tokens and databases have their status.
use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $api = "$ENV{TESTDIR}/../examples/admin-api";
my $node_js = $ENV{NODE} || 'node';
my @probe = ($node_js, '-e', q{const [major, minor] = process.versions.node.split('.').map(Number);
	if (major * 100 + minor < 1802) throw Error('node 18.2 or later is needed');
	require('node:module').createRequire(process.argv[1])('pg')}, "$api/server.js");
my ($probe_out, $probe_err) = ('', '');
eval { IPC::Run::run(\@probe, '<', \undef, '>', \$probe_out, '2>', \$probe_err) }
  or plan skip_all => "node 18.2 or later, or its package pg, is not there: " . ((grep { /Error/ } split /\n/, $probe_err)[0] // $node_js);

# A schema that only a pinned path finds, and a role whose own settings would show
my $node = PostgreSQL::Test::Cluster->new('api');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "max_connections = 40\nautovacuum = off\n");
$node->start;
my $schema = 'Odd -c, Schema';
my $quoted = qq{"$schema"};
$node->safe_psql('postgres', qq{
	CREATE DATABASE fleet;
	CREATE ROLE admin_api LOGIN;
	ALTER ROLE admin_api SET TimeZone = 'America/New_York';
	ALTER ROLE admin_api SET DateStyle = 'German';
	ALTER ROLE admin_api SET extra_float_digits = -15;
	ALTER ROLE admin_api SET default_transaction_read_only = off;
});
$node->safe_psql('fleet', qq{
	CREATE SCHEMA $quoted;
	CREATE EXTENSION liveness SCHEMA $quoted;
	ALTER DATABASE fleet SET search_path = $quoted, public;
	ALTER ROLE admin_api IN DATABASE fleet SET search_path = public;
	ALTER DATABASE fleet SET TimeZone = 'UTC';
	SELECT $quoted.liveness_grant_reader('admin_api');
});

sub sql
{
	return $node->safe_psql('fleet', shift);
}

#--- The server and requests of it

my $token = 'secret-0123456789.~_-';
my @servers;

sub environment
{
	return (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => 'admin_api', PGDATABASE => 'fleet',
		HOST => '127.0.0.1', PORT => 0, LIVENESS_SCHEMA => $schema, LIVENESS_API_TOKEN => $token, LIVENESS_API_TIMEOUT_MS => 180_000, @_);
}

# Into a file: a pipe that nobody reads would stop the server once it is full
sub start_server
{
	my %server = (log => "$PostgreSQL::Test::Utils::log_path/052_admin_api_" . scalar(@servers) . '.log');
	local %ENV = environment(@_);
	$server{run} = IPC::Run::start([ $node_js, "$api/server.js" ], '<', \undef, '>&', $server{log});
	push @servers, \%server;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		($server{port}) = slurp_file($server{log}) =~ /^listening on 127\.0\.0\.1:(\d+)$/m and return \%server;
		$server{run}->pumpable or last;
		select undef, undef, undef, 0.1;
	}
	die 'the server did not start: ' . slurp_file($server{log});
}

sub refuses_to_start
{
	my ($message, %env) = @_;
	local %ENV = environment(%env);
	my $out = '';
	IPC::Run::run([ $node_js, "$api/server.js" ], '<', \undef, '>&', \$out, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	is($out, "$message\n", "no start: $message");
	is($? >> 8, 1, '... exit code 1');
	return;
}

END
{
	# the port of a server that a failed test left running is nobody else's business
	local $?;
	$_->{run}->kill_kill for @servers;
}

sub open_request
{
	my ($server, $target, %with) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port}, Timeout => $PostgreSQL::Test::Utils::timeout_default) or return;
	my $given = exists $with{authorization} ? $with{authorization} : "Bearer $token";
	my $method = $with{method} // 'GET';
	print {$socket} "$method $target HTTP/1.1\r\nhost: test\r\nconnection: close\r\n"
	  . (defined $given ? "authorization: $given\r\n" : '') . ($with{headers} // '') . "\r\n";
	$socket->flush;
	return $socket;
}

sub read_response
{
	my ($socket) = @_;
	my $all = do { local $/; <$socket> } // '';
	my ($head, $body) = split /\r\n\r\n/, $all, 2;
	my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)} or return { status => 0, head => '', body => '' };
	return { status => $status, head => $head, body => $body };
}

my $server;

sub get
{
	my $socket = open_request($server, @_) or return { status => 0, head => '', body => '' };
	return read_response($socket);
}

sub json
{
	my ($target) = @_;
	my $answer = get($target);
	is($answer->{status}, 200, "GET $target") or diag($answer->{body});
	return $answer->{body};
}

sub escaped
{
	my ($text) = @_;
	$text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

refuses_to_start('LIVENESS_API_TOKEN is not set', LIVENESS_API_TOKEN => '');
refuses_to_start('PORT must be a whole number from 0 to 65535', PORT => '80a');
refuses_to_start('LIVENESS_API_POOL must be a whole number from 1 to 1000', LIVENESS_API_POOL => 0);

$server = start_server();

#--- Before the first rollup

my $early = get('/candidates?job=6%20hours');
is($early->{status}, 503, 'candidates before the first rollup: not yet');
is(decode_json($early->{body})->{code}, '55000', '... by the error of the database');
like(decode_json($early->{body})->{hint}, qr/liveness_rollup_features/, '... with its hint');
is(decode_json(json('/network/availability'))->{updated_at}, undef, 'the fleet without a rollup');
is_deeply(decode_json(json('/reliability')), { providers => [] }, 'the ranking without a rollup');

#--- A fleet; the rollup describes 2026-02-01

my $odd = "x' OR '1'='1";
sql(q{
	-- 84 h of the window's 336
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason, requests_served, tokens_generated)
	VALUES ('quarter', '2026-01-25 00:00+00', '2026-01-28 12:00+00', 'read_error', 9007199254740993, 9223372036854775807);
	-- ended long ago
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('gone', '2025-06-01 00:00+00', '2025-06-02 00:00+00');
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
	SELECT 'f' || lpad(p::text, 3, '0'), at, at + make_interval(mins => 60 + p * 10 + s), (ARRAY['read_error', 'clean_close', 'coordinator_restart'])[1 + (p + s) % 3]
	FROM generate_series(0, 199) p, generate_series(0, 49) s, LATERAL (SELECT '2026-01-12 00:00+00'::timestamptz + s * interval '7 hours' + p * interval '1 minute') a (at);
	-- seven at one instant, again and again, and at the ends of time
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at)
	SELECT 'ties', '2026-01-20 00:00+00'::timestamptz + g / 7 * interval '1 microsecond', '2026-01-20 01:00+00' FROM generate_series(0, 24) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES
		('ties', '-infinity', '2026-01-01 00:00+00'), ('ties', '-infinity', '2026-01-01 00:00+00'),
		('ties', '0044-03-15 00:00+00 BC', '2026-01-01 00:00+00'),
		('ties', 'infinity', '2026-01-01 00:00+00'), ('ties', 'infinity', '2026-01-01 00:00+00');
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'open' || g, '2026-01-31 12:00+00'::timestamptz - g * interval '5 hours' FROM generate_series(1, 5) g;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at)
	SELECT unnest(ARRAY['x'' OR ''1''=''1', '', U&'m\00FC/\4E16\754C %2F?#', 'a"b\c']), '2026-01-25 00:00+00', '2026-01-26 00:00+00';

	INSERT INTO provider_heartbeats (provider_id, at, memory_pressure, cpu_usage, thermal_state, memory_available_gb)
	SELECT 'f' || lpad(p::text, 3, '0'), '2026-01-31 00:00+00'::timestamptz + g * interval '7 minutes', random(), random(), 'fair', 100 * random()
	FROM generate_series(0, 199) p, generate_series(0, 149) g;
	INSERT INTO provider_heartbeats (provider_id, at, status, cpu_usage)
	SELECT 'ties', '2026-01-20 00:00+00'::timestamptz + g / 7 * interval '1 microsecond', 'n' || g, 1 / (g + 3.0) FROM generate_series(0, 24) g;
	INSERT INTO provider_heartbeats (provider_id, at, cpu_usage, memory_pressure, memory_available_gb, gpu_memory_active_gb, backend_state, active_model, capacity)
	VALUES ('ties', 'infinity', 'NaN', '-Infinity', 3.4028235e38, 1e-45, E'\u00fc"\\\n\t\u0001', 'm', '{"slots": 9007199254740993, "deep": [1.10, null, "\u00fc"]}'), ('ties', '-infinity', 0, 0, NULL, NULL, '', '', NULL);
	ANALYZE;
	SELECT liveness_rollup_hourly(), liveness_rollup_features('2025-06-10 00:00+00');
	SELECT liveness_rollup_features('2026-02-01 00:00+00');
});

#--- Every endpoint against SQL

# Does an object, or the first of an array, have the very columns of a relation as its fields?
sub same_fields
{
	my ($json, $field, $relation, $left_out, $what) = @_;
	my $row = decode_json($json);
	$row = $row->{$field}[0] if $field;
	my @columns = split /,/, sql("SELECT string_agg(attname, ',' ORDER BY attname COLLATE \"C\") FROM pg_attribute WHERE attrelid = '$relation'::regclass AND attnum > 0 AND attname <> ALL ('{$left_out}')");
	is_deeply([ sort keys %$row ], \@columns, "$what: the fields are the columns of $relation");
	return;
}

# Rows of SQL that the JSON lacks, and the other way round
sub same_rows
{
	my ($json, $field, $relation, $columns, $where, $what) = @_;
	is(sql(qq{
		WITH ours AS (SELECT $columns FROM json_populate_recordset(NULL::$relation, \$json\$$json\$json\$::json -> '$field')),
		theirs AS (SELECT $columns FROM $relation WHERE $where)
		SELECT (SELECT count(*) FROM theirs) > 0, (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE theirs) a),
			(SELECT count(*) FROM (TABLE theirs EXCEPT ALL TABLE ours) b)}), 't|0|0', "$what: the rows are those of $relation");
	return;
}

my $quarter = json('/providers/quarter/liveness');
like($quarter, qr/"$_[,}]/, "by hand: $_") for 'uptime_pct":0.25', 'sessions_count":1', 'mtbf_seconds":302400', 'failures_count":1',
	'disconnect_reasons":{"read_error": 1}', 'last_disconnect_at":"2026-01-28T12:00:00\+00:00"', 'updated_at":"2026-02-01T00:00:00\+00:00"',
	'connected":false', 'connected_since":null';
same_fields($quarter, '', 'provider_liveness', '', 'liveness');
for my $provider ('quarter', 'gone', 'f000', 'f199', 'ties', 'open3', '')
{
	my $json = json('/providers/' . escaped($provider) . '/liveness');
	is(sql(qq{SELECT jsonb_populate_record(NULL::provider_liveness, \$json\$$json\$json\$) IS NOT DISTINCT FROM l FROM provider_liveness l WHERE provider_id = '$provider'}),
		't', "liveness of '$provider' is its row of provider_liveness");
}

my $sessions = json('/providers/f042/sessions');
same_fields($sessions, 'sessions', 'provider_session_history', 'provider_id', 'sessions');
same_rows($sessions, 'sessions', 'provider_session_history', 'id, connected_at, disconnected_at, disconnect_reason, last_heartbeat_at, requests_served, tokens_generated, coordinator_id, is_open, length_seconds',
	q{provider_id = 'f042'}, 'sessions');
like($sessions, qr/"next" : null}$/, 'sessions: fewer than the limit, so there are no more');
like(json('/providers/quarter/sessions'), qr/"id":"\d+",.*"requests_served":9007199254740993,"tokens_generated":9223372036854775807,/, 'sessions: ids are strings; counts beyond 2^53 are whole');
my $before = sql(q{SELECT extract(epoch FROM clock_timestamp() - connected_at) FROM provider_sessions WHERE provider_id = 'open2'});
my $open = decode_json(json('/providers/open2/sessions'))->{sessions}[0];
my $after = sql(q{SELECT extract(epoch FROM clock_timestamp() - connected_at) FROM provider_sessions WHERE provider_id = 'open2'});
ok($open->{is_open} && $before <= $open->{length_seconds} && $open->{length_seconds} <= $after, 'sessions: an open one is as long as it lasts');
is($open->{disconnected_at}, undef, '... and has no end');
like(json('/providers/ties/sessions?limit=2'), qr/"connected_at":"infinity".*"next" : "infinity~\d+"/s, 'sessions: at infinity');

my $heartbeats = json('/providers/ties/heartbeats');
my $columns = 'id, at, status, memory_pressure, cpu_usage, thermal_state, memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, backend_state, active_model, capacity';
same_fields($heartbeats, 'heartbeats', 'provider_heartbeat_history', 'provider_id', 'heartbeats');
same_rows($heartbeats, 'heartbeats', 'provider_heartbeat_history', $columns, q{provider_id = 'ties'}, 'heartbeats, odd values too');
like($heartbeats, qr/"slots": 9007199254740993}/, 'heartbeats: whole numbers of a capacity stay whole');
same_rows(json('/providers/f007/heartbeats?limit=500'), 'heartbeats', 'provider_heartbeat_history', $columns, q{provider_id = 'f007'}, 'heartbeats');
# 7 minutes apart from midnight: 03:30 is one of them, 07:00 another
my $span = 'since=2026-01-31T03:30:00Z&until=2026-01-31T07:00:00Z';
same_rows(json("/providers/f007/heartbeats?$span"), 'heartbeats', 'provider_heartbeat_history', $columns,
	q{provider_id = 'f007' AND at >= '2026-01-31 03:30+00' AND at < '2026-01-31 07:00+00'}, 'heartbeats of a span');
is(scalar @{ decode_json(json("/providers/f007/heartbeats?$span"))->{heartbeats} }, 30, '... 30 in 210 minutes: since belongs to it, until does not');
is(decode_json(json('/providers/f007/heartbeats?until=2026-01-31T02:00:01%2B02:00'))->{heartbeats}[0]{at}, '2026-01-31T00:00:00+00:00', 'until may be of any zone; answers are UTC');

$columns = 'hour, heartbeat_count, avg_memory_pressure, avg_cpu_usage, max_thermal_state, avg_memory_available_gb';
my $hours = json('/providers/f007/heartbeats/hourly');
same_fields($hours, 'hours', 'provider_heartbeats_hourly', 'provider_id', 'hourly');
same_rows($hours, 'hours', 'provider_heartbeats_hourly', $columns, q{provider_id = 'f007'}, 'hourly');
# minutes 0, 7 ... 56 and 63, 70 ... 119
is_deeply([ map { "$_->{hour} $_->{heartbeat_count}" } @{ decode_json(json('/providers/f007/heartbeats/hourly?since=2026-01-31T00:00:00Z&until=2026-01-31T02:00:00Z'))->{hours} } ],
	[ '2026-01-31T01:00:00+00:00 9', '2026-01-31T00:00:00+00:00 9' ], 'hourly: of a span, the latest first');

my $fleet = json('/network/availability');
same_fields($fleet, '', 'network_availability', '', 'availability');
is(sql(qq{SELECT json_populate_record(NULL::network_availability, \$json\$$fleet\$json\$) IS NOT DISTINCT FROM n FROM network_availability n}), 't', 'availability is the row of network_availability');
like($fleet, qr/"connected":5,/, 'by hand: five are connected');

my $job = '/candidates?job=6%20hours&min_probability=0';
my @candidates = @{ decode_json(json($job))->{candidates} };
is_deeply([ sort map { $_->{provider_id} } @candidates ], [ map { "open$_" } 1 .. 5 ], 'candidates: those who are connected');
is_deeply([ sort keys %{ $candidates[0] } ], [ qw(age_seconds as_of connected_at liveness_score lower own_sessions probability provider_id session_id upper) ], '... their fields');
is(scalar(grep { my $c = $_;
	sql(qq{SELECT session_id = '$c->{session_id}' AND connected_at = '$c->{connected_at}' AND own_sessions = $c->{own_sessions} AND liveness_score = $c->{liveness_score}::real
		AND abs(probability - $c->{probability}) < 0.01 AND abs(lower - $c->{lower}) < 0.01 AND abs(upper - $c->{upper}) < 0.01 AND as_of = '$c->{as_of}'
		FROM liveness_candidates('6 hours', 0, NULL) WHERE provider_id = '$c->{provider_id}'}) eq 't' } @candidates), 5, '... as liveness_candidates has them');
is(scalar @{ decode_json(json("$job&limit=2"))->{candidates} }, 2, '... no more than asked for');
is_deeply(decode_json(json('/candidates?job=6%20hours&min_probability=1')), { candidates => [] }, '... nor less likely');

#--- A scheduler's questions: as SQL answers them, but that time goes by

sub near
{
	my ($got, $want, $name) = @_;
	cmp_ok(abs($got - $want), '<=', 0.01 * abs($want), $name);
}
my ($connected) = map { $_->{provider_id} } @candidates;
near(decode_json(json("/providers/$connected/probability?job=6%20hours"))->{probability}, sql("SELECT liveness_probability('$connected', '6 hours')"), 'probability: as liveness_probability has it');
is_deeply(decode_json(json('/providers/nobody/probability?job=6%20hours')), { provider_id => 'nobody', probability => undef }, '... null for who is not there');
near(decode_json(json("/providers/$connected/remaining"))->{seconds}, sql("SELECT extract(epoch FROM liveness_remaining('$connected'))"), 'remaining: as liveness_remaining has it, in seconds');
is(decode_json(json("/providers/$connected/remaining?probability=0"))->{seconds}, 315360000000, '... and for ever');
is_deeply(decode_json(json('/providers/nobody/remaining')), { provider_id => 'nobody', seconds => undef }, '... null for who is not there');
my $checkpoint = decode_json(json("/providers/$connected/checkpoint?work=24%20hours&checkpoint_cost=5%20minutes"));
near($checkpoint->{every_seconds}, 86400 / $checkpoint->{segments}, 'checkpoint: equal segments');
near($checkpoint->{expected_runtime_seconds}, sql("SELECT extract(epoch FROM expected_runtime) FROM liveness_checkpoint('$connected', '24 hours', '5 minutes')"), '... in the time that is expected');
is(decode_json(json('/providers/nobody/checkpoint?work=24%20hours&checkpoint_cost=5%20minutes'))->{segments}, undef, '... null for who is not there');
my @replicas = @{ decode_json(json('/replicas?job=6%20hours&target=1&max_replicas=3'))->{replicas} };
# which of two like ones is likelier may change from one moment to the next
is_deeply([ map { $_->{replica} } @replicas ], [ 1 .. 3 ], 'replicas: three');
near($replicas[2]{joint}, sql(q{SELECT max(joint) FROM liveness_replicas('6 hours', 1, 3)}), '... as liveness_replicas has them');
is(scalar(grep { $_->{provider_id} eq $connected } @{ decode_json(json("/replicas?job=6%20hours&target=1&exclude=%5B%22$connected%22%5D"))->{replicas} }), 0, '... but not whom it was to leave out');
my $place = decode_json(json('/place?jobs=7&job=6%20hours'));
is_deeply([ sort map { $_->{provider_id} } @{ $place->{placed} } ], [ map { "open$_" } 1 .. 5 ], 'place: five jobs on the five who are connected');
is($place->{not_placed}, 2, '... and two find no place');
is_deeply([ sort map { $_->{provider_id} } @{ decode_json(json('/at-risk?probability=0'))->{at_risk} } ], [ map { "open$_" } 1 .. 5 ], 'at risk: with a probability of 0 all');
is_deeply(decode_json(json('/at-risk?probability=1')), { at_risk => [] }, '... and with 1 nobody');

#--- Filters

my $ranking = json('/reliability');
same_fields($ranking, 'providers', 'provider_reliability_features', 'hourly_availability', 'reliability');
my $features = sql(q{SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = 'provider_reliability_features'::regclass AND attnum > 0 AND attname <> 'hourly_availability'});
(my $comparable = $features) =~ s/disconnect_reasons/disconnect_reasons::jsonb/;
same_rows(json('/reliability?limit=500'), 'providers', 'provider_reliability_features', $comparable, 'true', 'reliability without filters');
for (
	[ '', 'true', 50 ],
	[ 'limit=7', 'true', 7 ],
	[ 'min_uptime=0.25', 'uptime_pct >= 0.25', 50 ],
	[ 'min_uptime=2.5e-1&limit=500', 'uptime_pct >= 0.25', 500 ],
	[ 'min_stays_4h=0.7&limit=500', 'p_stays_4h >= 0.7::real', 500 ],
	[ 'min_stays_8h=1&limit=500', 'p_stays_8h >= 1', 500 ],
	[ 'min_score=0.5&max_score=0.75&limit=500', 'liveness_score >= 0.5 AND liveness_score <= 0.75', 500 ],
	[ 'min_uptime=0.1&min_stays_4h=0.1&min_stays_8h=0.1&min_score=0.1&max_score=0.9&limit=20',
		'uptime_pct >= 0.1::real AND p_stays_4h >= 0.1::real AND p_stays_8h >= 0.1::real AND liveness_score >= 0.1::real AND liveness_score <= 0.9::real', 20 ],
	[ 'min_uptime=Infinity', 'false', 50 ],
	[ 'max_score=-Infinity', 'false', 50 ])
{
	my ($query, $where, $limit) = @$_;
	is_deeply([ map { $_->{provider_id} } @{ decode_json(json("/reliability?$query"))->{providers} } ],
		decode_json(sql("SELECT coalesce(json_agg(provider_id ORDER BY liveness_score DESC, uptime_pct DESC, provider_id), '[]')
			FROM (SELECT * FROM provider_reliability_features WHERE $where ORDER BY liveness_score DESC, uptime_pct DESC, provider_id LIMIT $limit) f")),
		"... in the order of the ranking, those with $where");
}

#--- Pages: of four rows where seven are at one instant, and the newest change meanwhile

sub pages
{
	my ($target, $field, $key, $parameter, $meanwhile) = @_;
	my ($next, @all);
	for my $page (1 .. 100)
	{
		my $answer = get($target . (defined $next ? "&$parameter=" . escaped($next) : ''));
		$answer->{status} == 200 or die "page $page of $target: $answer->{body}";
		my $json = decode_json($answer->{body});
		push @all, map { $_->{$key} } @{ $json->{$field} };
		$next = $json->{next} // return \@all;
		$meanwhile->($page) if $meanwhile;
	}
	die "$target does not end";
}

sub ids
{
	return decode_json(sql("SELECT json_agg(id::text ORDER BY $_[1] DESC, id DESC) FROM $_[0] WHERE provider_id = 'ties'" . ($_[2] // '')));
}

my $expected = ids('provider_sessions', 'connected_at');
is(scalar @$expected, 30, 'thirty sessions');
is_deeply(pages("/providers/ties/sessions?limit=$_", 'sessions', 'id', 'before'), $expected, "sessions in pages of $_: each one once, in order") for 1, 4, 7, 30, 31;
is_deeply(pages('/providers/ties/sessions?limit=4', 'sessions', 'id', 'before', sub {
		sql(q{INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at) VALUES ('ties', 'infinity', now())});
	}), $expected, 'sessions that begin meanwhile are not in later pages');
is_deeply([ map { $_->{connected_at} } @{ decode_json(json('/providers/ties/sessions?before=2026-01-20T00:00:00.000001Z'))->{sessions} } ],
	[ ('2026-01-20T00:00:00+00:00') x 7, '0044-03-15T00:00:00+00:00 BC', ('-infinity') x 2 ], 'before an instant: not at it');

$expected = ids('provider_heartbeats', 'at');
is(scalar @$expected, 27, 'twenty-seven heartbeats');
is_deeply(pages("/providers/ties/heartbeats?limit=$_", 'heartbeats', 'id', 'until'), $expected, "heartbeats in pages of $_") for 4, 7, 27;
is_deeply(pages('/providers/ties/heartbeats?limit=5&since=2026-01-20T00:00:00.000001Z', 'heartbeats', 'id', 'until', sub {
		sql(q{INSERT INTO provider_heartbeats (provider_id, at) VALUES ('ties', 'infinity')});
	}), ids('provider_heartbeats', 'at', q{ AND at >= '2026-01-20 00:00:00.000001+00' AND (at < 'infinity' OR status = '' AND cpu_usage = 'NaN')}), '... since an instant, while more arrive');
is_deeply(pages('/providers/f007/heartbeats/hourly?limit=4', 'hours', 'hour', 'until'),
	decode_json(sql(q{SELECT json_agg(hour ORDER BY hour DESC) FROM provider_heartbeats_hourly WHERE provider_id = 'f007'})), 'hours in pages');

#--- Odd names, unknown ones, hostile arguments

my $contents = sql('SELECT (SELECT count(*) FROM provider_sessions), (SELECT count(*) FROM provider_heartbeats), (SELECT count(*) FROM provider_reliability_features)');
for my $name ($odd, '', "m\xc3\xbc/\xe4\xb8\x96\xe7\x95\x8c %2F?#", 'a"b\\c')
{
	my $answer = decode_json(json('/providers/' . escaped($name) . '/sessions'));
	my $is = $answer->{provider_id};
	utf8::encode($is);
	is($is, $name, 'a provider whose name is odd');
	is(scalar @{ $answer->{sessions} }, 1, '... has its one session');
}
for my $what ('liveness', 'sessions', 'heartbeats', 'heartbeats/hourly')
{
	is(get('/providers/' . escaped($_) . "/$what")->{status}, 404, "unknown to $what: $_") for 'nobody', q{x'; DROP TABLE provider_sessions; --}, 'f00%', '..', 'x' x 1000;
}
is_deeply(decode_json(json('/providers/open1/heartbeats'))->{heartbeats}, [], 'a provider without heartbeats is known');
is_deeply(decode_json(json('/providers/open1/heartbeats/hourly'))->{hours}, [], '... nor hours');
# Each of the four tables makes a provider known to all
sql(q{
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('beats', '2026-01-01 00:00+00');
	INSERT INTO provider_heartbeats_hourly (provider_id, hour) VALUES ('hours', '2026-01-01 00:00+00');
	INSERT INTO provider_reliability_features (provider_id) VALUES ('features');
	INSERT INTO provider_sessions (provider_id) VALUES ('sessions');
});
for my $known ('beats', 'hours', 'features', 'sessions')
{
	is(get("/providers/$known/$_")->{status}, 200, "known by $known alone to $_") for 'sessions', 'heartbeats', 'heartbeats/hourly';
}
is_deeply(decode_json(json('/providers/beats/sessions')), { provider_id => 'beats', sessions => [], next => undef }, 'a provider without sessions');
is(get('/providers/beats/liveness')->{status}, 404, 'no features: nothing is known of its liveness yet');
sql(qq{DELETE FROM provider_$_ WHERE provider_id IN ('beats', 'hours', 'features', 'sessions')}) for qw(heartbeats heartbeats_hourly reliability_features sessions);

my $many = '9' x 400;
for (
	[ 22023 => map { "/reliability?$_" } 'min_uptime=NaN', 'max_score=nan', 'limit=0', 'limit=-1', 'limit=501', 'limit=2147483647' ],
	[ 22003 => map { "/reliability?$_" } 'limit=2147483648', "limit=$many", "min_score=$many", 'min_score=1e999', 'min_score=-1e999' ],
	[ '22P02' => map { "/reliability?$_" } 'limit=', 'limit=1.5', 'limit=1e2', 'limit=NaN', 'limit=%D9%A3', 'limit=1;SELECT%201', 'limit=(SELECT%201)', 'min_uptime=', 'min_uptime=%2F', q{min_uptime='}, 'min_uptime=0%20OR%201=1' ],
	[ 22021 => '/providers/%00/liveness', '/providers/f000%00/sessions', '/reliability?limit=1%00', '/providers/f000/heartbeats?since=%00' ],
	[ 22007 => map { ("/providers/f000/$_", "/providers/nobody/$_") } 'sessions?before=x', 'sessions?before=', 'sessions?before=~1', 'heartbeats?since=x', 'heartbeats?until=~', 'heartbeats/hourly?since=%E0%A4', 'heartbeats/hourly?until=%C2%BD',
		'heartbeats?since=2026-01-31T03:30:00+00:00' ],    # a plus sign is a space
	[ 22008 => map { "/providers/f000/heartbeats?since=$_" } '2026-13-01', '294277-01-01', '2026-02-30', '4714-01-01%20BC' ],
	[ '22P02' => '/providers/f000/sessions?before=now~x', '/providers/f000/heartbeats?until=now~1.5' ],
	[ 22003 => '/providers/f000/sessions?before=now~9223372036854775808' ],
	[ 22023 => '/providers/f000/sessions?limit=0', '/providers/nobody/heartbeats?limit=501', '/providers/f000/heartbeats/hourly?limit=-1' ],
	[ 22004 => '/candidates' ],
	[ 22007 => '/candidates?job=x', '/candidates?job=' ],
	[ 22023 => map { "/candidates?job=$_" } '-1%20hour', '0', '4000%20days', '6%20hours&min_probability=1.1', '6%20hours&min_probability=NaN', '6%20hours&limit=0', '6%20hours&limit=501' ],
	[ 22004 => '/replicas', '/place?jobs=1', '/place?job=6%20hours', '/providers/f000/probability', '/providers/f000/checkpoint?work=6%20hours' ],
	[ 22023 => '/replicas?job=0', '/replicas?job=6%20hours&max_replicas=13', '/replicas?job=6%20hours&exclude=1', '/place?jobs=-1&job=6%20hours', '/at-risk?probability=2', '/providers/f000/remaining?probability=NaN' ],
	[ '22P02' => '/replicas?job=6%20hours&exclude=%5B', '/place?jobs=x&job=6%20hours' ],
	[ 22015 => "/candidates?job=99999999999%20years" ],
	[ undef, '/reliability?limit=1&limit=1', '/reliability?limit=1&min_uptime=0&limit=2', '/candidates?job=1h&job=2h', '/reliability?min_uptme=0.9', '/network/availability?x', '/reliability?__proto__=1', '/reliability?constructor=1',
		"/providers/f000/liveness?token=$token", '/providers/%FF/liveness', '/providers/%E0%A4%A/sessions', '/providers/%ED%A0%80/sessions', '/providers/%/heartbeats' ])
{
	my ($code, @targets) = @$_;
	for my $target (@targets)
	{
		my $answer = get($target);
		my $json = eval { decode_json($answer->{body}) } // {};
		is("$answer->{status} " . ($json->{code} // 'none'), '400 ' . ($code // 'none'), 'GET ' . substr($target, 0, 100)) or diag($answer->{body});
		ok(length $json->{error}, '... and says why');
	}
}
my $ranges = decode_json(get('/reliability?limit=501')->{body});
is_deeply($ranges, { error => 'max_rows 501 is out of range', hint => 'Give between 1 and 500 rows.', code => '22023' }, 'an error says what the database says');
is(sql('SELECT (SELECT count(*) FROM provider_sessions), (SELECT count(*) FROM provider_heartbeats), (SELECT count(*) FROM provider_reliability_features)'), $contents, 'and nothing has changed');

#--- Tokens, methods, limits

for my $given (undef, '', 'Bearer', 'Bearer ', 'Bearer wrong', "Bearer ${token}x", 'Bearer ' . substr($token, 0, -1), "Bearer x$token", "Basic $token", $token, "Bearer \U$token", "Bearer $token $token")
{
	my $answer = get('/network/availability', authorization => $given);
	is($answer->{status}, 401, 'no entry with ' . ($given // 'no header'));
	like($answer->{head}, qr/^www-authenticate: Bearer\r?$/mi, '... says how');
	unlike($answer->{body}, qr/window_days|\Q$token/, '... and tells nothing');
}
is(get('/network/availability', authorization => "bEARER  $token")->{status}, 200, 'the scheme is in any case');
is(get("/network/availability?token=$token", authorization => undef)->{status}, 401, 'a token in the URL is none');
is(get('/', authorization => undef)->{status}, 401, 'without a token not even which paths there are');
is(get($_)->{status}, 404, "no such path: $_") for '/', '/providers', '/providers/f000', '/providers/f000/liveness/', '/Reliability', '//reliability', '/providers/a/b/liveness', '/healthz/', '/network/availability/..', 'http://test/reliability';
for my $target ('/reliability', '/healthz')
{
	for my $method (qw(POST PUT PATCH DELETE OPTIONS))
	{
		my $answer = get($target, method => $method, headers => "content-length: 0\r\n");
		is($answer->{status}, 405, "$method $target");
		like($answer->{head}, qr/^allow: GET, HEAD\r?$/mi, '... says what is');
	}
}
my ($head, $full) = (get('/network/availability', method => 'HEAD'), get('/network/availability'));
is_deeply([ $head->{status}, $head->{body}, $head->{head} =~ /^(content-length: \d+)/mi ], [ 200, '', $full->{head} =~ /^(content-length: \d+)/mi ], 'HEAD: as GET, without the body');
like($full->{head}, qr/^cache-control: no-store\r?$/mi, 'nothing is cached');
like($full->{head}, qr{^content-type: application/json\r?$}mi, 'it is JSON');
is(get('/providers/' . ('x' x 2100) . '/liveness')->{status}, 414, 'a URL that is too long');
is(get('/reliability', headers => 'x: ' . ('x' x 20_000) . "\r\n")->{status}, 431, 'headers that are too long');
is(get("/x y z", headers => "\x01\r\n")->{status}, 400, 'no HTTP');
is_deeply([ @{ get('/healthz', authorization => undef) }{qw(status body)} ], [ 200, qq({"status":"up"}\n) ], 'health needs no token, and tells one thing');

#--- The session that statements run in, and what the role may

sub instead_of_availability
{
	my ($query) = @_;
	sql("ALTER VIEW network_availability RENAME TO aside; CREATE VIEW network_availability AS $query; GRANT SELECT ON network_availability TO admin_api");
	my $answer = get('/network/availability');
	sql('DROP VIEW network_availability; ALTER VIEW aside RENAME TO network_availability');
	return $answer;
}

my $settings = instead_of_availability(join ', ', 'SELECT current_user::text AS role', map { "current_setting('$_') AS $_" }
	qw(jit search_path transaction_read_only statement_timeout timezone datestyle intervalstyle extra_float_digits application_name));
is_deeply(decode_json($settings->{body}), { role => 'admin_api', jit => 'off', search_path => "$quoted, pg_temp", transaction_read_only => 'on', statement_timeout => '3min', timezone => 'UTC',
	datestyle => 'ISO, MDY', intervalstyle => 'postgres', extra_float_digits => '1', application_name => 'liveness-admin-api' }, 'settings are pinned, whatever the role has');
sql(q{CREATE FUNCTION writes() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO provider_heartbeats (provider_id) VALUES (''written'') RETURNING id'});
my $wrote = instead_of_availability('SELECT writes()');
is_deeply([ @$wrote{qw(status body)} ], [ 500, qq({"error":"internal error"}\n) ], 'a write, even by a function of the owner, is refused; other errors stay inside');
is(sql(q{SELECT count(*) FROM provider_heartbeats WHERE provider_id = 'written'}), 0, '... and is not there');
sql('REVOKE SELECT ON provider_sessions FROM admin_api');
my $denied = get('/providers/f000/sessions');
is("$denied->{status} " . decode_json($denied->{body})->{code}, '403 42501', 'a role that may not read');
sql('GRANT SELECT ON provider_sessions TO admin_api');

#--- Fifty at a time, over five connections, which a lock holds up

my $locker = $node->background_psql('fleet');
my @targets = ('/providers/f000/liveness', '/providers/f001/sessions', '/providers/ties/heartbeats', '/reliability', '/network/availability');
my %alone = map { $_ => get($_)->{body} } @targets;
$locker->query_safe(qq{BEGIN; LOCK TABLE $quoted.provider_reliability_features});
my @sockets = map { [ $_, open_request($server, $_) ] } (@targets) x 10;
$node->poll_query_until('fleet', q{SELECT count(*) = 5 FROM pg_stat_activity WHERE usename = 'admin_api' AND wait_event_type = 'Lock'}) or die 'nobody waits';
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'admin_api'}), 5, 'no more connections than the pool has');
$locker->query_safe('COMMIT');
my @answers = map { [ $_->[0], read_response($_->[1]) ] } @sockets;
is(scalar(grep { $_->[1]{status} == 200 && $_->[1]{body} eq $alone{ $_->[0] } } @answers), 50, 'each gets its own answer');

#--- Too long, gone, back again

my $patient = $server;
$server = start_server(LIVENESS_API_TIMEOUT_MS => 2000);
# by a connection that is there, so that it is the statement that takes too long
for (1 .. $PostgreSQL::Test::Utils::timeout_default)
{
	last if get('/network/availability')->{status} == 200;
}
$locker->query_safe(qq{BEGIN; LOCK TABLE $quoted.provider_reliability_features});
my $late = get('/network/availability');
is($late->{status}, 504, 'a statement that takes too long') or diag($late->{body});
is(decode_json($late->{body})->{code}, '57014', '... cancelled by the server');
$locker->query_safe('COMMIT');
$server = $patient;

for my $mode ('fast', 'immediate')
{
	is(get('/network/availability')->{status}, 200, "before the database goes, $mode");
	$locker->quit if $mode eq 'fast';
	$node->stop($mode);
	my $down = get('/network/availability');
	is($down->{status}, 503, '... it is down');
	like($down->{head}, qr/^retry-after: \d+\r?$/mi, '... try again');
	is($down->{body}, qq({"error":"the database is not available"}\n), '... which is all it tells');
	is_deeply([ @{ get('/healthz', authorization => undef) }{qw(status body)} ], [ 503, qq({"status":"down"}\n) ], '... and so is health');
	$node->start;
	is(get('/network/availability')->{status}, 200, '... it is back');
	is(get('/healthz', authorization => undef)->{status}, 200, '... healthy');
}

#--- SIGTERM: what is under way is answered, an idle connection holds up nothing

$locker = $node->background_psql('fleet');
$locker->query_safe(qq{BEGIN; LOCK TABLE $quoted.provider_reliability_features});
my $idle = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port});
my $underway = open_request($server, '/network/availability');
$node->poll_query_until('fleet', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'admin_api' AND wait_event_type = 'Lock'}) or die 'nobody waits';
$server->{run}->signal('TERM');
my $refused = 0;
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port});
	$refused = !$socket and last;
	select undef, undef, undef, 0.1;
}
ok($refused, 'after SIGTERM nobody is let in');
$locker->query_safe('COMMIT');
is(read_response($underway)->{status}, 200, '... who was in gets the answer');
$server->{run}->finish;
is($server->{run}->full_result(0), 0, '... and then it ends');
$locker->quit;
for my $log (map { slurp_file($_->{log}) } @servers)
{
	like($log, qr{^GET /network/availability \d+ \d+ ms$}m, 'a log of requests');
	is(index($log, $token), -1, '... without the token');
}

#--- The statements: as documented, and by index whatever the arguments

my $document = slurp_file("$ENV{TESTDIR}/../docs/admin-api.md");
sql('ANALYZE');
my %statements = (
	liveness => [ q{'f042'}, qr/provider_reliability_features_pkey/ ],
	sessions => [ q{'f042', '2026-01-20~5', '10'}, qr/idx_provider_sessions_provider_connected.*Index Cond: \(\(provider_id = [^\n]* AND \(connected_at <= /s ],
	heartbeats => [ q{'f042', '2026-01-01', '2026-01-20~5', '10'}, qr/idx_provider_heartbeats_provider_at.*Index Cond: \(\(ROW\(provider_id, at\) >= [^\n]* AND \(ROW\(provider_id, at, id\) < /s ],
	heartbeats_hourly => [ q{'f042', '2026-01-01', '2026-02-20', '10'}, qr/provider_heartbeats_hourly_pkey.*Index Cond: \(\(ROW\(provider_id, hour\) >= [^\n]* AND \(ROW\(provider_id, hour\) < /s ],
	reliability => [ q{'0', '0', '0', '0.5', '0.9', '10'}, qr/idx_provider_reliability_features_score/ ],
	candidates => [ q{'1 hour', '0', '10'}, qr/liveness_candidates/ ],
	availability => undef, (map { $_ => undef } qw(probability remaining checkpoint replicas place at_risk)));
for my $name (sort keys %statements)
{
	my $statement = slurp_file("$api/sql/$name.sql");
	(my $indented = $statement) =~ s/^/    /mg;
	ok(index("$document\n", "$indented\n") >= 0, "$name: the statement is the documented one");
	my ($arguments, $index) = @{ $statements{$name} // next };
	for my $mode ('custom', $name eq 'reliability' ? () : 'generic')
	{
		my $plan = sql("SET plan_cache_mode = force_${mode}_plan; PREPARE q AS $statement; EXPLAIN (COSTS OFF) EXECUTE q($arguments)");
		like($plan, $index, "$name: by index, $mode plan");
		unlike($plan, qr/Seq Scan on provider_/, '... alone');
	}
}

done_testing();
