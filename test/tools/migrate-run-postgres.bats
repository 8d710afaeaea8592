load ../lib/common
load ../lib/postgres

setup_file() { pg_start; }
teardown_file() { pg_stop; }

# Each test has a database of its own, so that they run side by side.
setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	db=mig$BATS_TEST_NUMBER
	sql postgres "CREATE DATABASE $db"
	export SLIPWAY_DATABASE_URL=$PG_URL/$db
}

# migration FILE SQL - one file of the folder m
migration() { mkdir -p "m/${1%/*}" && printf '%s\n' "$2" >"m/$1"; }
# ledger - `file state` of each row
ledger() { sql "$db" "SELECT file || ' ' || state FROM slipway.ledger ORDER BY file COLLATE \"C\""; }
# empty - nothing was made in the database
empty() { [ "$(sql "$db" "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND relnamespace::regnamespace::text <> 'information_schema'" "SELECT to_regnamespace('slipway') IS NULL")" = $'0\nt' ]; }
# refused_unread TEXT - the file m/v1.0.0/001.sql is refused with TEXT, and the database is as it was
refused_unread() {
	fails_with 100 "$1" migrate-run -t 1.0.0 m
	empty || { echo 'something was made'; return 1; }
}
# holder SQL - another session that has run SQL in a transaction and holds on; more SQL goes to fd 8
holder() {
	rm -f hold held; mkfifo hold
	PGAPPNAME='the holder' psql -XqAt "$db" <hold >held 2>&1 3>&- &
	holder=$!
	exec 8>hold
	echo "BEGIN; $1; SELECT 'held';" >&8
	until grep -q held held; do sleep 0.02; done
}
# running TEXT - until a session runs a statement with TEXT in it
running() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db' AND state = 'active' AND query LIKE '%$1%' AND pid <> pg_backend_pid()")" = 0 ] || return 0
		sleep 0.02
	done
	return 1
}

@test "migrate-run on PostgreSQL: files run in order of version, then name, each recorded" {
	migration v1.9.0/001.sql "CREATE TABLE t(n serial PRIMARY KEY, what text); INSERT INTO t(what) VALUES ('a');"
	migration 1.10.0/002_b.sql "INSERT INTO t(what) VALUES ('c');"
	migration 1.10.0/002_a.sql "INSERT INTO t(what) VALUES ('b');"
	migration v2.0.0/001.sql "INSERT INTO t(what) VALUES ('not yet');"
	run -0 --separate-stderr migrate-run -t v1.10.0 m
	[ -z "$stderr" ]
	[ "$(sed 's/\t[0-9]*\.[0-9][0-9][0-9]$/ t/' <<<"$output")" = 'v1.9.0/001.sql t
v1.10.0/002_a.sql t
v1.10.0/002_b.sql t' ]
	[ "$(sql "$db" "SELECT string_agg(what, '' ORDER BY n) FROM t")" = abc ]
	[ "$(sql "$db" "SELECT sha256 FROM slipway.ledger WHERE file = 'v1.10.0/002_a.sql'")" = "$(sha256sum <m/1.10.0/002_a.sql | cut -d' ' -f1)" ]
	[ "$(sql "$db" "SELECT count(*) FROM slipway.ledger WHERE state = 'done' AND release = 'v1.10.0' AND ended >= started AND who LIKE '%@% %'" \
		"SELECT obj_description('slipway'::regnamespace, 'pg_namespace')")" = $'3\nslipway' ]
	run -1 migrate-run -t 1.10.0 m
	[ -z "$output" ]
	run -0 migrate-run -r '2.0 of mine' -t 2.0.0 m
	[ "$(sql "$db" "SELECT release FROM slipway.ledger WHERE file LIKE 'v2%'")" = '2.0 of mine' ]
}

@test "migrate-run on PostgreSQL: -n tells what would run and alters nothing" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int); -- slipway: hazard drop x'
	migration v1.0.0/002.sql '-- slipway: no-transaction
