load ../lib/common
load ../lib/postgres

setup_file() { pg_start; }
teardown_file() { pg_stop; }

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	db=app$BATS_TEST_NUMBER
	export SLIPWAY_DATABASE_URL=$PG_URL/$db SLIPWAY_BACKUP_DIR=points
	sql postgres "CREATE DATABASE $db"
	sql "$db" "CREATE TABLE v(id serial PRIMARY KEY, what text); INSERT INTO v(what) SELECT 'old' FROM generate_series(1, 200); ANALYZE v"
}

dump() { pg_dump "$1" | grep -v '^\\\(un\)\?restrict'; }
about() {
	sql postgres "SELECT pg_get_userbyid(datdba), datconnlimit, datallowconn, shobj_description(oid, 'pg_database'),
		(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a) FROM pg_database WHERE datname = '$1'" \
		"SELECT setrole::regrole, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = '$1' ORDER BY 1"
}
point() { echo "slipway_point_$(printf %s "$db" | sha256sum | cut -c 1-16)"; }
oid() { sql postgres "SELECT oid FROM pg_database WHERE datname = '$1'"; }
others() { sql postgres "SELECT datname FROM pg_database WHERE datname LIKE '%$(printf %s "$db" | sha256sum | cut -c 1-16)'"; }

@test "db-backup save -c: the copy stays in the server, lets nobody in, and comes back as the live database" {
	local was
	dump "$db" >before
	run -0 --separate-stderr db-backup save -c one
	[ "$output" = one ] && [ -z "$stderr" ]
	was=$(oid "$(point)")
	run psql -Xqc 'SELECT 1' -d "$(point)"
	[[ "$output" == *'not currently accepting connections'* ]]
	sql "$db" "UPDATE v SET what = 'new'; CREATE TABLE w()"
	run -0 --separate-stderr db-backup restore one
	[ -z "$output$stderr" ]
	dump "$db" | cmp before
	[ "$(oid "$db")" = "$was" ]
	[ -z "$(others)" ]
	sql "$db" "SELECT 1"
}

@test "db-backup save -c: owner, rights, settings, comment and limit of the database come back" {
	sql postgres "CREATE ROLE \"r $db\"" "ALTER DATABASE $db OWNER TO \"r $db\"" "ALTER DATABASE $db CONNECTION LIMIT 9" \
		"COMMENT ON DATABASE $db IS E'it''s 100% ours\nreally'" "REVOKE ALL ON DATABASE $db FROM PUBLIC" "GRANT CONNECT ON DATABASE $db TO pg_monitor WITH GRANT OPTION" \
		"ALTER DATABASE $db SET search_path TO '\$user', \"A b\", public" "ALTER ROLE \"r $db\" IN DATABASE $db SET search_path TO ''"
	about "$db" >before
	db-backup save -c one
	sql postgres "ALTER DATABASE $db SET work_mem = '7MB'" "COMMENT ON DATABASE $db IS 'other'"
	db-backup restore one
	about "$db" | diff before -
}

@test "db-backup restore of a copy with -a: what was written since stands aside" {
	db-backup save -c one
	sql "$db" "INSERT INTO v(what) VALUES ('since')"
	dump "$db" >since
	run -0 --separate-stderr db-backup restore -a "${db}_aside" one
	[ "$output" = "${db}_aside" ]
	dump "${db}_aside" | cmp since
	[ "$(sql "$db" 'SELECT count(*) FROM v')" = 200 ]
	[ "$(oid "${db}_aside")" -lt "$(oid "$db")" ]
}

@test "db-backup restore of a copy twice is done the first time" {
	db-backup save -c one
	sql "$db" "INSERT INTO v(what) VALUES ('since')"
	db-backup restore -a "${db}_aside" one
	sql "$db" "INSERT INTO v(what) VALUES ('kept')"
	run -0 --separate-stderr db-backup restore one
	[ "$(sql "$db" 'SELECT count(*) FROM v')" = 201 ]
	[ "$(sql "${db}_aside" 'SELECT count(*) FROM v')" = 201 ]
	fails_with 100 exists db-backup restore -a "${db}_aside" one
}

