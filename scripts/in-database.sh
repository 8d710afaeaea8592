# in-database.sh - is run as pg_dump, pg_dumpall or pg_restore in the place of the host's: those of the database's container
# shellcheck shell=sh
# The container knows none of our files: they go through its stdin and stdout. The password goes by the environment.
set -eu
program=${0##*/}
: "${SLIPWAY_DATABASE_CONTAINER:?}"
in='' out=''
left=$#
while [ "$left" -gt 0 ]; do
	case $program:$1 in
	pg_dumpall:-f) out=$2; shift; left=$((left - 1)) ;;
	pg_restore:-j) shift; left=$((left - 1)) ;; # what comes through a pipe is restored in its order
	*) if [ "$program:$left" = pg_restore:1 ] && [ -f "$1" ]; then in=$1; else set -- "$@" "$1"; fi ;;
	esac
	shift
	left=$((left - 1))
done
# Published by the host under another port?
port=${PGPORT:-5432}
[ -n "${PGHOSTADDR-}" ] || port=$(docker port "$SLIPWAY_DATABASE_CONTAINER" | sed -n "s|^\\([0-9]*\\)/tcp -> .*:$port\$|\\1|p" | head -n 1)
PGHOST=127.0.0.1 PGPORT=${port:-5432}
export PGHOST PGPORT
set -- docker exec -i -e PGHOST -e PGPORT -e PGUSER -e PGPASSWORD -e PGDATABASE -e PGOPTIONS -e PGAPPNAME -e LC_ALL \
	"$SLIPWAY_DATABASE_CONTAINER" "$program" "$@"
if [ -n "$out" ]; then exec "$@" >"$out"; fi
if [ -n "$in" ]; then exec "$@" <"$in"; fi
exec "$@"
