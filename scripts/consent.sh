# consent.sh - sourced by update: the plan in words, what -y does not allow, and the question
# shellcheck shell=sh

ask() { # QUESTION: on the terminal, never on stdout
	printf '%s ' "$1" >&2
	IFS= read -r answer || answer=
}
at_terminal() { [ -t 0 ] && [ -t 2 ]; }

count() { awk -F '\t' -v k="$1" 'index(k, $1) { n++ } END { print n + 0 }' "$2"; }
show() { # KINDS FILE
	awk -F '\t' -v k="$1" 'index(k, $1) { printf "    %s %s  (%s)\n", $1, $2, $3 }' "$2" | if $dry; then cat; else
		awk 'NR <= 12 { print } END { if (NR > 12) printf "    ... and %d more (-n shows all)\n", NR - 12 }'
	fi
}

print_plan() {
	printf 'Plan for %s in %s\n' "$env" "$root"
	printf '  release     %s -> %s (tag %s, commit %.12s)\n' "${old_version:-nothing}" "$version" "$tag" "$commit"
	[ -z "$moved" ] || printf '  moved tag   %s\n' "$moved"
	case $(get baseline) in
	install) printf '  baseline    first install: no file that differs may stand in the way\n' ;;
	adopt) printf '  baseline    none: the repository has no tag for %s; replaced files are backed up, none is removed\n' "$old_version" ;;
	tag) printf '  baseline    the tree of version %s\n' "$old_version" ;;
	esac
	printf '  files       %s added, %s changed, %s removed, %s kept\n' "$(count A "$run/plan.files")" "$(count MLC "$run/plan.files")" \
		"$(count D "$run/plan.files")" "$(($(count K "$run/plan.kept") + $(count S "$run/plan.files")))"
	show AMLCDS "$run/plan.files"
	show K "$run/plan.kept"
	if [ -n "$(get database)" ]; then printf '  database    %s\n' "$(get database)"; else printf '  database    none configured\n'; fi
	[ -z "$moved_database" ] || printf '  moved       %s\n' "$moved_database"
	if [ -n "$migrations" ]; then
		printf '  migrations  %s\n' "$(printf '%s\n' "$migrations" | wc -l)"
		awk -F '\t' '{ printf "    %s%s\n", $1, ($4 ? "  (" $4 ")" : "") }' "$run/plan.migrations"
		case $(get restore_point) in
		none) printf '  restore     no restore point: when something fails behind a migration, the database stays as that left it\n' ;;
		esac
	else printf '  migrations  none\n'
	fi
	printf '  backup      %s\n' "$backup_dir"
	if [ "$engine" = none ]; then printf '  containers  none: update.engine is none\n'
	else
		printf '  image       %s\n' "$(img-tag -a "$app" -e "$env" "$version" | tr '\n' ' ')"
		printf '  containers  %s of project %s are stopped and made anew\n' "$(printf '%s' "$services" | tr '\n' ' ')" "$project"
		[ -z "$(get beside)" ] || printf '  beside      %s: has no container yet, started first\n' "$(get beside | tr '\n' ' ' | sed 's/ $//')"
		print_lost
		[ ! -e "$run/mounts.lost" ] || sed 's/^/    /' "$run/mounts.lost"
		downtime=$(last_generation .downtime)
		if [ -n "$downtime" ]; then printf '  downtime    about %s s, as the last time\n' "$downtime"
		else printf '  downtime    not measured here yet\n'
		fi
		[ -n "$(cfg update.health.url)" ] || printf '  health      no update.health.url: only the state of the container is watched\n'
	fi
	awk -F '\t' '{ printf "  space       %d MB needed, %d MB free (%s)\n", $1 / 1024 + 1, $2 / 1024, $3 }' "$run/plan.space"
}

# Files that the old container wrote outside its volumes go with it.
print_lost() {
	for service in $services; do
		ids=$(containers "$service")
		for c in $ids; do
			inspect "$c" '{{range .Mounts}}{{println .Destination}}{{end}}' >"$run/mounts"
			# A mount point, or a folder made for one, is no file of the container.
			docker diff "$c" 2>/dev/null | sed -n 's/^A //p' | while IFS= read -r path; do
				awk -v p="$path" '$0 != "" && (index(p "/", $0 "/") == 1 || index($0, p "/") == 1) { f = 1 } END { exit f }' "$run/mounts" || continue
				printf '    lost with the container of %s: %s\n' "$service" "$path"
			done | head -n 5
		done
	done
}

is_allowed() {
	case " $allowed " in *" $1 "*) return 0 ;; esac
	printf '%s\n' "$always_allowed" | grep -qxF "$1"
}
guard() { # NAME TEXT
	is_allowed "$1" && return 0
	if ! $yes && at_terminal; then
		say "$prog: $2"
		ask "type $1 to go on:"
		[ "$answer" != "$1" ] || return 0
		die 100 "not allowed: $1"
	fi
	die 100 "$2" "-y does not allow this; look at it, then say --allow $1"
}
guards() {
	[ -z "$moved" ] || guard moved-tag "$moved"
	[ -z "$moved_database" ] || guard moved-database "$moved_database"
	[ ! -s "$run/mounts.lost" ] || guard new-volume "$(head -n 1 "$run/mounts.lost")"
	for hazard in $hazards; do
		guard "$hazard" "a migration is marked as $hazard: $(cut -f 4- "$run/plan.migrations" | tr ';' '\n' | sed -n "s/^ *hazard  *$hazard *//p" | head -n 1)"
	done
}

confirm() {
	! $yes || return 0
	at_terminal || die 100 'nobody is there to confirm the plan' 'say -y'
	say "$(cat "$run/plan")"
	ask 'Go on? [y/N]'
	case $answer in y | Y | yes) ;; *) say "$prog: nothing was changed"; answer_no ;; esac
}
