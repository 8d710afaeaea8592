/* postgres_copy.c - a restore point: the copy stays in the server as a database of its own, and takes the name of the
 * live one when it is wanted back. What is stored is its name and oid.
 *
 * Nobody may connect to it. Once it has taken the name, its oid tells that: a run that was killed after that is done. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "postgres_swap.h"

static const char copy_mark[] = "slipway: restore point of db-backup";

struct point {
	char name[64], oid[16];
};

static bool
write_point(const struct request *r, const struct point *p, struct err *err)
{
	AUTO(file_release) FILE *f = fopen(r->raw, "wxe");

	if (!f || fprintf(f, "database: %s\noid: %s\n", p->name, p->oid) < 0 || fflush(f) != 0)
		return err_sys(err, "cannot write '%s'", r->raw);
	return true;
}

static bool
read_point(const struct request *r, struct point *p, struct err *err)
{
	AUTO(file_release) FILE *f = fopen(r->raw, "re");

	if (!f)
		return err_sys(err, "cannot open '%s'", r->raw);
	return fscanf(f, "database: %63s oid: %15s", p->name, p->oid) == 2 ||
	    err_set(err, STATUS_NO, "its content names no database");
}

static bool
make(struct swap *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *how = PQserverVersion(s->keeper.conn) >= 150000 ? " STRATEGY file_copy" : "";
	const char *owner = swap_note(s, "owner", 0);

	return pq_exec(&s->keeper, arena_fmt(a, "CREATE DATABASE %s TEMPLATE %s%s OWNER %s ALLOW_CONNECTIONS false "
	    "CONNECTION LIMIT " SWAP_MARK_LIMIT, s->incoming, pq_name(&s->keeper, s->live, a), how,
	    pq_name(&s->keeper, owner ? owner : "", a)), err) &&
	    pq_exec(&s->keeper, arena_fmt(a, "COMMENT ON DATABASE %s IS %s", s->incoming, swap_literal(s, s->mark)), err);
}

static bool
dump(const struct request *given, const char **notes, struct err *err)
{
	struct request r = *given;
	AUTO(swap_release) struct swap s = { .r = &r };
	struct point p = {0};
	struct err ignored = {0};
	const char *oid;

	if (!postgres_describe(&r, notes, err))
		return false;
	r.notes = *notes;
	if (!swap_begin(&s, "point", copy_mark, err) || !swap_sweep(&s, err) || !swap_alone(&s, err))
		return false;
	if (make(&s, err) && (oid = swap_oid(&s, s.incoming, err))) {
		(void)snprintf(p.name, sizeof(p.name), "%s", s.incoming);
		(void)snprintf(p.oid, sizeof(p.oid), "%s", oid);
		if (write_point(&r, &p, err))
			return true;
	}
	(void)swap_drop(&s, s.incoming, &ignored);
	return false;
}

static bool
check(const struct request *r, struct err *err)
{
	struct point p;

	return read_point(r, &p, err);
}

/* Whether the database of that oid has the name. */
static bool
is_named(struct swap *s, const char *name, const struct point *p, bool *is, struct err *err)
{
	const char *oid = swap_oid(s, name, err);

	*is = oid && strcmp(oid, p->oid) == 0;
	return !err->status;
}

static bool
restore(const struct request *r, const char **put, struct err *err)
{
	AUTO(swap_release) struct swap s = { .r = r };
	struct point p;
	bool is;

	*put = NULL;
	if (!read_point(r, &p, err) || !swap_begin(&s, "point", copy_mark, err))
		return false;
	if (!is_named(&s, s.live, &p, &is, err) || is)
		return !err->status;
	if (!is_named(&s, p.name, &p, &is, err))
		return false;
	if (!is)
		return err_set(err, STATUS_SYS, "database '%s', which holds backup '%s', is gone", p.name, r->name);
	s.incoming = p.name;
	return swap_alone(&s, err) && swap_dress(&s, err) && swap_do(&s, put, err);
}

static bool
discard(const struct request *r, struct err *err)
{
	AUTO(swap_release) struct swap s = { .r = r };
	struct point p;
	bool is;

	if (!read_point(r, &p, err) || !swap_begin(&s, "point", copy_mark, err) || !is_named(&s, p.name, &p, &is, err))
		return false;
	return !is || swap_drop(&s, p.name, err);
}

bool
postgres_copy_sweep(const struct request *r, struct err *err)
{
	AUTO(swap_release) struct swap s = { .r = r };

	return swap_begin(&s, "point", copy_mark, err) && swap_sweep(&s, err);
}

const struct engine engine_postgres_copy = {
	.kind = DBURL_POSTGRES, .name = "postgres-copy", .suffix = ".pgcopy.zst", .there = postgres_there, .dump = dump,
	.check = check, .aside_there = postgres_aside_there, .restore = restore, .discard = discard,
};
