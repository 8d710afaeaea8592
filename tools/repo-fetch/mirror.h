/* mirror.h - the bare repository that repo-fetch keeps: whose it is, its lock, its references.
 *
 * All references stand in packed-refs, which is replaced whole: a fetch shows all of its news at once or none.
 * A folder is ours when it holds slipway.lock, which is made before anything else; one without packed-refs was
 * never finished. */
#ifndef REPO_FETCH_MIRROR_H
#define REPO_FETCH_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "gitrepo.h"

/* Makes the folder when it is missing and takes its lock, waiting until end_ms; *lock is the descriptor that holds
 * it. A folder that is not empty and not ours is STATUS_USE and stays untouched. */
bool mirror_take(int *lock, const char *dir, int64_t end_ms, struct err *err);
/* With the lock: removes what a killed fetch left and opens the repository, made when it was not finished. */
bool mirror_open(git_repository **repo, const char *dir, struct arena *arena, struct err *err);

struct mirror_ref {
	const char *name;
	git_oid id;
};

/* Makes these the branches and tags, and head (NULL: as it is) the default branch. Sorts refs. Each object must
 * be there. */
bool mirror_commit(git_repository *repo, const char *dir, struct mirror_ref *refs, size_t count, const char *head,
    struct arena *arena, struct err *err);

#endif
