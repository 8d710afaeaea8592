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

/* Whether all of fd, which is as long as content, is just that. Of a small file that differs, sha gets the hash of
 * what was read, if it is wanted. */
static bool
compare(int fd, const char *path, const char *content, struct local *l, bool wanted, struct err *err)
{
	const uint64_t size = (uint64_t)l->st.st_size;
	char buf[64 * 1024];
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", path);
		if (n == 0 || (uint64_t)n > size - done)
			return true;
		if (memcmp(buf, content + done, (size_t)n) != 0)
			return !wanted || (uint64_t)n < size || hash_bytes(buf, (size_t)n, l->sha, err);
		done += (uint64_t)n;
	}
	l->equal = true;
	return true;
}

bool
look_for(struct tree *t, const char *path, const struct manifest_entry *is, const void *content,
         const struct manifest_entry *was, struct local *l, struct err *err)
{
	AUTO(fd_release) int fd = -1;
	int folder;
	bool wanted;

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
	wanted = was && (uint64_t)l->st.st_size == was->size;
	if (is && (uint64_t)l->st.st_size == is->size) {
		if (!content)
			wanted = true;
		else if (!compare(fd, path, content, l, wanted, err))
			return false;
	}
	if (l->equal)
		return true;
	l->xattrs = flistxattr(fd, NULL, 0) != 0;
	if (!wanted || l->sha[0])
		return true;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_sys(err, "cannot read '%s'", path);
	return hash_fd(fd, path, l->sha, NULL, err);
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
