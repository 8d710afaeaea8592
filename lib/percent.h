/* percent.h - values made fit for records: no separator and no control byte is left in them. */
#ifndef SLIPWAY_PERCENT_H
#define SLIPWAY_PERCENT_H

#include <stddef.h>

/* Writes text with `%`, space, control bytes and all bytes from 0x7f on as %XX (upper-case hex); out has room
 * for 3 * strlen(text) + 1. Returns the length without the NUL. What it writes is ASCII without space, TAB and LF,
 * and two texts that differ stay different. */
size_t percent_encode(const char *text, char *out);

#endif
