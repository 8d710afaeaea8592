# live-postgres.bash - what live.bash knows of the database, for the sample on PostgreSQL. live.bash loads it behind
# its own when LIVE_DATABASE is postgres. DB is the name of the database; DB_PASSWORD is its user's.

SAMPLE_APP=$SLIPWAY_BUILD/test/app-postgres
DB_CONTAINERS=2
PG_PROGRAMS=/usr/lib/postgresql/15/bin

fixture_images() { ! docker_answers || "$SLIPWAY_TOP/test/fixtures/postgres/make-images" "$SAMPLE_APP"; }
fixture_images_there() { docker image inspect slipway-test/postgres:15 slipway-test/libpq:15 >/dev/null 2>&1; }

db_new() {
	DB=notes DB_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
	printf 'POSTGRES_PASSWORD=%s\n' "$DB_PASSWORD" >>"$ROOT/.env"
}
db_begin() { :; } # the first install brings a database

db_address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(container_of db)"; }
db_run() { # PROGRAM ARGUMENT... - a client of the host, straight at the container
	local program=$1
	shift
	PGHOST=$(db_address) PGPORT=5432 PGPASSWORD=$DB_PASSWORD PGUSER=notes PGCONNECT_TIMEOUT=5 "$PG_PROGRAMS/$program" "$@"
}
db_sql() { db_run psql -XqAt -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

db_all() { db_sql postgres "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"; }
db_there() { db_all | grep -qx "$1"; }
asides() { db_all | grep -x '.*_aside_.*' || :; }
db_drop_asides() { asides | while IFS= read -r name; do db_sql postgres "DROP DATABASE \"$name\"" </dev/null; done; }
db_leftovers() { db_all | grep -vx -e "$DB" -e '.*_aside_.*' || :; }

db_dump() { db_run pg_dump "$1" | grep -v -e '^.restrict ' -e '^.unrestrict '; }
db_schema() {
	db_run pg_dump -s -C "$1" | grep -v -e '^.restrict ' -e '^.unrestrict '
	db_sql "$1" 'SELECT * FROM slipway.ledger ORDER BY 1' 2>/dev/null || :
	db_leftovers
}
db_is_schema() { # VERSION
	case $1 in
	1.0.*) [ -z "$(db_sql "$DB" "SELECT 1 FROM pg_tables WHERE tablename = 'tag'")" ] ;;
	*) db_sql "$DB" 'SELECT made FROM note LIMIT 1; SELECT name FROM tag LIMIT 1' >/dev/null ;;
	esac
}

# What a dump of the database alone would forget, so that a restore is seen to bring it back.
db_mark() {
	db_sql "$DB" "ALTER DATABASE notes SET work_mem = '5MB'; COMMENT ON DATABASE notes IS 'the notes';
		REVOKE TEMPORARY ON DATABASE notes FROM PUBLIC"
}

# Whatever happens to the application, nobody touches what serves it.
beside_state() { docker inspect -f 'beside {{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.RestartCount}}' "$(container_of db)"; }