CREATE INDEX CONCURRENTLY i ON t(a);'
	run -0 --separate-stderr migrate-run -n -t 1.0.0 m
	[ "$output" = "v1.0.0/001.sql	$(sha256sum <m/v1.0.0/001.sql | cut -d' ' -f1)	transaction	hazard drop x
v1.0.0/002.sql	$(sha256sum <m/v1.0.0/002.sql | cut -d' ' -f1)	no-transaction	" ]
	empty
}

@test "migrate-run on PostgreSQL: -b records all as run, once" {
	migration v1.0.0/001.sql 'this is not read;'
	migration v1.1.0/001.sql 'CREATE TABLE t(a int);'
	[ "$(migrate-run -b -n -t 1.0.0 m)" = v1.0.0/001.sql ]
	empty
	[ "$(migrate-run -b -t 1.0.0 m)" = v1.0.0/001.sql ]
	[ "$(ledger)" = 'v1.0.0/001.sql baseline' ]
	run -1 migrate-run -b -t 1.1.0 m
	migrate-run -t 1.1.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql baseline\nv1.1.0/001.sql done' ]
}

@test "migrate-run on PostgreSQL: a file that fails is taken back whole, those before it stay; the text names file and line" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migration v1.0.0/002.sql $'INSERT INTO t VALUES (1);\nCREATE TABLE u(a int);\n-- \xc3\xa4\nSELECT \'\xc3\xa4\',\n  nonsense FROM t;'
	run -100 --separate-stderr migrate-run -t 1.0.0 m
	[[ "$output" = v1.0.0/001.sql* && "$stderr" == *'v1.0.0/002.sql:5: column "nonsense" does not exist'* ]]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	[ "$(sql "$db" "SELECT count(*), to_regclass('u') IS NULL FROM t")" = '0|t' ]
	migration v1.0.0/002.sql $'CREATE TABLE c(a int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (1), (1);'
	fails_with 100 'v1.0.0/002.sql: duplicate key value' migrate-run -t 1.0.0 m
	[ "$(sql "$db" "SELECT to_regclass('c') IS NULL")" = t ]
}

@test "migrate-run on PostgreSQL: a first file that fails leaves no ledger behind" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int); SELECT 1/0;'
	fails_with 100 'v1.0.0/001.sql:1: division by zero' migrate-run -t 1.0.0 m
	empty
}

