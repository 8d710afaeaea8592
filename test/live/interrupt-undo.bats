load ../lib/live
load ../lib/interrupt

setup() {
	live_setup
	need_docker
	journal_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
}

# undoes STATE - an update that is killed there is taken back, and no row is lost
undoes() {
	server_new prod
	server_install v1.0.0
	remember
	local before
	before=$(date +%s%N)
	writer_start
	killed_at "$1" update
	slipway -C "$ROOT" undo -y --allow set-aside
	sleep 0.5
	writer_stop
	assert_as_before
	[ -z "$(rows_missing "$before" "$(date +%s%N)" "$DB" $(asides))" ]
	[ ! -e "$ROOT/.slipway/current" ]
}

@test "live: killed when backup has begun, undo takes it back" { undoes 'begin step=backup'; }
@test "live: killed when build has begun, undo takes it back" { undoes 'begin step=build'; }
@test "live: killed when stop has begun, undo takes it back" { undoes 'begin step=stop'; }
# bats test_tags=postgres
@test "live: killed when restore-point has begun, undo takes it back" { undoes 'begin step=restore-point'; }
@test "live: killed when files has begun, undo takes it back" { undoes 'begin step=files'; }
# bats test_tags=postgres
@test "live: killed when migrate has begun, undo takes it back" { undoes 'begin step=migrate'; }
@test "live: killed when version has begun, undo takes it back" { undoes 'begin step=version'; }
@test "live: killed when start has begun, undo takes it back" { undoes 'begin step=start'; }
@test "live: killed when health has begun, undo takes it back" { undoes 'begin step=health'; }
@test "live: killed when stop is done, undo takes it back" { undoes 'done step=stop'; }
# bats test_tags=postgres
@test "live: killed when migrate is done, undo takes it back" { undoes 'done step=migrate'; }
@test "live: killed when start is done, undo takes it back" { undoes 'done step=start'; }
# bats test_tags=postgres
@test "live: killed when health is done, undo takes it back" { undoes 'done step=health'; }

@test "live: between stop and start a restarted engine would not bring the old container back" {
	server_new prod
	server_install v1.0.0
	remember
	killed_at 'done step=stop' update
	[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.State.Running}}' "$(container_of app)")" = 'no false' ]
	slipway -C "$ROOT" undo -y
	assert_as_before
}
