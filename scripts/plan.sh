# plan.sh - sourced by update: everything that is decided before anything is touched
# shellcheck shell=sh

# A run that never began is only paper. Of the others the newest stay, and the one that made what runs here. They are
# numbered, since their names are times of a clock that may have been put back.
drop_unbegun() {
	for old in "$state"/runs/*/; do
		[ -d "$old" ] || continue
		[ -e "$old/journal" ] || rm -rf "$old"
	done
	made_by=$(last_generation .run)
	for old in "$state"/runs/*/; do
		[ ! -d "$old" ] || printf '%s %s\n' "$(cat "$old/vars/number" 2>/dev/null || echo 0)" "$old"
	done | sort -k 1,1nr -k 2r >"$state/runs.newest"
	number=$(head -n 1 "$state/runs.newest" | cut -d ' ' -f 1)
	number=${number:-0}
	cut -d ' ' -f 2- "$state/runs.newest" | grep -v "/$made_by/$" | tail -n +19 | while IFS= read -r old; do rm -rf "$old"; done
	rm -f "$state/runs.newest"
}

decide_environment() {
	fixed=$(cat "$state/env" 2>/dev/null || :)
	env=$asked_env
	# shellcheck disable=SC2016 # cfg-get expands it
	[ -n "$env" ] || env=$(printf '%s\n' 'e: "${ENVIRONMENT:-}"' | cfg-get -E "$root/.env" e || [ $? -eq 1 ])
	[ -n "$env" ] || env=$fixed
	[ -n "$env" ] || env=$(cfg environment)
	if [ -z "$env" ]; then
		$yes && die 100 'which environment?' 'say -e test or -e prod'
		at_terminal || die 100 'which environment?' 'say -e test or -e prod'
		ask 'environment (test or prod)?'
		env=$answer
	fi
	case $env in
	test | prod) ;;
	*) die 100 "there is no environment '$env'" 'it is test or prod' ;;
	esac
	[ -z "$fixed" ] || [ "$fixed" = "$env" ] ||
		die 100 "this directory is $fixed, not $env" 'one server directory is one environment'
}

# A key that nobody knows is a setting that would silently do nothing.
check_config() { # FILE
	cfg-get -k "$SLIPWAY_LIB/slipway.keys" -f "$1"
}

config_notes() {
	for key in server_update.settings.non_critical_paths deploy_settings.temp_directory; do
		rc=0
		cfg-get -f "$config" "$key" >/dev/null 2>&1 || rc=$?
		case $rc in
		0 | 100) say "$prog: note: $key has no meaning here: files are written whole or not at all, from a bare mirror" ;;
		1) ;;
		*) die 111 "cfg-get ended with status $rc" ;;
		esac
	done
	backup=$(cfg migration_settings.auto_backup true)
	case $backup in
	[Ff]alse | FALSE) say "$prog: note: migration_settings.auto_backup has no meaning here: the database is saved before each update" ;;
	esac
}

fetch() {
	url=$(cfg server_update.repository.url)
	[ -n "$url" ] || die 100 "$config: no server_update.repository.url"
	branch=$(cfg "server_update.repository.branches.$env")
	[ -n "$branch" ] || die 100 "$config: no server_update.repository.branches.$env"
	# Each in an assignment of its own: elsewhere the status of a $(...) is lost.
	token=$(cfg server_update.repository.token)
	seconds=$(cfg deploy_settings.timeouts.git 300)
	ssh_key=$(cfg server_update.repository.ssh_key)
	known_hosts=$(cfg server_update.repository.known_hosts)
	t=$(ticks)
	rc=0
	tip=$(SLIPWAY_TOKEN=$token repo-fetch -T "$seconds" ${ssh_key:+-i "$ssh_key"} ${known_hosts:+-k "$known_hosts"} -b "$branch" "$url" "$state/repo") || rc=$?
	[ "$rc" -eq 0 ] || die "$((rc == 100 ? 100 : 111))" "the release could not be fetched; nothing was changed"
	say "$(printf '%-14s %6s s  %s at %.8s' fetch "$(since "$t")" "$branch" "$tip")"
}

old_version_of() { [ ! -e config/.version ] || cfg-get -f config/.version -d '' version; }
last_generation() { # VALUE of the newest good one, by jq
	newest=$(newest_generation)
	[ -z "$newest" ] || jq -r "$1 // \"\"" "$state/generations/$newest.json"
}

