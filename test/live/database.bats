LIVE_DATABASE=postgres
load ../lib/live

# The database as a service of the project: made once, never touched, and served by its own programs where ours are old.
setup() {
	live_setup
	need_docker
	export SLIPWAY_UPDATE__HEALTH__SOAK=1
	server_new prod
}

# The host's programs are of a version that no server speaks to any more.
old_programs() {
	mkdir -p old
	for program in pg_dump pg_dumpall pg_restore; do
		printf '#!/bin/sh\n[ "$1" != --version ] || { echo "%s (PostgreSQL) 9.6.24"; exit 0; }\necho too old >&2; exit 1\n' "$program" >"old/$program"
		chmod +x "old/$program"
	done
	PATH=$PWD/old:$PATH
}

@test "database: the first update makes its service before the migrations, and none touches it again" {
	update --version 1.0.0
	assert_server_is v1.0.0
	grep -q '^beside .*started: db$' "$ROOT"/.slipway/runs/*/log
	beside_state >before
	release 1.1.1 --migration 'CREATE TABLE further(x int);'
	update
	beside_state | diff before -
	! grep '^beside' "$ROOT/.slipway/runs/$(jq -r .run "$ROOT/.slipway/generations/2.json")/log"
	[ -z "$(db_leftovers)" ]
}

@test "database: a first update that fails takes the service away again, and keeps its volume" {
	run -111 update --version 1.3.2
	[[ "$output" == *'step migrate failed'* ]]
	[ -z "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME")" ]
	[ -n "$(docker volume ls -q --filter "label=com.docker.compose.project=$NAME")" ]
	update --version 1.0.0
	assert_server_is v1.0.0
}

@test "database: programs of the host that are too old give way to those of its container" {
	server_install v1.0.0
	answer /health
	curl -sf -d 'a note' "http://127.0.0.1:$PORT/rows"
	old_programs
	remember
	SLIPWAY_UPDATE__RESTORE_POINT=dump run -111 update --version 1.3.2
	[[ "$output" == *'everything is as before'* ]]
	assert_as_before
	update
	assert_server_is v1.1.0
	PATH=${PATH#*old:}
	zstd -q -d "$(ls -t backups/*.pgdump.zst | head -n 1)" -o archive
	pg_restore -f - archive | grep -q 'a note'
	grep -q '^pg_dump: 15' backups/*.meta
	grep -q 'CREATE ROLE notes' backups/*.roles.sql
	[ -z "$(grep -rl "$DB_PASSWORD" "$ROOT/.slipway" backups)" ]
}

@test "database: published on loopback, its container is found by the port" {
	local port
	release 1.0.1 --branch side --from v1.0.0
	server_install v1.0.0
	port=$(free_port)
	docker run -d --label "com.docker.compose.project=$NAME" --label com.docker.compose.service=other --label com.docker.compose.oneoff=False \
		-e POSTGRES_PASSWORD="$DB_PASSWORD" -e POSTGRES_USER=notes -e POSTGRES_DB=notes -p "127.0.0.1:$port:5432" slipway-test/postgres:15 >other.id
	PGPASSWORD=$DB_PASSWORD; export PGPASSWORD
	timeout 30 sh -c "until psql -qAtX -h 127.0.0.1 -p $port -U notes -c 'SELECT 1' notes; do sleep 0.2; done" >/dev/null 2>&1
	psql -qX -h 127.0.0.1 -p "$port" -U notes -c 'CREATE TABLE elsewhere(x int)' notes
	unset PGPASSWORD
	old_programs
	SLIPWAY_DATABASE_URL=postgresql://notes:$DB_PASSWORD@127.0.0.1:$port/notes update --version 1.0.1
	PATH=${PATH#*old:}
	zstd -q -d "$(ls -t backups/*.pgdump.zst | head -n 1)" -o archive
	pg_restore -f - archive | grep -q 'TABLE public.elsewhere'
}

@test "database: its service does not run: one clear line, and nothing is touched" {
	server_install v1.0.0
	docker stop "$(container_of db)" >/dev/null
	run -111 --separate-stderr update
	[[ "$stderr" == *"the service 'db', which holds the database, does not run"* ]]
	[ "$(docker inspect -f '{{.State.Running}}' "$(container_of app)")" = true ]
	[ ! -e "$ROOT/.slipway/current" ]
}
