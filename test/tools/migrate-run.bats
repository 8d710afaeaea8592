load ../lib/common

# migration FILE SQL - one file of the folder m
migration() { mkdir -p "m/${1%/*}" && printf '%s\n' "$2" >"m/$1"; }

# ledger - `file state` of each row
ledger() { sqlite3 -separator ' ' app.db 'SELECT file, state FROM slipway_ledger ORDER BY file'; }

# refused_unread TEXT - the file m/v1.0.0/001.sql is refused with TEXT, and no database is made
refused_unread() {
	fails_with 100 "$1" migrate-run -t 1.0.0 m
	[ ! -e app.db ] || { echo 'a database was made'; return 1; }
}

strace() { ASAN_OPTIONS=detect_leaks=0 command strace "$@"; } # the leak check needs ptrace for itself

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	export SLIPWAY_DATABASE_URL=sqlite:app.db
}

@test "migrate-run: files run in order of version, then name, each recorded" {
	migration v1.9.0/001.sql 'CREATE TABLE t(n INTEGER PRIMARY KEY, what TEXT); INSERT INTO t(what) VALUES ("a");'
	migration 1.10.0/002_b.sql "INSERT INTO t(what) VALUES ('c');"
	migration 1.10.0/002_a.sql "INSERT INTO t(what) VALUES ('b');"
	migration v2.0.0/001.sql "INSERT INTO t(what) VALUES ('not yet');"
	run -0 --separate-stderr migrate-run -t v1.10.0 m
	[ -z "$stderr" ]
	[ "$(sed 's/\t[0-9]*\.[0-9][0-9][0-9]$/ t/' <<<"$output")" = 'v1.9.0/001.sql t
v1.10.0/002_a.sql t
v1.10.0/002_b.sql t' ]
	[ "$(sqlite3 app.db 'SELECT group_concat(what, "") FROM t')" = abc ]
	[ "$(sqlite3 app.db "SELECT sha256 FROM slipway_ledger WHERE file = 'v1.10.0/002_a.sql'")" = \
		"$(sha256sum <m/1.10.0/002_a.sql | cut -d' ' -f1)" ]
	[ "$(sqlite3 app.db "SELECT count(*) FROM slipway_ledger WHERE state = 'done' AND \"release\" = 'v1.10.0' AND
		started GLOB '20*T*Z' AND ended GLOB '20*T*Z' AND who GLOB '*@* [0-9]*'")" = 3 ]
	run -1 migrate-run -t 1.10.0 m
	[ -z "$output" ]
	run -0 migrate-run -r '2.0 of mine' -t 2.0.0 m
	[ "$(sqlite3 app.db "SELECT \"release\" FROM slipway_ledger WHERE file GLOB 'v2*'")" = '2.0 of mine' ]
}

@test "migrate-run: the folder of a version is that of its numbers alone" {
	migration v1.2.1/001.sql 'SELECT 1;'
	migration v1.2.2/001.sql 'SELECT 1;'
	local version
	for version in v1.2.1g 1.2.1-rc-1 1.2.1 1.2.1+build.9 1.2.1.0; do
		[ "$(migrate-run -n -t "$version" m | cut -f1)" = v1.2.1/001.sql ]
	done
	run -1 migrate-run -n -t 1.2.0.9 m
}

@test "migrate-run: a folder that gets another name of the same version does not run again" {
	migration 1.2/001.sql 'CREATE TABLE t(a);'
	migrate-run -t 1.2 m
	[ "$(ledger)" = 'v1.2.0/001.sql done' ]
	mv m/1.2 m/v1.2.0.0
	run -1 migrate-run -t 1.2 m
	mkdir m/v1.2
	fails_with 100 "are folders of the same version" migrate-run -t 1.2 m
}

@test "migrate-run: -n lists what would run, with hash, mode and hazards, and makes nothing" {
	migration v1.0.0/001.sql $'-- slipway: hazard data-loss drops\tt.a; all\nSELECT 1;\n-- slipway: hazard slow'
	migration v1.0.0/002.sql $'-- about it\n-- slipway: no-transaction\nVACUUM;'
	run -0 --separate-stderr migrate-run -n -t 1.0.0 m
	[ "$output" = "v1.0.0/001.sql	$(sha256sum <m/v1.0.0/001.sql | cut -d' ' -f1)	transaction	hazard data-loss drops t.a  all; hazard slow
v1.0.0/002.sql	$(sha256sum <m/v1.0.0/002.sql | cut -d' ' -f1)	no-transaction	" ]
	[ "$(ls)" = m ]
	migrate-run -t 1.0.0 m
	run -1 --separate-stderr migrate-run -n -t 1.0.0 m
	[ -z "$output$stderr" ]
}

@test "migrate-run: -n leaves a database as it is, byte by byte, without files beside it" {
	migration v1.0.0/001.sql 'SELECT 1;'
	sqlite3 app.db 'PRAGMA journal_mode = WAL; CREATE TABLE t(a)' >wal
	rm wal
	sha256sum app.db >sum
	migrate-run -n -t 1.0.0 m
	sha256sum -c sum
	[ "$(ls)" = $'app.db\nm\nsum' ]
	[ "$(sqlite3 app.db '.tables')" = t ]
}

@test "migrate-run: -b records files as run without running them, once" {
	migration v1.0.0/001.sql 'BEGIN; this ran in days when anything went'
	migration v1.1.0/001.sql 'CREATE TABLE t(a);'
	run -1 migrate-run -b -t 1.0.0 m
	[ ! -e app.db ]
	sqlite3 app.db 'CREATE TABLE x(a)'
	run -0 migrate-run -b -n -t 1.0.0 m
	[ "$output" = v1.0.0/001.sql ]
	[ "$(sqlite3 app.db .tables)" = x ]
	run -0 migrate-run -b -t 1.0.0 m
	[ "$output" = v1.0.0/001.sql ]
	[ "$(ledger)" = 'v1.0.0/001.sql baseline' ]
	run -1 migrate-run -b -t 1.1.0 m
	run -1 migrate-run -b -n -t 1.1.0 m
	[ "$(ledger)" = 'v1.0.0/001.sql baseline' ]
	run -0 migrate-run -t 1.1.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql baseline\nv1.1.0/001.sql done' ]
}

@test "migrate-run: a failing statement takes its file back whole, is named by line, and leaves the files before it" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a INTEGER PRIMARY KEY);'
	migration v1.1.0/001.sql $'INSERT INTO t VALUES (1);\nCREATE TABLE u(a);\n\nINSERT INTO t\nVALUES (1);'
	migration v1.2.0/001.sql 'CREATE TABLE w(a);'
	run -100 --separate-stderr migrate-run -t 1.2.0 m
	[[ "$output" == v1.0.0/001.sql* ]]
	[ "$stderr" = 'migrate-run: v1.1.0/001.sql:4: UNIQUE constraint failed: t.a' ]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	[ "$(sqlite3 app.db 'SELECT count(*) FROM t' .tables | tr -s ' \n' ' ')" = '0 slipway_ledger t ' ]
	migration v1.1.0/001.sql $'INSERT INTO t VALUES (1);\nCREATE TABLE u(a,\n b b b,\n "x" near);\nSELEC 1;'
	fails_with 100 'v1.1.0/001.sql:5: near "SELEC": syntax error' migrate-run -t 1.2.0 m
	migration v1.1.0/001.sql $'SELECT 1,\n 2,\n absent FROM t;'
	fails_with 100 'v1.1.0/001.sql:3: no such column: absent' migrate-run -t 1.2.0 m
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
}

