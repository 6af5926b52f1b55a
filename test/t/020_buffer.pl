# The heartbeat buffer: what is emitted arrives once, whole and in order, or the
# caller is told; whatever the table, its triggers and its locks do meanwhile.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('buffer');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION liveness;
	CREATE DATABASE other;
	-- What happens to a heartbeat of this status: seconds of delay, then an error; but
	-- not to the first ones of a transaction
	CREATE TABLE faults (status text PRIMARY KEY, seconds float8 NOT NULL DEFAULT 0, errcode text, after int NOT NULL DEFAULT 0);
	CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		f public.faults;
	BEGIN
		SELECT * INTO f FROM public.faults WHERE faults.status = NEW.status;
		IF FOUND AND set_config('test.n', (coalesce(nullif(current_setting('test.n', true), ''), '0')::int + 1)::text, true)::int > f.after THEN
			PERFORM pg_sleep(f.seconds);
			IF f.errcode IS NOT NULL THEN
				RAISE EXCEPTION 'no room for %', NEW.status USING ERRCODE = f.errcode;
			END IF;
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER fault BEFORE INSERT ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION fault();
});
$node->safe_psql('other', 'CREATE EXTENSION liveness');

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub error_of
{
	my ($sql, $database) = @_;
	my $err = '';
	$node->psql($database // 'postgres', "\\set VERBOSITY verbose\n$sql", stderr => \$err);
	return $err;
}

# Emit n heartbeats, with arguments that may name g = 1, 2, 3 …; returns how many were taken
sub emit
{
	my ($n, $arguments) = @_;
	return query("SELECT count(*) FILTER (WHERE liveness_emit($arguments)) FROM generate_series(1, $n) g");
}

sub flush
{
	return query('SELECT liveness_flush()');
}

# Values of counters, in the order of their names
sub counts
{
	return query("SELECT string_agg(s.value::text, ' ' ORDER BY n) FROM unnest(string_to_array('@_', ' ')) WITH ORDINALITY u (name, n)
		JOIN liveness_stats s ON s.name = 'liveness_' || u.name");
}

sub await_count
{
	my ($name, $condition) = @_;
	$node->poll_query_until('postgres', "SELECT value $condition FROM liveness_stats WHERE name = 'liveness_$name'")
	  or die "liveness_$name did not become $condition";
	return;
}

# Nothing in the table, and counters at zero
sub start_over
{
	query('TRUNCATE provider_heartbeats, faults; SELECT liveness_stats_reset()');
	return;
}

# The worker has done all that was due, and sleeps
sub wait_for_rest
{
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'liveness worker' AND datname = 'postgres' AND wait_event_type = 'Extension'})
	  or die 'the worker does not come to rest';
	return;
}

# Bytes that the worker has allocated
sub worker_memory
{
	my $offset = -s $node->logfile;
	query(q{SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE backend_type = 'liveness worker'});
	$node->wait_for_log(qr/Grand total: \d+ bytes/, $offset);
	slurp_file($node->logfile, $offset) =~ /Grand total: (\d+) bytes/;
	return $1;
}

# A worker that tells of its memory was awake, and has looked at what is due
sub nudge
{
	worker_memory();
	wait_for_rest();
	return;
}

# Change settings at rest, so that the worker has them when this returns
sub set
{
	my (%value) = @_;
	while (my ($name, $value) = each %value)
	{
		$node->append_conf('postgresql.conf', "liveness.$name = '$value'\n");
	}
	wait_for_rest();
	$node->reload;
	while (my ($name, $value) = each %value)
	{
		$node->poll_query_until('postgres', "SELECT current_setting('liveness.$name') = '$value'")
		  or die "liveness.$name did not change";
	}
	nudge();
	return;
}

sub restart_with
{
	my ($settings) = @_;
	$node->append_conf('postgresql.conf', $settings);
	$node->restart;
	wait_for_rest();
	return;
}

# How often the log has something since an offset
sub logged
{
	my ($pattern, $offset) = @_;
	my @found = slurp_file($node->logfile, $offset) =~ /$pattern/g;
	return scalar @found;
}

sub lock_table
{
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; LOCK TABLE provider_heartbeats IN ACCESS EXCLUSIVE MODE');
	return $session;
}

sub unlock
{
	my ($session) = @_;
	$session->query_safe('COMMIT');
	$session->quit;
	return;
}

# Call liveness_flush in a session of its own, and return once it waits
sub begin_flush
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/flushing/, "\\echo flushing\nSELECT liveness_flush();\n");
	$node->poll_query_until('postgres', "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid") or die 'it does not wait';
	return $session;
}

# A flush that is asked for while nothing can be written
sub flush_in_vain
{
	my $failed = counts('flush_failed_total');
	error_of(q{SET statement_timeout = '500ms'; SELECT liveness_flush();});
	await_count('flush_failed_total', "> $failed");
	return;
}

# What it returned, or failed of
sub end_flush
{
	my ($session) = @_;
	my $result = $session->query('');
	my $err = $session->{stderr};
	$session->quit;
	return $err || $result;
}

# Heartbeats of providers 1, 2, 3 …: how many, and whether none is missing, doubled or out of turn
my $is_in_order = 'SELECT count(*), bool_and(provider_id::int = n) FROM (SELECT provider_id, row_number() OVER (ORDER BY id) AS n FROM provider_heartbeats) h';

# A server without the library, and one with no database for the worker
for my $call (q{liveness_emit('p')}, q{liveness_emit_batch('[]')}, 'liveness_flush()')
{
	my ($name) = $call =~ /^(\w+)/;
	like(error_of("SELECT $call;"), qr/ERROR:  55000: $name\(\) needs the heartbeat buffer, which is not there\nHINT:  .*shared_preload_libraries.*liveness\.database/,
		"$call: not preloaded");
}
like(error_of('SELECT * FROM liveness_stats;'), qr/ERROR:  55000: .*\nHINT:  .*shared_preload_libraries/, 'nor are there counters');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'liveness'\nliveness.scheduler = 'off'\n");
$node->restart;
for my $call (q{liveness_emit('p')}, q{liveness_emit_batch('[]')}, 'liveness_flush()')
{
	my ($name) = $call =~ /^(\w+)/;
	like(error_of("SELECT $call;"), qr/ERROR:  55000: $name\(\) needs the liveness worker, and liveness\.database is not set\nHINT:  Set liveness\.database = 'postgres'/,
		"$call: no liveness.database");
}
is(counts(qw(emitted_total dropped_total buffered)), '0 0 0', 'counters are there, and at zero');

# Only liveness_flush makes the worker write, unless a test says otherwise
restart_with("liveness.database = 'postgres'\nliveness.flush_interval = '1h'\nliveness.buffer_size = '16MB'\n");

# What goes in comes out
is(query(q{SELECT liveness_emit('p-1', 'serving', 0.25, 0.5, 'fair', 12.5, 3.75, 1.5, 'ready', 'llama-3', '{"slots": 4}', '2026-01-02 03:04:05.678901+00')}),
	't', 'emitted, with all twelve arguments');
