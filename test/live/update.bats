load ../lib/live

setup() {
	live_setup
	need_docker
	server_new prod
	server_install v1.0.0
}

# bats test_tags=postgres
@test "live: an update brings the release, and no row that was acknowledged is lost" {
	local before end old
	old=$(container_of app)
	slow_build
	watch_stops "$old"
	before=$(date +%s%N)
	writer_start
	SLIPWAY_BIN=$PWD/slow update 2>out
	sleep 1
	writer_stop
	end=$(date +%s%N)
	assert_server_is v1.1.0
	[ -z "$(rows_missing "$before" "$end" "$DB")" ]
	saved=$(date -d "$(stat -c %y "$(ls -t backups/*.meta | head -n 1)")" +%s%N)
	[ "$(acked_between "$saved" "$(stop_time)")" -ge 100 ]
	[ "$(docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' "$(container_of app)")" = unless-stopped ]
	[ "$(docker image inspect -f '{{.Id}}' "$NAME-prod:latest")" = "$(image_of app)" ]
	[ "$(docker image inspect -f '{{.Id}}' "$NAME-prod:1.1.0")" = "$(image_of app)" ]
	[ "$(jq -r .image_id "$ROOT/.slipway/generations/2.json")" = "$(image_of app)" ]
	[ "$(docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$(image_of app)")" = "$(git -C "$REPO" rev-parse 'v1.1.0^{commit}')" ]
	for step in backup build stop restore-point files migrate version start health; do
		grep -qE "^$step +[0-9]+\.[0-9] s" out || { echo "no time of $step"; cat out; return 1; }
	done
}

@test "live: requests in flight are answered during the stop" {
	answer '/slow?ms=4000' >slow.answer 3>&- &
	local client=$!
	sleep 0.5
	update 2>out
	wait "$client"
	[ -s slow.answer ]
	assert_server_is v1.1.0
}

# bats test_tags=postgres
@test "live: local files keep content, mode, owner and mtime through update, failed update and undo" {
	stat_local() { (cd "$ROOT" && stat -c '%n %a %u:%g %Y %y %i' config/settings.yaml "config/tenant/tenant_1/bot config.yaml" docker/postgresql.prod.conf 'local notes.txt' .env
		sha256sum config/settings.yaml config/tenant/tenant_1/* docker/postgresql.prod.conf 'local notes.txt' .env); }
	stat_local >before
	update 2>/dev/null
	stat_local | diff before -
	run -111 update --version 1.3.7
	stat_local | diff before -
}

@test "live: a wrong token and a server that wants one leave everything as it was" {
	. "$SLIPWAY_TOP/test/lib/git-remote.bash"
	remember
	https_remote_start "$(dirname "$REPO")" the-right-token
	echo "$REMOTE_PID" >>started.pids
	writer_start
	REPO_URL=$REMOTE_URL/$(basename "$REPO") SSL_CERT_FILE=$REMOTE_CA REPO_TOKEN=wrong-canary run -100 --separate-stderr update
	[[ "$stderr" == *'refused the token'* ]]
	[[ "$stderr" != *canary* ]]
	sleep 1
	writer_stop
	assert_as_before
	[ "$FAILED" = 0 ]
}

@test "live: the token of the repository is in no argv, no file, no log and no environment of a container" {
	. "$SLIPWAY_TOP/test/lib/git-remote.bash"
	https_remote_start "$(dirname "$REPO")" canary-7f3a9
	echo "$REMOTE_PID" >>started.pids
	printf 'REPO_TOKEN=canary-7f3a9\n' >>"$ROOT/.env"
	REPO_URL=$REMOTE_URL/$(basename "$REPO") SSL_CERT_FILE=$REMOTE_CA \
		strace -f -qq -s 9999 -e trace=execve -o argv slipway -C "$ROOT" update -e prod -y 2>out
	assert_server_is v1.1.0
	grep -q repo-fetch argv
	! grep canary-7f3a9 argv out
	! grep -r canary-7f3a9 "$ROOT" backups --exclude=.env
	! docker inspect "$(container_of app)" "$(image_of app)" | grep canary-7f3a9
}

@test "live: test and prod side by side: an update of one does not touch the other" {
	local other started
	other=$(container_of app) started=$(docker inspect -f '{{.State.StartedAt}}' "$other")
	ROOT_PROD=$ROOT
	cd .. && mkdir there && cd there
	: >../here/x
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME-t
	NAME_PROD=$NAME NAME=$NAME-t
	server_new test
	ln -s ../here/sample.git .
	update --version 1.1.0
	[ "$(answer /version)" = 1.1.0 ]
	docker rm -f "$(container_of app-test)" >/dev/null
	NAME=$NAME_PROD
	[ "$(docker inspect -f '{{.State.StartedAt}} {{.State.Running}}' "$other")" = "$started true" ]
}

@test "live: a stop that needs SIGKILL is said" {
	update --version 1.3.8 2>/dev/null
	release 1.3.20 --from v1.3.8 --branch deaf --fault none
	sed -i 's/stop_grace_period: 15s/stop_grace_period: 2s/' "$ROOT/docker/docker-compose.yml"
	run -0 --separate-stderr update --version 1.3.20
	[[ "$stderr" == *'needed SIGKILL'* ]]
	[ "$(answer /version)" = 1.3.20 ]
}

# compose_volume NAME - the change to a release that mounts a named volume at /extra
compose_volume() { printf '%s' "printf '    volumes:\n      - $1:/extra\nvolumes:\n  $1: {}\n' >>docker/docker-compose.prod.yml"; }

@test "live: a volume that would be new and empty stops the update until it is allowed by name" {
	update 2>/dev/null
	release 1.1.5 --run "$(compose_volume extra)"
	update 2>/dev/null
	docker volume inspect "${NAME}_extra" >/dev/null
	release 1.1.6 --run "git checkout -q v1.1.0 docker/docker-compose.prod.yml; $(compose_volume other)"
	remember
	run -100 --separate-stderr update
	[[ "$stderr" == *"volume '${NAME}_extra' would not be mounted at /extra"* ]] || [[ "$stderr" == *"/extra of service 'app' would be '${NAME}_other', which is new and empty, instead of '${NAME}_extra'"* ]]
	[[ "$stderr" == *'--allow new-volume'* ]]
	assert_as_before
	release 1.1.7 --run "git checkout -q v1.1.5 docker/docker-compose.prod.yml"
	update 2>/dev/null # the same volume again: nothing to allow
	[ "$(docker inspect -f '{{range .Mounts}}{{.Name}}{{end}}' "$(container_of app)")" = "${NAME}_extra" ]
}

@test "live: a folder that would be new and empty stops the update" {
	update 2>/dev/null
	release 1.1.5 --run "sed -i 's|\.\./data:/data|../date:/data|' docker/docker-compose.yml"
	remember
	run -100 --separate-stderr update
	[[ "$stderr" == *"/data of service 'app' would be '$ROOT/date', which is new and empty, instead of '$ROOT/data'"* ]]
	assert_as_before
}
