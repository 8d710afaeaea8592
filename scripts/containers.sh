# containers.sh - sourced by plan.sh: which containers are this server's, and which compose files made them
# shellcheck shell=sh

here_=$(cd -P -- "$root" && pwd)

# The server directory that a folder belongs to: the nearest one above it with a record or a configuration of ours.
owner_of() { # FOLDER; prints nothing when there is none
	[ ! -d "$1" ] || set -- "$(cd -P -- "$1" && pwd)"
	until [ -d "$1/.slipway" ] || [ -f "$1/${SLIPWAY_CONFIG:-config/slipway.yaml}" ] || [ -f "$1/tools/deployment/config.yaml" ]; do
		case $1 in */?*) set -- "${1%/*}" ;; *) return 0 ;; esac
	done
	printf '%s\n' "$1"
}

# containers.all: id, project, service, owner or -, made by slipway or -, folder; of each container of Compose here
list_containers() {
	docker ps -a --no-trunc --filter label=com.docker.compose.oneoff=False --format \
		"{{.ID}}$tab{{.Label \"com.docker.compose.project\"}}$tab{{.Label \"com.docker.compose.service\"}}$tab-{{.Label \"io.slipway.run\"}}$tab{{.Label \"com.docker.compose.project.working_dir\"}}" \
		>"$run/containers.ps" || die 111 'the Docker engine does not list its containers'
	while IFS="$tab" read -r c its_project its_service its_run folder; do
		owner=$(owner_of "$folder")
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$c" "$its_project" "$its_service" "${owner:--}" "$its_run" "$folder"
	done <"$run/containers.ps" >"$run/containers.all"
}

is_service() { printf '%s\n' "$services" | tr ' ' '\n' | grep -qxF -- "$1"; }

# The projects of the containers made in this directory: those of the application, else those beside it.
found_projects() {
	ours=$(HERE="$here_" awk -F '\t' '$4 == ENVIRON["HERE"] { print $3 "\t" $2 }' "$run/containers.all" | sort -u)
	of_services=$(printf '%s\n' "$ours" | while IFS="$tab" read -r s p; do ! is_service "$s" || printf '%s\n' "$p"; done | sort -u)
	if [ -n "$of_services" ]; then printf '%s\n' "$of_services"; else printf '%s\n' "$ours" | cut -f 2 | sort -u; fi
}

# Said in the configuration; else of the containers; else of the update before; else as Compose would be told here.
decide_project() {
	given_project=$(cfg docker_compose.project)
	list_containers
	project=$given_project
	[ -n "$project" ] || project=$(found_projects)
	case $project in *?"
"*) die 100 "the containers of this directory belong to more than one project: $(printf '%s\n' "$project" | sed "s/.*/'&'/" | paste -sd ' ')" \
		'docker_compose.project names the one that runs the release' ;;
	esac
	[ -n "$project" ] || project=$(cat "$state/runs/$(last_generation .run)/vars/project" 2>/dev/null || :)
	# shellcheck disable=SC2016 # cfg-get expands it
	[ -n "$project" ] || project=$(unset COMPOSE_PROJECT_NAME; printf '%s\n' 'p: "${COMPOSE_PROJECT_NAME:-}"' | cfg-get -E "$root/.env" p || [ $? -eq 1 ])
	[ -n "$project" ] || project=$(plain_name "$app-$env")
	put project "$project"
}

