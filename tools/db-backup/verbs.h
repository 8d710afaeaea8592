/* verbs.h - what db-backup does, one function a verb; each returns the exit status. */
#ifndef DB_BACKUP_VERBS_H
#define DB_BACKUP_VERBS_H

#include "store.h"

struct options {
	struct store store;
	int level;
	long keep;
	const char *aside;
	const char *name; /* NULL: save chooses */
};

int verb_save(const struct options *o);
int verb_verify(const struct options *o);
int verb_restore(const struct options *o);
int verb_list(const struct options *o);
int verb_prune(const struct options *o);

#endif
