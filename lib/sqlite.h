/* sqlite.h - SQLite databases opened, asked, copied and checked; its result codes as our statuses.
 *
 * Contract: struct lite is zero-initialised, filled by lite_open, given back by lite_release (AUTO), and does not
 * move in between (SQLite holds its address). Texts name the file as it was given. A lock that another process
 * holds is waited for, wait_ms at a time, then the failure is STATUS_SYS `database is locked`. rc keeps
 * SQLite's extended code of the last failure. */
#ifndef SLIPWAY_SQLITE_H
#define SLIPWAY_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct lite {
	sqlite3 *db;
	const char *path; /* borrowed */
	int64_t wait_ms;
	int64_t waiting_since;
	int rc;
};

enum lite_how {
	LITE_READ,    /* nothing is written but what any reader must (a hot journal rolled back); a log is left alone */
	LITE_WRITE,   /* each commit survives a power cut; the file must exist */
	LITE_SCRATCH, /* a file that is thrown away on failure: no journal, no sync; created when missing */
	LITE_STILL    /* read only, by nobody else: no locks, no -wal or -shm beside it */
};

/* Opens an existing file and reads its header, so that a file that is no database fails here. */
bool lite_open(struct lite *l, const char *path, enum lite_how how, int64_t wait_ms, struct err *err);
void lite_release(struct lite *l);

/* STATUS_USE for what will fail again (SQL, constraints), STATUS_SYS for what the world refused. */
enum status lite_status(int rc);
/* Fills err with `cannot WHAT 'PATH': reason` from the connection's last failure; returns false. */
bool lite_fail(struct lite *l, int rc, const char *what, struct err *err);

/* All statements of sql; rows are dropped. A busy answer is tried again for wait_ms. */
bool lite_exec(struct lite *l, const char *sql, struct err *err);
/* The first column of the first row; no row is a failure. */
bool lite_number(struct lite *l, const char *sql, int64_t *number, struct err *err);

/* Copies the content of from over that of to by the online backup API, in one go: readers of to see the old or the
 * new, and other processes may write to from meanwhile. lite_copy is begin, all, end; between begin and end the
 * writers of to are locked out (in rollback mode the readers too), and to must not be used. */
struct lite_copy {
	struct lite *to, *from;
	sqlite3_backup *backup;
};

bool lite_copy_begin(struct lite_copy *c, struct lite *to, struct lite *from, struct err *err);
bool lite_copy_all(struct lite_copy *c, struct err *err);
void lite_copy_release(struct lite_copy *c); /* AUTO: a copy that lite_copy_all did not end is taken back */
bool lite_copy(struct lite *to, struct lite *from, struct err *err);

/* PRAGMA integrity_check (quick_check where that needs collations that only the application has): finding is
 * empty when all is well, else its first line, or why it could not be read as a database. False when it could
 * not be checked. */
bool lite_check(struct lite *l, char *finding, size_t room, struct err *err);

/* Makes an empty file for a database, mode 0600, owned by the owner of its folder as far as we may. One that
 * exists is left alone. */
bool lite_create(const char *path, struct err *err);

#endif
