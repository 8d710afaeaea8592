load ../lib/live
load ../lib/interrupt

# Without containers, so that what is tested is the workflow itself. The sample makes its first table itself.
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	sqlite3 "$DB" "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
}

install_1_0() { update --version 1.0.0 2>install.err || { cat install.err; return 1; }; }
version_here() { sed -n 's/^version: "\(.*\)"$/\1/p' "$ROOT/config/.version"; }
whole_state() { tree_state "$ROOT" .slipway data; db_dump "$DB"; }

@test "update: brings a server from nothing to a release, and from there to the newest" {
	update --version 1.0.0
	[ "$(version_here)" = 1.0.0 ]
	[ "$(cat "$ROOT/app/main.txt")" = 'Notes 1.0.0' ]
	update
	[ "$(version_here)" = 1.1.0 ]
	grep -qx 'release: true' "$ROOT/config/.version"
	[ "$(cat "$ROOT/app/main.txt")" = 'Notes 1.1.0' ]
	[ "$(sqlite3 "$DB" 'SELECT file FROM slipway_ledger ORDER BY 1' | wc -l)" = 2 ]
	sqlite3 "$DB" 'SELECT made FROM note; SELECT name FROM tag'
	[ "$(jq -r '"\(.n) \(.version) \(.env) \(.state)"' "$ROOT/.slipway/generations/2.json")" = '2 1.1.0 prod good' ]
	[ "$(jq -r .commit "$ROOT/.slipway/generations/2.json")" = "$(git -C "$REPO" rev-parse 'v1.1.0^{commit}')" ]
	[ ! -e "$ROOT/.slipway/current" ]
}

