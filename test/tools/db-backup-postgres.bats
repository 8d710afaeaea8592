load ../lib/common
load ../lib/postgres

setup_file() { pg_start; }
teardown_file() { pg_stop; }

# Each test has a database of its own, so that they run side by side.
setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	db=app$BATS_TEST_NUMBER
	export SLIPWAY_DATABASE_URL=$PG_URL/$db SLIPWAY_BACKUP_DIR=bk
}

# database [ROWS] - with a view, a sequence, a foreign key and a large object
database() {
	sql postgres "CREATE DATABASE $db"
	sql "$db" "CREATE TABLE v(id serial PRIMARY KEY, what text, pad text); CREATE TABLE w(n int PRIMARY KEY REFERENCES v(id));
		INSERT INTO v(what, pad) SELECT 'old', repeat(md5(g::text), 3) FROM generate_series(1, ${1:-200}) g;
		INSERT INTO w SELECT id FROM v; CREATE VIEW o AS SELECT * FROM v WHERE what = 'old'; CREATE INDEX ON v(what);
		SELECT lo_from_bytea(4711, 'large')" >/dev/null
}

# dump DATABASE - its content as SQL, without the words that differ each time
dump() { pg_dump "$1" | grep -v '^\\\(un\)\?restrict'; }
# about DATABASE - what belongs to the database itself
about() {
	sql postgres "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, datallowconn,
		shobj_description(oid, 'pg_database'), (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a) FROM pg_database WHERE datname = '$1'" \
		"SELECT setrole::regrole, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = '$1' ORDER BY 1"
}
# ours - the names of databases that a restore makes for a time
ours() { sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'slipway\\_%' AND datname LIKE '%' || substr(encode(sha256('$db'::bytea), 'hex'), 1, 16)"; }
scratch() { echo "slipway_${1}_$(printf %s "$db" | sha256sum | cut -c 1-16)"; }
only_whole() { [ "$(ls -A bk)" = "${1-$'.lock\none.meta\none.pgdump.zst\none.roles.sql'}" ] || { ls -A bk; return 1; }; }
flip() {
	local byte; byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# stub NAME SCRIPT - a program of this name in front of PATH
stub() { mkdir -p stubs; printf '#!/bin/sh\n%s\n' "$2" >"stubs/$1"; chmod +x "stubs/$1"; PATH=$PWD/stubs:$PATH; }

@test "db-backup on PostgreSQL: save prints the name, restore brings the content back as it was" {
	database
	dump "$db" >before
	run -0 --separate-stderr db-backup save one
	[ "$output" = one ] && [ -z "$stderr" ]
	sql "$db" "UPDATE v SET what = 'new'; DROP VIEW o; DROP TABLE w; SELECT lo_unlink(4711)" >/dev/null
	run -0 --separate-stderr db-backup restore one
	[ -z "$output$stderr" ]
	dump "$db" | cmp before
	[ -z "$(ours)" ]
	only_whole
	run -0 --separate-stderr db-backup verify one
	[ -z "$output$stderr" ]
}

@test "db-backup on PostgreSQL: the stored file is plain zstd of a plain archive, the record says what it is" {
	database
	db-backup save one
	zstd -q -d bk/one.pgdump.zst -o raw
	pg_restore -f raw.sql raw
	[ "$(grep -v '^\\\|^--' raw.sql)" = "$(pg_dump "$db" | grep -v '^\\\|^--')" ]
	value() { sed -n "s/^$1: //p" bk/one.meta; }
	[ "$(value engine) $(value name) $(value source) $(value encoding) $(value owner)" = "postgres one $db UTF8 postgres" ]
	[[ "$(value postgres)" = "$(sql postgres 'SHOW server_version')" ]]
	[ "$(value bytes) $(value stored)" = "$(stat -c %s raw) $(stat -c %s bk/one.pgdump.zst)" ]
	[ "$(value sha256_raw)" = "$(sha256sum <raw | cut -d' ' -f1)" ]
	[ "$(value roles)" = "$(sha256sum <bk/one.roles.sql | cut -d' ' -f1)" ]
	grep -q 'CREATE ROLE postgres' bk/one.roles.sql
	[ -z "$(grep -i 'scram-sha\|password ' bk/one.roles.sql)" ]
	[ "$(stat -c %a bk/one.pgdump.zst bk/one.meta bk/one.roles.sql | sort -u)" = 600 ]
	[ "$(db-backup list | cut -f 1,5)" = $'one\tpostgres' ]
}

@test "db-backup on PostgreSQL: owner, rights, settings, locale, comment and limit of the database come back" {
	sql postgres "CREATE ROLE \"r $db\"" "CREATE DATABASE $db OWNER \"r $db\" TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' CONNECTION LIMIT 9" \
		"COMMENT ON DATABASE $db IS E'it''s 100% ours\nreally'" "REVOKE ALL ON DATABASE $db FROM PUBLIC" "GRANT CONNECT ON DATABASE $db TO pg_monitor WITH GRANT OPTION" \
		"ALTER DATABASE $db SET search_path TO '\$user', \"A b\", public" "ALTER DATABASE $db SET work_mem = '7MB'" \
		"ALTER DATABASE $db SET my.var = E'it''s\n50%'" "ALTER ROLE \"r $db\" IN DATABASE $db SET search_path TO ''"
	about "$db" >before
	db-backup save one
	db-backup restore one
	about "$db" | cmp - before
	sql postgres "DROP DATABASE $db"
	db-backup restore one
	about "$db" | cmp - before
}

@test "db-backup on PostgreSQL: what was never revoked stays with PUBLIC" {
	database
	db-backup save one
	db-backup restore one
	[ "$(sql postgres "SELECT datacl IS NULL FROM pg_database WHERE datname = '$db'")" = t ]
}

@test "db-backup on PostgreSQL: restore -a keeps the current content beside under that name, once" {
	database
	db-backup save one
	sql "$db" "UPDATE v SET what = 'new'"
	dump "$db" >new
	[ "$(db-backup restore -a "${db}_before" one)" = "${db}_before" ]
	dump "${db}_before" | cmp new
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = old ]
	fails_with 100 "'${db}_before' exists already" db-backup restore -a "${db}_before" one
	fails_with 100 'is no name for a database' db-backup restore -a "$(printf %064d 1)" one
}

@test "db-backup on PostgreSQL: a name that needs quotes is quoted" {
	local odd='o"d d'\''b%; DROP'
	sql postgres "CREATE DATABASE \"o\"\"d d'b%; DROP\""
	sql "$odd" 'CREATE TABLE t(a int)'
	SLIPWAY_DATABASE_URL=$PG_URL/o%22d%20d%27b%25%3B%20DROP db-backup save one
	sql "$odd" 'DROP TABLE t'
	SLIPWAY_DATABASE_URL=$PG_URL/o%22d%20d%27b%25%3B%20DROP db-backup restore -a 'x"y' one
	[ "$(sql "$odd" 'SELECT count(*) FROM t')" = 0 ]
	[ "$(sql postgres "SELECT 1 FROM pg_database WHERE datname = 'x\"y'")" = 1 ]
}

@test "db-backup on PostgreSQL: sessions of others are named, not ended, and the database stays as it is" {
	database
	db-backup save one
	sql "$db" "UPDATE v SET what = 'new'"
	PGAPPNAME='the app' psql -Xqc 'SELECT pg_sleep(6)' "$db" >slept 2>&1 3>&- &
	local pid=$!
	until [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db'")" = 1 ]; do sleep 0.05; done
	fails_with 111 "is in use by 1 session: pid $(sql postgres "SELECT pid FROM pg_stat_activity WHERE datname = '$db'") (user postgres, application 'the app')" \
		db-backup -t 0 restore one
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = new ]
	db-backup -t 20 restore one # it waits until they are gone
	wait "$pid"
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = old ]
	[ -z "$(ours)" ]
}