is(query('SELECT count(*) FROM provider_heartbeats'), 0, 'before it is written it is not there');
is(flush(), 1, 'flushed');
my $columns = 'provider_id, status, memory_pressure, cpu_usage, thermal_state, memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, backend_state, active_model, capacity, at';
is(query("SELECT $columns FROM provider_heartbeats"),
	'p-1|serving|0.25|0.5|fair|12.5|3.75|1.5|ready|llama-3|{"slots": 4}|2026-01-02 03:04:05.678901+00', 'each is in its column');
is(counts(qw(emitted_total dropped_total flush_rows_total flush_failed_total rows_set_aside_total buffered buffer_high_water)), '1 0 1 0 0 0 1', 'and counted');
is(flush(), 0, 'nothing is left to flush');

query(q{TRUNCATE provider_heartbeats; BEGIN; INSERT INTO provider_heartbeats (provider_id) VALUES ('p'); SELECT liveness_emit('p'); COMMIT; SELECT liveness_flush()});
is(query(q{SELECT count(*), count(DISTINCT to_jsonb(h) - 'id') FROM provider_heartbeats h}), '2|1', 'defaults are those of an INSERT');

# Drivers bind floating-point numbers as float8, and send NULL for what they lack
start_over();
query(q{
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', '2026-01-01 00:00+00');
	PREPARE beat (text, text, float8, float8, text, float8, float8, float8, text, text, jsonb, timestamptz) AS
		SELECT liveness_emit(provider_id => $1, status => $2, memory_pressure => $3, cpu_usage => $4, thermal_state => $5, memory_available_gb => $6,
			gpu_memory_active_gb => $7, gpu_memory_cache_gb => $8, backend_state => $9, active_model => $10, capacity => $11, at => $12);
	EXECUTE beat ('p', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-01 00:00+00');
	EXECUTE beat ('now', NULL, 1e-50, -1e-300, NULL, 0.1, 'NaN', '-Infinity', NULL, NULL, NULL, NULL);
	SELECT liveness_flush();
});
is(query(q{SELECT count(*), count(DISTINCT to_jsonb(h) - 'id') FROM provider_heartbeats h WHERE provider_id = 'p'}), '2|1', 'NULL is the default of a column that takes none');
is(query(q{SELECT memory_pressure, cpu_usage, memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, at BETWEEN now() - interval '1 hour' AND now() FROM provider_heartbeats WHERE provider_id = 'now'}),
	'0|0|0.1|NaN|-Infinity|t', 'numbers are narrowed as a cast does; what is too small is 0');

# In each row of "given" something is special.  Its larger values are compressed, or
# out of line, so that they have to be fetched.
start_over();
query(qq{
	CREATE TABLE given AS SELECT $columns FROM provider_heartbeats;
	INSERT INTO given VALUES
		('plain', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '{}', '2026-01-01 00:00+00'),
		('nulls', 'a', 1, 2, 'b', NULL, NULL, NULL, 'c', 'd', NULL, '2026-01-01 00:00+00'),
		('null 1', 'a', 1, 2, 'b', NULL, 4, 5, 'c', 'd', '{}', '2026-01-01 00:00+00'),
		('null 2', 'a', 1, 2, 'b', 3, NULL, 5, 'c', 'd', '{}', '2026-01-01 00:00+00'),
		('null 3', 'a', 1, 2, 'b', 3, 4, NULL, 'c', 'd', '{}', '2026-01-01 00:00+00'),
		('null 4', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', NULL, '2026-01-01 00:00+00'),
		('', '', 0, 0, '', 0, 0, 0, '', '', '""', '2026-01-01 00:00+00'),
		('reals', 'a', 'NaN', 'Infinity', 'b', '-Infinity', 1e-45, -3.4e38, 'c', 'd', '{}', '2026-01-01 00:00+00'),
		('first', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '{}', '-infinity'),
		('last', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '{}', 'infinity'),
		('earliest', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '{}', '4714-11-24 00:00:00+00 BC'),
		('latest', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '{}', '294276-12-31 23:59:59.999999+00'),
		(U&'Gr\\00F6\\00DFe', U&'\\65E5\\672C\\8A9E', 1, 2, U&'\\+01F6F0', 3, 4, 5, E'quo''te\\\\\\n\\t', '{braces,"x"}', U&'{"\\00E9": "\\65E5"}', '2026-01-01 00:00+00'),
		('json null', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', 'null', '2026-01-01 00:00+00'),
		('json', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd', '[1.5e300, -0.1, true, [], {"a": [{"b": null}]}, "x"]', '2026-01-01 00:00+00'),
		('long', repeat('long ', 10000), 1, 2, 'b', 3, 4, 5, 'c', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i), '{}', '2026-01-01 00:00+00'),
		('capacity', 'a', 1, 2, 'b', 3, 4, 5, 'c', 'd',
			(SELECT jsonb_object_agg('model-' || i, jsonb_build_object('slots', i % 7, 'tokens_per_second', i * 1.25)) FROM generate_series(101, 220) i),
			'2026-01-01 00:00+00');
});
# 120 entries of '"model-101": {"slots": 3, "tokens_per_second": 126.25}' and a comma are some 55 characters each
is(query(q{SELECT length(capacity::text) BETWEEN 6000 AND 7000 FROM given WHERE provider_id = 'capacity'}), 't', 'a capacity document of 6 kB');
is(query("SELECT count(*) FILTER (WHERE liveness_emit($columns)) FROM given"), 17, 'values of all kinds are taken');
is(flush(), 17, 'and written');
is(query("SELECT provider_id FROM (TABLE given EXCEPT ALL SELECT $columns FROM provider_heartbeats) lost"), '', 'unchanged');
is(query("SELECT provider_id FROM (SELECT $columns FROM provider_heartbeats EXCEPT ALL TABLE given) added"), '', 'with nothing besides');

# The same rows by one call: JSON has no NaN, no infinities and no precise jsonb null
start_over();
is(query(q{SELECT liveness_emit_batch(jsonb_agg(to_jsonb(g) || CASE provider_id WHEN 'json null' THEN '{"capacity": {"a": null}}' ELSE '{}'::jsonb END ORDER BY n))
	FROM (SELECT g, row_number() OVER () AS n, g.provider_id FROM given g) g (g, n, provider_id)}), 17, 'a batch of values of all kinds is taken');
is(flush(), 17, 'and written');
query(q{UPDATE given SET capacity = '{"a": null}' WHERE provider_id = 'json null'});
is(query("SELECT provider_id FROM (TABLE given EXCEPT ALL SELECT $columns FROM provider_heartbeats) lost"), '', 'unchanged');
is(query("SELECT provider_id FROM (SELECT $columns FROM provider_heartbeats EXCEPT ALL TABLE given) added"), '', 'with nothing besides');
start_over();
query(q{
	INSERT INTO provider_heartbeats (provider_id, at) VALUES ('p', '2026-01-01 00:00+00');
	SELECT liveness_emit_batch('[{"provider_id": "p", "at": "2026-01-01T00:00:00Z"}, {"at": "2026-01-01 01:00+01", "provider_id": "p", "status": null, "memory_pressure": null,
		"cpu_usage": null, "thermal_state": null, "memory_available_gb": null, "gpu_memory_active_gb": null, "gpu_memory_cache_gb": null, "backend_state": null,
		"active_model": null, "capacity": null}]');
	SELECT liveness_emit_batch('[{"provider_id": "now", "memory_pressure": 1e-50, "cpu_usage": -1e-400, "memory_available_gb": "0.1", "gpu_memory_active_gb": "NaN", "gpu_memory_cache_gb": "-Infinity", "at": null}]');
	SELECT liveness_flush();
});
is(query(q{SELECT count(*), count(DISTINCT to_jsonb(h) - 'id') FROM provider_heartbeats h WHERE provider_id = 'p'}), '3|1', 'a key that is null or left out is the default');
is(query(q{SELECT memory_pressure, cpu_usage, memory_available_gb, gpu_memory_active_gb, gpu_memory_cache_gb, at BETWEEN now() - interval '1 hour' AND now() FROM provider_heartbeats WHERE provider_id = 'now'}),
	'0|0|0.1|NaN|-Infinity|t', 'numbers may be strings; what is too small is 0');
is(query(q{SELECT liveness_emit_batch((SELECT jsonb_agg(jsonb_build_object('provider_id', g::text)) FROM generate_series(1, 5000) g)), liveness_emit_batch('[]')}), '5000|0', '5,000, and none');
flush();
is(query("SELECT n, ordered FROM (SELECT count(*), bool_and(provider_id = n::text) FROM (SELECT provider_id, row_number() OVER (ORDER BY id) AS n FROM provider_heartbeats WHERE provider_id ~ '^[0-9]') h) a (n, ordered)"),
	'5000|t', 'in their order');

# Not transactional
start_over();
query(q{BEGIN; SELECT liveness_emit('rolled back'); ROLLBACK});
query(q{BEGIN; SAVEPOINT s; SELECT liveness_emit('rolled back to'); ROLLBACK TO s; SELECT liveness_emit('after'); COMMIT});
like(error_of(q{BEGIN; SELECT liveness_emit('failed'); SELECT 1 / 0;}), qr/ERROR:  22012/, 'a transaction that fails after it has emitted');
is(flush(), 4, 'what was emitted is emitted');
is(query(q{SELECT string_agg(provider_id, ', ' ORDER BY id) FROM provider_heartbeats}), 'rolled back, rolled back to, after, failed', 'whatever became of the transaction');

# The interval, and the order, though batches of 37 are written while emits go on
start_over();
set(flush_interval => '100ms', batch_size => 37);
is(emit(1, "'p'"), 1, 'a heartbeat that nobody flushes');
await_count('flush_rows_total', '= 1');
is(query('SELECT count(*) FROM provider_heartbeats'), 1, 'is written within liveness.flush_interval');
start_over();
is(emit(1000, 'g::text'), 1000, '1,000 heartbeats of one session');
flush();
is(query($is_in_order), '1000|t', 'their ids are in the order of the emits');
is(query('SELECT max(n) FROM (SELECT count(*) AS n FROM provider_heartbeats GROUP BY xmin::text) batch'), 37, 'in batches of liveness.batch_size');
set(flush_interval => '1h', batch_size => 500);

# Errors.  What is refused is neither in the buffer nor counted.
restart_with("liveness.buffer_size = '64kB'\n");
start_over();
like(error_of('SELECT liveness_emit(NULL);'), qr/ERROR:  23502: provider_id of a heartbeat must not be NULL\nHINT: /, 'provider_id must not be NULL');
for my $column (qw(memory_pressure cpu_usage memory_available_gb gpu_memory_active_gb gpu_memory_cache_gb))
{
	# the largest real is 3.4028235e38
	like(error_of("SELECT liveness_emit('p', $column => $_);"), qr/ERROR:  22003: $column of a heartbeat is out of range: \Q$_\E\nHINT: /, "$column beyond real: $_")
	  for '3.5e+38', '-3.5e+38', '1e+300';
}
like(error_of(q[SELECT liveness_emit('p', capacity => '{bad');]), qr/ERROR:  22P02: /, 'invalid jsonb');
like(error_of(q[SELECT liveness_emit('p', capacity => repeat('{bad', 2)::jsonb);]), qr/ERROR:  22P02: /, 'by a cast');
# 112 bytes and 1 + 102,400 of text are 102,513, rounded up to a multiple of 8
like(error_of(q{SELECT liveness_emit('p', repeat('x', 102400));}),
	qr/ERROR:  54000: a heartbeat of 102520 bytes does not fit into the buffer of 65536 bytes\nHINT: .*liveness\.buffer_size/, 'a heartbeat larger than the buffer');
like(error_of(q{SELECT liveness_emit('p', repeat('x', 65424));}), qr/ERROR:  54000: a heartbeat of 65544 bytes /, 'by a byte');
like(error_of(q{BEGIN READ ONLY; SELECT liveness_emit('p');}), qr/ERROR:  25006: cannot execute liveness_emit\(\) in a read-only transaction/, 'a read-only transaction');
for my $call (q{liveness_emit('p')}, q{liveness_emit_batch('[]')}, 'liveness_flush()')
{
	my ($name) = $call =~ /^(\w+)/;
	like(error_of("SELECT $call;", 'other'),
		qr/ERROR:  55000: $name\(\) cannot be used in database "other"\nDETAIL:  .*"postgres" \(liveness\.database\).*\nHINT:  .*insert into provider_heartbeats/, "$call: in another database");
}
query('CREATE ROLE stranger; CREATE ROLE writer; SELECT liveness_grant_writer($$writer$$)');
like(error_of("SET ROLE stranger; SELECT $_;"), qr/ERROR:  42501: permission denied for function/, "$_: without privilege")
  for q{liveness_emit('p')}, q{liveness_emit_batch('[]')}, 'liveness_flush()';
like(error_of('SET ROLE stranger; SELECT * FROM liveness_stats;'), qr/ERROR:  42501: permission denied/, 'liveness_stats: without privilege');
# A batch with a fault is refused whole, and the error says where
my $good = '{"provider_id": "p"}';
for my $case (
	[ '{"provider_id": null}' => '23502', 'provider_id of heartbeats\[1\] must not be NULL' ],
	[ '{}' => '23502', 'provider_id of heartbeats\[1\] must not be NULL' ],
	[ '{"provider_id": 7}' => '22023', 'provider_id of heartbeats\[1\] must be a string, and is of JSON\'s type number' ],
	[ '{"provider_id": "p", "cpu": 1}' => '22023', 'heartbeats\[1\] has the unknown key "cpu"' ],
	[ '{"provider_id": "p", "id": 1}' => '22023', 'heartbeats\[1\] has the unknown key "id"' ],
	[ '{"provider_id": "p", "cpu_usage": true}' => '22023', 'cpu_usage of heartbeats\[1\] must be a number, and is of JSON\'s type boolean' ],
	[ '{"provider_id": "p", "cpu_usage": "half"}' => '22023', 'cpu_usage of heartbeats\[1\] is malformed: "half"' ],
	[ '{"provider_id": "p", "status": ["a"]}' => '22023', 'status of heartbeats\[1\] must be a string, and is of JSON\'s type array' ],
	[ '{"provider_id": "p", "at": 1767225600}' => '22023', 'at of heartbeats\[1\] must be a string, and is of JSON\'s type number' ],
	[ '{"provider_id": "p", "at": "soon"}' => '22023', 'at of heartbeats\[1\] is malformed: "soon"' ],
	[ '{"provider_id": "p", "at": "294277-01-01"}' => '22023', 'at of heartbeats\[1\] is malformed: "294277-01-01"' ],
	[ '{"provider_id": "p", "cpu_usage": -3.5e38}' => '22003', 'cpu_usage of heartbeats\[1\] is out of range: -3.5e\+38' ],
	[ '{"provider_id": "p", "cpu_usage": 1e400}' => '22003', 'cpu_usage of heartbeats\[1\] is out of range: 1e\+400' ],
	[ '{"provider_id": "p", "cpu_usage": "1e400"}' => '22003', 'cpu_usage of heartbeats\[1\] is out of range: 1e400' ],
	[ q({"provider_id": "p", "status": ") . 'x' x 102400 . q("}) => '54000', 'heartbeats\[1\] of 102520 bytes does not fit into the buffer of 65536 bytes' ],
	[ '7' => '22023', 'heartbeats\[1\] must be an object, and is of JSON\'s type number' ],
	[ '[]' => '22023', 'heartbeats\[1\] must be an object, and is of JSON\'s type array' ])
{
	my ($bad, $code, $message) = @$case;
	like(error_of("SELECT liveness_emit_batch(\$\$[$good, $bad, $good]\$\$);"), qr/ERROR:  $code: $message/, 'a batch with ' . substr($bad, 0, 60));
}
like(error_of("SELECT liveness_emit_batch(\$\$$_\$\$);"), qr/ERROR:  22023: heartbeats must be an array of objects/, "no batch: $_") for '{}', '7', 'null', '"x"';
like(error_of('SELECT liveness_emit_batch(NULL);'), qr/ERROR:  22004: heartbeats must not be NULL/, 'nor is NULL');
is(counts(qw(emitted_total dropped_total buffered buffer_high_water)), '0 0 0 0', 'nothing of all that was taken');
is(query(q{SET ROLE writer; SELECT liveness_emit('p'), liveness_flush()}), 't|1', 'a writer may');
for my $mode ('SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE')
{
	like(error_of("BEGIN; LOCK TABLE provider_heartbeats IN $mode MODE; SELECT liveness_emit('p'); SELECT liveness_flush();"),
		qr/ERROR:  55000: liveness_flush\(\) would wait for a lock on provider_heartbeats that this transaction holds\nHINT: /, "own lock: $mode");
}
is(flush(), 4, 'which does not wait, so that the transaction ends, and what it emitted can be written');
is(query("BEGIN; LOCK TABLE provider_heartbeats IN $_ MODE; SELECT liveness_emit('p'), liveness_flush(); COMMIT"), 't|1', "own lock, which the worker gets past: $_")
  for 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE';

# A lock on a partition keeps the worker out just as well, and so does one on anything
# else that the INSERT needs
query('ALTER TABLE provider_heartbeats RENAME TO plain; CREATE TABLE provider_heartbeats (LIKE plain INCLUDING DEFAULTS) PARTITION BY RANGE (at);
	CREATE TABLE part PARTITION OF provider_heartbeats DEFAULT PARTITION BY LIST (provider_id); CREATE TABLE leaf PARTITION OF part DEFAULT');
for my $table ('part', 'leaf')
{
	for my $mode ('SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE')
	{
		# without ONLY, the lock is on the partitions, too
		like(error_of("BEGIN; LOCK TABLE ONLY $table IN $mode MODE; SELECT liveness_emit('p'); SET LOCAL statement_timeout = '100s'; SELECT liveness_flush();"),
			qr/ERROR:  55000: liveness_flush\(\) would wait for a lock on $table that this transaction holds\nHINT: /, "own lock on partition $table: $mode");
	}
}
is(flush(), 8, 'what was emitted can be written then');
like(error_of(q{BEGIN; CREATE UNIQUE INDEX once ON leaf (status) WHERE status = 'once'; COMMIT; BEGIN; INSERT INTO leaf (provider_id, status) VALUES ('p', 'once');
	SELECT liveness_emit('p', 'once'); SET LOCAL statement_timeout = '100s'; SELECT liveness_flush();}),
	qr/ERROR:  55000: liveness_flush\(\) would wait for a lock that this transaction holds\nHINT: /, 'a key of an own row');
flush();
query('DROP TABLE provider_heartbeats; ALTER TABLE plain RENAME TO provider_heartbeats');

# A heartbeat of 112 + 1 + 65,423 bytes is as large as the buffer, wherever in the
# ring it begins
start_over();
{
	# the worker would be quick to make room
	my $locker = lock_table();
	is(query(q{SELECT liveness_emit('p', repeat('x', 65423)), liveness_emit('q')}), 't|f', 'a heartbeat that fills the buffer leaves no room for another');
	unlock($locker);
	await_count('buffered', '= 0');
	$locker = lock_table();
	is(query(q{SELECT liveness_emit('q'), liveness_emit('p', repeat('y', 65423))}), 't|f', 'nor is there room for it with another');
	unlock($locker);
	await_count('buffered', '= 0');
	pass('a drop has the worker make room');
}
is(query(q{SELECT liveness_emit('p', repeat('y', 65000) || repeat('z', 423))}), 't', 'and gives room');
flush();
is(query(q{SELECT provider_id, length(status), left(status, 1), right(status, 1) FROM provider_heartbeats ORDER BY id}), "p|65423|x|x\nq|0||\np|65423|y|z", 'all three are whole');
is(counts(qw(emitted_total dropped_total buffer_high_water)), '3 2 1', 'and the two that were not taken are counted');

# A full buffer.  With a provider_id of 16 bytes a heartbeat takes 112 + 16 = 128:
# 64 kB hold 512.
my $sixteen = q{lpad(g::text, 16, '0')};
set(flush_interval => '10ms', flush_timeout => '50ms');
start_over();
{
	my $offset = -s $node->logfile;
	my $locker = lock_table();
	# a session that waited for the table would run into the timeout
	is(query(qq{SET statement_timeout = '30s';
		WITH e AS MATERIALIZED (SELECT g, liveness_emit($sixteen) AS taken FROM generate_series(1, 1536) g)
		SELECT count(*) FILTER (WHERE taken), max(g) FILTER (WHERE taken), count(*) FILTER (WHERE NOT taken) FROM e}),
		'512|512|1024', 'the table is locked: 512 heartbeats are taken, and then no more');
	is(logged(qr/LOG:  heartbeat buffer is full, 1 heartbeats were dropped so far\n.*HINT:  .*liveness\.buffer_size \(now 64 kB\)/, $offset), 1, 'the first drop is logged');
	is(logged(qr/LOG:  heartbeat buffer is full/, $offset), 1, 'the next 1,023 are not');
	is(query(q{SELECT liveness_emit('p')}), 'f', 'one more');
	is(logged(qr/LOG:  heartbeat buffer is full, 1025 heartbeats were dropped so far/, $offset), 1, 'is logged again');
	is(logged(qr/LOG:  heartbeat buffer is full/, $offset), 2, 'once');
	is(counts(qw(emitted_total dropped_total flush_rows_total rows_set_aside_total buffered buffer_high_water)), '512 1025 0 0 512 512', 'all are counted');

	# The worker tries again and again, and keeps nothing from it: a batch is some 100 kB
	await_count('flush_failed_total', '>= 2');
	my $memory = worker_memory();
	await_count('flush_failed_total', '>= 7');
	cmp_ok(worker_memory() - $memory, '<', 512 * 1024, 'memory of the worker does not grow by failing');
	cmp_ok(logged(qr/WARNING:  could not write heartbeats from the buffer: canceling statement due to statement timeout/, $offset), '>=', 7, 'the log says what failed');
	is(counts(qw(emitted_total dropped_total flush_rows_total rows_set_aside_total buffered)), '512 1025 0 0 512', 'all that was taken is still there');

	# from here on a slow machine has time
	$node->append_conf('postgresql.conf', "liveness.flush_timeout = '30s'\n");
	$node->reload;
	my $flush = begin_flush();
	unlock($locker);
	# after so many failures the worker waits for seconds, unless it is asked
	flush();
	is(end_flush($flush), 512, 'when the lock is gone, they are written');
	# but for some that were tried alone while the lock was there
	is(query('SELECT count(*), count(DISTINCT provider_id) FROM provider_heartbeats'), '512|512', 'each once');
	is(counts(qw(emitted_total dropped_total flush_rows_total rows_set_aside_total buffered buffer_high_water)), '512 1025 512 0 0 512', 'none is left');
	is(emit(1, "'513'"), 1, 'there is room again');
	flush();
}

# A batch into the same buffer: what finds no room is dropped from there on, though the last would fit
start_over();
{
	my $offset = -s $node->logfile;
	my $locker = lock_table();
	is(query(qq{SELECT liveness_emit_batch(jsonb_agg(jsonb_build_object('provider_id', $sixteen, 'status', CASE g WHEN 501 THEN repeat('x', 2000) ELSE '' END) ORDER BY g)) FROM generate_series(1, 600) g}),
		500, 'of 600 heartbeats in a batch 500 are taken, before one of 2,000 bytes');
	is(query(qq{SELECT liveness_emit_batch(jsonb_agg(jsonb_build_object('provider_id', $sixteen) ORDER BY g)) FROM generate_series(501, 540) g}), 12, 'of 40 more, 12');
	is(query(qq{SELECT liveness_emit_batch(jsonb_agg(jsonb_build_object('provider_id', $sixteen) ORDER BY g)) FROM generate_series(1, 3000) g}), 0, 'and of 3,000, none');
	is(counts(qw(emitted_total dropped_total buffered)), '512 3128 512', 'all are counted');
	is(logged(qr/LOG:  heartbeat buffer is full, (?:100|3128) heartbeats were dropped so far/, $offset), 2, 'the log tells of the first, and of the first of each 1,024 more');
	is(logged(qr/LOG:  heartbeat buffer is full/, $offset), 2, 'and of no other');
	unlock($locker);
	flush();
	is(query('SELECT count(*), min(provider_id)::int, max(provider_id)::int, count(DISTINCT provider_id) FROM provider_heartbeats'), '512|1|512|512', 'those taken are written');
}

# The ring, some hundreds of times around: heartbeats of all sizes, with their checksums.
# What finds no room is flushed and emitted again.
set(flush_interval => '100ms', flush_timeout => '30s');
start_over();
query(q{
	CREATE FUNCTION payload(g int, size int) RETURNS text LANGUAGE sql AS $$
		SELECT left(repeat(U&'\00E9', g % 5) || string_agg(md5(g || ' ' || i), ''), size) FROM generate_series(0, size / 32) i
	$$;
	CREATE FUNCTION emit_payloads(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		payload text;
		capacity jsonb;
		dropped int := 0;
	BEGIN
		PERFORM setseed(0.5);
		FOR g IN 1 .. n LOOP
			payload := public.payload(g, (random() * 20000)::int);
			capacity := CASE WHEN g % 3 > 0 THEN jsonb_build_object('n', g, 'payload', public.payload(g, (random() * 2000)::int)) END;
			WHILE NOT public.liveness_emit(g::text, md5(payload), g, active_model => payload, capacity => capacity, backend_state => coalesce(md5(capacity::text), '')) LOOP
				dropped := dropped + 1;
				PERFORM public.liveness_flush();
			END LOOP;
		END LOOP;
		RETURN dropped;
	END $$;
});
my $dropped = query('SELECT emit_payloads(1500)');
flush();
is(query($is_in_order), '1500|t', '1,500 heartbeats of 0 to 20 kB through a ring of 64 kB, in order');
is(query('SELECT count(*) FROM provider_heartbeats WHERE status <> md5(active_model) OR backend_state <> coalesce(md5(capacity::text), $$$$) OR memory_pressure <> provider_id::int'), 0, 'whole');
is(query('SELECT sum(112 + octet_length(active_model)) / 65536 > 200 FROM provider_heartbeats'), 't', 'which is more than 200 times around');
await_count('flush_rows_total', '= 1500');
is(counts(qw(emitted_total dropped_total flush_failed_total rows_set_aside_total buffered)), "1500 $dropped 0 0 0", 'the drops were counted, and nothing else');
query('TRUNCATE provider_heartbeats');

# From here on the worker is not woken by bytes
restart_with("liveness.buffer_size = '1MB'\n");

# A timeout: nothing is lost, and nothing written twice.
set(flush_interval => '1h', flush_timeout => '200ms');
start_over();
query(q{INSERT INTO faults VALUES ('slow', 1)});
is(emit(10, q{g::text, CASE WHEN g = 10 THEN 'slow' ELSE '' END}), 10, 'ten heartbeats, of which the last takes a second to write');
{
	my $flush = begin_flush();
	await_count('flush_rows_total', '= 9');
	is(query(q{SELECT count(*) FROM provider_heartbeats WHERE status = 'slow'}), 0, 'which is more than liveness.flush_timeout = 200ms');
	is(counts(qw(emitted_total flush_rows_total flush_failed_total rows_set_aside_total buffered)), '10 9 0 0 1', 'the others are written, and no heartbeat is lost');
	query('DELETE FROM faults');
	is(end_flush($flush), 10, 'without the fault it is tried again, though nobody asks');
}
is(query($is_in_order), '10|t', 'all are written, once');
is(counts(qw(emitted_total flush_rows_total flush_failed_total buffered)), '10 10 0 0', 'as counted');

# The third of a batch does not come to an end
start_over();
query(q{INSERT INTO faults (status, seconds, after) VALUES ('slow', 1e6, 2)});
is(emit(8, q{g::text, 'slow'}), 8, 'eight heartbeats, which take too long together');
set(flush_interval => '10ms', flush_timeout => '1s');
flush();
is(query($is_in_order), '8|t', 'are written in smaller batches');
is(query('SELECT max(n) <= 2 FROM (SELECT count(*) AS n FROM provider_heartbeats GROUP BY xmin::text) batch'), 't', 'of two at most');
await_count('flush_rows_total', '= 8');
is(counts(qw(flush_failed_total rows_set_aside_total)), '0 0', 'which is no failure');

# Each batch that is written lets the next be twice as large.  From 1, 2, 4 or 8 on, 500
# heartbeats leave in batches up to 128, which are 255, 254, 252 or 248, and one of the rest.
set(flush_interval => '1h', flush_timeout => '30s');
start_over();
is(emit(500, 'g::text'), 500, '500 heartbeats, which are no longer slow');
flush();
is(query('SELECT max(n) >= 245 FROM (SELECT count(*) AS n FROM provider_heartbeats GROUP BY xmin::text) batch'), 't', 'are written in larger batches again');

# One heartbeat of 300 violates a constraint
start_over();
query(q{ALTER TABLE provider_heartbeats ADD CONSTRAINT no_poison CHECK (status <> 'poison')});
is(emit(300, q{'p' || g, CASE WHEN g = 137 THEN 'poison' ELSE '' END, at => timestamptz '2026-01-01 00:00+00' + g * interval '1 second'}), 300, '300 heartbeats, one of which cannot be inserted');
{
	my $offset = -s $node->logfile;
	is(flush(), 299, 'all but that one are written');
	is(query('SELECT count(*), count(DISTINCT provider_id), count(*) FILTER (WHERE provider_id = $$p137$$) FROM provider_heartbeats'), '299|299|0', 'once');
	is(counts(qw(emitted_total flush_rows_total flush_failed_total rows_set_aside_total buffered)), '300 299 0 1 0', 'it is set aside, and counted');
	# 137 seconds are 2 minutes and 17
	is(logged(qr/WARNING:  set aside 1 of 300 heartbeats, which cannot be inserted\n.*DETAIL:  The first is of provider "p137" at 2026-01-01 00:02:17(?:\.0*)?(?:\+00| UTC): new row for relation "provider_heartbeats" violates check constraint "no_poison"/, $offset), 1, 'and named in the log')
	  or diag(slurp_file($node->logfile, $offset));
}
query('ALTER TABLE provider_heartbeats DROP CONSTRAINT no_poison');

# An error of plpgsql, for 5 of 200: 40, 80, 120, 160, 200
sub poison
{
	my ($errcode, $condition) = @_;
	start_over();
	query("INSERT INTO faults VALUES ('poison', 0, '$errcode')");
	is(emit(200, "g::text, CASE WHEN $condition THEN 'poison' ELSE '' END"), 200, "200 heartbeats: $errcode where $condition");
	return;
}
poison('P0001', 'g % 40 = 0');
is(flush(), 195, 'the other 195 are written');
is(query('SELECT count(*), count(DISTINCT provider_id), count(*) FILTER (WHERE provider_id::int % 40 = 0) FROM provider_heartbeats'), '195|195|0', 'once');
is(counts(qw(flush_rows_total flush_failed_total rows_set_aside_total buffered)), '195 0 5 0', 'and five set aside');

# Errors that may be the table's or the moment's, each of a provider of its own, and one
# whose heartbeats take longer than there is time.  They stand first, and go on to come.
set(flush_timeout => '200ms');
start_over();
{
	my @states = qw(08006 25006 40001 40P01 42501 42P01 53100 53200 55000 55P03 57014 57P01 58030 HV000 XX000 XX001);
	query("INSERT INTO faults VALUES ('$_', 0, '$_')") for @states;
	query(q{INSERT INTO faults VALUES ('sleeps', 3600)});
	my $n = @states;
	my $emit_bad = "SELECT count(*) FILTER (WHERE liveness_emit('bad ' || status, status)) FROM faults";
	is(query($emit_bad), $n + 1, 'a heartbeat of each');
	is(emit(200, 'g::text'), 200, '200 others');
	is(emit(3, q{'bad XX000', at => now() + g * interval '1 second'}), 3, 'and some of a provider with a bad one');
	my $flush = begin_flush();
	await_count('flush_rows_total', '= 203');
	is(query('SELECT count(DISTINCT provider_id) FROM provider_heartbeats'), 201, 'the others are written');
	is(counts(qw(dropped_total rows_set_aside_total)), '0 0', 'before the bad ones, whose error may pass, are set aside');
	query($emit_bad);
	is(emit(200, '(200 + g)::text'), 200, '200 more');
	# the bad ones are given half a minute
	like(end_flush($flush), qr/^\d+$/, 'who waits for all gets an answer');
	flush();
	is(query('SELECT count(*), count(DISTINCT provider_id) FROM provider_heartbeats'), '403|401', 'all others are written, once');
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), '403 ' . (2 * $n + 2) . ' 0', 'the bad ones are set aside');
}

# An error that passes costs nothing
start_over();
query(q{INSERT INTO faults VALUES ('full', 0, '53100'), ('locked', 0, '55P03')});
is(emit(100, q{g::text, CASE WHEN g % 10 = 0 THEN 'full' WHEN g % 10 = 5 THEN 'locked' ELSE '' END}), 100, '100 heartbeats, 20 of which cannot be inserted for now');
{
	my $flush = begin_flush();
	await_count('flush_rows_total', '= 80');
	query('DELETE FROM faults');
	# some may have been written before it began to wait
	like(end_flush($flush), qr/^\d+$/, 'are all written in the end');
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), '100 0 0', 'none is set aside');
}