@test "update: local files keep content, mode, owner and mtime" {
	local path
	stat_local() { (cd "$ROOT" && stat -c '%n %a %u:%g %Y %y %i' config/settings.yaml "config/tenant/tenant_1/bot config.yaml" docker/postgresql.prod.conf 'local notes.txt' .env
		sha256sum config/settings.yaml config/tenant/tenant_1/* docker/postgresql.prod.conf 'local notes.txt' .env); }
	stat_local >before
	install_1_0; stat_local | diff before -
	update; stat_local | diff before -
}

@test "update: -n prints the plan on stdout and changes nothing" {
	install_1_0
	whole_state >before
	run -0 --separate-stderr update -n
	whole_state | diff before -
	[[ "$output" == *'release     1.0.0 -> 1.1.0 (tag v1.1.0'* ]]
	[[ "$output" == *'A app/new/page.txt'* ]]
	[[ "$output" == *'D app/'* ]]
	[[ "$output" == *'K config/settings.yaml  ('*'config/settings.yaml'*')'* ]]
	[[ "$output" == *'K docker/postgresql.prod.conf  ('*'docker/postgresql.*.conf'* ]]
	[[ "$output" == *'v1.1.0/001_made.sql'* ]]
	[[ "$output" =~ 'space '.*' MB needed, '.*' MB free' ]]
	[ -z "$(ls -A "$ROOT/.slipway/runs" | grep -v "$(jq -r .run "$ROOT/.slipway/generations/1.json")")" ]
}

@test "update: already newest is status 1, and only the mirror is written" {
	install_1_0; update
	tree_state "$ROOT" >before
	ls -R backups >backups.before
	run -1 update
	diff <(grep -v '^.slipway/repo\|^.slipway/lock\|\.slipway	\|slipway/runs	\|  ./.slipway/repo\|  ./.slipway/lock' before) \
		<(tree_state "$ROOT" | grep -v '^.slipway/repo\|^.slipway/lock\|\.slipway	\|slipway/runs	\|  ./.slipway/repo\|  ./.slipway/lock')
	ls -R backups | diff backups.before -
}

@test "update: without an environment and without anybody to ask it is status 100" {
	run -100 --separate-stderr slipway -C "$ROOT" update -y
	[[ "$stderr" == *'which environment?'* ]]
	run -100 --separate-stderr slipway -C "$ROOT" update -e dev -y
	[[ "$stderr" == *"there is no environment 'dev'"* ]]
}

@test "update: ENVIRONMENT in .env chooses the environment" {
	echo ENVIRONMENT=prod >>"$ROOT/.env"
	slipway -C "$ROOT" update -y --version 1.0.0
	[ "$(cat "$ROOT/.slipway/env")" = prod ]
}

@test "update: a directory's environment is fixed by its first update" {
	install_1_0
	whole_state >before
	run -100 --separate-stderr slipway -C "$ROOT" update -e test -y
	[[ "$stderr" == *'this directory is prod, not test'* ]]
	whole_state | diff before -
}

@test "update: nobody to confirm and no -y is status 100, with nothing changed" {
	whole_state >before
	run -100 --separate-stderr slipway -C "$ROOT" update -e prod </dev/null
	[[ "$stderr" == *'nobody is there to confirm the plan'* ]]
	whole_state | diff before -
}

@test "update: a person at a terminal is asked, and no means no" {
	whole_state >before
	run -1 script -qec "slipway -C '$ROOT' update -e prod --version 1.0.0" /dev/null <<<n
	[[ "$output" == *'Go on? [y/N]'* ]]
	whole_state | diff before -
	run -0 script -qec "slipway -C '$ROOT' update -e prod --version 1.0.0" /dev/null <<<y
	[ "$(version_here)" = 1.0.0 ]
}

@test "update: --choose offers the releases and takes one" {
	run -0 script -qec "slipway -C '$ROOT' update -e prod -y --choose" /dev/null <<<1.0.0
	[[ "$output" == *1.1.0* ]]
	[ "$(version_here)" = 1.0.0 ]
}

@test "update: an unknown version, also one that looks like an option or a command, is only text" {
	local v
	for v in 9.9.9 --upload-pack=x '$(touch hit)' 'v1.0.0; touch hit'; do
		run -100 --separate-stderr update --version "$v"
		[[ "$stderr" == *"there is no version '$v'"* ]] || [[ "$stderr" == *"'$v'"* ]]
	done
	[ ! -e hit ] && [ ! -e "$ROOT/hit" ]
}

@test "slipway: the menu shows the entries that exist under the seed's numbers, and runs them" {
	run -0 script -qec "slipway -C '$ROOT'" /dev/null <<<$'s\nq'
	[[ "$output" == *'2. 🔄 Server Update'* ]]
	[[ "$output" != *'1. '* ]]
	[[ "$output" == *'nothing installed'* ]]
}

@test "slipway: finds the server directory from a folder below, and says when there is none" {
	cd "$ROOT/config/tenant"
	run -0 slipway status
	[[ "$output" == *"$ROOT"* ]]
	cd /
	run -100 slipway status
	[[ "$output" == *'no slipway configuration'* ]]
	run -100 slipway -C "$BATS_TEST_TMPDIR/here" status
	run -100 slipway nonsense
	[[ "$output" == *"there is no verb 'nonsense'"* ]]
	run -0 slipway -h
	run -0 slipway update -h
	run -100 slipway update --no-such
}

# ---- baselines ----

@test "baseline: a first install stops at an existing file that differs" {
	mkdir -p "$ROOT/app"
	echo mine >"$ROOT/app/main.txt"
	whole_state >before
	run -100 --separate-stderr update --version 1.0.0
	[[ "$stderr" == *"app/main.txt"* ]]
	whole_state | diff before -
}

@test "baseline: an adopted directory counts the tree at its version's tag as delivered" {
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT" --exclude config --exclude docs --exclude tests --exclude docker/postgresql.prod.conf
	printf 'version: "1.0.0"\nrelease: true\n' >"$ROOT/config/.version"
	echo 'by hand' >>"$ROOT/app/greeting.txt"
	removed=$(git -C "$REPO" diff --no-renames --name-only --diff-filter=D v1.0.0 v1.1.0 -- app | head -n 1)
	[ -e "$ROOT/$removed" ]
	git -C "$REPO" rev-parse v1.1.0 >/dev/null
	release 1.1.1 --file app/greeting.txt 'hello again'
	update
	[ ! -e "$ROOT/$removed" ]
	[ "$(cat "$ROOT/app/greeting.txt")" = 'hello again' ]
	[ "$(tail -n 1 "$ROOT/app/greeting.txt.slipway-local")" = 'by hand' ]
	[ "$(sqlite3 "$DB" 'SELECT body FROM note')" = first ]
}

@test "baseline: adopted without its tag, replaced files are backed up and none is removed" {
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT" --exclude config --exclude docs --exclude tests --exclude docker/postgresql.prod.conf
	printf 'version: "0.9.7"\nrelease: true\n' >"$ROOT/config/.version"
	removed=$(git -C "$REPO" diff --no-renames --name-only --diff-filter=D v1.0.0 v1.1.0 -- app | head -n 1)
	cp "$ROOT/app/main.txt" main.before
	update
	[ -e "$ROOT/$removed" ]
	[ "$(cat "$ROOT/app/main.txt")" = 'Notes 1.1.0' ]
	mkdir unpacked
	zstd -qdc backups/*.files.tar.zst | tar -x -C unpacked
	cmp unpacked/app/main.txt main.before
}

@test "baseline: a moved tag is named with both commits, and -y does not allow it" {
	install_1_0; update
	old=$(git -C "$REPO" rev-parse 'v1.1.0^{commit}')
	git clone -q "$REPO" work
	echo moved >work/app/main.txt
	git -C work commit -qam moved
	git -C work tag -f v1.1.0
	git -C work push -qf origin main v1.1.0
	new=$(git -C "$REPO" rev-parse 'v1.1.0^{commit}')
	[ "$old" != "$new" ]
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *"${old:0:12}"*"${new:0:12}"* ]]
	whole_state | diff before -
	run -100 script -qec "slipway -C '$ROOT' update -e prod" /dev/null <<<no
	whole_state | diff before -
	update --allow moved-tag
	[ "$(cat "$ROOT/app/main.txt")" = moved ]
}

@test "baseline: a lower version is refused and hints at a rollback" {
	install_1_0; update
	whole_state >before
	run -100 --separate-stderr update --version 1.0.0
	[[ "$stderr" == *'lower than the 1.1.0'*rollback* ]]
	whole_state | diff before -
}

@test "baseline: an untagged tip is refused and names the nearest tag" {
	install_1_0
	release 1.1.5 --no-tag
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *'has no version tag'*v1.1.0* ]]
	whole_state | diff before -
}

@test "baseline: a merge commit with the tree of a tagged one is that version" {
	install_1_0
	git clone -q "$REPO" work
	git -C work checkout -q -b topic v1.0.0
	echo x >work/x; git -C work add x; git -C work commit -qm x
	git -C work checkout -q main
	git -C work merge -q -s ours -m merge topic
	git -C work push -q origin main
	update
	[ "$(version_here)" = 1.1.0 ]
	[ "$(jq -r .commit "$ROOT/.slipway/generations/2.json")" = "$(git -C "$REPO" rev-parse main)" ]
	run -1 update
}

# ---- whole or not at all ----

@test "update: a file changed by hand is kept beside the new one, and the edited configuration stays" {
	install_1_0
	echo 'by hand' >"$ROOT/app/main.txt"
	echo '# edited' >>"$ROOT/config/slipway.yaml"
	update
	[ "$(cat "$ROOT/app/main.txt")" = 'Notes 1.1.0' ]
	[ "$(cat "$ROOT/app/main.txt.slipway-local")" = 'by hand' ]
	[ "$(tail -n 1 "$ROOT/config/slipway.yaml")" = '# edited' ]
	cmp "$ROOT/config/slipway.yaml.slipway-new" <(git -C "$REPO" show v1.1.0:config/slipway.yaml)
}

@test "update: an untouched configuration is delivered, and the release is read by its presets" {
	install_1_0
	release 1.1.5 --file plugins/one.txt one --run "sed -i 's/include: \[app\//include: [plugins\/, app\//' config/slipway.yaml"
	update
	[ "$(cat "$ROOT/plugins/one.txt")" = one ]
}

@test "update: a failed migration puts files, version and database back" {
	install_1_0; update
	release 1.1.5 --file app/greeting.txt new --migration 'ALTER TABLE note ADD COLUMN x; INSERT INTO note(body) VALUES (1/0); UPDATE note SET body = NULL;'
	whole_state >before
	run -111 --separate-stderr update
	[ -z "$output" ]
	[[ "$stderr" == *'step migrate failed: '*v1.1.5/001.sql*'; log: '*.slipway/runs/*/log* ]]
	whole_state | diff before -
	run -1 slipway -C "$ROOT" resume
}

