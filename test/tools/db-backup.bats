load ../lib/common

strace() { ASAN_OPTIONS=detect_leaks=0 command strace "$@"; } # the leak check needs ptrace for itself

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	export SLIPWAY_DATABASE_URL=sqlite:app.db SLIPWAY_BACKUP_DIR=bk
}

# database MODE [ROWS] - app.db in this journal mode: v says `old` in each row
database() {
	rm -f app.db*
	sqlite3 app.db "PRAGMA journal_mode = $1; CREATE TABLE v(id INTEGER PRIMARY KEY, what TEXT, pad TEXT);
		CREATE INDEX i ON v(what); CREATE TABLE w(n INTEGER PRIMARY KEY);
		INSERT INTO v SELECT value, 'old', hex(zeroblob(100)) FROM generate_series(1, ${2:-100})" >mode
}

# dump FILE - its content as SQL, by SQLite's own shell
dump() { sqlite3 "$1" .dump; }

# sound FILE - as SQLite's own shell sees it
sound() { [ "$(sqlite3 "$1" 'PRAGMA integrity_check')" = ok ]; }

# only_whole - in bk is nothing but whole backups and the lock
only_whole() {
	local file
	for file in $(ls -A bk); do
		case $file in
		.lock) ;;
		*.meta) [ -e "bk/${file%.meta}.sqlite.zst" ] || { echo "lonely $file"; return 1; } ;;
		*.sqlite.zst) [ -e "bk/${file%.sqlite.zst}.meta" ] || { echo "lonely $file"; return 1; } ;;
		*) echo "left over: $file"; return 1 ;;
		esac
	done
}

