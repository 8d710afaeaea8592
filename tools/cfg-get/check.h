/* check.h - a configuration against the table of known keys.
 *
 * Every unknown key and every value of another type than the table's is one fault with file, line and path; a value
 * that is null is absent, and one with ${VAR} is of any scalar type. No text holds a value. */
#ifndef CFG_GET_CHECK_H
#define CFG_GET_CHECK_H

#include <stddef.h>

#include "conf.h"
#include "keys.h"

enum { FAULTS_TOLD = 20 };

struct faults {
	struct err told[FAULTS_TOLD]; /* the first ones, in file order, all STATUS_USE */
	size_t count;                 /* all of them */
};

void check(struct faults *f, const struct conf *c, const struct key *root);

#endif
