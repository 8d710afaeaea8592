load ../lib/live
load ../lib/interrupt

# Servers that somebody made by hand: test and prod in folders of one name, and so in one Compose project. The release
# has one compose file for both.
setup() {
	live_setup
	need_docker
	compose_generation v2 # with the plugin, docker-compose is still there
	journal_overlay
	unset SLIPWAY_DOCKER_COMPOSE__PROJECT ENVIRONMENT
	export SLIPWAY_UPDATE__HEALTH__SOAK=1 CONTAINER=$NAME-app
	VOLUMES='{notes: {}}' TOP='' PROJECT=()
	NOTES=${NAME}_notes
}

teardown() {
	local mine=$NAME
	for NAME in "$mine-x" "$mine-y" "$mine"; do live_cleanup; done
	docker volume rm "$mine-outside" >/dev/null 2>&1 || :
}

# by_hand ARGUMENT... - Docker Compose as people type it, of generation $GEN
by_hand() {
	case $GEN in
	v1) docker-compose "$@" ;;
	v2) docker compose "$@" ;;
	esac >>by_hand.out 2>&1 || { cat by_hand.out; return 1; }
}

# compose_file - with TOP and VOLUMES, for a release
compose_file() {
	cat <<-YAML
		$TOP
		services:
		  app:
		    build: .
		    image: $NAME-hand
		    container_name: "\${CONTAINER}"
		    restart: always
		    environment: {COLOUR: "\${COLOUR:-blue}"}
		    ports: ["127.0.0.1:\${APP_PORT}:8080"]
		    volumes: ["notes:/data"]
		    networks: {default: {aliases: [notes]}}
		  cache:
		    image: $NAME-hand
		    restart: always
		    volumes: ["./cache:/data"]
		  app-test:
		    build: .
		    image: $NAME-hand
		    restart: always
		    ports: ["127.0.0.1:\${APP_PORT}:8080"]
		    volumes: ["./data:/data"]
		volumes: $VOLUMES
	YAML
}

# releases - 2.0.0, which runs by hand; 2.1.0 with a migration; 2.2.0, which answers 500
releases() {
	compose_file >compose.made
	release 2.0.0 --from v1.0.0 --branch side --run "cp '$PWD/compose.made' docker-compose.yml; git rm -rqf docker
		sed -i 's/prod: main/prod: side/; s/test: test/test: side/; s|include: \[docker/, |include: [docker-compose.yml, |; /^docker_compose:/,/^\$/d
			s|sqlite:///data/app.db|\${DB_URL:-&}|' config/slipway.yaml"
	release 2.1.0 --branch side --migration 'CREATE TABLE extra(x);' --file app/two.txt two
	release 2.2.0 --branch broken --from v2.1.0 --fault 500 --migration 'CREATE TABLE more(x); UPDATE note SET body = body || 1;'
}

# server ENV - the folder of an environment, with 2.0.0 in it; sets ROOT, ENV, PORT, SERVICE, DB
server() {
	ENV=$1 ROOT=$PWD/$1/$NAME PORT=$(free_port)
	mkdir -p "$ROOT"
	git -C "$REPO" archive v2.0.0 | tar -x -C "$ROOT" --exclude docs --exclude tests --exclude CHANGELOG.md
	printf 'APP_PORT=%s\nREPO_URL=%s\nCONTAINER=%s\n' "$PORT" "$REPO" "$CONTAINER" >"$ROOT/.env"
	printf 'version: "2.0.0"\nrelease: true\n' >"$ROOT/config/.version"
	echo "$NAME $ENV" >"$ROOT/app/mine.txt" # else tests that run beside this one would make, and remove, the same image
	case $ENV in
	prod)
		SERVICE=app DB=$(docker info -f '{{.DockerRootDir}}')/volumes/$NOTES/_data/app.db
		printf 'DB_URL=sqlite:///%s\n' "$DB" >>"$ROOT/.env" ;;
	test) SERVICE=app-test DB=$ROOT/data/app.db ;;
	esac
}