# flip FILE OFFSET - one bit of this byte
flip() {
	local byte; byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# holder SQL - another program that has run SQL on app.db and holds on; its pid is $holder, more SQL goes to fd 8
holder() {
	rm -f hold held; mkfifo hold
	sqlite3 -bail app.db <hold >held 3>&- &
	holder=$!
	exec 8>hold
	echo "$1; SELECT 'held';" >&8
	until grep -q held held; do sleep 0.02; done
}

@test "db-backup: save prints the name, restore brings the content back as it was" {
	database delete
	dump app.db >before
	run -0 --separate-stderr db-backup save one
	[ "$output" = one ] && [ -z "$stderr" ]
	sqlite3 app.db "UPDATE v SET what = 'new'; DROP TABLE w"
	run -0 --separate-stderr db-backup restore one
	[ -z "$output$stderr" ]
	dump app.db | cmp before
	sound app.db
	[ "$(ls -A bk)" = $'.lock\none.meta\none.sqlite.zst' ]
	[ "$(ls -A)" = $'app.db\nbefore\nbk\nmode' ]
}

@test "db-backup: the stored file is plain zstd of a plain database, the record says what it is" {
	database delete
	sqlite3 app.db 'PRAGMA user_version = 42'
	db-backup save one
	zstd -q -d bk/one.sqlite.zst -o raw.db
	[ "$(dump raw.db)" = "$(dump app.db)" ]
	value() { sed -n "s/^$1: //p" bk/one.meta; }
	[ "$(value format)" = 'slipway-backup 1' ]
	[ "$(value engine) $(value name) $(value user_version)" = 'sqlite one 42' ]
	[[ "$(value created)" =~ ^20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z$ ]]
	[ "$(value bytes) $(value stored)" = "$(stat -c %s raw.db) $(stat -c %s bk/one.sqlite.zst)" ]
	[ "$(value sha256)" = "$(sha256sum <bk/one.sqlite.zst | cut -d' ' -f1)" ]
	[ "$(value sha256_raw)" = "$(sha256sum <raw.db | cut -d' ' -f1)" ]
	[ "$(value page_count)" = "$(sqlite3 app.db 'PRAGMA page_count')" ]
	[ "$(value source)" = "$(realpath app.db)" ]
	[ "$(value sqlite)" = "$(sqlite3 :memory: 'SELECT sqlite_version()')" ]
}

@test "db-backup: the name is the time in UTC, numbered when it is taken" {
	database delete
	local i names
	for i in 1 2 3 4 5 6; do db-backup save; done >names
	[ "$(sort -u names | wc -l)" = 6 ]
	! grep -Ev '^20[0-9]{6}T[0-9]{6}Z(-[2-9])?$' names
	grep -q -- '-2$' names
	db-backup list | cut -f1 | cmp - names
}

@test "db-backup: files and folders are private whatever the umask" {
	database delete
	local mask
	for mask in 000 0777; do
		(umask $mask; db-backup -d "new$mask/deep/bk" save one) # root may write what 0777 forbids
		[ "$(stat -c %a "new$mask" "new$mask/deep" "new$mask/deep/bk" | sort -u)" = 700 ]
		[ "$(stat -c %a "new$mask/deep/bk/".lock "new$mask/deep/bk/"one.* | sort -u)" = 600 ]
	done
	mkdir -m 755 there
	db-backup -d there save one
	[ "$(stat -c %a there)" = 755 ]
}

@test "db-backup: no database yet is status 1, silent, and makes nothing" {
	run -1 --separate-stderr db-backup save one
	[ -z "$output$stderr" ]
	[ -z "$(ls -A)" ]
	SLIPWAY_DATABASE_URL=sqlite:none/app.db run -1 db-backup save one
}

@test "db-backup: a missing file with its log beside it, or behind a dead link, is not 'no database yet'" {
	echo x >app.db-wal
	fails_with 111 "'app.db' is missing, but its log or journal is there" db-backup save one
	rm app.db-wal; ln -s gone app.db
	fails_with 111 "'app.db' is a link to a file that is missing" db-backup save one
	rm app.db; mkdir app.db
	fails_with 100 "'app.db' is not a plain file" db-backup save one
	fails_with 100 "'app.db' is not a plain file" env SLIPWAY_DATABASE_URL=sqlite:app.db db-backup save one
	[ ! -e bk ]
}

@test "db-backup: an empty file is an empty database" {
	: >app.db
	db-backup save one
	db-backup verify one
	sqlite3 app.db 'CREATE TABLE t(a)'
	db-backup restore one
	[ -z "$(sqlite3 app.db .tables)" ]
	sound app.db
}

@test "db-backup: a database that fills the buffers of the copy to the last byte is saved and restored" {
	for rows in 30 62; do
		rm -f app.db
		sqlite3 app.db "CREATE TABLE v(x); INSERT INTO v SELECT hex(zeroblob(2000)) FROM generate_series(1, $rows)"
		[ $(($(stat -c %s app.db) % 131072)) = 0 ] || { stat -c "$rows %s" app.db; return 1; }
		dump app.db >before
		db-backup save "n$rows"
		db-backup verify "n$rows"
		sqlite3 app.db 'DELETE FROM v'
		db-backup restore "n$rows"
		dump app.db | diff before -
	done
}

@test "db-backup: saving alters no byte of the database and leaves no file beside it" {
	local mode
	for mode in delete wal; do
		database $mode
		sha256sum app.db >sum
		db-backup save $mode
		sha256sum -c sum
		[ "$(ls app.db*)" = app.db ]
	done
	chmod 400 app.db
	db-backup save readonly
}

@test "db-backup: a log that a killed writer left is part of the backup and stays as it is" {
	database wal
	holder "PRAGMA wal_autocheckpoint = 0; INSERT INTO w VALUES (7), (8)"
	kill -KILL $holder; wait $holder || :
	[ -s app.db-wal ]
	sha256sum app.db app.db-wal >sum
	db-backup save one
	sha256sum -c sum
	sqlite3 app.db 'DELETE FROM w'
	db-backup restore one
	[ "$(sqlite3 app.db 'SELECT group_concat(n) FROM w')" = 7,8 ]
}

@test "db-backup: a transaction that a killed writer left in the middle is not in the backup" {
	database delete 2000
	dump app.db >before
	holder "PRAGMA cache_size = 1; BEGIN; UPDATE v SET what = 'half', pad = what"
	kill -KILL $holder; wait $holder || :
	[ -s app.db-journal ]
	cp app.db torn.db
	cp app.db-journal kept
	[ "$(sqlite3 'file:torn.db?immutable=1' "SELECT count(*) FROM v WHERE what = 'half'" 2>&1)" != 0 ]
	db-backup save one
	zstd -q -d bk/one.sqlite.zst -o raw.db
	dump raw.db | cmp before
	cp torn.db app.db; cp kept app.db-journal
	db-backup restore one
	dump app.db | cmp before
}

@test "db-backup: each backup taken under a hammering writer holds whole transactions" {
	local mode i
	for mode in delete wal; do
		database $mode 3000
		sqlite3 app.db 'CREATE TABLE x(n INTEGER PRIMARY KEY)'
		touch go
		(n=0; while [ -e go ]; do
			n=$((n + 1)); echo "BEGIN IMMEDIATE; INSERT INTO w VALUES ($n); UPDATE v SET what = 'n$n' WHERE id % 7 = $n % 7; INSERT INTO x VALUES ($n); COMMIT;"
		done) 3>&- | sqlite3 -cmd '.timeout 20000' app.db >out 2>&1 3>&- &
		writer=$!
		for i in 1 2 3 4 5 6 7 8; do
			db-backup save $mode$i >/dev/null
			zstd -q -f -d bk/$mode$i.sqlite.zst -o raw.db
			sound raw.db
			sqlite3 raw.db 'SELECT (SELECT count(*) FROM w) - (SELECT count(*) FROM x), max(n) FROM w' >>seen.$mode
		done
		rm go; kill $writer || :; wait
		! grep -v '^0|' seen.$mode
		[ "$(sort -u seen.$mode | wc -l)" -gt 3 ] # the writer did write
	done
}

@test "db-backup: a corrupt database is named and not saved" {
	database delete 500
	sqlite3 app.db "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'w') WHERE name = 'i'"
	fails_with 111 "database 'app.db' is corrupt: " db-backup save one
	[ "$(ls -A bk)" = .lock ]
	database delete 500
	dd if=/dev/urandom of=app.db bs=4096 seek=5 count=2 conv=notrunc status=none
	fails_with 111 "database 'app.db' is corrupt: " db-backup save one
	head -c 9000 /dev/urandom >app.db
	fails_with 111 "file is not a database" db-backup save one
	[ "$(ls -A bk)" = .lock ]
	run -1 db-backup list
}

@test "db-backup: an index by a collation of the application's own does not stop a backup" {
	database delete
	sqlite3 app.db "CREATE TABLE z(a TEXT); CREATE INDEX zi ON z(a); INSERT INTO z VALUES ('x');
		PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX zi ON z(a COLLATE mine)' WHERE name = 'zi'"
	db-backup save one
	db-backup verify one
}

@test "db-backup: verify says 0 for a good one, and 1 with the reason for each byte that is flipped or missing" {
	database delete 20
	db-backup save one
	run -0 --separate-stderr db-backup verify one
	[ -z "$output$stderr" ]
	cp bk/one.sqlite.zst good
	local size at
	size=$(stat -c %s good)
	for at in 0 1 3 4 5 6 7 8 9 $(seq 10 13 $((size - 1))) $((size - 4)) $((size - 1)); do
		cp good bk/one.sqlite.zst
		flip bk/one.sqlite.zst $at
		fails_with 1 "backup 'one' is damaged: " db-backup verify one
	done
	for at in 0 1 $((size / 2)) $((size - 1)); do
		head -c $at good >bk/one.sqlite.zst
		fails_with 1 "backup 'one' is damaged: has $at bytes, not $size" db-backup verify one
	done
	(cat good; echo) >bk/one.sqlite.zst
	fails_with 1 "backup 'one' is damaged: has $((size + 1)) bytes" db-backup verify one
	rm bk/one.sqlite.zst
	fails_with 1 "backup 'one' is damaged: its file is missing" db-backup verify one
	ln -s ../good bk/one.sqlite.zst
	fails_with 1 "backup 'one' is damaged: its file is missing" db-backup verify one
	rm bk/one.sqlite.zst; cp good bk/one.sqlite.zst
	db-backup verify one
	only_whole
}

@test "db-backup: a whole file of another content is damage too" {
	database delete 20
	db-backup save one
	head -c "$(sed -n 's/^bytes: //p' bk/one.meta)" /dev/zero >raw
	zstd -q raw -o other
	cp bk/one.meta meta
	sed "s/^stored: .*/stored: $(stat -c %s other)/; s/^sha256: .*/sha256: $(sha256sum <other | cut -d' ' -f1)/; /^sha256_meta/d" meta >bk/one.meta
	printf 'sha256_meta: %s\n' "$(sha256sum <bk/one.meta | cut -d' ' -f1)" >>bk/one.meta
	cp other bk/one.sqlite.zst
	fails_with 1 "backup 'one' is damaged: its content differs" db-backup verify one
	sed -i "s/^sha256_raw: .*/sha256_raw: $(sha256sum <raw | cut -d' ' -f1)/; /^sha256_meta/d" bk/one.meta
	printf 'sha256_meta: %s\n' "$(sha256sum <bk/one.meta | cut -d' ' -f1)" >>bk/one.meta
	fails_with 1 "backup 'one' is damaged: its content is no sound database" db-backup verify one
}

@test "db-backup: any byte changed in a record is seen by verify, list and prune" {
	database delete 20
	db-backup save one; db-backup save two; db-backup save three
	cp bk/one.meta meta
	local at
	for at in 0 9 20 45 60 75 100 150 250 $(($(stat -c %s meta) - 10)) $(($(stat -c %s meta) - 1)); do
		cp meta bk/one.meta; flip bk/one.meta $at
		fails_with 1 "backup 'one' is damaged: its record" db-backup verify one
		run -0 --separate-stderr db-backup list
		[ "$(cut -f1 <<<"$output")" = $'two\nthree' ]
		[[ "$stderr" == *"backup 'one' is damaged"* ]]
	done
	run -0 --separate-stderr db-backup prune -k 1
	[ "$output" = two ]
	[ -e bk/one.meta ] && [ -e bk/one.sqlite.zst ]
	head -c 50 meta >bk/one.meta
	fails_with 1 "its record is cut" db-backup verify one
	cp bk/three.meta bk/one.meta
	fails_with 1 "its record is of another backup" db-backup verify one
}

@test "db-backup: a damaged backup is not restored, and the live database stays as it is" {
	database delete
	db-backup save one
	sqlite3 app.db "UPDATE v SET what = 'new'"
	sha256sum app.db >sum
	flip bk/one.sqlite.zst 60
	fails_with 111 "backup 'one' is damaged: " db-backup restore -a aside one
	sha256sum -c sum
	[ ! -e aside ]
}

@test "db-backup: restore keeps inode, owner, mode and hard links, in each pair of journal modes and page sizes" {
	local from to size
	for from in delete wal; do for to in delete wal; do for size in 4096 1024; do
		database $from
		dump app.db >before
		db-backup save $from$to$size >/dev/null
		rm -f app.db*
		sqlite3 app.db "PRAGMA page_size = $size; PRAGMA journal_mode = $to; CREATE TABLE other(a); INSERT INTO other VALUES (1)" >mode
		chown 1234:2345 app.db; chmod 640 app.db
		stat -c '%i %u %g %a' app.db >stat
		db-backup restore $from$to$size
		dump app.db | cmp before
		stat -c '%i %u %g %a' app.db | cmp stat
		[ "$(sqlite3 app.db 'PRAGMA journal_mode')" = $from ]
		sound app.db
		[ "$(ls app.db*)" = app.db ]
	done; done; done
}

@test "db-backup: a log of the live database is dealt with, not left to be mixed in" {
	database wal
	dump app.db >before
	db-backup save one
	holder "PRAGMA wal_autocheckpoint = 0; UPDATE v SET what = 'later'; CREATE TABLE late(a)"
	kill -KILL $holder; wait $holder || :
	[ -s app.db-wal ]
	db-backup restore -a aside.db one
	dump app.db | cmp before
	[ "$(sqlite3 aside.db "SELECT count(*) FROM v WHERE what = 'later'" .tables | tr -s ' \n' ' ')" = '100 late v w ' ]
}

@test "db-backup: -a puts the present content aside, whole, and prints where" {
	local mode
	for mode in delete wal; do
		database $mode
		db-backup save $mode
		sqlite3 app.db "UPDATE v SET what = 'new'; INSERT INTO w VALUES (5)"
		chown 1234:2345 app.db; chmod 640 app.db
		dump app.db >present
		run -0 --separate-stderr db-backup restore -a "$PWD/aside $mode.db" $mode
		[ "$output" = "$PWD/aside $mode.db" ]
		dump "aside $mode.db" | cmp present
		sound "aside $mode.db"
		[ "$(stat -c '%u %g %a' "aside $mode.db")" = '1234 2345 640' ]
		[ "$(sqlite3 app.db 'SELECT DISTINCT what FROM v')" = old ]
		fails_with 100 "'aside $mode.db' exists already" db-backup restore -a "aside $mode.db" $mode
		dump "aside $mode.db" | cmp present
	done
	fails_with 111 "cannot create 'none/.aside.slipway-new'" db-backup restore -a none/aside wal
	only_whole
}

@test "db-backup: no acknowledged write is lost between the copy aside and the restore" {
	local mode i n
	for mode in delete wal; do
		database $mode 2000
		db-backup save $mode
		for i in 1 2 3 4 5 6; do
			rm -f app.db* aside.db*
			database $mode 2000
			touch go
			(n=0; while [ -e go ]; do n=$((n + 1)); echo "INSERT INTO w VALUES ($n); SELECT n FROM w WHERE n = $n;"; done) 3>&- |
				sqlite3 -cmd '.timeout 20000' app.db >acknowledged 2>errors 3>&- &
			writer=$!
			until [ "$(wc -l <acknowledged)" -gt 20 ]; do sleep 0.02; done
			db-backup restore -a aside.db $mode
			sleep 0.1
			rm go; kill $writer || :; wait # what still waits in the pipe needs no answer
			sqlite3 aside.db 'SELECT n FROM w' >aside
			sqlite3 app.db 'SELECT n FROM w' >live
			[ -s aside ] && [ -s live ]
			sort -u aside live >kept
			sort -u acknowledged >wanted
			[ -z "$(comm -13 kept wanted)" ]
			[ -z "$(comm -12 <(sort aside) <(sort live))" ]
		done
	done
}

@test "db-backup: a reader sees the old content or the restored one, never a mix" {
	local mode i
	for mode in delete wal; do
		database $mode 3000
		db-backup save old$mode
		sqlite3 app.db "UPDATE v SET what = 'new', pad = hex(zeroblob(60))"
		db-backup save new$mode
		touch go
		(while [ -e go ]; do echo 'SELECT group_concat(DISTINCT what), count(*) FROM v;'; done) 3>&- |
			sqlite3 -cmd '.timeout 20000' app.db >seen 2>errors 3>&- &
		reader=$!
		for i in 1 2 3 4 5 6 7 8; do db-backup restore old$mode; db-backup restore new$mode; done
		rm go; kill $reader || :; wait
		[ "$(sort -u seen)" = $'new|3000\nold|3000' ]
		[ ! -s errors ]
		sound app.db
	done
}

@test "db-backup: a database that is locked by another is waited for, then 111 and untouched" {
	database delete
	db-backup save one
	sqlite3 app.db "UPDATE v SET what = 'new'"
	holder 'BEGIN EXCLUSIVE'
	fails_with 111 'database is locked' db-backup -t 1 save two
	fails_with 111 'database is locked' db-backup -t 1 restore -a aside one
	(sleep 1; echo 'COMMIT;' >&8) 3>&- &
	db-backup -t 30 restore one
	exec 8>&-; wait
	[ "$(sqlite3 app.db 'SELECT DISTINCT what FROM v')" = old ]
	[ ! -e aside ]
	run -0 db-backup list
	[ "${#lines[@]}" = 1 ]
}

@test "db-backup: a live file that is no database, or cut, is put aside with its log, and the backup in its place" {
	local how
	database wal
	dump app.db >before
	db-backup save one
	for how in 'head -c 5000 /dev/urandom' 'head -c 4096 copy' 'tail -c +50 copy'; do
		database delete; cp app.db copy
		$how >app.db
		chown 1234:2345 app.db; chmod 640 app.db
		cp app.db broken; echo log >app.db-wal; echo shm >app.db-shm
		run -0 --separate-stderr db-backup restore -a aside one
		[ "$output" = "$PWD/app.db.damaged-one" ]
		cmp broken app.db.damaged-one
		[ "$(cat app.db.damaged-one-wal)" = log ] && [ -e app.db.damaged-one-shm ]
		[ "$(stat -c '%u %g %a' app.db)" = '1234 2345 640' ]
		dump app.db | cmp before
		[ ! -e aside ]
		rm app.db.damaged-one*
	done
	head -c 5000 /dev/urandom >app.db
	echo taken >app.db.damaged-one-wal; echo log >app.db-wal
	run -0 db-backup restore one
	[ "$output" = "$PWD/app.db.damaged-one.2" ]
	[ "$(cat app.db.damaged-one-wal app.db.damaged-one.2-wal)" = $'taken\nlog' ]
}

@test "db-backup: a missing live file is made, with the mode it had, for the owner of the folder" {
	mkdir data; chown 1234:2345 data
	export SLIPWAY_DATABASE_URL=sqlite:data/app.db
	sqlite3 data/app.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'; chmod 660 data/app.db
	db-backup save one
	rm data/app.db
	echo 'a log of another life' >data/app.db-wal
	run -0 db-backup restore one
	[ "$output" = "$PWD/data/app.db.damaged-one" ] || [ "$output" = data/app.db.damaged-one ]
	[ "$(cat data/app.db.damaged-one-wal)" = 'a log of another life' ]
	[ "$(stat -c '%u %g %a' data/app.db)" = '1234 2345 660' ]
	[ "$(sqlite3 data/app.db 'SELECT a FROM t')" = 1 ]
	rm -r data
	fails_with 111 "cannot look at folder 'data'" db-backup restore one
}

@test "db-backup: a link to the database leads to it" {
	database wal
	mkdir real; mv app.db real/x.db; ln -s real/x.db app.db
	db-backup save one
	sqlite3 app.db "UPDATE v SET what = 'new'"
	db-backup restore one
	[ -L app.db ]
	[ "$(sqlite3 real/x.db 'SELECT DISTINCT what FROM v')" = old ]
	echo no >real/x.db
	[ "$(db-backup restore one)" = "$PWD/real/x.db.damaged-one" ]
	[ -L app.db ]
	[ "$(sqlite3 real/x.db 'SELECT DISTINCT what FROM v')" = old ]
}

@test "db-backup: list shows name, time, sizes and engine, the oldest first by its record" {
	run -1 --separate-stderr db-backup list
	[ -z "$output$stderr" ]
	database delete
	db-backup save b; db-backup save a; db-backup save c
	touch -d 2001-01-01 bk/c.*
	run -0 db-backup list
	[ "$(cut -f1 <<<"$output")" = $'b\na\nc' ]
	[[ "${lines[0]}" =~ ^b$'\t'20[0-9T:.-]+Z$'\t'[0-9]+$'\t'[0-9]+$'\t'sqlite$ ]]
	echo x >bk/other.sqlite.zst; echo x >bk/.hidden.meta; mkdir bk/sub
	[ "$(db-backup list)" = "$output" ]
}

@test "db-backup: prune removes the oldest beyond the number, and nothing that it did not make" {
	database delete
	run -1 db-backup prune -k 1
	db-backup save c; db-backup save b; db-backup save a
	echo mine >bk/a.files.tar.zst; echo mine >bk/zzz.sqlite.zst; echo mine >bk/.a
	run -1 --separate-stderr db-backup prune -k 3
	[ -z "$output$stderr" ]
	run -0 --separate-stderr db-backup prune -k 1
	[ "$output" = $'c\nb' ] && [ -z "$stderr" ]
	[ "$(ls -A bk)" = $'.a\n.lock\na.files.tar.zst\na.meta\na.sqlite.zst\nzzz.sqlite.zst' ]
	db-backup verify a
	fails_with 100 "there is no backup 'b'" db-backup verify b
}

@test "db-backup: a backup of an engine that this version does not know is listed, and left alone" {
	database delete
	db-backup save one; db-backup save two; db-backup save three
	sed '/^sha256_meta/d; s/^engine: .*/engine: postgresql/' bk/one.meta >meta
	printf 'sha256_meta: %s\n' "$(sha256sum <meta | cut -d' ' -f1)" >>meta
	mv meta bk/one.meta
	[ "$(db-backup list | cut -f1,5)" = $'one\tpostgresql\ntwo\tsqlite\nthree\tsqlite' ]
	[ "$(db-backup prune -k 1)" = two ]
	fails_with 100 "is of engine 'postgresql', which this version does not know" db-backup verify one
	fails_with 100 "is of engine 'postgresql', which this version does not know" db-backup restore one
}

@test "db-backup: a name that is taken, by a backup or by another file, is refused" {
	database delete
	db-backup save one
	sha256sum bk/one.* >sum
	fails_with 100 "backup 'one' exists already" db-backup save one
	sha256sum -c sum
	echo mine >bk/two.sqlite.zst
	fails_with 100 "'two.sqlite.zst' is in the way and is no backup" db-backup save two
	[ "$(cat bk/two.sqlite.zst)" = mine ]
}

@test "db-backup: a full disk below the backups is 111, with nothing left" {
	database delete 3000
	mkdir bk; mount -t tmpfs -o size=300k tmpfs bk
	run -111 --separate-stderr db-backup save one
	local left; left=$(ls -A bk)
	umount bk
	[[ "$stderr" == *'full'* || "$stderr" == *'No space'* ]]
	[ "$left" = .lock ]
}

@test "db-backup: every size of a disk below the backups gives a whole backup or none" {
	database delete 300
	sqlite3 app.db 'UPDATE v SET pad = hex(randomblob(80))'
	mkdir bk
	local size good=0 bad=0 rc left
	for size in $(seq 8 24 300); do
		mount -t tmpfs -o size=${size}k tmpfs bk
		rc=0; db-backup save one >out 2>err || rc=$?
		left=$(ls -A bk)
		if [ $rc = 0 ]; then good=$((good + 1)); db-backup verify one 2>err || [ $? -eq 111 ] || rc=verify; else bad=$((bad + 1)); fi
		umount bk
		case "$rc $left" in "0 "*one.meta*one.sqlite.zst | '111 .lock' | '111 ') ;; *) echo "$size: $rc $left"; return 1 ;; esac
	done
	[ $good -gt 1 ] && [ $bad -gt 1 ]
}

