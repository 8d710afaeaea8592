/* postgres_restore.c - postgres_restore of postgres.h: into a new database, which then takes the name
 *
 * All that takes time happens in a scratch database. The live one is renamed away and the scratch one gets its name
 * in one transaction: whoever is killed, and whenever, the name is that of a whole database. What killed runs leave
 * carries a name made of the live one's, and a mark: nothing else is ever dropped. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "hash.h"
#include "lockwait.h"
#include "postgres.h"

enum { NAME_MOST = 63 };

/* In the very statement that makes the scratch database, where a comment cannot be. */
#define MARK_LIMIT "1917"
static const char scratch_mark[] = "slipway: scratch of db-backup restore";
static const char replaced_mark[] = "slipway: replaced by db-backup restore";

struct restore {
	const struct request *r;
	struct pq keeper;
	const char *live, *scratch, *old; /* names */
	bool there; /* the live one */
};

static void
restore_release(struct restore *s)
{
	pq_release(&s->keeper);
}

bool
postgres_aside_there(const struct request *r, bool *is, struct err *err)
{
	AUTO(pq_release) struct pq keeper = {0};

	if (!*r->aside || strlen(r->aside) > NAME_MOST)
		return err_set(err, STATUS_USE, "'%s' is no name for a database", r->aside);
	return postgres_keeper(r, &keeper, err) && postgres_exists(&keeper, r->aside, is, err);
}

/* Of a fixed length, so that it fits whatever the live one is called; argv shows nothing else. */
static bool
names(struct restore *s, struct err *err)
{
	char hex[HASH_HEX];

	if (!hash_bytes(s->live, strlen(s->live), hex, err))
		return false;
	s->scratch = arena_fmt(s->r->arena, "slipway_new_%.16s", hex);
	s->old = s->r->aside ? s->r->aside : arena_fmt(s->r->arena, "slipway_old_%.16s", hex);
	return true;
}

static bool
one_at_a_time(struct restore *s, struct err *err)
{
	int64_t end = clock_ms() + s->r->wait_ms;

	for (;;) {
		AUTO(pq_result_release) PGresult *rows = pq_ask(&s->keeper,
		    "SELECT pg_try_advisory_lock(hashtextextended('slipway-restore:' || $1::text, 0))", 1, &s->live, err);

		if (!rows)
			return false;
		if (*PQgetvalue(rows, 0, 0) == 't')
			return true;
		if (clock_ms() >= end)
			return err_set(err, STATUS_SYS, "another db-backup restores into '%s'", s->live);
		sleep_ms(100);
	}
}

static bool
drop(struct restore *s, const char *name, const char *how, struct err *err)
{
	return pq_exec(&s->keeper, arena_fmt(s->r->arena, "DROP DATABASE IF EXISTS %s%s",
	    pq_name(&s->keeper, name, s->r->arena), how), err);
}

/* Whether the database of this name is one that a run of ours left. */
static bool
left_over(struct restore *s, const char *name, const char *mark, bool *is, bool *ours, struct err *err)
{
	const char *values[] = { name, mark };
	AUTO(pq_result_release) PGresult *rows = pq_ask(&s->keeper,
	    "SELECT coalesce(shobj_description(oid, 'pg_database') = $2, datconnlimit = " MARK_LIMIT ") FROM pg_database "
	    "WHERE datname = $1", 2, values, err);

	*is = rows && PQntuples(rows) > 0;
	*ours = *is && *PQgetvalue(rows, 0, 0) == 't';
	return rows != NULL;
}

/* Sessions in the scratch database can only be those of a run that was killed. */
static bool
sweep(struct restore *s, struct err *err)
{
	const char *old = arena_fmt(s->r->arena, "slipway_old_%s", s->scratch + strlen("slipway_new_"));
	bool is, ours;

	if (!left_over(s, s->scratch, scratch_mark, &is, &ours, err))
		return false;
	if (is && !ours)
		return err_set(err, STATUS_USE, "database '%s' is in the way and not of db-backup", s->scratch);
	if (is && !drop(s, s->scratch, PQserverVersion(s->keeper.conn) >= 130000 ? " WITH (FORCE)" : "", err))
		return false;
	if (!left_over(s, old, replaced_mark, &is, &ours, err))
		return false;
	if (is && !ours && !s->r->aside)
		return err_set(err, STATUS_USE, "database '%s' is in the way and not of db-backup", old);
	return !ours || !s->there || drop(s, old, "", err);
}

