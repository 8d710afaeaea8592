load ../lib/live

setup() {
	live_setup
	mkdir -p pipe/server/data && cd pipe || return 1
	cp -a "$REPO" repo.git
	git -C repo.git show v1.1.0:config/slipway.yaml >slipway.yaml
	sqlite3 server/data/app.db "CREATE TABLE note(body); INSERT INTO note VALUES ('kept')"
}

# block N FILE - the Nth block of shell behind a line `<!-- tested -->`
block() {
	awk -v n="$1" '/^<!-- tested -->$/ { k++ } k == n && /^```$/ { exit } k == n && on { print } k == n && /^```sh$/ { on = 1 }' "$SLIPWAY_TOP/README.md"
}
run_block() {
	block "$1" >block.sh
	[ -s block.sh ]
	unset SLIPWAY_DATABASE_URL SLIPWAY_BACKUP_DIR
	run -0 --separate-stderr sh -e block.sh
	[ -z "$stderr" ] || { echo "$stderr"; return 1; }
}

@test "pipelines: repo-ls | preset-filter | repo-tar | tree-apply brings a folder to a release, and back" {
	block 1 | sed '/^tree-apply -u/d' >forth.sh
	tree_state server >before
	sh -e forth.sh
	git -C repo.git ls-tree -r --name-only -z v1.1.0 | while IFS= read -r -d '' path; do
		if delivered "$path"; then [ -e "server/$path" ] || [ -L "server/$path" ]; else [ ! -e "server/$path" ]; fi ||
			{ echo "wrong: $path"; exit 1; }
	done
	block 1 | grep '^tree-apply -u' >back.sh
	sh -e back.sh
	tree_state server | grep -v '^ ' | cut -f 1 | diff <(grep -v '^ ' before | cut -f 1) -
}

@test "pipelines: which files of a release stay behind, and by which rule" {
	run_block 2
	[[ "$output" == *$'-\tapp/__pycache__/x.pyc\t'*'*.pyc'* ]]
	[[ "$output" == *$'-\tconfig/settings.yaml\t'* ]]
	[[ "$output" == *$'-\tdocs/guide.md\tno include matches'* ]]
	[[ "$output" != *app/main.txt* ]]
}

@test "pipelines: the newest release of any repository, without a clone" {
	run_block 3
	[ "$output" = v1.3.10 ]
}

@test "pipelines: a nightly backup of a live database, read back, the last seven kept" {
	local n
	for n in 1 2 3 4 5 6 7 8 9; do
		run_block 4
	done
	[ "$(ls backups/*.sqlite.zst | wc -l)" = 7 ]
	zstd -qdc "$(ls backups/*.sqlite.zst | tail -n 1)" >copy.db
	[ "$(sqlite3 copy.db 'SELECT body FROM note')" = kept ]
}

@test "pipelines: slipway(7) shows the same ones" {
	mandoc -T utf8 "$SLIPWAY_TOP/man/slipway.7" | col -b | tr -s ' \t\n' ' ' >page
	local n
	for n in 1 2 3 4; do
		block "$n" | grep -v '>/dev/null$' | while IFS= read -r line; do
			line=$(tr -s ' \t' ' ' <<<"$line" | sed 's/^ //; s/ $//')
			grep -qF -- "$line" page || { echo "not in slipway(7): $line"; exit 1; }
		done
	done
}