@test "db-backup remove: a copy goes with its record, one that has become the live database stays" {
	db-backup save -c one
	run -0 --separate-stderr db-backup remove one
	[ -z "$output$stderr" ]
	[ -z "$(others)" ] && [ "$(ls -A points)" = .lock ]
	db-backup save -c two
	db-backup restore two
	db-backup remove two
	[ "$(sql "$db" 'SELECT count(*) FROM v')" = 200 ]
	[ "$(ls -A points)" = .lock ]
	fails_with 100 "no backup" db-backup remove two
}

@test "db-backup remove: the server does not answer: 111, and the record stays" {
	db-backup save -c one
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:1/$db fails_with 111 'cannot connect' db-backup -t 1 remove one
	[ -e points/one.meta ]
	[ -n "$(others)" ]
}

@test "db-backup remove: a backup in a file goes with all its files" {
	db-backup save one
	db-backup save two
	db-backup remove one
	[ "$(db-backup list | cut -f 1)" = two ]
	[ "$(ls -A points)" = $'.lock\ntwo.meta\ntwo.pgdump.zst\ntwo.roles.sql' ]
}

@test "db-backup prune: a copy stays and does not count" {
	db-backup save -c point
	db-backup save one
	db-backup save two
	[ "$(db-backup prune -k 1)" = one ]
	[ "$(db-backup list | cut -f 1 | sort)" = $'point\ntwo' ]
	[ -n "$(others)" ]
}

@test "db-backup save -c: a session in the database is named, and stays" {
	psql -Xq -d "$db" -c "SET application_name = 'report'; SELECT pg_sleep(30)" 3>&- &
	local pid=$!
	until [ -n "$(sql postgres "SELECT 1 FROM pg_stat_activity WHERE application_name = 'report' AND datname = '$db'")" ]; do sleep 0.1; done
	fails_with 111 "application 'report'" db-backup -t 1 save -c one
	kill "$pid" # ours
	[ -z "$(others)" ]
	[ "$(ls -A points)" = .lock ]
}

@test "db-backup save -c: what a killed run left is replaced, a database of others in its place is not" {
	sql postgres "CREATE DATABASE $(point) CONNECTION LIMIT 1917"
	db-backup save -c one
	sql postgres "ALTER DATABASE $(point) RENAME TO kept_$db" "CREATE DATABASE $(point)"
	fails_with 100 'in the way' db-backup save -c two
	fails_with 111 'is gone' db-backup restore one
	sql "$db" 'SELECT 1'
}

@test "db-backup sweep: what killed runs left goes, other databases stay" {
	local hex
	hex=$(printf %s "$db" | sha256sum | cut -c 1-16)
	sql postgres "CREATE DATABASE slipway_point_$hex CONNECTION LIMIT 1917" "CREATE DATABASE slipway_new_$hex" \
		"COMMENT ON DATABASE slipway_new_$hex IS 'slipway: scratch of db-backup restore'" "CREATE DATABASE slipway_old_$hex" \
		"COMMENT ON DATABASE slipway_old_$hex IS 'slipway: replaced by db-backup restore'"
	run -0 --separate-stderr db-backup sweep
	[ -z "$output$stderr$(others)" ]
	db-backup sweep
	sql postgres "CREATE DATABASE slipway_new_$hex"
	fails_with 100 'in the way' db-backup sweep
	[ "$(others)" = "slipway_new_$hex" ]
	SLIPWAY_DATABASE_URL=sqlite:x.db db-backup sweep
}

@test "db-backup sweep: a copy that a killed run is still making is waited for" {
	sql "$db" 'CREATE TABLE big AS SELECT repeat(md5(g::text), 20) t FROM generate_series(1, 150000) g'
	timeout -s KILL 0.15 db-backup save -c one >/dev/null 2>&1 || :
	db-backup sweep
	sleep 1
	[ -z "$(others)" ]
}