@test "migrate-run: a conflict that rolls back by itself leaves nothing either" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1); INSERT OR ROLLBACK INTO t VALUES (1); CREATE TABLE u(a);'
	fails_with 100 'UNIQUE constraint failed' migrate-run -t 1.0.0 m
	[ -z "$(sqlite3 app.db .tables)" ]
}

@test "migrate-run: a file that was changed after it ran is refused before anything runs" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	migrate-run -t 1.0.0 m
	migration v1.0.0/000.sql 'CREATE TABLE u(a);'
	echo '-- edited' >>m/v1.0.0/001.sql
	fails_with 100 'v1.0.0/001.sql was changed after it ran' migrate-run -t 1.0.0 m
	fails_with 100 'v1.0.0/001.sql was changed after it ran' migrate-run -n -t 1.0.0 m
	[ "$(sqlite3 app.db '.tables u')" = '' ]
}

@test "migrate-run: a later file in an earlier folder still runs" {
	migration v1.1.0/001.sql 'SELECT 1;'
	migrate-run -t 1.1.0 m
	migration v1.0.0/001.sql 'SELECT 1;'
	[ "$(migrate-run -t 1.1.0 m | cut -f1)" = v1.0.0/001.sql ]
}

@test "migrate-run: one bad file stops all before the first runs" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	migration v1.0.0/002.sql $'SELECT 1;\nCOMMIT;'
	refused_unread 'v1.0.0/002.sql:2: COMMIT has no place in a migration'
}

