/* version.h - version numbers and their order (DESIGN section 4, "Versions").
 *
 *     [v|V] NUMBER.NUMBER[.NUMBER[.NUMBER]] [letters] [-FIELD[.FIELD|-FIELD]...] [+BUILD]
 *
 * NUMBER is digits of any length (leading zeros count for nothing); letters are a-z right behind the last number
 * and make a later patch of it; FIELD and the fields of BUILD are [0-9A-Za-z]+, parted by `.` or `-`. Precedence
 * is that of SemVer 2.0, with missing numbers as 0: 1.2.1-rc-1 < 1.2.1 < 1.2.1b-rc-1 < 1.2.1b < 1.2.1g < 1.2.2;
 * letters compare by length first (z < aa), BUILD counts for nothing. Letters that are the name of a pre-release
 * (alpha, beta, dev, pre, preview, rc, snapshot) are no version: 1.2rc would else be newer than 1.2.
 *
 * Contract: everything borrows the text that was parsed; nothing allocates. */
#ifndef SLIPWAY_VERSION_H
#define SLIPWAY_VERSION_H

#include <stdbool.h>
#include <stddef.h>

enum { VERSION_NUMBERS = 4 };

struct version_slice {
	const char *at; /* not NUL-terminated */
	size_t length;
};

struct version {
	struct version_slice text;                    /* all of it, without the leading v */
	struct version_slice number[VERSION_NUMBERS]; /* without leading zeros: 0 is empty */
	struct version_slice core;                    /* the numbers as written: 1.02.3 */
	struct version_slice letters;                 /* empty, or g */
	struct version_slice pre;                     /* empty, or beta-9 */
};

/* false when the text is no version; *v is undefined then. */
bool version_parse(const char *text, size_t length, struct version *v);
/* <0, 0 or >0. 0 is equal precedence, not equal text: 1.2 and 1.2.0+x. */
int version_compare(const struct version *a, const struct version *b);
bool version_is_prerelease(const struct version *v);
/* The numbers alone, as the migration folder is named: v1.2.1 for 1.2.1g-rc-1. False when room is too small. */
bool version_numbers(const struct version *v, char *out, size_t room);

#endif
