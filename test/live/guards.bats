load ../lib/live
load ../lib/interrupt

# What slipway must leave alone, and what it must not believe.
setup() {
	live_setup
	need_docker
	journal_overlay
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	server_new prod
}

# fake_docker <<TEXT - a docker in front of the real one, which is $REAL in it
fake_docker() {
	{ printf '#!/bin/sh\nREAL=%s\n' "$(PATH=${PATH#"$PWD/overlay:"} command -v docker)"; cat; echo 'exec "$REAL" "$@"'; } >overlay/docker
	chmod +x overlay/docker
}
started() { docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Running}}' "$(container_of app)"; }

@test "live: the containers of another server's directory are never taken for one's own" {
	local first=$ROOT before
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME-prod # as it is called without a word in the configuration
	NAME_WAS=$NAME NAME=$NAME-prod
	server_install v1.0.0
	before=$(started)
	cp -a "$first" copy # with its record and its environment
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME run -100 --separate-stderr slipway -C copy update -y
	[[ "$stderr" == *"project '$NAME' belongs to the server in '$first'"*docker_compose.project* ]] || { echo "$stderr"; return 1; }
	SLIPWAY_DOCKER_COMPOSE__PROJECT='' run -100 --separate-stderr slipway -C copy update -y
	[[ "$stderr" == *"project '$NAME' belongs to the server in '$first'"* ]] || { echo "$stderr"; return 1; }
	[ "$(started)" = "$before" ]
	mv "$first" moved # the containers of a directory that is gone are those of the one that took its place
	SLIPWAY_DOCKER_COMPOSE__PROJECT='' slipway -C moved update -y -n
	docker rm -f "$(container_of app)" >/dev/null
	mkdir stranger
	printf 'services: {app: {image: "%s"}}\n' "$(docker image ls -q "$NAME_WAS-prod:1.0.0")" >stranger/compose.yml
	(cd stranger && docker-compose -p "$NAME" up -d --no-build 2>/dev/null)
	before=$(started)
	SLIPWAY_DOCKER_COMPOSE__PROJECT='' run -100 --separate-stderr slipway -C moved update -y
	[[ "$stderr" == *"were made in '$PWD/stranger', not by this server"* ]] || { echo "$stderr"; return 1; }
	[ "$(started)" = "$before" ]
	docker rm -f "$(container_of app)" >/dev/null
	docker network rm "${NAME}_default" >/dev/null
	NAME=$NAME_WAS
}

@test "live: an image that slipway did not build outlives the undo" {
	mkdir -p context run/vars
	echo "$NAME" >context/x
	printf 'FROM scratch\nCOPY x /x\n' >context/Dockerfile
	given=$(docker build -q context)
	printf 'FROM scratch\nLABEL io.slipway.app=%s\nCOPY x /y\n' "$NAME" >context/Dockerfile
	built=$(docker build -q context)
	for image in "$given" "$built"; do
		printf %s "$image" >run/vars/image_id
		printf %s "$NAME" >run/vars/app
		SLIPWAY_LIB=$SLIPWAY_TOP/scripts SLIPWAY_ROOT=$ROOT SLIPWAY_RUN=$PWD/run "$SLIPWAY_TOP/scripts/steps/build" undo
	done
	docker image inspect "$given" >/dev/null
	docker image rm "$given" >/dev/null
	run -1 docker image inspect "$built"
}

@test "live: containers that are gone come back each with its own image, and only those that ran" {
	mkdir -p run/vars run/compose/old
	printf 'app\nworker\nidle' >run/vars/services
	printf %s "$NAME" | tee run/vars/app >run/vars/project
	printf prod >run/vars/env
	printf no >run/vars/answered
	cp "$ROOT/config/slipway.yaml" run/config.yaml
	printf '%s\t%s\t/x\tsha256:%s\t%s\tno:0\tthen\n' app c1 aaa true worker c2 bbb true idle c3 ccc false >run/vars/old
	echo compose.yml >run/compose/old/list
	echo 'services: {}' >run/compose/old/compose.yml
	fake_docker <<-'EOF'
		case $1 in version | ps) exit 0 ;; inspect | compose) exit 1 ;; esac
	EOF
	printf '#!/bin/sh\necho "$*" >>%s/up\n' "$PWD" >overlay/docker-compose
	chmod +x overlay/docker-compose
	for _ in first again; do
		PATH=$PWD/overlay:$PATH SLIPWAY_LIB=$SLIPWAY_TOP/scripts SLIPWAY_ROOT=$ROOT SLIPWAY_RUN=$PWD/run "$SLIPWAY_TOP/scripts/steps/stop" undo
		[ "$(tr '\n' ' ' <run/compose/old/list)" = 'compose.yml slipway-image.yml ' ]
	done
	[[ "$(cat up)" == *'--force-recreate app worker' ]] || { cat up; return 1; }
	[ "$(cfg-get -f run/compose/old/slipway-image.yml services.app.image)" = sha256:aaa ]
	[ "$(cfg-get -f run/compose/old/slipway-image.yml services.worker.image)" = sha256:bbb ]
	run -1 cfg-get -f run/compose/old/slipway-image.yml services.idle
}

