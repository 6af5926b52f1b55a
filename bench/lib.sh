# Shared by the measurements; sourced, not run.
#
# Two ways to do the same thing are run alternately, each time in a session of
# its own, so that what else the machine does hits both; what is told are medians.

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

server_user=postgres
[ "$(id -u)" = 0 ] || server_user=$(id -un)

start_server() {
	make_scratch
	trap stop_server EXIT
	as_server "$PG_BIN/initdb" -D "$scratch/data" -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
	cat > "$scratch/bench.conf" <<-EOF
		listen_addresses = ''
		unix_socket_directories = '$scratch'
		shared_buffers = 1GB
		max_wal_size = 8GB
		checkpoint_timeout = 1h
		work_mem = ${WORK_MEM:-64MB}
		max_parallel_workers_per_gather = ${WORKERS:-2}
		jit = ${JIT:-off}
		autovacuum = off
		${EXTRA_CONF:-}
	EOF
	as_root sh -c "cat '$scratch/bench.conf' >> '$scratch/data/postgresql.conf'"
	as_server "$PG_BIN/pg_ctl" -D "$scratch/data" -l "$scratch/log" -w start >/dev/null
	sql -d postgres -c 'CREATE DATABASE bench'
	if [[ ${EXTRA_CONF:-} = *liveness.database* ]]; then
		# the worker would wait a while for its database to be there
		as_server "$PG_BIN/pg_ctl" -D "$scratch/data" -l "$scratch/log" -w restart >/dev/null
	fi
	sql -c 'CREATE EXTENSION liveness'
}

stop_server() {
	as_server "$PG_BIN/pg_ctl" -D "$scratch/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$scratch"
}

sql() {
	PGOPTIONS='-c client_min_messages=warning' \
		"$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$scratch" -U "$server_user" -d bench "$@"
}

# once FILE [psql options]: milliseconds of its last statement, private memory at the peak in
# MB, and milliseconds of CPU of its last session, without parallel workers.  What is no .sql
# file is a command that tells the first two itself.
once() {
	local file=$1
	if [[ $file != *.sql ]]; then
		"$@"
		return
	fi
	shift
	{
		echo '\timing on'
		cat "$file"
		echo '\timing off'
		echo "SELECT '#', (h - s - f) / 1024, (SELECT ((c[14]::int + c[15]::int) * 1000 / $(getconf CLK_TCK))
				FROM string_to_array(pg_read_file('/proc/self/stat'), ' ') AS c) FROM (SELECT
			substring(t FROM 'VmHWM:\s+(\d+)')::int AS h,
			substring(t FROM 'RssShmem:\s+(\d+)')::int AS s,
			substring(t FROM 'RssFile:\s+(\d+)')::int AS f
			FROM pg_read_file('/proc/self/status') AS t) AS m;"
	} | sql "$@" | awk '/^Time:/ {ms = $2} /^#/ {split($0, m, "|"); printf "%.1f %d %d\n", ms, m[2], m[3]}'
}

median() { sort -g | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# bench SCRIPT[@WEIGHT] [pgbench options], of $scratch/SCRIPT.pgbench
bench() {
	local script=$1
	shift
	[[ $script = *@* ]] || script+=@1
	(cd "$scratch" && "$PG_BIN/pgbench" -n -M prepared -h "$scratch" -U "$server_user" -f "${script/@/.pgbench@}" "$@" bench 2>&1)
}

# CPU of the sessions that have ended so far, ms
ended_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{print 1000 * ($16 + $17) / hz}' "/proc/$(as_server head -n 1 "$scratch/data/postmaster.pid")/stat"
}

counter() {
	sql -c "SELECT value FROM liveness_stats WHERE name = 'liveness_$1'"
}

worker_pid() {
	sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'liveness worker'"
}

# CPU of a process so far, ms
cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{print 1000 * ($14 + $15) / hz}' "/proc/$1/stat"
}