@test "db-backup: a full disk below the live database is 111, and its content stays" {
	database delete 2000
	db-backup save one
	mkdir small; mount -t tmpfs -o size=200k tmpfs small
	sqlite3 small/app.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'
	SLIPWAY_DATABASE_URL=sqlite:small/app.db run -111 --separate-stderr db-backup restore one
	local first=$stderr rows; rows=$(sqlite3 small/app.db 'SELECT a FROM t; PRAGMA integrity_check')
	rm small/app.db*
	SLIPWAY_DATABASE_URL=sqlite:small/app.db run -111 --separate-stderr db-backup restore one
	local left; left=$(ls -A small)
	umount small
	[[ "$first" == *'database or disk is full'* && "$stderr" == *'No space left'* ]]
	[ "$rows" = $'1\nok' ]
	[ -z "$left" ]
}

# sweep CALLS RESET CHECK COMMAND... - runs RESET, then COMMAND killed before its k-th of CALLS, then CHECK, for k = 1...
sweep() {
	local calls=$1 reset=$2 check=$3 k rc
	shift 3
	for k in $(seq 1 200); do
		$reset
		rc=0
		strace -f -o trace -e trace="$calls" -e inject="$calls:signal=KILL:when=$k" "$@" >out 2>err || rc=$?
		[ $rc != 0 ] || return 0
		[ $rc = 137 ] || { echo "not killed at $calls $k: $rc"; cat err; return 1; }
		$check || { echo "killed at $calls $k"; ls -lA . bk; return 1; }
		swept=$((${swept-0} + 1))
	done
	return 1
}