# So does one of the table, of whatever class, however long it lasts
start_over();
query(q{INSERT INTO faults VALUES ('all', 0, 'XX000')});
is(emit(300, q{(g % 50)::text, 'all'}), 300, '300 heartbeats, none of which can be inserted');
{
	my $flush = begin_flush();
	await_count('flush_failed_total', '= 1');
	flush_in_vain() for 1 .. 3;
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), '0 0 300', 'all stay');
	query('DELETE FROM faults');
	flush();
	is(end_flush($flush), 300, 'until they can');
	is(query('SELECT count(*), count(DISTINCT at) FROM provider_heartbeats'), '300|1', 'each once');
}
set(flush_timeout => '30s');

# A fault of the table that looks like one of each row: a new column that nobody fills
start_over();
query('ALTER TABLE provider_heartbeats ADD COLUMN site int NOT NULL');
is(emit(300, 'g::text'), 300, '300 heartbeats, none of which can be inserted');
{
	my $flush = begin_flush();
	await_count('flush_failed_total', '= 1');
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), '0 0 300', 'none of many goes in: none is set aside');
	query('ALTER TABLE provider_heartbeats DROP COLUMN site');
	is(flush(), 300, 'all are written once the table takes them');
	is(end_flush($flush), 300, 'and who waited hears of it');
}

