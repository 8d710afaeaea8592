/* utf8.h - is it UTF-8? */
#ifndef SLIPWAY_UTF8_H
#define SLIPWAY_UTF8_H

#include <stddef.h>

/* How many bytes from the start are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above
 * U+10FFFF); length when all are. NUL counts as a character. */
size_t utf8_prefix(const char *text, size_t length);

#endif
