/* arena.h - plain data of one run: taken piece by piece, given back all at once.
 *
 * Contract: an arena is zero-initialised. arena_* never return NULL: out of memory aborts, since a tool that
 * cannot get a few kilobytes cannot tell anybody either, and every file is written whole or not at all. Memory
 * is zeroed and aligned for any type. Pointers live until arena_release. */
#ifndef SLIPWAY_ARENA_H
#define SLIPWAY_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;
};

void arena_release(struct arena *a);                             /* also for AUTO(arena_release) */
void *arena_get(struct arena *a, size_t size);                   /* zeroed */
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size); /* copies; the old stays */
char *arena_dup(struct arena *a, const char *text, size_t length); /* NUL behind the copy */
char *arena_str(struct arena *a, const char *text);
char *arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
