/* glob.c - see glob.h */
#include "glob.h"

#include <string.h>

enum step_kind { STEP_BYTE, STEP_ONE, STEP_MANY, STEP_CLASS };

struct glob_step {
	uint8_t kind, byte;
	const uint8_t *set;
};

static bool
in_set(const uint8_t set[32], unsigned byte)
{
	return set[byte / 8] >> byte % 8 & 1;
}

/* The number of a class name, 0 for none. */
static int
class_number(const char *name, size_t length)
{
	static const char *const names[] = {"", "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
	    "space", "upper", "xdigit"};
	int i;

	for (i = 1; i < (int)(sizeof(names) / sizeof(*names)); i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return i;
	return 0;
}

/* As git's own ctype has it: ASCII alone; \v and \f are no space. */
static bool
in_class(int number, unsigned c)
{
	bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
	bool graph = c > 0x20 && c < 0x7f;

	switch (number) {
	case 1:  return lower || upper || digit;
	case 2:  return lower || upper;
	case 3:  return c == ' ' || c == '\t';
	case 4:  return c < 0x20 || c == 0x7f;
	case 5:  return digit;
	case 6:  return graph;
	case 7:  return lower;
	case 8:  return graph || c == ' ';
	case 9:  return graph && !lower && !upper && !digit;
	case 10: return c == ' ' || c == '\t' || c == '\n' || c == '\r';
	case 11: return upper;
	default: return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
	}
}

static void
add_range(uint8_t set[32], unsigned from, unsigned to)
{
	for (; from <= to; from++)
		set[from / 8] |= (uint8_t)(1U << from % 8);
}

/* `:name:]` at text, behind a `[`: its length without the `]`; 0 when it is no named class. */
static size_t
named_length(const char *text, size_t length)
{
	const char *end = length > 1 && *text == ':' ? memchr(text + 1, ']', length - 1) : NULL;

	return end && end > text + 1 && end[-1] == ':' ? (size_t)(end - text) : 0;
}

size_t
glob_class(const char *text, size_t length, uint8_t set[32])
{
	uint8_t own[32] = {0};
	size_t i = 1, name, b;
	unsigned before = 0; /* the byte that a `-` would begin from, 0 for none */
	bool not = i < length && (text[i] == '!' || text[i] == '^'), first;

	for (i += not, first = true; i < length && (first || text[i] != ']'); first = false, i++) {
		unsigned c = (unsigned char)text[i];

		if (c == '\\') {
			if (++i >= length)
				return 0;
			c = (unsigned char)text[i];
			add_range(own, c, c);
		} else if (c == '-' && before && i + 1 < length && text[i + 1] != ']') {
			i++;
			if (text[i] == '\\' && ++i >= length)
				return 0;
			add_range(own, before, (unsigned char)text[i]);
			c = 0;
		} else if (c == '[' && (name = named_length(text + i + 1, length - i - 1))) {
			int number = class_number(text + i + 2, name - 2);

			if (!number)
				return 0;
			for (b = 1; b < 256; b++)
				if (in_class(number, (unsigned)b))
					add_range(own, (unsigned)b, (unsigned)b);
			i += name + 1;
			c = 0;
		} else {
			add_range(own, c, c);
		}
		before = c;
	}
	if (i >= length)
		return 0;
	for (b = 0; set && b < 32; b++)
		set[b] = not ? (uint8_t)~own[b] : own[b];
	if (set)
		set['/' / 8] &= (uint8_t)~(1U << '/' % 8);
	return i + 1;
}

/* Splits off the forms that need no steps to match, and the literal ends that rule most names out. */
static void
settle(struct glob *g, struct arena *a)
{
	size_t i, n = g->count;
	char *text = arena_get(a, n + 1);

	for (i = 0; i < n; i++)
		text[i] = (char)g->steps[i].byte;
	while (g->head_length < n && g->steps[g->head_length].kind == STEP_BYTE)
		g->head_length++;
	while (g->tail_length < n && g->steps[n - g->tail_length - 1].kind == STEP_BYTE)
		g->tail_length++;
	g->head = text;
	g->tail = text + n - g->tail_length;
	g->text = text;
	g->length = n;
	if (g->head_length == n) {
		g->form = GLOB_LITERAL;
	} else if (n == 1 && g->steps[0].kind == STEP_MANY) {
		g->form = GLOB_ANY;
	} else if (g->tail_length == n - 1 && g->steps[0].kind == STEP_MANY) {
		g->form = GLOB_SUFFIX;
		g->text = g->tail;
		g->length = g->tail_length;
	} else {
		g->form = GLOB_GENERAL;
	}
}

bool
glob_compile(struct glob *g, struct arena *a, const char *pattern, size_t length, const char **why)
{
	size_t i, step;

	*g = (struct glob){.steps = arena_get(a, length * sizeof(*g->steps))};
	for (i = 0; i < length; i += step) {
		struct glob_step *s = &g->steps[g->count];

		*s = (struct glob_step){.kind = STEP_BYTE};
		step = 1;
		switch (pattern[i]) {
		case '*':
			s->kind = STEP_MANY;
			if (g->count && s[-1].kind == STEP_MANY)
				continue;
			break;
		case '?':
			s->kind = STEP_ONE;
			break;
		case '[': {
			uint8_t *set = arena_get(a, 32);

			s->kind = STEP_CLASS;
			s->set = set;
			step = glob_class(pattern + i, length - i, set);
			*why = "has a class without end or of an unknown name";
			if (!step)
				return false;
			break;
		}
		case '\\':
			*why = "ends in a lone backslash";
			if (i + 1 == length)
				return false;
			s->byte = (uint8_t)pattern[i + 1];
			step = 2;
			break;
		default:
			s->byte = (uint8_t)pattern[i];
		}
		g->count++;
	}
	settle(g, a);
	return true;
}

/* A match that fails goes back to the last `*` alone: what an earlier one could take, the last one can. */
static bool
match_steps(const struct glob *g, const char *name, size_t length)
{
	const struct glob_step *s = g->steps, *end = s + g->count, *again = NULL;
	const char *n = name, *stop = name + length, *from = NULL;

	while (n < stop || s < end) {
		if (s < end && s->kind == STEP_MANY) {
			again = ++s;
			from = n;
			continue;
		}
		if (s < end && n < stop && (s->kind == STEP_ONE || (s->kind == STEP_BYTE && s->byte == (uint8_t)*n) ||
		    (s->kind == STEP_CLASS && in_set(s->set, (uint8_t)*n)))) {
			s++;
			n++;
			continue;
		}
		if (!again || from == stop)
			return false;
		s = again;
		n = ++from;
	}
	return true;
}

bool
glob_match(const struct glob *g, const char *name, size_t length)
{
	switch (g->form) {
	case GLOB_ANY:
		return true;
	case GLOB_LITERAL:
		return length == g->length && memcmp(name, g->text, length) == 0;
	case GLOB_SUFFIX:
		return length >= g->length && memcmp(name + length - g->length, g->text, g->length) == 0;
	case GLOB_GENERAL:
		break;
	}
	return match_steps(g, name, length);
}