# Few, with nothing to judge them by, are taken at their word
start_over();
query(q{ALTER TABLE provider_heartbeats ADD CONSTRAINT no_poison CHECK (status <> 'poison')});
is(emit(3, q{g::text, 'poison'}), 3, 'three heartbeats by themselves that a CHECK refuses');
is(flush(), 0, 'none is written');
is(counts(qw(flush_failed_total rows_set_aside_total buffered)), '0 3 0', 'they are set aside');
query('ALTER TABLE provider_heartbeats DROP CONSTRAINT no_poison');

# One that is a duplicate only of another in its batch; and an error that waits for the commit
start_over();
query('CREATE UNIQUE INDEX once ON provider_heartbeats (active_model)');
is(emit(20, q{g::text, active_model => (g % 19)::text}), 20, 'the 20th of 20 heartbeats is a duplicate of the first');
is(flush(), 19, 'the others are written');
query('DROP INDEX once');
query(q{INSERT INTO faults VALUES ('poison', 0, '23514'); ALTER TABLE provider_heartbeats DISABLE TRIGGER fault;
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON provider_heartbeats DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fault()});
is(emit(20, q{g::text, CASE WHEN g = 7 THEN 'poison' ELSE '' END}), 20, 'a deferred constraint refuses the seventh of 20');
is(flush(), 19, 'the others are written');
is(counts(qw(flush_rows_total flush_failed_total rows_set_aside_total buffered)), '38 0 2 0', 'one and one set aside');
query('DROP TRIGGER late ON provider_heartbeats; ALTER TABLE provider_heartbeats ENABLE TRIGGER fault');

