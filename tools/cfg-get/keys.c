/* keys.c - see keys.h */
#define _GNU_SOURCE
#include "keys.h"

#include <string.h>

#include "auto.h"
#include "durable.h"

static const struct {
	const char *name, *words;
	unsigned type;
} known[] = {
	{"list", "a list", TYPE_LIST}, {"map", "a mapping", TYPE_MAP}, {"root", "a mapping", TYPE_ROOT},
	{"text", "text", TYPE_TEXT}, {"number", "a whole number from 0", TYPE_NUMBER},
	{"seconds", "seconds (60 or 0.5)", TYPE_SECONDS}, {"bool", "true or false", TYPE_BOOL},
	{"any", "anything", TYPE_ANY},
};
enum { KNOWN = sizeof(known) / sizeof(*known) };

const char *
keys_types(struct arena *a, unsigned types)
{
	const char *words = "", *last = NULL;
	size_t i;

	for (i = 0; i < KNOWN; i++) {
		if (!(types & known[i].type))
			continue;
		if (last)
			words = *words ? arena_fmt(a, "%s, %s", words, last) : last;
		last = known[i].words;
	}
	return !last ? "nothing" : *words ? arena_fmt(a, "%s or %s", words, last) : last;
}

const struct key *
keys_find(const struct key *up, const char *name)
{
	const struct key *k, *open = NULL;

	for (k = up->down; k; k = k->next)
		if (!k->open && strcmp(k->name, name) == 0)
			return k;
		else if (k->open && !open && strncmp(k->name, name, k->length) == 0)
			open = k;
	return open;
}

/* The key of that very name; made at the end when it is not there. */
static struct key *
below(struct arena *a, struct key *up, const char *name)
{
	struct key **k = &up->down;

	while (*k && strcmp((*k)->name, name) != 0)
		k = &(*k)->next;
	if (!*k) {
		*k = arena_get(a, sizeof(**k));
		(*k)->name = name;
		(*k)->length = strlen(name);
		if ((*k)->length && name[(*k)->length - 1] == '*') {
			(*k)->open = true;
			(*k)->length--;
		}
		up->types |= TYPE_MAP;
	}
	return *k;
}

static bool
read_types(char *text, unsigned *types)
{
	char *one;
	size_t i;

	*types = 0;
	while ((one = strsep(&text, "|"))) {
		for (i = 0; i < KNOWN && strcmp(known[i].name, one) != 0; i++)
			;
		if (i == KNOWN)
			return false;
		*types |= known[i].type;
	}
	return true;
}

static const char *
add(struct arena *a, struct key *root, char *line)
{
	char *path = strsep(&line, "\t"), *type = strsep(&line, "\t"), *fallback = strsep(&line, "\t"), *name;
	struct key *k = root, *top = NULL;
	unsigned types, depth = 0;

	if (!line || strchr(line, '\t'))
		return "not PATH TAB TYPE TAB DEFAULT TAB MEANING";
	if (!read_types(type, &types))
		return "a type that is none";
	while ((name = strsep(&path, "."))) {
		if (!*name)
			return "a component of the path is empty";
		if (++depth > KEYS_DEPTH)
			return "the path is too long";
		k = below(a, k, name);
		top = top ? top : k;
	}
	if (k->means)
		return "the path stands there twice";
	if (types & TYPE_ROOT)
		top->repeats = true;
	k->types |= types;
	k->fallback = fallback;
	k->means = line;
	return NULL;
}

const struct key *
keys_load(struct arena *a, const char *file, struct err *err)
{
	AUTO(mem_release) char *text = NULL;
	struct key *root = arena_get(a, sizeof(*root));
	unsigned number = 0;
	char *rest, *line;
	const char *bad;
	size_t length;

	root->name = "";
	root->types = TYPE_MAP;
	text = read_whole(file, KEYS_LIMIT, &length, err);
	if (!text)
		return NULL;
	rest = arena_dup(a, text, length);
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (!*line || *line == '#')
			continue;
		bad = add(a, root, line);
		if (bad && !err_set(err, STATUS_USE, "%s:%u: %s", file, number, bad))
			return NULL;
	}
	return root;
}
