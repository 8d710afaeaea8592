load ../lib/live
load ../lib/interrupt

STEPS='backup restore-point files migrate version'

setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	update --version 1.0.0 2>install.err || { cat install.err; return 1; }
	journal_overlay
	cp -a "$ROOT" root.before
	cp -a backups backups.before
}

again() { # the server as it was after its first update
	rm -rf "$ROOT" backups
	cp -a root.before "$ROOT"
	cp -a backups.before backups
}
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }
# The same content; mtimes of what was written differ from run to run.
content() { (cd "$ROOT" && find . -path ./.slipway -prune -o -path ./data -prune -o -type f -exec sha256sum {} + | sort); sqlite3 "$DB" '.dump note' '.dump tag' 'SELECT file, sha256, state FROM slipway_ledger'; }

@test "interrupt: killed at any state, resume brings the release" {
	local state
	update
	content >after
	states $STEPS | while IFS= read -r state; do
		again
		killed_at "$state" update
		slipway -C "$ROOT" resume || { echo "resume after '$state' failed"; exit 1; }
		content | diff after - || { echo "differs after '$state'"; exit 1; }
		[ ! -e "$ROOT/.slipway/current" ]
		[ "$(jq -r .version "$ROOT/.slipway/generations/2.json")" = 1.1.0 ]
		rc=0; slipway -C "$ROOT" resume || rc=$?
		[ "$rc" = 1 ] # nothing is left to do
	done
}

@test "interrupt: killed at any state, undo takes it back, and a later update works" {
	local state
	states $STEPS | grep -v '^keep$' | while IFS= read -r state; do
		again
		whole_state >before
		killed_at "$state" update
		slipway -C "$ROOT" undo -y --allow set-aside || { echo "undo after '$state' failed"; exit 1; }
		whole_state | diff before - || { echo "differs after '$state'"; exit 1; }
		[ ! -e "$ROOT/.slipway/current" ]
	done
	update
	[ "$(sed -n 's/^version: //p' "$ROOT/config/.version")" = '"1.1.0"' ]
}

@test "interrupt: an undo that is killed at any state is taken to its end by undo or resume" {
	local state verb
	release 1.1.5 --migration 'SELECT no_such_column FROM note;'
	for verb in undo resume; do
		for state in undo 'undone step=migrate' 'undone step=files' 'undone step=restore-point' 'undone step=backup' 'end result=undone'; do
			again
			whole_state >before
			killed_at "$state" update
			run -0 slipway -C "$ROOT" "$verb"
			whole_state | diff before - || { echo "differs after '$state'"; return 1; }
			[ ! -e "$ROOT/.slipway/current" ]
		done
	done
}

@test "interrupt: behind the point of no return undo is refused and resume ends the run" {
	killed_at keep update
	run -100 slipway -C "$ROOT" undo -y
	[[ "$output" == *'slipway resume'* ]]
	slipway -C "$ROOT" resume
	[ "$(jq -r .version "$ROOT/.slipway/generations/2.json")" = 1.1.0 ]
	again
	killed_at 'end result=good' update
	slipway -C "$ROOT" resume
	[ ! -e "$ROOT/.slipway/current" ]
}

@test "interrupt: the next update refuses until the broken run is finished or taken back" {
	killed_at 'done step=files' update
	run -111 --separate-stderr update
	[[ "$stderr" == *'was interrupted'*'slipway resume'*'slipway undo'* ]]
	run -1 slipway -C "$ROOT" status
	[[ "$output" == *unfinished*'step=files'* ]]
	slipway -C "$ROOT" undo -y
	update
}

@test "interrupt: SIGTERM, SIGINT and SIGHUP take it back with 111" {
	local signal
	release 1.1.5 --migration "$(printf 'CREATE TABLE big AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 400000000) SELECT max(x) AS m FROM c;')"
	whole_state >before
	for signal in TERM INT HUP; do
		# a background job of a shell has SIGINT ignored for good, as POSIX says: perl gives it back
		perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' slipway -C "$ROOT" update -e prod -y >out 2>&1 3>&- &
		pid=$!
		for _ in {1..200}; do grep -qs 'step=migrate' "$ROOT/.slipway/runs/$(cat "$ROOT/.slipway/current" 2>/dev/null)/journal" && break; sleep 0.05; done
		sleep 0.3
		kill "-$signal" "$pid"
		rc=0; wait "$pid" || rc=$?
		[ "$rc" = 111 ] || { echo "$signal: $rc"; cat out; return 1; }
		grep "interrupted by SIG$signal in step migrate" out || { cat out; return 1; }
		! grep 'done step=migrate' "$(ls -d "$ROOT"/.slipway/runs/* | tail -n 1)/journal" # ended, not waited for
		whole_state | diff before -
	done
}

@test "interrupt: Ctrl-C on a terminal takes it back, and a terminal that closes does not stop the undo" {
	release 1.1.5 --migration "$(printf 'CREATE TABLE big AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 400000000) SELECT max(x) AS m FROM c;')"
	whole_state >before
	for how in ctrl-c close; do
		perl "$SLIPWAY_TOP/test/lib/terminal.pl" "$how" "$ROOT/.slipway" slipway -C "$ROOT" update -e prod -y >out 2>&1 || true
		for _ in {1..200}; do [ -e "$ROOT/.slipway/current" ] || break; sleep 0.05; done
		[ ! -e "$ROOT/.slipway/current" ]
		whole_state | diff before -
		! grep 'done step=migrate' "$(ls -d "$ROOT"/.slipway/runs/* | tail -n 1)/journal"
		tail -n 3 "$(ls -d "$ROOT"/.slipway/runs/* | tail -n 1)/log" | grep "everything is as before" || { cat out; cat "$(ls -d "$ROOT"/.slipway/runs/* | tail -n 1)/log"; return 1; }
	done
}

@test "interrupt: what the environment said over the configuration counts for a resume in another shell, but for secrets" {
	backups() { ls backups/*.meta | wc -l; }
	SLIPWAY_SERVER_UPDATE__SETTINGS__KEEP_BACKUPS=1 SLIPWAY_SERVER_UPDATE__REPOSITORY__TOKEN=canary-5d1 killed_at keep update
	[ "$(backups)" = 2 ]
	[ -z "$(grep -rl canary-5d1 "$ROOT" backups)" ]
	[ "$(find "$ROOT/.slipway/runs/$(cat "$ROOT/.slipway/current")/overrides" -type f -perm 600 -name '*KEEP_BACKUPS')" != '' ]
	cp -a "$ROOT" half
	cp -a backups backups.half
	run -0 --separate-stderr env -u SLIPWAY_UPDATE__ENGINE -u SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR slipway -C "$ROOT" resume
	[[ "$stderr" == *'resume: prod is at 1.1.0 now' ]] || { echo "$stderr"; return 1; }
	[ "$(backups)" = 1 ]
	rm -rf "$ROOT" backups # what the later shell says counts more
	mv half "$ROOT"
	mv backups.half backups
	SLIPWAY_SERVER_UPDATE__SETTINGS__KEEP_BACKUPS=5 slipway -C "$ROOT" resume
	[ "$(backups)" = 2 ]
}
