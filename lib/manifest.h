/* manifest.h - what was delivered: one line a file, `sha256 TAB mode TAB size TAB path`, sorted by path (bytes).
 *
 * mode is 644, 755 or 120000 (a symlink: hash and size are those of its target text). Contract: the entries and
 * their paths live in the arena that was given; an entry's path may also be borrowed from elsewhere. */
#ifndef SLIPWAY_MANIFEST_H
#define SLIPWAY_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "hash.h"

enum { MANIFEST_PLAIN = 0644, MANIFEST_EXEC = 0755, MANIFEST_LINK = 0120000 };

struct manifest_entry {
	char sha[HASH_HEX];
	unsigned mode;
	uint64_t size;
	const char *path;
};

struct manifest {
	struct manifest_entry *at;
	size_t count;
};

/* Reads length bytes at text. A line that is wrong, not in order or not ended is STATUS_USE with name:line. */
bool manifest_parse(struct manifest *m, struct arena *arena, const char *text, size_t length, const char *name,
                    struct err *err);
/* NULL when path is not in it. */
const struct manifest_entry *manifest_find(const struct manifest *m, const char *path);
/* The text of all entries, as manifest_parse reads it; in the arena. */
char *manifest_text(const struct manifest *m, struct arena *arena, size_t *length);
/* The mode that the digits at text mean, 0 when they are none of the three. */
unsigned manifest_mode(const char *text, size_t length);

#endif
