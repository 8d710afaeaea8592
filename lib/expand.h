/* expand.h - ${VAR}, ${VAR:-default} and $$ in a text.
 *
 * The default, literal up to the next `}`, counts when VAR is unset or empty; `$$` is one `$`; a `$` before anything
 * else stays. What was put in is not scanned again. A result above EXPAND_LIMIT bytes is refused. */
#ifndef SLIPWAY_EXPAND_H
#define SLIPWAY_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

enum { EXPAND_LIMIT = 16 * 1024 * 1024 };

/* NULL when the variable is unset. */
typedef const char *expand_lookup(const void *context, const char *name, size_t length);

enum expand_result {
	EXPAND_SAME,   /* *out is as text, or text itself */
	EXPAND_DONE,   /* *out, in the arena, differs, but by no variable */
	EXPAND_FILLED, /* *out, in the arena, holds the value of a variable or a default */
	EXPAND_UNSET,  /* *name, in the arena, is unset and has no default */
	EXPAND_NESTED, /* the default of *name holds another ${ */
	EXPAND_HUGE    /* with *name, the result is above the limit */
};

enum expand_result expand(struct arena *a, const char *text, expand_lookup *lookup, const void *context,
    const char **out, const char **name);

#endif
