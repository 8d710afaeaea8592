/* child.h - a program run beside us, with what must not stand in its arguments in its environment. */
#ifndef DB_BACKUP_CHILD_H
#define DB_BACKUP_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "arena.h"
#include "err.h"

enum child_fd { CHILD_READ, CHILD_WRITE, CHILD_QUIET };

struct child {
	pid_t pid;
	int fd;             /* CHILD_READ: its stdout, CHILD_WRITE: its stdin; else -1 */
	const char *name;
	const char *errors; /* the file that its stderr goes to */
};

#define CHILD_INIT { .pid = -1, .fd = -1 }

struct environment {
	char **list; /* ends with NULL */
	size_t count;
	struct arena *arena;
};

/* A copy of our environment, to be changed by environment_set. */
void environment_begin(struct environment *e, struct arena *arena);
void environment_set(struct environment *e, const char *name, const char *value);

/* Starts argv[0] of PATH; it ends when we do. errors is a file that is made anew. STATUS_SYS when it cannot be run. */
bool child_begin(struct child *c, const char *const argv[], const struct environment *e, enum child_fd how,
    const char *errors, struct err *err);
/* Waits for it. Any status but 0 is a failure with what it said on stderr. */
bool child_end(struct child *c, struct arena *arena, struct err *err);
void child_release(struct child *c); /* AUTO: one that child_end did not see is ended */

#endif
