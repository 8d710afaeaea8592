/* folders.c - which folders a plan makes and which it leaves empty; see planning.h */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"
#include "planning.h"

static DIR *
folder_list(struct planning *g, const char *folder, struct err *err)
{
	AUTO(fd_release) int fd = beneath_folder(g->t->root, folder, strlen(folder), true);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		fd = -1;
	else if (errno == EXDEV)
		(void)err_set(err, STATUS_USE, "'%s' is a mount point inside '%s'", folder, g->t->root_name);
	else
		(void)err_sys(err, "cannot read folder '%s'", folder);
	return d;
}

/* The path of the next thing in the folder, in the arena; NULL at the end or with err filled. */
static char *
folder_next(struct planning *g, DIR *d, const char *folder, struct err *err)
{
	struct dirent *de;

	do {
		errno = 0;
		de = readdir(d);
	} while (de && (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..")));
	if (de)
		return arena_fmt(&g->t->arena, "%s/%s", folder, de->d_name);
	if (errno)
		(void)err_sys(err, "cannot read folder '%s'", folder);
	return NULL;
}

static void
remove_folder(struct planning *g, const char *folder)
{
	mark(g, &g->removed, folder, strlen(folder));
	(void)op_add(g, ACT_RMDIR, folder);
}

bool
clear_folder(struct planning *g, const char *folder, const char *top, struct err *err)
{
	AUTO(dir_release) DIR *d = folder_list(g, folder, err);
	const char *inner;

	while (d && (inner = folder_next(g, d, folder, err)) != NULL) {
		struct local l;

		if (has(&g->removed, inner))
			continue;
		if (!look(g->t, inner, NULL, &l, err))
			return false;
		if (l.kind != LOCAL_FOLDER)
			return err_set(err, STATUS_USE, "'%s' is in the way of the file '%s'", inner, top);
		if (!clear_folder(g, inner, top, err))
			return false;
	}
	if (err->status)
		return false;
	remove_folder(g, folder);
	return true;
}

bool
plan_folders(struct planning *g, const char *path, struct err *err)
{
	size_t end;

	for (end = 1; path[end]; end++) {
		AUTO(fd_release) int fd = -1;
		char *folder;

		if (path[end] != '/' || names_get(&g->needed, path, end))
			continue;
		mark(g, &g->needed, path, end);
		fd = beneath_folder(g->t->root, path, end, false);
		if (fd >= 0)
			continue;
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return tree_failed(g->t, path, err);
		folder = arena_dup(&g->t->arena, path, end);
		(void)op_add(g, ACT_MKDIR, folder);
	}
	return true;
}

/* Whether all that the folder holds goes. */
static bool
is_emptied(struct planning *g, const char *folder, struct err *err)
{
	AUTO(dir_release) DIR *d = folder_list(g, folder, err);
	const char *inner;

	while (d && (inner = folder_next(g, d, folder, err)) != NULL)
		if (!has(&g->removed, inner))
			return false;
	return !err->status;
}

static int
deepest_first(const void *a, const void *b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

bool
plan_emptied(struct planning *g, size_t deletions, struct err *err)
{
	struct names seen = {0};
	const char **folders;
	size_t i, n = 0;

	for (i = 0; i < deletions; i++) {
		const char *path = g->p->ops[i].path;
		size_t end;

		for (end = 1; path[end]; end++)
			if (path[end] == '/')
				mark(g, &seen, path, end);
	}
	folders = arena_get(&g->t->arena, (seen.count + 1) * sizeof(*folders));
	for (i = 0; i < seen.room; i++)
		if (seen.at[i].key)
			folders[n++] = seen.at[i].key;
	qsort(folders, n, sizeof(*folders), deepest_first);
	for (i = 0; i < n && !err->status; i++)
		if (!has(&g->removed, folders[i]) && !has(&g->needed, folders[i]) && is_emptied(g, folders[i], err))
			remove_folder(g, folders[i]);
	return !err->status;
}