@test "db-backup: save killed anywhere leaves a whole backup or none, and the next save clears up" {
	database wal 50
	fresh() { rm -rf bk; }
	after() {
		local names; names=$(db-backup list | cut -f1)
		case $names in
		'') db-backup save one ;;
		one) db-backup verify one; db-backup save two ;;
		*) return 1 ;;
		esac
		db-backup verify one && only_whole
	}
	local calls
	for calls in openat write pwrite64 fsync,fdatasync rename,renameat mkdir unlink,unlinkat,rmdir fchmod,chmod; do
		sweep $calls fresh after db-backup save one
	done
	[ $swept -gt 40 ]
}

@test "db-backup: prune killed anywhere leaves whole backups, and the next run clears up" {
	database delete 50
	db-backup save a; db-backup save b; db-backup save c
	cp -R bk all
	fresh() { rm -rf bk; cp -R all bk; }
	after() {
		local name
		for name in $(db-backup list | cut -f1); do db-backup verify "$name" || return 1; done
		db-backup verify c && { db-backup prune -k 1 || [ $? -eq 1 ]; } && { only_whole || { db-backup save d && only_whole; }; } &&
			[ "$(db-backup list | head -n 1 | cut -f1)" = c ]
	}
	local calls
	for calls in rename,renameat fsync unlink,unlinkat,rmdir mkdir openat; do
		sweep $calls fresh after db-backup prune -k 1
	done
	[ $swept -gt 20 ]
}

