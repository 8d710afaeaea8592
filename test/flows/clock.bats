load ../lib/live
load ../lib/clock
load ../lib/interrupt

# A clock that jumps by years while a run is at work, and between runs.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	fake_clock
	jump_overlay
}
teardown() {
	clock_gone
	live_cleanup
}
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }
version_here() { sed -n 's/^version: "\(.*\)"$/\1/p' "$ROOT/config/.version"; }
generation() { jq -r "$2" "$ROOT/.slipway/generations/$1.json"; }
fails() { release "$1" --migration 'SELECT no_such_column FROM note;'; }

@test "clock: it jumps back by a year or on by ten in the middle of an update, which ends as ever" {
	local at to n=1
	with_clock slipway -C "$ROOT" update -e prod -y --version 1.0.0
	for to in -365d +10y; do
		n=$((n + 1))
		set_clock +0
		[ $n = 2 ] || release 1.1.5
		at='begin step=restore-point'; [ $n = 2 ] || at='begin step=migrate'
		JUMP_AT=$at JUMP_TO=$to SLIPWAY_BIN=$PWD/overlay run -0 --separate-stderr with_clock slipway -C "$ROOT" update -e prod -y
		[[ "$stderr" =~ 'it took '[0-9]{1,2}\.[0-9]' s' ]] || { echo "$stderr"; return 1; }
		[ "$(generation $n .state)" = good ]
	done
	[ "$(version_here)" = 1.1.5 ]
	[ "$(generation 2 .time | cut -c1-4)" -lt "$(date +%Y)" ] # it did jump
	[ "$(generation 3 .time | cut -c1-4)" -gt "$(date +%Y)" ]
	fails 1.1.6
	set_clock +0
	whole_state >before
	for to in -365d +10y; do
		JUMP_AT='begin step=files' JUMP_TO=$to SLIPWAY_BIN=$PWD/overlay run -111 with_clock slipway -C "$ROOT" update -e prod -y
		[[ "$output" == *'everything is as before'* ]]
		whole_state | diff before -
	done
}

@test "clock: put back or on between a kill and its resume or undo, which ends the run as ever" {
	local to
	update --version 1.0.0
	cp -a "$ROOT" root.before
	journal_overlay
	whole_state >before
	for to in -365d +10y; do
		rm -rf "$ROOT"; cp -a root.before "$ROOT"
		killed_at 'done step=migrate' update
		set_clock "$to"
		run -0 with_clock slipway -C "$ROOT" undo -y --allow set-aside
		whole_state | diff before -
		killed_at 'begin step=migrate' update
		run -0 with_clock slipway -C "$ROOT" resume
		[ "$(version_here)" = 1.1.0 ]
	done
}

@test "clock: after a time far ahead, the newest runs, backups and generations are still the last ones" {
	local n
	export SLIPWAY_SERVER_UPDATE__SETTINGS__KEEP_BACKUPS=2
	update --version 1.0.0
	set_clock +10y
	for n in 1.1.0 1.1.1 1.1.2; do
		[ $n = 1.1.0 ] || release $n
		with_clock slipway -C "$ROOT" update -e prod -y
	done
	set_clock +0
	for n in 1.1.3 1.1.4; do
		release $n
		sqlite3 "$DB" "INSERT INTO note(body, made) VALUES ('before $n', 0)"
		update
	done
	[ "$(generation 6 .version)" = 1.1.4 ]
	SLIPWAY_DATABASE_URL=sqlite:///$PWD/restored.db db-backup -d backups restore "$(generation 6 .backup)"
	[ "$(sqlite3 restored.db 'SELECT body FROM note ORDER BY id DESC LIMIT 1')" = 'before 1.1.4' ]
	[ "$(db-backup -d backups list | cut -f 1 | xargs)" = "$(generation 5 .backup) $(generation 6 .backup)" ]
	run -1 update
	# The runs that failed last stay, though their names are older.
	for n in {100..125}; do
		cp -a "$ROOT/.slipway/runs/$(generation 4 .run)" "$ROOT/.slipway/runs/20991231T000$n"
	done
	fails 1.1.7
	run -111 update
	run=$(ls -t "$ROOT/.slipway/runs" | head -n 1)
	run -111 update
	run -1 slipway -C "$ROOT" resume
	[ -e "$ROOT/.slipway/runs/$run/log" ]
	[ "$(ls "$ROOT/.slipway/runs" | wc -l)" -le 21 ]
}

@test "clock: one that shows the same second at each start of the machine: no run takes the backup of another for its own" {
	local n
	set_clock '2026-01-01 00:00:00'
	with_clock slipway -C "$ROOT" update -e prod -y --version 1.0.0
	fails 1.1.5
	run -111 with_clock slipway -C "$ROOT" update -e prod -y
	rm -rf "$ROOT"/.slipway/runs/20260101T000000Z-* # as later runs would
	ls backups | grep -q '^20260101T000000Z-2\.'
	sqlite3 "$DB" "INSERT INTO note(body) VALUES ('second')"
	release 1.1.6 --remove migrations/v1.1.5/001.sql
	with_clock slipway -C "$ROOT" update -e prod -y
	SLIPWAY_DATABASE_URL=sqlite:///$PWD/restored.db db-backup -d backups restore "$(generation 2 .backup)"
	[ "$(sqlite3 restored.db 'SELECT body FROM note' | xargs)" = 'first second' ]
}
