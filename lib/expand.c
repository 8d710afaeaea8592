/* expand.c - see expand.h */
#include "expand.h"

#include <string.h>

#include "envfile.h"

struct part {
	const char *name, *fallback; /* fallback NULL: none */
	size_t name_length, fallback_length, length;
};

/* Reads `${VAR}` or `${VAR:-default}` at s; false when something else is there. */
static bool
read_part(const char *s, struct part *p)
{
	const char *end;

	*p = (struct part){.name = s + 2};
	if (s[1] != '{' || !(p->name_length = envfile_name(p->name)))
		return false;
	end = p->name + p->name_length;
	if (strncmp(end, ":-", 2) == 0) {
		p->fallback = end + 2;
		end = strchr(end, '}');
		if (!end)
			return false;
		p->fallback_length = (size_t)(end - p->fallback);
	}
	p->length = (size_t)(end - s) + 1;
	return *end == '}';
}

enum expand_result
expand(struct arena *a, const char *text, expand_lookup *lookup, const void *context, const char **out,
    const char **name)
{
	size_t used = 0, room = strlen(text) + 1;
	enum expand_result result = EXPAND_SAME;
	const char *s = strchr(text, '$');
	struct part p;
	char *o;

	*out = text;
	if (!s)
		return EXPAND_SAME;
	o = arena_dup(a, text, room - 1);
	used = (size_t)(s - text);
	while (*s) {
		const char *piece = s;
		size_t length = 1, step = 1;

		if (s[0] == '$' && s[1] == '$') {
			step = 2;
			result = result == EXPAND_SAME ? EXPAND_DONE : result;
		} else if (s[0] == '$' && read_part(s, &p)) {
			*name = arena_dup(a, p.name, p.name_length);
			for (length = 0; length + 1 < p.fallback_length; length++)
				if (p.fallback[length] == '$' && p.fallback[length + 1] == '{')
					return EXPAND_NESTED;
			piece = lookup(context, p.name, p.name_length);
			if (!piece && !p.fallback)
				return EXPAND_UNSET;
			if (p.fallback && (!piece || !*piece)) {
				piece = p.fallback;
				length = p.fallback_length;
			} else {
				length = strlen(piece);
			}
			if (used + length > EXPAND_LIMIT)
				return EXPAND_HUGE;
			step = p.length;
			result = EXPAND_FILLED;
		}
		if (used + length + 1 > room) {
			size_t more = 2 * (used + length + 1);

			o = arena_grow(a, o, used, more);
			room = more;
		}
		memcpy(o + used, piece, length);
		used += length;
		s += step;
	}
	o[used] = '\0';
	*out = o;
	return result;
}
