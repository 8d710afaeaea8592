/* engine.h - what migrate-run asks of a kind of database. A new kind is one more row in engines[] of engine.c. */
#ifndef MIGRATE_RUN_ENGINE_H
#define MIGRATE_RUN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "dburl.h"
#include "err.h"
#include "migration.h"

struct entry {
	const char *file, *sha256, *state, *started, *who;
	const char *remains; /* what one that was only started has left, or NULL */
};

struct ledger {
	struct entry *list;
	size_t count;
};

struct target {
	const struct dburl *url;
	const char *release, *who; /* what the ledger says of this run */
	int64_t wait_ms; /* for other runs, and for an answer to the first word */
	int64_t lock_ms; /* for locks of others on what a file alters (PostgreSQL) */
	struct arena *arena;
};

struct engine {
	enum dburl_engine kind;
	const char *table; /* the ledger, as SQL names it */
	bool postgres;     /* how statements are read */
	bool (*there)(const struct target *t, bool *there, struct err *err);
	/* Keeps other runs out until *lock is closed. */
	bool (*lock)(const struct target *t, int *lock, struct err *err);
	/* What this kind of database does not take in a migration: STATUS_USE with file:line. */
	bool (*allow)(const struct migration *m, struct err *err);
	/* Without touching the database. No database or no table is an empty ledger. */
	bool (*ledger)(const struct target *t, struct ledger *l, struct err *err);
	/* *ran is false when another run was faster. A failed file has left no trace. */
	bool (*run)(const struct target *t, const struct migration *m, bool *ran, struct err *err);
	/* Records all as run. *recorded is false when the ledger had an entry already. */
	bool (*baseline)(const struct target *t, const struct migrations *all, bool *recorded, struct err *err);
};

const struct engine *engine_of(enum dburl_engine kind);

/* The rules that hold for an entry of the ledger and the file of its name: unchanged, ended. */
bool entry_fit(const struct engine *engine, const struct entry *e, const struct migration *m, struct err *err);

extern const struct engine engine_sqlite, engine_postgres;

#endif
