/* json.h - a value of the configuration as JSON.
 *
 * Contract: writes to a stream that cannot fail but for memory; an unset variable or a text that is not UTF-8 is an
 * error. Plain scalars are typed by the core schema of YAML 1.2. A text that a variable gave to a plain scalar is true,
 * false or a number only when JSON would write it with the same bytes; otherwise it is a string. */
#ifndef CFG_GET_JSON_H
#define CFG_GET_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "conf.h"

bool json_put(FILE *out, const struct conf *c, const struct conf_place *p, struct err *err);

#endif
