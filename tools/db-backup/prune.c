/* prune.c - db-backup prune: the oldest beyond the number to keep, the record first */
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
		if (engine_named(list[i].engine))
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
