/* postgres.c - what db-backup does with a PostgreSQL database; how its content comes back is in postgres_restore.c
 *
 * pg_dump gives an uncompressed archive, which we compress in threads: faster than its own gzip, and smaller. What
 * belongs to the database itself and is not in the archive (rights, settings, locale) goes into the record. */
#define _GNU_SOURCE
#include "postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "hash.h"

static void
options_release(PQconninfoOption **o)
{
	PQconninfoFree(*o);
}

bool
postgres_keeper(const struct request *r, struct pq *p, struct err *err)
{
	struct err why = {0};

	if (pq_open(p, r->url->text, "postgres", "db-backup", r->wait_ms, err))
		return true;
	if (err->status == STATUS_SYS && pq_open(p, r->url->text, "template1", "db-backup", r->wait_ms, &why)) {
		*err = (struct err){0};
		return true;
	}
	return false;
}

bool
postgres_exists(struct pq *keeper, const char *database, bool *is, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(keeper, "SELECT 1 FROM pg_database WHERE datname = $1", 1, &database, err);

	*is = rows && PQntuples(rows) > 0;
	return rows != NULL;
}

bool
postgres_there(const struct request *r, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};
	AUTO(pq_release) struct pq keeper = {0};
	const char *name = pq_database_of(r->url->text, r->arena, err);
	struct err why = {0}, other = {0};
	bool is = true;

	if (!name)
		return false;
	if (pq_open(&p, r->url->text, NULL, "db-backup", r->wait_ms, &why))
		return true;
	/* The server says it in words only, in its own language: its list of databases says it plainly. */
	if (why.status == STATUS_SYS && !strstr(why.text, "no answer within") && postgres_keeper(r, &keeper, &other) &&
	    postgres_exists(&keeper, name, &is, &other) && !is)
		return false;
	*err = why;
	return false;
}

void
postgres_environment(const struct request *r, struct pq *p, const char *database, struct environment *e)
{
	AUTO(options_release) PQconninfoOption *all = PQconninfo(p->conn);
	const PQconninfoOption *o;

	environment_begin(e, r->arena);
	for (o = all; o && o->keyword; o++)
		if (o->envvar && o->val && *o->val)
			environment_set(e, o->envvar, strcmp(o->keyword, "hostaddr") == 0 ? PQhostaddr(p->conn) : o->val);
	/* Of several hosts, the one that answered. */
	if (PQhost(p->conn) && *PQhost(p->conn))
		environment_set(e, "PGHOST", PQhost(p->conn));
	if (PQport(p->conn) && *PQport(p->conn))
		environment_set(e, "PGPORT", PQport(p->conn));
	environment_set(e, "PGDATABASE", database);
	environment_set(e, "PGAPPNAME", "db-backup");
	environment_set(e, "PGCONNECT_TIMEOUT", arena_fmt(r->arena, "%" PRId64, r->wait_ms < 2000 ? 2 : r->wait_ms / 1000));
	environment_set(e, "LC_ALL", "C");
}

static char *
read_line(int fd, struct arena *a)
{
	char buf[512];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(buf) - 1 && ((got = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	return arena_dup(a, buf, strcspn((buf[n] = '\0', buf), "\n"));
}

bool
postgres_program_fit(const struct request *r, struct pq *p, const char *program, const struct environment *e,
    const char **version, struct err *err)
{
	const char *const argv[] = { program, "--version", NULL };
	AUTO(child_release) struct child c = CHILD_INIT;
	const char *digits;

	if (!child_begin(&c, argv, e, CHILD_READ, arena_fmt(r->arena, "%s/stderr", r->folder), err))
		return err_hint(err, "it is in the package postgresql-client");
	*version = read_line(c.fd, r->arena);
	if (!child_end(&c, r->arena, err))
		return false;
	digits = strpbrk(*version, "0123456789");
	*version = digits ? digits : "0";
	return strtol(*version, NULL, 10) >= PQserverVersion(p->conn) / 10000 ||
	    err_set(err, STATUS_SYS, "%s is of version %s, too old for the server, which is of version %s", program, *version,
	    PQparameterStatus(p->conn, "server_version"));
}

/* Only `%` and control bytes change. */
const char *
postgres_note(struct arena *a, const char *text)
{
	char *out = arena_get(a, 3 * strlen(text) + 1);
	size_t n = 0;

	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == '%')
			n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*text);
		else
			out[n++] = *text;
	return out;
}

