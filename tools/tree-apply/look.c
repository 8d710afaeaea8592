/* look.c - what lies at a path of the root; see apply.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"
#include "apply.h"

/* path is own, or lies in it. Case does not count: some file systems fold it. */
static bool
reaches(const char *path, const char *own)
{
	const size_t n = own ? strlen(own) : 0;

	return n > 0 && !strncasecmp(path, own, n) && (path[n] == '/' || !path[n]);
}

/* The folder of path cannot be opened: nothing is there, or something stands in the way. */
static bool
look_up(struct tree *t, const char *path, struct local *l, struct err *err)
{
	size_t end;

	if (errno == ENOENT)
		return true;
	if (errno != ENOTDIR && errno != ELOOP)
		return tree_failed(t, path, err);
	for (end = 1; path[end]; end++) {
		AUTO(fd_release) int fd = path[end] == '/' ? beneath_folder(t->root, path, end, false) : -1;

		if (path[end] == '/' && fd < 0)
			break;
	}
	l->kind = LOCAL_BLOCKED;
	l->blocker = arena_dup(&t->arena, path, end);
	return true;
}

static bool
look_link(int folder, const char *path, struct local *l, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder, base_of(path), target, sizeof(target));

	if (n < 0)
		return err_sys(err, "cannot read symlink '%s'", path);
	l->kind = LOCAL_LINK;
	l->mode = MANIFEST_LINK;
	return hash_bytes(target, (size_t)n, l->sha, err);
}

/* Whether the rest of fd is just these bytes. */
static bool
holds(int fd, const char *path, const char *content, uint64_t left, bool *yes, struct err *err)
{
	char buf[64 * 1024];

	*yes = false;
	while (left > 0) {
		ssize_t n = read(fd, buf, left < sizeof(buf) ? (size_t)left : sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", path);
		if (n == 0 || memcmp(buf, content, (size_t)n) != 0)
			return true;
		content += n;
		left -= (uint64_t)n;
	}
	*yes = true;
	return true;
}

bool
look_for(struct tree *t, const char *path, const struct manifest_entry *is, const void *content,
         const struct manifest_entry *was, struct local *l, struct err *err)
{
	AUTO(fd_release) int fd = -1;
	int folder;

	memset(l, 0, sizeof(*l));
	if (reaches(path, t->manifest_inside) || reaches(path, t->backup_inside))
		return err_set(err, STATUS_USE, "'%s' is the manifest or the backup of this run", path);
	folder = tree_folder(t, path);
	if (folder < 0)
		return look_up(t, path, l, err);
	if (fstatat(folder, base_of(path), &l->st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || err_sys(err, "cannot look at '%s'", path);
	if (S_ISLNK(l->st.st_mode))
		return look_link(folder, path, l, err);
	l->kind = S_ISDIR(l->st.st_mode) ? LOCAL_FOLDER : S_ISREG(l->st.st_mode) ? LOCAL_FILE : LOCAL_OTHER;
	if (l->kind != LOCAL_FILE)
		return true;
	l->mode = l->st.st_mode & S_IXUSR ? MANIFEST_EXEC : MANIFEST_PLAIN;
	fd = beneath_file(folder, base_of(path));
	if (fd < 0 && errno == EXDEV)
		return err_set(err, STATUS_USE, "'%s' is a mount point inside '%s'", path, t->root_name);
	if (fd < 0 || fstat(fd, &l->st) != 0)
		return err_sys(err, "cannot open '%s'", path);
	if (is && content && (uint64_t)l->st.st_size == is->size) {
		bool yes;

		if (!holds(fd, path, content, is->size, &yes, err))
			return false;
		if (yes) {
			memcpy(l->sha, is->sha, sizeof(l->sha));
			return true;
		}
		if (lseek(fd, 0, SEEK_SET) != 0)
			return err_sys(err, "cannot read '%s'", path);
		is = NULL;
	}
	l->xattrs = flistxattr(fd, NULL, 0) != 0;
	if ((is && (uint64_t)l->st.st_size == is->size) || (was && (uint64_t)l->st.st_size == was->size))
		return hash_fd(fd, path, l->sha, NULL, err);
	return true;
}

bool
look(struct tree *t, const char *path, const struct manifest_entry *is, struct local *l, struct err *err)
{
	return look_for(t, path, is, NULL, NULL, l, err);
}

bool
is_as(const struct local *l, const struct manifest_entry *e)
{
	return (l->kind == LOCAL_FILE || l->kind == LOCAL_LINK) && l->mode == e->mode && l->sha[0] &&
	       !strcmp(l->sha, e->sha);
}
