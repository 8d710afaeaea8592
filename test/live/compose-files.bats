load ../lib/live
load ../lib/interrupt

# The sample's compose file of an environment extends the base, which its releases change.
setup() {
	live_setup
	need_docker
	journal_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	server_new prod
	server_install v1.0.0
	echo COLOUR=green >"$ROOT/local.env"
	release 1.1.5 --run "sed -i 's/stop_grace_period: 15s/stop_grace_period: 7s\n    env_file: ..\/local.env/' docker/docker-compose.yml"
}

made_with() { docker inspect -f '{{.Config.StopTimeout}} {{.Config.Env}}' "$(container_of app)"; }

@test "live: undo makes the old container from the base file of before, even while the files cannot be taken back" {
	remember
	killed_at 'done step=start' update
	[[ "$(made_with)" == '7 ['*COLOUR=green*']' ]] || { made_with; return 1; }
	rm overlay/tree-apply
	printf '#!/bin/sh\ncase "$*" in -u*) echo "tree-apply: no" >&2; exit 111 ;; esac\nexec "%s" "$@"\n' "$SLIPWAY_BIN/tree-apply" >overlay/tree-apply
	chmod +x overlay/tree-apply
	SLIPWAY_BIN=$PWD/overlay run -112 slipway -C "$ROOT" undo -y --allow set-aside
	[[ "$output" == *'undo of step files failed'* ]]
	[[ "$(made_with)" == '15 ['* && "$(made_with)" != *COLOUR* ]] || { made_with; return 1; }
	answers_within 5 /version 1.0.0
	slipway -C "$ROOT" undo -y
	assert_as_before
}

@test "live: resume makes the new container from the base file of the release, and from no other" {
	compose_generation v2
	release 1.1.6 --run "printf 'include: [more.yml]\n' >>docker/docker-compose.prod.yml; printf 'services: {more: {image: \"%s\"}}\n' $NAME >docker/more.yml"
	killed_at 'done step=files' update --version 1.1.5
	echo '# a thought' >>"$ROOT/docker/docker-compose.yml"
	run -111 slipway -C "$ROOT" resume
	[[ "$output" == *"step start failed: 'docker/docker-compose.yml' is not what this run began with"*'everything is as before'* ]] || { echo "$output"; return 1; }
	[[ "$(made_with)" == '15 ['* ]]
	killed_at 'done step=stop' update --version 1.1.5
	slipway -C "$ROOT" resume
	[[ "$(made_with)" == '7 ['*COLOUR=green*']' ]] || { made_with; return 1; }
	docker rm -f "$(container_of app)" >/dev/null # what 1.29 made would stay with 1.29, which has no include
	update
	sort "$ROOT/.slipway/runs/$(jq -r .run "$ROOT/.slipway/generations/3.json")/compose/new/more" | diff - <(printf '%s\n' docker/docker-compose.yml docker/more.yml)
}