const char *
postgres_unnote(struct arena *a, const char *text)
{
	char *out = arena_get(a, strlen(text) + 1);
	unsigned byte;
	size_t n = 0;

	for (; *text; text++)
		if (*text == '%' && sscanf(text + 1, "%2X", &byte) == 1) {
			out[n++] = (char)byte;
			text += 2;
		} else
			out[n++] = *text;
	return out;
}

/* The locale of a database lies in columns that changed with the versions. */
static const char *
facts_sql(int version)
{
	if (version >= 170000)
		return "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, datlocale, "
		    "pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'), datacl IS NULL, "
		    "pg_database_size(oid) FROM pg_database WHERE datname = current_database()";
	if (version >= 150000)
		return "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, daticulocale, "
		    "pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'), datacl IS NULL, "
		    "pg_database_size(oid) FROM pg_database WHERE datname = current_database()";
	return "SELECT pg_encoding_to_char(encoding), datcollate, datctype, 'c', NULL, "
	    "pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'), datacl IS NULL, "
	    "pg_database_size(oid) FROM pg_database WHERE datname = current_database()";
}

/* As SQL with %s where the database's name goes. A list is stored quoted as SQL takes it, but for the empty name. */
static const char grants_sql[] =
    "SELECT 'GRANT ' || privilege_type || ' ON DATABASE %s TO ' || CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE "
    "quote_ident(pg_get_userbyid(grantee)) END || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END "
    "FROM pg_database, aclexplode(datacl) WHERE datname = current_database() ORDER BY 1";
static const char settings_sql[] =
    "SELECT 'ALTER ' || CASE WHEN setrole = 0 THEN 'DATABASE %s' ELSE 'ROLE ' || "
    "quote_ident(pg_get_userbyid(setrole)) || ' IN DATABASE %s' END || ' SET ' || "
    "(SELECT string_agg(quote_ident(n), '.') FROM unnest(string_to_array(split_part(c, '=', 1), '.')) n) || ' TO ' || "
    "CASE WHEN lower(split_part(c, '=', 1)) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', "
    "'local_preload_libraries', 'shared_preload_libraries', 'unix_socket_directories') "
    "THEN CASE WHEN v IN ('', '\"\"') THEN '''''' ELSE v END ELSE quote_literal(v) END "
    "FROM pg_db_role_setting s, unnest(setconfig) WITH ORDINALITY AS a(c, o), substr(c, strpos(c, '=') + 1) v "
    "WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY setrole, o";

static bool
add_lines(struct pq *p, const char *sql, const char *key, const char **notes, struct arena *a, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(p, sql, 0, NULL, err);
	int i;

	for (i = 0; rows && i < PQntuples(rows); i++)
		*notes = arena_fmt(a, "%s%s: %s\n", *notes, key, postgres_note(a, PQgetvalue(rows, i, 0)));
	return rows != NULL;
}

static bool
describe(const struct request *r, struct pq *p, const char **notes, struct err *err)
{
	static const char *const keys[] = { "encoding", "collate", "ctype", "provider", "locale", "owner", "connections",
		"comment", "public", "size" };
	AUTO(pq_result_release) PGresult *rows = pq_ask(p, facts_sql(PQserverVersion(p->conn)), 0, NULL, err);
	struct arena *a = r->arena;
	int i;

	if (!rows)
		return false;
	*notes = arena_fmt(a, "%spostgres: %s\nsource: %s\n", *notes,
	    postgres_note(a, PQparameterStatus(p->conn, "server_version")), postgres_note(a, PQdb(p->conn)));
	for (i = 0; PQntuples(rows) == 1 && i < (int)(sizeof(keys) / sizeof(*keys)); i++)
		if (!PQgetisnull(rows, 0, i))
			*notes = arena_fmt(a, "%s%s: %s\n", *notes, keys[i], postgres_note(a, PQgetvalue(rows, 0, i)));
	return add_lines(p, grants_sql, "grant", notes, a, err) && add_lines(p, settings_sql, "setting", notes, a, err);
}

bool
postgres_describe(const struct request *r, const char **notes, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};

	*notes = "";
	return pq_open(&p, r->url->text, NULL, "db-backup", r->wait_ms, err) && describe(r, &p, notes, err);
}

static const char *
given(const PQconninfoOption *all, const char *keyword)
{
	for (; all && all->keyword; all++)
		if (strcmp(all->keyword, keyword) == 0 && all->val && *all->val)
			return all->val;
	return NULL;
}