# A fault of the table is nobody's: with more rows, and with fewer, than it takes to see it
my $break = q{
	CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM public.no_such_function(); RETURN NEW; END$$;
	CREATE TRIGGER broken BEFORE INSERT ON provider_heartbeats FOR EACH ROW EXECUTE FUNCTION broken();
};
my $mend = 'DROP FUNCTION broken() CASCADE';
for my $n (20, 3)
{
	start_over();
	query($break);
	is(emit($n, 'g::text'), $n, "$n heartbeats, and a trigger that fails for each");
	my $offset = -s $node->logfile;
	my $flush = begin_flush();
	await_count('flush_failed_total', '= 1');
	wait_for_rest();
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), "0 0 $n", 'none is set aside');
	is(logged(qr/WARNING:  could not write heartbeats from the buffer: function public\.no_such_function\(\) does not exist/, $offset), 1, 'the log says what is wrong');
	query($mend);
	is(flush(), $n, 'once the trigger is gone, all are written');
	is(end_flush($flush), $n, 'and the flush that waited is done');
	is(query($is_in_order), "$n|t", 'once, in order');
}

# liveness_flush returns how many of those it waited for were written, whatever becomes
# of others that came later: here five that are set aside
start_over();
query($break);
query(q{INSERT INTO faults VALUES ('poison', 0, 'P0001')});
is(emit(10, 'g::text'), 10, 'ten heartbeats');
{
	my $flush = begin_flush();
	await_count('flush_failed_total', '= 1');
	wait_for_rest();
	is(emit(5, q{g::text, 'poison'}), 5, 'five more, which cannot be inserted');
	query($mend);
	is(flush(), 10, 'of 15, ten are written');
	is(end_flush($flush), 10, 'of the first ten, all');
	is(counts(qw(flush_rows_total rows_set_aside_total buffered)), '10 5 0', 'as counted');
}

