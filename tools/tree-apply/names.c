/* names.c - see names.h */
#include "names.h"

#include <string.h>
#include <sys/random.h>

/* FNV-1a from a seed of its own in each run, so that no tar can be made to collide. */
static size_t
start_of(const struct names *n, const char *key, size_t length)
{
	uint64_t h = n->seed ^ 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < length; i++)
		h = (h ^ (unsigned char)key[i]) * 0x100000001b3;
	return (size_t)(h ^ h >> 32) & (n->room - 1);
}

static struct name *
slot_of(const struct names *n, const char *key, size_t length)
{
	size_t i = start_of(n, key, length);

	while (n->at[i].key && (n->at[i].length != length || memcmp(n->at[i].key, key, length) != 0))
		i = (i + 1) & (n->room - 1);
	return &n->at[i];
}

const struct name *
names_get(const struct names *n, const char *key, size_t length)
{
	const struct name *slot = n->room ? slot_of(n, key, length) : NULL;

	return slot && slot->key ? slot : NULL;
}

static void
grow(struct names *n, struct arena *arena)
{
	const struct names before = *n;
	size_t i;

	n->room = before.room ? before.room * 2 : 256;
	n->at = arena_get(arena, n->room * sizeof(*n->at));
	for (i = 0; i < before.room; i++)
		if (before.at[i].key)
			*slot_of(n, before.at[i].key, before.at[i].length) = before.at[i];
}

struct name *
names_put(struct names *n, struct arena *arena, const char *key, size_t length)
{
	struct name *slot;

	if (!n->room && getrandom(&n->seed, sizeof(n->seed), GRND_NONBLOCK) < 0)
		n->seed = (uint64_t)(uintptr_t)n;
	if (n->count * 2 >= n->room)
		grow(n, arena);
	slot = slot_of(n, key, length);
	if (!slot->key) {
		slot->key = arena_dup(arena, key, length);
		slot->length = length;
		n->count++;
	}
	return slot;
}