choose_version() {
	at_terminal || die 100 '--choose needs a terminal' 'say --version V'
	version-tag -l "$state/repo" | tail -n 20 | cut -f 1,4 >&2
	ask 'version?'
	wanted=$answer
}

decide_version() {
	! $choose || choose_version
	if [ -n "$wanted" ]; then
		rc=0
		record=$(version-tag -t "$wanted" "$state/repo" 2>/dev/null) || rc=$?
		case $rc in
		0) ;;
		1 | 100) die 100 "there is no version '$wanted' in $url" 'slipway update --choose lists them' ;;
		*) die "$rc" "the mirror cannot be read" "remove $state/repo; the next update makes it anew" ;;
		esac
	else
		rc=0
		record=$(version-tag -b "$branch" "$state/repo") || rc=$?
		[ "$rc" -eq 0 ] || exit "$rc"
	fi
	version=$(printf '%s' "$record" | cut -f 1)
	tag=$(printf '%s' "$record" | cut -f 2)
	commit=$(printf '%s' "$record" | cut -f 3)
	commit_date=$(printf '%s' "$record" | cut -f 4)
	tag_commit=$(version-tag -t "$version" "$state/repo" | cut -f 3)
	old_version=$(old_version_of)
	old_commit=$(last_generation .tag_commit)
	moved=
	[ -n "$old_version" ] || return 0
	order=$(version-cmp "$version" "$old_version") || die 100 "config/.version holds '$old_version', which is no version"
	case $order in
	'<') die 100 "version $version is lower than the $old_version that runs here" \
		'to go back is a rollback, not an update' ;;
	=)
		if [ -z "$old_commit" ] || [ "$old_commit" = "$tag_commit" ]; then
			$dry || say "$prog: $env is at $old_version already"
			answer_no
		fi
		moved="tag $tag was commit $(printf %.12s "$old_commit") when it was released here and is $(printf %.12s "$tag_commit") now" ;;
	esac
}

