/* filter.h - paths from one descriptor to another, those that the rules let through, in their order.
 *
 * Contract: memory is fixed, whatever comes. A path that is absolute or empty, has an empty, `.` or `..` component, is
 * longer than MATCH_PATH or, where LF separates, holds a NUL, is STATUS_USE with its number. */
#ifndef PRESET_FILTER_FILTER_H
#define PRESET_FILTER_FILTER_H

#include "err.h"
#include "match.h"

enum filter_show { SHOW_PASSED, SHOW_EXCLUDED, SHOW_ALL };

bool filter(int in, int out, struct matcher *m, char separator, enum filter_show show, struct arena *a, struct err *err);

#endif
