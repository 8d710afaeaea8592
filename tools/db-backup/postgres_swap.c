/* postgres_swap.c - see postgres_swap.h */
#define _GNU_SOURCE
#include "postgres_swap.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "hash.h"
#include "lockwait.h"

enum { NAME_MOST = 63 };

static const char replaced_mark[] = "slipway: replaced by db-backup restore";

void
swap_release(struct swap *s)
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
names(struct swap *s, const char *kind, struct err *err)
{
	char hex[HASH_HEX];

	if (!hash_bytes(s->live, strlen(s->live), hex, err))
		return false;
	s->incoming = arena_fmt(s->r->arena, "slipway_%s_%.16s", kind, hex);
	s->old = s->r->aside ? s->r->aside : arena_fmt(s->r->arena, "slipway_old_%.16s", hex);
	return true;
}

static bool
one_at_a_time(struct swap *s, struct err *err)
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
drop(struct swap *s, const char *name, const char *how, struct err *err)
{
	return pq_exec(&s->keeper, arena_fmt(s->r->arena, "DROP DATABASE IF EXISTS %s%s",
	    pq_name(&s->keeper, name, s->r->arena), how), err);
}

bool
swap_drop(struct swap *s, const char *name, struct err *err)
{
	return drop(s, name, PQserverVersion(s->keeper.conn) >= 130000 ? " WITH (FORCE)" : "", err);
}

/* Whether the database of this name is one that a run of ours left. */
static bool
left_over(struct swap *s, const char *name, const char *mark, bool *is, bool *ours, struct err *err)
{
	const char *values[] = { name, mark };
	AUTO(pq_result_release) PGresult *rows = pq_ask(&s->keeper,
	    "SELECT coalesce(shobj_description(oid, 'pg_database') = $2, datconnlimit = " SWAP_MARK_LIMIT ") FROM pg_database "
	    "WHERE datname = $1", 2, values, err);

	*is = rows && PQntuples(rows) > 0;
	*ours = *is && *PQgetvalue(rows, 0, 0) == 't';
	return rows != NULL;
}

static bool
in_the_way(struct err *err, const char *name)
{
	return err_set(err, STATUS_USE, "database '%s' is in the way and not of db-backup", name);
}

static bool
sweep_old(struct swap *s, struct err *err)
{
	const char *old = arena_fmt(s->r->arena, "slipway_old_%s", strrchr(s->incoming, '_') + 1);
	bool is, ours;

	if (!left_over(s, old, replaced_mark, &is, &ours, err))
		return false;
	if (is && !ours && !s->r->aside)
		return in_the_way(err, old);
	return !ours || !s->there || drop(s, old, "", err);
}

bool
swap_begin(struct swap *s, const char *kind, const char *mark, struct err *err)
{
	s->mark = mark;
	s->live = pq_database_of(s->r->url->text, s->r->arena, err);
	if (!s->live || !names(s, kind, err) || !postgres_keeper(s->r, &s->keeper, err))
		return false;
	if (strcmp(s->live, PQdb(s->keeper.conn)) == 0)
		return err_set(err, STATUS_USE, "database '%s' cannot be replaced: it is the one that databases are renamed from", s->live);
	return one_at_a_time(s, err) && postgres_exists(&s->keeper, s->live, &s->there, err) && sweep_old(s, err);
}

/* Sessions in it can only be those of a run that was killed. */
bool
swap_sweep(struct swap *s, struct err *err)
{
	bool is, ours;

	if (!left_over(s, s->incoming, s->mark, &is, &ours, err))
		return false;
	if (is && !ours)
		return in_the_way(err, s->incoming);
	return !is || swap_drop(s, s->incoming, err);
}

const char *
swap_note(const struct swap *s, const char *key, unsigned number)
{
	const char *value = meta_note(s->r->arena, s->r->notes, key, number);

	return value ? postgres_unnote(s->r->arena, value) : NULL;
}

const char *
swap_literal(struct swap *s, const char *text)
{
	return pq_literal(&s->keeper, text ? text : "", s->r->arena);
}

const char *
swap_oid(struct swap *s, const char *name, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(&s->keeper, "SELECT oid FROM pg_database WHERE datname = $1", 1, &name, err);

	return rows && PQntuples(rows) ? pq_text(rows, 0, 0, s->r->arena) : NULL;
}

bool
swap_dress(struct swap *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *owner = swap_note(s, "owner", 0), *public = swap_note(s, "public", 0), *line, *at, *key;
	unsigned i, k;

	if (owner && public && *public == 'f' && !pq_exec(&s->keeper, arena_fmt(a, "REVOKE ALL ON DATABASE %s FROM PUBLIC; "
	    "REVOKE ALL ON DATABASE %s FROM %s", s->incoming, s->incoming, pq_name(&s->keeper, owner, a)), err))
		return false;
	for (k = 0; k < 2; k++)
		for (key = k ? "setting" : "grant", i = 0; (line = swap_note(s, key, i)); i++) {
			at = strstr(line, "DATABASE %s");
			if (!at)
				return err_set(err, STATUS_SYS, "backup '%s' has a record with a line that is none", s->r->name);
			at += strlen("DATABASE ");
			if (!pq_tell(&s->keeper, arena_fmt(a, "%.*s%s%s", (int)(at - line), line, s->incoming, at + 2), 0, NULL, err))
				return false;
		}
	return true;
}

/* Others in it are named, never thrown out: they may be in the middle of something. Autovacuum, which is nobody's,
 * gives way by itself. */
bool
swap_alone(struct swap *s, struct err *err)
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
exchange(struct swap *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *live = pq_name(&s->keeper, s->live, a), *old = pq_name(&s->keeper, s->old, a);
	const char *comment = swap_note(s, "comment", 0), *limit = swap_note(s, "connections", 0), *away = "";

	if (s->there)
		away = arena_fmt(a, "ALTER DATABASE %s RENAME TO %s;%s", live, old, s->r->aside ? "" :
		    arena_fmt(a, "COMMENT ON DATABASE %s IS %s;", old, swap_literal(s, replaced_mark)));
	return pq_exec(&s->keeper, arena_fmt(a, "BEGIN;%sALTER DATABASE %s RENAME TO %s;"
	    "ALTER DATABASE %s ALLOW_CONNECTIONS true CONNECTION LIMIT %ld;COMMENT ON DATABASE %s IS %s;COMMIT", away,
	    s->incoming, live, live, limit ? strtol(limit, NULL, 10) : -1, live, comment ? swap_literal(s, comment) : "NULL"), err);
}

bool
swap_do(struct swap *s, const char **put, struct err *err)
{
	struct err ignored = {0};

	if (!exchange(s, err)) {
		if (s->keeper.conn && PQtransactionStatus(s->keeper.conn) != PQTRANS_IDLE)
			(void)pq_exec(&s->keeper, "ROLLBACK", &ignored);
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
