/* store.h - the folder of backups: names, records (.meta), its lock, and the work folders in it.
 *
 * A backup is NAME.SUFFIX (the engine's) and NAME.meta, which is put in place last and taken away first: without
 * it there is no backup. Work in progress is in `.part-XXXXXX`, locked by its process; one that nobody holds was
 * left by a killed run, and goes with the next work_begin. */
#ifndef DB_BACKUP_STORE_H
#define DB_BACKUP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "pack.h"

enum { NAME_LONGEST = 200 };

struct meta {
	const char *name, *engine, *created;
	uint64_t number; /* its place in the store, whatever the clock said; 0 in records that have none */
	struct packed packed;
	const char *notes; /* the engine's own `key: value` lines */
};

struct store {
	const char *dir;
	int64_t wait_ms; /* for the lock */
	struct arena *arena;
};

struct work {
	char *path;
	int lock;
	const struct store *store;
};

#define WORK_INIT { .lock = -1 }

/* [A-Za-z0-9._-]+, no `-` or `.` in front, at most NAME_LONGEST. */
bool store_name_fit(const char *name);
char *store_path(const struct store *s, const char *name, const char *suffix);

bool store_make(const struct store *s, struct err *err); /* the folder, 0700, with what is missing above it */
bool store_lock(const struct store *s, int *fd, struct err *err);

/* Makes a work folder of our own, after removing those that killed runs left. */
bool work_begin(struct work *w, const struct store *s, struct err *err);
char *work_file(const struct work *w, const char *name);
void work_release(struct work *w); /* AUTO */

/* The record of NAME: STATUS_USE when there is no such backup, STATUS_NO when it is damaged. */
bool meta_load(const struct store *s, const char *name, struct meta *m, struct err *err);
bool meta_save(const struct store *s, const char *path, const struct meta *m, struct err *err);
/* The value of the number-th line with this key in the engine's notes, from 0, or NULL. */
char *meta_note(struct arena *a, const char *notes, const char *key, unsigned number);

/* All whole records, oldest first by number, created, name; *count may be 0. Damaged ones go to damaged(). */
bool store_list(const struct store *s, struct meta **list, size_t *count, void (*damaged)(const char *), struct err *err);

#endif