# started_by_hand SERVICE... - from the folder of the server
started_by_hand() {
	(cd "$ROOT" && by_hand "${PROJECT[@]}" up -d --build "$@")
	answers_within 10 /health ok
}

# found_as SERVICE [PROJECT] - what a container is, but for its id
found_as() {
	docker inspect -f '{{.Name}} {{.Image}} {{.HostConfig.RestartPolicy}} {{.HostConfig.PortBindings}} {{.Config.Env}} {{.State.Running}}
{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{println}}{{end}}{{range $n, $e := .NetworkSettings.Networks}}{{$n}}{{end}}
{{index .Config.Labels "com.docker.compose.version"}}' "$(container_of "$1")"
	docker inspect -f '{{range .NetworkSettings.Networks}}{{range .Aliases}}{{println .}}{{end}}{{end}}' "$(container_of "$1")" |
		grep -vxE '[0-9a-f]{12}|' | sort -u
}
untouched() { docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{.Name}} {{.State.Running}}' "$(container_of "$1")"; }

# side_by_side GENERATION - prod is adopted while test takes writes every 5 ms, then the other way round
side_by_side() {
	GEN=$1
	releases
	server test
	started_by_hand app-test
	local test_root=$ROOT test_port=$PORT test_was prod_was cache_was before name
	server prod
	started_by_hand app cache
	test_was=$(untouched app-test) cache_was=$(untouched cache)
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = 3 ]
	before=$(date +%s%N)
	writer_start
	local prod_writer=$WRITER_PID prod_port=$PORT
	mkdir there && cd there && PORT=$test_port && writer_start 200
	local test_writer=$WRITER_PID
	cd .. && PORT=$prod_port
	sleep 0.5
	update --version 2.1.0 2>out || { cat out; return 1; }
	sleep 0.2
	WRITER_PID=$prod_writer
	writer_stop
	cd there && WRITER_PID=$test_writer && writer_stop && cd ..
	[ "$FAILED" = 0 ] && [ "$ACKED" -gt 200 ] # what test said meanwhile
	[ "$(answer /version)" = 2.1.0 ]
	[ -z "$(rows_missing "$before" "$(date +%s%N)" "$DB")" ]
	sqlite3 "$DB" 'SELECT x FROM extra'
	[ "$(docker inspect -f '{{.Name}} {{.HostConfig.RestartPolicy.Name}} {{range .Mounts}}{{.Name}}{{end}}' "$(container_of app)")" = "/$CONTAINER always $NOTES" ]
	[ "$(untouched app-test)" = "$test_was" ]
	[ "$(untouched cache)" = "$cache_was" ]
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = 3 ]
	[ "$(jq -r .version "$ROOT/.slipway/generations/1.json")" = 2.1.0 ]

	prod_was=$(untouched app) ROOT=$test_root PORT=$test_port ENV=test SERVICE=app-test DB=$test_root/data/app.db
	name=$(docker inspect -f '{{.Name}}' "$(container_of app-test)")
	rm acked
	writer_start
	update --version 2.1.0 2>out || { cat out; return 1; }
	sleep 0.2
	writer_stop
	[ "$(answer /version)" = 2.1.0 ]
	[ -z "$(rows_missing 0 "$(date +%s%N)" "$DB")" ]
	[ "$(untouched app)" = "$prod_was" ]
	[ "$(untouched cache)" = "$cache_was" ]
	[ "$(docker inspect -f '{{.Name}}' "$(container_of app-test)")" = "$name" ]
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = 3 ]
}