@test "db-backup on PostgreSQL: a failure in restore leaves the database untouched and no scratch database" {
	database
	sql postgres "CREATE ROLE gone$db"
	sql "$db" "GRANT SELECT ON v TO gone$db"
	db-backup save one
	sql "$db" "UPDATE v SET what = 'new'" "REVOKE ALL ON v FROM gone$db" "DROP ROLE gone$db"
	run -111 --separate-stderr db-backup restore one
	[[ "$stderr" == *"role \"gone$db\" does not exist"*'hint: the roles of that time are in'*one.roles.sql* ]]
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = new ]
	[ -z "$(ours)" ]
}

@test "db-backup on PostgreSQL: restore killed anywhere leaves the old or the new content, and the next one completes" {
	database 3000
	db-backup save one
	sql "$db" "UPDATE v SET what = 'new'"
	local i what pid
	for i in 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.5 0.6; do
		db-backup restore one 3>&- & pid=$!
		sleep "$i"
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" || :
		# the server may just be ending the swap that it was asked for: a connection in this moment is refused
		for _ in {1..50}; do
			what=$(sql "$db" 'SELECT DISTINCT what, (SELECT count(*) FROM w) FROM v') && break
			sleep 0.1
		done
		[[ "$what" = 'new|3000' || "$what" = 'old|3000' ]]
	done
	db-backup restore one
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = old ]
	[ -z "$(ours)" ]
	only_whole
}

