# postgres.bash - a PostgreSQL of a bats file's own: `load ../lib/postgres`, pg_start in setup_file, pg_stop in teardown_file

# Debian keeps the programs of a server out of PATH.
pg_bin() {
	local dir
	for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
		[ ! -x "$dir/initdb" ] || { echo "$dir"; return; }
	done
	dirname "$(command -v initdb)"
}

pg_as() { (cd "$PG_HOME" && setpriv --reuid postgres --regid postgres --init-groups -- "$@"); }

# pg_start - a new cluster: a socket in $PG_HOME that trusts, and a loopback port that wants the password `canary`.
# Sets PGHOST, PGPORT and PGUSER for psql, and SLIPWAY_DATABASE_URL for the database app, which is not made.
pg_start() {
	local try
	PG_HOME=$(mktemp -d /tmp/slipway-pg-XXXXXX) && export PG_HOME || return 1
	PG_BIN=$(pg_bin) && export PG_BIN || return 1
	echo canary >"$PG_HOME/password"
	chown -R postgres: "$PG_HOME"
	pg_as "$PG_BIN/initdb" -D "$PG_HOME/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 \
		--pwfile="$PG_HOME/password" -E UTF8 --locale=C.UTF-8 --no-sync >"$PG_HOME/initdb.log" 2>&1 || { cat "$PG_HOME/initdb.log"; return 1; }
	cat >>"$PG_HOME/data/postgresql.conf" <<-END
		unix_socket_directories = '$PG_HOME'
		listen_addresses = '127.0.0.1'
		fsync = off
		autovacuum = off
		max_connections = 30
		shared_buffers = 32MB
		${PG_SETTINGS-}
	END
	for try in 1 2 3 4 5; do
		PGPORT=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
		! pg_launch || break
	done
	export PGHOST=$PG_HOME PGPORT PGUSER=postgres PGDATABASE=postgres
	export PG_URL=postgresql://postgres:canary@127.0.0.1:$PGPORT
	export SLIPWAY_DATABASE_URL=$PG_URL/app
	psql -Xqc 'SELECT 1' >/dev/null || { cat "$PG_HOME/log"; return 1; }
}

# pg_launch - the server of $PG_HOME, once more; descriptors of bats stay with bats
pg_launch() { pg_as "$PG_BIN/pg_ctl" -D "$PG_HOME/data" -w -t 60 -o "-p $PGPORT" -l "$PG_HOME/log" start >"$PG_HOME/start.log" 2>&1 3>&- 4>&-; }

# pg_kill - the server and all that it has started, at once
pg_kill() {
	local pid
	pid=$(head -n 1 "$PG_HOME/data/postmaster.pid") || return 1
	# shellcheck disable=SC2046 # one word a process
	kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children") || return 1
	while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}
pg_immediate() { pg_as "$PG_BIN/pg_ctl" -D "$PG_HOME/data" -m immediate -w stop >/dev/null 2>&1; }

pg_stop() {
	[ -n "${PG_HOME-}" ] || return 0
	pg_immediate || :
	rm -rf "$PG_HOME"
}

# sql DATABASE SQL... - the rows, without ornament; stops at the first error
sql() {
	local database=$1 text; shift
	for text; do psql -XqAt -v ON_ERROR_STOP=1 -d "$database" -c "$text" || return 1; done
}
