/* save.c - db-backup save: copy, check, compress, read back, put in place with the record last */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "auto.h"
#include "dburl.h"
#include "diag.h"
#include "durable.h"
#include "engine.h"
#include "verbs.h"

enum { IDLE_LEAST_MS = 10000 };

static void
say_nothing(const char *text)
{
	(void)text;
}

static bool
stands(const struct store *s, const char *name, const char *suffix)
{
	struct stat st;

	return lstat(store_path(s, name, suffix), &st) == 0;
}

static bool
name_free(const struct store *s, const char *name, const char *suffix, struct err *err)
{
	if (stands(s, name, ".meta"))
		return err_set(err, STATUS_USE, "backup '%s' exists already", name);
	return !stands(s, name, suffix) || err_set(err, STATUS_USE, "'%s%s' is in the way and is no backup", name, suffix);
}

/* One more than any that is there: a clock that was put back must not make the newest backup look old. */
static bool
give_number(const struct store *s, struct meta *m, struct err *err)
{
	struct meta *list;
	size_t count;

	if (!store_list(s, &list, &count, say_nothing, err))
		return false;
	m->number = 1 + (count ? list[count - 1].number : 0);
	return true;
}

/* The store is locked, so that the name that is free now stays so. */
static bool
put(const struct options *o, const struct engine *engine, const struct work *w, struct meta *m, const char *stamp,
    struct err *err)
{
	const struct store *s = &o->store;
	const char *record;
	unsigned number = 1;

	m->name = o->name ? o->name : stamp;
	while (!o->name && (stands(s, m->name, ".meta") || stands(s, m->name, engine->suffix)))
		m->name = arena_fmt(s->arena, "%s-%u", stamp, ++number);
	record = work_file(w, arena_fmt(s->arena, "%s.meta", m->name));
	if (!name_free(s, m->name, engine->suffix, err) || !give_number(s, m, err) || !meta_save(s, record, m, err))
		return false;
	if (rename(work_file(w, "stored"), store_path(s, m->name, engine->suffix)) != 0)
		return err_sys(err, "cannot put '%s%s' in place", m->name, engine->suffix);
	if (!sync_folder(s->dir, err))
		return false;
	if (engine->beside && rename(work_file(w, "beside"), store_path(s, m->name, engine->beside)) != 0 && errno != ENOENT)
		return err_sys(err, "cannot put '%s%s' in place", m->name, engine->beside);
	if (rename(record, store_path(s, m->name, ".meta")) != 0)
		return err_sys(err, "cannot put '%s.meta' in place", m->name);
	return sync_folder(s->dir, err);
}

static bool
copy_and_pack(const struct options *o, const struct engine *engine, const struct request *r, const char *stored,
    struct meta *m, struct err *err)
{
	struct packing how = { .level = o->level };
	AUTO(fd_release) int from = -1;
	AUTO(child_release) struct child c = CHILD_INIT;
	struct err why = {0};

	if (engine->dump) {
		if (!engine->dump(r, &m->notes, err))
			return false;
		from = open(r->raw, O_RDONLY | O_CLOEXEC);
		return from < 0 ? err_sys(err, "cannot open '%s'", r->raw) : pack(from, r->raw, stored, &how, &m->packed, err);
	}
	how.threads = 2;
	how.idle_ms = r->wait_ms < IDLE_LEAST_MS ? IDLE_LEAST_MS : r->wait_ms;
	if (!engine->dump_begin(r, &c, &m->notes, err))
		return false;
	if (pack(c.fd, c.name, stored, &how, &m->packed, &why))
		return child_end(&c, r->arena, err);
	return err_set(err, (enum status)why.status, "%s", why.text);
}

static bool
read_back(const struct engine *engine, const struct request *r, const char *stored, const struct packed *p,
    struct err *err)
{
	AUTO(child_release) struct child c = CHILD_INIT;

	return (!engine->check_begin || engine->check_begin(r, &c, err)) && unpack(stored, c.fd, true, p, err) &&
	    (!engine->check_begin || child_end(&c, r->arena, err));
}

static bool
save(const struct options *o, const struct engine *engine, struct request *r, struct work *w, struct meta *m,
    struct err *err)
{
	AUTO(fd_release) int lock = -1;
	struct err why = {0};
	struct timespec now;
	struct tm utc;
	char second[32], stamp[32];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	(void)strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	m->created = arena_fmt(r->arena, "%s.%03ldZ", second, now.tv_nsec / 1000000);
	m->engine = engine->name;
	r->raw = work_file(w, "raw");
	r->folder = w->path;
	r->beside = work_file(w, "beside");
	if (!copy_and_pack(o, engine, r, work_file(w, "stored"), m, err))
		return false;
	if (!read_back(engine, r, work_file(w, "stored"), &m->packed, &why))
		return err_set(err, STATUS_SYS, "cannot read the backup back: %s", why.text);
	return store_lock(&o->store, &lock, err) && put(o, engine, w, m, arena_str(r->arena, stamp), err);
}

int
verb_save(const struct options *o)
{
	AUTO(work_release) struct work w = WORK_INIT;
	struct dburl url;
	struct request r = { .url = &url, .wait_ms = o->store.wait_ms, .arena = o->store.arena };
	const struct engine *engine;
	struct meta m = {0};
	struct err err = {0};

	if (!dburl_read(&url, o->store.arena, &err))
		return diag_fail(&err);
	engine = engine_of(url.engine);
	if (o->copy && url.engine != DBURL_POSTGRES) {
		(void)err_set(&err, STATUS_USE, "only a PostgreSQL server keeps a copy");
		return diag_fail(&err);
	}
	if (o->copy)
		engine = &engine_postgres_copy;
	if (!engine->there(&r, &err))
		return err.status ? diag_fail(&err) : STATUS_NO;
	if (!store_make(&o->store, &err) || !work_begin(&w, &o->store, &err) ||
	    (o->name && !name_free(&o->store, o->name, engine->suffix, &err)) || !save(o, engine, &r, &w, &m, &err))
		return diag_fail(&err);
	(void)puts(m.name);
	return diag_flush();
}