@test "db-backup on PostgreSQL: what a killed restore left goes, a stranger's database of that name stays" {
	database
	db-backup save one
	sql postgres "CREATE DATABASE $(scratch new) CONNECTION LIMIT 1917" "CREATE DATABASE $(scratch old)" \
		"COMMENT ON DATABASE $(scratch old) IS 'slipway: replaced by db-backup restore'"
	db-backup restore one
	[ -z "$(ours)" ]
	sql postgres "CREATE DATABASE $(scratch new)"
	fails_with 100 'is in the way and not of db-backup' db-backup restore one
	[ "$(ours)" = "$(scratch new)" ]
	sql postgres "DROP DATABASE $(scratch new)" "CREATE DATABASE $(scratch old)"
	fails_with 100 'is in the way and not of db-backup' db-backup restore one
	[ "$(ours)" = "$(scratch old)" ]
}

@test "db-backup on PostgreSQL: a damaged backup is told by verify, and not restored" {
	database
	db-backup save one
	cp -r bk kept
	flip bk/one.pgdump.zst $(($(stat -c %s bk/one.pgdump.zst) / 2))
	run -1 --separate-stderr db-backup verify one
	[[ "$stderr" == *"backup 'one' is damaged"* ]]
	run -111 --separate-stderr db-backup restore one
	[[ "$stderr" == *"backup 'one' is damaged"* ]]
	rm -r bk; cp -r kept bk
	truncate -s -1 bk/one.pgdump.zst
	run -1 db-backup verify one
	rm bk/one.pgdump.zst
	run -1 db-backup verify one
	[ "$(sql "$db" 'SELECT count(*) FROM v')" = 200 ] && [ -z "$(ours)" ]
}

@test "db-backup on PostgreSQL: verify reads the archive itself, not only its sum" {
	database
	db-backup save one
	printf 'no archive' | zstd -q >bk/one.pgdump.zst
	local raw; raw=$(printf 'no archive' | sha256sum | cut -d' ' -f1)
	sed -i -e '/^sha256_meta/d' -e 's/^bytes: .*/bytes: 10/' -e "s/^stored: .*/stored: $(stat -c %s bk/one.pgdump.zst)/" \
		-e "s/^sha256: .*/sha256: $(sha256sum <bk/one.pgdump.zst | cut -d' ' -f1)/" -e "s/^sha256_raw: .*/sha256_raw: $raw/" bk/one.meta
	printf 'sha256_meta: %s\n' "$(sha256sum <bk/one.meta | cut -d' ' -f1)" >>bk/one.meta
	run -1 --separate-stderr db-backup verify one
	[[ "$stderr" == *"backup 'one' is damaged: pg_restore failed"* ]]
}

@test "db-backup on PostgreSQL: a pg_dump that fails, is killed or is cut gives no backup" {
	database
	local real; real=$(command -v pg_dump)
	stub pg_dump "case \$1 in --version) exec $real --version ;; esac; $real \"\$@\" | head -c 3000; echo 'pg_dump: error: the disk is gone' >&2; exit 1"
	fails_with 111 'pg_dump failed with status 1: the disk is gone' db-backup save one
	only_whole .lock
	stub pg_dump "case \$1 in --version) exec $real --version ;; esac; $real \"\$@\" | head -c 3000; kill -9 \$\$"
	fails_with 111 'pg_dump was ended by signal 9' db-backup save one
	only_whole .lock
	stub pg_dump "case \$1 in --version) exec $real --version ;; esac; $real \"\$@\" | head -c 3000"
	fails_with 111 'cannot read the backup back: pg_restore failed' db-backup save one
	only_whole .lock
}