@test "update: a backup that cannot be read back ends it before anything is touched" {
	install_1_0
	whole_state >before
	mkdir overlay
	cat >overlay/db-backup <<-EOF
		#!/bin/sh
		case "\$*" in *save*) echo 'db-backup: cannot read the backup back: its content differs' >&2; exit 111 ;; esac
		exec "$SLIPWAY_BIN/db-backup" "\$@"
	EOF
	chmod +x overlay/db-backup
	for tool in "$SLIPWAY_BIN"/*; do [ -e "overlay/${tool##*/}" ] || ln -s "$tool" overlay/; done
	SLIPWAY_BIN=$PWD/overlay run -111 --separate-stderr update
	[[ "$stderr" == *'step backup failed: cannot read the backup back'* ]]
	whole_state | diff before -
}

@test "update: a backup that was damaged before the resume ends it before anything is touched" {
	local id
	install_1_0
	whole_state >before
	journal_overlay
	killed_at 'begin step=backup' update
	id=$(cat "$ROOT/.slipway/current")
	SLIPWAY_DATABASE_URL=sqlite:$DB db-backup -d backups save "$id"
	printf X | dd of="backups/$id.sqlite.zst" bs=1 seek=100 conv=notrunc status=none
	run -111 --separate-stderr slipway -C "$ROOT" resume
	[[ "$stderr" == *'step backup failed: '*'damaged'* ]] || { echo "$stderr"; false; }
	whole_state | diff before -
}