open_run() {
	app=$(app_name)
	if [ "$(id -u)" -eq 0 ]; then backup_home=/var/backups/slipway; else backup_home=${XDG_STATE_HOME:-$HOME/.local/state}/slipway; fi
	backup_dir=$(cfg server_update.settings.backup_dir "$backup_home/$app-$env")
	case $backup_dir in /*) ;; *) backup_dir=$root/$backup_dir ;; esac
	# A clock may show the same second twice: the name of a run is free among the backups, too.
	id=$(date -u +%Y%m%dT%H%M%SZ)
	n=1
	while [ -e "$state/runs/$id" ] || [ -n "$(find "$backup_dir" -maxdepth 1 -name "$id.*" 2>/dev/null)" ]; do
		n=$((n + 1)) id=${id%%-*}-$n
	done
	said=$(mkdir -m 700 "$state/runs/$id" 2>&1) || die 111 "the run cannot be recorded; nothing was changed: ${said##*: }"
	run=$state/runs/$id
	scrap=$run
	paper=yes # until it begins
	trap 'exit 111' INT TERM HUP
	mkdir "$run/vars"
	keep_overrides
	SLIPWAY_RUN=$run
	export SLIPWAY_RUN
	config_path=$(config_path)
	cp -- "$config" "$run/config.yaml"
	config=$run/config.yaml
	put env "$env"; put engine "$engine"; put app "$app"
	put version "$version"; put tag "$tag"; put commit "$commit"; put commit_date "$commit_date"
	put tag_commit "$tag_commit"; put old_version "$old_version"; put config_path "$config_path"
	case $version in *-*) put prerelease yes ;; *) put prerelease no ;; esac
	put number "$((number + 1))"
	put backup_dir "$backup_dir"
	given_url=${SLIPWAY_DATABASE_URL-} # database_open exports what it found
	put_database
	# Read before the release brings its own configuration: a release cannot allow itself anything.
	always_allowed=$(cfg migration_settings.allow)
	repo-ls "$state/repo" "$commit" >"$run/paths.all"
}

# The URL of SQLite holds no secret, so the run keeps the one that it began with.
put_database() {
	url_=$(database_url)
	case $url_ in sqlite:* | sqlite+*:*) put database_url "$url_" ;; esac
	database_open
	put database "$database_place"
}

# A release may say that the database is elsewhere. There it would be saved and migrated, and not where the data is.
moved_database=
follow_database() {
	place_before=$database_place file_before=$database_file
	rm -f "$run/vars/database_url"
	SLIPWAY_DATABASE_URL=$given_url
	put_database
	[ -n "$place_before" ] && [ "$database_place" != "$place_before" ] || return 0
	[ -z "$database_file" ] || [ -z "$file_before" ] || [ "$(readlink -f -- "$database_file")" != "$(readlink -f -- "$file_before")" ] || return 0
	moved_database="the configuration of $version has ${database_place:-no database.url} instead of '$place_before', which would be neither saved nor migrated"
}

# The release's tree by presets, and what it would do to this directory.
select_files() {
	preset-filter -o "$env" -f "$config" -E "$root/.env" server_update.deployment <"$run/paths.all" >"$run/paths"
	repo-tar "$state/repo" "$commit" <"$run/paths" >"$run/files.tar"
	set -- -n -c "$config_path" -k "$run/paths.all" -b "$run/files"
	case $(get baseline) in
	install) set -- "$@" -i -m "$state/manifest" ;;
	adopt) set -- "$@" -a -m "$state/manifest" ;;
	tag) set -- "$@" -m "$run/baseline" ;;
	*) set -- "$@" -m "$state/manifest" ;;
	esac
	tree_rc=0
	tree-apply "$@" "$root" <"$run/files.tar" >"$run/plan.files" || tree_rc=$?
	[ "$tree_rc" -ne 100 ] || [ "$(get baseline)" != install ] ||
		say "$prog: hint: when another release runs here, write its version to config/.version: version: \"1.2.3\""
	[ "$tree_rc" -eq 0 ] || exit "$tree_rc"
}

plan_files() {
	if [ -e "$state/manifest" ] && [ -n "$(last_generation .n)" ]; then put baseline manifest
	elif [ -z "$old_version" ]; then put baseline install
	elif old=$(version-tag -t "$old_version" "$state/repo"); then
		put baseline tag
		before=$(printf '%s' "$old" | cut -f 3)
		repo-ls "$state/repo" "$before" >"$run/paths.before"
		preset-filter -o "$env" -f "$config" -E "$root/.env" server_update.deployment <"$run/paths.before" >"$run/paths"
		repo-tar "$state/repo" "$before" <"$run/paths" >"$run/before.tar"
		tree-apply -l <"$run/before.tar" >"$run/baseline"
		rm "$run/before.tar"
	else put baseline adopt
	fi
	select_files
	# An untouched configuration is delivered like any other file, and then the release is read by its own rules.
	if cut -f 1,2 "$run/plan.files" | grep -qxF "M$tab$config_path"; then
		mkdir -p "$run/new/$(dirname -- "$config_path")"
		tar -xOf "$run/files.tar" "$config_path" >"$run/new/$config_path"
		(cd "$run/new" && check_config "$config_path") ||
			die $? "that is the configuration which release $version brings; nothing was changed"
		mv "$run/new/$config_path" "$config"
		rm -r "$run/new"
		follow_database
		select_files
	fi
	preset-filter -e -o "$env" -f "$config" -E "$root/.env" server_update.deployment <"$run/paths.all" >"$run/explained"
	RULES="$config:" NAME="$config_path:" awk -F '\t' '$1 == "-" {
		if (i = index($0, ENVIRON["RULES"])) $0 = substr($0, 1, i - 1) ENVIRON["NAME"] substr($0, i + length(ENVIRON["RULES"])); print
	}' "$run/explained" >"$run/excluded"
	while IFS="$tab" read -r _ path rule; do
		[ ! -e "$root/$path" ] || printf 'K\t%s\t%s\n' "$path" "$rule"
	done <"$run/excluded" >"$run/plan.kept"
}

# The migration files of a commit, below a folder of the run; false when it has none.
extract_migrations() { # COMMIT PATHS FOLDER
	DIR="$migrations_dir/" awk 'index($0, ENVIRON["DIR"]) == 1' "$2" >"$run/paths.migrations" || exit 111
	[ -s "$run/paths.migrations" ] || return 1
	mkdir -p "$run/extract"
	repo-tar "$state/repo" "$1" <"$run/paths.migrations" >"$run/migrations.tar" || exit $?
	tar -x --no-same-owner -C "$run/extract" -f "$run/migrations.tar" || exit 111
	mv "$run/extract/$migrations_dir" "$3" || exit 111
	rm -rf "$run/extract" "$run/migrations.tar"
}

plan_migrations() {
	migrations='' hazards=''
	migrations_dir=$(cfg migration_settings.migrations_dir)
	if [ -z "$migrations_dir" ]; then
		migrations_dir=migrations
		! grep -q '^tools/deployment/migrations/' "$run/paths.all" || migrations_dir=tools/deployment/migrations
	fi
	migrations_dir=${migrations_dir%/}
	extract_migrations "$commit" "$run/paths.all" "$run/migrations" || return 0
	if [ -z "$database_kind" ]; then
		say "$prog: note: the release has migrations, and no database.url is configured: they are not run"
		return 0
	fi
	rc=0
	set --
	[ -z "$(get database_to_come)" ] || set -- -a
	migrate-run -n "$@" -t "$version" "$run/migrations" >"$run/plan.migrations" || rc=$?
	[ "$rc" -le 1 ] || exit "$rc"
	# With the first update the files of the release that runs here count as run.
	if [ -n "$old_version" ] && [ -z "$(last_generation .n)" ] && old=$(version-tag -t "$old_version" "$state/repo"); then
		before=$(printf '%s' "$old" | cut -f 3)
		repo-ls "$state/repo" "$before" >"$run/paths.before"
		if extract_migrations "$before" "$run/paths.before" "$run/migrations.before"; then
			rc=0
			migrate-run -b -n "$@" -t "$old_version" "$run/migrations.before" >"$run/counted" || rc=$?
			[ "$rc" -le 1 ] || exit "$rc"
			awk -F '\t' 'FILENAME == ARGV[1] { run[$1] = 1; next } !($1 in run)' "$run/counted" "$run/plan.migrations" >"$run/pending"
			mv "$run/pending" "$run/plan.migrations"
		fi
	fi
	migrations=$(cut -f 1 "$run/plan.migrations")
	put migrations "$migrations"
	hazards=$(cut -f 4- "$run/plan.migrations" | tr ';' '\n' | sed -n 's/^ *hazard  *\([^ ]*\).*/\1/p' | sort -u)
}

