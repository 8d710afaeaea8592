load ../lib/live
load ../lib/private-engine
load ../lib/engine-fault

setup_file() { private_engine_start; }
teardown_file() { private_engine_stop; }

setup() {
	live_setup
	fault_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	server_new prod
	# What a restarted engine would revive although it was stopped.
	printf 'services:\n  app:\n    restart: always\n' >"$ROOT/docker/docker-compose.override.yml"
	server_install v1.0.0
	docker create --name "other-$NAME" --label "com.docker.compose.project=$NAME" --restart=always "$(image_of app)" >/dev/null
	other >other.before
	begin
}

other() { docker inspect -f '{{.Id}} {{.Name}} {{.HostConfig.RestartPolicy.Name}} {{.State.Status}} {{.Image}}' "other-$NAME"; }
begin() { # what runs now is the old
	OLD=$(container_of app | head -n 1)
	OLD_STARTED=$(docker inspect -f '{{.State.StartedAt}}' "$OLD")
	export OLD OLD_STARTED
	remember
}
taken_back() {
	assert_as_before
	no_row_lost
	other | diff other.before -
}
brought() { # VERSION
	assert_server_is "$1"
	[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$(container_of app)")" = always ]
	no_row_lost
	other | diff other.before -
}

@test "engine: an update is taken back when the engine dies in build, stop, start or health and comes back" {
	fault during 'docker build' 'sleep 0.2; power_cut; back_in 2'
	faulty 111
	answers_within 15 /health ok # the engine itself has started it again
	taken_back

	begin
	fault before 'docker stop' "inside curl -s 'http://127.0.0.1:$PORT/slow?ms=4000' & sleep 0.5"
	fault during 'docker stop' 'sleep 0.5; away; back_in 2'
	faulty 111
	taken_back

	begin
	fault during 'compose up -d' 'in_the_making; away; back_in 2'
	faulty 111
	old_code_stayed_down
	taken_back

	begin
	fault before 'docker top' 'away; back_in 2' # it has answered, and is watched
	SLIPWAY_UPDATE__HEALTH__SOAK=8 faulty 111
	old_code_stayed_down
	taken_back
}

@test "engine: a restarted engine does not bring the old code back between stop and start" {
	fault before 'docker stop' restarts
	fault behind 'journal done step=stop' 'power_cut; private_engine_restart'
	fault behind 'journal begin step=migrate' restarts
	faulty 0
	old_code_stayed_down
	brought v1.1.0
}

@test "engine: a power cut behind the migration: the old code stays down, and resume brings the new one" {
	fault behind 'journal done step=migrate' 'power_cut; private_engine_restart; kill -KILL "$PPID"'
	faulty 137
	[ "$(docker inspect -f '{{.State.StartedAt}} {{.State.Running}}' "$OLD")" = "$OLD_STARTED false" ]
	slipway -C "$ROOT" resume
	brought v1.1.0
}

@test "engine: one that stays away leaves the run to slipway undo" {
	export SLIPWAY_DEPLOY_SETTINGS__TIMEOUTS__ENGINE=1
	fault before 'docker stop' away
	faulty 112
	grep -q 'the Docker engine does not answer' faulty.out
	grep -qx 'update: hint: mend the cause, then run: slipway undo' faulty.out
	run -112 slipway -C "$ROOT" undo -y
	private_engine_restart
	slipway -C "$ROOT" undo -y
	taken_back

	begin
	fault before 'compose up -d' away
	faulty 112
	private_engine_restart
	slipway -C "$ROOT" undo -y --allow set-aside
	old_code_stayed_down
	taken_back
}

@test "engine: what a container wrote that somebody started is set aside, though the engine dies before the undo can know" {
	export SLIPWAY_DEPLOY_SETTINGS__TIMEOUTS__ENGINE=1
	release 1.1.5 --migration 'CREATE TABLE extra(x);' --migration 'SELECT no_such_column FROM note;'
	fault behind 'journal begin step=migrate' 'docker start "$OLD"; sleep 2; away'
	faulty 112 --version 1.1.5
	grep -q 'undo of step migrate failed: the Docker engine does not answer' faulty.out
	[ "$(sqlite3 "$DB" "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'")" = 1 ] # nothing was put back
	private_engine_restart
	slipway -C "$ROOT" undo -y --allow set-aside
	ls "$DB".set-aside-*
	taken_back
}
