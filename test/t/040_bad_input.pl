# Hostile calls of every function that SQL sees, under hostile settings, and hostile
# bytes for the binary protocol, with a fixed seed (10,000; as many as
# LIVENESS_HOSTILE_CALLS says); and aggregates whose parts do not belong together: the
# server stays up, and each error has an SQLSTATE of its own kind, never an internal one.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{LIVENESS_HOSTILE_CALLS} || 10_000;
my $seed = $ENV{LIVENESS_HOSTILE_SEED} || 20261125;
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('bad_input');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
timezone = 'UTC'
jit = off
fsync = off
log_statement = none
log_min_error_statement = panic
log_min_messages = fatal
shared_preload_libraries = 'liveness'
liveness.database = 'postgres'
liveness.scheduler = off
liveness.buffer_size = '64kB'
END
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	INSERT INTO provider_sessions (provider_id, connected_at, disconnected_at, disconnect_reason)
		SELECT 'p' || g % 7, now() - g * interval '1 hour', now() - g * interval '1 hour' + interval '40 min', 'read_error'
		FROM generate_series(1, 200) g;
	INSERT INTO provider_sessions (provider_id, connected_at) SELECT 'p' || g, now() - interval '1 min' FROM generate_series(0, 6) g;
	INSERT INTO provider_heartbeats (provider_id, at) SELECT 'p' || g % 7, now() - g * interval '1 min' FROM generate_series(0, 100) g;
	SELECT liveness_rollup_features();
	-- what the aggregates and the rollups keep: right in form, for others to be changed
	CREATE TABLE good AS
		SELECT (SELECT liveness_internal.liveness_features_history(connected_at, disconnected_at, disconnect_reason, now(), 1) FROM provider_sessions) AS history,
			(SELECT hazard FROM liveness_internal.liveness_fleet_hazard) AS fleet,
			(SELECT hazard FROM liveness_internal.liveness_provider_hazard LIMIT 1) AS host;
});