@test "migrate-run: statements that would end or leave the transaction are refused by line" {
	local sql
	for sql in BEGIN 'begin immediate' COMMIT END ROLLBACK 'SAVEPOINT a' 'RELEASE a' "ATTACH 'x' AS y" 'DETACH y' \
		'/* x */ Commit' $'--x\ncommit'; do
		migration v1.0.0/001.sql $'SELECT 1;\n'"$sql;"
		refused_unread 'has no place in a migration'
	done
	migration v1.0.0/001.sql $'SELECT 1;\n\n  VACUUM;'
	refused_unread 'v1.0.0/001.sql:3: VACUUM needs a file of its own'
	for sql in 'journal_mode = WAL' 'main.journal_mode=delete' '"locking_mode"=exclusive' 'synchronous=off' \
		'writable_schema=on' 'wal_checkpoint' ''; do
		migration v1.0.0/001.sql "PRAGMA $sql;"
		refused_unread 'v1.0.0/001.sql:1: PRAGMA '
	done
	migration v1.0.0/001.sql "CREATE TABLE \"commit\"(begin TEXT, a); INSERT INTO \"commit\" VALUES ('; COMMIT;', 1); PRAGMA user_version = 7;
		CREATE TRIGGER tr AFTER INSERT ON \"commit\" BEGIN UPDATE \"commit\" SET a = CASE WHEN a THEN 2 END; END;
		INSERT INTO \"commit\" VALUES ('x', 1);"
	migrate-run -t 1.0.0 m
	[ "$(sqlite3 app.db 'SELECT sum(a) FROM "commit"; PRAGMA user_version')" = $'4\n7' ]
}

@test "migrate-run: texts that are cut off, of the shell, or no UTF-8 are refused by line" {
	migration v1.0.0/001.sql $'SELECT 1;\nDELETE FROM t'
	refused_unread "v1.0.0/001.sql:2: statement does not end with ';'"
	migration v1.0.0/001.sql $'SELECT 1;\nINSERT INTO t VALUES (\'a;\n'
	refused_unread 'v1.0.0/001.sql:2: string does not end'
	migration v1.0.0/001.sql $'/* SELECT 1;'
	refused_unread 'v1.0.0/001.sql:1: comment does not end'
	migration v1.0.0/001.sql $'CREATE TRIGGER t AFTER INSERT ON x BEGIN\nSELECT 1;'
	refused_unread "v1.0.0/001.sql:1: trigger does not end with 'END;'"
	migration v1.0.0/001.sql $'SELECT 1;\n.read other.sql'
	refused_unread 'v1.0.0/001.sql:2: a command of the sqlite3 shell is no SQL'
	printf 'SELECT 1;\nSELECT \0;\n' >m/v1.0.0/001.sql
	refused_unread 'v1.0.0/001.sql:2: holds a NUL byte'
	printf 'SELECT 1;\n\nSELECT "\xff";\n' >m/v1.0.0/001.sql
	refused_unread 'v1.0.0/001.sql:3: is not UTF-8'
	printf '\xff\xfeS\0E\0' >m/v1.0.0/001.sql
	refused_unread 'v1.0.0/001.sql:1: is not UTF-8'
}

@test "migrate-run: a parameter, and text that SQLite reads otherwise, fail and leave nothing" {
	local sql
	for sql in 'CREATE TABLE u(a); INSERT INTO u VALUES (?);' 'CREATE TABLE u(a); INSERT INTO u VALUES (:x);'; do
		migration v1.0.0/001.sql "$sql"
		fails_with 100 'v1.0.0/001.sql:1: a parameter has no value' migrate-run -t 1.0.0 m
	done
	migration v1.0.0/001.sql 'CREATE TABLE u(a); CREATE TRIGGER x; COMMIT; END; SELECT 1;'
	fails_with 100 'v1.0.0/001.sql:1: ' migrate-run -t 1.0.0 m
	[ -z "$(sqlite3 app.db .tables)" ]
}