# liveness_flush waits while the table is locked, but not without end
set(flush_timeout => '30s');
start_over();
{
	my $locker = lock_table();
	is(emit(3, 'g::text'), 3, 'the table is locked');
	like(error_of(q{SET statement_timeout = '200ms'; SELECT liveness_flush();}), qr/ERROR:  57014: canceling statement due to statement timeout/, 'liveness_flush can be cancelled by a timeout');
	my $flush = begin_flush();
	is(query(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT liveness_flush()%' AND state = 'active'}), 't', 'or by another session');
	like(end_flush($flush), qr/ERROR:  canceling statement due to user request/, 'which ends it');
	is(counts(qw(flush_rows_total buffered)), '0 3', 'the heartbeats stay');
	$flush = begin_flush();
	unlock($locker);
	is(end_flush($flush), 3, 'it returns when the lock is released');
	is(query($is_in_order), '3|t', 'after they were written');
}

# A flush that is asked for while the worker waits for a lock is a flush of its own
start_over();
{
	my $locker = lock_table();
	is(emit(1, "'1'"), 1, 'the table is locked');
	my $first = begin_flush();
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.backend_type = 'liveness worker'}) or die 'the worker does not wait';
	is(emit(1, "'2'"), 1, 'one more');
	my $second = begin_flush();
	unlock($locker);
	is(end_flush($first), 1, 'the first flush has its heartbeat');
	is(end_flush($second), 2, 'and the second has both, though nothing wakes the worker for an hour');
}

