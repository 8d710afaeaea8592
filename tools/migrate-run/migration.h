/* migration.h - the files of a folder of migrations: found, ordered, read, taken apart. No database here. */
#ifndef MIGRATE_RUN_MIGRATION_H
#define MIGRATE_RUN_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "hash.h"
#include "version.h"

struct statement {
	const char *text;
	size_t length;
	unsigned long line;
	char word[16]; /* the first, in capitals */
	char name[48]; /* of a PRAGMA; PostgreSQL: the words behind the first, in capitals */
};

struct migration {
	const char *file;  /* as the ledger knows it: v1.2.0/001_x.sql */
	const char *shown; /* as it lies in the folder, for texts: 1.2/001_x.sql */
	struct version version;
	const char *text;
	size_t length;
	char sha256[HASH_HEX];
	/* from here on filled by migration_parse */
	bool transaction;
	struct statement *statements;
	size_t count;
	const char *hazards; /* `hazard NAME detail; hazard NAME detail`, or empty */
};

struct migrations {
	struct migration *list;
	size_t count;
};

/* All *.sql of the folders of dir that are named as versions up to target, in order of version, then of the bytes
 * of the name. What is passed over and looks like a slip goes to warn. */
bool migrations_find(struct migrations *m, const char *dir, const struct version *target, void (*warn)(const char *),
    struct arena *arena, struct err *err);

/* Statements and marks; STATUS_USE with file:line for a text that no database should see. */
bool migration_parse(struct migration *m, bool postgres, struct arena *arena, struct err *err);

#endif