# What the database is now. One whose service has no container yet comes with the release.
plan_database() {
	database_kb=0
	database_open
	[ -n "$database_kind" ] || return 0
	if [ -n "$database_host" ] && get beside | grep -qxF "$database_host"; then
		put database_to_come yes
		return
	fi
	rc=0
	sight=$(db-backup -t 10 look) || rc=$?
	case $rc in
	0) database_kb=$(($(printf '%s' "$sight" | cut -f 2) / 1024 + 1)) ;;
	1) [ "$database_kind" = sqlite ] || die 100 "there is no database '${database_place%% on *}' on ${database_host:-this machine}" "create it, empty, for the role of database.url" ;;
	*) exit "$rc" ;;
	esac
}

# How undo will get the database back, when migrations are to run: update.restore_point is auto, copy, dump or none.
plan_restore_point() {
	point=$(cfg update.restore_point auto)
	case $point in auto | copy | dump | none) ;; *) die 100 "update.restore_point is '$point'" 'it can be auto, copy, dump or none' ;; esac
	put restore_point "$point"
	[ "$database_kind:$point" != sqlite:copy ] || die 100 'update.restore_point: copy is for PostgreSQL'
	[ -n "$migrations" ] && [ "$database_kind" = postgres ] && [ "$point" != none ] && [ -z "$(get database_to_come)" ] || return 0
	[ "$(printf '%s' "$sight" | cut -f 4)" = yes ] ||
		die 100 "the role of database.url could not bring the database back when the update fails" \
			'it must own the database, which is not the one named postgres, and have CREATEDB; or say what it costs: update.restore_point: none'
	[ "$point" != dump ] || return 0
	point_free=$(database_free_kb)
	[ -n "$point_free" ] && [ $((database_kb * 11 / 10 + 10240)) -gt "$point_free" ] || return 0
	[ "$point" = auto ] ||
		die 111 "not enough space for a copy of the database: $((database_kb / 1024 + 10)) MB needed, $((point_free / 1024)) MB free" 'update.restore_point: dump, or auto'
	put restore_point dump
}

