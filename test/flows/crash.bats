load ../lib/live
load ../lib/interrupt

# What a run meets when its journal, its tools or its database fail it, or when it is killed within a step.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	journal_overlay
}

install_1_0() { update --version 1.0.0 2>install.err || { cat install.err; return 1; }; }
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }

# tool NAME <<TEXT - puts that script in front of the tool; $REAL is the tool itself
tool() {
	rm -f "overlay/$1"
	{ printf '#!/bin/sh\nREAL=%s\n' "$(command -v "$1")"; cat; } >"overlay/$1"
	chmod +x "overlay/$1"
}

@test "crash: a journal that cannot be read is never taken for an empty one" {
	install_1_0
	killed_at 'done step=migrate' update
	whole_state >half
	run_folder=$ROOT/.slipway/runs/$(cat "$ROOT/.slipway/current")
	sed -i '3s/step=/stop=/' "$run_folder/journal"
	for verb in undo resume; do
		run -112 slipway -C "$ROOT" "$verb"
		[[ "$output" == *'damaged record'* ]]
		[[ "$output" != *'as before run'* ]]
		[ -e "$ROOT/.slipway/current" ]
		whole_state | diff half -
	done
	run -111 update
}

@test "crash: a step does not begin, and is no success, when that cannot be recorded" {
	install_1_0
	whole_state >before
	for record in 'begin step=files' 'done step=files' 'begin step=migrate' 'done step=version' keep; do
		tool journal <<-EOF
			if [ "\$1" = -a ]; then shift 2; [ "\$*" != '$record' ] || exit 111; set -- -a "$ROOT/.slipway/runs/\$(cat "$ROOT/.slipway/current")/journal" "\$@"; fi
			exec "\$REAL" "\$@"
		EOF
		SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update
		[[ "$stderr" == *'cannot be recorded'* ]] || { echo "$record: $stderr"; return 1; }
		whole_state | diff before - || { echo "differs after '$record'"; return 1; }
		[ ! -e "$ROOT/.slipway/current" ]
	done
}

@test "crash: whatever form the address of the database has, it is saved and comes back" {
	install_1_0
	release 1.1.5 --migration 'CREATE TABLE one(x);' --migration 'SELECT no_such_column FROM note;'
	mv "$DB" "$ROOT/data/my app.db"
	DB="$ROOT/data/my app.db"
	whole_state >before
	for url in 'sqlite:///data/my app.db?timeout=20' 'sqlite:///data/my%20app.db' 'sqlite+aiosqlite:///data/my app.db' \
		"sqlite:///$ROOT/data/%6dy app.db" 'sqlite:data/my app.db'; do
		SLIPWAY_DATABASE__URL=$url run -111 --separate-stderr update
		[[ "$stderr" == *'step migrate failed'* ]] || { echo "$url: $stderr"; return 1; }
		whole_state | diff before - || { echo "differs with $url"; return 1; }
	done
	SLIPWAY_DATABASE__URL=mysql://localhost/x run -100 --separate-stderr update
	[[ "$stderr" == *'knows sqlite: and postgresql:// only'* ]]
}

@test "crash: an undo that cannot find its restore point has failed, and keeps it" {
	install_1_0
	whole_state >before
	killed_at 'done step=migrate' update
	tool db-backup <<-'EOF'
		case $* in *' list' | *' restore '*) echo 'db-backup: cannot read it' >&2; exit 111 ;; esac
		exec "$REAL" "$@"
	EOF
	SLIPWAY_BIN=$PWD/overlay run -112 slipway -C "$ROOT" undo -y --allow set-aside
	[[ "$output" == *'undo of step migrate failed: cannot read it'* ]]
	slipway -C "$ROOT" undo -y --allow set-aside
	whole_state | diff before -
}

@test "crash: a database that is gone at undo comes back from the restore point" {
	install_1_0
	whole_state >before
	killed_at 'done step=migrate' update
	mv "$DB" gone.db
	slipway -C "$ROOT" undo -y --allow set-aside
	whole_state | diff before -
}