# A worker that is told to stop breaks off what it waits for, which is no failure
start_over();
{
	my $offset = -s $node->logfile;
	my $locker = lock_table();
	my $n = emit(3, 'g::text');
	my $flush = begin_flush();
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.backend_type = 'liveness worker'}) or die 'the worker does not wait';
	query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'liveness worker'});
	# until it has closed the buffer, for its last flush
	$n++ while $node->psql('postgres', q{SELECT liveness_emit('more')}, stderr => \my $err) == 0;
	unlock($locker);
	is(end_flush($flush), $n, 'the last flush of a worker that is stopped waits, too');
	is(logged(qr/could not write/, $offset) . counts('flush_failed_total'), '00', 'and nothing is said to have failed');
	wait_for_rest();
}

# Settings by reload
start_over();
is(emit(9, 'g::text'), 9, 'nine heartbeats, an interval of an hour');
nudge();
is(counts(qw(flush_rows_total buffered)), '0 9', 'are not written, though the worker was awake');
query('ALTER SYSTEM SET liveness.batch_size = 10');
query('SELECT pg_reload_conf()');
$node->poll_query_until('postgres', q{SELECT current_setting('liveness.batch_size') = '10'}) or die 'liveness.batch_size did not change';
nudge();
is(counts(qw(flush_rows_total buffered)), '0 9', 'nor at liveness.batch_size = 10');
is(emit(1, q{'10'}), 1, 'a tenth');
await_count('flush_rows_total', '= 10');
is(query($is_in_order), '10|t', 'wakes the worker');
wait_for_rest();
is(emit(4, '(10 + g)::text'), 4, 'four more');
nudge();
is(counts(qw(flush_rows_total buffered)), '10 4', 'do not');
query(q{ALTER SYSTEM SET liveness.flush_interval = '100ms'});
query('SELECT pg_reload_conf()');
await_count('flush_rows_total', '= 14');
is(query($is_in_order), '14|t', 'but are written at liveness.flush_interval = 100ms');
query('ALTER SYSTEM RESET liveness.batch_size');
query('ALTER SYSTEM RESET liveness.flush_interval');
set(flush_interval => '1h');
start_over();
is(emit(25, 'g::text'), 25, '25 heartbeats');
set(batch_size => 10);
await_count('flush_rows_total', '= 25');
is(query('SELECT string_agg(n::text, $$ $$ ORDER BY first) FROM (SELECT min(id) AS first, count(*) AS n FROM provider_heartbeats GROUP BY xmin::text) batch'), '10 10 5', 'a smaller batch_size alone has them written');

