load ../lib/live
load ../lib/interrupt

setup() {
	live_setup
	need_docker
	journal_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
}

# resumes STATE - an update that is killed there is brought to its end, and no row is lost
resumes() {
	server_new prod
	server_install v1.0.0
	local before
	before=$(date +%s%N)
	writer_start
	killed_at "$1" update
	slipway -C "$ROOT" resume
	sleep 0.5
	writer_stop
	assert_server_is v1.1.0
	[ -z "$(rows_missing "$before" "$(date +%s%N)" "$DB")" ]
	[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$(container_of app)")" = unless-stopped ]
	[ ! -e "$ROOT/.slipway/current" ]
}

# bats test_tags=postgres
@test "live: killed when backup has begun, resume brings the release" { resumes 'begin step=backup'; }
@test "live: killed when build has begun, resume brings the release" { resumes 'begin step=build'; }
@test "live: killed when stop has begun, resume brings the release" { resumes 'begin step=stop'; }
# bats test_tags=postgres
@test "live: killed when restore-point has begun, resume brings the release" { resumes 'begin step=restore-point'; }
@test "live: killed when files has begun, resume brings the release" { resumes 'begin step=files'; }
# bats test_tags=postgres
@test "live: killed when migrate has begun, resume brings the release" { resumes 'begin step=migrate'; }
@test "live: killed when version has begun, resume brings the release" { resumes 'begin step=version'; }
@test "live: killed when start has begun, resume brings the release" { resumes 'begin step=start'; }
@test "live: killed when health has begun, resume brings the release" { resumes 'begin step=health'; }
@test "live: killed when stop is done, resume brings the release" { resumes 'done step=stop'; }
@test "live: killed when migrate is done, resume brings the release" { resumes 'done step=migrate'; }
# bats test_tags=postgres
@test "live: killed when start is done, resume brings the release" { resumes 'done step=start'; }
@test "live: killed when health is done, resume brings the release" { resumes 'done step=health'; }
@test "live: killed at the point of no return, resume brings the release" { resumes keep; }

# bats test_tags=postgres
@test "live: a resume whose release fails after it has run leaves the decision to a person" {
	server_new prod
	server_install v1.0.0
	update --version 1.1.0
	remember
	killed_at 'done step=start' update --version 1.3.3
	SLIPWAY_UPDATE__HEALTH__TIMEOUT=3 run -111 --separate-stderr slipway -C "$ROOT" resume
	[[ "$stderr" == *'slipway undo takes it back'* ]]
	run -100 --separate-stderr slipway -C "$ROOT" undo -y
	[[ "$stderr" == *'has run; what it wrote since 20'*'would be set aside'* ]]
	slipway -C "$ROOT" undo -y --allow set-aside
	assert_as_before
	[ -n "$(asides)" ]
}
