load ../lib/live
load ../lib/disks
load ../lib/private-engine

# The engine's own disk fills behind the plan: before the build, and between build and start.

setup() {
	live_setup
	ENGINE_HOME=$(mktemp -d /tmp/slipway-engine-XXXXXX)
	mkdir engine
	disk engine 160
	mkdir "$ENGINE_HOME/data"
	mount --bind engine "$ENGINE_HOME/data"
	private_engine_start
	filler_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
}
teardown() {
	live_cleanup
	! mountpoint -q "$ENGINE_HOME/data" || umount -l "$ENGINE_HOME/data"
	private_engine_stop
	disks_gone
}

# Published ports are in the engine's own network.
answer() { inside curl -sS --max-time 5 --noproxy '*' "http://127.0.0.1:$PORT$1"; }
in_there() { inside env SLIPWAY_BIN="${BIN:-$SLIPWAY_BIN}" "$SLIPWAY_TOP/scripts/slipway" -C "$ROOT" "$@"; }

@test "disk full: of the engine, before the build or between build and start: the old container serves, nothing of the new one stays" {
	local at started wanted
	server_new prod
	sqlite3 "$DB" 'CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)'
	in_there update -e prod -y --version 1.0.0 >install.out 2>&1 || { cat install.out; return 1; }
	assert_server_is v1.0.0
	remember
	started=$(docker inspect -f '{{.State.StartedAt}}' "$(container_of app)")
	for at in build stop; do
		wanted=111
		[ $at = build ] || wanted=112 # the new image cannot be removed yet
		docker image ls -q --no-trunc | sort >images
		fill_with fill_blocks "$PWD/engine"
		FILL_AT="begin step=$at" BIN=$PWD/overlay run -$wanted --separate-stderr in_there update -e prod -y
		[[ "$stderr" == *'o space left on device'* || "$stderr" == *"the engine's disk has only 0 MB free"*'nothing was stopped'* ]] || { echo "$stderr"; return 1; }
		[ "$(docker inspect -f '{{.State.StartedAt}}' "$(container_of app)")" = "$started" ] # never stopped
		make_room engine
		[ ! -e "$ROOT/.slipway/current" ] || in_there undo -y
		assert_as_before
		docker image ls -q --no-trunc | sort | diff images -
	done
	# Full behind the stop, nothing can be started: that is said, and undo ends it when there is room.
	fill_with fill_blocks "$PWD/engine"
	FILL_AT='begin step=start' BIN=$PWD/overlay run -112 --separate-stderr in_there update -e prod -y
	[[ "$stderr" == *"the disk of '$ENGINE_HOME/data' is full"*'slipway undo'* ]] || { echo "$stderr"; return 1; }
	make_room engine
	in_there undo -y --allow set-aside
	assert_as_before
	in_there update -e prod -y
	assert_server_is v1.1.0
}