@test "db-backup save -c: killed at any moment, the next one works and nothing is left over" {
	local i
	for i in 0.02 0.05 0.08 0.12 0.2; do
		timeout -s KILL "$i" db-backup save -c "k$i" >/dev/null 2>&1 || :
	done
	for i in $(db-backup list | cut -f 1); do db-backup remove "$i"; done
	db-backup save -c last
	sql "$db" "DELETE FROM v"
	for i in 0.01 0.03 0.05 0.1; do
		timeout -s KILL "$i" db-backup restore last >/dev/null 2>&1 || :
		sql "$db" 'SELECT 1' # under its name there is always a whole database
	done
	db-backup restore last
	[ "$(sql "$db" 'SELECT count(*) FROM v')" = 200 ]
	[ -z "$(others)" ]
}

@test "db-backup save -c: SQLite has no server that keeps a copy" {
	SLIPWAY_DATABASE_URL=sqlite:x.db fails_with 100 'PostgreSQL' db-backup save -c one
}

@test "db-backup where: engine and place of the URL, without a password and without asking the server" {
	where() { SLIPWAY_DATABASE_URL=$1 db-backup where; }
	[ "$(where 'postgresql+psycopg2://u:canary@db:5433/app%20x?sslmode=require')" = $'postgres\tapp x\tdb\t5433' ]
	[ "$(where 'postgresql://u@/app?host=/run/pg')" = $'postgres\tapp\t/run/pg\t5432' ]
	[ "$(where 'postgres://[::1]/app')" = $'postgres\tapp\t::1\t5432' ]
	[ "$(where 'sqlite:///data/a%20b.db?x=1')" = $'sqlite\tdata/a b.db' ]
	SLIPWAY_DATABASE_URL=postgresql://u:canary@h fails_with 100 'names no database' db-backup where
	SLIPWAY_DATABASE_URL=oracle://u:canary@h fails_with 100 'knows sqlite' db-backup where
}

@test "db-backup look: engine, size, version, and whether the role could bring another content back" {
	local version
	version=$(sql postgres "SELECT current_setting('server_version_num')::int / 10000")
	[ "$(db-backup look)" = "$(printf 'postgres\t%s\t%s\tyes' "$(sql postgres "SELECT pg_database_size('$db')")" "$version")" ]
	sql postgres "CREATE ROLE plain$db LOGIN PASSWORD 'x'"
	[ "$(SLIPWAY_DATABASE_URL=postgresql://plain$db:x@127.0.0.1:$PGPORT/$db db-backup look | cut -f 4)" = no ]
	sql postgres "ALTER ROLE plain$db CREATEDB"
	[ "$(SLIPWAY_DATABASE_URL=postgresql://plain$db:x@127.0.0.1:$PGPORT/$db db-backup look | cut -f 4)" = no ] # not its own
	sql postgres "ALTER DATABASE $db OWNER TO plain$db"
	[ "$(SLIPWAY_DATABASE_URL=postgresql://plain$db:x@127.0.0.1:$PGPORT/$db db-backup look | cut -f 4)" = yes ]
	[ "$(SLIPWAY_DATABASE_URL=$PG_URL/postgres db-backup look | cut -f 4)" = no ] # databases are renamed from there
	SLIPWAY_DATABASE_URL=$PG_URL/none_$db run -1 db-backup look
	[ -z "$output" ]
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:1/$db fails_with 111 'cannot connect' db-backup look
	sqlite3 a.db 'CREATE TABLE a(b)'
	[ "$(SLIPWAY_DATABASE_URL=sqlite:a.db db-backup look)" = "$(printf 'sqlite\t%s\t%s\tyes' "$(stat -c %s a.db)" "$(SLIPWAY_DATABASE_URL=sqlite:a.db db-backup look | cut -f 3)")" ]
	SLIPWAY_DATABASE_URL=sqlite:none.db run -1 db-backup look
}
