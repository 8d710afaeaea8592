load ../lib/live

# Without containers; each fault is met by `slipway update -n` on a server before its first update.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	CONFIG=$ROOT/config/slipway.yaml
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)"
}

whole_state() { tree_state "$ROOT" .slipway; }

# refused LINE... - status 100, these lines and no other on stderr, nothing fetched or written but the lock
refused() {
	whole_state >before
	run -100 --separate-stderr timeout 10 slipway -C "$ROOT" update -e prod -n
	[ -z "$output" ]
	diff <(printf '%s\n' "$@") <(printf '%s\n' "$stderr")
	whole_state | diff before -
	[ ! -e "$ROOT/.slipway/repo" ]
	[ -z "$(ls -A "$ROOT/.slipway/runs")" ]
}

plan_is_good() {
	whole_state >before
	run -0 --separate-stderr slipway -C "$ROOT" update -e prod -n
	[[ "$output" == *'release     nothing -> 1.1.0'* ]]
	whole_state | diff before -
}

line_of() { grep -n -m 1 "$1" "$CONFIG" | cut -d : -f 1; }

@test "configuration: an unknown key ends an update, with its line and the key that was meant" {
	sed -i 's/^  health:/  helth:/' "$CONFIG"
	refused "cfg-get: $CONFIG:$(line_of helth): unknown key 'update.helth'" "cfg-get: hint: did you mean 'update.health'?"
}

@test "configuration: unknown keys are told all at once, those of one environment too" {
	printf 'soak: 1\nenvironments:\n  prod:\n    update: {servcies: app}\n' >>"$CONFIG"
	refused "cfg-get: $CONFIG:$(line_of ^soak): unknown key 'soak'" "cfg-get: hint: did you mean 'update.health.soak'?" \
		"cfg-get: $CONFIG:$(line_of servcies): unknown key 'environments.prod.update.servcies'" \
		"cfg-get: hint: did you mean 'environments.prod.update.services'?"
}

@test "configuration: a value of the wrong type is named with what it must be" {
	sed -i 's/^  name: sample/&\n  services: {app: 1}/' "$CONFIG"
	refused "cfg-get: $CONFIG:$(line_of services): update.services is a mapping; it must be a list or text" \
		'cfg-get: hint: the Compose services that run the release (default app)'
}

@test "configuration: a key twice in one mapping ends an update" {
	printf 'update:\n  engine: none\n' >>"$CONFIG"
	refused "cfg-get: $CONFIG:$(($(wc -l <"$CONFIG") - 1)):1: key 'update' is already on line $(line_of ^update)"
}

@test "configuration: a tab as indent is called by its name" {
	printf 'notify:\n\twho: me\n' >>"$CONFIG"
	refused "cfg-get: $CONFIG:$(wc -l <"$CONFIG"):1: not YAML: a tab cannot indent"
}

@test "configuration: an alias bomb and 10,000 levels end an update in no time" {
	cp "$CONFIG" good.yaml
	{
		echo 'x-0: &a0 [x,x,x,x,x,x,x,x,x,x]'
		for i in 1 2 3 4 5 6 7 8 9; do echo "x-$i: &a$i [$(printf "*a$((i - 1)),%.0s" 1 2 3 4 5 6 7 8 9 10)]"; done
	} >>"$CONFIG"
	refused "cfg-get: $CONFIG:$(line_of '^x-4'):39: aliases add more than 100000 nodes"
	{ cat good.yaml; printf 'x-deep: '; printf '%*s' 10000 '' | tr ' ' '['; printf '%*s\n' 10000 '' | tr ' ' ']'; } >"$CONFIG"
	refused "cfg-get: $CONFIG:$(line_of x-deep):108: nested deeper than 100 levels"
}

@test "configuration: an empty file, and one that is no mapping, say what is missing" {
	: >"$CONFIG"
	refused "update: $CONFIG: no server_update.repository.url"
	echo '- server_update' >"$CONFIG"
	refused "cfg-get: $CONFIG:1: the document is a list; it must be a mapping"
	printf 'server_update:\n  repository: {url: %s}\n' "$REPO" >"$CONFIG"
	refused "update: $CONFIG: no server_update.repository.branches.prod"
}

@test "configuration: a byte order mark and CRLF line ends are as good as none" {
	cp "$CONFIG" good.yaml
	{ printf '\357\273\277'; cat good.yaml; } >"$CONFIG"
	plan_is_good
	sed 's/$/\r/' good.yaml >"$CONFIG"
	plan_is_good
	{ printf '\357\273\277'; sed 's/$/\r/' good.yaml; } >"$CONFIG"
	plan_is_good
	update
	grep -qx 'version: "1.1.0"' "$ROOT/config/.version"
}