# Values by type, as SQL
my %pool = (
	'double precision' => [ qw(NULL 'NaN' 'Infinity' '-Infinity' 0 '-0' 1 0.5 -1 1e308 -1e308 5e-324 1e-6 0.95 86400 1e15) ],
	'real' => [ qw(NULL 'NaN' 'Infinity' '-Infinity' 0 1 -1 3.4e38 1e-45 0.5) ],
	'integer' => [ qw(NULL 0 1 -1 2147483647 -2147483648 14 168 3650 3651 500) ],
	'bigint' => [ qw(NULL 0 1 -1 9223372036854775807 -9223372036854775808 3600000000 315360000000000 315360000000001) ],
	'bigint[]' => [ 'NULL', q{'{}'}, q{'{1}'}, q{'{NULL,-1,9223372036854775807}'}, q{'{{1,2},{3,4}}'}, q{'[-5:-4]={1,2}'} ],
	'boolean' => [ qw(NULL true false) ],
	'text' => [ 'NULL', q{''}, q{'x'}, q{'p1'}, q{repeat('x', 1000000)}, q{repeat(chr(233), 3000)}, q{'features'}, q{'hourly'}, q{'retention'}, q{'sessions'},
		q{'coordinator_restart'}, q{'log'}, q{'plain'}, q{'session_timeout'}, q{'22023'}, q{'%s%n'}, q{'"; DROP TABLE provider_sessions; --'}, q{E'\\\\'} ],
	'timestamp with time zone' => [ 'NULL', q{'infinity'}, q{'-infinity'}, q{'4714-11-24 00:00:00+00 BC'}, q{'294276-12-31 23:59:59.999999+00'},
		'now()', q{'epoch'}, q{'2000-01-01 00:00+00'}, q{now() - interval '3 days'}, q{now() + interval '1 day'}, q{'2026-03-29 01:30+00'} ],
	'interval' => [ 'NULL', q{'0'}, q{'1 hour'}, q{'6 hours'}, q{'-1 day'}, q{'178000000 years'}, q{'-178000000 years'}, q{'1 microsecond'}, q{'1 mon -30 days'}, q{'3650 days'}, q{'14 days'} ],
	'xid' => [ 'NULL', q{'0'}, q{'2'}, q{'3'}, q{'4294967295'} ],
	'jsonb' => [ 'NULL', q{'{}'}, q{'[]'}, q{'null'}, q{'1e100'}, q{jsonb_build_object('a', repeat('x', 100000))} ],
	'bytea' => [ 'NULL', q{''}, q{'\\\\x00'}, q{'\\\\x3148764c00000000'}, q{'\\\\x31487660ffffffff'}, q{decode(repeat('ff', 64), 'hex')},
		'(SELECT history FROM public.good)', '(SELECT substr(history, 1, 100) FROM public.good)', '(SELECT substr(history, 1, 24 + 16 * 7) FROM public.good)',
		'(SELECT set_byte(history, 4, 255) FROM public.good)', '(SELECT set_byte(set_byte(history, 20, 127), 30, 128) FROM public.good)', q{'\\\\x3148764c'::bytea || '\\\\x01000000'::bytea || decode(repeat('7f', 16), 'hex')},
		q{'\\\\x3148764c'::bytea || '\\\\x01000000'::bytea || decode(repeat('00', 7) || '80' || repeat('ff', 7) || '7f', 'hex')} ],
	'double precision[]' => [ 'NULL', q{'{}'}, q{'{0.5}'}, q{'{NULL}'}, q{'{NaN,0.5}'}, q{'{{0.1,0.5},{0.9,NULL}}'}, q{'[-5:-4]={0,1}'}, q{'{Infinity,-1}'},
		'(SELECT fleet FROM public.good)', '(SELECT fleet[1:96] FROM public.good)', 'array_fill(0::float8, ARRAY[264])', 'array_fill(1e308::float8, ARRAY[264])', 'array_fill(0::float8, ARRAY[96])',
		q{array_fill('NaN'::float8, ARRAY[289])}, 'array_fill(-1::float8, ARRAY[336])', 'array_fill(1e300::float8, ARRAY[289])', 'array_fill(0.5::float8, ARRAY[100, 100])' ],
	'tstzmultirange' => [ 'NULL', q{'{}'}, q{'{(,)}'}, q{'{[-infinity,infinity]}'}, q{'{(infinity,)}'}, q{'{["4714-11-24 00:00:00+00 BC","4714-11-24 00:00:00+00 BC"],(2026-01-01,294276-12-31]}'},
		q{(SELECT range_agg(tstzrange(t, t + interval '1us')) FROM generate_series('2020-01-01'::timestamptz, '2026-01-01', '1 day') t)} ],
	'text[]' => [ 'NULL', q{'{}'}, q{'{a,NULL,<b>}'}, q{'{{a,b},{c,d}}'}, q{'[-5:-4]={x,y}'}, q{array_fill('x'::text, ARRAY[1000])}, q{ARRAY[repeat('<', 100000)]} ],
	'timestamp with time zone[]' => [ 'NULL', q{'{}'}, q{'{2026-01-01}'}, q{'{NULL,2026-01-01}'}, q{'{infinity,-infinity}'}, q{'{{2026-01-01,2026-01-02},{2026-01-03,2026-01-04}}'},
		q{'[-5:-4]={2026-01-02,2026-01-01}'}, q{array_fill('4714-11-24 00:00:00+00 BC'::timestamptz, ARRAY[1000])}, q{ARRAY['294276-12-31 23:59:59.999999+00'::timestamptz]} ],
	'integer[]' => [ 'NULL', q{'{}'}, q{'{1}'}, q{'{NULL,-1,2147483647}'}, q{'{{1,2},{3,4}}'} ],
	'real[]' => [ 'NULL', q{'{}'}, q{'{1,2}'}, '(SELECT host FROM public.good)', 'array_fill(0::real, ARRAY[96])', 'array_fill(3e38::real, ARRAY[96])', q{array_fill('NaN'::real, ARRAY[96])}, 'array_fill(1::real, ARRAY[4, 24])' ],
	'survival_curve' => [ 'NULL', q{'{}'}, q{'{0:1:0}'}, q{'{1:1:0,2:0:1}'}, q{'{Infinity:1:1}'}, q{'{5e-324:1:0,1.7976931348623157e308:1:0}'},
		q{'{1:4611686018427387904:4611686018427387903}'}, q{'{-5:0:0:2,3:1:1}'}, q{'{1:1:0:1,2:1:0}'}, '(SELECT public.survival_agg(g, g % 3 > 0) FROM generate_series(1, 20000) g)' ],
	'cstring' => [ q{''}, q('{'), q{'{1:1:0}'}, q{'{NaN:1:0}'}, q{'{1:1:0,1:1:0}'}, q{'{1:9223372036854775807:1}'}, q{'{1e400:1:0}'}, q{'{1:0:0:1}'}, q('}{'), q<repeat('{', 10000)> ],
	'regrole' => [ 'NULL', q{'nobody'} ],
	'regclass' => [ qw(NULL 0 1 'good' 'pg_class' 'pg_class_oid_index' 'provider_sessions' 'provider_heartbeats' 'provider_liveness') ],
);
$node->safe_psql('postgres', 'CREATE ROLE nobody');

