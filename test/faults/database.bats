load ../lib/live
load ../lib/postgres

# A database server that dies in the middle, and comes back or stays away: a cluster of this file's own.
setup_file() { pg_start; }
teardown_file() { pg_stop; }
setup() {
	live_setup
	pg_up
	db=gone$BATS_TEST_NUMBER
	export SLIPWAY_DATABASE_URL=$PG_URL/$db
	sql postgres "CREATE DATABASE $db"
}
pg_up() { psql -Xqc 'SELECT 1' >/dev/null 2>&1 || pg_launch; }

migration() { mkdir -p "m/${1%/*}" && printf '%s\n' "$2" >"m/$1"; }
ledger() { sql "$db" "SELECT file || ' ' || state FROM slipway.ledger ORDER BY 1"; }
# within SECONDS COMMAND... - until it succeeds
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { echo "not in time: $*"; return 1; }
		sleep 0.01
	done
}
ends_with() { # STATUS PID
	local rc=0
	wait "$2" || rc=$?
	[ "$rc" = "$1" ] || { echo "status $rc"; return 1; }
}
sleeps() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db' AND wait_event = 'PgSleep'" 2>/dev/null)" = 1 ]; }
# dump_stands - a pg_dump that begins now stands still behind the tables, when it comes to a sequence
dump_stands() {
	[ "$(sql "$db" "SELECT to_regclass('late') IS NULL")" = f ] || sql "$db" 'CREATE SEQUENCE late'
	psql -XqAt "$db" -c 'BEGIN' -c 'DROP SEQUENCE late' -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 3>&- &
	echo "$!" >>started.pids
	within 20 sleeps
}
waits() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db' AND query LIKE '%late%' AND wait_event_type = 'Lock'" 2>/dev/null)" = 1 ]; }
# What was acknowledged, but not yet written out, must outlive the server.
row() { sql "$db" "INSERT INTO note(body) VALUES ('$1')"; }

@test "database: a server that dies in a backup leaves no half backup, and the next one is whole" {
	sql "$db" 'CREATE TABLE note(body text)' "INSERT INTO note SELECT md5(n::text) FROM generate_series(1, 20000) n"
	local how pid
	for how in pg_kill pg_immediate; do
		dump_stands
		db-backup -d b save cut 2>err >out 3>&- & pid=$!
		within 20 waits
		"$how"
		ends_with 111 "$pid"
		[ ! -s out ]
		grep -q . err
		! grep -q canary err
		run -1 db-backup -d b list
		[ -z "$(find b -name '*cut*')" ]
		pg_launch
	done
	[ "$(db-backup -d b save cut)" = cut ]
	db-backup -d b verify cut
}

