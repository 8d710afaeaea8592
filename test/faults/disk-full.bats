load ../lib/live
load ../lib/disks
load ../lib/interrupt

# A disk that fills behind the plan, whose forecast found room: before each step, and with ever more room left, so
# that each of its writes is the one that fails. Without containers; disk-full-live.bats has them.

setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	filler_overlay
}
teardown() {
	disks_gone
	live_cleanup
}

# server_on_disk [OPTION OF MKFS]... - a server on a disk of its own, at release 1.0.0
server_on_disk() {
	disk server 48 "$@"
	disk backups 24
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
		WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) INSERT INTO note(body) SELECT 'row ' || x || hex(zeroblob(50)) FROM c"
	update --version 1.0.0 2>install.err || { cat install.err; return 1; }
}

whole_state() { tree_state "$ROOT" .slipway data .filler .fillers; db_dump "$DB"; }

# What a run may leave: its folder with words, never its copies or anything half written.
no_strays() {
	local found
	found=$(cd "$ROOT" && find . ../backups -name '*.slipway-*' -o -name '.part-*' -o -name '*.part' -o -name '*-journal' -o -name reserve \
		-o -path './.slipway/current' -o -path './.slipway/runs/*/restore-point' -o -path './.slipway/runs/*/files' -o -path './.slipway/runs/*/stage')
	[ -z "$found" ] || { echo "left: $found"; return 1; }
}

names_it() {
	[[ "$stderr" == *'No space left on device'* || "$stderr" == *'database or disk is full'* ||
		"$stderr" == *"the disk of '$PWD/"*"' is full"* || "$stderr" == *"the disk of '$PWD/"*"' has no inode left"* ]]
}

# filled_at RECORD - the update, in which ./fill runs at that record, must end with 111 and leave all as it was
filled_at() {
	FILL_AT=$1 SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update || { echo "$1: $status: $stderr"; return 1; }
	names_it || { echo "$1: $stderr"; return 1; }
	[ "$1" != 'begin step=files' ] || [[ "$stderr" == *'step files failed: '*'cannot '* ]] || { echo "$stderr"; return 1; } # its own words
	[[ "$stderr" == *'everything is as before' && -z "$output" ]] || { echo "$1: $stderr"; return 1; }
	[ ! -e "$ROOT/.slipway/current" ]
	whole_state | diff before - || { echo "differs with $1"; return 1; }
	no_strays
	rm -f "$DB".set-aside-*
	make_room server
	make_room backups
}

ends_well() { # now that there is room
	update
	[ "$(sed -n 's/^version: //p' "$ROOT/config/.version")" = '"1.1.0"' ]
	[ "$(sqlite3 "$DB" 'SELECT count(made) FROM note')" = 2000 ]
	no_strays
}

@test "disk full: of the server, before or within any step: all is as before, though it stays full" {
	local step left
	server_on_disk
	whole_state >before
	for step in backup restore-point files migrate version; do
		for left in 0 12; do
			[ "$step$left" != version12 ] || continue # that is enough for a version
			fill_with fill_blocks "$PWD/server" "$left"
			filled_at "begin step=$step"
		done
	done
	fill_with fill_blocks "$PWD/server" 16 # the second migration
	filled_at 'begin step=migrate'
	ends_well
}

@test "disk full: without an inode, before or within any step: all is as before" {
	local step left
	server_on_disk -N 1000
	whole_state >before
	for step in backup restore-point files migrate version; do
		for left in 0 3; do
			case $step$left in backup3 | migrate3 | version3) continue ;; esac
			fill_with fill_inodes "$PWD/server" "$left"
			filled_at "begin step=$step"
		done
	done
	ends_well
}

@test "disk full: of the backups: nothing is touched, and no half backup stays" {
	local left
	server_on_disk
	whole_state >before
	ls -A backups >backups.before
	for left in 0 8 40 120; do
		fill_with fill_blocks "$PWD/backups" "$left"
		filled_at 'begin step=backup'
		diff backups.before <(ls -A backups)
	done
	fill_with fill_inodes "$PWD/backups" 1
	filled_at 'begin step=backup'
	diff backups.before <(ls -A backups)
	ends_well
}

@test "disk full: what takes the undo's room too is named with 112, and undo ends it when there is room again" {
	server_on_disk
	release 1.1.5 --migration 'SELECT no_such_column FROM note;'
	whole_state >before
	fill_with fill_blocks "$PWD/server"
	FILL_AT=undo SLIPWAY_BIN=$PWD/overlay run -112 --separate-stderr update
	[[ "$stderr" == *'undo of step migrate failed: '*'No space left on device'*'slipway undo'* ]] || { echo "$stderr"; return 1; }
	[[ "$stderr" != *'everything is as before'* ]]
	./fill # whatever the undo gave free
	run -112 --separate-stderr slipway -C "$ROOT" undo -y --allow set-aside
	[[ "$stderr" == *"the disk of '$PWD/server' is full"* ]] || { echo "$stderr"; return 1; }
	[[ "$stderr" != *'is as before'* ]]
	run -111 update # and nothing else may begin
	make_room server
	slipway -C "$ROOT" undo -y --allow set-aside
	whole_state | diff before -
	no_strays
	release 1.1.6 --remove migrations/v1.1.5/001.sql
	update
	[ "$(sqlite3 "$DB" 'SELECT count(made) FROM note')" = 2000 ]
}

@test "disk full: behind the point of no return the release stands, and its record is written" {
	server_on_disk
	fill_with fill_blocks "$PWD/server"
	FILL_AT=keep SLIPWAY_BIN=$PWD/overlay run -0 --separate-stderr update
	[[ "$stderr" == *'prod is at 1.1.0 now'* && "$stderr" != *warning* ]] || { echo "$stderr"; return 1; }
	[ "$(jq -r .version "$ROOT/.slipway/generations/2.json")" = 1.1.0 ]
	make_room server
	no_strays
	run -1 update
}

@test "disk full: from the start, an update ends with 111, and a killed run is taken back" {
	server_on_disk
	whole_state >before
	fill_blocks server
	for room in blocks inodes; do
		run -111 --separate-stderr update
		names_it || { echo "$stderr"; return 1; }
		[ ! -e "$ROOT/.slipway/current" ]
		whole_state | diff before -
		make_room server
		fill_inodes server
	done
	make_room server
	no_strays
	journal_overlay
	killed_at 'done step=migrate' update
	fill_blocks server
	run -0 --separate-stderr slipway -C "$ROOT" undo -y --allow set-aside
	whole_state | diff before -
	make_room server
	ends_well
}