@test "migrate-run on PostgreSQL: quotes, dollar quotes, functions and nested comments are read as the server reads them" {
	cat >sql <<-'END'
		CREATE TABLE t(a text, "odd;""name" int);
		/* one /* two ; */ ; */ INSERT INTO t(a) VALUES ('it''s;'), (E'it\'s;'), ('back\'), ($$;$$), ($x$ $$;$$ $x$);
		CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN; RETURN 1; END; $f$;
		DO $$ BEGIN PERFORM 1; INSERT INTO t(a) VALUES ('do'); END $$;
		CREATE RULE r AS ON UPDATE TO t DO ALSO (SELECT 1; SELECT 2);
	END
	sed -i '3s/BEGIN;/BEGIN/' sql
	migration v1.0.0/001.sql "$(cat sql)"
	[ "$(sql postgres 'SHOW server_version_num')" -lt 140000 ] ||
		migration v1.0.0/002.sql 'CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;'
	migrate-run -t 1.0.0 m
	[ "$(sql "$db" "SELECT count(*) FROM t")" = 6 ]
}

@test "migrate-run on PostgreSQL: standard strings hold whatever the database or a file before has set" {
	sql postgres "ALTER DATABASE $db SET standard_conforming_strings = off"
	migration v1.0.0/001.sql "CREATE TABLE t(a text); SET standard_conforming_strings = off; SET search_path = pg_catalog;"
	migration v1.0.0/002.sql "INSERT INTO t VALUES ('back\\'); INSERT INTO t VALUES ('two');"
	migrate-run -t 1.0.0 m
	[ "$(sql "$db" "SELECT string_agg(a, ',' ORDER BY a) FROM t")" = 'back\,two' ]
}

@test "migrate-run on PostgreSQL: what takes the transaction away is refused before anything runs" {
	local word
	for word in BEGIN 'start transaction' Commit END ROLLBACK ABORT 'SAVEPOINT a' 'RELEASE a' "PREPARE TRANSACTION 'x'"; do
		migration v1.0.0/001.sql "CREATE TABLE t(a int);
$word;"
		refused_unread 'v1.0.0/001.sql:2: '
	done
	migration v1.0.0/001.sql "DO \$\$ BEGIN COMMIT; END \$\$;"
	fails_with 100 'v1.0.0/001.sql:1: invalid transaction termination' migrate-run -t 1.0.0 m
	empty
}

@test "migrate-run on PostgreSQL: commands of psql and data for COPY are refused before anything runs" {
	local line
	for line in '\connect other' '\! id' "\\copy t FROM 'x'" 'SELECT 1 \gexec' '\restrict abc'; do
		migration v1.0.0/001.sql "CREATE TABLE t(a int);
$line"
		refused_unread 'v1.0.0/001.sql:2: a command of psql is no SQL'
	done
	migration v1.0.0/001.sql $'CREATE TABLE t(a int);\nCOPY t(a) FROM stdin;\n1\n\\.'
	refused_unread 'v1.0.0/001.sql:2: COPY from or to the client'
}

@test "migrate-run on PostgreSQL: a role that is left on is refused, one that is given back is not" {
	local line
	for line in 'SET ROLE pg_monitor' 'SET LOCAL ROLE pg_monitor' "SET SESSION ROLE 'pg_monitor'" 'SET SESSION AUTHORIZATION pg_monitor' \
		'set local session authorization pg_monitor' 'SET SESSION SESSION AUTHORIZATION pg_monitor' 'SET role TO pg_monitor' 'SET session_authorization = pg_monitor'; do
		migration v1.0.0/001.sql "RESET ROLE;
$line;"
		refused_unread 'v1.0.0/001.sql:2: SET '
	done
	migration v1.0.0/001.sql 'SET ROLE pg_monitor; RESET ROLE; SET ROLE pg_monitor; SET ROLE NONE; SET role TO none; SET session_authorization TO DEFAULT; SET SESSION AUTHORIZATION pg_monitor; SET SESSION AUTHORIZATION DEFAULT;'
	migrate-run -t 1.0.0 m
}

@test "migrate-run on PostgreSQL: what cannot run in a transaction is refused without its mark, before anything runs" {
	local line
	for line in 'VACUUM' 'CREATE UNIQUE INDEX CONCURRENTLY i ON t(a)' 'DROP INDEX CONCURRENTLY i' 'REINDEX (VERBOSE) TABLE CONCURRENTLY t' \
		'CREATE DATABASE x' 'ALTER SYSTEM SET work_mem = 1'; do
		migration v1.0.0/001.sql "CREATE TABLE t(a int);
$line;"
		refused_unread "needs a file of its own, marked '-- slipway: no-transaction'"
	done
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nVACUUM; VACUUM;'
	refused_unread 'v1.0.0/001.sql:1: a no-transaction file holds one statement, this one 2'
}

@test "migrate-run on PostgreSQL: a file cut off, a NUL or bytes that are no UTF-8 are refused before anything runs" {
	migration v1.0.0/001.sql $'CREATE TABLE t(a int);\nDO $$ BEGIN'
	refused_unread 'v1.0.0/001.sql:2: dollar quote does not end'
	printf 'SELECT 1;\nSELECT \0;' >m/v1.0.0/001.sql
	refused_unread 'v1.0.0/001.sql:2: holds a NUL byte'
	printf "SELECT '\\377';" >m/v1.0.0/001.sql
	refused_unread 'v1.0.0/001.sql:1: is not UTF-8'
	migration v1.0.0/001.sql 'SELECT $1;'
	fails_with 100 'v1.0.0/001.sql:1: a parameter has no value' migrate-run -t 1.0.0 m
	empty
}

@test "migrate-run on PostgreSQL: a file that changed after it ran is refused" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migrate-run -t 1.0.0 m
	migration v1.0.0/001.sql 'CREATE TABLE u(a int);'
	fails_with 100 'v1.0.0/001.sql was changed after it ran at 20' migrate-run -t 1.0.0 m
}

