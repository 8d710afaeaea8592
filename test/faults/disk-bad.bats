load ../lib/live
load ../lib/disks
load ../lib/interrupt

# A disk that turns read-only while a run is at work, as ext4 does after an error, and one that takes its time.

setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	filler_overlay
}
teardown() {
	disks_gone
	live_cleanup
}
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }
version_here() { sed -n 's/^version: "\(.*\)"$/\1/p' "$ROOT/config/.version"; }

server_at_1_0() {
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	update --version 1.0.0 2>install.err || { cat install.err; return 1; }
}
on_disks() {
	disk server 48
	disk backups 24
	server_at_1_0
}
# breaks DISK - what ./fill does: an error that the disk answers by turning read-only
breaks() {
	local device
	sync -f "$1" # what nobody synced would be lost, as in a power cut
	mount -o remount,errors=remount-ro "$1"
	device=$(findmnt -no SOURCE "$1")
	printf '#!/bin/sh\necho made by a test >/sys/fs/ext4/%s/trigger_fs_error\n' "${device#/dev/}" >fill
	chmod +x fill
}
repaired() { # DISK: checked and mounted again; as a copy, since another name space may hold on to the old one
	umount "$1"
	cp "$1.img" "$1.copy"
	mv "$1.copy" "$1.img"
	e2fsck -fy "$1.img" >/dev/null 2>&1 || [ $? -le 1 ]
	mount -o loop "$1.img" "$1"
	rmdir "$1/lost+found" 2>/dev/null || :
}

@test "disk read-only: of the server, before any step: 112 and the truth, and undo or resume ends it after a repair" {
	local step verb=undo
	on_disks
	whole_state >before
	for step in backup migrate; do
		breaks server
		FILL_AT="begin step=$step" SLIPWAY_BIN=$PWD/overlay run -112 --separate-stderr update
		[[ "$stderr" == *'Read-only file system'* && "$stderr" == *"'$ROOT' cannot be written"* ]] || { echo "$stderr"; return 1; }
		[[ "$stderr" == *'nothing was taken back'*'slipway undo'* && "$stderr" != *'everything is as before'* ]] || { echo "$stderr"; return 1; }
		run ! update
		run -111 slipway -C "$ROOT" undo -y --allow set-aside # not even the lock can be opened
		repaired server
		slipway -C "$ROOT" undo -y --allow set-aside || { cat "$ROOT"/.slipway/runs/*/journal; return 1; }
		whole_state | diff before -
		rm -f "$DB".set-aside-*
	done
	breaks server
	FILL_AT='begin step=version' SLIPWAY_BIN=$PWD/overlay run -112 update
	repaired server
	slipway -C "$ROOT" resume
	[ "$(version_here)" = 1.1.0 ]
}

@test "disk read-only: of the backups: nothing is touched" {
	on_disks
	whole_state >before
	breaks backups
	FILL_AT='begin step=backup' SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update
	[[ "$stderr" == *'step backup failed: '*'Read-only file system'*"'$PWD/backups' cannot be written"*'everything is as before' ]] || { echo "$stderr"; return 1; }
	whole_state | diff before -
	repaired backups
	update
}

# slowly COMMAND... - every sync takes so many milliseconds more
slowly() { strace -f -qq -o /dev/null -e trace=fsync,fdatasync,sync,syncfs -e inject=fsync,fdatasync,sync,syncfs:delay_exit="${1}000" "${@:2}"; }

@test "disk slow: an update waits for it, holds its lock, and is taken back by a signal as on a fast one" {
	server_at_1_0
	whole_state >before
	ASAN_OPTIONS=detect_leaks=0 slowly 50 "$(command -v slipway)" -C "$ROOT" update -e prod -y >out 2>&1 3>&- &
	local tracer=$! pid
	for _ in {1..600}; do grep -qs 'step=files' "$ROOT"/.slipway/runs/*/journal && [ -e "$ROOT/.slipway/current" ] && break; sleep 0.05; done
	[ -e "$ROOT/.slipway/current" ]
	run -111 --separate-stderr update
	[[ "$stderr" == *'another run is at work here: pid '* ]]
	pid=$(sed 's/ .*//' "$ROOT/.slipway/lock")
	kill -TERM "$pid"
	wait "$tracer" || [ $? = 111 ] || { cat out; return 1; }
	grep -q 'interrupted by SIGTERM' out && grep -q 'everything is as before' out || { cat out; return 1; }
	whole_state | diff before -
	slowly 20 "$(command -v slipway)" -C "$ROOT" update -e prod -y
	[ "$(version_here)" = 1.1.0 ]
}
