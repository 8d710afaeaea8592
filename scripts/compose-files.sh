# compose-files.sh - sourced: which compose files this configuration names, in their order, relative to the root
# shellcheck shell=sh

# In the server directory, or in the staged tree of a release.
has_file() { [ -f "$root/$1" ] || { [ -n "${compose_new-}" ] && [ -f "$compose_new/$1" ]; }; }

# docker_compose.config_files is a list, or a mapping with base and one entry an environment; without it the
# seed's names are tried, then Compose's own. Override files are local ones: used when they are there.
compose_files() {
	compose_named=$(compose_named) # in assignments, so that a value that cannot be read ends it
	compose_local=$(compose_overrides)
	printf '%s\n' "$compose_named" | sed '/^$/d'
	printf '%s\n' "$compose_local" | while IFS= read -r f; do
		[ ! -f "$root/$f" ] || printf '%s\n' "$f"
	done
}

compose_named() {
	kind_rc=0
	kind=$(cfg-get -j -E "$root/.env" -f "$config" docker_compose.config_files) || kind_rc=$?
	[ "$kind_rc" -le 1 ] || exit "$kind_rc"
	case $kind in
	'['*) cfg docker_compose.config_files ;;
	'{'*)
		cfg docker_compose.config_files.base
		cfg "docker_compose.config_files.$env" ;;
	*)
		if has_file docker/docker-compose.yml; then
			echo docker/docker-compose.yml
			! has_file "docker/docker-compose.$env.yml" || echo "docker/docker-compose.$env.yml"
		else
			for f in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
				! has_file "$f" || { echo "$f"; break; }
			done
		fi ;;
	esac
}

compose_overrides() {
	if cfg-get -E "$root/.env" -f "$config" docker_compose.override_files >/dev/null 2>&1; then
		cfg docker_compose.override_files
	else
		printf '%s\n' docker/docker-compose.override.yml docker-compose.override.yml compose.override.yaml
	fi
}