# 32 clients at once, each with a count of its own; first while the table is locked
restart_with("liveness.buffer_size = '64kB'\n");
set(batch_size => 50, flush_interval => '10ms');
start_over();
query('CREATE TABLE results (provider_id text, taken int)');
{
	my $offset = -s $node->logfile;
	my $locker = lock_table();
	$node->pgbench('-n -c 32 -j 2 -t 50 -D n=0', 0, [qr{processed: 1600/1600}], [qr{^$}], '32 clients fill the buffer, while the table is locked', {
		'020_full' => q{
			\set n :n + 1
			SELECT liveness_emit(lpad((1000 * :client_id + :n)::text, 16, '0'))::int AS taken \gset
			INSERT INTO results VALUES (lpad((1000 * :client_id + :n)::text, 16, '0'), :taken);
		} }, 'postgres');
	# 1,600 - 512 = 1,088
	is(counts(qw(emitted_total dropped_total buffered buffer_high_water)), '512 1088 512 512', '512 find room');
	is(query('SELECT count(*) FILTER (WHERE taken = 1), count(*) FILTER (WHERE taken = 0) FROM results'), '512|1088', 'and were told so');
	is(logged(qr/LOG:  heartbeat buffer is full, (?:1|1025) heartbeats were dropped/, $offset), 2, 'drops 1 and 1,025 are logged');
	my $flush = begin_flush();
	unlock($locker);
	is(end_flush($flush), 512, 'they are written');
}
my $told = q{
	SELECT (SELECT count(*) FROM (SELECT provider_id FROM results WHERE taken = 1 EXCEPT ALL SELECT provider_id FROM provider_heartbeats) lost),
		(SELECT count(*) FROM (SELECT provider_id FROM provider_heartbeats EXCEPT ALL SELECT provider_id FROM results WHERE taken = 1) added)
};
is(query($told), '0|0', 'each that was taken once, and none else');

start_over();
query('TRUNCATE results');
$node->pgbench('-n -c 32 -j 2 -t 100 -D n=0', 0, [qr{processed: 3200/3200}], [qr{^$}], '32 clients, while the worker writes', {
	'020_small' => q{
		\set n :n + 1
		\set size random(0, 6000)
		SELECT liveness_emit((1000 * :client_id + :n)::text, 'c' || :client_id, :n, active_model => repeat('x', :size))::int AS taken \gset
		INSERT INTO results VALUES ((1000 * :client_id + :n)::text, :taken);
	} }, 'postgres');
flush();
is(query($told), '0|0', 'what was taken is written once, and none else');
my $taken = query('SELECT count(*) FROM results WHERE taken = 1');
await_count('flush_rows_total', "= $taken");
is(counts(qw(emitted_total dropped_total buffered)), join(' ', $taken, 3200 - $taken, 0), 'the counters agree');
my $out_of_turn = 'SELECT count(*) FROM (SELECT memory_pressure <= lag(memory_pressure) OVER (PARTITION BY status ORDER BY id) AS wrong FROM provider_heartbeats) h WHERE wrong';
is(query($out_of_turn), 0, 'each client in order');

# Large heartbeats wake the worker by their bytes, of which an eighth of the buffer is enough
set(flush_interval => '1h', batch_size => 500);
start_over();
is(query(q{SELECT liveness_emit('1', repeat('x', 9000))}), 't', 'a large heartbeat, 9 of 64 kB');
await_count('flush_rows_total', '= 1');
for my $i (2 .. 20)
{
	query(qq{SELECT liveness_emit('$i', repeat('x', 9000))});
	await_count('flush_rows_total', "= $i");
}
is(counts(qw(emitted_total dropped_total flush_rows_total)), '20 0 20', 'is written at once, and so are all that come');
# 57,344 of 65,536 bytes are seven eighths
start_over();
{
	my $locker = lock_table();
	is(emit(6, "g::text, repeat('x', 9000)"), 6, 'the table is locked, the buffer nearly full');
	is(emit(1, "'7', repeat('x', 20000)"), 0, 'there is no room');
	unlock($locker);
	await_count('flush_rows_total', '= 6');
	is(counts(qw(dropped_total buffered)), '1 0', 'without the lock all are written, though nobody asks');
}

# And with room for all
restart_with("liveness.buffer_size = '16MB'\n");
start_over();
$node->pgbench('-n -c 32 -j 2 -t 200 -M prepared -D n=0', 0, [qr{processed: 6400/6400}], [qr{^$}], '32 clients, and a large buffer', {
	'020_large' => q{
		\set n :n + 1
		SELECT liveness_emit((1000 * :client_id + :n)::text, 'c' || :client_id, :n);
	} }, 'postgres');
flush();
is(query('SELECT count(*), count(DISTINCT provider_id) FROM provider_heartbeats'), '6400|6400', 'all 6,400 are written, once');
is(query('SELECT count(*) FROM (SELECT (1000 * c + n)::text FROM generate_series(0, 31) c, generate_series(1, 200) n EXCEPT SELECT provider_id FROM provider_heartbeats) lost'), 0, 'those that were emitted');
is(query($out_of_turn), 0, 'each client in order');
await_count('flush_rows_total', '= 6400');
is(counts(qw(emitted_total dropped_total flush_failed_total rows_set_aside_total buffered)), '6400 0 0 0 0', 'the counters agree');

# Heartbeats belong to the extension that took them
set(flush_interval => '1h');
start_over();
{
	my $offset = -s $node->logfile;
	is(emit(3, 'g::text'), 3, 'three heartbeats, and then the extension is dropped');
	query('SET client_min_messages = error; DROP EXTENSION liveness CASCADE; CREATE EXTENSION liveness');
	is(emit(2, 'g::text'), 2, 'and two for the next one');
	is(flush(), 2, 'which are written');
	is(query($is_in_order), '2|t', 'without the three');
	is(counts(qw(emitted_total flush_rows_total flush_failed_total rows_set_aside_total buffered)), '5 2 0 3 0', 'which are set aside');
	is(logged(qr/LOG:  3 heartbeats of an extension that was dropped were set aside/, $offset), 1, 'as the log says');
}

$node->stop;
done_testing();
