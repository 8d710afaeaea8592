/* verbs.h - what db-backup does, one function a verb; each returns the exit status. */
#ifndef DB_BACKUP_VERBS_H
#define DB_BACKUP_VERBS_H

#include "engine.h"
#include "store.h"

struct options {
	struct store store;
	int level;
	bool copy; /* save: as a copy in the server */
	long keep;
	const char *aside;
	const char *name; /* NULL: save chooses */
};

int verb_save(const struct options *o);
int verb_verify(const struct options *o);
int verb_restore(const struct options *o);
int verb_list(const struct options *o);
int verb_prune(const struct options *o);
int verb_remove(const struct options *o);
int verb_sweep(const struct options *o);
int verb_where(const struct options *o);
int verb_look(const struct options *o);

/* The backup o->name, checked whole; with keep unpacked into the work folder as r->raw. Damage is STATUS_NO. */
bool backup_fetch(const struct options *o, struct work *w, struct meta *m, const struct engine **engine, struct request *r,
    bool keep, struct err *err);

#endif
