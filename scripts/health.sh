# health.sh - sourced by steps: does the application answer, and does it stay; and the file that sets its image
# shellcheck shell=sh

# Compose gets the image by id and our labels from one generated file behind all others.
image_override() { # STORED [RUN] <SERVICE-TAB-IMAGE-ID-LINES
	first_file=$1/$(head -n 1 "$1/list")
	format=$(cfg-get -f "$first_file" version 2>/dev/null || :) # 1.29 wants the same format in every file
	{
		[ -z "$format" ] || printf 'version: "%s"\n' "$format"
		echo services:
		while IFS='	' read -r service image; do
			printf '  %s:\n    image: "%s"\n    labels:\n      io.slipway.app: "%s"\n      io.slipway.env: "%s"\n      io.slipway.run: "%s"\n' \
				"$service" "$image" "$app" "$env" "${2-}"
		done
	} >"$run/override.yml"
	put-file "$1/slipway-image.yml" <"$run/override.yml"
	! grep -qx slipway-image.yml "$1/list" || return 0
	{ cat "$1/list"; echo slipway-image.yml; } >"$run/override.list"
	put-file "$1/list" <"$run/override.list"
}

# What the stored compose files reach by extends and include is read where it lies. Prints each that is not as stored.
changed_beside() { # STORED
	[ -e "$1/more" ] || return 0
	while IFS= read -r f; do
		cmp -s "$1/$f" "$root/$f" || printf '%s\n' "$f"
	done <"$1/more"
}

# One line of what must not change while the application is watched.
vital_signs() { # CONTAINER
	inspect "$1" '{{.State.Running}} {{.State.StartedAt}} {{.RestartCount}}'
}
health_of='{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}'
docker_health() { inspect "$1" "$health_of"; }

probe() { # the configured address; without one every answer counts as good
	[ -n "$health_url" ] || return 0
	probe_said=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 5 --noproxy '*' "$health_url" 2>&1) || return 1
	case $probe_said in 2??) ;; *) return 1 ;; esac
}

# The processes right below PID 1 by name. An application that is started over and over below a living PID 1
# shows as one name with ever new pids.
children() {
	docker top "$1" -eo pid,ppid,comm 2>/dev/null |
		awk -v init="$(inspect "$1" '{{.State.Pid}}')" 'NR > 1 && $2 == init { print $3, $1 }'
}
crash_loop() { # the name that had three pids or more, none of which lived from first to last look
	awk '{ if (!(($1, $2, $3) in seen)) { seen[$1, $2, $3] = 1; looks[$2 " " $3]++; if ($1 > last) last = $1 } }
		END { for (k in looks) { split(k, p, " "); pids[p[1]]++; if (looks[k] > most[p[1]]) most[p[1]] = looks[k] }
			for (n in pids) if (pids[n] >= 3 && most[n] < last / 2) print n }' "$run/children"
}

# One look: whether each service runs and answers. What has ended for good is in exited.
look() {
	exited=
	for service in $services; do
		ids=$(containers "$service") || { probe_said='the Docker engine does not answer'; return 1; }
		[ -n "$ids" ] || { probe_said='no container'; return 1; }
		for c in $ids; do
			case $(inspect "$c" "{{.State.Status}} $health_of") in
			exited* | dead*)
				exited="service '$service' exited with $(inspect "$c" '{{.State.ExitCode}}')"
				return 1 ;;
			'running healthy' | 'running none') ;;
			running*) probe_said="healthcheck of '$service' is not healthy yet"; return 1 ;;
			*) probe_said="service '$service' does not run"; return 1 ;;
			esac
		done
	done
	probe
}

# Waits for the first good answer, then watches for SOAK seconds, in which every look must be good.
# false: health_reason says why.
wait_healthy() { # SOAK
	health_url=$(cfg update.health.url)
	health_timeout=$(cfg update.health.timeout 60)
	health_interval=$(cfg update.health.interval 0.5)
	health_deadline=$(($(ticks) + ${health_timeout%.*} * 100))
	until look; do
		[ -z "$exited" ] || { health_reason=$exited; return 1; }
		[ "$(ticks)" -lt "$health_deadline" ] || {
			health_reason="no good answer within $health_timeout s${health_url:+ from $health_url}: $probe_said"
			return 1
		}
		sleep "$health_interval"
	done
	first_answer=$(ticks)
	soak_end=$(($(ticks) + ${1%.*} * 100))
	for service in $services; do
		ids=$(containers "$service") || { health_reason='the Docker engine does not answer'; return 1; }
		for c in $ids; do echo "$c $(vital_signs "$c")"; done
	done >"$run/vital"
	: >"$run/children"
	look=0
	while [ "$(ticks)" -lt "$soak_end" ]; do
		sleep "$health_interval"
		look=$((look + 1))
		probe || { health_reason="answered, then not any more: $probe_said"; return 1; }
		while read -r c signs; do
			if [ -z "$signs" ] || [ "$(vital_signs "$c")" != "$signs" ]; then
				health_reason="container ${c%"${c#????????????}"} stopped or was restarted"
				return 1
			fi
			[ "$(docker_health "$c")" != unhealthy ] || { health_reason="its healthcheck turned unhealthy"; return 1; }
			children "$c" | sed "s/^/$look /" >>"$run/children"
		done <"$run/vital"
	done
	looper=$(crash_loop)
	[ -z "$looper" ] || { health_reason="process '$looper' is started again and again inside the container"; return 1; }
}