# Containers of the project that another server's directory made, or that nobody said are ours, are not touched; and
# beside an application that uses this directory from another project none is started.
refuse_foreign() {
	while IFS="$tab" read -r c its_project its_service owner its_run folder; do
		[ "$owner" != "$here_" ] || continue
		is_service "$its_service" || continue
		if [ "$its_project" != "$project" ]; then
			[ -z "$given_project" ] || continue
			used=$(inspect "$c" '{{range .Mounts}}{{println .Source}}{{end}}' 2>/dev/null |
				ROOT="$root/" HERE="$here_/" awk 'index($0 "/", ENVIRON["ROOT"]) == 1 || index($0 "/", ENVIRON["HERE"]) == 1 { print; exit }')
			[ -z "$used" ] || die 100 "service '$its_service' of project '$its_project', made in '$folder', uses '$used' of this directory" \
				"docker_compose.project: $its_project says that it is this server's own; else it must go first"
			continue
		fi
		[ "$owner" = - ] || die 100 "project '$project' belongs to the server in '$owner'" \
			'give this one a docker_compose.project of its own'
		# io.slipway.app comes with the image, io.slipway.run from us alone.
		[ -n "$given_project" ] || [ "$its_run" != - ] ||
			die 100 "the containers of project '$project' were made in '$folder', not by this server" \
				"docker_compose.project: $project says that they are its own"
	done <"$run/containers.all"
}

# A name that Compose would not get is found before the stop.
refuse_taken_names() {
	jq -r '.services | to_entries[] | select(.value.container_name) | [.key, .value.container_name] | @tsv' "$run/compose.json" >"$run/names"
	while IFS="$tab" read -r service name; do
		is_service "$service" || continue
		holder=$(docker ps -aq --no-trunc --filter "name=^/$(printf '%s' "$name" | sed 's/\./\\./g')\$")
		[ -n "$holder" ] || continue
		ids=$(containers "$service")
		! printf '%s\n' "$ids" | grep -qxF -- "$holder" || continue
		whose=$(awk -F '\t' -v c="$holder" '$1 == c { print "project \047" $2 "\047, made in \047" $6 "\047" }' "$run/containers.all")
		die 100 "the container name '$name' of service '$service' is taken by a container of ${whose:-nobody that Compose knows}" \
			'give one of them another container_name, or none'
	done <"$run/names"
}

# ---- compose files ----

# What a release's compose files find around them: its own tree, and beside it what only this server has.
make_view() {
	cp -al "$run/stage" "$run/view"
	(cd "$run/stage" && find . -type d) >"$run/view.folders"
	while IFS= read -r folder; do
		for e in "$root/$folder"/* "$root/$folder"/.[!.]*; do
			at=$run/view/$folder/${e##*/}
			[ -e "$at" ] || [ -L "$at" ] || [ ! -e "$e" ] || ln -s "$e" "$at"
		done
	done <"$run/view.folders"
}

# The files that a compose file reaches by extends and include, as it writes them.
references() { # FILE
	services_=$(cfg-get -f "$1" services 2>/dev/null || :)
	printf '%s\n' "$services_" | while IFS= read -r s; do
		[ -z "$s" ] || cfg-get -E "$root/.env" -f "$1" "services.$(printf '%s' "$s" | sed 's/[\\.]/\\&/g').extends.file" 2>/dev/null || :
	done
	{ cfg-get -j -E "$root/.env" -f "$1" include 2>/dev/null || :; } |
		jq -r 'if type == "array" then .[] else empty end | if type == "object" then .path else . end | if type == "array" then .[] else . end'
}

# Keeps what those of the list reach below TREE, in STORED; `more` names it. Paths start from the project directory,
# in a file that was reached from its own folder.
store_reached() { # STORED TREE DIRECTORY, the last one in TREE
	: >"$1/more"
	while IFS= read -r f; do reached "$1" "$2" "$1/$f" "$3"; done <"$1/list"
}
reached() { # STORED TREE FILE FOLDER
	references "$3" | while IFS= read -r ref; do
		case $ref in /*) to=$ref ;; *) to=$2/$4/$ref ;; esac
		[ -f "$to" ] || continue
		to=$(cd -- "$(dirname -- "$to")" && pwd)/${to##*/}
		rel=${to#"$2/"}
		[ "$rel" != "$to" ] || continue
		! grep -qxF -- "$rel" "$1/more" || continue
		printf '%s\n' "$rel" >>"$1/more"
		mkdir -p "$1/$(dirname -- "$rel")"
		[ -e "$1/$rel" ] || cp -- "$to" "$1/$rel"
		(reached "$1" "$2" "$1/$rel" "$(dirname -- "$rel")")
	done
}