# SQL can give no argument of type internal: who takes one is reached through aggregates,
# below.  flush waits for a worker, and has tests of its own.
my @functions = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT p.pronamespace::regnamespace || '.' || p.proname, p.prokind, p.proretset, (SELECT string_agg(format_type(t, NULL), ';' ORDER BY o) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, o))
	FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
	WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND d.deptype = 'e'
	AND NOT 'internal'::regtype = ANY (p.proargtypes) AND p.proname <> 'liveness_flush'
	ORDER BY p.oid::regprocedure::text});
cmp_ok(scalar(@functions), '>', 70, 'every function is called');
is(join(' ', grep { !$pool{$_} } map { split /;/, $_->[3] } @functions), '', 'with hostile values of each type');

# A back-test of all time by the microsecond is no error, but would take as long
my %short = (%pool,
	'timestamp with time zone' => [ 'NULL', q{'infinity'}, q{'-infinity'}, 'now()', q{now() - interval '3 days'}, q{now() + interval '1 day'}, q{now() - interval '1 hour'} ],
	'interval' => [ 'NULL', q{'0'}, q{'1 hour'}, q{'6 hours'}, q{'-1 day'}, q{'178000000 years'}, q{'3650 days'} ]);

# Settings of ours and of the server's that change how values are read, written or planned
my @settings = map { [ split ] } split /\n/, $node->safe_psql('postgres', q{
	LOAD 'liveness';
	SELECT name FROM pg_settings WHERE name ~ '^liveness\.' ORDER BY name COLLATE "C"});
