/* tree.c - see tree.h */
#define _GNU_SOURCE
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "relpath.h"

enum { SHOWN = 400 }; /* of a path, in a message */

struct walk {
	struct tree *tree;
	git_repository *repo;
	git_odb *odb;
	struct arena *arena;
	struct err *err;
	char commit[9];
	char path[RELPATH_MAX + 2];
};

static void
refuse(struct walk *w, const char *path, const char *why)
{
	struct tree *t = w->tree;
	bool cut = strlen(path) > SHOWN;

	if (t->refused_count < TREE_REFUSED_SHOWN)
		t->refused[t->refused_count] = arena_fmt(w->arena, "commit %s: '%.*s%s': %s", w->commit, SHOWN, path,
		    cut ? "..." : "", why);
	t->refused_count++;
}

static bool
add_name(struct walk *w, const char *path)
{
	struct tree *t = w->tree;
	struct tree_name *name;
	size_t length = strlen(path);

	if (t->name_count == TREE_MAX || t->name_bytes + length > TREE_BYTES)
		return err_set(w->err, STATUS_USE, "commit %s holds more than %d names or %d bytes of them", w->commit,
		    TREE_MAX, TREE_BYTES);
	if (t->name_count == t->name_room) {
		t->name_room = t->name_room ? 2 * t->name_room : 256;
		t->names = arena_grow(w->arena, t->names, t->name_count * sizeof(*name), t->name_room * sizeof(*name));
	}
	name = t->names + t->name_count++;
	name->path = path;
	name->folded = arena_get(w->arena, length + 1);
	relpath_fold(path, name->folded);
	t->name_bytes += length;
	return true;
}

static void
add_file(struct walk *w, const char *path, const git_tree_entry *entry)
{
	struct tree *t = w->tree;
	struct tree_file *file;

	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->files = arena_grow(w->arena, t->files, t->count * sizeof(*file), t->room * sizeof(*file));
	}
	file = t->files + t->count++;
	file->path = path;
	file->mode = (unsigned int)git_tree_entry_filemode_raw(entry);
	git_oid_cpy(&file->id, git_tree_entry_id(entry));
}

/* False only when its target cannot be read. */
static bool
check_link(struct walk *w, const char *path, const git_oid *id)
{
	AUTO(git_blob_release) git_blob *blob = NULL;
	char target[RELPATH_MAX + 1];
	git_object_t type;
	const char *why;
	size_t size;

	if (git_odb_read_header(&size, &type, w->odb, id) < 0)
		return gitrepo_fail(w->err, "cannot read symlink '%s'", path);
	if (size > RELPATH_MAX) {
		refuse(w, path, "symlink with a target longer than 4095 bytes");
		return true;
	}
	if (git_blob_lookup(&blob, w->repo, id) < 0)
		return gitrepo_fail(w->err, "cannot read symlink '%s'", path);
	if (size > 0)
		memcpy(target, git_blob_rawcontent(blob), size);
	target[size] = '\0';
	if (memchr(target, '\0', size))
		refuse(w, path, "symlink with a NUL byte in its target");
	else if (!relpath_link_fit(path, target, &why))
		refuse(w, path, why);
	return true;
}

/* Takes in an entry that is no folder. */
static bool
take_file(struct walk *w, const char *path, const git_tree_entry *entry)
{
	unsigned int mode = (unsigned int)git_tree_entry_filemode_raw(entry);

	if (mode == GIT_FILEMODE_COMMIT)
		refuse(w, path, "submodule");
	else if (mode == GIT_FILEMODE_LINK && !check_link(w, path, git_tree_entry_id(entry)))
		return false;
	else if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE && mode != GIT_FILEMODE_LINK)
		refuse(w, path, arena_fmt(w->arena, "mode %06o", mode));
	add_file(w, path, entry);
	return true;
}

