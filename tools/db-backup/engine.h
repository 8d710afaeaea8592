/* engine.h - what db-backup asks of a kind of database. A new kind is one more row in engines[] of engine.c. */
#ifndef DB_BACKUP_ENGINE_H
#define DB_BACKUP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "child.h"
#include "dburl.h"
#include "err.h"
#include "store.h"

struct request {
	const struct dburl *url;
	const char *raw;   /* the uncompressed backup, in the work folder */
	const char *beside; /* the second file: to be written in the work folder, or as it stands in the store */
	const char *folder; /* the work folder */
	const char *notes; /* of the record (restore) */
	const char *name;  /* of the backup (restore) */
	const char *aside; /* restore: where the current content goes first, or NULL */
	const char *mode;  /* restore: octal mode of a database file that is made anew, or NULL */
	int64_t wait_ms;
	struct arena *arena;
};

struct sight {
	uint64_t bytes;
	const char *version; /* of the server, or of the library */
	bool replaceable;    /* whether restore may bring back another content */
};

struct engine {
	enum dburl_engine kind;
	const char *name;   /* in the records */
	const char *suffix; /* of the stored file */
	const char *beside; /* of a second file that may stand beside it, or NULL */
	/* Where the URL points, fields with tabs between, without a word to the database. NULL on failure. */
	const char *(*where)(const struct request *r, struct err *err);
	bool (*look)(const struct request *r, struct sight *s, struct err *err);
	/* false with err empty: there is no database yet. */
	bool (*there)(const struct request *r, struct err *err);
	/* Writes a consistent copy to r->raw; *notes are lines for the record. Or, of the two that are not NULL:
	 * starts a child that gives the copy. */
	bool (*dump)(const struct request *r, const char **notes, struct err *err);
	bool (*dump_begin)(const struct request *r, struct child *c, const char **notes, struct err *err);
	/* Whether r->raw is sound; what is wrong with it is STATUS_NO with the reason as text. Or: starts a child that
	 * takes the copy and fails when it is not; such an engine finds damage in restore before it matters. */
	bool (*check)(const struct request *r, struct err *err);
	bool (*check_begin)(const struct request *r, struct child *c, struct err *err);
	/* Whether something stands already where restore would put the current content. */
	bool (*aside_there)(const struct request *r, bool *there, struct err *err);
	/* Makes r->raw the content of the database, whole or not at all. *put is where the old content was put, or
	 * NULL when it was replaced. */
	bool (*restore)(const struct request *r, const char **put, struct err *err);
	/* Takes away what killed runs left outside of the store; NULL: they leave nothing there. */
	bool (*sweep)(const struct request *r, struct err *err);
	/* Takes away what a backup has outside of the store; NULL: it has nothing there. */
	bool (*discard)(const struct request *r, struct err *err);
};

const struct engine *engine_of(enum dburl_engine kind); /* the first one of the kind */
const struct engine *engine_named(const char *name); /* NULL: this version does not know it */

extern const struct engine engine_sqlite, engine_postgres, engine_postgres_copy;

#endif
