/* foreign.h - the rows that break a foreign key, before and after a migration. */
#ifndef MIGRATE_RUN_FOREIGN_H
#define MIGRATE_RUN_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "sqlite.h"

struct foreign {
	struct arena arena;
	char **rows; /* sorted: table TAB row id TAB table that is pointed at */
	size_t count;
	char *broken; /* why SQLite could not check (a key that fits no column), or NULL */
};

bool foreign_look(struct foreign *f, struct lite *l, struct err *err);
/* STATUS_USE that names table and row when after has one that before has not. */
bool foreign_compare(const struct foreign *before, const struct foreign *after, const char *file, struct err *err);
void foreign_release(struct foreign *f); /* AUTO */

#endif