# comes_back GENERATION - a release that answers 500, and one that is interrupted, leave the server as somebody made it,
# from a compose file of his own
comes_back() {
	GEN=$1
	releases
	server prod
	mkdir "$ROOT/by hand"
	sed 's/build: \./build: ../; s/COLOUR:-blue/COLOUR:-red/' "$ROOT/docker-compose.yml" >"$ROOT/by hand/mine.yml"
	cp "$ROOT/.env" "$ROOT/by hand/.env"
	PROJECT=(-p "$NAME" -f 'by hand/mine.yml')
	started_by_hand app cache
	found_as app >before
	grep -q COLOUR=red before
	tree_state "$ROOT" .slipway >tree.before
	db_schema "$DB" >schema.before
	local cache_was from id
	cache_was=$(untouched cache) id=$(container_of app) from=$(date +%s%N)
	writer_start
	killed_at 'done step=migrate' update --version 2.1.0
	slipway -C "$ROOT" undo -y
	[ "$(container_of app)" = "$id" ]
	found_as app | diff before -
	SLIPWAY_UPDATE__HEALTH__TIMEOUT=3 run -111 --separate-stderr update --version 2.2.0
	[[ "$stderr" == *'everything is as before'* ]] || { echo "$stderr"; return 1; }
	found_as app | diff before -
	killed_at 'done step=start' update --version 2.1.0
	slipway -C "$ROOT" undo -y --allow set-aside
	sleep 0.2
	writer_stop
	found_as app | diff before -
	answers_within 5 /version 2.0.0
	[ -z "$(rows_missing "$from" "$(date +%s%N)" "$DB" "$DB".set-aside-*[!lm])" ]
	tree_state "$ROOT" .slipway | diff tree.before -
	db_schema "$DB" | diff schema.before -
	[ "$(untouched cache)" = "$cache_was" ]
	[ "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = 2 ]
}

@test "live: test and prod, made by docker-compose 1.29 in folders of one name, are adopted without touching each other" { side_by_side v1; }
@test "live: test and prod, made by Compose v2 in folders of one name, are adopted without touching each other" { side_by_side v2; }
@test "live: what docker-compose 1.29 made comes back as it was after a failed first update" { comes_back v1; }
@test "live: what Compose v2 made comes back as it was after a failed first update" { comes_back v2; }

# plans TEXT - the plan holds it. refuses TEXT - no plan, but this on stderr
plans() {
	run -0 --separate-stderr update -n --version 2.1.0
	[[ "$output" == *"$1"* ]] || { echo "$output"; return 1; }
}
refuses() {
	run -100 --separate-stderr update --version 2.1.0
	[[ "$stderr" == *"$1"* ]] || { echo "$stderr"; return 1; }
}
all_containers() { docker ps -a --no-trunc --format '{{.ID}} {{.Names}}' | grep "$NAME"; docker inspect -f '{{.State.StartedAt}}' $(docker ps -aq --filter "name=$NAME"); }

@test "live: the project is that of the containers, whatever somebody called it; two are one too many" {
	GEN=v1
	releases
	server prod
	PROJECT=(-p "$NAME-x")
	NOTES=${NAME}-x_notes
	started_by_hand app cache
	plans "app of project $NAME-x are stopped"
	# The application's container is gone, and what stands beside it still tells.
	docker rm -f "$CONTAINER" >/dev/null
	plans "app of project $NAME-x are stopped"
	GEN=v2 PROJECT=()
	echo "COMPOSE_PROJECT_NAME=$NAME-y" >>"$ROOT/.env"
	started_by_hand app
	plans "app of project $NAME-y are stopped"
	docker rm -f "$CONTAINER" >/dev/null
	docker rm -f "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME-x")" >/dev/null
	plans "app of project $NAME-y are stopped" # said in .env
	PROJECT=(-p "$NAME-x")
	(cd "$ROOT" && by_hand "${PROJECT[@]}" up -d app && CONTAINER=$NAME-second APP_PORT=$(free_port) by_hand -p "$NAME-y" up -d app)
	all_containers >before
	refuses "the containers of this directory belong to more than one project: '$NAME-x' '$NAME-y'"
	[[ "$stderr" == *'hint: docker_compose.project names'* ]]
	all_containers | diff before -
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME-x plans "app of project $NAME-x are stopped"
}

