/* verbs.c - see verbs.h; the two that change the store's content are in save.c and prune.c */
#define _GNU_SOURCE
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"
#include "dburl.h"
#include "diag.h"
#include "engine.h"

static void
warn_damaged(const char *text)
{
	diag_warn("%s", text);
}

/* Unpacks the backup into the work folder and checks all of it; damage is STATUS_NO. */
static bool
fetch(const struct options *o, struct work *w, struct meta *m, const struct engine **engine, struct request *r,
    struct err *err)
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
	if (unpack(store_path(&o->store, o->name, (*engine)->suffix), r->raw, &m->packed, &why) && (*engine)->check(r, &why))
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

	return fetch(o, &w, &m, &engine, &r, &err) ? diag_flush() : diag_fail(&err);
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
	struct stat st;

	if (!dburl_read(&url, o->store.arena, &err))
		return diag_fail(&err);
	if (o->aside && lstat(o->aside, &st) == 0) {
		(void)err_hint(&err, "if an earlier restore put it there, look at it and go on without -a");
		(void)err_set(&err, STATUS_USE, "'%s' exists already", o->aside);
		return diag_fail(&err);
	}
	if (!fetch(o, &w, &m, &engine, &r, &err)) {
		if (err.status == STATUS_NO)
			err.status = STATUS_SYS;
		return diag_fail(&err);
	}
	if (engine->kind != url.engine) {
		(void)err_set(&err, STATUS_USE, "backup '%s' is of engine '%s', the database is not", o->name, m.engine);
		return diag_fail(&err);
	}
	r.mode = meta_note(&o->store, &m, "mode");
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