static const char *
where(const struct request *r, struct err *err)
{
	AUTO(options_release) PQconninfoOption *all = PQconninfoParse(r->url->text, NULL);
	const char *name = pq_database_of(r->url->text, r->arena, err), *host, *port;

	if (!name)
		return NULL;
	host = given(all, "host") ? given(all, "host") : given(all, "hostaddr");
	port = given(all, "port");
	return arena_fmt(r->arena, "%s\t%s\t%s", postgres_note(r->arena, name), host ? postgres_note(r->arena, host) : "",
	    port ? postgres_note(r->arena, port) : "5432");
}

/* To bring another content back takes a second database, and the right to rename the first, which is not the one we are in then. */
static bool
look(const struct request *r, struct sight *s, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};
	AUTO(pq_result_release) PGresult *rows = NULL;

	if (!pq_open(&p, r->url->text, NULL, "db-backup", r->wait_ms, err))
		return false;
	rows = pq_ask(&p, "SELECT pg_database_size(d.oid), datname <> 'postgres' AND "
	    "(rolsuper OR (rolcreatedb AND pg_has_role(datdba, 'USAGE'))) "
	    "FROM pg_database d, pg_roles u WHERE datname = current_database() AND rolname = current_user", 0, NULL, err);
	if (!rows)
		return false;
	s->bytes = strtoull(PQgetvalue(rows, 0, 0), NULL, 10);
	s->version = arena_fmt(r->arena, "%d", PQserverVersion(p.conn) / 10000);
	s->replaceable = *PQgetvalue(rows, 0, 1) == 't';
	return true;
}

/* Who may not read them has a backup without them, and a record that says so. */
static bool
save_roles(const struct request *r, const struct environment *e, const char **notes, struct err *err)
{
	const char *const argv[] = { "pg_dumpall", "--globals-only", "--no-role-passwords", "-f", r->beside, NULL };
	AUTO(child_release) struct child c = CHILD_INIT;
	AUTO(fd_release) int fd = -1;
	struct err why = {0};
	char hex[HASH_HEX];
	uint64_t bytes;

	if (!child_begin(&c, argv, e, CHILD_QUIET, arena_fmt(r->arena, "%s/stderr-roles", r->folder), &why) ||
	    !child_end(&c, r->arena, &why)) {
		(void)unlink(r->beside);
		*notes = arena_fmt(r->arena, "%sroles: not saved, %s\n", *notes, postgres_note(r->arena, why.text));
		return true;
	}
	fd = open(r->beside, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return err_sys(err, "cannot sync '%s'", r->beside);
	if (!hash_fd(fd, r->beside, hex, &bytes, err))
		return false;
	*notes = arena_fmt(r->arena, "%sroles: %s\n", *notes, hex);
	return true;
}

static bool
dump_begin(const struct request *r, struct child *c, const char **notes, struct err *err)
{
	const char *const argv[] = { "pg_dump", "-Fc", "-Z0",
		arena_fmt(r->arena, "--lock-wait-timeout=%" PRId64, r->wait_ms ? r->wait_ms : 1), NULL };
	AUTO(pq_release) struct pq p = { .limit_ms = r->wait_ms < 10000 ? 10000 : r->wait_ms };
	struct environment e;
	const char *tool;

	if (!pq_open(&p, r->url->text, NULL, "db-backup", r->wait_ms, err))
		return false;
	postgres_environment(r, &p, PQdb(p.conn), &e);
	if (!postgres_program_fit(r, &p, "pg_dump", &e, &tool, err))
		return false;
	*notes = arena_fmt(r->arena, "pg_dump: %s\n", postgres_note(r->arena, tool));
	return describe(r, &p, notes, err) &&
	    save_roles(r, &e, notes, err) &&
	    child_begin(c, argv, &e, CHILD_READ, arena_fmt(r->arena, "%s/stderr", r->folder), err);
}

static bool
check_begin(const struct request *r, struct child *c, struct err *err)
{
	const char *const argv[] = { "pg_restore", "-f", "/dev/null", NULL };
	struct environment e;

	environment_begin(&e, r->arena);
	environment_set(&e, "LC_ALL", "C");
	return child_begin(c, argv, &e, CHILD_WRITE, arena_fmt(r->arena, "%s/stderr", r->folder), err);
}

const struct engine engine_postgres = {
	.kind = DBURL_POSTGRES, .name = "postgres", .suffix = ".pgdump.zst", .beside = ".roles.sql",
	.where = where, .look = look, .there = postgres_there, .dump_begin = dump_begin, .check_begin = check_begin, .aside_there = postgres_aside_there,
	.restore = postgres_restore, .sweep = postgres_sweep,
};