@test "db-backup on PostgreSQL: a pg_dump older than the server is refused with both versions" {
	database
	stub pg_dump 'echo "pg_dump (PostgreSQL) 9.6.24"'
	fails_with 111 "pg_dump is of version 9.6.24, too old for the server, which is of version $(sql postgres 'SHOW server_version')" db-backup save one
	rm stubs/pg_dump
	stub pg_dump 'exit 127'
	fails_with 111 'pg_dump failed with status 127' db-backup save one
	only_whole .lock
}

@test "db-backup on PostgreSQL: roles that may not be read are missing, and the record says so" {
	database
	stub pg_dumpall 'echo "pg_dumpall: error: query failed: ERROR:  permission denied" >&2; exit 1'
	db-backup save one
	grep -q '^roles: not saved, pg_dumpall failed with status 1: query failed: ERROR:  permission denied' bk/one.meta
	only_whole $'.lock\none.meta\none.pgdump.zst'
	db-backup restore one
}

@test "db-backup on PostgreSQL: the password is in no argument, and in no text" {
	database
	local real; real=$(command -v pg_dump)
	stub pg_dump "cat /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' >>seen || :; exec $real \"\$@\""
	db-backup save one
	grep -q pg_dump seen
	[ -z "$(grep -F canary seen)$(grep -rF canary bk)" ]
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary2@127.0.0.1:$PGPORT/$db run -111 --separate-stderr db-backup save two
	[[ "$stderr" == *'password authentication failed'* && "$stderr" != *canary* ]]
	SLIPWAY_DATABASE_URL="postgresql://postgres:can%zzary@127.0.0.1:$PGPORT/$db" run -100 --separate-stderr db-backup save two
	[[ "$stderr" == *SLIPWAY_DATABASE_URL* && "$stderr" != *ary* ]]
}

@test "db-backup on PostgreSQL: other forms of the URL" {
	database
	SLIPWAY_DATABASE_URL=postgres://postgres:canary@127.0.0.1:$PGPORT/$db db-backup save one
	SLIPWAY_DATABASE_URL="postgresql+psycopg2://postgres:canary@localhost:$PGPORT/$db?sslmode=disable&connect_timeout=5" db-backup save two
	SLIPWAY_DATABASE_URL="postgresql:///$db?host=$PGHOST&port=$PGPORT&user=postgres" db-backup save three
	SLIPWAY_DATABASE_URL="postgresql://postgres:canary@127.0.0.1:1,127.0.0.1:$PGPORT/$db" db-backup save four
	SLIPWAY_DATABASE_URL=$PG_URL fails_with 100 'names no database' db-backup save five
	SLIPWAY_DATABASE_URL="$PG_URL/$db?nonsense=1" fails_with 100 'invalid URI query parameter' db-backup save five
	SLIPWAY_DATABASE_URL=postgresql+psycopg2://postgres:canary@127.0.0.1:$PGPORT/$db db-backup restore two
}

@test "db-backup on PostgreSQL: no database yet is 1, no server is 111" {
	SLIPWAY_DATABASE_URL=$PG_URL/never run -1 --separate-stderr db-backup save one
	[ -z "$output$stderr" ] && [ ! -e bk ]
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:1/$db fails_with 111 'Connection refused' db-backup save one
}

@test "db-backup on PostgreSQL: a server that does not answer is waited for no longer than -t" {
	perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 5) or die; $| = 1; print $s->sockport, "\n"; sleep 60' >port 3>&- &
	local pid=$! begin=$SECONDS
	until [ -s port ]; do sleep 0.02; done
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:$(cat port)/$db fails_with 111 'no answer within 1.000 s' db-backup -t 1 save one
	kill "$pid"
	[ $((SECONDS - begin)) -le 5 ]
}

@test "db-backup on PostgreSQL: a table that is locked is waited for no longer than -t" {
	database
	mkfifo hold
	psql -XqAt "$db" <hold >held 2>&1 3>&- &
	exec 8>hold
	echo "BEGIN; LOCK TABLE v; SELECT 'held';" >&8
	until grep -q held held; do sleep 0.02; done
	fails_with 111 'canceling statement due to' db-backup -t 1 save one
	exec 8>&-
	wait
	only_whole .lock
}