# percentiles FORMAT SHARE...: these of the numbers that come in, and the highest, as columns
percentiles() {
	local format=$1
	shift
	sort -g | awk -v f="$format" -v wanted="$*" '{v[NR] = $1} END {
		n = split(wanted, p, " ")
		for (i = 1; i <= n; i++) {k = int(NR * p[i]); printf f " | ", v[k < NR * p[i] ? k + 1 : k]}
		printf f, v[NR]}'
}

# Of pgbench's logs the µs since each statement was sent.  With a rate, the third field counts
# from when it was due, and the last is how late it was sent.
sent() { awk '{print $3 - (NF > 6 ? $7 : 0)}' "$@"; }

# start_clock AS_OF: scripts that begin with $tick get an :as_of five minutes after that of
# the last: scores change, so that no update is HOT
start_clock() {
	sql -c "CREATE TABLE clock AS SELECT timestamptz '$1' AS at"
	tick="UPDATE clock SET at = at + interval '5 minutes' RETURNING at AS as_of \\gset"
}

# the index of docs/scale.md
cover='CREATE INDEX covering ON provider_sessions (provider_id, connected_at DESC) INCLUDE (disconnected_at, disconnect_reason)'

# in_turns FILE... [psql options]: each in turn, ROUNDS times; what once says of
# them is kept for typical
in_turns() {
	local file i files=()
	while [[ ${1:--} != -* ]]; do
		files+=("$1")
		: > "$scratch/$(basename "$1").runs"
		shift
	done
	for ((i = 0; i < ${ROUNDS:-7}; i++)); do
		for file in "${files[@]}"; do
			once "$file" "$@" >> "$scratch/$(basename "$file").runs"
		done
		[ -z "${AFTER_ROUND:-}" ] || sql -c "$AFTER_ROUND"
	done
}

# typical FILE: medians of its runs, milliseconds and MB
typical() {
	echo "$(cut -d' ' -f1 "$scratch/$(basename "$1").runs" | median) $(cut -d' ' -f2 "$scratch/$(basename "$1").runs" | median)"
}

# cpu FILE: the median of milliseconds of CPU
cpu() { cut -d' ' -f3 "$scratch/$(basename "$1").runs" | median; }

# alternate TITLE OURS THEIRS [psql options]: a row of a Markdown table
alternate() {
	local title=$1
	shift
	in_turns "$@"
	echo "$(typical "$1") $(typical "$2")" | awk -v t="$title" \
		'{printf "| %s | %.0f ms | %.0f ms | %.1f | %d MB | %d MB |\n", t, $1, $3, $3 / $1, $2, $4}'
}

heading() {
	printf '\n| %s | liveness | alternative | ratio | peak memory | of the alternative |\n|---|---|---|---|---|---|\n' "$1"
}

machine() {
	printf '%s; %s cores, %s; work_mem %s, jit %s, parallel workers %s; medians of %s alternating runs\n' \
		"$(sql -c 'SELECT version()' | cut -d' ' -f1-2)" "$(nproc)" \
		"$(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo)" \
		"${WORK_MEM:-64MB}" "${JIT:-off}" "${WORKERS:-2}" "${ROUNDS:-7}"
}

# fill_connected PROVIDERS SESSIONS: sessions until now, and every provider is connected
fill_connected() {
	sql -v providers="$1" -v sessions="$2" -v as_of="$(date -u '+%F %T')+00" -f "$project/bench/sql/gen_sessions.sql"
	# those that are not begin another session
	sql -c "INSERT INTO provider_sessions (provider_id, connected_at)
		SELECT p.provider_id, now() - abs(hashtext(p.provider_id)) % 86400 * interval '1 s'
		FROM (SELECT DISTINCT provider_id FROM provider_sessions) p
		WHERE NOT EXISTS (SELECT FROM provider_sessions s WHERE s.provider_id = p.provider_id AND s.disconnected_at IS NULL)"
}
