/* match.c - see match.h */
#include "match.h"

#include <string.h>

static uint64_t
word_at(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static void
test_make(struct test *t, const struct glob *g, int rule, bool folder)
{
	char value[8] = {0}, mask[8] = {0};
	size_t length = g->head_length < 8 ? g->head_length : 8;

	*t = (struct test){.glob = g, .rule = rule, .folder = folder};
	memcpy(value, g->head, length);
	memset(mask, 0xff, length);
	t->head = word_at(value);
	t->head_mask = word_at(mask);
	memset(value, 0, sizeof(value));
	memset(mask, 0, sizeof(mask));
	length = g->tail_length < 8 ? g->tail_length : 8;
	memcpy(value + 8 - length, g->tail + g->tail_length - length, length);
	memset(mask + 8 - length, 0xff, length);
	t->tail = word_at(value);
	t->tail_mask = word_at(mask);
}

static inline bool
test_match(const struct test *t, uint64_t head, uint64_t tail, const char *name, size_t length)
{
	return !(((head ^ t->head) & t->head_mask) | ((tail ^ t->tail) & t->tail_mask)) && glob_match(t->glob, name, length);
}

static void
put_state(struct matcher *m, struct level_of_folder *to, uint32_t s)
{
	for (;; s++) {
		if (m->stamp[s] == m->step)
			return;
		m->stamp[s] = m->step;
		to->states[to->count++] = s;
		if (!m->states[s].many) /* many may stand for nothing: what follows waits too */
			return;
	}
}

static void
add_chain(struct matcher *m, const struct chain *c, int rule, bool folder)
{
	uint32_t first = (uint32_t)m->state_count;
	size_t i;

	if (!c->count)
		return;
	for (i = 0; i < c->count; i++) {
		struct state *s = &m->states[m->state_count++];

		test_make(&s->test, &c->segments[i].glob, rule, folder);
		s->many = c->segments[i].many;
		s->last = i + 1 == c->count;
	}
	put_state(m, &m->kept[0], first);
}

void
matcher_init(struct matcher *m, struct arena *a, const struct rules *r, bool explain)
{
	size_t i, all = 0, count = r->count;

	*m = (struct matcher){.rules = r, .explain = explain, .step = 1};
	for (i = 0; i < count; i++)
		all += r->list[i].pattern.chains[0].count + r->list[i].pattern.chains[1].count;
	m->states = arena_get(a, all * sizeof(*m->states));
	m->stamp = arena_get(a, all * sizeof(*m->stamp));
	m->any = arena_get(a, count * sizeof(*m->any));
	m->any_file = arena_get(a, count * sizeof(*m->any_file));
	m->merged = arena_get(a, (count + all) * sizeof(*m->merged));
	m->folder = arena_get(a, MATCH_PATH);
	for (i = 0; i < sizeof(m->kept) / sizeof(*m->kept); i++)
		m->kept[i].states = arena_get(a, all * sizeof(uint32_t));
	m->kept[0].decided = -1;
	m->kept[0].limit = (int)count;
	for (i = 0; i < count; i++) {
		const struct pattern *p = &r->list[i].pattern;

		if (p->any_depth) {
			test_make(&m->any[m->any_count++], &p->base, (int)i, p->folder);
			if (!p->folder)
				test_make(&m->any_file[m->any_file_count++], &p->base, (int)i, false);
		} else {
			add_chain(m, &p->chains[0], (int)i, p->folder);
			add_chain(m, &p->chains[1], (int)i, p->folder);
		}
	}
	m->now = &m->kept[0];
	(void)matcher_enter(m, "", 0);
}

/* Rules of one level do not outdo each other below a folder: the limit is where the level begins. */
static int
level_start(const struct rules *r, int rule)
{
	while (rule > 0 && r->list[rule - 1].level == r->list[rule].level)
		rule--;
	return rule;
}

static void
follow(struct matcher *m, const struct level_of_folder *from, struct level_of_folder *to, const char *name, size_t length)
{
	uint64_t head = word_at(name), tail = word_at(name + length - 8);
	int best = from->limit;
	size_t i;

	m->step++;
	to->count = 0;
	for (i = 0; i < m->any_count && m->any[i].rule < best; i++)
		if (test_match(&m->any[i], head, tail, name, length))
			best = m->any[i].rule;
	for (i = 0; i < from->count; i++) {
		const struct state *s = &m->states[from->states[i]];

		if (s->test.rule >= from->limit)
			continue;
		if (s->many)
			put_state(m, to, from->states[i]);
		else if (!test_match(&s->test, head, tail, name, length))
			continue;
		else if (!s->last)
			put_state(m, to, from->states[i] + 1);
		else if (s->test.rule < best)
			best = s->test.rule;
	}
	to->decided = from->decided;
	to->limit = from->limit;
	if (best < from->limit) {
		to->decided = best;
		to->limit = level_start(m->rules, best);
	}
}

/* Keeps the list sorted by rule: the stronger first. */
static void
insert_test(struct test *list, size_t *count, const struct test *t)
{
	size_t i = (*count)++;

	for (; i && list[i - 1].rule > t->rule; i--)
		list[i] = list[i - 1];
	list[i] = *t;
}

static void
collect_tests(struct matcher *m)
{
	const struct level_of_folder *f = m->now;
	bool verdict = matcher_lets(m, f->decided), matters = m->explain;
	size_t i, count = 0;

	while (count < m->any_file_count && m->any_file[count].rule < f->limit)
		count++;
	m->tests = m->any_file;
	m->test_count = count;
	for (i = 0; i < f->count; i++) {
		const struct state *s = &m->states[f->states[i]];

		if (!s->last || s->test.folder || s->test.rule >= f->limit)
			continue;
		if (m->tests != m->merged) {
			memcpy(m->merged, m->any_file, count * sizeof(*m->merged));
			m->tests = m->merged;
		}
		insert_test(m->merged, &m->test_count, &s->test);
	}
	for (i = 0; i < m->test_count && !matters; i++)
		matters = matcher_lets(m, m->tests[i].rule) != verdict;
	if (!matters)
		m->test_count = 0;
}

static bool
is_fit(const char *name, size_t length)
{
	return length && !(*name == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

bool
matcher_enter(struct matcher *m, const char *path, size_t length)
{
	size_t k = 0, at;

	while (k < m->depth && m->kept[k + 1].end <= length &&
	    memcmp(path + m->kept[k].end, m->folder + m->kept[k].end, m->kept[k + 1].end - m->kept[k].end) == 0)
		k++;
	m->now = &m->kept[k];
	for (at = m->now->end; at < length; k++) {
		/* Levels too deep to be kept take turns in the two places behind. */
		struct level_of_folder *to = &m->kept[k < MATCH_KEPT ? k + 1 : MATCH_KEPT + 1 + k % 2];
		const char *slash = memchr(path + at, '/', length - at);
		size_t name_length = (size_t)(slash - path) - at;

		if (!is_fit(path + at, name_length))
			return false;
		follow(m, m->now, to, path + at, name_length);
		at += name_length + 1;
		to->end = at;
		m->now = to;
		if (k < MATCH_KEPT)
			m->depth = k + 1;
	}
	memcpy(m->folder, path, length);
	m->folder_length = length;
	collect_tests(m);
	return true;
}

int
matcher_file(const struct matcher *m, const char *name, size_t length)
{
	uint64_t head = word_at(name), tail = word_at(name + length - 8);
	size_t i;

	for (i = 0; i < m->test_count; i++)
		if (test_match(&m->tests[i], head, tail, name, length))
			return m->tests[i].rule;
	return m->now->decided;
}

bool
matcher_lets(const struct matcher *m, int rule)
{
	return rule >= 0 && rule_includes(&m->rules->list[rule]);
}
