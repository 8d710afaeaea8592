# live.bash - for tests with a real server directory: the sample's repository, Docker, a writing client, oracles.
# `load ../lib/live` instead of common; it brings common along, and setup and teardown of its own. A file with a
# setup of its own calls live_setup there, and live_cleanup in its teardown.
#
# What it sets: NAME (unique; update.name and Compose project), REPO (bare git repository of this test), and after
# server_new: ROOT, ENV, PORT, SERVICE, DB (the database file).
#
# With LIVE_DATABASE=postgres in the environment the sample keeps its notes in PostgreSQL, in a container of its own.
# test/run postgres/live/x.bats runs the tests of live/x.bats that have the tag postgres so.
load ../lib/common

SLIPWAY_BUILD=${SLIPWAY_BUILD:-${SLIPWAY_BIN%/bin}}
SAMPLE_APP=$SLIPWAY_BUILD/test/app
WRITER=$SLIPWAY_BUILD/test/writer

setup() { live_setup; }
teardown() { live_cleanup; }

live_setup() {
	mkdir -p "$BATS_TEST_TMPDIR/here" && cd "$BATS_TEST_TMPDIR/here" || return 1
	NAME=s$BASHPID-$RANDOM
	export SLIPWAY_UPDATE__NAME=$NAME SLIPWAY_DOCKER_COMPOSE__PROJECT=$NAME
	export SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR=$PWD/backups
	unset APP_PORT REPO_URL REPO_TOKEN COMPOSE_FILE COMPOSE_PROJECT_NAME
	exec 8>>"${TMPDIR:-/tmp}/slipway-live.lock" && flock -s 8 # while it is held, test/run leaves the build cache alone
	: >started.pids
	: >reserved.ports
	fixture_repo
}

# Removes what this test made, and nothing else. What still runs of it is ended first.
live_cleanup() {
	local pid port ids
	while read -r pid; do
		# On a busy machine its number may be another's by now.
		case $(readlink "/proc/$pid/cwd" 2>/dev/null) in "$BATS_TEST_TMPDIR"/*) ;; *) continue ;; esac
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done <"$BATS_TEST_TMPDIR/here/started.pids"
	while read -r port; do rm -rf "$(port_lock "$port")"; done <"$BATS_TEST_TMPDIR/here/reserved.ports"
	docker_answers || return 0
	for label in "com.docker.compose.project=$NAME" "io.slipway.app=$NAME"; do
		ids=$(docker ps -aq --filter "label=$label")
		[ -z "$ids" ] || docker rm -f $ids >/dev/null
	done
	ids=$(docker network ls -q --filter "label=com.docker.compose.project=$NAME")
	[ -z "$ids" ] || docker network rm $ids >/dev/null
	ids=$(docker volume ls -q --filter "label=com.docker.compose.project=$NAME")
	[ -z "$ids" ] || docker volume rm $ids >/dev/null
	# --no-prune: the layers below are the build cache of tests that run beside this one. A parent goes only after
	# its children, so it takes more than one round.
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		ids=$(docker image ls -aq --filter "label=io.slipway.app=$NAME"
			docker image ls -q "$NAME*"; docker image ls -q "$NAME*/*")
		[ -n "$ids" ] || break
		awk '!seen[$0]++' <<<"$ids" | xargs docker image rm -f --no-prune >/dev/null 2>&1 || :
	done
}

docker_answers() { docker version >/dev/null 2>&1; }
need_docker() {
	docker_answers || skip 'no Docker engine answers'
	case ${SLIPWAY_COMPOSE:-v1} in
	v1) compose_generation v1 && buildkit off ;;
	v2) compose_generation v2 && buildkit on ;;
	esac
}

# ---- generations: need_docker chooses by $SLIPWAY_COMPOSE (v1 with the classic builder, v2 with BuildKit) ----

# The plugins of this test alone: docker finds them below DOCKER_CONFIG, whatever this machine has.
plugin() { # on|off NAME
	local folder
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker-config
	mkdir -p "$DOCKER_CONFIG/cli-plugins"
	rm -f "$DOCKER_CONFIG/cli-plugins/$2"
	[ "$1" = on ] || return 0
	folder=$("$SLIPWAY_TOP/test/plugins" -n) || { echo "the plugin $2 is not there: scripts/setup -t"; return 1; }
	ln -s "$folder/cli-plugins/$2" "$DOCKER_CONFIG/cli-plugins/$2"
}

