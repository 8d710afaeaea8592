/* pattern.h - one include or exclude, compiled.
 *
 * An exclude reads as a line of .gitignore: without a slash but at the end it matches at any depth, else it begins at
 * the root; an include always begins at the root. A `/` at the end wants a folder; `**` that fills a component stands
 * for any number of them. Whoever matches a folder has everything below it, which is the caller's part.
 *
 * Contract: a chain is the components of a rooted pattern in order; the last one is never `many`. */
#ifndef PRESET_FILTER_PATTERN_H
#define PRESET_FILTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "glob.h"

struct segment {
	struct glob glob;
	bool many; /* any number of components, none too */
};

struct chain {
	struct segment *segments;
	size_t count;
};

struct pattern {
	bool folder;            /* matches folders only */
	bool any_depth;         /* base matches a component wherever it is; else chains */
	struct glob base;
	struct chain chains[2]; /* either may match; the second is mostly empty */
};

/* False with the reason in *why, a constant, for a pattern that is none or can never match. */
bool pattern_compile(struct pattern *p, struct arena *a, const char *text, bool rooted, const char **why);

#endif
