/* envfile.h - a .env file: KEY=value, one a line.
 *
 * `export ` in front of a key is skipped, `#` begins a comment on a line of its own or behind a blank; single quotes
 * are literal, double quotes know \n \" \\, a value without quotes is trimmed; LF or CRLF, with or without BOM. The
 * last of two equal keys counts. Nothing is expanded. A line that is none of this is STATUS_USE with file and line,
 * never with its text.
 * Contract: zero-initialised; keys and values live in the arena. */
#ifndef SLIPWAY_ENVFILE_H
#define SLIPWAY_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"

struct envfile_line;
struct envfile {
	struct envfile_line *last;
};

/* A file that does not exist is an empty one. */
bool envfile_load(struct envfile *e, struct arena *a, const char *path, struct err *err);
/* NULL when the key is not there; length is that of the name. */
const char *envfile_get(const struct envfile *e, const char *name, size_t length);

/* How many bytes from the start are a name that a shell takes: [A-Za-z_][A-Za-z0-9_]* */
size_t envfile_name(const char *text);

#endif
