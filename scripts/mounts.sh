# mounts.sh - sourced by plan.sh: would the new containers see the data that the old ones see
# shellcheck shell=sh

# What Compose would mount: service TAB type TAB source TAB target. 1.29 writes strings, v2 mappings; a volume gets
# the name that the engine will know it by.
wanted_mounts() { # COMPOSE-JSON
	jq -r --arg project "$project" --arg staged "$run/view" --arg root "$root" '
		.volumes as $named
		| def volume: ($named[.] // {}) as $v
			| $v.name // (if ($v.external | type) == "object" then $v.external.name else null end)
			// (if $v.external == true then . else "\($project)_\(.)" end);
		.services | to_entries[] | .key as $service | (.value.volumes // [])[]
		| if type == "string" then split(":") | if length == 1 then {target: .[0]} else {source: .[0], target: .[1]} end
			else {source, target} end
		| select(.source)
		| if .source | startswith("/") then .type = "bind" | .source |= (if startswith($staged) then $root + .[($staged | length):] else . end)
			else .type = "volume" | .source |= volume end
		| [$service, .type, .source, .target] | @tsv' "$1"
}

# What the old containers mount, in the same form; a volume without a name of its own passes on by itself.
present_mounts() {
	for service in $services; do
		ids=$(containers "$service")
		for c in $ids; do
			inspect "$c" '{{range .Mounts}}{{if eq .Type "volume"}}{{printf "volume\t%s\t%s\n" .Name .Destination}}{{else}}{{printf "%s\t%s\t%s\n" .Type .Source .Destination}}{{end}}{{end}}' >"$run/mounts.one"
			awk -F '\t' -v s="$service" 'NF == 3 && !($1 == "volume" && $2 ~ /^[0-9a-f]+$/ && length($2) == 64) { print s "\t" $0 }' "$run/mounts.one"
		done
	done
}

is_empty_place() { # TYPE SOURCE
	case $1 in
	volume) ! docker volume inspect "$2" >/dev/null 2>&1 ;;
	*) [ ! -e "$2" ] || { [ -d "$2" ] && [ -z "$(ls -A -- "$2")" ]; } ;;
	esac
}

# mounts.lost gets one line for each place where the new container would find nothing instead of the data.
plan_mounts() {
	wanted_mounts "$run/compose.json" >"$run/mounts.wanted"
	present_mounts >"$run/mounts.present"
	while IFS='	' read -r service type source target; do
		[ -n "$service" ] || continue
		new=$(awk -F '\t' -v s="$service" -v t="$target" '$1 == s && $4 == t { print $2 "\t" $3; exit }' "$run/mounts.wanted")
		[ "$new" != "$type	$source" ] || continue
		if [ -z "$new" ]; then
			[ "$type" != volume ] || printf "volume '%s' would not be mounted at %s of service '%s' any more\n" "$source" "$target" "$service"
		elif is_empty_place "${new%%	*}" "${new#*	}"; then
			printf "%s of service '%s' would be '%s', which is new and empty, instead of '%s'\n" "$target" "$service" "${new#*	}" "$source"
		fi
	done <"$run/mounts.present" >"$run/mounts.lost"
	left_volumes >>"$run/mounts.lost"
}

# Where no container says which volume it has: one that nobody uses, of a project as Compose would have named it here,
# may hold the data that a new one would not have.
left_volumes() {
	first=$(head -n 1 "$run/compose/new/list")
	{
		cfg-get -f "$run/compose/new/$first" name 2>/dev/null || :
		basename -- "$root"
		basename -- "$(dirname -- "$root/$first")"
	} | tr '[:upper:]' '[:lower:]' | sed 's/[^-_a-z0-9]//g; /^$/d' | sort -u >"$run/former"
	while IFS='	' read -r service type name target; do
		[ "$type" = volume ] || continue
		is_service "$service" || get beside | grep -qxF -- "$service" || continue
		ids=$(containers "$service")
		[ -z "$ids" ] || continue
		is_empty_place volume "$name" || continue
		while IFS= read -r former; do
			left=${former}_${name#"${project}_"}
			! is_empty_place volume "$left" || continue
			ids=$(docker ps -aq --filter "volume=$left")
			[ -z "$ids" ] || continue
			printf "%s of service '%s' would be '%s', which is new and empty; '%s' is there, and may be the data (docker_compose.project: %s)\n" \
				"$target" "$service" "$name" "$left" "$former"
		done <"$run/former"
	done <"$run/mounts.wanted"
}
