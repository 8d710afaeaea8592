/* child.h - work that may hang, in a child process that is ended at a deadline. */
#ifndef REPO_FETCH_CHILD_H
#define REPO_FETCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { CHILD_RESULT = 64 };

typedef bool child_work(void *arg, char result[CHILD_RESULT], struct err *err);

/* Runs work in a child and hands over its result, or its err. At end_ms (clock_ms of lockwait.h) the child's
 * process group gets SIGTERM and then SIGKILL, and err is STATUS_SYS with the text late. The child dies with this
 * process, however that ends; locks that it inherited are free when child_run returns. */
bool child_run(child_work *work, void *arg, int64_t end_ms, const char *late, char result[CHILD_RESULT],
    struct err *err);

#endif