@test "update: a tar that is not GNU's is said before anything is done" {
	install_1_0
	whole_state >before
	mkdir other && ln -s "$SLIPWAY_BIN"/* other/
	ln -sf "$(command -v busybox)" other/tar
	SLIPWAY_BIN=$PWD/other run -100 --separate-stderr update
	[[ "$stderr" == *'the backup of the files needs GNU tar'* ]]
	whole_state | diff before -
}

@test "update: an unreachable repository, an unknown branch: nothing is changed" {
	install_1_0
	whole_state >before
	REPO_URL=$PWD/no-such run -100 --separate-stderr update
	REPO_URL=https://localhost:1/x.git run -111 --separate-stderr update
	[[ "$stderr" == *'nothing was changed'* ]]
	SLIPWAY_SERVER_UPDATE__REPOSITORY__BRANCHES__PROD=none run -100 --separate-stderr update
	[[ "$stderr" == *"none"* ]]
	whole_state | diff before -
}

@test "update: a hostile tree is refused by name, with nothing changed" {
	install_1_0
	blob=$(echo x | git -C "$REPO" hash-object -w --stdin)
	tree=$(printf '100644 blob %s\tA.txt\n100644 blob %s\ta.txt\n120000 blob %s\tlink\n' "$blob" "$blob" "$(printf /etc/passwd | git -C "$REPO" hash-object -w --stdin)" | git -C "$REPO" mktree)
	commit=$(git -C "$REPO" commit-tree -p main -m hostile "$tree")
	git -C "$REPO" update-ref refs/heads/main "$commit"
	git -C "$REPO" tag v2.0.0 "$commit"
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *a.txt* ]]
	[[ "$stderr" == *link* ]]
	whole_state | diff before -
}

@test "update: data loss that a migration is marked with needs to be allowed by name" {
	install_1_0; update
	release 1.1.5 --migration $'-- slipway: hazard data-loss drops the old names\nDROP TABLE tag;'
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *'data-loss'*'--allow data-loss'* ]]
	whole_state | diff before -
	update --allow data-loss
	[ "$(version_here)" = 1.1.5 ]
}

@test "update: migration_settings.allow stands for --allow" {
	install_1_0; update
	release 1.1.5 --migration $'-- slipway: hazard data-loss drops the old names\nDROP TABLE tag;'
	printf 'migration_settings:\n  allow: [data-loss]\n' >more.yaml
	python3 - "$ROOT/config/slipway.yaml" <<-'EOF'
		import sys
		p = sys.argv[1]; s = open(p).read()
		open(p, "w").write(s.replace("migrations_dir: migrations", "migrations_dir: migrations\n  allow: [data-loss]"))
	EOF
	update
	[ "$(version_here)" = 1.1.5 ]
}

@test "update: an environment of its own, an edited or a new migration folder of a lower release, is seen by the ledger" {
	install_1_0; update
	release 1.1.5 --file migrations/v1.0.5/late.sql 'CREATE TABLE late(x);'
	update
	sqlite3 "$DB" 'SELECT x FROM late'
	release 1.1.6 --file migrations/v1.1.0/002_tag.sql 'CREATE TABLE other(x);'
	whole_state >before
	run -100 --separate-stderr update
	[[ "$stderr" == *002_tag.sql* ]]
	whole_state | diff before -
}

@test "update: two at once: the second ends within a second with 111, and the pid and start time of the first" {
	install_1_0
	release 1.1.5 --migration "$(printf 'CREATE TABLE big AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 20000000) SELECT max(x) AS m FROM c;')"
	update >first.out 2>&1 3>&- &
	first=$!
	for _ in {1..200}; do [ -e "$ROOT/.slipway/current" ] && break; sleep 0.05; done
	start=$(date +%s%N)
	run -111 --separate-stderr update
	[ $(($(date +%s%N) - start)) -lt 1000000000 ]
	pid=$(sed 's/ .*//' "$ROOT/.slipway/lock")
	[[ "$stderr" == *"pid $pid since 20"*": update"* ]]
	[ "$(readlink "/proc/$pid/exe")" != '' ]
	wait "$first"
	[ "$(version_here)" = 1.1.5 ]
}

