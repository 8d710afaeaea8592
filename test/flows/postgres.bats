load ../lib/live
load ../lib/postgres
load ../lib/interrupt

# The workflow on PostgreSQL, without containers: a cluster of this file's own, a database a test.
setup_file() { pg_start; }
teardown_file() { pg_stop; }
setup() {
	live_setup
	export SLIPWAY_UPDATE__ENGINE=none
	server_new prod
	db=app$BATS_TEST_NUMBER
	export SLIPWAY_DATABASE_URL=$PG_URL/$db
	sql postgres "CREATE DATABASE $db"
	sql "$db" "CREATE TABLE note(id serial PRIMARY KEY, body text NOT NULL UNIQUE); INSERT INTO note(body) VALUES ('first')"
	update --version 1.0.0 2>install.err || { cat install.err; return 1; }
}

version_here() { sed -n 's/^version: "\(.*\)"$/\1/p' "$ROOT/config/.version"; }
dump() { pg_dump "$1" | grep -v '^\\\(un\)\?restrict'; }
databases() { sql postgres "SELECT datname FROM pg_database WHERE datname ~ '$db|slipway' AND datname !~ '^app[0-9]+\$' ORDER BY 1"; }
whole_state() { tree_state "$ROOT" .slipway data; dump "$db"; }
ours() { sql postgres "SELECT datname FROM pg_database WHERE datname LIKE '%$(printf %s "$db" | sha256sum | cut -c 1-16)'"; }
good() { release 1.1.5 --migration "ALTER TABLE note ADD COLUMN made timestamptz;" --migration "CREATE TABLE tag(name text);"; }
# The first file is committed when the second one fails.
bad() { release 1.1.5 --migration "UPDATE note SET body = 'moved'; CREATE TABLE extra(x int);" --migration "SELECT no_such_column FROM note;"; }
# The plan of v1.1.0 on main has SQLite's words in its files: those count as run.
counted() { sql "$db" "SELECT file || ' ' || state FROM slipway.ledger ORDER BY 1"; }
setup_release() { git -C "$REPO" branch -f main v1.0.0; }

@test "update on PostgreSQL: saved, migrated, recorded, and nothing of the restore point is left" {
	setup_release; good
	run -0 --separate-stderr update
	[[ "$stderr" == *'undo comes back to here, a copy in the server'* ]]
	[ "$(version_here)" = 1.1.5 ]
	[ "$(counted)" = $'v1.1.5/001.sql done\nv1.1.5/002.sql done' ]
	[ "$(sql "$db" 'SELECT body FROM note')" = first ]
	[ "$(sql "$db" "SELECT release FROM slipway.ledger LIMIT 1")" = 1.1.5 ]
	[ -z "$(ours)" ]
	[ ! -e "$ROOT/.slipway/current" ]
	ls backups/*.pgdump.zst
	[[ "$stderr" != *canary* ]]
	[ -z "$(grep -rl canary "$ROOT/.slipway" backups)" ] # the password is nowhere
}

@test "update on PostgreSQL: a migration that fails is taken back to the restore point, with owner, rights and settings" {
	setup_release; bad
	sql postgres "ALTER DATABASE $db SET work_mem = '7MB'" "COMMENT ON DATABASE $db IS 'ours'" "REVOKE CONNECT ON DATABASE $db FROM PUBLIC"
	about() { sql postgres "SELECT ARRAY(SELECT a::text FROM unnest(datacl) a ORDER BY 1), shobj_description(oid, 'pg_database'), datallowconn, datconnlimit, (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '$db'"; }
	whole_state >before; about >about.before
	run -111 --separate-stderr update
	[[ "$stderr" == *'step migrate failed: v1.1.5/002.sql:1: column "no_such_column" does not exist'* ]] || { echo "$stderr"; false; }
	[[ "$stderr" == *'everything is as before'* ]]
	whole_state | diff before -
	about | diff about.before -
	[ -z "$(ours)" ] && [ "$(version_here)" = 1.0.0 ]
}

@test "update on PostgreSQL: update.restore_point dump: the same from a file" {
	setup_release; bad
	whole_state >before
	SLIPWAY_UPDATE__RESTORE_POINT=dump run -111 --separate-stderr update
	[[ "$stderr" == *'everything is as before'* ]]
	! grep -r 'a copy in the server' "$ROOT"/.slipway/runs/*/log
	whole_state | diff before -
	[ -z "$(ours)" ]
}

