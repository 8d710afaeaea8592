/* tree.h - the files of a commit, checked whole: what a server must not be given is refused by name.
 *
 * Refused: paths that relpath_fit refuses, symlinks that relpath_link_fit refuses, submodules, modes other than
 * 100644, 100755 and 120000, names that differ only in ASCII case (folders count too), a name twice, a name that
 * holds a slash, more than TREE_MAX names or TREE_BYTES bytes of paths (a small repository can hold a tree that
 * never ends). A folder that is refused is not entered. */
#ifndef SLIPWAY_TREE_H
#define SLIPWAY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "gitrepo.h"

enum { TREE_MAX = 1000000, TREE_BYTES = 256 << 20, TREE_REFUSED_SHOWN = 20 };

struct tree_file {
	const char *path;
	git_oid id;
	unsigned int mode; /* 0100644, 0100755 or 0120000 */
};

struct tree_name {
	const char *path;
	char *folded;
};

struct tree {
	struct tree_file *files; /* sorted by path, byte by byte, as git does */
	size_t count, room;
	struct tree_name *names; /* files and folders, for the twins */
	size_t name_count, name_room, name_bytes;
	const char *refused[TREE_REFUSED_SHOWN]; /* `commit 1234abcd: 'PATH': why` */
	size_t refused_count;                    /* may be more than are shown */
};

/* Reads and checks all of it; everything lives in the arena. False with refused_count > 0 and err set (STATUS_USE,
 * a text that sums up): the tree holds what is refused. False without: it could not be read. */
bool tree_read(struct tree *tree, git_repository *repo, const git_commit *commit, struct arena *arena, struct err *err);
/* NULL: the tree has no such file. */
const struct tree_file *tree_find(const struct tree *tree, const char *path);
bool tree_has_folder(const struct tree *tree, const char *path);

#endif
