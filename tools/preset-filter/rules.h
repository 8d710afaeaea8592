/* rules.h - the includes and excludes of one section, those that win first.
 *
 * Contract: read from the configuration once, in the arena. rules are sorted by level, inside a level as they are
 * written, presets in the order of the section's list. */
#ifndef PRESET_FILTER_RULES_H
#define PRESET_FILTER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "pattern.h"

/* The lower, the stronger. */
enum level { LEVEL_BUILT_IN, LEVEL_CUSTOM_EXCLUDE, LEVEL_CUSTOM_INCLUDE, LEVEL_PRESET_EXCLUDE, LEVEL_PRESET_INCLUDE };

struct rule {
	enum level level;
	const char *key;         /* path of the list; NULL for a built-in */
	const char *text;        /* the pattern as written */
	const struct node *node; /* where it is written; NULL for a built-in */
	struct pattern pattern;
};

struct rules {
	struct rule *list;
	size_t count, room;
};

bool rules_read(struct rules *r, const struct conf *c, const char *section, struct err *err);

/* Does the rule let a path through? */
bool rule_includes(const struct rule *r);
/* For people: `custom_exclude: docs/ (config.yaml:12)`, `built-in: .env`. */
const char *rule_shown(const struct rule *r, struct arena *a);

#endif