@test "update on PostgreSQL: somebody else is connected: the restore point is a dump, and he stays" {
	setup_release; good
	psql -Xq -d "$db" -c "SET application_name = 'report'; SELECT pg_sleep(60)" 3>&- &
	local pid=$!
	until [ -n "$(sql postgres "SELECT 1 FROM pg_stat_activity WHERE application_name = 'report' AND datname = '$db'")" ]; do sleep 0.1; done
	run -0 --separate-stderr update
	[[ "$stderr" == *'undo comes back to here, a dump'* ]] || { echo "$stderr"; false; }
	kill -0 "$pid"
	kill "$pid"
	[ -z "$(ours)" ]
}

@test "update on PostgreSQL: update.restore_point none: what has run stays, and undo says that it cannot" {
	setup_release; bad
	export SLIPWAY_UPDATE__RESTORE_POINT=none
	run -0 update -n
	[[ "$output" == *'no restore point'* ]]
	run -112 --separate-stderr update
	[[ "$stderr" == *'update.restore_point: none has left no way back'* ]] || { echo "$stderr"; false; }
	[ "$(sql "$db" 'SELECT body FROM note')" = moved ]
	run -112 slipway -C "$ROOT" undo -y --allow set-aside
	# Once the cause is gone, resume goes on.
	release 1.1.6 --migration 'SELECT 1;'
	printf 'SELECT 1;\n' >"$ROOT/.slipway/runs/$(cat "$ROOT/.slipway/current")/migrations/v1.1.5/002.sql"
	run -112 slipway -C "$ROOT" resume # an undo that has begun is not turned round
}

@test "update on PostgreSQL: update.restore_point none: a first file that fails has cost nothing" {
	setup_release
	release 1.1.5 --migration "SELECT no_such_column FROM note;"
	whole_state >before
	SLIPWAY_UPDATE__RESTORE_POINT=none run -111 --separate-stderr update
	[[ "$stderr" == *'everything is as before'* ]]
	whole_state | grep -v -i 'slipway\|ledger' >after
	[ "$(sql "$db" 'SELECT body FROM note')" = first ]
	[ "$(version_here)" = 1.0.0 ]
}

@test "update on PostgreSQL: a role that could not bring the database back is told before anything stops" {
	setup_release; good
	sql postgres "CREATE ROLE plain$db LOGIN PASSWORD 'canary'" "ALTER DATABASE $db OWNER TO plain$db"
	sql "$db" "ALTER TABLE note OWNER TO plain$db" "GRANT ALL ON SCHEMA public TO plain$db"
	export SLIPWAY_DATABASE_URL=postgresql://plain$db:canary@127.0.0.1:$PGPORT/$db
	whole_state >before
	fails_with 100 'could not bring the database back' update
	whole_state | diff before -
	sql postgres "ALTER ROLE plain$db CREATEDB"
	run -0 update
	[ "$(version_here)" = 1.1.5 ]
}

@test "update on PostgreSQL: no such database, no server, a wrong password: one clear line, nothing changed" {
	setup_release; good
	whole_state >before
	SLIPWAY_DATABASE_URL=$PG_URL/none_$db run -100 --separate-stderr update
	[[ "$stderr" == *"there is no database 'none_$db' on 127.0.0.1"* ]] || { echo "$stderr"; false; }
	SLIPWAY_DATABASE_URL=postgresql://postgres:canary@127.0.0.1:1/$db run -111 --separate-stderr update
	[[ "$stderr" == *'cannot connect to the database'* ]]
	SLIPWAY_DATABASE_URL=postgresql://postgres:wrong-secret@127.0.0.1:$PGPORT/$db run -111 --separate-stderr update
	[[ "$stderr" == *'password authentication failed'* ]] && [[ "$stderr" != *wrong-secret* ]]
	whole_state | diff before -
}

@test "update on PostgreSQL: killed behind the migrations, undo sets aside what was written since" {
	setup_release; good
	journal_overlay
	whole_state >before
	killed_at 'done step=version' update
	sql "$db" "INSERT INTO note(body) VALUES ('since')"
	fails_with 100 'would be set aside' slipway -C "$ROOT" undo -y
	run -0 --separate-stderr slipway -C "$ROOT" undo -y --allow set-aside
	[[ "$stderr" == *"what was written since is in database ${db}_set_aside_"* ]]
	whole_state | diff before -
	[ "$(sql "$(sql postgres "SELECT datname FROM pg_database WHERE datname LIKE '${db}\\_set\\_aside\\_%'")" 'SELECT body FROM note ORDER BY id')" = $'first\nsince' ]
	[ -z "$(ours)" ]
}
