/* near.c - see near.h */
#include "near.h"

#include <string.h>

enum { LONGEST = 48, ELSEWHERE = 3, NONE = 1000 };

struct search {
	const char *const *path;
	size_t depth;
	const char *name;             /* the unknown one */
	bool repeated;
	const char *at[KEYS_DEPTH];   /* the candidate's components, as they are shown */
	size_t shared, level;         /* components that begin the unknown path too; all */
	unsigned best;
	size_t best_shared, best_level;
	const char *found[KEYS_DEPTH];
};

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Case and the kind of dash are one slip at most in what people type; they cost nothing here. */
static char
folded(char c)
{
	return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters that are missing, too many, other ones or swapped. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[3][LONGEST + 1], *before = row[0], *last = row[1], *now = row[2], *spare;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > LONGEST || lb > LONGEST)
		return NONE;
	for (j = 0; j <= lb; j++)
		before[j] = last[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		now[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			char x = folded(a[i - 1]), y = folded(b[j - 1]);

			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == folded(b[j - 2]) && y == folded(a[i - 2]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

/* The last of the candidate's components is compared; it costs more when it is not beside the unknown key. */
static void
weigh(struct search *s, const struct key *k)
{
	bool beside = s->level == s->depth && s->shared == s->depth - 1;
	size_t length = strlen(s->name);
	unsigned far = k->open ? NONE : distance(s->name, k->name);
	unsigned cost = 2 * far + (beside ? 0 : ELSEWHERE);

	if (far > (beside ? length < 4 ? 1 : length / 3 + 1 : length / 4) || cost > s->best)
		return;
	if (length < 4 && s->depth > 1 && !s->shared) /* a short name stands in many places */
		return;
	if (cost == s->best && (s->shared < s->best_shared || (s->shared == s->best_shared && s->level >= s->best_level)))
		return;
	s->best = cost;
	s->best_shared = s->shared;
	s->best_level = s->level;
	memcpy(s->found, s->at, sizeof(s->found));
}

static void
walk(struct search *s, const struct key *up)
{
	size_t level = s->level, shared = s->shared;
	const struct key *k;

	for (k = up->down; k; k = k->next) {
		bool follows = level == shared && level + 1 < s->depth && keys_find(up, s->path[level]) == k;

		if (s->repeated && k->repeats)
			continue;
		s->at[level] = follows ? s->path[level] : k->open ? "NAME" : k->name;
		s->level = level + 1;
		s->shared = shared + follows;
		weigh(s, k);
		walk(s, k);
	}
	s->level = level;
	s->shared = shared;
}

const char *
near_key(struct arena *a, const struct key *root, const char *const *path, size_t depth, bool repeated)
{
	struct search s = {.path = path, .depth = depth, .name = path[depth - 1], .repeated = repeated, .best = NONE};
	const char *text = NULL;
	size_t i;

	walk(&s, root);
	for (i = 0; s.best < NONE && i < s.best_level; i++)
		text = text ? arena_fmt(a, "%s.%s", text, s.found[i]) : s.found[i];
	return text;
}
