/* tags.h - the tags of a repository whose names are versions, as the files of git say it. */
#ifndef VERSION_TAG_TAGS_H
#define VERSION_TAG_TAGS_H

#include <stdbool.h>

#include "arena.h"
#include "err.h"
#include "version.h"

struct tag {
	const char *name; /* below refs/tags/, a version */
	const char *hex;  /* 40 digits: what it points at, peeled where packed-refs says so; NULL while loose */
};

struct tags {
	struct tag *at;
	size_t count, room;
	char *packed; /* packed-refs, which name and hex borrow */
};

/* Reads the names below refs/tags and packed-refs of the git folder; a loose one stands before a packed one. It
 * opens no object and no loose tag, since the newest of many is found by name alone. */
bool tags_read(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err);
void tags_release(struct tags *tags);

/* The version that the name of the tag is. */
struct version tags_version(const struct tag *tag);

/* Oldest first. Of equal versions the one that is preferred comes last: with v, else the shorter name, else the
 * first by bytes. For qsort. */
int tags_order(const void *left, const void *right);

#endif
