/* names.h - a map from text to a pointer; the keys are copied into the arena, nothing is ever taken out. */
#ifndef TREE_APPLY_NAMES_H
#define TREE_APPLY_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct name {
	const char *key; /* NULL: free */
	size_t length;
	const void *value;
};

struct names { /* zero-initialised */
	struct name *at;
	size_t room, count;
	uint64_t seed;
};

/* The slot of key, made with a NULL value when it is new. Borrowed until the next call of names_put. */
struct name *names_put(struct names *n, struct arena *arena, const char *key, size_t length);
/* NULL when key is not in it. */
const struct name *names_get(const struct names *n, const char *key, size_t length);

#endif
