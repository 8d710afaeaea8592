load ../lib/live
load ../lib/interrupt

# What -y, a release, an environment variable or a strange place must not get around.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
}

teardown() {
	for disk in small large; do ! mountpoint -q "$disk" || umount "$disk"; done
	live_cleanup
}

install_1_0() { update --version 1.0.0 2>install.err || { cat install.err; return 1; }; }
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }

@test "guard: a release cannot allow itself what its own configuration says" {
	install_1_0; update
	release 1.1.5 --migration $'-- slipway: hazard data-loss drops the old names\nDROP TABLE tag;' \
		--run "sed -i 's/^  migrations_dir: migrations/&\n  allow: [data-loss, moved-tag]/' config/slipway.yaml"
	git -C "$REPO" show v1.1.5:config/slipway.yaml | grep -q 'allow: .data-loss'
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *'--allow data-loss'* ]]
	whole_state | diff before -
	update --allow data-loss
}

@test "guard: each disk has its own forecast, whatever its device is called" {
	install_1_0
	mkdir small large
	mount -t tmpfs -o size=64k tmpfs small
	mount -t tmpfs -o size=512m tmpfs large
	cp -a "$ROOT/data" small/data || true
	run -111 --separate-stderr env SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR="$PWD/small" \
		SLIPWAY_DATABASE__URL="sqlite:///$DB" slipway -C "$ROOT" update -e prod -y
	[[ "$stderr" == *'not enough space for backups: '[1-9]*' MB needed, 0 MB free'* ]] || { echo "$stderr"; return 1; }
}

@test "guard: the space of two disks of one name is not that of the last of them" {
	mkdir small large
	mount -t tmpfs -o size=4m tmpfs small
	mount -t tmpfs -o size=512m tmpfs large
	cp -a "$ROOT" small/server
	run -111 --separate-stderr env SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR="$PWD/large" \
		slipway -C small/server update -e prod -y
	[[ "$stderr" == *'not enough space for server'* ]] || { echo "$stderr"; return 1; }
}

@test "guard: the record of what runs here outlives any number of later runs that failed" {
	install_1_0
	run_now=$(jq -r .run "$ROOT/.slipway/generations/1.json")
	for n in {100..130}; do mkdir "$ROOT/.slipway/runs/20991231T000$n"; : >"$ROOT/.slipway/runs/20991231T000$n/journal"; done
	run -1 update --version 1.0.0
	[ -d "$ROOT/.slipway/runs/$run_now" ]
	[ "$(ls "$ROOT/.slipway/runs" | wc -l)" -le 20 ]
}

@test "guard: CDPATH, umask, TMPDIR and left over variables of a run change nothing" {
	mkdir -p elsewhere/server/config
	cp "$ROOT/config/slipway.yaml" elsewhere/server/config/
	export CDPATH=$PWD/elsewhere SLIPWAY_RUN=$PWD/no-run TMPDIR=/nonexistent
	run -0 slipway -C server status
	[[ "$output" == *"directory    $ROOT"* ]] || { echo "$output"; return 1; }
	(umask 077; slipway -C server update -e prod -y --version 1.0.0)
	[ ! -e elsewhere/server/.slipway ]
	[ ! -e no-run ]
	[ "$(stat -c %a "$ROOT/config/.version")" = 644 ]
	[ "$(stat -c %a "$ROOT/.slipway")" = 700 ]
	export TMPDIR=/tmp
	(umask 000; update)
	[ "$(stat -c %a backups)" = 700 ]
	[ -z "$(find "$ROOT" backups -path "$ROOT/.slipway" -prune -o -type f -perm /022 -print)" ]
}

@test "guard: a tool that is killed while the plan is made ends the update with 111, and nothing is left" {
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT" --exclude config --exclude docs --exclude tests --exclude docker/postgresql.prod.conf
	printf 'version: "1.0.0"\nrelease: true\n' >"$ROOT/config/.version"
	journal_overlay
	whole_state >before
	for tool in preset-filter repo-ls repo-tar tree-apply migrate-run cfg-get; do
		for n in 1 2 3 4 5 6; do
			rm -rf kill; cp -a overlay kill; rm "kill/$tool"
			printf '#!/bin/sh\necho x >>%s\n[ "$(wc -l <%s)" != %s ] || kill -KILL $$\nexec %s "$@"\n' \
				"$PWD/count" "$PWD/count" "$n" "$SLIPWAY_BIN/$tool" >"kill/$tool"
			chmod +x "kill/$tool"
			: >count
			SLIPWAY_BIN=$PWD/kill run --separate-stderr update -n
			if [ "$(wc -l <count)" -ge "$n" ]; then
				[ "$status" = 111 ] || { echo "$tool $n: status $status"; echo "$stderr$output"; return 1; }
				[ -z "$output" ]
			fi
			[ -z "$(ls "$ROOT/.slipway/runs")" ]
			whole_state | diff before -
		done
	done
}

@test "guard: a directory with blanks, an apostrophe, a dash and letters of any alphabet is brought up to date" {
	mkdir -p "ein Ordner/-n" 
	mv "$ROOT" "ein Ordner/-n/Göteborg's \$HOME & söhne"
	ROOT="$PWD/ein Ordner/-n/Göteborg's \$HOME & söhne" DB="$PWD/ein Ordner/-n/Göteborg's \$HOME & söhne/data/app.db"
	install_1_0
	release 1.1.5 --file 'app/-rf & "quoted" $(touch hit).txt' x --file 'app/Ключ ключ/ - .txt' y
	whole_state >before
	journal_overlay
	killed_at 'done step=version' update
	cd "$ROOT/app"
	slipway undo -y --allow set-aside
	whole_state | diff "$BATS_TEST_TMPDIR/here/before" -
	slipway update -y
	[ "$(cat -- "$ROOT/app/-rf & \"quoted\" \$(touch hit).txt")" = x ]
	[ "$(cat "$ROOT/app/Ключ ключ/ - .txt")" = y ]
	run -0 slipway status
	[[ "$output" == *'as delivered'* ]]
	echo changed >"$ROOT/app/Ключ ключ/ - .txt"
	run -0 slipway status
	[[ "$output" == *'changed      app/Ключ ключ/ - .txt'* ]]
	[ -z "$(find "$BATS_TEST_TMPDIR" -name hit)" ]
}

@test "guard: the plan is the same twice in a row, after a run that failed, and -n leaves nothing behind" {
	install_1_0
	release 1.1.5 --migration 'SELECT no_such_column FROM note;'
	space() { sed 's/ [0-9]* MB free/ MB free/'; }
	update -n 2>/dev/null | space >one
	update -n 2>/dev/null | space | diff one -
	run -111 update
	update -n 2>/dev/null | space | diff one -
	[ "$(ls "$ROOT/.slipway/runs" | wc -l)" = 2 ]
}