cmp_ok(scalar(@settings), '>', 10, 'with every setting');
my @setting_values = ('', qw(-1 0 1 14 3650 3651 2147483648 1e308 NaN 28d 1us 10000000000d on), '28 days', "a,,b,", "'; --", 'coordinator_restart', 'x' x 100_000);
my @server_settings = (
	[ 'TimeZone', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC' ], [ 'DateStyle', 'SQL, DMY', 'German', 'ISO' ], [ 'IntervalStyle', 'sql_standard', 'iso_8601' ],
	[ 'extra_float_digits', -15, 3 ], [ 'bytea_output', 'escape' ], [ 'search_path', '', 'nowhere', 'pg_temp, public' ], [ 'work_mem', '64kB' ],
	[ 'enable_hashagg', 'off' ], [ 'force_parallel_mode', 'on', 'regress' ], [ 'debug_parallel_query', 'on' ], [ 'jit_above_cost', 0 ], [ 'array_nulls', 'off' ], [ 'default_transaction_isolation', 'serializable' ]);

sub hostile_setting
{
	my ($name, @values) = rand() < 0.7 ? ($settings[ rand @settings ][0], @setting_values) : @{ $server_settings[ rand @server_settings ] };
	(my $value = $values[ rand @values ]) =~ s/'/''/g;
	return "SELECT set_config('$name', '$value', false)";
}

# A survival_curve in binary form, with some of its bytes changed, or cut off
my $files = PostgreSQL::Test::Utils::tempdir();
my $nfiles = 0;

sub hostile_bytes
{
	my $curve = pack('N N', 1, 3) . join '', map { pack('d> q> q> q>', $_, 1, 1, 0) } 1 .. 3;
	for (1 .. rand 4)
	{
		substr($curve, rand length $curve, 1) = pack 'C', rand() < 0.5 ? (0, 1, 127, 128, 255)[ rand 5 ] : rand 256;
	}
	$curve = substr($curve, 0, rand length $curve) if rand() < 0.2;
	$curve .= 'x' x rand 40 if rand() < 0.1;
	my $path = "$files/" . $nfiles++;
	open(my $file, '>:raw', $path) or die "cannot write $path: $!";
	print $file "PGCOPY\n\377\r\n\0", pack('N N n N', 0, 0, 1, length $curve), $curve, pack('n', 0xffff);
	close $file;
	chmod 0644, $path;
	return "COPY public.curves FROM '$path' BINARY";
}

sub hostile_call
{
	my $kind_of_call = rand;
	return hostile_setting() if $kind_of_call < 0.05;
	return hostile_bytes() if $kind_of_call < 0.1;
	my ($name, $kind, $set, $types) = @{ $functions[ rand @functions ] };
	my $values = $name =~ /backtest|calibration/ ? \%short : \%pool;
	my @args = map { my $v = $values->{$_}; '(' . $v->[ rand @$v ] . ')::' . ($_ eq 'survival_curve' ? "public.$_" : $_) } split /;/, $types;
	my $args = join ', ', @args;
	return "CALL $name($args)" if $kind eq 'p';
	return "SELECT $name($args) FROM generate_series(1, " . int(rand(4)) . ')' if $kind eq 'a';
	return "SELECT count(*) FROM (SELECT * FROM $name($args) LIMIT 1000) s" if $set eq 't';
	return "SELECT $name($args)";
}

# An error is caught in the server; those of the server itself end it, and show here
$node->safe_psql('postgres', q{
	CREATE TABLE outcome (state text, call text);
	CREATE TABLE curves (curve survival_curve);
	CREATE PROCEDURE attempt(calls text[]) LANGUAGE plpgsql AS $$
	DECLARE
		call text;
	BEGIN
		FOREACH call IN ARRAY calls LOOP
			BEGIN
				EXECUTE call;
				INSERT INTO public.outcome VALUES ('00000', NULL);
			EXCEPTION WHEN OTHERS OR query_canceled THEN
				INSERT INTO public.outcome VALUES (SQLSTATE, CASE WHEN SQLSTATE ~ '^(XX|57|58|53)' THEN left(call, 400) || ': ' || SQLERRM END);
			END;
		END LOOP;
	END $$;
});

my $done = 0;
my $errors = '';
while ($done < $calls)
{
	my $n = $calls - $done < 1000 ? $calls - $done : 1000;
	my @batch = map { (my $call = hostile_call()) =~ s/'/''/g; "'$call'" } 1 .. $n;
	my ($ret, $out, $err) = $node->psql('postgres', "SET client_min_messages = error;\nCALL attempt(ARRAY[" . join(",\n", @batch) . ']);');
	if ($ret != 0)
	{
		$errors = $err;
		last;
	}
	$done += $n;
}
is($errors, '', "$calls hostile calls, and the server is up (seed $seed)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM outcome'), $calls, 'each has ended, well or with an error');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT call, E'\n') FROM outcome WHERE state ~ '^(XX|57|58|53)'}), '',
	'none with an internal error, a crash, or for want of resources');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM outcome WHERE state = '00000'}), '>', $calls / 10, 'many are not refused');
diag($node->safe_psql('postgres', q{SELECT string_agg(state || ' ' || n, ', ' ORDER BY n DESC) FROM (SELECT state, count(*) AS n FROM outcome GROUP BY state) s}));

is($node->safe_psql('postgres', q{SELECT count(*) FROM curves WHERE curve::text::survival_curve::text <> curve::text}), 0, 'what came in by the binary protocol reads as it was written');

# ---------- parts of different aggregates ----------

# A transition function's state to every final function of another, and combined, read
# and written by the functions of another in a parallel query
my @aggregates = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT DISTINCT ON (a.aggcombinefn) a.aggtransfn::regproc, a.aggcombinefn::regproc, a.aggserialfn::regproc, a.aggdeserialfn::regproc, a.aggfinalfn::regproc,
		(SELECT string_agg(format_type(t, NULL), ', ' ORDER BY o) FROM unnest(t.proargtypes) WITH ORDINALITY x (t, o) WHERE o > 1), a.aggtranstype::regtype
	FROM pg_aggregate a JOIN pg_proc t ON t.oid = a.aggtransfn
	WHERE t.proname ~ '^(liveness|survival)' AND a.aggtranstype IN ('internal'::regtype, 'bytea'::regtype) ORDER BY a.aggcombinefn, a.aggtransfn::regproc::text DESC});
