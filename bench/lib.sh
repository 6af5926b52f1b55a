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

# once FILE [psql options]: milliseconds of its last statement, and private memory at the
# peak in MB.  What is no .sql file is a command that tells the two itself.
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
		echo "SELECT '#', (h - s - f) / 1024 FROM (SELECT
			substring(t FROM 'VmHWM:\s+(\d+)')::int AS h,
			substring(t FROM 'RssShmem:\s+(\d+)')::int AS s,
			substring(t FROM 'RssFile:\s+(\d+)')::int AS f
			FROM pg_read_file('/proc/self/status') AS t) AS m;"
	} | sql "$@" | awk '/^Time:/ {ms = $2} /^#/ {split($0, m, "|"); printf "%.1f %d\n", ms, m[2]}'
}

median() { sort -g | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# alternate TITLE OURS THEIRS [psql options]: a row of a Markdown table
alternate() {
	local title=$1 ours=$2 theirs=$3
	shift 3
	: > "$scratch/ours" ; : > "$scratch/theirs"
	for ((i = 0; i < ${ROUNDS:-7}; i++)); do
		once "$ours" "$@" >> "$scratch/ours"
		once "$theirs" "$@" >> "$scratch/theirs"
		[ -z "${AFTER_ROUND:-}" ] || sql -c "$AFTER_ROUND"
	done
	local a b ma mb
	a=$(cut -d' ' -f1 "$scratch/ours" | median); ma=$(cut -d' ' -f2 "$scratch/ours" | median)
	b=$(cut -d' ' -f1 "$scratch/theirs" | median); mb=$(cut -d' ' -f2 "$scratch/theirs" | median)
	awk -v t="$title" -v a="$a" -v b="$b" -v ma="$ma" -v mb="$mb" \
		'BEGIN {printf "| %s | %.0f ms | %.0f ms | %.1f | %d MB | %d MB |\n", t, a, b, b / a, ma, mb}'
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
