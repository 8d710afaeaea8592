/* tags.h - the tags of a repository whose names are versions, as the files of git say it. */
#ifndef VERSION_TAG_TAGS_H
#define VERSION_TAG_TAGS_H

#include <git2.h>
#include <stdbool.h>

#include "arena.h"
#include "err.h"
#include "version.h"

struct tag {
	struct version version; /* borrows name */
	const char *name;       /* below refs/tags/ */
	git_oid id;             /* what it points at; peeled already where packed-refs says so. Unknown while loose */
	bool loose;
};

struct tags {
	struct tag *at;
	size_t count, room;
};

/* Reads the names below refs/tags and packed-refs of the git folder; a loose one stands before a packed one. It
 * opens no object and no loose tag, since the newest of many is found by name alone. */
bool tags_read(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err);

/* Oldest first. Of equal versions the one that is preferred comes last: with v, else the shorter name, else the
 * first by bytes. For qsort. */
int tags_order(const void *left, const void *right);

#endif