my @finals = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{SELECT DISTINCT aggfinalfn::regproc, aggcombinefn::regproc, aggtranstype::regtype FROM pg_aggregate JOIN pg_proc t ON t.oid = aggtransfn
	WHERE t.proname ~ '^(liveness|survival)' AND aggtranstype IN ('internal'::regtype, 'bytea'::regtype) ORDER BY 1});
is(scalar(@aggregates), 5, 'five kinds of states');
my %example = ('double precision' => '1', 'bigint' => '1', 'double precision[]' => q{'{0.5}'}, 'boolean' => 'true', 'real' => '1', 'text' => q{'x'}, 'integer' => '14', 'survival_curve' => q{'{1:1:0}'},
	'timestamp with time zone' => q{'2026-01-01'}, 'tstzmultirange' => q{'{[2026-01-01,2026-01-02)}'});
my (%got, $pairs);
for my $one (@aggregates)
{
	my ($transition, $combine, $serialize, $deserialize, $final, $types, $state) = @$one;
	my @values = map { $example{$_} . "::$_" } split /, /, $types;
	$values[-2] = q{'2026-02-01'::timestamptz} if $types =~ /timestamp.*timestamp.*, integer$/;
	$values[-3] = q{'2026-02-01'::timestamptz} if $types =~ /integer, tstzmultirange$/;
	my $values = join ', ', @values;
	for my $other (map { $_->[0] } grep { $_->[1] ne $combine && $_->[2] eq $state } @finals)
	{
		my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose
			CREATE AGGREGATE pg_temp.mixed ($types) (SFUNC = $transition, STYPE = $state, FINALFUNC = $other);
			SELECT pg_temp.mixed($values) FROM generate_series(1, 3);");
		$got{ $err =~ /ERROR:  (42804: this transition state is of another aggregate|22P03: serialized aggregate state is not valid)/ ? 'refused' : "$transition $other: $err" }++;
		$pairs++;
	}
	# one without a combine function never goes between processes
	for my $other (grep { $_ != $one && $_->[1] ne '-' && $combine ne '-' && $_->[6] eq $state } @aggregates)
	{
		my @parts = ([ $other->[1], $serialize, $deserialize ]);
		push @parts, [ $combine, $other->[2], $deserialize ], [ $combine, $serialize, $other->[3] ] if $state eq 'internal';
		for my $parts (@parts)
		{
			my $bytes = $state eq 'internal' ? "SERIALFUNC = $parts->[1], DESERIALFUNC = $parts->[2]," : '';
			my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose
				BEGIN;
				CREATE AGGREGATE public.mixed ($types) (SFUNC = $transition, STYPE = $state, FINALFUNC = $final, COMBINEFUNC = $parts->[0], $bytes PARALLEL = SAFE);
				SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
				SELECT public.mixed($values) IS NULL FROM provider_sessions;");
			$got{ $err =~ /ERROR:  (42804|22P03|22023): / ? 'refused' : "@$parts: $err" }++;
			$pairs++;
		}
	}
}
is($got{refused}, $pairs, "$pairs aggregates of parts that do not belong together are refused")
	or diag(join "\n", sort keys %got);

# A state of type bytea may be anybody's bytes: from an initial value, and as an argument of a
# final function that is called by nobody's aggregate
for my $bytes ('', '\\x00', '\\x3150764c00000000ffffffffffffff7f', '\\x3153764cffffffffffffffff', '\\x3153764c0000000000000010')
{
	for my $one (grep { $_->[6] eq 'bytea' } @aggregates)
	{
		my ($transition, $combine, undef, undef, $final, $types) = @$one;
		my $values = join ', ', map { $example{$_} . "::$_" } split /, /, $types;
		is($node->psql('postgres', qq{\\set VERBOSITY sqlstate
			CREATE AGGREGATE pg_temp.forged ($types) (SFUNC = $transition, STYPE = bytea, FINALFUNC = $final, INITCOND = '$bytes');
			SELECT pg_temp.forged($values)}, stderr => \my $err), 3, "$transition refuses bytes that are no state");
		like($err, qr/ERROR:  22P03/, 'as bytes that are not valid');
	}
}

$node->stop;
done_testing();
