/* tags.c - see tags.h */
#define _GNU_SOURCE
#include "tags.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"

enum { PACKED_LIMIT = 1 << 30, HEX = 40 };

static void
dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static struct tag *
room_for_one(struct tags *tags, struct arena *arena)
{
	if (tags->count == tags->room) {
		size_t room = tags->room ? 2 * tags->room : 256;

		tags->at = arena_grow(arena, tags->at, tags->count * sizeof(*tags->at), room * sizeof(*tags->at));
		tags->room = room;
	}
	return tags->at + tags->count;
}

static int
by_name(const void *left, const void *right)
{
	return strcmp(((const struct tag *)left)->name, ((const struct tag *)right)->name);
}

/* v1.0-rc.1.lock is git at work on v1.0-rc.1. */
static bool
is_lock(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && !strcmp(name + length - 5, ".lock");
}

/* No version holds a slash, so that folders below refs/tags need no look. */
static bool
read_loose(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err)
{
	const char *path = arena_fmt(arena, "%s/refs/tags", gitdir);
	AUTO(dir_release) DIR *dir = opendir(path);
	struct version ignored;
	struct dirent *entry;
	struct tag *tag;

	if (!dir)
		return errno == ENOENT || err_sys(err, "cannot open folder '%s'", path);
	while ((errno = 0, entry = readdir(dir))) {
		if (entry->d_type == DT_DIR || is_lock(entry->d_name) ||
		    !version_parse(entry->d_name, strlen(entry->d_name), &ignored))
			continue;
		tag = room_for_one(tags, arena);
		tag->name = arena_str(arena, entry->d_name);
		tag->hex = NULL;
		tags->count++;
	}
	if (errno)
		return err_sys(err, "cannot read folder '%s'", path);
	if (tags->count > 1)
		qsort(tags->at, tags->count, sizeof(*tags->at), by_name);
	return true;
}

/* One record of packed-refs: `HEX refs/tags/NAME`, or `^HEX`: what the tag of the line before leads to. */
static bool
take_line(struct tags *tags, const char *line, size_t length, size_t loose, struct tag **last, struct arena *arena)
{
	static const char folder[] = " refs/tags/";
	const size_t before = HEX + sizeof(folder) - 1;
	struct version ignored;
	struct tag key;

	if (*line == '^') {
		if (*last)
			(*last)->hex = line + 1;
		return length == HEX + 1;
	}
	*last = NULL;
	if (*line == '#')
		return true;
	if (length < HEX + 2 || line[HEX] != ' ')
		return false;
	if (length <= before || memcmp(line + HEX, folder, sizeof(folder) - 1) != 0)
		return true;
	key.name = line + before;
	key.hex = line;
	if (!version_parse(key.name, length - before, &ignored) ||
	    (loose && bsearch(&key, tags->at, loose, sizeof(key), by_name)))
		return true;
	*last = room_for_one(tags, arena);
	**last = key;
	tags->count++;
	return true;
}

static bool
read_packed(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err)
{
	const char *path = arena_fmt(arena, "%s/packed-refs", gitdir);
	size_t length, loose = tags->count;
	struct tag *last = NULL;
	char *line, *end, *stop;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	line = tags->packed = read_whole(path, PACKED_LIMIT, &length, err);
	if (!line)
		return false;
	for (stop = line + length; line < stop; line = end + 1) {
		end = memchr(line, '\n', (size_t)(stop - line));
		if (!end)
			return err_set(err, STATUS_SYS, "'%s' is cut short", path);
		*end = '\0';
		if (!take_line(tags, line, (size_t)(end - line), loose, &last, arena))
			return err_set(err, STATUS_SYS, "'%s' holds what no packed-refs does: '%.100s'", path, line);
	}
	return true;
}

/* Loose before packed: what git packs meanwhile is then seen twice, never missed. */
bool
tags_read(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err)
{
	return read_loose(tags, gitdir, arena, err) && read_packed(tags, gitdir, arena, err);
}

void
tags_release(struct tags *tags)
{
	free(tags->packed);
	tags->packed = NULL;
}

struct version
tags_version(const struct tag *tag)
{
	struct version version;

	(void)version_parse(tag->name, strlen(tag->name), &version);
	return version;
}

int
tags_order(const void *left, const void *right)
{
	const struct tag *a = left, *b = right;
	struct version a_version = tags_version(a), b_version = tags_version(b);
	int c = version_compare(&a_version, &b_version);
	size_t a_length, b_length;

	if (c)
		return c;
	if ((*a->name == 'v') != (*b->name == 'v'))
		return *a->name == 'v' ? 1 : -1;
	a_length = strlen(a->name);
	b_length = strlen(b->name);
	if (a_length != b_length)
		return a_length < b_length ? 1 : -1;
	return strcmp(b->name, a->name);
}
