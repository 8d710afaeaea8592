/* keys.h - the table of known keys: what a configuration may hold, and where.
 *
 * A line is PATH TAB TYPE TAB DEFAULT TAB MEANING; empty lines and those that begin with # say nothing. In a path a
 * component that ends with `*` is any name with that beginning; a literal one comes first. Types, joined by `|`:
 *   text     any scalar
 *   number   a whole number, 0 or more
 *   seconds  the same, with or without a fraction
 *   bool     true or false
 *   list     of scalars
 *   map      a mapping; with keys below it in the table it has these, else any
 *   any      whatever it is
 *   root     a mapping that repeats the whole table, but for its own first component
 * A path that only begins others is a mapping.
 *
 * Contract: everything lives in the arena and is read-only once loaded. A bad table is STATUS_USE with its line. */
#ifndef CFG_GET_KEYS_H
#define CFG_GET_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"

enum {
	TYPE_TEXT = 1, TYPE_NUMBER = 2, TYPE_SECONDS = 4, TYPE_BOOL = 8, TYPE_LIST = 16, TYPE_MAP = 32, TYPE_ANY = 64,
	TYPE_ROOT = 128,
	TYPE_SCALAR = TYPE_TEXT | TYPE_NUMBER | TYPE_SECONDS | TYPE_BOOL
};

struct key {
	const char *name;             /* one component; "" for the root of the table */
	size_t length;                /* of the name, without the `*` */
	bool open;                    /* ends with `*` */
	bool repeats;                 /* a root is at or below it */
	unsigned types;
	const char *fallback, *means; /* NULL for a path that only begins others */
	struct key *down, *next;      /* in the order of the table */
};

enum { KEYS_LIMIT = 1024 * 1024, KEYS_DEPTH = 16 };

const struct key *keys_load(struct arena *a, const char *file, struct err *err);
/* What the table has for a name below a key; NULL for none. */
const struct key *keys_find(const struct key *up, const char *name);
/* "a list or text" */
const char *keys_types(struct arena *a, unsigned types);

#endif
