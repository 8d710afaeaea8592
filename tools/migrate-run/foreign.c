/* foreign.c - see foreign.h */
#define _GNU_SOURCE
#include "foreign.h"

#include <stdlib.h>
#include <string.h>

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *
column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	return text ? text : "?";
}

bool
foreign_look(struct foreign *f, struct lite *l, struct err *err)
{
	sqlite3_stmt *s = NULL;
	size_t room = 0;
	int rc = sqlite3_prepare_v2(l->db, "PRAGMA foreign_key_check", -1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (f->count == room) {
			f->rows = arena_grow(&f->arena, f->rows, room * sizeof(*f->rows), (room ? 2 * room : 64) * sizeof(*f->rows));
			room = room ? 2 * room : 64;
		}
		f->rows[f->count++] = arena_fmt(&f->arena, "%s\t%s\t%s", column(s, 0), column(s, 1), column(s, 2));
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_DONE && lite_status(rc) == STATUS_USE)
		f->broken = arena_str(&f->arena, sqlite3_errmsg(l->db));
	else if (rc != SQLITE_DONE)
		(void)lite_fail(l, rc, "check the foreign keys of", err);
	(void)sqlite3_finalize(s);
	if (f->count)
		qsort(f->rows, f->count, sizeof(*f->rows), by_text);
	return rc == SQLITE_DONE || f->broken;
}

bool
foreign_compare(const struct foreign *before, const struct foreign *after, const char *file, struct err *err)
{
	size_t i = 0, k;

	if (before->broken)
		return true;
	if (after->broken)
		return err_set(err, STATUS_USE, "%s: it breaks a foreign key: %s", file, after->broken);
	for (k = 0; k < after->count; k++) {
		int order = -1;

		while (i < before->count && (order = strcmp(before->rows[i], after->rows[k])) < 0)
			i++;
		if (i == before->count || order > 0) {
			const char *row = strchr(after->rows[k], '\t') + 1, *parent = strchr(row, '\t') + 1;

			return err_set(err, STATUS_USE, "%s: it breaks a foreign key: row %.*s of table '%.*s' points at no row of '%s'",
			    file, (int)(parent - row - 1), row, (int)(row - after->rows[k] - 1), after->rows[k], parent);
		}
		i++;
	}
	return true;
}

void
foreign_release(struct foreign *f)
{
	arena_release(&f->arena);
}