store_new() {
	mkdir -p "$run/compose/new"
	compose_files >"$run/compose/new/list"
	[ -s "$run/compose/new/list" ] || die 100 'neither the release nor this directory has a compose file' \
		'docker_compose.config_files names them'
	while IFS= read -r f; do
		mkdir -p "$run/compose/new/$(dirname -- "$f")"
		[ -f "$run/view/$f" ] || die 100 "compose file '$f' is neither in the release nor in this directory"
		cp "$run/view/$f" "$run/compose/new/$f"
	done <"$run/compose/new/list"
	store_reached "$run/compose/new" "$run/view" "$(dirname -- "$(head -n 1 "$run/compose/new/list")")"
}

# The files that made a container, as Compose wrote them down: absolute, or from where somebody stood.
made_from() { # CONTAINER; prints nothing when one of them is gone
	from=$(inspect "$1" '{{index .Config.Labels "com.docker.compose.project.working_dir"}}')
	names=$(inspect "$1" '{{index .Config.Labels "com.docker.compose.project.config_files"}}' | tr ',' '\n')
	[ -n "$names" ] || return 0
	[ -d "$from" ] || return 0
	first=$(printf '%s\n' "$names" | head -n 1)
	stood=$from
	case $first in
	/*) ;;
	*/*) case $from in */"${first%/*}") stood=${from%/"${first%/*}"} ;; esac ;;
	esac
	missing=$(printf '%s\n' "$names" | while IFS= read -r f; do
		case $f in /*) ;; *) f=$stood/$f ;; esac
		[ -f "$f" ] || echo x
	done)
	[ -z "$missing" ] || return 0
	printf '%s\n' "$names" | while IFS= read -r f; do
		case $f in */slipway-image.yml) ;; /*) printf '%s\n' "$f" ;; *) printf '%s\n' "$stood/$f" ;; esac
	done
}

# What undo makes an old container from, should it be gone: its own files, else those of the list that are here, else
# those of the release.
store_old() {
	old=$run/compose/old
	mkdir -p "$old"
	made_by=$(for s in $services; do containers "$s"; done)
	made_by=$(printf '%s\n' "$made_by" | head -n 1)
	from=
	[ -z "$made_by" ] || made_from "$made_by" >"$run/made.from"
	if [ -n "$made_by" ] && [ -s "$run/made.from" ]; then
		inspect "$made_by" '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' >"$old/directory"
	else
		while IFS= read -r f; do
			[ ! -f "$root/$f" ] || printf '%s\n' "$root/$f"
		done <"$run/compose/new/list" >"$run/made.from"
	fi
	while IFS= read -r f; do
		case $f in
		"$root"/.slipway/runs/*/compose/*/*) rel=${f#"$root"/.slipway/runs/*/compose/*/} ;;
		"$root"/*) rel=${f#"$root"/} ;;
		"$here_"/*) rel=${f#"$here_"/} ;;
		*) rel=outside$f ;;
		esac
		mkdir -p "$old/$(dirname -- "$rel")"
		cp -- "$f" "$old/$rel"
		printf '%s\n' "$rel"
	done <"$run/made.from" >"$old/list"
	if [ ! -s "$old/list" ]; then
		cp -R "$run/compose/new/." "$old"
		return
	fi
	if [ -e "$old/directory" ]; then in_=$(cat "$old/directory"); else in_=$root/$(dirname -- "$(head -n 1 "$old/list")"); fi
	case $in_ in
	"$root" | "$here_") store_reached "$old" "$root" . ;;
	"$root"/*) store_reached "$old" "$root" "${in_#"$root"/}" ;;
	"$here_"/*) store_reached "$old" "$root" "${in_#"$here_"/}" ;;
	*) : >"$old/more" ;;
	esac
}