@test "configuration: one that the release brings is checked before anything is changed" {
	update --version 1.0.0
	release 1.1.5 --file app/five.txt five --run "sed -i 's/^  health:/  helth:/' config/slipway.yaml"
	line=$(git -C "$REPO" show v1.1.5:config/slipway.yaml | grep -n helth: | cut -d : -f 1)
	whole_state >before
	ls "$ROOT/.slipway/runs" >runs.before
	for how in -n -y; do
		run -100 --separate-stderr slipway -C "$ROOT" update -e prod $how
		[ -z "$output" ]
		[[ "$stderr" == *"cfg-get: config/slipway.yaml:$line: unknown key 'update.helth'"*"update.health"*'release 1.1.5 brings; nothing was changed' ]]
		whole_state | diff before -
		ls "$ROOT/.slipway/runs" | diff runs.before -
	done
	# One that was edited here stays, and so does not count.
	echo '# mine' >>"$CONFIG"
	update
	[ -e "$ROOT/app/five.txt" ]
}

@test "configuration: every key of the old tool, as a Windows developer has it, works unchanged, delivered by its own presets" {
	local full=$SLIPWAY_TOP/test/fixtures/config/full.yaml config=tools/deployment/config.yaml
	grep -q $'^  temp_directory: "E:/temp"\r$' "$full"
	rm "$CONFIG"
	mkdir -p "$ROOT/tools/deployment"
	cp "$full" "$ROOT/$config"
	touch -d '2024-05-06' "$ROOT/$config"
	unset GITHUB_TOKEN GITLAB_TOKEN SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR
	export SLIPWAY_SERVER_UPDATE__REPOSITORY__URL=$REPO SLIPWAY_DATABASE__URL=sqlite:///data/app.db
	release 5.2.0 --remove config/slipway.yaml --run "mkdir -p tools/deployment; cp '$full' $config"
	tree_state "$ROOT" .slipway >before
	run -0 --separate-stderr slipway -C "$ROOT" update -e prod -n
	tree_state "$ROOT" .slipway | diff before -
	[[ "$output" == *'release     nothing -> 5.2.0'* ]]
	[[ "$stderr" != *': unknown key'* ]]
	for key in server_update.settings.non_critical_paths deploy_settings.temp_directory; do
		[ "$(grep -c "note: $key has no meaning here" <<<"$stderr")" = 1 ]
	done
	update
	cmp "$full" "$ROOT/$config"
	[ ! -e "$ROOT/E:" ]
	ls "$ROOT"/backups/*.sqlite.zst
	release 5.2.1 --file plugins/one.txt one --run "sed -i 's|^      - \"bin/\"|      - \"plugins/\"\\r\\n&|' $config"
	update
	[ "$(cat "$ROOT/plugins/one.txt")" = one ]
	cmp <(git -C "$REPO" show "v5.2.1:$config") "$ROOT/$config"
	grep -q $'plugins/"\r$' "$ROOT/$config"
}

@test "configuration: the fixture of the old tool holds every key that the design lists, and the table knows it" {
	local full=$SLIPWAY_TOP/test/fixtures/config/full.yaml key
	run -0 cfg-get -k "$SLIPWAY_TOP/scripts/slipway.keys" -f "$full"
	for key in server_update.repository.{url,branches.{test,prod},token} server_update.settings.{backup_dir,non_critical_paths} \
		server_update.deployment.{presets,custom_include,custom_exclude} repositories.core.{name,url,description,token,enabled} \
		repositories.core.deployment.{full_sync,create_tag,presets,custom_include,custom_exclude,file_replacements} \
		deployment_presets.full_platform.{include,exclude} \
		git_settings.{branch_prefix,commit_message_template,mr_title_template,mr_description_template,user.{name,email},providers} \
		changelog_settings.changelog_file deploy_settings.{create_mr,delay_between_deploys,max_retries,temp_directory,timeouts.git} \
		migration_settings.{migrations_dir,require_confirmation,auto_backup} \
		docker_compose.{global_config_dir,config_files,override_files,dc_config_path,dc_install}; do
		GITHUB_TOKEN=x GITLAB_TOKEN=x cfg-get -f "$full" "$key" >/dev/null || { echo "$key is not there"; return 1; }
	done
}

@test "configuration: the examples of the README and of slipway.yaml(5) hold known keys only" {
	sed -n '/^ *```yaml/,/^ *```$/p' "$SLIPWAY_TOP/README.md" | sed '/```/d; s/^   //' >readme.yaml
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$SLIPWAY_TOP/man/slipway.yaml.5" | sed '/^\./d' >page.yaml
	for f in readme page; do
		cfg-get -k "$SLIPWAY_TOP/scripts/slipway.keys" -f $f.yaml
		[ "$(cfg-get -f $f.yaml database.url)" = sqlite:///data/app.db ]
	done
}