@test "crash: a first database is set aside with its log, also when the undo was killed between the two" {
	rm -f "$DB"*
	release 1.1.5 --migration 'CREATE TABLE one(x);' --remove migrations/v1.1.0/001_made.sql --remove migrations/v1.1.0/002_tag.sql
	killed_at 'done step=migrate' update --version 1.1.5
	sqlite3 "$DB" 'PRAGMA journal_mode = WAL' "INSERT INTO one VALUES ('acknowledged')" '.shell kill -KILL $PPID' || true
	[ -s "$DB-wal" ]
	tool mv <<-'EOF'
		"$REAL" "$@" || exit
		kill -KILL "$PPID"
	EOF
	SLIPWAY_BIN=$PWD/overlay run -112 slipway -C "$ROOT" undo -y --allow set-aside
	slipway -C "$ROOT" undo -y --allow set-aside
	ls "$ROOT/data"
	[ -z "$(ls "$ROOT/data" | grep -v set-aside)" ]
	[ "$(sqlite3 "$(ls "$DB".set-aside-*[!lm])" 'SELECT x FROM one')" = acknowledged ]
	[ ! -e "$ROOT/config/.version" ]
}

@test "crash: without an engine, a later undo asks before it sets writes aside, and a later resume does not undo by itself" {
	install_1_0
	release 1.1.5 --migration 'CREATE TABLE one(x);' --migration 'SELECT no_such_column FROM note;'
	killed_at 'done step=restore-point' update
	sqlite3 "$DB" "INSERT INTO note(body) VALUES ('while it stood')"
	run -111 --separate-stderr slipway -C "$ROOT" resume
	[[ "$stderr" == *'slipway undo takes it back'* ]]
	[ "$(sqlite3 "$DB" 'SELECT count(*) FROM note')" = 2 ]
	run -100 --separate-stderr slipway -C "$ROOT" undo -y
	[[ "$stderr" == *'would be set aside'*'--allow set-aside'* ]]
	[ "$(sqlite3 "$DB" 'SELECT count(*) FROM note')" = 2 ]
	slipway -C "$ROOT" undo -y --allow set-aside
	[ "$(sqlite3 "$DB".set-aside-* 'SELECT count(*) FROM note')" = 2 ]
}

@test "crash: what a killed write left beside config/.version goes with the next step or its undo" {
	install_1_0
	whole_state >before
	tool put-file <<-'EOF'
		case $* in *config/.version) : >config/..version.slipway-0a1b2c; exit 111 ;; esac
		exec "$REAL" "$@"
	EOF
	SLIPWAY_BIN=$PWD/overlay run -111 update
	whole_state | diff before -
}

@test "crash: an adoption that was taken back leaves no baseline for the next one" {
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT" --exclude config --exclude docs --exclude tests --exclude docker/postgresql.prod.conf
	printf 'version: "1.0.0"\nrelease: true\n' >"$ROOT/config/.version"
	release 1.1.5 --migration 'SELECT no_such_column FROM note;'
	run -111 update
	[ ! -e "$ROOT/.slipway/manifest" ]
	release 1.1.6 --remove migrations/v1.1.5/001.sql
	killed_at 'begin step=migrate' update
	slipway -C "$ROOT" resume
	[ "$(grep -c app/main.txt "$ROOT/.slipway/manifest")" = 1 ]
	[ "$(awk -F '\t' '$4 == "app/main.txt" { print $1 }' "$ROOT/.slipway/manifest")" = "$(sha256sum <"$ROOT/app/main.txt" | cut -c1-64)" ]
}

@test "crash: a step whose helper is killed has failed, though a pipe hides it" {
	install_1_0
	whole_state >before
	tool jq <<-'EOF'
		case $* in *--argjson*) kill -KILL $$ ;; esac
		exec "$REAL" "$@"
	EOF
	SLIPWAY_BIN=$PWD/overlay run -0 --separate-stderr update
	[[ "$stderr" == *'warning: generation'* ]]
	[ ! -e "$ROOT/.slipway/generations/2.json" ]
}

@test "crash: a step that dies without a word is reported with its status" {
	install_1_0
	tool migrate-run <<-'EOF'
		case $* in '-r '*) kill -KILL $$ ;; esac
		exec "$REAL" "$@"
	EOF
	SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update
	[[ "$stderr" == *'step migrate failed: '*137*'; log: '* ]]
}

@test "crash: a database that a migration makes belongs to the owner of its folder" {
	rm -f "$DB"*
	chown 1234:1235 "$ROOT/data"
	release 1.1.5 --migration 'CREATE TABLE one(x);' --remove migrations/v1.1.0/001_made.sql --remove migrations/v1.1.0/002_tag.sql
	update --version 1.1.5
	[ "$(stat -c %u:%g "$DB")" = 1234:1235 ]
}
