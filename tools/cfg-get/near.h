/* near.h - the known key that somebody may have meant.
 *
 * Looked for beside the unknown key first, then in the whole table, where the same last name counts most, and of equal
 * ones the one whose path begins as that of the unknown key does. */
#ifndef CFG_GET_NEAR_H
#define CFG_GET_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "keys.h"

/* path: the unknown key's components from the root of the table, the last one unknown. repeated: below a root of
 * another, where the table has no further one. The result is a dotted path in the arena, with NAME for a name that may
 * be any; NULL for none. */
const char *near_key(struct arena *a, const struct key *root, const char *const *path, size_t depth, bool repeated);

#endif
