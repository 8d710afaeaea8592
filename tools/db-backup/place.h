/* place.h - a file put beside others by rename, for where SQLite cannot do it: its name is claimed, so that two
 * never work on it, and what a killed run left is used again. */
#ifndef DB_BACKUP_PLACE_H
#define DB_BACKUP_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "arena.h"
#include "err.h"

struct place {
	int fd;           /* empty, open for writing, locked */
	const char *path; /* where it is to stand */
	char *temp;       /* beside it */
};

#define PLACE_INIT { .fd = -1 }

struct owner {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

bool place_begin(struct place *p, const char *path, const struct owner *o, struct arena *a, struct err *err);
/* Syncs it, and with replace == false fails with STATUS_USE when something stands at path by now. */
bool place_commit(struct place *p, bool replace, struct err *err);
void place_release(struct place *p); /* AUTO */

/* The owner of the folder that path is in, with the mode given. */
bool owner_of_folder(const char *path, mode_t mode, struct owner *o, struct arena *a, struct err *err);
char *folder_of(const char *path, struct arena *a);

#endif
