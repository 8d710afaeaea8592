/* pattern.c - see pattern.h */
#include "pattern.h"

#include <string.h>

/* How many bytes of the pattern's text are one unit: an escaped byte, a class, or one byte; 0 when it is broken. */
static size_t
unit(const char *s, const char **why)
{
	size_t length;

	if (*s == '\\') {
		*why = "ends in a lone backslash";
		return s[1] ? 2 : 0;
	}
	if (*s != '[')
		return 1;
	*why = "has a class without end or of an unknown name";
	length = glob_class(s, strlen(s), NULL);
	return length;
}

static bool
is_stars(const char *s, size_t length)
{
	return length > 1 && strspn(s, "*") >= length;
}

static bool
add_segment(struct chain *c, struct arena *a, const char *s, size_t length, bool many, const char **why)
{
	struct segment *last = c->count ? &c->segments[c->count - 1] : NULL;

	if (many && last && last->many)
		return true;
	*why = "has an empty component, '.' or '..'";
	if (!length || (length <= 2 && strncmp(s, "..", length) == 0))
		return false;
	c->segments[c->count].many = many;
	return glob_compile(&c->segments[c->count++].glob, a, s, length, why);
}

/* Cuts at slashes that stand outside classes. `\/` is a slash too, but `**` before it takes at least one component. */
static bool
cut(struct chain *c, struct arena *a, const char *s, const char **why)
{
	const char *start = s;
	size_t step;

	c->segments = arena_get(a, (2 * strlen(s) + 2) * sizeof(*c->segments));
	for (;; s += step) {
		bool escaped = s[0] == '\\' && s[1] == '/', many;

		if (*s && *s != '/' && !escaped) {
			if (!(step = unit(s, why)))
				return false;
			continue;
		}
		many = is_stars(start, (size_t)(s - start));
		if (many && escaped && !add_segment(c, a, "*", 1, false, why))
			return false;
		/* A `**` at the end takes everything below: it is enough to take what lies directly below. */
		if (!add_segment(c, a, start, (size_t)(s - start), many && *s, why))
			return false;
		if (!*s)
			return true;
		step = escaped ? 2 : 1;
		start = s + step;
	}
}

/* git cuts off the text before the first wildcard and reads the rest as a pattern of its own: two stars right behind
 * that text and before a slash cross folders too, and may stand for nothing: `abc**` `/x` matches abcx and abcd/e/x. */
static bool
cut_rooted(struct pattern *p, struct arena *a, const char *s, const char **why)
{
	size_t head = strcspn(s, "*?[\\"), stars = strspn(s + head, "*");
	const char *rest = s + head + stars;
	bool escaped = rest[0] == '\\' && rest[1] == '/';

	if (!head || s[head - 1] == '/' || stars < 2 || (*rest != '/' && !escaped))
		return cut(&p->chains[0], a, s, why);
	rest += escaped ? 2 : 1;
	if (!cut(&p->chains[0], a, arena_fmt(a, "%.*s*/**/%s", (int)head, s, rest), why))
		return false;
	if (escaped)
		return true;
	for (stars = strspn(rest, "*"); stars > 1 && rest[stars] == '/'; stars = strspn(rest, "*"))
		rest += stars + 1;
	return cut(&p->chains[1], a, arena_fmt(a, "%.*s%s", (int)head, s, rest), why);
}

bool
pattern_compile(struct pattern *p, struct arena *a, const char *text, bool rooted, const char **why)
{
	char *s = arena_str(a, text);
	size_t length = strlen(s);
	struct chain *c = &p->chains[0];

	*p = (struct pattern){0};
	*why = "is empty";
	if (!length)
		return false;
	*why = "negates";
	if (*s == '!')
		return false;
	if (s[length - 1] == '/') {
		p->folder = true;
		s[--length] = '\0';
	}
	if (!rooted && !strchr(s, '/')) {
		p->any_depth = true;
		*why = "has an empty component, '.' or '..'";
		return *s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && glob_compile(&p->base, a, s, length, why);
	}
	if (!cut_rooted(p, a, *s == '/' ? s + 1 : s, why))
		return false;
	if (c->count == 2 && c->segments[0].many && !p->chains[1].count) {
		p->any_depth = true;
		p->base = c->segments[1].glob;
	}
	return true;
}
