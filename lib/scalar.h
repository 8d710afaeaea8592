/* scalar.h - what a plain YAML scalar stands for under the core schema of YAML 1.2.
 *
 * null, Null, NULL, ~ and nothing are null; true, True, TRUE, false, False, FALSE are booleans; 12, -3, 0o17, 0x1f
 * are integers; 1.5, .5, 1e3 are floats. Everything else is text: yes, no, on, off, 1_000, 0b1, .inf, .nan. */
#ifndef SLIPWAY_SCALAR_H
#define SLIPWAY_SCALAR_H

#include <stdbool.h>

#include "arena.h"

bool scalar_is_null(const char *text);

/* The JSON token that the plain text stands for, in the arena or constant; NULL when it is a string. A decimal
 * number keeps its digits, however many; 0o and 0x above 64 bits are strings. */
const char *scalar_json(struct arena *a, const char *text);

#endif
