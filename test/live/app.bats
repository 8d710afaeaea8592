load ../lib/live

# app_start [KEY=VALUE]... - the program on the host, with an app.conf of these lines; sets PORT, DB and APP_PID
app_start() {
	printf '%s\n' version=1.0.0 schema=1 "$@" >app.conf
	DB=$PWD/app.db
	[ -n "${PORT-}" ] || PORT=$(free_port)
	APP_CONF=app.conf DATABASE=$DB PORT=$PORT "$SAMPLE_APP" 2>>app.log 3>&- &
	APP_PID=$!
	echo "$APP_PID" >>started.pids
	for _ in {1..100}; do
		! (exec 4<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || return 0
		sleep 0.02
	done
	cat app.log
	return 1
}

# app_stop [SIGNAL]: the status of the program is the status of this
app_stop() {
	kill "-${1:-TERM}" "$APP_PID"
	wait "$APP_PID"
}

status_of() { curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$@"; }

# raw TEXT - bytes to the port as they are, all that comes back on stdout
raw() {
	exec 4<>"/dev/tcp/127.0.0.1/$PORT"
	printf '%b' "$1" >&4
	timeout 5 cat <&4
	exec 4>&-
}

@test "app: keeps the notes that it is sent, each once, and says its version" {
	app_start
	[ "$(answer /health)" = ok ]
	[ "$(answer /version)" = 1.0.0 ]
	[ -z "$(answer /rows)" ]
	[ "$(curl -s -d 'buy milk' "http://127.0.0.1:$PORT/rows")" = 1 ]
	[ "$(curl -s -d 'Brot kaufen: zwölf' "http://127.0.0.1:$PORT/rows")" = 2 ]
	[ "$(curl -s -d 'buy milk' "http://127.0.0.1:$PORT/rows")" = 1 ]
	[ "$(answer /rows)" = $'buy milk\nBrot kaufen: zwölf' ]
	app_stop
	[ "$(sqlite3 app.db 'SELECT count(*) FROM note')" = 2 ]
}

@test "app: what it does not understand gets 400, 404, 405, 411, 413, 431 or 501" {
	app_start
	local url=http://127.0.0.1:$PORT
	[ "$(status_of "$url/no")" = 404 ]
	[ "$(status_of -X PUT "$url/rows")" = 405 ]
	[ "$(status_of -d '' "$url/rows")" = 400 ]
	[ "$(status_of -d $'two\nlines' "$url/rows")" = 400 ]
	[ "$(status_of "$url/slow?ms=x")" = 400 ]
	[ "$(status_of -d "$(printf '%01024d' 1)" "$url/rows")" = 200 ]
	[ "$(status_of -d "$(printf '%01025d' 1)" "$url/rows")" = 413 ]
	[ "$(status_of -H "X: $(printf '%09000d' 1)" "$url/")" = 431 ]
	[ "$(status_of -H 'Transfer-Encoding: chunked' -d x "$url/rows")" = 501 ]
	[[ "$(raw 'POST /rows HTTP/1.1\r\nConnection: close\r\n\r\n')" == 'HTTP/1.1 411 '* ]]
	[[ "$(raw 'POST /rows HTTP/1.1\r\nContent-Length: -1\r\n\r\n')" == 'HTTP/1.1 400 '* ]]
	[[ "$(raw 'POST /rows HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx')" == 'HTTP/1.1 400 '* ]]
	[[ "$(raw 'hello\r\n\r\n')" == 'HTTP/1.1 400 '* ]]
	[[ "$(raw 'GET /version HTTP/1.1\r\nX\0: y\r\n\r\n')" == 'HTTP/1.1 400 '* ]]
	[ "$(answer /health)" = ok ]
}

@test "app: HEAD has the length without the body, and a kept connection answers one request after the other" {
	app_start
	run -0 raw 'HEAD /version HTTP/1.1\r\nConnection: close\r\n\r\n'
	[[ "$output" == *'Content-Length: 6'* && "$output" != *1.0.0* ]]
	run -0 raw 'GET /version HTTP/1.1\r\n\r\nPOST /rows HTTP/1.1\r\nContent-Length: 3\r\n\r\noneGET /rows HTTP/1.0\r\n\r\n'
	[ "$(grep -c '^HTTP/1.1 200' <<<"$output")" = 3 ]
	[[ "$output" == *one ]]
}

@test "app: SIGTERM ends it with 0: the request in flight is answered, a new one refused, the database closed" {
	app_start
	curl -s -d one "http://127.0.0.1:$PORT/rows" >/dev/null
	[ -e app.db-wal ]
	curl -s "http://127.0.0.1:$PORT/slow?ms=800" >slow &
	local slow=$!
	sleep 0.3
	kill -TERM "$APP_PID"
	sleep 0.2
	run -7 curl -s "http://127.0.0.1:$PORT/version"
	wait "$slow"
	[ "$(cat slow)" = slow ]
	wait "$APP_PID"
	[ ! -e app.db-wal ]
	grep -q 'stopped, 0 requests cut' app.log
}

@test "app: SIGINT does the same, and requests that last longer than drain are cut" {
	app_start drain=1
	curl -s "http://127.0.0.1:$PORT/slow?ms=9000" >slow &
	sleep 0.3
	SECONDS=0
	app_stop INT
	[ "$SECONDS" -le 3 ]
	grep -q 'stopped, 1 requests cut' app.log
}

@test "app: an idle kept connection does not delay the stop" {
	app_start
	exec 4<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'GET /version HTTP/1.1\r\n\r\n' >&4
	sleep 0.2
	SECONDS=0
	app_stop
	[ "$SECONDS" -le 1 ]
	exec 4>&-
}

@test "app: a release of schema 2 is unwell until its migrations have run, and makes no tables itself" {
	app_start; app_stop
	app_start schema=2
	[ "$(status_of "http://127.0.0.1:$PORT/health")" = 500 ]
	[ "$(answer /health)" = schema ]
	[ "$(status_of -d one "http://127.0.0.1:$PORT/rows")" = 500 ]
	for f in "$SLIPWAY_TOP"/test/fixtures/app/releases/v1.1.0/migrations/v1.1.0/*.sql; do sqlite3 app.db <"$f"; done
	[ "$(answer /health)" = ok ]
	[ "$(curl -s -d one "http://127.0.0.1:$PORT/rows")" = 1 ]
	[ "$(sqlite3 app.db "SELECT name, made > 0 FROM note JOIN tag ON tag.note = note.id")" = 'new|1' ]
	app_stop
	rm app.db
	app_start schema=2
	[ "$(answer /health)" = schema ]
	[ -z "$(sqlite3 app.db .schema)" ]
}

@test "app: -check says by its status whether an address answers 200" {
	app_start
	run -0 "$SAMPLE_APP" -check "http://127.0.0.1:$PORT/health"
	run -1 "$SAMPLE_APP" -check "http://127.0.0.1:$PORT/no"
	run -1 "$SAMPLE_APP" -check http://127.0.0.1:1/health
	run -1 "$SAMPLE_APP" -check ftp://x
	run -100 "$SAMPLE_APP" -x
	printf 'colour=red\n' >bad.conf
	APP_CONF=bad.conf run -100 "$SAMPLE_APP"
}

@test "app: fault 500 takes connections and answers 500 to everything" {
	app_start fault=500
	[ "$(status_of "http://127.0.0.1:$PORT/health")" = 500 ]
	[ "$(status_of "http://127.0.0.1:$PORT/version")" = 500 ]
	app_stop
}

@test "app: fault crash answers well, and then aborts" {
	app_start fault=crash
	[ "$(answer /health)" = ok ]
	local status=0
	wait "$APP_PID" || status=$?
	[ "$status" -ge 128 ]
}

@test "app: fault loop dies and comes back under a process that lives" {
	app_start fault=loop
	local well=0 gone=0
	for _ in {1..60}; do
		if [ "$(answer /health 2>/dev/null)" = ok ]; then well=$((well + 1)); else gone=$((gone + 1)); fi
		sleep 0.05
	done
	[ "$well" -ge 10 ]
	[ "$gone" -ge 3 ]
	[ "$(grep -c 'sample 1.0.0: port' app.log)" -ge 3 ]
	app_stop
	run -7 curl -s "http://127.0.0.1:$PORT/health"
}

@test "app: fault hang takes connections and never answers, but stops" {
	app_start fault=hang
	run -28 curl -s --max-time 1 "http://127.0.0.1:$PORT/health"
	curl -s --max-time 5 "http://127.0.0.1:$PORT/health" >/dev/null &
	SECONDS=0
	app_stop
	[ "$SECONDS" -le 2 ]
}

@test "app: fault deaf does not hear SIGTERM" {
	app_start fault=deaf
	kill -TERM "$APP_PID"
	sleep 0.5
	[ "$(answer /health)" = ok ]
	local status=0
	app_stop KILL || status=$?
	[ "$status" = 137 ]
}

@test "writer: fifty rows a second, each acknowledged one in the database, through refusals and a restart" {
	app_start
	local from; from=$(date +%s%N)
	writer_start
	sleep 2
	app_stop
	local stop; stop=$(date +%s%N)
	sleep 1
	app_start
	sleep 1
	writer_stop
	[ "$(acked_between "$from" "$stop")" -ge 80 ]
	[ "$(acked_between "$from" "$stop")" -le 110 ]
	[ "$ACKED" -ge 125 ]
	[ "$FAILED" -ge 35 ]
	[ -z "$(rows_missing 0 9999999999999999999 app.db)" ]
	sqlite3 app.db 'DELETE FROM note WHERE id = 7'
	[ "$(rows_missing 0 9999999999999999999 app.db | wc -l)" = 1 ]
}

@test "writer: answers that come late do not lower the rate" {
	app_start fault=hang
	writer_start 50
	sleep 3
	writer_stop
	[ "$ACKED" = 0 ]
	[ "$FAILED" -ge 50 ]
	run -100 "$WRITER" http://example.org/
	run -100 "$WRITER" -r 0 "http://127.0.0.1:$PORT/rows"
}

@test "make-repo: the same program gives the same commits" {
	"$SLIPWAY_TOP/test/fixtures/app/make-repo" again.git "$SAMPLE_APP"
	diff <(git -C "$REPO" show-ref) <(git -C again.git show-ref)
	run -100 "$SLIPWAY_TOP/test/fixtures/app/make-repo" again.git "$SAMPLE_APP"
}

@test "make-repo: v1.1.0 adds, changes and removes files, and has a link, a script and a name with spaces and UTF-8" {
	git -C "$REPO" diff --name-status v1.0.0 v1.1.0 >diff
	for kind in A M D; do grep -q "^$kind" diff; done
	git -C "$REPO" ls-tree -r -z v1.1.0 | tr '\0' '\n' >tree
	grep -q '^120000 .*Grüße an alle.txt' tree
	grep -q '^100755 .*app/bin/report.sh' tree
	[ "$(git -C "$REPO" rev-parse main)" = "$(git -C "$REPO" rev-parse v1.1.0^{commit})" ]
}

@test "make-repo: the migrations of v1.3.2 fail at their second statement, those of the others run" {
	app_start; curl -s -d one "http://127.0.0.1:$PORT/rows" >/dev/null; app_stop
	migrate() { git -C "$REPO" show "$1" | sqlite3 -bail app.db; }
	migrate v1.1.0:migrations/v1.1.0/001_made.sql
	migrate v1.1.0:migrations/v1.1.0/002_tag.sql
	migrate v1.3.3:migrations/v1.3.3/001_extra.sql
	[ "$(sqlite3 app.db 'SELECT count(*) FROM extra')" = 1 ]
	run -1 migrate v1.3.2:migrations/v1.3.2/001.sql
	[ "$(sqlite3 app.db 'SELECT made FROM note')" = 1 ]
}

@test "release: adds a tagged commit with files, faults and migrations to the repository" {
	release 1.4.0 --file 'app/a b.txt' text --remove app/greeting.txt --fault 500 --migration 'SELECT 1' --migration 'SELECT 2'
	release 2.0.0 --branch odd --from v1.0.0 --no-tag --run 'chmod +x app/main.txt'
	[ "$(git -C "$REPO" show v1.4.0:'app/a b.txt')" = text ]
	run -128 git -C "$REPO" show v1.4.0:app/greeting.txt
	git -C "$REPO" show v1.4.0:app.conf | grep -qx fault=500
	[ "$(git -C "$REPO" ls-tree --name-only v1.4.0 migrations/v1.4.0/ | wc -l)" = 2 ]
	[ "$(git -C "$REPO" rev-parse main)" = "$(git -C "$REPO" rev-parse v1.4.0)" ]
	[[ "$(git -C "$REPO" ls-tree odd app/main.txt)" == 100755* ]]
	run -1 git -C "$REPO" rev-parse --verify -q v2.0.0
}

@test "app: in a container it is PID 1, turns healthy, stops by SIGTERM with 0, and live_cleanup removes it all" {
	need_docker
	server_new prod
	git -C "$REPO" archive v1.0.0 | tar -x -C "$ROOT"
	cd "$ROOT/docker"
	local compose=(docker-compose); ! docker compose version >/dev/null 2>&1 || compose=(docker compose)
	"${compose[@]}" -p "$NAME" --env-file ../.env -f docker-compose.yml -f docker-compose.prod.yml build app
	"${compose[@]}" -p "$NAME" --env-file ../.env -f docker-compose.yml -f docker-compose.prod.yml up -d --no-deps app
	cd "$BATS_TEST_TMPDIR/here"
	answers_within 10 /health ok
	local c; c=$(container_of app)
	for _ in {1..50}; do
		[ "$(docker inspect -f '{{.State.Health.Status}}' "$c")" != healthy ] || break
		sleep 0.1
	done
	[ "$(docker inspect -f '{{.State.Health.Status}} {{.Config.StopTimeout}}' "$c")" = 'healthy 15' ]
	writer_start
	sleep 1
	docker stop "$c"
	writer_stop
	[ "$(docker inspect -f '{{.State.ExitCode}}' "$c")" = 0 ]
	[ "$ACKED" -ge 30 ]
	[ -z "$(rows_missing 0 9999999999999999999 "$DB")" ]
	[ ! -e "$DB-wal" ]
	live_cleanup
	[ -z "$(docker ps -aq --filter "label=com.docker.compose.project=$NAME")$(docker network ls -q --filter "name=$NAME")$(docker image ls -q "$NAME*")" ]
}

@test "tree_state: sees content, mode, owner, time and target, and not what is left out" {
	mkdir -p t/d t/skip; echo a >t/f; ln -s f t/l; echo x >'t/d/with space'
	tree_state t skip >one
	touch t/skip/new
	tree_state t skip | diff one -
	change() { "$@"; ! tree_state t skip | diff -q one - >/dev/null; }
	local was; was=$(stat -c %Y t/f)
	change touch -d '2020-01-01' t/f
	touch -d "@$was" t/f
	change chmod 600 t/f
	chmod 644 t/f
	change chown 5:5 t/f
	chown 0:0 t/f
	change ln -sfn d t/l
	ln -sfn f t/l
	change touch 't/d/new'
}

@test "free_port: two are not the same, and they are given back" {
	local a b
	a=$(free_port) b=$(free_port)
	[ "$a" != "$b" ]
	[ -d "$(port_lock "$a")" ]
	live_cleanup
	[ ! -e "$(port_lock "$a")" ]
}
