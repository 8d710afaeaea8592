/* diag.h - the face of a tool: usage, messages on stderr, the last flush. Only main calls these.
 *
 * Every function that ends a tool returns the exit status for main to return; none of them exits. Control
 * bytes in a message are shown as '?', so that a hostile name cannot drive a terminal. */
#ifndef SLIPWAY_DIAG_H
#define SLIPWAY_DIAG_H

#include "err.h"

/* name and usage stay borrowed for the life of the program. usage is the synopsis without "usage: ". It also
 * opens /dev/null on those of the descriptors 0-2 that are closed, so that no file of ours becomes stderr; reading
 * a closed stdin or writing to a closed stdout still fails. */
void diag_init(const char *name, const char *usage);
int diag_help(void);                       /* usage on stdout; STATUS_OK, or STATUS_SYS when it cannot be written */
int diag_usage(void);                      /* usage on stderr; STATUS_USE */
int diag_fail(const struct err *err);      /* text (and hint) on stderr; err->status */
int diag_flush(void);                      /* flushes stdout; a full disk or closed pipe is STATUS_SYS */
void diag_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
