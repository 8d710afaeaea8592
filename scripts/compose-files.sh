# compose-files.sh - sourced: which compose files this configuration names, in their order, relative to the root
# shellcheck shell=sh

# docker_compose.config_files is a list, or a mapping with base and one entry an environment; without it the
# seed's names are tried, then Compose's own. Override files are local ones: used when they are there.
compose_files() {
	kind=$(cfg-get -j -E "$root/.env" -f "$config" docker_compose.config_files 2>/dev/null | cut -c1) || kind=
	case $kind in
	'[') cfg docker_compose.config_files ;;
	'{')
		cfg docker_compose.config_files.base
		cfg "docker_compose.config_files.$env" ;;
	*)
		if [ -f "$root/docker/docker-compose.yml" ] || [ -f "${compose_new:-/nonexistent}/docker/docker-compose.yml" ]; then
			echo docker/docker-compose.yml
			for f in "docker/docker-compose.$env.yml"; do
				if [ -f "$root/$f" ] || [ -f "${compose_new:-/nonexistent}/$f" ]; then echo "$f"; fi
			done
		else
			for f in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
				if [ -f "$root/$f" ] || [ -f "${compose_new:-/nonexistent}/$f" ]; then echo "$f"; break; fi
			done
		fi ;;
	esac | sed '/^$/d'
	compose_overrides | while IFS= read -r f; do
		[ ! -f "$root/$f" ] || printf '%s\n' "$f"
	done
}

compose_overrides() {
	if cfg-get -E "$root/.env" -f "$config" docker_compose.override_files >/dev/null 2>&1; then
		cfg docker_compose.override_files
	else
		printf '%s\n' docker/docker-compose.override.yml docker-compose.override.yml compose.override.yaml
	fi
}
