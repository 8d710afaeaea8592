/* glob.h - one shell pattern against one name, as git's wildmatch reads it inside a path component.
 *
 * `*` any bytes, `?` one byte, `[a-z]`, `[!a-z]`, `[^a-z]`, `[[:digit:]]` one byte of a class, `\` makes the next byte
 * literal. A leading dot is nothing special and bytes are compared as they are. `/` is an ordinary byte for `*` and
 * `?`, but no class matches it: callers give names without one.
 * Contract: a compiled glob lives in the arena. Matching never takes more than pattern x name steps. */
#ifndef SLIPWAY_GLOB_H
#define SLIPWAY_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum glob_form { GLOB_LITERAL, GLOB_ANY, GLOB_SUFFIX, GLOB_GENERAL };

struct glob_step;
struct glob {
	enum glob_form form;
	const char *text;         /* the literal, or the suffix behind `*` */
	size_t length;
	struct glob_step *steps;
	size_t count;
	const char *head, *tail;  /* literal text that each match begins and ends with */
	size_t head_length, tail_length;
};

/* False with the reason in *why, a constant: a class without `]` or of an unknown name, a backslash at the end. */
bool glob_compile(struct glob *g, struct arena *a, const char *pattern, size_t length, const char **why);
bool glob_match(const struct glob *g, const char *name, size_t length);

/* How long the class is that begins with the `[` at text; 0 when it has no end or an unknown name. set, when not
 * NULL, gets the 256 bits of its bytes. */
size_t glob_class(const char *text, size_t length, uint8_t set[32]);

#endif
