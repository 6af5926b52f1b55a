# Shared by the scripts that build, install and start servers; sourced, not run.

PG_MAJOR=${PG_MAJOR:-15}
# another installation than the packages': PG_BIN=…/bin
PG_BIN=${PG_BIN:-/usr/lib/postgresql/$PG_MAJOR/bin}
PG_CONFIG=$PG_BIN/pg_config

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Run as root where that is needed to write to the server's own folders.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "installing the extension needs root, and there is no sudo" >&2
		return 1
	fi
}

# PostgreSQL refuses to run as root: the packages bring a user for it.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- env HOME="$scratch" "$@"
	else
		"$@"
	fi
}

# A folder for what as_server does: the checkout may be closed to that user.
make_scratch() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/liveness.XXXXXX")
	if [ "$(id -u)" = 0 ]; then chown postgres: "$scratch"; fi
}

run_make() {
	local clang=()
	# the bitcode for JIT needs the very clang that the server was built with
	command -v "$($PG_CONFIG --configure | grep -o "CLANG=[^' ]*" | cut -d= -f2)" >/dev/null || clang=(with_llvm=no)
	"${@:2}" make -s -C "$project" PG_CONFIG="$PG_CONFIG" "${clang[@]}" "$1"
}

build() {
	run_make all
}

# Is what the server has what we have built?  Then nothing needs root.
installed() {
	local file extension
	extension=$($PG_CONFIG --sharedir)/extension
	cmp -s "$project/liveness.so" "$($PG_CONFIG --pkglibdir)/liveness.so" || return 1
	for file in "$project"/{,report/}liveness*.control "$project"/{,report/}liveness*--*.sql; do
		cmp -s "$file" "$extension/${file##*/}" || return 1
	done
}

install_built() {
	run_make install as_root >/dev/null
}

build_and_install() {
	build
	installed || install_built
}

# A copy of the project, to be built with flags of its own
copy_project() {
	mkdir -p "$scratch/$1"
	tar -C "$project" --exclude=.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' -cf - . | tar -C "$scratch/$1" -xf -
	chmod -R a+rX "$scratch"
}

# A copy of the server's installation: a library for a check is none for others
copy_server() {
	local parts
	parts=("$($PG_CONFIG --bindir)" "$($PG_CONFIG --pkglibdir)" "$($PG_CONFIG --sharedir)" "$($PG_CONFIG --pkgincludedir)")
	mkdir -p "$scratch/server"
	tar -C / -cf - "${parts[@]#/}" | tar -C "$scratch/server" -xf -
	chmod -R a+rX "$scratch/server"
	echo "$scratch/server$($PG_CONFIG --bindir)"
}