@test "db-backup: restore killed anywhere leaves the old content or the restored one, and the next completes" {
	local mode calls
	for mode in delete wal; do
		database $mode 60
		dump app.db >restored
		db-backup save $mode
		sqlite3 app.db "UPDATE v SET what = 'new'; INSERT INTO w VALUES (1)"
		dump app.db >present
		cp app.db live
		fresh() { rm -f app.db* aside* .aside*; cp live app.db; }
		after() {
			cp app.db torn
			[ ! -e aside ] || dump aside | cmp present || return 1
			dump app.db >now
			sound app.db && { cmp -s now present || cmp -s now restored; } || return 1
			db-backup restore $mode && dump app.db | cmp restored && only_whole
		}
		for calls in pwrite64 fdatasync,fsync unlink,unlinkat,ftruncate rename; do
			sweep $calls fresh after db-backup restore -a aside $mode
		done
	done
	[ $swept -gt 60 ]
}

@test "db-backup: restore over a damaged file, killed anywhere, completes when it is run again" {
	database wal 50
	dump app.db >restored
	db-backup save one
	head -c 5000 /dev/urandom >broken
	fresh() { rm -f app.db* .app.db*; cp broken app.db; echo log >app.db-wal; echo shm >app.db-shm; }
	after() {
		db-backup restore one >printed && dump app.db | cmp restored && sound app.db &&
			cmp broken app.db.damaged-one && [ "$(cat app.db.damaged-one-wal)" = log ] && only_whole &&
			[ ! -e .app.db.slipway-new ]
	}
	local calls
	for calls in write rename fsync fchmod fchown unlink openat; do sweep $calls fresh after db-backup restore one; done
	[ $swept -gt 20 ]
}