@test "live: a container that cannot be looked at is not taken for none: nothing is stopped" {
	local before
	server_install v1.0.0
	before=$(started)
	fake_docker <<-'EOF'
		case $* in *RestartPolicy*) echo 'Error: no answer' >&2; exit 1 ;; esac
	EOF
	remember
	SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update
	[[ "$stderr" == *'step stop failed: '*'no answer'* ]] || { echo "$stderr"; return 1; }
	assert_as_before
	[ "$(started)" = "$before" ]
}

@test "live: an old release that did not answer before the update either does not hold up its undo" {
	server_install v1.0.0
	SLIPWAY_UPDATE__HEALTH__URL=http://127.0.0.1:1/health SLIPWAY_UPDATE__HEALTH__TIMEOUT=2 run -111 --separate-stderr update
	[[ "$stderr" == *'step health failed'*'everything is as before'* ]] || { echo "$stderr"; return 1; }
	[ ! -e "$ROOT/.slipway/current" ]
	assert_server_is v1.0.0
	update
}

@test "live: numbers of the health check are looked at before anything is stopped" {
	server_install v1.0.0
	for pair in TIMEOUT=60s SOAK=ten INTERVAL=-1 INTERVAL=0; do
		run -100 --separate-stderr env "SLIPWAY_UPDATE__HEALTH__$pair" slipway -C "$ROOT" update -e prod -n
		[[ "$stderr" == *"update.health."*"'${pair#*=}'"* ]] || { echo "$pair: $stderr"; return 1; }
	done
}

@test "live: what a container wrote that somebody started by hand after a kill is not lost" {
	local before old
	server_install v1.0.0
	remember
	old=$(container_of app)
	before=$(date +%s%N)
	killed_at 'done step=migrate' update
	docker start "$old" >/dev/null
	answers_within 10 /health ok
	writer_start
	sleep 1
	run -100 --separate-stderr slipway -C "$ROOT" resume
	[[ "$stderr" == *'was started since the stop'*'slipway undo'* ]]
	run -100 --separate-stderr slipway -C "$ROOT" undo -y
	[[ "$stderr" == *'would be set aside'* ]]
	slipway -C "$ROOT" undo -y --allow set-aside
	sleep 0.5
	writer_stop
	[ "$ACKED" -gt 20 ]
	assert_as_before
	[ -z "$(rows_missing "$before" "$(date +%s%N)" "$DB" $(asides))" ]
}

@test "live: while the engine does not answer, undo leaves the release that may run whole" {
	server_install v1.0.0
	remember
	killed_at 'done step=start' update
	server_state >half
	fake_docker <<-'EOF'
		echo 'Cannot connect to the Docker daemon' >&2; exit 1
	EOF
	SLIPWAY_BIN=$PWD/overlay run -112 slipway -C "$ROOT" undo -y --allow set-aside
	[[ "$output" == *'undo of step start failed: '*'does not answer'* ]] || { echo "$output"; return 1; }
	server_state | diff half -
	slipway -C "$ROOT" undo -y --allow set-aside
	assert_as_before
}

@test "live: a directory with blanks and letters of any alphabet is brought up to date, and back" {
	mkdir -p "ein Ordner"
	mv "$ROOT" "ein Ordner/Göteborgs söhne & Ключ"
	ROOT="$PWD/ein Ordner/Göteborgs söhne & Ключ" DB="$PWD/ein Ordner/Göteborgs söhne & Ключ/data/app.db"
	unset SLIPWAY_DOCKER_COMPOSE__PROJECT
	NAME_WAS=$NAME NAME=$NAME-prod
	server_install v1.0.0
	remember
	killed_at 'done step=start' update
	docker rm -f "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=app)" >/dev/null
	slipway -C "$ROOT" undo -y --allow set-aside
	assert_as_before
	update
	assert_server_is v1.1.0
	docker rm -f "$(container_of app)" >/dev/null
	docker network rm "${NAME}_default" >/dev/null
	NAME=$NAME_WAS
}