plan_containers() {
	services=$(cfg update.services "$(default_service "$env")")
	put services "$services"
	project=
	[ "$engine" != none ] || { put project ''; return 0; }
	mkdir -p "$run/stage"
	tar -x --no-same-owner -C "$run/stage" -f "$run/files.tar"
	. "$SLIPWAY_LIB/compose-files.sh"
	. "$SLIPWAY_LIB/containers.sh"
	compose_new=$run/stage
	make_view
	store_new
	decide_project
	refuse_foreign
	store_old
	for step in build health; do
		run_step "$step" check || die "$step_rc" "$(step_reason)"
	done
	refuse_taken_names
	. "$SLIPWAY_LIB/mounts.sh"
	plan_beside
	plan_mounts
}

# Services that ours depend on, or that hold the database, and that have no container here: they are made first.
plan_beside() {
	database_open
	jq -r --arg services "$services" --arg host "$database_host" '
		.services as $all
		| def needs: $all[.].depends_on // {} | if type == "object" then keys_unsorted[] else .[] end;
		def closure: (needs | closure), .;
		($services / "\n") as $own
		| ($own[], ($host | select($all[.]))) | closure | select(IN($own[]) | not)' "$run/compose.json" |
		awk '!seen[$0]++' >"$run/needed"
	while IFS= read -r service; do
		found=$(containers "$service")
		[ -n "$found" ] || printf '%s\n' "$service"
	done <"$run/needed" >"$run/missing"
	put beside "$(cat "$run/missing")"
}

size_kb() { du -sk -- "$@" 2>/dev/null | awk '{ s += $1 } END { print s + 0 }'; }
existing() { # the nearest folder above that is there
	at=$1
	until [ -d "$at" ]; do at=$(dirname -- "$at"); done
	printf '%s\n' "$at"
}

# What each disk must take and has free: TAB-separated KB, KB, whose.
plan_space() {
	tar_kb=$(size_kb "$run/files.tar")
	point_kb=0 back_kb=0 # the restore point, and what its way back takes beside a database file
	if [ -n "$migrations" ]; then
		case $(get restore_point):$database_kind in
		none:* | auto:postgres | copy:postgres) ;;
		*:sqlite) point_kb=$((database_kb * 2)) back_kb=$point_kb ;;
		*) point_kb=$((database_kb * 3)) ;;
		esac
	fi
	{
		need_on "$root" $((tar_kb * 3 + point_kb + 10240)) server
		[ "$back_kb" -eq 0 ] || need_on "$(dirname -- "$database_file")" "$back_kb" database
		need_on "$backup_dir" $((database_kb * 2 + tar_kb + 1)) backups
		if [ "$engine" != none ]; then
			store=$(docker info -f '{{.DockerRootDir}}')
			put engine_store "$store"
			[ ! -d "$store" ] || need_on "$store" "$((tar_kb * 2 + $(last_image_kb)))" images
		fi
	} >"$run/needs"
	awk -F '\t' '{ if (!($1 in need)) order[++n] = $1; need[$1] += $2; free[$1] = $3; who[$1] = who[$1] (who[$1] ? ", " : "") $4 }
		END { for (i = 1; i <= n; i++) { d = order[i]; printf "%d\t%d\t%s\n", need[d], free[d], who[d] } }' "$run/needs" >"$run/plan.space"
	short=$(awk -F '\t' '$1 > $2 { printf "%s: %d MB needed, %d MB free", $3, $1 / 1024 + 1, $2 / 1024; exit }' "$run/plan.space")
	[ -z "$short" ] || die 111 "not enough space for $short"
}
need_on() { # PATH KB WHOSE
	at=$(existing "$1")
	disk=$(stat -c %d -- "$at")
	free_kb=$(df -Pk -- "$at" | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9-]*% .*/\1/p')
	printf '%s\t%d\t%d\t%s\n' "$disk" "$2" "$free_kb" "$3"
}
last_image_kb() {
	last_image=$(last_generation .image_id)
	last_bytes=$([ -z "$last_image" ] || docker image inspect -f '{{.Size}}' "$last_image" 2>/dev/null || :)
	echo $((${last_bytes:-0} / 1024))
}
