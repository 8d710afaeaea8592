LIVE_DATABASE=postgres
load ../lib/live
load ../lib/postgres

# The sample with its notes in PostgreSQL; what it has in common with the other form is in app.bats.
setup_file() { pg_start; }
teardown_file() { pg_stop; }

setup() {
	live_setup
	BASE=app_$BATS_TEST_NUMBER
	sql postgres "CREATE DATABASE $BASE"
}

# app_start [KEY=VALUE]... - the program on the host, with an app.conf of these lines; sets PORT and APP_PID
app_start() {
	printf '%s\n' version=1.0.0 schema=1 "$@" >app.conf
	[ -n "${PORT-}" ] || PORT=$(free_port)
	APP_CONF=app.conf DATABASE_URL=$PG_URL/$BASE PORT=$PORT "$SAMPLE_APP" 2>>app.log 3>&- &
	APP_PID=$!
	echo "$APP_PID" >>started.pids
	answers_within 5 /version 1.0.0
}
app_stop() {
	kill -TERM "$APP_PID"
	wait "$APP_PID"
}
status_of() { curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$@"; }
bodies() { sql "$BASE" 'SELECT body FROM note ORDER BY 1'; }

@test "app: in PostgreSQL it keeps the notes that it is sent, each once" {
	app_start
	[ "$(answer /health)" = ok ]
	[ -z "$(answer /rows)" ]
	[ "$(curl -s -d 'buy milk' "http://127.0.0.1:$PORT/rows")" = 1 ]
	[ "$(curl -s -d "it's Brot: zwölf" "http://127.0.0.1:$PORT/rows")" = 2 ]
	[ "$(curl -s -d 'buy milk' "http://127.0.0.1:$PORT/rows")" = 1 ]
	[ "$(answer /rows)" = $'buy milk\nit\'s Brot: zwölf' ]
	app_stop
	[ "$(sql "$BASE" 'SELECT count(*) FROM note')" = 2 ]
}

@test "app: in PostgreSQL a release of schema 2 is unwell until its migrations have run, and makes no tables itself" {
	app_start; app_stop
	app_start schema=2
	[ "$(status_of "http://127.0.0.1:$PORT/health")" = 500 ]
	[ "$(answer /health)" = schema ]
	[ "$(status_of -d one "http://127.0.0.1:$PORT/rows")" = 500 ]
	for f in "$SLIPWAY_TOP"/test/fixtures/app/releases/postgres/v1.1.0/migrations/v1.1.0/*.sql; do psql -Xq -d "$BASE" -f "$f"; done
	[ "$(answer /health)" = ok ]
	curl -s -d one "http://127.0.0.1:$PORT/rows"
	[ "$(sql "$BASE" "SELECT name, made > 0 FROM note JOIN tag ON tag.note = note.id")" = 'new|t' ]
	app_stop
	sql postgres "DROP DATABASE $BASE" "CREATE DATABASE $BASE"
	app_start schema=2
	[ "$(answer /health)" = schema ]
	[ -z "$(sql "$BASE" "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")" ]
	APP_CONF=app.conf PORT=$(free_port) DATABASE_URL=$PG_URL/$BASE run -111 "$SLIPWAY_BUILD/test/app"
}

@test "app: while PostgreSQL is away it answers 503, then it comes back by itself, and what it acknowledged is there" {
	app_start
	writer_start
	sleep 0.7
	pg_as "$PG_BIN/pg_ctl" -D "$PG_HOME/data" -m immediate -w stop >/dev/null
	[ "$(status_of "http://127.0.0.1:$PORT/health")" = 503 ]
	[ "$(status_of -d one "http://127.0.0.1:$PORT/rows")" = 503 ]
	[ "$(answer /version)" = 1.0.0 ]
	pg_launch
	answers_within 5 /health ok
	sleep 0.7
	writer_stop
	[ "$ACKED" -ge 40 ]
	[ "$FAILED" -ge 5 ]
	bodies >there
	[ -z "$(cut -f 2 acked | sort | comm -23 - there)" ]
}

@test "make-repo: with PostgreSQL there are the same releases, and only those differ that say what is different" {
	git clone -q --bare --no-local "$SLIPWAY_BUILD/fixture/sample.git" other.git 2>/dev/null ||
		"$SLIPWAY_TOP/test/fixtures/app/make-repo" other.git "$SLIPWAY_BUILD/test/app"
	diff <(git -C other.git show-ref | cut -d ' ' -f 2) <(git -C "$REPO" show-ref | cut -d ' ' -f 2)
	git -C other.git fetch -q "$REPO" v1.1.0
	git -C other.git diff --name-only v1.1.0 FETCH_HEAD >differ
	diff - differ <<-END
		Dockerfile
		bin/app
		config/slipway.yaml
		docker/docker-compose.prod.yml
		docker/docker-compose.test.yml
		docker/docker-compose.yml
		migrations/v1.1.0/001_made.sql
		migrations/v1.1.0/002_tag.sql
	END
}

@test "make-repo: with PostgreSQL the migrations of v1.3.2 change rows in a first file and fail in the second" {
	app_start; curl -s -d one "http://127.0.0.1:$PORT/rows" >/dev/null; app_stop
	migrate() { git -C "$REPO" show "$1" | psql -Xq -1 -v ON_ERROR_STOP=1 -d "$BASE"; }
	migrate v1.1.0:migrations/v1.1.0/001_made.sql
	migrate v1.1.0:migrations/v1.1.0/002_tag.sql
	migrate v1.3.3:migrations/v1.3.3/001_extra.sql
	[ "$(sql "$BASE" 'SELECT detail FROM extra')" = 'made with 3 bytes' ]
	migrate v1.3.2:migrations/v1.3.2/000.sql
	run -3 migrate v1.3.2:migrations/v1.3.2/001.sql
	[ "$(sql "$BASE" 'SELECT made FROM note')" = 1 ]
}

@test "app: by Compose it runs with a database of its own, which keeps its rows and whose password is in no argument" {
	need_docker
	server_new prod
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT"
	cd "$ROOT/docker"
	local compose=(docker-compose); ! docker compose version >/dev/null 2>&1 || compose=(docker compose)
	compose+=(-p "$NAME" --env-file ../.env -f docker-compose.yml -f docker-compose.prod.yml)
	"${compose[@]}" up -d app
	cd "$BATS_TEST_TMPDIR/here"
	answers_within 15 /health ok
	writer_start
	sleep 1
	beside_state >before
	docker stop -t 20 "$(container_of db)"
	[ "$(docker inspect -f '{{.State.ExitCode}}' "$(container_of db)")" = 0 ]
	[ "$(status_of "http://127.0.0.1:$PORT/health")" = 503 ]
	docker start "$(container_of db)"
	answers_within 15 /health ok
	run -1 diff <(beside_state) before
	docker stop "$(container_of app)"
	writer_stop
	[ "$(docker inspect -f '{{.State.ExitCode}}' "$(container_of app)")" = 0 ]
	[ "$ACKED" -ge 30 ]
	[ -z "$(rows_missing 0 9999999999999999999 "$DB")" ]
	db_sql "$DB" "DELETE FROM note WHERE id = 7"
	[ "$(rows_missing 0 9999999999999999999 "$DB" | wc -l)" = 1 ]
	db_sql postgres "CREATE DATABASE other TEMPLATE template0"
	[ "$(db_leftovers)" = other ]
	[ "$(stat -c %a "$ROOT/.env")" = 600 ]
	! cat /proc/[0-9]*/cmdline 2>/dev/null | grep -qF "$DB_PASSWORD"
	live_cleanup
	[ -z "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME")$(docker network ls -q --filter "name=$NAME")" ]
	[ -z "$(docker image ls -q "$NAME*")$(docker volume ls -q --filter "name=$NAME")" ]
}