@test "migrate-run: a byte order mark, CRLF, a missing last newline and an empty file are fine" {
	mkdir -p m/v1.0.0
	printf '\xef\xbb\xbf-- slipway: hazard x\r\nCREATE TABLE t(a);\r\n' >m/v1.0.0/001.sql
	printf 'CREATE TABLE u(a);' >m/v1.0.0/002.sql
	: >m/v1.0.0/003.sql
	[[ "$(migrate-run -n -t 1 m 2>&1)" == *"'1' is no version"* ]]
	[ "$(migrate-run -n -t 1.0 m | cut -f4 | head -n 1)" = 'hazard x' ]
	migrate-run -t 1.0 m
	[ "$(ledger | wc -l)" = 3 ]
	[ "$(sqlite3 app.db "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table' ORDER BY 1")" = slipway_ledger,t,u ]
}

@test "migrate-run: what stands behind the mark down does not run" {
	migration v1.0.0/001.sql $'CREATE TABLE t(a);\n-- slipway: down\nDROP TABLE t;\nCOMMIT'
	migrate-run -t 1.0.0 m
	[ "$(sqlite3 app.db '.tables t')" = t ]
}

@test "migrate-run: marks that are unknown, misplaced or contradict each other are refused by line" {
	migration v1.0.0/001.sql $'SELECT 1;\n-- slipway: no-transactions\n'
	refused_unread "v1.0.0/001.sql:2: unknown mark 'no-transactions'"
	migration v1.0.0/001.sql $'SELECT 1;\n-- slipway: no-transaction\n'
	refused_unread "v1.0.0/001.sql:2: the mark 'no-transaction' stands before the first statement"
	migration v1.0.0/001.sql $'-- slipway: transaction\n-- slipway: no-transaction\nVACUUM;'
	refused_unread "v1.0.0/001.sql:2: is marked both"
	migration v1.0.0/001.sql $'-- Slipway: no-transaction\nVACUUM;'
	refused_unread "v1.0.0/001.sql:1: a mark is written '-- slipway: ...'"
	migration v1.0.0/001.sql $'-- slipway: hazard\nSELECT 1;'
	refused_unread 'v1.0.0/001.sql:1: a hazard is marked'
	migration v1.0.0/001.sql $'-- slipway: no-transaction please\nVACUUM;'
	refused_unread "v1.0.0/001.sql:1: the mark 'no-transaction' takes no words"
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nVACUUM; SELECT 1;'
	refused_unread 'v1.0.0/001.sql:1: a no-transaction file holds one statement, this one 2'
	migration v1.0.0/001.sql '-- slipway: no-transaction'
	refused_unread 'holds one statement, this one 0'
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nBEGIN;'
	refused_unread 'BEGIN has no place'
	migration v1.0.0/001.sql $'-- slipway: down x\n'
	refused_unread "the mark 'down' takes no words"
	migration v1.0.0/001.sql $'DELETE FROM t\n-- slipway: down\n;'
	refused_unread "v1.0.0/001.sql:2: the statement before the mark 'down' does not end"
	migration v1.0.0/001.sql $'-- slipway: before\n-- slipway: transaction\nCREATE TABLE t(\n-- slipway: renamed t.a from b\na);'
	migrate-run -t 1.0.0 m
}

@test "migrate-run: a no-transaction statement runs outside one, and its failure leaves no row" {
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nPRAGMA journal_mode = WAL;'
	migration v1.0.0/002.sql $'-- slipway: no-transaction\nVACUUM;'
	migrate-run -t 1.0.0 m
	[ "$(sqlite3 app.db 'PRAGMA journal_mode')" = wal ]
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
	migration v1.1.0/001.sql $'-- slipway: no-transaction\nINSERT INTO none VALUES (1);'
	fails_with 100 'v1.1.0/001.sql:2: no such table: none' migrate-run -t 1.1.0 m
	[ "$(ledger)" = $'v1.0.0/001.sql done\nv1.0.0/002.sql done' ]
}

@test "migrate-run: a no-transaction file that was started and not ended is refused, with what to do" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	migration v1.0.0/002.sql $'-- slipway: no-transaction\nVACUUM;'
	migrate-run -t 1.0.0 m
	sqlite3 app.db "UPDATE slipway_ledger SET state = 'started', ended = NULL, who = 'x@y 7' WHERE file LIKE '%002%'"
	migration v1.1.0/001.sql 'CREATE TABLE u(a);'
	run -100 --separate-stderr migrate-run -t 1.1.0 m
	[[ "$stderr" == *'v1.0.0/002.sql was started at 20'*' by x@y 7, and how it ended is not known'* ]]
	local repair
	repair=$(sed -n 's/.*if not: \(DELETE [^;]*\).*/\1/p' <<<"$stderr")
	sqlite3 app.db "$repair"
	run -0 migrate-run -t 1.1.0 m
	[ "$(cut -f1 <<<"$output")" = $'v1.0.0/002.sql\nv1.1.0/001.sql' ]
}

