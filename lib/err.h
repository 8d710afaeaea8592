/* err.h - how lib/ tells a failure: a status and one line of text, never a print.
 *
 * Contract: a function that can fail takes `struct err *` last and returns false (or NULL) after it has
 * filled it. The first failure wins: a second err_set on a filled err keeps the first text. The text holds no
 * program name and no newline; main gives it to diag_fail. err may be on the stack, zero-initialised. */
#ifndef SLIPWAY_ERR_H
#define SLIPWAY_ERR_H

#include <stdbool.h>

enum status {
	STATUS_OK = 0,    /* done, or yes */
	STATUS_NO = 1,    /* asked and answered no: absent, differs, nothing to do */
	STATUS_USE = 100, /* wrong use, configuration or input: the same call will fail again */
	STATUS_SYS = 111  /* the world refused (disk, network, database, Docker): a later call may do */
};

struct err {
	int status;      /* 0 while nothing failed */
	char text[2048]; /* cut, never overrun */
	char hint[512];  /* empty, or what the reader can do */
};

/* Fills err and returns false, so that a failure reads `return err_set(err, STATUS_USE, "...")`. */
bool err_set(struct err *err, enum status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set with STATUS_SYS, and `: strerror(errno)` behind the text; errno is read before anything else. */
bool err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the line that diag_fail prints as `prog: hint: ...`. Returns false, as err_set does. */
bool err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