@test "database: a server that dies in a migration takes its file back whole, and the next run goes on" {
	migration v1.0.0/001.sql 'CREATE TABLE note(body text);'
	migration v1.1.0/001.sql 'CREATE TABLE first(x int);'
	migrate-run -t 1.0.0 m
	local how pid
	for how in pg_kill pg_immediate; do
		row "$how"
		migration v1.1.0/002.sql "ALTER TABLE note ADD COLUMN made int; SELECT pg_sleep(30);"
		migrate-run -t 1.1.0 m 2>err 3>&- & pid=$!
		within 20 sleeps
		"$how"
		ends_with 111 "$pid"
		grep -q 'v1.1.0/002.sql' err
		! grep -q canary err
		pg_launch
		[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.1.0/001.sql done' ]
		[ "$(sql "$db" "SELECT count(*) FROM pg_attribute WHERE attrelid = 'note'::regclass AND attname = 'made'")" = 0 ]
	done
	migration v1.1.0/002.sql 'ALTER TABLE note ADD COLUMN made int;'
	migrate-run -t 1.1.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.1.0/001.sql done\nv1.1.0/002.sql done' ]
	[ "$(sql "$db" 'SELECT body FROM note WHERE made IS NULL ORDER BY 1')" = $'pg_immediate\npg_kill' ]
}

@test "database: a server that dies in a no-transaction file: the next run says so, and how to settle it" {
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nSELECT pg_sleep(30);'
	migrate-run -t 1.0.0 m 2>err 3>&- & local pid=$!
	within 20 sleeps
	pg_kill
	ends_with 111 "$pid"
	pg_launch
	fails_with 100 'v1.0.0/001.sql was started at 20' migrate-run -t 1.0.0 m
	[[ "$stderr" == *"UPDATE slipway.ledger SET state='done' WHERE file='v1.0.0/001.sql'"* ]]
	sql "$db" "DELETE FROM slipway.ledger WHERE file = 'v1.0.0/001.sql'"
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nSELECT pg_sleep(0);'
	migrate-run -t 1.0.0 m
}

# ---- in an update, without containers ----

# server_here - version 1.0.0 with one row
server_here() {
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sql "$db" 'CREATE TABLE note(id serial PRIMARY KEY, body text NOT NULL UNIQUE)'
	row first
	git -C "$REPO" branch -f main v1.0.0
	update --version 1.0.0 2>install.out || { cat install.out; return 1; }
}
whole_state() {
	tree_state "$ROOT" .slipway data
	pg_dump "$db" | grep -v -e '^\\\(un\)\?restrict' -e 'pg_catalog.setval' # a crash may skip numbers of a sequence
}
copies() { sql postgres "SELECT datname FROM pg_database WHERE datname ~ '$db|slipway' AND datname <> '$db'"; }
as_before() {
	whole_state | diff before - && [ -z "$(copies)" ] && [ ! -e "$ROOT/.slipway/current" ]
}
# dying WHEN - the update in the background, whose server is killed when WHEN succeeds; sets status and out
dying() {
	update 2>out 3>&- & local pid=$! rc=0
	within 20 "$@"
	pg_kill
	wait "$pid" || rc=$?
	status=$rc
	! grep canary out
}

@test "database: a server that dies in the backup of an update: nothing was changed" {
	server_here
	release 1.1.5 --migration 'ALTER TABLE note ADD COLUMN made int;'
	sql "$db" 'CREATE SEQUENCE late'
	whole_state >before
	dump_stands
	dying waits
	[ "$status" = 111 ] || { cat out; return 1; }
	grep -q 'step backup failed: ' out
	grep -q 'everything is as before' out
	pg_launch
	as_before
	update 2>out
	[ "$(ledger)" = 'v1.1.5/001.sql done' ]
}

@test "database: a server that dies in a migration of an update and stays away: undo finishes when it is back" {
	server_here
	release 1.1.5 --migration 'ALTER TABLE note ADD COLUMN made int;' --migration 'SELECT pg_sleep(30);'
	whole_state >before
	dying sleeps
	[ "$status" = 112 ] || { cat out; return 1; }
	grep -q 'step migrate failed: v1.1.5/002.sql' out
	grep -q 'undo of step migrate failed: ' out
	grep -q 'hint: mend the cause, then run: slipway undo' out
	run -112 slipway -C "$ROOT" undo -y --allow set-aside # still away
	pg_launch
	[ "$(ledger)" = 'v1.1.5/001.sql done' ]
	row 'after the crash'
	slipway -C "$ROOT" undo -y --allow set-aside
	# It is not known who wrote since, so that nothing was thrown away.
	aside=$(copies)
	[[ "$aside" == *set_aside* ]]
	[ "$(sql "$aside" 'SELECT body FROM note ORDER BY id')" = $'first\nafter the crash' ]
	sql postgres "DROP DATABASE \"$aside\""
	as_before
}

@test "database: a server that dies at the restore point and stays away: undo finishes when it is back" {
	server_here
	release 1.1.5 --migration 'ALTER TABLE note ADD COLUMN made int;'
	whole_state >before
	mkdir slow
	local tool
	for tool in "$SLIPWAY_BIN"/*; do ln -s "$tool" slow/; done
	rm slow/db-backup # the copy is asked for once the server is gone
	printf '#!/bin/bash\ncase "$*" in *restore-point*" save "*) : >%s/asked; sleep 1 ;; esac\nexec %s/db-backup "$@"\n' "$PWD" "$SLIPWAY_BIN" >slow/db-backup
	chmod +x slow/db-backup
	SLIPWAY_BIN=$PWD/slow dying [ -e asked ]
	case $status in 111 | 112) ;; *) cat out; return 1 ;; esac
	grep -q 'step restore-point failed: ' out
	pg_launch
	[ "$status" = 111 ] || slipway -C "$ROOT" undo -y
	as_before
}

@test "database: a SQLite file that somebody keeps locked: backup and migration give up in time, and all is as before" {
	unset SLIPWAY_DATABASE_URL
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sed -i "s|sqlite:///data/app.db|sqlite:///$DB|" "$ROOT/config/slipway.yaml"
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	update --version 1.0.0 2>install.out || { cat install.out; return 1; }
	tree_state "$ROOT" .slipway data >before
	sqlite3 "$DB" .dump >before.sql
	mkfifo hold
	sqlite3 "$DB" <hold >held 3>&- &
	exec 7>hold
	echo "BEGIN EXCLUSIVE; SELECT 'held';" >&7
	within 5 grep -q held held
	local began=$SECONDS
	run -111 --separate-stderr update 7>&-
	[[ "$stderr" == *'database is locked'* ]] || { echo "$stderr"; return 1; }
	[ "$((SECONDS - began))" -lt 40 ]
	exec 7>&-
	tree_state "$ROOT" .slipway data | diff before -
	sqlite3 "$DB" .dump | diff before.sql -
	[ ! -e "$ROOT/.slipway/current" ]
	# And one who takes it for as long as the migrations try.
	mkdir slow
	local tool
	for tool in "$SLIPWAY_BIN"/*; do ln -s "$tool" slow/; done
	rm slow/migrate-run
	cat >slow/migrate-run <<-END
		#!/bin/bash
		[ "\$1" = -r ] || exec $SLIPWAY_BIN/migrate-run "\$@"
		coproc sqlite3 "$DB"
		echo "BEGIN EXCLUSIVE; SELECT 'held';" >&\${COPROC[1]}
		read -r _ <&\${COPROC[0]}
		$SLIPWAY_BIN/migrate-run "\$@"
	END
	chmod +x slow/migrate-run
	SLIPWAY_BIN=$PWD/slow run -111 --separate-stderr update
	[[ "$stderr" == *'step migrate failed: '*locked* && "$stderr" == *'everything is as before'* ]] || { echo "$stderr"; return 1; }
	tree_state "$ROOT" .slipway data | diff before -
	sqlite3 "$DB" .dump | diff before.sql -
	[ ! -e "$ROOT/.slipway/current" ]
}
