/* match.h - which rule decides on a path, for many paths of which neighbours mostly share a folder.
 *
 * A folder is entered once: its rules are followed component by component, from the deepest folder that it shares with
 * the one before, and leave a short list of tests for the names in it. Work grows with the length of the path, never
 * with its depth times its length; memory does not grow with the number of paths.
 *
 * Contract: MATCH_PAD bytes in front of and behind each path may be read. */
#ifndef PRESET_FILTER_MATCH_H
#define PRESET_FILTER_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules.h"

enum { MATCH_PAD = 8, MATCH_KEPT = 64, MATCH_PATH = 1024 * 1024 };

/* Rules most names out with two comparisons, by the literal ends of the pattern, before the pattern itself is tried. */
struct test {
	uint64_t head, head_mask, tail, tail_mask;
	const struct glob *glob;
	int rule;
	bool folder; /* matches folders only */
};

struct state {
	struct test test;
	bool many, last;
};

struct level_of_folder {
	size_t end;      /* of its path, behind the slash */
	int decided;     /* the rule that decides on everything below it so far, or -1 */
	int limit;       /* only rules below this number are stronger */
	size_t count;    /* of the states that wait for the next component */
	uint32_t *states;
};

struct matcher {
	const struct rules *rules;
	bool explain;                /* find the first of several rules with one verdict, not just any */
	struct state *states;
	size_t state_count;
	uint64_t *stamp, step;       /* in which step a state was last put down */
	struct test *any, *any_file; /* patterns of any depth: all, and those that match files */
	size_t any_count, any_file_count;
	struct level_of_folder kept[MATCH_KEPT + 3], *now;
	size_t depth;                /* index of the last kept level; it may lie below the folder entered last */
	char *folder;                /* path of that folder, with its slash, and of the kept levels below it */
	size_t folder_length;
	const struct test *tests;    /* for names in it */
	struct test *merged;
	size_t test_count;
};

void matcher_init(struct matcher *m, struct arena *a, const struct rules *r, bool explain);
/* length counts the slash at the end, 0 is the root. False for a component that is empty, `.` or `..`. */
bool matcher_enter(struct matcher *m, const char *path, size_t length);
/* The number of the rule that decides on a file of the folder; -1: no include matches. */
int matcher_file(const struct matcher *m, const char *name, size_t length);
bool matcher_lets(const struct matcher *m, int rule);

#endif