static const char *
note(const struct restore *s, const char *key, unsigned number)
{
	const char *value = meta_note(s->r->arena, s->r->notes, key, number);

	return value ? postgres_unnote(s->r->arena, value) : NULL;
}

static const char *
literal(struct restore *s, const char *text)
{
	return pq_literal(&s->keeper, text ? text : "", s->r->arena);
}

static bool
make_scratch(struct restore *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *provider = note(s, "provider", 0), *locale = note(s, "locale", 0), *owner = note(s, "owner", 0);
	const char *sql, *icu = "";

	if (!note(s, "encoding", 0) || !note(s, "collate", 0) || !note(s, "ctype", 0) || !owner)
		return err_set(err, STATUS_SYS, "backup '%s' has a record that lacks a line", s->r->name);
	if (provider && *provider == 'i' && locale)
		icu = arena_fmt(a, " LOCALE_PROVIDER icu ICU_LOCALE %s", literal(s, locale));
	else if (provider && *provider == 'b' && locale)
		icu = arena_fmt(a, " LOCALE_PROVIDER builtin BUILTIN_LOCALE %s", literal(s, locale));
	else if (PQserverVersion(s->keeper.conn) >= 150000)
		icu = " LOCALE_PROVIDER libc"; /* template0's may be another */
	sql = arena_fmt(a, "CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE %s LC_CTYPE %s%s OWNER %s "
	    "CONNECTION LIMIT " MARK_LIMIT, s->scratch, literal(s, note(s, "encoding", 0)), literal(s, note(s, "collate", 0)),
	    literal(s, note(s, "ctype", 0)), icu, pq_name(&s->keeper, owner, a));
	return pq_exec(&s->keeper, sql, err) &&
	    pq_exec(&s->keeper, arena_fmt(a, "COMMENT ON DATABASE %s IS %s", s->scratch, literal(s, scratch_mark)), err);
}

/* That nothing is waited for on the disk is safe: the commit of the swap waits, and all before it with it. */
static bool
fill(struct restore *s, struct err *err)
{
	const struct request *r = s->r;
	const char *const argv[] = { "pg_restore", "--exit-on-error", "-j", sysconf(_SC_NPROCESSORS_ONLN) > 3 ? "4" : "2", "-d",
		s->scratch, r->raw, NULL };
	AUTO(child_release) struct child c = CHILD_INIT;
	struct environment e;
	size_t i;
	const char *given = "";

	postgres_environment(r, &s->keeper, s->scratch, &e);
	for (i = 0; i < e.count; i++)
		if (strncmp(e.list[i], "PGOPTIONS=", 10) == 0)
			given = e.list[i] + 10;
	environment_set(&e, "PGOPTIONS", arena_fmt(r->arena, "%s -c synchronous_commit=off -c maintenance_work_mem=256MB", given));
	if (!child_begin(&c, argv, &e, CHILD_QUIET, arena_fmt(r->arena, "%s/stderr", r->folder), err))
		return err_hint(err, "it is in the package postgresql-client");
	if (child_end(&c, r->arena, err))
		return true;
	if (strstr(err->text, "role \"") && r->beside && access(r->beside, R_OK) == 0)
		(void)err_hint(err, "the roles of that time are in '%.400s'", r->beside);
	return false;
}

/* The archive has nothing of the database itself but its content. */
static bool
dress(struct restore *s, struct err *err)
{
	struct arena *a = s->r->arena;
	AUTO(pq_release) struct pq p = {0};
	const char *owner = pq_name(&s->keeper, note(s, "owner", 0), a), *line, *at, *key, *public = note(s, "public", 0);
	unsigned i, k;

	if (!pq_open(&p, s->r->url->text, s->scratch, "db-backup", s->r->wait_ms, err) || !pq_exec(&p, "ANALYZE", err))
		return false;
	if (public && *public == 'f' && !pq_exec(&s->keeper, arena_fmt(a, "REVOKE ALL ON DATABASE %s FROM PUBLIC; "
	    "REVOKE ALL ON DATABASE %s FROM %s", s->scratch, s->scratch, owner), err))
		return false;
	for (k = 0; k < 2; k++)
		for (key = k ? "setting" : "grant", i = 0; (line = note(s, key, i)); i++) {
			at = strstr(line, "DATABASE %s");
			if (!at)
				return err_set(err, STATUS_SYS, "backup '%s' has a record with a line that is none", s->r->name);
			at += strlen("DATABASE ");
			if (!pq_tell(&s->keeper, arena_fmt(a, "%.*s%s%s", (int)(at - line), line, s->scratch, at + 2), 0, NULL, err))
				return false;
		}
	return true;
}

