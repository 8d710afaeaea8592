# database.sh - sourced by update and steps: where the application's database is, how it is reached, its restore point
# shellcheck shell=sh

# Sets for the tools SLIPWAY_DATABASE_URL and, where a container of this project serves it, what leads there; for us
# database_kind (empty: none is configured), database_place (what people read), database_file (SQLite),
# database_host, database_port and database_container (PostgreSQL).
database_open() {
	database_kind='' database_file='' database_host='' database_port='' database_container='' database_place=''
	SLIPWAY_DATABASE_URL=$(database_url)
	[ -n "$SLIPWAY_DATABASE_URL" ] || return 0
	export SLIPWAY_DATABASE_URL
	database_where=$(db-backup where) || exit $?
	database_kind=$(printf '%s' "$database_where" | cut -f 1)
	database_place=$(printf '%s' "$database_where" | cut -f 2)
	case $database_kind in
	sqlite) database_file=$database_place ;;
	postgres)
		database_host=$(printf '%s' "$database_where" | cut -f 3)
		database_port=$(printf '%s' "$database_where" | cut -f 4)
		database_place="$database_place on ${database_host:-this machine}"
		database_reach ;;
	esac
}

# A host that is a service of the project is reached at the address of its container, which may be another after each
# start. Behind a port that the project publishes, its container is known too.
database_reach() {
	unset PGHOSTADDR
	[ -n "${project-}" ] && [ "$(get engine)" != none ] || return 0
	case $database_host in
	'' | /* | 127.* | localhost | ::1)
		database_container=$(docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" \
			--filter "publish=$database_port") || die 111 'the Docker engine does not list its containers'
		case $database_container in *[!0-9a-f]*) database_container= ;; esac ;;
	*)
		database_container=$(containers "$database_host") || exit
		database_container=$(printf '%s\n' "$database_container" | head -n 1)
		[ -n "$database_container" ] || return 0
		[ "$(inspect "$database_container" '{{.State.Running}}')" = true ] ||
			die 111 "the service '$database_host', which holds the database, does not run" "docker start ${database_container%"${database_container#????????????}"}"
		PGHOSTADDR=$(inspect "$database_container" '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' | sed -n '/./{p;q;}')
		export PGHOSTADDR="${PGHOSTADDR:-127.0.0.1}" ;;
	esac
}

# The programs that save and restore are those of the database's container where the host has none, or older ones.
# shellcheck disable=SC2016 # for the inner shell
database_programs() {
	[ -n "$database_container" ] || return 0
	database_server=$(db-backup look | cut -f 3)
	host_version=$(pg_dump --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	[ "${host_version:-0}" -lt "${database_server:-0}" ] || return 0
	mkdir -p "$run/bin"
	for program in pg_dump pg_dumpall pg_restore; do
		printf '#!/bin/sh\n. "$SLIPWAY_LIB/in-database.sh"\n' >"$run/bin/$program"
		chmod 755 "$run/bin/$program"
	done
	PATH=$run/bin:$PATH
	export PATH SLIPWAY_DATABASE_CONTAINER="$database_container"
}

# ---- the restore point, in a store of its own in the run's folder ----

point_is_there() {
	db-backup -d "$run/restore-point" list >"$run/points" || [ $? -eq 1 ] || exit 111
	cut -f 1 "$run/points" | grep -qx restore-point
}

discard_point() {
	[ -d "$run/restore-point" ] || return 0
	database_open
	if point_is_there; then db-backup -d "$run/restore-point" remove restore-point; fi
	db-backup sweep
}

# KB that are free where the database lies; empty when that cannot be known.
# shellcheck disable=SC2016 # for the inner shell
database_free_kb() {
	if [ -n "$database_container" ]; then
		docker exec "$database_container" sh -c 'df -Pk "${PGDATA:-/var/lib/postgresql/data}"' 2>/dev/null
	elif [ -d /var/lib/postgresql ]; then
		case $database_host in '' | /* | 127.* | localhost | ::1) df -Pk /var/lib/postgresql ;; esac
	fi | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9-]*% .*/\1/p'
}