@test "db-backup on PostgreSQL: save killed anywhere leaves no backup or a whole one" {
	database 3000
	local i pid
	for i in 0.03 0.06 0.09 0.12 0.15 0.18 0.21 0.24 0.27; do
		db-backup save "k$i" >/dev/null 3>&- & pid=$!
		sleep "$i"
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" || :
		[ ! -e "bk/k$i.meta" ] || db-backup verify "k$i"
	done
	db-backup save one
	[ -z "$(compgen -G "bk/.part-*")" ]
	for i in bk/*.pgdump.zst bk/*.roles.sql; do i=${i#bk/}; [ -e "bk/${i%.*.*}.meta" ]; done
}

@test "db-backup on PostgreSQL: prune takes all files of a backup along" {
	database
	db-backup save one
	db-backup save two
	[ "$(db-backup prune -k 1)" = one ]
	only_whole $'.lock\ntwo.meta\ntwo.pgdump.zst\ntwo.roles.sql'
}

@test "db-backup on PostgreSQL: a backup of SQLite is not restored into it, nor the other way round" {
	database
	db-backup save one
	sqlite3 app.db 'CREATE TABLE t(a)'
	SLIPWAY_DATABASE_URL=sqlite:app.db fails_with 100 "is of engine 'postgres', the database is not" db-backup restore one
	SLIPWAY_DATABASE_URL=sqlite:app.db db-backup save two
	fails_with 100 "is of engine 'sqlite', the database is not" db-backup restore two
}

@test "db-backup on PostgreSQL: a full disk is 111, and leaves nothing" {
	database 20000
	mkdir small && mount -t tmpfs -o size=256k tmpfs small
	SLIPWAY_BACKUP_DIR=small/bk run -111 --separate-stderr db-backup save one
	local left; left=$(ls -A small/bk)
	umount small
	[[ "$stderr" == *'No space left on device'* && "$left" = .lock ]]
}

@test "db-backup on PostgreSQL: a role that owns the database and may create databases is enough" {
	sql postgres "CREATE ROLE own$db LOGIN CREATEDB PASSWORD 'canary'" "CREATE DATABASE $db OWNER own$db"
	export SLIPWAY_DATABASE_URL=postgresql://own$db:canary@127.0.0.1:$PGPORT/$db
	psql -Xqc "CREATE TABLE t(a int); INSERT INTO t VALUES (1)" "$SLIPWAY_DATABASE_URL"
	about "$db" >before
	db-backup save one
	psql -Xqc "DELETE FROM t" "$SLIPWAY_DATABASE_URL"
	db-backup restore one
	[ "$(sql "$db" 'SELECT count(*) FROM t')" = 1 ]
	about "$db" | cmp - before
	sql postgres "ALTER ROLE own$db NOCREATEDB"
	fails_with 100 'permission denied to create database' db-backup restore one
	[ "$(sql "$db" 'SELECT count(*) FROM t')" = 1 ]
}

@test "db-backup on PostgreSQL: a server that ends the sessions of a restore leaves the database untouched" {
	database
	db-backup save one
	sql "$db" "UPDATE v SET what = 'new'"
	local real; real=$(command -v pg_restore)
	stub pg_restore "psql -XqAtd postgres -c \"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'db-backup' AND pid <> pg_backend_pid()
		AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended('slipway-restore:$db', 0))\" >ended; exec $real \"\$@\""
	run -111 --separate-stderr env PGHOST="$PGHOST" db-backup restore one
	[ "$(cat ended)" = 1 ]
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = new ]
	rm stubs/pg_restore
	db-backup restore one
	[ "$(sql "$db" 'SELECT DISTINCT what FROM v')" = old ]
	[ -z "$(ours)" ]
}

@test "db-backup on PostgreSQL: a pg_dump of which nothing comes is given up" {
	database
	local real; real=$(command -v pg_dump) begin=$SECONDS
	stub pg_dump "case \$1 in --version) exec $real --version ;; esac; exec sleep 100"
	fails_with 111 "nothing came from 'pg_dump' for 10 s" db-backup -t 1 save one
	[ $((SECONDS - begin)) -lt 30 ]
	only_whole .lock
}
