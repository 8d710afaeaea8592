/* prune.c - db-backup prune and remove: the oldest beyond the number to keep, or the one named; the record first */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "durable.h"
#include "engine.h"
#include "verbs.h"

static void
warn_damaged(const char *text)
{
	diag_warn("%s", text);
}

/* Into the work folder, the record first: from then on there is no such backup, and a run that is killed before the
 * data followed leaves what the next one needs to know that the data is ours. */
static bool
take_away(const struct store *s, const struct work *w, const struct meta *m, struct err *err)
{
	const char *record = arena_fmt(s->arena, "%s.meta", m->name), *data = work_file(w, "stored");
	const struct engine *engine = engine_named(m->engine);
	const char *from = store_path(s, m->name, engine->suffix);

	if (rename(store_path(s, m->name, ".meta"), work_file(w, record)) != 0 || !sync_folder(s->dir, err))
		return err_sys(err, "cannot remove '%s.meta'", m->name);
	if (access(from, F_OK) == 0 && rename(from, data) != 0)
		return err_sys(err, "cannot remove '%s'", from);
	if (engine->beside)
		(void)unlink(store_path(s, m->name, engine->beside));
	if (unlink(work_file(w, record)) != 0)
		return err_sys(err, "cannot remove '%s.meta'", m->name);
	(void)unlink(data);
	return sync_folder(s->dir, err);
}

int
verb_prune(const struct options *o)
{
	AUTO(work_release) struct work w = WORK_INIT;
	AUTO(fd_release) int lock = -1;
	const struct store *s = &o->store;
	struct err err = {0};
	struct meta *list;
	size_t count, known, i;
	struct stat st;

	if (lstat(s->dir, &st) != 0)
		return STATUS_NO;
	if (!work_begin(&w, s, &err) || !store_lock(s, &lock, &err) || !store_list(s, &list, &count, warn_damaged, &err))
		return diag_fail(&err);
	for (i = known = 0; i < count; i++)
		if (engine_named(list[i].engine) && !engine_named(list[i].engine)->discard)
			list[known++] = list[i];
	if (known <= (size_t)o->keep)
		return STATUS_NO;
	for (i = 0; i < known - (size_t)o->keep; i++) {
		if (!take_away(s, &w, &list[i], &err)) {
			(void)diag_flush();
			return diag_fail(&err);
		}
		(void)puts(list[i].name);
	}
	return diag_flush();
}

/* What it has elsewhere goes first: as long as it is there, the record is. */
int
verb_remove(const struct options *o)
{
	AUTO(work_release) struct work w = WORK_INIT;
	AUTO(fd_release) int lock = -1;
	struct dburl url;
	struct request r = { .url = &url, .name = o->name, .wait_ms = o->store.wait_ms, .arena = o->store.arena };
	const struct engine *engine;
	struct err err = {0};
	struct meta m = {0};

	if (!meta_load(&o->store, o->name, &m, &err))
		return diag_fail(&err);
	engine = engine_named(m.engine);
	if (!engine)
		(void)err_set(&err, STATUS_USE, "backup '%s' is of engine '%s', which this version does not know", o->name, m.engine);
	else if (engine->discard)
		(void)(backup_fetch(o, &w, &m, &engine, &r, true, &err) && dburl_read(&url, o->store.arena, &err) &&
		    engine->discard(&r, &err));
	else
		(void)work_begin(&w, &o->store, &err);
	if (err.status || !store_lock(&o->store, &lock, &err) || !take_away(&o->store, &w, &m, &err))
		return diag_fail(&err);
	return diag_flush();
}
