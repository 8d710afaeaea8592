/* root.c - the root and the folders below it, names and identities; see apply.h */
#define _GNU_SOURCE
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"
#include "writer.h"

void
tree_init(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	t->root = t->lock = t->backup = t->fresh = t->old = t->folder = -1;
}

void
tree_release(struct tree *t)
{
	writer_release(&t->writer);
	tree_forget(t);
	fd_release(&t->old);
	fd_release(&t->fresh);
	fd_release(&t->backup);
	fd_release(&t->lock);
	fd_release(&t->root);
	arena_release(&t->arena);
}

bool
tree_open(struct tree *t, bool share, struct err *err)
{
	t->root = open(t->root_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0 || fstat(t->root, &t->root_st) != 0)
		return err_sys(err, "cannot open folder '%s'", t->root_name);
	t->lock = openat(t->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->lock < 0)
		return err_sys(err, "cannot open folder '%s'", t->root_name);
	if (flock(t->lock, (share ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		return err_set(err, STATUS_SYS, "another tree-apply is at work in '%s'", t->root_name);
	return err_sys(err, "cannot lock '%s'", t->root_name);
}

const char *
tree_inside(struct tree *t, const char *name)
{
	AUTO(mem_release) char *root = realpath(t->root_name, NULL);
	AUTO(mem_release) char *folder = strdup(name);
	AUTO(mem_release) char *real = NULL;
	char *slash;
	size_t n;

	if (!root || !folder)
		return NULL;
	for (n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
		folder[n - 1] = '\0';
	slash = strrchr(folder, '/');
	name = slash ? slash + 1 : folder;
	real = realpath(!slash ? "." : slash == folder ? "/" : (*slash = '\0', folder), NULL);
	n = strlen(root) - (root[1] == '\0'); /* of "/" nothing is cut off */
	if (!real || strncmp(real, root, n) != 0 || (real[n] != '/' && real[n]))
		return NULL;
	while (real[n] == '/')
		n++;
	return arena_fmt(&t->arena, "%s%s%s", real + n, real[n] ? "/" : "", name);
}

const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

size_t
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

void
tree_forget(struct tree *t)
{
	fd_release(&t->folder);
	t->folder = -1;
	t->folder_path = NULL;
}

int
tree_folder(struct tree *t, const char *path)
{
	const size_t length = folder_of(path);

	if (!t->folder_path || t->folder_length != length || memcmp(t->folder_path, path, length) != 0) {
		tree_forget(t);
		t->folder = beneath_folder(t->root, path, length, false);
		t->folder_errno = errno;
		t->folder_path = path;
		t->folder_length = length;
	}
	errno = t->folder_errno;
	return t->folder;
}

/* The first part of path's folder that fails as the whole does, so that the text names the culprit. */
static size_t
culprit(struct tree *t, const char *path)
{
	const size_t length = folder_of(path);
	size_t end;

	for (end = 1; end < length; end++)
		if (path[end] == '/') {
			AUTO(fd_release) int fd = beneath_folder(t->root, path, end, false);

			if (fd < 0)
				break;
		}
	return end;
}

bool
tree_failed(struct tree *t, const char *path, struct err *err)
{
	const int saved = errno;
	const int end = (int)culprit(t, path);

	if (saved == EXDEV)
		return err_set(err, STATUS_USE, "'%.*s' is a mount point inside '%s'", end, path, t->root_name);
	if (saved == ELOOP)
		return err_set(err, STATUS_USE, "'%.*s' is a symlink on the way to '%s'", end, path, path);
	if (saved == ENOTDIR)
		return err_set(err, STATUS_USE, "'%.*s' is no folder on the way to '%s'", end, path, path);
	errno = saved;
	return err_sys(err, "cannot open the folder of '%s'", path);
}

struct ident
ident_of(const struct stat *st)
{
	return (struct ident){ .ino = st->st_ino, .size = (uint64_t)st->st_size, .sec = st->st_mtim.tv_sec,
		               .nsec = st->st_mtim.tv_nsec };
}

bool
ident_same(const struct ident *a, const struct ident *b)
{
	return a->ino == b->ino && a->size == b->size && a->sec == b->sec && a->nsec == b->nsec;
}

void
tree_note(struct tree *t, const char *text)
{
	struct note *n = arena_get(&t->arena, sizeof(*n)), **last = &t->notes;

	while (*last)
		last = &(*last)->next;
	n->text = text;
	*last = n;
}

void
dir_release(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

char *
number_text(unsigned long number, char out[24])
{
	(void)snprintf(out, 24, "%lu", number);
	return out;
}

int
rename_fresh(int from_folder, const char *from, int to_folder, const char *to)
{
	struct stat st;

	if (renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL) /* a file system without the flag */
		return -1;
	if (fstatat(to_folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from_folder, from, to_folder, to) : -1;
}

bool
tree_put_aside(struct tree *t, const char *path, struct err *err)
{
	const int fd = tree_folder(t, path);
	unsigned k;

	if (fd < 0)
		return tree_failed(t, path, err);
	for (k = 1; k < 10000; k++) {
		char *to = k == 1 ? arena_fmt(&t->arena, "%s.slipway-local", path)
				  : arena_fmt(&t->arena, "%s.slipway-local.%u", path, k);

		if (rename_fresh(fd, base_of(path), fd, base_of(to)) == 0) {
			tree_note(t, arena_fmt(&t->arena, "'%s' was changed meanwhile, kept as '%s'", path, to));
			return true;
		}
		if (errno != EEXIST)
			break;
	}
	return err_sys(err, "cannot keep the changed '%s' under another name", path);
}