/* Others in it are named, never thrown out: they may be in the middle of something. Autovacuum, which is nobody's,
 * gives way by itself. */
static bool
alone(struct restore *s, struct err *err)
{
	int64_t end = clock_ms() + s->r->wait_ms;

	for (;;) {
		AUTO(pq_result_release) PGresult *rows = pq_ask(&s->keeper,
		    "SELECT format('pid %s (user %s, application ''%s'')', pid, usename, application_name) FROM pg_stat_activity "
		    "WHERE datname = $1 AND usesysid IS NOT NULL ORDER BY pid", 1, &s->live, err);
		const char *who = "";
		int i;

		if (!rows)
			return false;
		if (PQntuples(rows) == 0)
			return true;
		if (clock_ms() >= end) {
			for (i = 0; i < PQntuples(rows) && i < 5; i++)
				who = arena_fmt(s->r->arena, "%s%s%s", who, i ? ", " : "", PQgetvalue(rows, i, 0));
			return err_set(err, STATUS_SYS, "database '%s' is in use by %d session%s: %s", s->live, PQntuples(rows),
			    PQntuples(rows) == 1 ? "" : "s", who);
		}
		sleep_ms(200);
	}
}

static bool
swap(struct restore *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *live = pq_name(&s->keeper, s->live, a), *old = pq_name(&s->keeper, s->old, a);
	const char *comment = note(s, "comment", 0), *limit = note(s, "connections", 0), *away = "";

	if (s->there)
		away = arena_fmt(a, "ALTER DATABASE %s RENAME TO %s;%s", live, old, s->r->aside ? "" :
		    arena_fmt(a, "COMMENT ON DATABASE %s IS %s;", old, literal(s, replaced_mark)));
	return pq_exec(&s->keeper, arena_fmt(a, "BEGIN;%sALTER DATABASE %s RENAME TO %s;"
	    "ALTER DATABASE %s CONNECTION LIMIT %ld;COMMENT ON DATABASE %s IS %s;COMMIT", away, s->scratch, live, live,
	    limit ? strtol(limit, NULL, 10) : -1, live, comment ? literal(s, comment) : "NULL"), err);
}

static bool
work(struct restore *s, const char **put, struct err *err)
{
	if (!postgres_exists(&s->keeper, s->live, &s->there, err) || !sweep(s, err) || !alone(s, err) || !make_scratch(s, err))
		return false;
	if (!fill(s, err) || !dress(s, err) || !alone(s, err) || !swap(s, err)) {
		struct err ignored = {0};

		if (s->keeper.conn && PQtransactionStatus(s->keeper.conn) != PQTRANS_IDLE)
			(void)pq_exec(&s->keeper, "ROLLBACK", &ignored);
		ignored = (struct err){0};
		(void)drop(s, s->scratch, PQserverVersion(s->keeper.conn) >= 130000 ? " WITH (FORCE)" : "", &ignored);
		return false;
	}
	if (s->there && s->r->aside)
		*put = s->r->aside;
	else if (s->there && !drop(s, s->old, "", err)) {
		*put = s->old;
		return false;
	}
	return true;
}

bool
postgres_restore(const struct request *r, const char **put, struct err *err)
{
	AUTO(restore_release) struct restore s = { .r = r };
	struct err why = {0};

	*put = NULL;
	s.live = pq_database_of(r->url->text, r->arena, err);
	if (!s.live || !names(&s, err) || !postgres_keeper(r, &s.keeper, err))
		return false;
	if (strcmp(s.live, PQdb(s.keeper.conn)) == 0)
		return err_set(err, STATUS_USE, "database '%s' cannot be replaced: it is the one that databases are renamed from", s.live);
	if (one_at_a_time(&s, &why) && work(&s, put, &why))
		return true;
	*err = why;
	return false;
}
