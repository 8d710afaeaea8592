/* engine.c - see engine.h */
#include "engine.h"

#include <string.h>

static const struct engine *const engines[] = { &engine_sqlite, &engine_postgres, NULL };

const struct engine *
engine_of(enum dburl_engine kind)
{
	size_t i;

	for (i = 0; engines[i + 1] && engines[i]->kind != kind; i++)
		;
	return engines[i];
}

bool
entry_fit(const struct engine *engine, const struct entry *e, const struct migration *m, struct err *err)
{
	if (strcmp(e->state, "started") == 0) {
		(void)err_hint(err, "look whether its statement took effect; if so: UPDATE %s SET state='done' "
		    "WHERE file='%.200s'; if not: DELETE FROM %s WHERE file='%.200s'", engine->table, m->file, engine->table, m->file);
		return err_set(err, STATUS_USE, "%s was started at %s by %s, and how it ended is not known%s%s", m->shown, e->started,
		    e->who, e->remains ? "; " : "", e->remains ? e->remains : "");
	}
	return strcmp(e->sha256, m->sha256) == 0 ||
	    err_set(err, STATUS_USE, "%s was changed after it ran at %s: a migration that ran stays as it is", m->shown, e->started);
}