@test "migrate-run on PostgreSQL: a no-transaction file runs outside a transaction" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migration v1.0.0/002.sql $'-- slipway: no-transaction\nCREATE INDEX CONCURRENTLY i ON t(a);'
	migrate-run -t 1.0.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
	[ "$(sql "$db" "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")" = t ]
}

@test "migrate-run on PostgreSQL: an index that CREATE INDEX CONCURRENTLY left invalid is named, and not taken for done" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);'
	migration v1.0.0/002.sql $'-- slipway: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_once ON t(a);'
	run -100 --separate-stderr migrate-run -t 1.0.0 m
	[[ "$stderr" == *'v1.0.0/002.sql:2: could not create unique index'*'it left an invalid index: DROP INDEX CONCURRENTLY t_once'* ]]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	run -100 --separate-stderr migrate-run -t 1.0.0 m
	[[ "$stderr" == *'left an invalid index: t_once'*'DROP INDEX CONCURRENTLY t_once'* ]]
	sql "$db" 'DROP INDEX CONCURRENTLY t_once' 'DELETE FROM t'
	migrate-run -t 1.0.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
}

@test "migrate-run on PostgreSQL: killed in a no-transaction file, the next run refuses and says how to settle it" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migrate-run -t 1.0.0 m
	holder 'INSERT INTO t VALUES (1)' # the build waits for it
	migration v1.0.0/002.sql $'-- slipway: no-transaction\nCREATE INDEX CONCURRENTLY slow ON t(a);'
	migrate-run -t 1.0.0 m 3>&- 8>&- & local pid=$!
	running 'INDEX CONCURRENTLY slow'
	kill -9 "$pid"; wait "$pid" || :
	run -100 --separate-stderr migrate-run -t 1.0.0 m 8>&-
	[[ "$stderr" == *'v1.0.0/002.sql was started at 20'*'how it ended is not known; invalid index: slow'*"UPDATE slipway.ledger SET state='done' WHERE file='v1.0.0/002.sql'"* ]]
	exec 8>&-; wait "$holder"
	sql "$db" 'DROP INDEX slow' "DELETE FROM slipway.ledger WHERE file='v1.0.0/002.sql'"
	migrate-run -t 1.0.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
}

@test "migrate-run on PostgreSQL: killed in a long statement, the next run agrees with the ledger" {
	sql "$db" 'CREATE TABLE pause(n int)' 'INSERT INTO pause VALUES (30)'
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migration v1.0.0/002.sql 'INSERT INTO t VALUES (1); SELECT pg_sleep(n) FROM pause; INSERT INTO t VALUES (2);'
	migrate-run -t 1.0.0 m 3>&- & local pid=$!
	running 'pg_sleep'
	kill -9 "$pid"; wait "$pid" || :
	sql "$db" 'UPDATE pause SET n = 0'
	migrate-run -t 1.0.0 m # at once: it waits until the server gave up the one before
	[ "$(sql "$db" "SELECT string_agg(a::text, ' ' ORDER BY a) FROM t")" = '1 2' ]
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
}

@test "migrate-run on PostgreSQL: two at once run nothing twice" {
	local i
	migration v1.0.0/000.sql 'CREATE TABLE t(a int);'
	for i in 1 2 3 4 5 6; do migration "v1.0.0/00$i.sql" "INSERT INTO t VALUES ($i); SELECT pg_sleep(0.1);"; done
	migrate-run -t 1.0.0 m >one 3>&- & local pid=$!
	migrate-run -t 1.0.0 m >two || [ $? -eq 1 ]
	wait "$pid" || [ $? -eq 1 ]
	[ "$(cat one two | cut -f1 | sort | uniq -d)" = '' ] && [ "$(cat one two | wc -l)" = 7 ]
	[ "$(sql "$db" 'SELECT count(*), count(DISTINCT a) FROM t')" = '6|6' ]
}

