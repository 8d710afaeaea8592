/* postgres_restore.c - postgres_restore of postgres.h: into a new database, which then takes the name
 *
 * All that takes time happens in a scratch database; the live one is untouched until the swap. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "postgres_swap.h"

static const char scratch_mark[] = "slipway: scratch of db-backup restore";

static bool
make_scratch(struct swap *s, struct err *err)
{
	struct arena *a = s->r->arena;
	const char *provider = swap_note(s, "provider", 0), *locale = swap_note(s, "locale", 0), *owner = swap_note(s, "owner", 0);
	const char *sql, *icu = "";

	if (!swap_note(s, "encoding", 0) || !swap_note(s, "collate", 0) || !swap_note(s, "ctype", 0) || !owner)
		return err_set(err, STATUS_SYS, "backup '%s' has a record that lacks a line", s->r->name);
	if (provider && *provider == 'i' && locale)
		icu = arena_fmt(a, " LOCALE_PROVIDER icu ICU_LOCALE %s", swap_literal(s, locale));
	else if (provider && *provider == 'b' && locale)
		icu = arena_fmt(a, " LOCALE_PROVIDER builtin BUILTIN_LOCALE %s", swap_literal(s, locale));
	else if (PQserverVersion(s->keeper.conn) >= 150000)
		icu = " LOCALE_PROVIDER libc"; /* template0's may be another */
	sql = arena_fmt(a, "CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE %s LC_CTYPE %s%s OWNER %s "
	    "CONNECTION LIMIT " SWAP_MARK_LIMIT, s->incoming, swap_literal(s, swap_note(s, "encoding", 0)), swap_literal(s, swap_note(s, "collate", 0)),
	    swap_literal(s, swap_note(s, "ctype", 0)), icu, pq_name(&s->keeper, owner, a));
	return pq_exec(&s->keeper, sql, err) &&
	    pq_exec(&s->keeper, arena_fmt(a, "COMMENT ON DATABASE %s IS %s", s->incoming, swap_literal(s, scratch_mark)), err);
}

/* That nothing is waited for on the disk is safe: the commit of the swap waits, and all before it with it. */
static bool
fill(struct swap *s, struct err *err)
{
	const struct request *r = s->r;
	const char *const argv[] = { "pg_restore", "--exit-on-error", "-j", sysconf(_SC_NPROCESSORS_ONLN) > 3 ? "4" : "2", "-d",
		s->incoming, r->raw, NULL };
	AUTO(child_release) struct child c = CHILD_INIT;
	struct environment e;
	size_t i;
	const char *given = "";

	postgres_environment(r, &s->keeper, s->incoming, &e);
	for (i = 0; i < e.count; i++)
		if (strncmp(e.list[i], "PGOPTIONS=", 10) == 0)
			given = e.list[i] + 10;
	environment_set(&e, "PGOPTIONS", arena_fmt(r->arena, "%s -c synchronous_commit=off -c maintenance_work_mem=256MB -c jit=off", given));
	if (!child_begin(&c, argv, &e, CHILD_QUIET, arena_fmt(r->arena, "%s/stderr", r->folder), err))
		return err_hint(err, "it is in the package postgresql-client");
	if (child_end(&c, r->arena, err))
		return true;
	if (strstr(err->text, "role \"") && r->beside && access(r->beside, R_OK) == 0)
		(void)err_hint(err, "the roles of that time are in '%.400s'", r->beside);
	return false;
}

static bool
analyze(struct swap *s, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};

	return pq_open(&p, s->r->url->text, s->incoming, "db-backup", s->r->wait_ms, err) && pq_exec(&p, "ANALYZE", err);
}

bool
postgres_restore(const struct request *r, const char **put, struct err *err)
{
	AUTO(swap_release) struct swap s = { .r = r };
	struct err why = {0}, ignored = {0};

	*put = NULL;
	if (!swap_begin(&s, "new", scratch_mark, err) || !swap_sweep(&s, err) || !swap_alone(&s, err))
		return false;
	if (make_scratch(&s, &why) && fill(&s, &why) && analyze(&s, &why) && swap_dress(&s, &why) && swap_alone(&s, &why) &&
	    swap_do(&s, put, &why))
		return true;
	if (!*put)
		(void)swap_drop(&s, s.incoming, &ignored);
	*err = why;
	return false;
}

bool
postgres_sweep(const struct request *r, struct err *err)
{
	AUTO(swap_release) struct swap s = { .r = r };

	if (!swap_begin(&s, "new", scratch_mark, err) || !swap_sweep(&s, err))
		return false;
	swap_release(&s);
	return postgres_copy_sweep(r, err);
}
