# step.sh - sourced by workflows and steps: messages, configuration, the values of a run, its containers
# shellcheck shell=sh
# It expects SLIPWAY_LIB, SLIPWAY_ROOT and, in a step, SLIPWAY_RUN (absolute); it moves to the server root.

umask 022 # what others must not see lies in .slipway
prog=${0##*/}
root=${SLIPWAY_ROOT-}
run=${SLIPWAY_RUN-}

# A message may fail (the terminal is closed): that never ends a workflow.
say() { printf '%s\n' "$*" >&2 2>/dev/null || :; }

die() { # STATUS TEXT [HINT]
	say "$prog: $2"
	[ $# -lt 3 ] || say "$prog: hint: $3"
	exit "$1"
}

# One value of a run is one file, written durably once the run has begun; get of one that is not there prints nothing.
# It reads without a process of its own, since every step asks for many.
paper=
put() {
	if [ -n "$paper" ]; then printf '%s' "$2" >"$run/vars/$1" || die 111 "the run cannot be recorded; nothing was changed"
	else printf '%s' "$2" | put-file "$run/vars/$1"; fi
}
get() {
	[ -e "$run/vars/$1" ] || return 0
	while IFS= read -r get_line || [ -n "$get_line" ]; do printf '%s\n' "$get_line"; done <"$run/vars/$1"
}

# Room in the folder of the run that its undo gives free before it begins, since the disk may be full by then:
# blocks, and inodes. Not every file system can promise blocks without writing them.
reserve() { # NAME BYTES
	mkdir -p "$run/reserve/$1"
	(cd "$run/reserve/$1" && touch 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
	fallocate -l "$2" "$run/reserve/$1/room" 2>/dev/null || head -c "$2" /dev/zero >"$run/reserve/$1/room" ||
		die 111 "no room for an undo: $2 bytes in '$run'"
}

# Hundredths of a second that no change of the clock moves, and the start of the machine that they count from.
ticks() { read -r ticks_ _ </proc/uptime && printf '%s\n' "${ticks_%.*}${ticks_#*.}"; }
boot() { cat /proc/sys/kernel/random/boot_id; }

config_path() {
	for c in ${SLIPWAY_CONFIG:+"$SLIPWAY_CONFIG"} config/slipway.yaml tools/deployment/config.yaml; do
		[ ! -f "$root/$c" ] || { printf '%s\n' "$c"; return 0; }
	done
	die 100 "no configuration in '$root'"
}

# cfg PATH [DEFAULT]: a value of this run's configuration, of the environment's when one is chosen. Absent: empty.
cfg() {
	cfg_rc=0
	cfg-get ${env:+-e "$env"} -E "$root/.env" -f "${config:?}" -d "${2-}" "$1" || cfg_rc=$?
	[ "$cfg_rc" -le 1 ] || exit "$cfg_rc"
}

# What the environment says over the configuration is the run's too, so that another shell can finish it. No secret
# stands under these keys; a value that the later shell has wins.
keep_overrides() {
	mkdir -m 700 "$run/overrides"
	awk 'BEGIN { for (k in ENVIRON) if (k ~ /^SLIPWAY_(ENVIRONMENTS__(TEST|PROD)__)?(UPDATE|SERVER_UPDATE__SETTINGS|DOCKER_COMPOSE|MIGRATION_SETTINGS|DEPLOY_SETTINGS)__[A-Z0-9_]+$/) print k }' >"$run/overrides.names"
	while IFS= read -r name_; do
		NAME=$name_ awk 'BEGIN { printf "%s", ENVIRON[ENVIRON["NAME"]] }' | put-file -m 600 "$run/overrides/$name_"
	done <"$run/overrides.names"
}
load_overrides() {
	for f_ in "$run"/overrides/SLIPWAY_*; do
		[ -f "$f_" ] || continue
		! env | grep -q "^${f_##*/}=" || continue
		export "${f_##*/}=$(cat "$f_")"
	done
}

newest_generation() { # its number; empty before the first update
	find "$root/.slipway/generations" -name '*.json' 2>/dev/null | sed 's|.*/||; s|\.json$||' | sort -n | tail -n 1
}

# A name for image, project and folders: lower case, only what Docker allows in all of them.
plain_name() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]' | tr -c '[:lower:][:digit:]' '-' | sed 's/^-*//; s/-*$//; s/--*/-/g'; }

app_name() {
	app_name_=$(cfg update.name)
	if [ -z "$app_name_" ]; then
		app_name_=$(cfg server_update.repository.url)
		app_name_=${app_name_%/} app_name_=${app_name_%.git} app_name_=${app_name_%/} app_name_=${app_name_##*/}
	fi
	app_name_=$(plain_name "$app_name_")
	printf '%s\n' "${app_name_:-app}"
}

database_url() { # empty when none is configured; a run keeps the one that it began with, which holds no secret
	if [ -n "$run" ] && [ -e "$run/vars/database_url" ]; then get database_url
	elif [ -n "${SLIPWAY_DATABASE_URL-}" ]; then printf '%s\n' "$SLIPWAY_DATABASE_URL"; else cfg database.url; fi
}

# ---- containers: always by label and id, never by a part of a name ----

default_service() { case $1 in test) echo app-test ;; *) echo app ;; esac; }

# The containers of one service of this server's own project, ids one a line; with a LABEL=VALUE those that have it.
# An engine that does not answer is no empty list: call it in an assignment, where its status counts.
containers() { # SERVICE [LABEL=VALUE]
	docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" ${2:+--filter "label=$2"} \
		--filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False ||
		die 111 'the Docker engine does not list its containers'
}

inspect() { docker inspect --type container -f "$2" "$1"; } # ID TEMPLATE

# Whether anything may have written to the database since the restore point: the new release, an application that
# slipway does not stop, or a container that somebody started by hand.
may_have_written() { [ -n "$(get new_ran)" ] || [ "$(get engine)" = none ] || revived; }
revived() {
	[ -e "$run/vars/old" ] || return 1
	engine_answers wait
	for service in $services; do
		ids=$(containers "$service") || exit
		for c in $ids; do
			made_by=$(inspect "$c" '{{index .Config.Labels "io.slipway.run"}}') || die 111 "container $c cannot be looked at"
			[ "$made_by" != "$id" ] || continue
			seen=$(inspect "$c" '{{.Id}}	{{.State.StartedAt}}') || die 111 "container $c cannot be looked at"
			get old | cut -f 2,7 | grep -qxF "$seen" || return 0
		done
	done
	return 1
}

# A deadline that leaves the command in our process group, where signals reach it: GNU's timeout wants to be told, and
# busybox's knows no other way.
limited() { # SECONDS COMMAND...
	if timeout --foreground 1 true 2>/dev/null; then timeout --foreground "$@"; else timeout "$@"; fi
}

engine_answers() { # [wait]: what takes something back gives an engine that restarts its time
	engine_until=
	until engine_reply=$(timeout -k 1 20 docker version -f '{{.Server.Version}}' 2>&1); do
		engine_wait=0
		[ "${1-}" != wait ] || engine_wait=$(cfg deploy_settings.timeouts.engine 60)
		engine_until=${engine_until:-$(($(ticks) + ${engine_wait%.*} * 100))}
		[ "$(ticks)" -lt "$engine_until" ] ||
			die 111 "the Docker engine does not answer: $(printf '%s' "$engine_reply" | tail -n 1)" \
				"start it, or set update.engine: none for a server without containers"
		sleep 0.5
	done
}

# What a step needs to know of its run.
step_open() {
	cd "$root" || exit 111
	load_overrides
	env=$(get env) config=$run/config.yaml
	id=${run##*/}
	version=$(get version) commit=$(get commit) app=$(get app) project=$(get project) services=$(get services)
	export SLIPWAY_PROJECT="$project" SLIPWAY_ENV="$env"
}

# A step's script ends with: step_main "$@". What is not defined has nothing to do.
step_main() {
	step_open
	case ${1-} in
	do) step_do ;;
	undo) ! command -v step_undo >/dev/null || step_undo ;;
	check) ! command -v step_check >/dev/null || step_check ;;
	*) say "usage: $prog do|undo|check"; exit 100 ;;
	esac
}