@test "live: what another directory's containers have is refused before anything is touched" {
	GEN=v1
	releases
	server test
	local test_root=$ROOT test_port=$PORT
	started_by_hand app
	server prod
	all_containers >before
	# One project, one service: it was made in the other folder.
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME refuses "project '$NAME' belongs to the server in '$test_root'"
	# In a project of its own it would not get the name.
	refuses "the container name '$CONTAINER' of service 'app' is taken by a container of project '$NAME', made in '$test_root'"
	all_containers | diff before -
	docker rm -f "$CONTAINER" >/dev/null
	# Nobody's folder, as that of an older tool, but the data of this directory.
	mkdir elsewhere
	printf 'services: {app: {image: "%s", volumes: ["%s:/data"], restart: always}}\n' "$NAME-hand" "$ROOT/data" >elsewhere/compose.yaml
	(cd elsewhere && by_hand -p "$NAME-x" up -d)
	all_containers >before
	refuses "service 'app' of project '$NAME-x', made in '$PWD/elsewhere', uses '$ROOT/data' of this directory"
	all_containers | diff before -
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME-x plans "app of project $NAME-x are stopped"
}

@test "live: a volume that was left by containers that are gone is not replaced by an empty one" {
	GEN=v2 TOP="name: $NAME-x" NOTES=$NAME-x_notes
	releases
	server prod
	started_by_hand app
	plans "app of project $NAME-x are stopped"
	(cd "$ROOT" && by_hand down)
	refuses "/data of service 'app' would be '$NAME-prod_notes', which is new and empty; '$NAME-x_notes' is there"
	SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME-x plans "app of project $NAME-x are stopped"
}

@test "live: a directory without config/.version says what is missing; a volume of its own name and a stopped container are adopted" {
	GEN=v2 VOLUMES="{notes: {name: $NAME-outside, external: true}}" NOTES=$NAME-outside
	docker volume create "$NAME-outside" >/dev/null
	releases
	server prod
	rm "$ROOT/config/.version"
	started_by_hand app
	curl -sS -d precious "http://127.0.0.1:$PORT/rows"
	docker stop "$CONTAINER" >/dev/null
	refuses 'there and differ'
	[[ "$stderr" == *'write its version to config/.version'* ]]
	printf 'version: "2.0.0"\n' >"$ROOT/config/.version"
	update --version 2.1.0
	[ "$(answer /version)" = 2.1.0 ]
	[ "$(answer /rows)" = precious ]
}

@test "live: a server that the old tool kept is brought up to date with the configuration that it has" {
	local full=$SLIPWAY_TOP/test/fixtures/config/full.yaml config=tools/deployment/config.yaml
	GEN=v1 NOTES=none PROJECT=(-p "$NAME" --env-file ../.env -f docker-compose.yml -f docker-compose.prod.yml)
	unset GITHUB_TOKEN GITLAB_TOKEN SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR
	export SLIPWAY_SERVER_UPDATE__REPOSITORY__URL=$REPO SLIPWAY_DATABASE__URL=sqlite:///data/app.db
	release 2.0.0 --from v1.0.0 --branch old --run "git rm -q config/slipway.yaml; mkdir -p tools/deployment; cp '$full' $config"
	release 5.2.0 --run "git rm -q config/slipway.yaml; mkdir -p tools/deployment; cp '$full' $config; echo '# next' >>$config"
	server prod
	DB=$ROOT/data/app.db
	(cd "$ROOT/docker" && by_hand "${PROJECT[@]}" up -d --build app)
	answers_within 10 /health ok
	curl -sS -d precious "http://127.0.0.1:$PORT/rows"
	update 2>err || { cat err; return 1; }
	! grep unknown err
	for key in server_update.settings.non_critical_paths deploy_settings.temp_directory; do
		[ "$(grep -c "note: $key has no meaning here" err)" = 1 ]
	done
	[ "$(answer /version) $(answer /rows)" = '5.2.0 precious' ]
	[ "$(container_of app | wc -l) $(docker ps -aq --filter "label=com.docker.compose.project=$NAME" | wc -l)" = '1 1' ]
	cmp "$ROOT/$config" <(git -C "$REPO" show "v5.2.0:$config")
	ls "$ROOT"/backups/*.sqlite.zst
	[ ! -e "$ROOT/E:" ]
}