/* The path of the folder stands in w->path, length bytes with its slash. */
static bool
walk_folder(struct walk *w, const git_oid *id, size_t length)
{
	AUTO(git_tree_release) git_tree *folder = NULL;
	size_t i;

	if (git_tree_lookup(&folder, w->repo, id) < 0)
		return gitrepo_fail(w->err, "cannot read folder '%s' of commit %s", w->path, w->commit);
	for (i = 0; i < git_tree_entrycount(folder); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(folder, i);
		const char *name = git_tree_entry_name(entry), *why, *path;
		size_t name_length = strlen(name);

		path = arena_fmt(w->arena, "%.*s%s", (int)length, w->path, name);
		if (!relpath_fit(path, &why)) {
			refuse(w, path, why);
			continue;
		}
		if (memchr(name, '/', name_length)) {
			refuse(w, path, "slash in a name");
			continue;
		}
		if (!add_name(w, path))
			return false;
		if (git_tree_entry_filemode_raw(entry) != GIT_FILEMODE_TREE) {
			if (!take_file(w, path, entry))
				return false;
			continue;
		}
		memcpy(w->path + length, name, name_length);
		w->path[length + name_length] = '/';
		w->path[length + name_length + 1] = '\0';
		if (!walk_folder(w, git_tree_entry_id(entry), length + name_length + 1))
			return false;
		w->path[length] = '\0';
	}
	return true;
}

static int
by_path(const void *left, const void *right)
{
	return strcmp(((const struct tree_file *)left)->path, ((const struct tree_file *)right)->path);
}

static int
by_folded(const void *left, const void *right)
{
	const struct tree_name *a = left, *b = right;
	int c = strcmp(a->folded, b->folded);

	return c ? c : strcmp(a->path, b->path);
}

static void
refuse_twins(struct walk *w)
{
	struct tree *t = w->tree;
	size_t i;

	if (t->name_count > 1)
		qsort(t->names, t->name_count, sizeof(*t->names), by_folded);
	for (i = 1; i < t->name_count; i++) {
		const struct tree_name *a = t->names + i - 1, *b = a + 1;

		if (strcmp(a->folded, b->folded) != 0)
			continue;
		if (!strcmp(a->path, b->path))
			refuse(w, b->path, "stands there twice");
		else
			refuse(w, b->path, arena_fmt(w->arena, "differs from '%s' only in case", a->path));
	}
}

bool
tree_read(struct tree *tree, git_repository *repo, const git_commit *commit, struct arena *arena, struct err *err)
{
	AUTO(git_odb_release) git_odb *odb = NULL;
	AUTO(mem_release) struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return err_sys(err, "cannot read the commit");
	if (git_repository_odb(&odb, repo) < 0)
		return gitrepo_fail(err, "cannot open the objects of the repository");
	*w = (struct walk){.tree = tree, .repo = repo, .odb = odb, .arena = arena, .err = err};
	memcpy(w->commit, git_oid_tostr_s(git_commit_id(commit)), 8);
	if (!walk_folder(w, git_commit_tree_id(commit), 0))
		return false;
	refuse_twins(w);
	if (tree->refused_count)
		return err_set(err, STATUS_USE, "commit %s holds %zu path%s that no server should be given", w->commit,
		    tree->refused_count, tree->refused_count == 1 ? "" : "s");
	if (tree->count > 1)
		qsort(tree->files, tree->count, sizeof(*tree->files), by_path);
	return true;
}

const struct tree_file *
tree_find(const struct tree *tree, const char *path)
{
	struct tree_file key = {.path = path};

	return tree->count ? bsearch(&key, tree->files, tree->count, sizeof(key), by_path) : NULL;
}

bool
tree_has_folder(const struct tree *tree, const char *path)
{
	size_t length = strlen(path), low = 0, high = tree->count, middle;
	int c;

	while (low < high) {
		middle = low + (high - low) / 2;
		c = strncmp(tree->files[middle].path, path, length);
		if (c == 0)
			c = (unsigned char)tree->files[middle].path[length] - '/';
		if (c == 0)
			return true;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
