/* verbs.c - see verbs.h; the two that change the store's content are in save.c and prune.c */
#define _GNU_SOURCE
#include "verbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "dburl.h"
#include "diag.h"
#include "engine.h"

static void
warn_damaged(const char *text)
{
	diag_warn("%s", text);
}

/* Into the child that checks, or into the file r->raw, where an engine without such a child checks it. */
static bool
take(const struct options *o, const struct engine *engine, const struct meta *m, const struct request *r, bool keep,
    struct err *err)
{
	const char *stored = store_path(&o->store, o->name, engine->suffix);
	AUTO(child_release) struct child c = CHILD_INIT;
	AUTO(fd_release) int to = -1;
	struct err why = {0};

	if (!keep && engine->check_begin) {
		if (!engine->check_begin(r, &c, err) || !unpack(stored, c.fd, true, &m->packed, err))
			return false;
		return child_end(&c, r->arena, &why) || err_set(err, STATUS_NO, "%s", why.text);
	}
	to = open(r->raw, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, "cannot create '%s'", r->raw);
	return unpack(stored, to, !keep, &m->packed, err) && (!engine->check || engine->check(r, err));
}

bool
backup_fetch(const struct options *o, struct work *w, struct meta *m, const struct engine **engine, struct request *r,
    bool keep, struct err *err)
{
	struct err why = {0};

	if (!meta_load(&o->store, o->name, m, err))
		return false;
	*engine = engine_named(m->engine);
	if (!*engine)
		return err_set(err, STATUS_USE, "backup '%s' is of engine '%s', which this version does not know", o->name, m->engine);
	if (!work_begin(w, &o->store, err))
		return false;
	r->raw = work_file(w, "raw");
	r->folder = w->path;
	r->notes = m->notes;
	r->beside = (*engine)->beside ? store_path(&o->store, o->name, (*engine)->beside) : NULL;
	if (take(o, *engine, m, r, keep, &why))
		return true;
	if (why.status != STATUS_NO)
		return err_set(err, (enum status)why.status, "cannot read backup '%s': %s", o->name, why.text);
	return err_set(err, STATUS_NO, "backup '%s' is damaged: %s", o->name, why.text);
}

int
verb_verify(const struct options *o)
{
	AUTO(work_release) struct work w = WORK_INIT;
	struct request r = { .wait_ms = o->store.wait_ms, .arena = o->store.arena };
	const struct engine *engine;
	struct meta m = {0};
	struct err err = {0};

	return backup_fetch(o, &w, &m, &engine, &r, false, &err) ? diag_flush() : diag_fail(&err);
}

int
verb_restore(const struct options *o)
{
	AUTO(work_release) struct work w = WORK_INIT;
	struct dburl url;
	struct request r = { .url = &url, .name = o->name, .aside = o->aside, .wait_ms = o->store.wait_ms,
		.arena = o->store.arena };
	const struct engine *engine;
	const char *put = NULL;
	struct meta m = {0};
	struct err err = {0};
	bool is = false;

	if (!dburl_read(&url, o->store.arena, &err) ||
	    (o->aside && !engine_of(url.engine)->aside_there(&r, &is, &err)))
		return diag_fail(&err);
	if (is) {
		(void)err_hint(&err, "if an earlier restore put it there, look at it and go on without -a");
		(void)err_set(&err, STATUS_USE, "'%s' exists already", o->aside);
		return diag_fail(&err);
	}
	if (!backup_fetch(o, &w, &m, &engine, &r, true, &err)) {
		if (err.status == STATUS_NO)
			err.status = STATUS_SYS;
		return diag_fail(&err);
	}
	if (engine->kind != url.engine) {
		(void)err_set(&err, STATUS_USE, "backup '%s' is of engine '%s', the database is not", o->name, m.engine);
		return diag_fail(&err);
	}
	r.mode = meta_note(r.arena, m.notes, "mode", 0);
	if (!engine->restore(&r, &put, &err)) {
		if (put)
			(void)err_hint(&err, "the content before is in '%s'", put);
		return diag_fail(&err);
	}
	if (put)
		(void)puts(put);
	return diag_flush();
}

int
verb_list(const struct options *o)
{
	struct err err = {0};
	struct meta *list;
	size_t count, i;

	if (!store_list(&o->store, &list, &count, warn_damaged, &err))
		return diag_fail(&err);
	if (!count)
		return STATUS_NO;
	for (i = 0; i < count; i++)
		(void)printf("%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\n", list[i].name, list[i].created, list[i].packed.bytes,
		    list[i].packed.stored, list[i].engine);
	return diag_flush();
}