@test "migrate-run: what one file sets on its connection the next does not inherit" {
	migration v1.0.0/001.sql 'CREATE TEMP TABLE left_over(a); CREATE TABLE t(a);'
	migration v1.0.0/002.sql 'INSERT INTO left_over VALUES (1);'
	run -100 --separate-stderr migrate-run -t 1.0.0 m
	[[ "$stderr" == *'v1.0.0/002.sql:1: no such table: left_over'* ]]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
}

@test "migrate-run: a file that breaks a foreign key fails, naming table and row, and leaves nothing" {
	migration v1.0.0/001.sql 'CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id));
		INSERT INTO p VALUES (1); INSERT INTO c VALUES (10, 1);'
	migrate-run -t 1.0.0 m
	migration v1.1.0/001.sql 'DELETE FROM p;'
	fails_with 100 "v1.1.0/001.sql: it breaks a foreign key: row 10 of table 'c' points at no row of 'p'" migrate-run -t 1.1.0 m
	[ "$(sqlite3 app.db 'SELECT count(*) FROM p')" = 1 ]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	migration v1.1.0/001.sql 'CREATE TABLE d(a REFERENCES p(none));'
	fails_with 100 'v1.1.0/001.sql: it breaks a foreign key: foreign key mismatch' migrate-run -t 1.1.0 m
}

@test "migrate-run: foreign keys that were broken before are no fault of the file; a new one among them is" {
	sqlite3 app.db 'CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id));
		INSERT INTO p VALUES (5); INSERT INTO c VALUES (10, 1), (30, 3), (40, 5)'
	migration v1.0.0/001.sql 'INSERT INTO p VALUES (3);'
	migrate-run -t 1.0.0 m
	migration v1.1.0/001.sql 'INSERT INTO c VALUES (20, 2); INSERT INTO p VALUES (1);'
	fails_with 100 "row 20 of table 'c' points at no row of 'p'" migrate-run -t 1.1.0 m
}

@test "migrate-run: a table is rebuilt as SQLite's manual says, and its children still point at it" {
	sqlite3 app.db "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE);
		INSERT INTO p VALUES (1, '7'); INSERT INTO c VALUES (1)"
	migration v1.0.0/001.sql 'PRAGMA foreign_keys = OFF;
		CREATE TABLE new_p(id INTEGER PRIMARY KEY, a INTEGER NOT NULL);
		INSERT INTO new_p SELECT id, a FROM p;
		DROP TABLE p;
		ALTER TABLE new_p RENAME TO p;
		PRAGMA foreign_key_check;'
	migrate-run -t 1.0.0 m
	[ "$(sqlite3 app.db 'SELECT typeof(a), count(*) FROM p, c WHERE c.p = p.id')" = 'integer|1' ]
	[[ "$(sqlite3 app.db '.schema c')" == *'REFERENCES p(id)'* ]]
}