@test "update: too little space is said before anything is touched" {
	install_1_0
	whole_state >before
	mkdir small
	mount -t tmpfs -o size=8k tmpfs small
	SLIPWAY_SERVER_UPDATE__SETTINGS__BACKUP_DIR=$PWD/small run -111 --separate-stderr update
	umount small
	[[ "$stderr" == *'not enough space for backups: '*' MB needed, '*' MB free'* ]]
	whole_state | diff before -
}

@test "update: keys of the old tool that contradict it are accepted with one note each" {
	printf '%s\n' 'deploy_settings: {temp_directory: "E:/temp"}' >>"$ROOT/config/slipway.yaml"
	run -0 --separate-stderr update --version 1.0.0
	[ "$(grep -c 'note: deploy_settings.temp_directory' <<<"$stderr")" = 1 ]
	sed -i 's/migrations_dir: migrations/&\n  auto_backup: False/' "$ROOT/config/slipway.yaml"
	run -0 --separate-stderr update
	[ "$(grep -c 'note: migration_settings.auto_backup' <<<"$stderr")" = 1 ]
	[ -n "$(ls backups)" ]
}

@test "update: a release that says its database is elsewhere is stopped until that is allowed by name" {
	install_1_0; update
	release 1.1.5 --run "sed -i 's|sqlite:///data/app.db|sqlite:///data/other.db|' config/slipway.yaml"
	whole_state >before
	run -0 update -n
	[[ "$output" == *"moved       the configuration of 1.1.5 has data/other.db instead of 'data/app.db'"* ]]
	run -100 --separate-stderr update
	[[ "$stderr" == *"has data/other.db instead of 'data/app.db'"*'--allow moved-database'* ]]
	whole_state | diff before -
	release 1.1.6 --run "sed -i 's|sqlite:///data/other.db|sqlite:///./data/app.db|' config/slipway.yaml" # the same file
	update
	release 1.1.7 --run "sed -i 's|sqlite:///./data/app.db|sqlite:///data/other.db|' config/slipway.yaml"
	sqlite3 "$ROOT/data/other.db" 'CREATE TABLE here(x)'
	update --allow moved-database
	zstd -qdc "$(ls -t backups/*.sqlite.zst | head -n 1)" >saved.db
	sqlite3 saved.db 'SELECT x FROM here'
}

@test "status: says what runs, what was changed by hand and what is unfinished" {
	install_1_0
	run -0 slipway -C "$ROOT" status
	[[ "$output" == *'1.0.0, generation 1 of 20'* ]]
	[[ "$output" == *'as delivered'* ]]
	echo x >>"$ROOT/app/main.txt"; rm "$ROOT/app/greeting.txt"
	run -0 slipway -C "$ROOT" status
	[[ "$output" == *'app/main.txt'* ]]
	[[ "$output" == *'app/greeting.txt (gone)'* ]]
}
