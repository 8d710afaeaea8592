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

enum { PACKED_LIMIT = 1 << 30 };

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

/* No version holds a slash, so that folders below refs/tags need no look. */
static bool
read_loose(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err)
{
	const char *path = arena_fmt(arena, "%s/refs/tags", gitdir);
	AUTO(dir_release) DIR *dir = opendir(path);
	struct dirent *entry;
	struct tag *tag;

	if (!dir)
		return errno == ENOENT || err_sys(err, "cannot open folder '%s'", path);
	while ((errno = 0, entry = readdir(dir))) {
		tag = room_for_one(tags, arena);
		memset(tag, 0, sizeof(*tag));
		if (entry->d_type == DT_DIR || !version_parse(entry->d_name, strlen(entry->d_name), &tag->version))
			continue;
		tag->name = arena_str(arena, entry->d_name);
		(void)version_parse(tag->name, strlen(tag->name), &tag->version);
		tag->loose = true;
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
take_line(struct tags *tags, char *line, size_t length, size_t loose, struct tag **last, struct arena *arena)
{
	static const char folder[] = "refs/tags/";
	const size_t before = GIT_OID_HEXSZ + 1 + sizeof(folder) - 1;
	struct tag key, *tag;

	if (*line == '^')
		return !*last || (length == GIT_OID_HEXSZ + 1 && git_oid_fromstrn(&(*last)->id, line + 1, GIT_OID_HEXSZ) == 0);
	*last = NULL;
	if (*line == '#')
		return true;
	if (length < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' ')
		return false;
	if (length <= before || memcmp(line + GIT_OID_HEXSZ + 1, folder, sizeof(folder) - 1) != 0)
		return true;
	tag = room_for_one(tags, arena);
	if (!version_parse(line + before, length - before, &tag->version))
		return true;
	key.name = tag->name = line + before;
	if (loose && bsearch(&key, tags->at, loose, sizeof(key), by_name))
		return true;
	if (git_oid_fromstrn(&tag->id, line, GIT_OID_HEXSZ) < 0)
		return false;
	tag->loose = false;
	tags->count++;
	*last = tag;
	return true;
}

static bool
read_packed(struct tags *tags, const char *gitdir, struct arena *arena, struct err *err)
{
	const char *path = arena_fmt(arena, "%s/packed-refs", gitdir);
	AUTO(mem_release) char *whole = NULL;
	size_t length, loose = tags->count;
	struct tag *last = NULL;
	char *line, *end, *stop;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	whole = read_whole(path, PACKED_LIMIT, &length, err);
	if (!whole)
		return false;
	line = arena_dup(arena, whole, length);
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

int
tags_order(const void *left, const void *right)
{
	const struct tag *a = left, *b = right;
	size_t a_length, b_length;
	int c = version_compare(&a->version, &b->version);

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