@test "migrate-run: files and folders that look like slips are named; a version's misspelt folder is refused" {
	migration v1.0.0/001.sql 'SELECT 1;'
	migration v1.0.0/002.SQL 'SELECT 1;'
	migration v1.0.0/003.sql.bak 'SELECT 1;'
	migration v1.0.0/001.down.sql 'SELECT 1;'
	migration v1.0.0/README.md 'text'
	migration v1.0.0/.gitkeep ''
	migration template/001.sql 'SELECT 1;'
	echo 'SELECT 1;' >m/loose.sql
	echo >m/README
	run -0 --separate-stderr migrate-run -n -t 1.0.0 m
	[ "$(cut -f1 <<<"$output")" = v1.0.0/001.sql ]
	[ "$(sort <<<"$stderr")" = "migrate-run: 'm/loose.sql' is passed over: it lies in no folder of a version
migrate-run: 'm/v1.0.0/002.SQL' is passed over: it is no .sql
migrate-run: 'm/v1.0.0/003.sql.bak' is passed over: it is no .sql" ]
	local name
	for name in v1.2.x 1.2.1g v1.2.1-rc-1 v1 1.2.3.4.5 1.0.1+b; do
		mkdir "m/$name"
		fails_with 100 "'$name' in 'm' is no folder of a version" migrate-run -n -t 1.0.0 m
		rmdir "m/$name"
	done
}

@test "migrate-run: a link, a folder and a hostile name in the place of a file are refused" {
	migration v1.0.0/001.sql 'SELECT 1;'
	ln -s 001.sql m/v1.0.0/002.sql
	refused_unread "'m/v1.0.0/002.sql' is not a plain file"
	rm m/v1.0.0/002.sql; mkdir m/v1.0.0/002.sql
	refused_unread "'m/v1.0.0/002.sql' is not a plain file"
	rmdir m/v1.0.0/002.sql; echo 'SELECT 1;' >"m/v1.0.0/"$'a\nb.sql'
	refused_unread 'holds a control byte'
	rm m/v1.0.0/a*; echo 'SELECT 1;' >"m/v1.0.0/"$'\xff.sql'
	refused_unread 'is not UTF-8'
	rm m/v1.0.0/*
	echo 'CREATE TABLE t(a);' >"m/v1.0.0/-n '; DROP TABLE slipway_ledger; --.sql"
	migrate-run -t 1.0.0 m
	[ "$(ledger)" = "v1.0.0/-n '; DROP TABLE slipway_ledger; --.sql done" ]
}

@test "migrate-run: the database comes from the environment alone, and no text repeats its URL" {
	migration v1.0.0/001.sql 'SELECT 1;'
	SLIPWAY_DATABASE_URL='' fails_with 100 'SLIPWAY_DATABASE_URL is not set' migrate-run -t 1.0.0 m
	SLIPWAY_DATABASE_URL=mysql://u:canary@h/d fails_with 100 'this version knows sqlite: and postgresql:// only' migrate-run -t 1.0.0 m
	[[ "$stderr" != *canary* ]]
	mkdir 'a b'
	SLIPWAY_DATABASE_URL="sqlite:///a%20b/x%3f.db" migrate-run -t 1.0.0 m
	SLIPWAY_DATABASE_URL="sqlite:///$PWD/a%20b/y.db" migrate-run -t 1.0.0 m
	[ "$(ls 'a b')" = $'x?.db\ny.db' ]
	SLIPWAY_DATABASE_URL=sqlite:none/x.db fails_with 111 "cannot create 'none/x.db': No such file or directory" migrate-run -t 1.0.0 m
	SLIPWAY_DATABASE_URL=sqlite:m fails_with 100 "'m' is not a plain file" migrate-run -t 1.0.0 m
}

@test "migrate-run: a new database is the folder's owner's and nobody else's to read" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	mkdir data; chown 1234:2345 data
	umask 000
	SLIPWAY_DATABASE_URL=sqlite:data/app.db migrate-run -t 1.0.0 m
	[ "$(stat -c '%a %u %g' data/app.db)" = '600 1234 2345' ]
	[ "$(ls -A data)" = app.db ]
}

@test "migrate-run: a file that is no database is the world's fault, and stays as it is" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	head -c 5000 /dev/urandom >app.db
	sha256sum app.db >sum
	fails_with 111 "cannot use 'app.db': file is not a database" migrate-run -t 1.0.0 m
	sha256sum -c sum
}

@test "migrate-run: a database that another program keeps locked is waited for, then 111" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	sqlite3 app.db 'CREATE TABLE x(a)'
	mkfifo hold
	sqlite3 app.db <hold >held 3>&- &
	local pid=$!
	exec 8>hold
	echo "BEGIN EXCLUSIVE; SELECT 'held';" >&8
	until [ -s held ]; do sleep 0.05; done
	local begin=$SECONDS
	fails_with 111 'database is locked' migrate-run -t 1.0.0 m
	[ $((SECONDS - begin)) -ge 9 ]
	(sleep 1; echo 'COMMIT;' >&8) 3>&- &
	run -0 migrate-run -t 1.0.0 m
	exec 8>&-
	wait $pid
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
}

@test "migrate-run: a full disk is 111, with file and line, and the file leaves nothing" {
	mkdir small
	mount -t tmpfs -o size=400k tmpfs small
	export SLIPWAY_DATABASE_URL=sqlite:small/app.db
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	migration v1.1.0/001.sql $'INSERT INTO t VALUES (1);\nINSERT INTO t SELECT zeroblob(5000000);'
	run -111 --separate-stderr migrate-run -t 1.1.0 m
	local in_statement=$stderr
	migration v1.1.0/001.sql $'INSERT INTO t VALUES (1);\nINSERT INTO t SELECT zeroblob(1000000);'
	run -111 --separate-stderr migrate-run -t 1.1.0 m
	local rows; rows=$(sqlite3 small/app.db 'SELECT count(*) FROM t; SELECT file FROM slipway_ledger; PRAGMA integrity_check')
	umount small
	[[ "$in_statement" == *'v1.1.0/001.sql:2: database or disk is full'* ]]
	[[ "$stderr" == *"v1.1.0/001.sql: "*'database or disk is full'* ]] # at the commit
	[ "$rows" = $'0\nv1.0.0/001.sql\nok' ]
}

@test "migrate-run: eight at once run each file once, in order" {
	local i n
	for i in 1 2 3 4 5; do
		migration "v1.$i.0/001.sql" "INSERT INTO log(what) VALUES ('$i'); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 30000) SELECT max(x) FROM c;"
	done
	migration v1.3.0/002.sql $'-- slipway: no-transaction\nVACUUM;'
	migration v1.0.0/001.sql 'CREATE TABLE log(n INTEGER PRIMARY KEY, what TEXT);'
	for n in 1 2 3 4 5 6 7 8; do
		(rc=0; migrate-run -t 2.0.0 m >"out.$n" 2>"err.$n" || rc=$?; echo $rc >"rc.$n") 3>&- &
	done
	wait
	[ "$(sort -u rc.*)" = $'0\n1' ] || [ "$(sort -u rc.*)" = 0 ]
	cat err.*; [ ! -s err.1 ]
	[ "$(cat out.* | cut -f1 | sort)" = "$(printf 'v1.0.0/001.sql\nv1.1.0/001.sql\nv1.2.0/001.sql\nv1.3.0/001.sql\nv1.3.0/002.sql\nv1.4.0/001.sql\nv1.5.0/001.sql')" ]
	[ "$(sqlite3 app.db 'SELECT group_concat(what, "") FROM log')" = 12345 ]
}

@test "migrate-run: even where the lock of the folder has no effect, no file runs twice" {
	printf 'int flock(int fd, int how) { (void)fd; (void)how; return 0; }\n' >shim.c
	gcc -shared -fPIC -o shim.so shim.c
	local i n
	migration v1.0.0/001.sql 'CREATE TABLE log(n INTEGER PRIMARY KEY, what TEXT);'
	for i in 1 2 3 4 5; do
		migration "v1.$i.0/001.sql" "INSERT INTO log(what) VALUES ('$i'); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 30000) SELECT max(x) FROM c;"
	done
	for n in 1 2 3 4 5 6 7 8; do
		(ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$PWD/shim.so migrate-run -t 2.0.0 m >"out.$n" 2>"err.$n" || [ $? -eq 1 ] || echo bad >>"err.$n") 3>&- &
	done
	wait
	[ -z "$(cat err.*)" ]
	[ "$(cat out.* | cut -f1 | sort | uniq -c | awk '{ print $1 }' | tr -d '\n')" = 111111 ]
	[ "$(sqlite3 app.db 'SELECT group_concat(what, "") FROM log')" = 12345 ]
}

# state_of_run - the effects and the rows, as `t u ledger...`
state_of_run() {
	sqlite3 app.db "SELECT name FROM sqlite_master WHERE name IN ('t', 'u') ORDER BY 1;" 2>/dev/null | tr '\n' ' '
	sqlite3 app.db "SELECT substr(file, 8, 3) || state FROM slipway_ledger ORDER BY 1" 2>/dev/null | tr '\n' ' '
	sqlite3 app.db 'PRAGMA integrity_check'
}

@test "migrate-run: killed before any write, sync or unlink, effect and row agree, and the next run completes" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a); INSERT INTO t VALUES (1);'
	migration v1.0.0/002.sql 'CREATE TABLE u(a); INSERT INTO u SELECT a FROM t;'
	local call k rc runs=0 mode
	for mode in delete wal; do
		for call in pwrite64 fdatasync,fsync unlink,ftruncate; do
			for k in $(seq 1 60); do
				rm -f app.db*
				sqlite3 app.db "PRAGMA journal_mode = $mode" >mode
				rc=0
				strace -f -o trace -e trace="$call" -e inject="$call:signal=KILL:when=$k" migrate-run -t 1.0.0 m >out 2>&1 || rc=$?
				[ $rc != 0 ] || break
				runs=$((runs + 1))
				case $(state_of_run) in
				ok | 't 001done ok' | 't u 001done 002done ok') ;;
				*) echo "killed at $call $k: $(state_of_run)"; return 1 ;;
				esac
				migrate-run -t 1.0.0 m >out 2>&1 || [ $? -eq 1 ]
				[ "$(state_of_run)" = 't u 001done 002done ok' ]
				[ "$(sqlite3 app.db 'SELECT count(*) FROM u')" = 1 ]
			done
			[ $rc = 0 ]
		done
	done
	[ $runs -gt 30 ]
}

@test "migrate-run: a no-transaction file killed anywhere is either not begun, done, or refused as started" {
	migration v1.0.0/001.sql $'-- slipway: no-transaction\nCREATE TABLE t AS SELECT 1 AS a;'
	local call k rc runs=0 started=0
	for call in pwrite64 fdatasync,fsync unlink,ftruncate; do
		for k in $(seq 1 60); do
			rm -f app.db*
			rc=0
			strace -f -o trace -e trace="$call" -e inject="$call:signal=KILL:when=$k" migrate-run -t 1.0.0 m >out 2>&1 || rc=$?
			[ $rc != 0 ] || break
			runs=$((runs + 1))
			case $(state_of_run) in
			ok | 't 001done ok') migrate-run -t 1.0.0 m || [ $? -eq 1 ] ;;
			'001started ok' | 't 001started ok') started=$((started + 1)); fails_with 100 'was started' migrate-run -t 1.0.0 m ;;
			*) echo "killed at $call $k: $(state_of_run)"; return 1 ;;
			esac
		done
		[ $rc = 0 ]
	done
	[ $runs -gt 15 ] && [ $started -gt 3 ]
}

@test "migrate-run: kill -9 in the middle of a long statement leaves neither effect nor row" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a); CREATE INDEX i ON t(a);'
	migrate-run -t 1.0.0 m
	migration v1.1.0/001.sql 'CREATE TABLE u(a); PRAGMA user_version = 9;
		INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) SELECT hex(randomblob(50)) FROM c;'
	migrate-run -t 1.1.0 m 3>&- &
	local pid=$!
	until [ "$(stat -c %s app.db)" -gt 1000000 ]; do sleep 0.02; done # it has begun to write into the file itself
	kill -KILL $pid
	wait $pid || :
	[ "$(sqlite3 app.db 'SELECT count(*) FROM t; PRAGMA user_version; PRAGMA integrity_check')" = $'0\n0\nok' ]
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	migration v1.1.0/001.sql 'CREATE TABLE u(a);'
	run -0 migrate-run -t 1.1.0 m
}

@test "migrate-run: wrong use, a missing folder, a full disk behind stdout" {
	migration v1.0.0/001.sql 'CREATE TABLE t(a);'
	fails_with 100 'usage: migrate-run' migrate-run m
	fails_with 100 'usage: migrate-run' migrate-run -t 1.0.0
	fails_with 100 'usage: migrate-run' migrate-run -t 1.0.0 m m
	fails_with 100 "'main' is no version" migrate-run -t main m
	fails_with 100 "there is no folder 'none'" migrate-run -t 1.0.0 none
	run -0 migrate-run -h
	[[ "$output" == 'usage: migrate-run'* ]]
	run -111 bash -c 'migrate-run -n -t 1.0.0 m >/dev/full'
	run -111 bash -c 'migrate-run -t 1.0.0 m >/dev/full'
	[ "$(ledger)" = 'v1.0.0/001.sql done' ]
	mkdir empty
	run -1 --separate-stderr migrate-run -t 1.0.0 empty
	[ -z "$output$stderr" ]
}

# example N - the Nth example of the man page, as a script
example() { awk -v n="$1" '/^\.Sh EXAMPLES/ { on = 1 } /^\.Ed/ { show = 0 } show { print } on && /^\.Bd/ { show = ++count == n }' \
	"$SLIPWAY_TOP/man/migrate-run.1"; }

@test "migrate-run: the examples of its man page do what they say" {
	migration v1.1.0/001.sql 'CREATE TABLE t(a);'
	migration v2.0.0/001.sql $'-- slipway: hazard slow scans t\nSELECT 1;'
	mv m migrations; mkdir data
	example 1 >script; example 2 >>script; example 3 >more
	run -0 --separate-stderr sh -e script
	[ "$(cut -f1 <<<"$output")" = $'v1.1.0/001.sql\nv1.1.0/001.sql\nv2.0.0/001.sql' ]
	[[ "${lines[2]}" == $'v2.0.0/001.sql\thazard slow scans t' ]]
	export SLIPWAY_DATABASE_URL=sqlite:other.db
	sqlite3 other.db 'CREATE TABLE x(a)'
	run -0 sh -e more
	[ "$output" = v1.1.0/001.sql ]
}
