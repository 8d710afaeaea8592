/* manifest.c - see manifest.h */
#define _GNU_SOURCE
#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relpath.h"

unsigned
manifest_mode(const char *text, size_t length)
{
	if (length == 3 && !memcmp(text, "644", 3))
		return MANIFEST_PLAIN;
	if (length == 3 && !memcmp(text, "755", 3))
		return MANIFEST_EXEC;
	return length == 6 && !memcmp(text, "120000", 6) ? MANIFEST_LINK : 0;
}

/* line ends with a NUL. */
static const char *
entry_parse(struct manifest_entry *e, char *line)
{
	char *p = line + 64, *tab, *end;
	const char *why;

	if (strspn(line, "0123456789abcdef") != 64 || *p != '\t')
		return "no SHA-256 in front";
	memcpy(e->sha, line, 64);
	tab = strchr(++p, '\t');
	e->mode = tab ? manifest_mode(p, (size_t)(tab - p)) : 0;
	if (!e->mode)
		return "mode is not 644, 755 or 120000";
	p = tab + 1;
	e->size = strtoull(p, &end, 10);
	if (end == p || end - p > 19 || *p < '0' || *p > '9' || *end != '\t')
		return "size is not a number";
	e->path = end + 1;
	return relpath_fit(e->path, &why) ? NULL : why;
}

bool
manifest_parse(struct manifest *m, struct arena *arena, const char *text, size_t length, const char *name,
               struct err *err)
{
	char *p = arena_dup(arena, text, length), *const stop = p + length, *lf;
	size_t lines = 0, i;

	for (i = 0; i < length; i++)
		lines += text[i] == '\n';
	m->at = arena_get(arena, (lines + 1) * sizeof(*m->at));
	for (m->count = 0; p < stop; p = lf + 1) {
		struct manifest_entry *e = &m->at[m->count++];
		const char *why;

		lf = memchr(p, '\n', (size_t)(stop - p));
		if (!lf)
			return err_set(err, STATUS_USE, "%s:%zu: manifest ends early", name, m->count);
		*lf = '\0';
		why = strlen(p) == (size_t)(lf - p) ? entry_parse(e, p) : "line holds a NUL byte";
		if (!why && m->count > 1 && strcmp(e[-1].path, e->path) >= 0)
			why = "path is not in order";
		if (why)
			return err_set(err, STATUS_USE, "%s:%zu: %s", name, m->count, why);
	}
	return true;
}

static int
by_path(const void *path, const void *entry)
{
	return strcmp(path, ((const struct manifest_entry *)entry)->path);
}

const struct manifest_entry *
manifest_find(const struct manifest *m, const char *path)
{
	return m->count ? bsearch(path, m->at, m->count, sizeof(*m->at), by_path) : NULL;
}

char *
manifest_text(const struct manifest *m, struct arena *arena, size_t *length)
{
	size_t room = 1, used = 0, i;
	char *text;

	for (i = 0; i < m->count; i++)
		room += 64 + 1 + 6 + 1 + 20 + 1 + strlen(m->at[i].path) + 1;
	text = arena_get(arena, room);
	for (i = 0; i < m->count; i++) {
		const struct manifest_entry *e = &m->at[i];
		int n = snprintf(text + used, room - used, "%s\t%o\t%" PRIu64 "\t%s\n", e->sha, e->mode, e->size, e->path);

		used += (size_t)n;
	}
	*length = used;
	return text;
}