@test "db-backup: the order of save is data synced, put in place, folder synced, record, folder synced" {
	database delete
	db-backup save one
	strace -f -y -o trace -e trace=fsync,rename db-backup save two
	grep -oE 'fsync\([0-9]+<[^>]*|rename\("[^"]*", "[^"]*' trace | sed -E 's/fsync\([0-9]+<.*\/(stored|bk)$/sync \1/; s/rename.*"([^"]*)$/rename \1/' |
		grep -E '^(sync (stored|bk)|rename bk)' >order
	[ "$(cat order)" = 'sync stored
rename bk/two.sqlite.zst
sync bk
rename bk/two.meta
sync bk' ]
}

@test "db-backup: a write that is not read back as written is no backup" {
	database delete 300
	# A disk that gives back something else than was written.
	cat >shim.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <string.h>
		#include <unistd.h>
		ssize_t read(int fd, void *buf, size_t n) {
			ssize_t (*real)(int, void *, size_t) = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
			char link[64], path[512]; ssize_t got = real(fd, buf, n), length;
			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
			length = readlink(link, path, sizeof(path) - 1);
			if (length > 7 && got > 20 && memcmp(path + length - 7, "/stored", 7) == 0) ((char *)buf)[got / 2] ^= 1;
			return got;
		}
	C
	gcc -shared -fPIC -o shim.so shim.c -ldl
	fails_with 111 'cannot read the backup back: ' env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$PWD/shim.so${LD_PRELOAD:+:$LD_PRELOAD}" db-backup save one
	only_whole
	run -1 db-backup list
}

@test "db-backup: several saves, verifies and a prune at once are all whole" {
	database delete 500
	db-backup save first
	local i
	for i in 1 2 3 4 5 6; do
		(db-backup save || echo "save: $?") >out.$i 2>&1 3>&- &
		(db-backup verify first || [ $? -eq 100 ] || echo "verify: $?") >ver.$i 2>ver.err.$i 3>&- &
	done
	wait
	! grep -h : out.* ver.[0-9]
	[ "$(cat out.* | sort -u | wc -l)" = 6 ]
	[ "$(db-backup list | wc -l)" = 7 ]
	only_whole
	for i in 1 2 3; do (db-backup prune -k 2 || [ $? -eq 1 ] || echo "prune: $?") >out.$i 2>&1 3>&- & done
	wait
	[ "$(cat out.1 out.2 out.3 | wc -l)" = 5 ]
	only_whole
}

@test "db-backup: -l chooses the level, -t and -d may stand before or behind the verb" {
	database delete 3000
	sqlite3 app.db "UPDATE v SET pad = hex(randomblob(20)) || id || ' some text that repeats ' || id"
	db-backup -l 1 -d x save fast; db-backup save -l 19 -d x -t 5 small
	[ "$(stat -c %s x/small.sqlite.zst)" -lt "$(stat -c %s x/fast.sqlite.zst)" ]
	db-backup -d x verify fast; db-backup verify -d x small
	[ "$(db-backup list -d x | wc -l)" = 2 ]
}

@test "db-backup: hostile names, wrong use, missing settings" {
	database delete
	local name
	for name in '' . .. .x -x a/b ../x 'a b' 'a*' $'a\nb' ä "$(printf '%0201d' 0)"; do
		fails_with 100 "is no name for a backup" db-backup save -- "$name"
		fails_with 100 "is no name for a backup" db-backup restore -- "$name"
		fails_with 100 "is no name for a backup" db-backup verify -- "$name"
	done
	db-backup save "$(printf '%0200d' 0)"
	local use
	for use in '' nothing 'save a b' verify 'verify a b' restore 'list x' prune 'prune -k 1 x' 'list -k 1' 'verify -a x y' \
		'save -a x' 'restore -l 3 x' '-k 1 save' '-x list'; do
		fails_with 100 'usage: db-backup' db-backup $use
	done
	for use in 'prune -k 0' 'prune -k -1' 'prune -k x' '-l 0 save' '-l 20 save' '-l 3x save' '-t -1 save' '-t 1s list'; do
		fails_with 100 "' is no " db-backup $use
	done
	fails_with 100 "there is no backup 'none' in 'bk'" db-backup verify none
	fails_with 100 "there is no backup 'none' in 'bk'" db-backup restore none
	fails_with 100 "there is no backup 'none' in 'nowhere'" db-backup -d nowhere verify none
	SLIPWAY_BACKUP_DIR='' fails_with 100 'no folder for backups' db-backup list
	SLIPWAY_DATABASE_URL='' fails_with 100 'SLIPWAY_DATABASE_URL is not set' db-backup save
	SLIPWAY_DATABASE_URL=mysql://u:canary@h/d fails_with 100 'this version knows sqlite: and postgresql:// only' db-backup save
	[[ "$stderr" != *canary* ]]
	SLIPWAY_BACKUP_DIR=app.db/x fails_with 111 "cannot make folder 'app.db/x'" db-backup save one
	run -0 db-backup -h
	[[ "$output" == 'usage: db-backup'* ]]
	run -0 db-backup save -h
}

@test "db-backup: paths of the database that mean something to SQLite are plain paths" {
	mkdir 'a?b%41#c'
	sqlite3 'a?b%41#c/x&mode=ro.db' 'CREATE TABLE t(a)'
	export SLIPWAY_DATABASE_URL='sqlite:///a%3fb%2541#c/x&mode=ro.db'
	db-backup save one
	sqlite3 'a?b%41#c/x&mode=ro.db' 'DROP TABLE t'
	db-backup restore one
	[ "$(sqlite3 'a?b%41#c/x&mode=ro.db' .tables)" = t ]
	[ "$(ls)" = $'a?b%41#c\nbk' ]
}

@test "db-backup: a folder above the database whose name would break the record does not" {
	local here=$PWD
	mkdir $'x\nsha256_meta: 1\n'; cd $'x\nsha256_meta: 1\n'
	database delete
	db-backup -d "$here/bk" save one
	db-backup -d "$here/bk" verify one
}

@test "db-backup: a user who may only read the database can back it up" {
	local mode
	public=$(mktemp -d) # the folders of bats are closed to other users
	cd "$public"; chmod 755 .
	cp "$(command -v db-backup)" tool
	for mode in delete wal; do
		database $mode
		[ $mode = delete ] || holder 'SELECT count(*) FROM v' # with nobody at it, a database with a log needs a folder to write to
		chmod 644 app.db*
		mkdir $mode; chown nobody $mode
		setpriv --reuid nobody --regid nogroup --clear-groups ./tool -d $mode save one
		db-backup -d $mode verify one
	done
	exec 8>&-; wait
}

teardown() { [ -z "${public-}" ] || rm -rf "$public"; }

@test "db-backup: a full disk behind stdout is 111; the backup that was made stands" {
	database delete
	run -111 bash -c 'db-backup save one >/dev/full'
	db-backup verify one
	run -111 bash -c 'db-backup list >/dev/full'
	sqlite3 app.db 'DELETE FROM v'
	run -111 bash -c 'db-backup restore -a aside one >/dev/full'
	[ -e aside ]
}

@test "db-backup: the examples of its man page do what they say" {
	mkdir data; database delete; mv app.db data
	awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Ed/ { show = 0 } show { print } on && /^\.Bd/ { show = 1 }' "$SLIPWAY_TOP/man/db-backup.1" >script
	[ "$(wc -l <script)" = 9 ]
	run -0 --separate-stderr sh -e script
	[ "$(tr -s ' ' <<<"$output")" = $'data/app.db.before\nv w' ]
	[ "$(dump data/app.db)" = "$(dump data/app.db.before)" ]
}