# compose_generation v1|v2 - what is found from here on: docker-compose 1.29 and no plugin, or the plugin v2 and, as
# on a server that had v1 before, docker-compose too
compose_generation() {
	COMPOSE_GENERATION=$1
	PATH=${PATH#"$BATS_TEST_TMPDIR/no-plugin:"}
	case $1 in
	v1)
		plugin off docker-compose
		command -v docker-compose >/dev/null || { echo 'docker-compose 1.29 is not there: scripts/setup -t'; return 1; }
		docker compose version >/dev/null 2>&1 || return 0
		# A plugin in a folder of the system cannot be hidden by DOCKER_CONFIG.
		mkdir -p "$BATS_TEST_TMPDIR/no-plugin"
		printf '#!/bin/sh\n[ "$1" != compose ] || exit 1\nexec %q "$@"\n' "$(command -v docker)" >"$BATS_TEST_TMPDIR/no-plugin/docker"
		chmod +x "$BATS_TEST_TMPDIR/no-plugin/docker"
		PATH=$BATS_TEST_TMPDIR/no-plugin:$PATH ;;
	v2) plugin on docker-compose ;;
	esac
}

# buildkit on|off - whether docker build is BuildKit, the engine's own by way of the plugin buildx, or the classic builder
buildkit() {
	plugin "$1" docker-buildx || return 1
	export DOCKER_BUILDKIT=0
	[ "$1" = off ] || case $(docker version -f '{{.Client.Version}}') in
	1?.* | 20.*) DOCKER_BUILDKIT=1 ;; # not the default there
	*) unset DOCKER_BUILDKIT ;;
	esac
}

# Whether a container was made by the generation that was asked for.
made_by_generation() { # CONTAINER
	[ -z "${COMPOSE_GENERATION-}" ] ||
		[[ "$(docker inspect -f '{{index .Config.Labels "com.docker.compose.version"}}' "$1")" == "${COMPOSE_GENERATION#v}".* ]] ||
		{ echo "not made by Compose $COMPOSE_GENERATION"; return 1; }
}

# ---- ports ----

port_lock() { printf '%s\n' "${TMPDIR:-/tmp}/slipway-port-$1"; }

# Prints a port of loopback that is free and stays this test's own until its end.
free_port() {
	local port lock owner
	while :; do
		port=$((20000 + RANDOM % 12000)) lock=$(port_lock "$port")
		if ! mkdir "$lock" 2>/dev/null; then
			owner=$(cat "$lock/owner" 2>/dev/null) # a killed test leaves its lock behind
			[ -z "$owner" ] || kill -0 "$owner" 2>/dev/null || rm -rf "$lock"
			continue
		fi
		echo $$ >"$lock/owner"
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port" | tee -a "$BATS_TEST_TMPDIR/here/reserved.ports"
			return
		fi
		rm -rf "$lock"
	done
}

# ---- the repository ----

# Sets REPO to this test's own copy of the sample's repository, which is made once a machine.
fixture_repo() {
	local made=$SLIPWAY_BUILD/fixture${LIVE_DATABASE:+-$LIVE_DATABASE}
	mkdir -p "$made"
	(
		flock 9
		if [ ! -e "$made/stamp" ] || [ "$SAMPLE_APP" -nt "$made/stamp" ] ||
			[ -n "$(find "$SLIPWAY_TOP"/test/fixtures/{app,postgres} -newer "$made/stamp" -type f -print -quit)" ]; then
			rm -rf "$made/sample.git" "$made/stamp"
			"$SLIPWAY_TOP/test/fixtures/app/make-repo" ${LIVE_DATABASE:+-d "$LIVE_DATABASE"} "$made/sample.git" "$SAMPLE_APP" &&
				fixture_images && touch "$made/stamp"
		fi
		fixture_images_there || fixture_images
	) 9>"$made/lock" || return 1
	REPO=$PWD/sample.git
	git clone -q --bare --no-local "$made/sample.git" "$REPO"
}

