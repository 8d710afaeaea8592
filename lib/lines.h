/* lines.h - records on a stream, one at a time: LF-separated, or NUL-separated for -0.
 *
 * Contract: struct lines is filled by the caller (in, name, separator), given back by lines_release. A record
 * is borrowed until the next call. The last record may lack its separator. An LF-separated record that holds a
 * NUL is STATUS_USE with its number. */
#ifndef SLIPWAY_LINES_H
#define SLIPWAY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

struct lines {
	FILE *in;
	const char *name; /* for error texts */
	char separator;   /* '\n' or '\0' */
	char *text;
	size_t room;
	unsigned long number; /* of the record last read, from 1 */
};

/* The next record without its separator, NUL-terminated; NULL at the end (err stays empty) or on failure. */
char *lines_next(struct lines *l, size_t *length, struct err *err);
void lines_release(struct lines *l); /* frees the buffer; in stays open */

#endif