@test "migrate-run on PostgreSQL: another run that does not end is named" {
	migration v1.0.0/001.sql 'SELECT pg_sleep(5);'
	migrate-run -t 1.0.0 m 3>&- & local pid=$!
	running 'pg_sleep(5)'
	fails_with 111 "another migrate-run is at work in the database (pid $(sql postgres "SELECT pid FROM pg_stat_activity WHERE datname = '$db' AND query LIKE '%pg_sleep(5)%' AND pid <> pg_backend_pid()"), user postgres, application 'migrate-run " \
		migrate-run -w 1 -t 1.0.0 m
	wait "$pid"
}

@test "migrate-run on PostgreSQL: who holds a lock is named when the time is over" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int); CREATE TABLE u(a int);'
	migrate-run -t 1.0.0 m
	holder 'LOCK TABLE t'
	migration v1.0.0/002.sql $'INSERT INTO u VALUES (1);\nALTER TABLE t ADD b int;'
	run -111 --separate-stderr migrate-run -w 2 -t 1.0.0 m 8>&-
	[[ "$stderr" == *"v1.0.0/002.sql:2: canceling statement due to lock timeout; held by pid "*"user postgres, application 'the holder', its last query "*' s ago'* ]]
	[ "$(sql "$db" 'SELECT count(*) FROM u')" = 0 ]
	exec 8>&-; wait "$holder"
}

@test "migrate-run on PostgreSQL: a file that could not get its locks is tried again" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int); CREATE TABLE u(a int);'
	migrate-run -t 1.0.0 m
	holder 'LOCK TABLE t; SELECT pg_sleep(0)'
	migration v1.0.0/002.sql $'INSERT INTO u VALUES (1);\nALTER TABLE t ADD b int;'
	migrate-run -t 1.0.0 m 3>&- 8>&- & local pid=$!
	running 'ALTER TABLE t'
	sleep 5.5
	exec 8>&-; wait "$holder"
	wait "$pid"
	[ "$(sql "$db" 'SELECT count(*) FROM u')" = 1 ]
	grep -c 'lock timeout' "$PG_HOME/log"
}

@test "migrate-run on PostgreSQL: a session that the server ends leaves no trace, and the next run does it" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	migration v1.0.0/002.sql 'INSERT INTO t VALUES (1); SELECT pg_sleep(2);'
	migrate-run -t 1.0.0 m >out 2>err 3>&- & local pid=$! rc=0
	running 'pg_sleep'
	sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$db' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()" >/dev/null
	wait "$pid" || rc=$?
	[ "$rc" = 111 ] && grep -q 'v1.0.0/002.sql:1: terminating connection' err
	[ "$(ledger)" = 'v1.0.0/001.sql done' ] && [ "$(sql "$db" 'SELECT count(*) FROM t')" = 0 ]
	migrate-run -t 1.0.0 m
	[ "$(sql "$db" 'SELECT count(*) FROM t')" = 1 ]
}

@test "migrate-run on PostgreSQL: a schema slipway that is not ours is left alone" {
	sql "$db" 'CREATE SCHEMA slipway'
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	fails_with 100 "the schema 'slipway' of the database is not ours" migrate-run -t 1.0.0 m
	[ "$(sql "$db" "SELECT to_regclass('t') IS NULL AND to_regclass('slipway.ledger') IS NULL")" = t ]
}

@test "migrate-run on PostgreSQL: no server, no database and a wrong password are 111, without the password" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a int);'
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:1/x fails_with 111 'Connection refused' migrate-run -t 1.0.0 m
	SLIPWAY_DATABASE_URL=$PG_URL/never fails_with 111 'database "never" does not exist' migrate-run -t 1.0.0 m
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary2@127.0.0.1:$PGPORT/$db run -111 --separate-stderr migrate-run -t 1.0.0 m
	[[ "$stderr" == *'password authentication failed'* && "$stderr" != *canary* ]]
	fails_with 100 "'x' is no number of seconds" migrate-run -w x -t 1.0.0 m
}