# release VERSION [--from REF] [--branch NAME] [--fault NAME] [--migration SQL] [--file PATH TEXT]
#         [--remove PATH] [--run COMMAND] [--no-tag]
# A further release in REPO: one commit on top of BRANCH (default main; made from REF when it is new), tagged
# vVERSION. --run is run in the tree before the commit, for what the other options cannot say.
release() {
	local version=${1#v} branch=main from='' tag=v${1#v} work=$PWD/work.$RANDOM n=0
	shift
	git clone -q "$REPO" "$work"
	pushd "$work" >/dev/null || return 1
	local args=("$@") i
	for ((i = 0; i < ${#args[@]}; i++)); do
		case ${args[i]} in
		--branch) branch=${args[i + 1]} ;;
		--from) from=${args[i + 1]} ;;
		esac
	done
	if [ -n "$from" ]; then git checkout -q -B "$branch" "$from"; else git checkout -q "$branch"; fi || return 1
	sed -i "s/^version=.*/version=$version/" app.conf
	printf 'Notes %s\n' "$version" >app/main.txt
	while [ $# -gt 0 ]; do
		case $1 in
		--branch | --from) shift ;;
		--fault) sed -i "s/^fault=.*/fault=$2/" app.conf; shift ;;
		--migration)
			n=$((n + 1))
			mkdir -p "migrations/v$version"
			printf '%s\n' "$2" >"migrations/v$version/00$n.sql"; shift ;;
		--file) mkdir -p "$(dirname "$2")"; printf '%s\n' "$3" >"$2"; shift 2 ;;
		--remove) git rm -rqf "$2"; shift ;;
		--run) bash -c "$2" || return 1; shift ;;
		--no-tag) tag='' ;;
		*) echo "release: '$1'?" >&2; return 1 ;;
		esac
		shift
	done
	git add -A -f .
	git commit -q -m "Release $version"
	[ -z "$tag" ] || git tag "$tag"
	git push -q origin "HEAD:refs/heads/$branch" ${tag:+"refs/tags/$tag"}
	popd >/dev/null || return 1
	rm -rf "$work"
}

# ---- the server ----

# server_new ENV [VERSION] - a server directory before its first update: configuration as VERSION (1.0.0) brings
# it, .env, and local files that no update may touch. Sets ROOT, ENV, PORT, SERVICE, DB.
server_new() {
	ENV=$1 ROOT=$PWD/server PORT=$(free_port)
	SERVICE=app
	[ "$ENV" = prod ] || SERVICE=app-test
	mkdir -p "$ROOT/config/tenant/tenant_1" "$ROOT/docker" "$ROOT/data"
	git -C "$REPO" show "v${2:-1.0.0}:config/slipway.yaml" >"$ROOT/config/slipway.yaml"
	printf 'APP_PORT=%s\nREPO_URL=%s\n' "$PORT" "$REPO" >"$ROOT/.env"
	chmod 600 "$ROOT/.env"
	db_new
	printf 'global: {local: true}\n' >"$ROOT/config/settings.yaml"
	chmod 640 "$ROOT/config/settings.yaml"
	printf 'name: one\n' >"$ROOT/config/tenant/tenant_1/bot config.yaml"
	chown 1234:1235 "$ROOT/config/tenant/tenant_1/bot config.yaml"
	printf 'shared_buffers = 4GB\n' >"$ROOT/docker/postgresql.prod.conf"
	printf 'a note of the administrator\n' >"$ROOT/local notes.txt"
	find "$ROOT" -type f -exec touch -d '2024-05-06 07:08:09.123456789 UTC' {} +
}

# server_install VERSION - brings the server of server_new to VERSION; a short soak, since this is only the way there
server_install() {
	SLIPWAY_UPDATE__HEALTH__SOAK=1 SLIPWAY_UPDATE__HEALTH__TIMEOUT=60 \
		slipway -C "$ROOT" update -e "$ENV" -y --version "${1#v}" >install.out 2>&1 ||
		{ cat install.out; return 1; }
	assert_server_is "$1" && made_by_generation "$(container_of "$SERVICE")" && db_mark &&
		beside_state >"$BATS_TEST_TMPDIR/here/beside"
}

# update [OPTION]... - slipway update of this server, unattended
update() { slipway -C "$ROOT" update -e "$ENV" -y "$@"; }

container_of() { # SERVICE: the id of its container, running or not
	docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$NAME" \
		--filter "label=com.docker.compose.service=$1"
}
image_of() { docker inspect -f '{{.Image}}' "$(container_of "$1")"; } # SERVICE
answer() { curl -sS --max-time 5 --noproxy '*' "http://127.0.0.1:$PORT$1"; } # PATH

# answers_within SECONDS PATH WANTED - waits until the answer is WANTED
answers_within() {
	local end=$((SECONDS + $1))
	until [ "$(answer "$2" 2>/dev/null)" = "$3" ]; do
		[ "$SECONDS" -lt "$end" ] || { echo "no '$3' at $2 within $1 s: $(answer "$2" 2>&1)"; return 1; }
		sleep 0.1
	done
}

# ---- the database; live-postgres.bash says the same of the other kind ----

fixture_images() { :; } # makes those that the repository's Dockerfile and compose file ask for
fixture_images_there() { :; }
db_new() { DB=$ROOT/data/app.db; } # what a server directory has of it before the first update
db_begin() { sqlite3 "$DB" 'CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)'; } # one that was there before
db_sql() { sqlite3 "$1" "$2"; } # DATABASE SQL
db_there() { [ -e "$1" ]; }
asides() { find "${DB%/*}" -path "$DB.set-aside-*" ! -name '*-wal' ! -name '*-shm'; } # where an undo put the rows
db_leftovers() { :; } # databases that nobody should find
# db_dump DATABASE: the whole database as SQL. db_schema DATABASE: its schema and, when it is there, the ledger's rows.
db_dump() { sqlite3 "$1" .dump; }
db_schema() {
	sqlite3 "$1" 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2'
	sqlite3 "$1" 'SELECT * FROM slipway_ledger ORDER BY 1' 2>/dev/null || :
}
db_is_schema() { # VERSION
	case $1 in
	1.0.*) [ -z "$(sqlite3 "$DB" "SELECT 1 FROM sqlite_schema WHERE name = 'tag'")" ] ;;
	*) sqlite3 "$DB" 'SELECT made FROM note LIMIT 1; SELECT name FROM tag LIMIT 1' >/dev/null ;;
	esac
}
DB_CONTAINERS=1       # of the whole project
db_drop_asides() { rm -f "$DB".set-aside-*; }
db_mark() { :; }      # gives the database what only a whole restore brings back
beside_state() { :; } # containers that no update may touch
[ "${LIVE_DATABASE-}" != postgres ] || load ../lib/live-postgres

# ---- oracles: none of them asks slipway ----

# tree_state DIR [NAME]... - every path below DIR with kind, mode, owner, link target, and of files mtime and
# sha256; without the top-level NAMEs
tree_state() {
	local dir=$1 prune=()
	shift
	for name; do prune+=(-path "./$name" -prune -o); done
	(
		cd -P "$dir" || exit 1
		find -P . "${prune[@]}" \( -type f -printf '%P\t%y %m %U:%G %T@\n' -o -printf '%P\t%y %m %U:%G %l\n' \) | sort
		find -P . "${prune[@]}" -type f -exec sha256sum {} + | sort -k 2
	)
}

# remember - notes what the server is; assert_as_before compares. Rows of the application may come between.
server_state() {
	echo "answer $(answer /version) $(answer /health)"
	echo "image $(image_of "$SERVICE")"
	echo "policy $(docker inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.State.Running}}' "$(container_of "$SERVICE")")"
	tree_state "$ROOT" .slipway data
	db_schema "$DB"
	beside_state
}
remember() { server_state >"$BATS_TEST_TMPDIR/here/remembered"; }
assert_as_before() { server_state | diff "$BATS_TEST_TMPDIR/here/remembered" - >&2; }

# assert_server_is VERSION - the answer, config/.version, the image's label, each delivered file as in the tag,
# nothing left of files that only other tags have, and the schema of that release
assert_server_is() {
	local version=${1#v} tag=v${1#v} path mode hash extra
	answers_within 10 /version "$version" || return 1
	[ "$(answer /health)" = ok ] || { echo "health: $(answer /health)"; return 1; }
	grep -qx "version: \"$version\"" "$ROOT/config/.version" || { cat "$ROOT/config/.version"; return 1; }
	extra=$(docker inspect -f '{{index .Config.Labels "org.opencontainers.image.version"}}' "$(image_of "$SERVICE")")
	[ "$extra" = "$version" ] || { echo "label of the image: $extra"; return 1; }
	while IFS=$'\t' read -r -d '' hash path; do
		mode=${hash%% *} hash=${hash##* }
		delivered "$path" || continue
		case $mode in
		120000) [ "$(readlink -n "$ROOT/$path" | git hash-object --stdin)" = "$hash" ] ;;
		*) [ "$(git hash-object "$ROOT/$path")" = "$hash" ] && [ ! -L "$ROOT/$path" ] &&
			if [ "$mode" = 100755 ]; then [ -x "$ROOT/$path" ]; else [ ! -x "$ROOT/$path" ]; fi ;;
		esac || { echo "not as in $tag: $path"; return 1; }
	done < <(git -C "$REPO" ls-tree -r -z "$tag")
	extra=$(git -C "$REPO" log --format= --name-only -z --no-renames --diff-filter=A --tags | sort -zu |
		while IFS= read -r -d '' path; do
			if delivered "$path" && [ -e "$ROOT/$path" ] && ! git -C "$REPO" cat-file -e "$tag:$path" 2>/dev/null; then
				echo "$path"
			fi
		done)
	[ -z "$extra" ] || { echo "not in $tag, but still here: $extra"; return 1; }
	db_is_schema "$version" || { echo "not the schema of $version"; return 1; }
	extra=$(db_leftovers)
	[ -z "$extra" ] || { echo "left over: $extra"; return 1; }
	[ ! -e "$BATS_TEST_TMPDIR/here/beside" ] || beside_state | diff "$BATS_TEST_TMPDIR/here/beside" - >&2
}

# delivered PATH - whether the sample's presets let it through; said again here, so that they are tested
delivered() {
	case $1 in
	config/settings.yaml | config/tenant/* | config/.version | docker/postgresql.*.conf | docker/pg_hba.*.conf) return 1 ;;
	*.pyc | tests/* | docs/* | CHANGELOG.md) return 1 ;;
	esac
}

# ---- the writing client ----

# writer_start [RATE] - rows at RATE (50) a second until writer_stop; what was acknowledged goes to ./acked
writer_start() {
	"$WRITER" -r "${1:-50}" -o acked "http://127.0.0.1:$PORT/rows" >writer.counts 3>&- &
	WRITER_PID=$!
	echo "$WRITER_PID" >>"$BATS_TEST_TMPDIR/here/started.pids"
}

# writer_stop - sets ACKED and FAILED
# shellcheck disable=SC2034 # for the test
writer_stop() {
	kill -TERM "$WRITER_PID"
	wait "$WRITER_PID" || return 1
	read -r ACKED FAILED <writer.counts
	[ "$(wc -l <acked)" = "$ACKED" ]
}

# acked_between FROM TO - how many rows were acknowledged between two times in nanoseconds (date +%s%N)
acked_between() { awk -F '\t' -v a="$1" -v b="$2" '$1 >= a && $1 < b' acked | wc -l; }

# rows_missing FROM TO DATABASE... - the rows acknowledged between two times that none of the databases has
rows_missing() {
	local from=$1 to=$2
	shift 2
	for db; do ! db_there "$db" || db_sql "$db" 'SELECT body FROM note'; done | sort -u >rows.there
	awk -F '\t' -v a="$from" -v b="$to" '$1 >= a && $1 < b { print $2 }' acked | sort | comm -23 - rows.there
}

# ---- what an update does in the meantime ----

# A build that takes a while, so that the client writes enough between backup and stop.
slow_build() {
	mkdir -p slow
	printf '#!/bin/sh\n[ "$1" != build ] || sleep 3\nexec %s "$@"\n' "$(command -v docker)" >slow/docker
	chmod +x slow/docker
	local tool
	for tool in "$SLIPWAY_BIN"/*; do ln -sf "$tool" slow/; done
}

# watch_stops CONTAINER - from now on stop_time is the time at which the engine was first told to stop it, in
# nanoseconds. The events are read as they come: the engine remembers only the last 256 of the whole machine.
watch_stops() {
	docker events --filter "container=$1" --filter event=kill --format '{{.TimeNano}}' >stops 3>&- &
	echo "$!" >>"$BATS_TEST_TMPDIR/here/started.pids"
	sleep 0.5
}
stop_time() { head -n 1 stops | grep .; }
