/* stage.c - everything laid aside before the root is touched: BACKUP/new and BACKUP/old; see apply.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"
#include "durable.h"
#include "apply.h"

int
stage_open(struct tree *t, unsigned long number, unsigned mode, struct err *err)
{
	char name[24];
	int fd = openat(t->fresh, number_text(number, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		(void)err_sys(err, "cannot create a file in '%s'", t->backup_name);
	return fd;
}

bool
stage_data(struct tree *t, unsigned long number, unsigned mode, const void *data, size_t length, struct err *err)
{
	AUTO(fd_release) int fd = stage_open(t, number, mode, err);

	if (fd < 0)
		return false;
	return write_all(fd, data, length) || err_sys(err, "cannot write to '%s'", t->backup_name);
}

bool
stage_link(struct tree *t, unsigned long number, const char *target, struct err *err)
{
	char name[24];

	return symlinkat(target, t->fresh, number_text(number, name)) == 0 ||
	       err_sys(err, "cannot create a symlink in '%s'", t->backup_name);
}

/* ---- owners, modes, xattrs ---- */

/* These speak of the content that is replaced, or give it powers: setuid bits are not passed on either. */
static bool
stays_behind(const char *xattr)
{
	return !strcmp(xattr, "security.capability") || !strcmp(xattr, "security.ima") || !strcmp(xattr, "security.evm");
}

static bool
copy_xattrs(int from, int to, const char *path, bool all, struct err *err)
{
	AUTO(mem_release) char *list = NULL, *value = NULL;
	ssize_t length = flistxattr(from, NULL, 0), size;
	const char *name;

	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return true;
	list = malloc(XATTR_LIST_MAX);
	value = malloc(XATTR_SIZE_MAX);
	if (!list || !value || (length = flistxattr(from, list, XATTR_LIST_MAX)) < 0)
		return err_sys(err, "cannot list the extended attributes of '%s'", path);
	for (name = list; name < list + length; name += strlen(name) + 1) {
		if (!all && stays_behind(name))
			continue;
		size = fgetxattr(from, name, value, XATTR_SIZE_MAX);
		if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) != 0 && errno != ENOTSUP))
			return err_sys(err, "cannot copy the extended attribute %s of '%s'", name, path);
	}
	return true;
}

/* Fills t->near with the nearest folder of path that exists, so that what is new in it gets its owner. */
static bool
look_near(struct tree *t, const char *path, struct err *err)
{
	size_t length = folder_of(path);

	if (t->near_path && t->near_length == length && !memcmp(t->near_path, path, length))
		return true;
	t->near_path = path;
	t->near_length = length;
	for (;;) {
		AUTO(fd_release) int up = beneath_folder(t->root, path, length, false);

		if (up >= 0)
			return fstat(up, &t->near) == 0 || err_sys(err, "cannot look at the folder of '%s'", path);
		if (length == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
			return tree_failed(t, path, err);
		while (length > 0 && path[length - 1] != '/')
			length--;
		length -= length > 0;
	}
}

/* Owner and group of what is numbered in folder. */
static bool
give(struct tree *t, int folder, const char *name, const struct stat *from, const char *path, struct err *err)
{
	const bool has = folder == t->fresh && t->made.st_mode && from->st_uid == t->made.st_uid &&
			 from->st_gid == t->made.st_gid;

	return has || fchownat(folder, name, from->st_uid, from->st_gid, AT_SYMLINK_NOFOLLOW) == 0 ||
	       err_sys(err, "cannot pass on the owner of '%s'", path);
}

/* What is new gets the owner of its folder, as far as the caller may give files away. */
static bool
give_new(struct tree *t, const char *name, const char *path, struct err *err)
{
	struct err refused = {0};

	return look_near(t, path, err) && (give(t, t->fresh, name, &t->near, path, geteuid() == 0 ? err : &refused) ||
					   !err->status);
}

/* The file at path (st) passes all it has but its content to the numbered one in folder. */
static bool
pass_on(struct tree *t, int folder, const char *name, const char *path, const struct stat *st, mode_t mode, bool all,
        struct err *err)
{
	AUTO(fd_release) int from = -1;
	AUTO(fd_release) int to = -1;
	const int live = tree_folder(t, path);

	if (live < 0)
		return tree_failed(t, path, err);
	if (!give(t, folder, name, st, path, err))
		return false;
	from = beneath_file(live, base_of(path));
	to = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || to < 0)
		return err_sys(err, "cannot open '%s' to pass on its attributes", path);
	if (!copy_xattrs(from, to, path, all, err))
		return false;
	return fchmod(to, mode) == 0 || err_sys(err, "cannot pass on the mode of '%s'", path);
}

/* What was there says who may read and write; the commit says whether it can be run. */
static mode_t
mode_with_x(mode_t was, unsigned mode)
{
	was &= 0777;
	return mode == MANIFEST_EXEC ? was | (was & 0444) >> 2 : was & ~(mode_t)0111;
}

/* ---- whole files, where a hard link will not do ---- */

static bool
copy_data(int from, int to, const char *path, struct manifest_entry *is, struct err *err)
{
	AUTO(hash_release) struct hash h = {0};
	AUTO(mem_release) char *buf = malloc(64 * 1024);
	ssize_t n;

	if (!buf || !hash_begin(&h, err))
		return err_sys(err, "cannot copy '%s'", path);
	is->size = 0;
	while ((n = read(from, buf, 64 * 1024)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !write_all(to, buf, (size_t)n))
			return err_sys(err, "cannot copy '%s'", path);
		is->size += (uint64_t)n;
		if (!hash_add(&h, buf, (size_t)n, err))
			return false;
	}
	return hash_end(&h, is->sha, err);
}

/* Copies the local file or symlink, mtime and all, to the numbered one in folder; is gets hash and size. Powers
 * (setuid, capabilities) go with it only into old/. */
static bool
copy_local(struct tree *t, int folder, const char *name, const char *path, const struct stat *st,
           struct manifest_entry *is, struct err *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	const bool powers = folder == t->old;
	const int live = tree_folder(t, path);

	if (live < 0)
		return tree_failed(t, path, err);
	if (S_ISLNK(st->st_mode)) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(live, base_of(path), target, sizeof(target) - 1);

		if (n < 0)
			return err_sys(err, "cannot read symlink '%s'", path);
		target[n] = '\0';
		is->size = (uint64_t)n;
		if (symlinkat(target, folder, name) != 0)
			return err_sys(err, "cannot create a symlink in '%s'", t->backup_name);
		if (!hash_bytes(target, (size_t)n, is->sha, err) || !give(t, folder, name, st, path, err))
			return false;
	} else {
		AUTO(fd_release) int from = beneath_file(live, base_of(path));
		AUTO(fd_release) int to = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (from < 0 || to < 0)
			return err_sys(err, "cannot copy '%s'", path);
		if (!copy_data(from, to, path, is, err) ||
		    !pass_on(t, folder, name, path, st, st->st_mode & (powers ? 07777 : 0777), powers, err))
			return false;
	}
	return utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) == 0 || err_sys(err, "cannot copy the time of '%s'", path);
}

/* ---- one op ---- */

static bool
stage_put(struct tree *t, struct op *op, struct err *err)
{
	mode_t mode;
	char name[24];

	(void)number_text(op->number, name);
	if (op->copy)
		return copy_local(t, t->fresh, name, op->model, &op->local->st, &op->is, err);
	if (!op->model)
		return give_new(t, name, op->path, err);
	if (op->is.mode == MANIFEST_LINK || op->local->kind != LOCAL_FILE)
		return give(t, t->fresh, name, &op->local->st, op->path, err);
	mode = mode_with_x(op->local->st.st_mode, op->is.mode);
	if (op->local->xattrs)
		return pass_on(t, t->fresh, name, op->model, &op->local->st, mode, false, err);
	return give(t, t->fresh, name, &op->local->st, op->path, err) &&
	       (mode == op->is.mode || fchmodat(t->fresh, name, mode, 0) == 0 ||
	        err_sys(err, "cannot pass on the mode of '%s'", op->path));
}

static bool
stage_mkdir(struct tree *t, const struct op *op, struct err *err)
{
	char name[24];

	if (mkdirat(t->fresh, number_text(op->number, name), 0755) != 0)
		return err_sys(err, "cannot create a folder in '%s'", t->backup_name);
	return give_new(t, name, op->path, err);
}

/* A folder like the one that goes, to be moved back in its place. */
static bool
stage_rmdir(struct tree *t, const struct op *op, struct err *err)
{
	AUTO(fd_release) int from = beneath_folder(t->root, op->path, strlen(op->path), true);
	AUTO(fd_release) int to = -1;
	struct stat st;
	char name[24];

	if (from < 0 || fstat(from, &st) != 0)
		return err_sys(err, "cannot open folder '%s'", op->path);
	if (mkdirat(t->old, number_text(op->number, name), 0700) != 0 ||
	    (to = openat(t->old, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return err_sys(err, "cannot create a folder in '%s'", t->backup_name);
	if (!give(t, t->old, name, &st, op->path, err) || !copy_xattrs(from, to, op->path, true, err))
		return false;
	return fchmod(to, st.st_mode & 07777) == 0 || err_sys(err, "cannot pass on the mode of '%s'", op->path);
}

/* The file that goes gets a second name in BACKUP/old: its inode comes back if it must. */
static bool
prepare(struct tree *t, const struct op *op, struct err *err)
{
	const int folder = tree_folder(t, op->path);
	struct manifest_entry is;
	struct ident now;
	struct stat st;
	char name[24];

	if (folder < 0)
		return tree_failed(t, op->path, err);
	if (fstatat(folder, base_of(op->path), &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(err, "cannot look at '%s'", op->path);
	now = ident_of(&st);
	if (!ident_same(&now, &op->was)) {
		(void)err_set(err, STATUS_SYS, "'%s' was changed while the plan was made", op->path);
		return err_hint(err, "run it again");
	}
	if (linkat(folder, base_of(op->path), t->old, number_text(op->number, name), 0) == 0)
		return true;
	if (errno != EPERM && errno != EMLINK && errno != ENOTSUP)
		return err_sys(err, "cannot link '%s' into '%s'", op->path, t->backup_name);
	return copy_local(t, t->old, name, op->path, &st, &is, err);
}

/* How a file comes to be in new/, seen at the first of them before anything is given away. */
static bool
look_made(struct tree *t, const struct plan *p, struct err *err)
{
	char name[24];
	size_t i;

	for (i = 0; i < p->op_count; i++)
		if (p->ops[i].act == ACT_PUT && !p->ops[i].copy)
			return fstatat(t->fresh, number_text(p->ops[i].number, name), &t->made, AT_SYMLINK_NOFOLLOW) == 0 ||
			       err_sys(err, "cannot look into '%s'", t->backup_name);
	return true;
}

bool
stage_rest(struct tree *t, struct plan *p, struct err *err)
{
	size_t i;

	if (!look_made(t, p, err))
		return false;
	for (i = 0; i < p->op_count; i++) {
		struct op *op = &p->ops[i];
		bool ok = true;

		switch (op->act) {
		case ACT_DEL:   ok = prepare(t, op, err); break;
		case ACT_RMDIR: ok = stage_rmdir(t, op, err); break;
		case ACT_MKDIR: ok = stage_mkdir(t, op, err); break;
		case ACT_PUT:   ok = stage_put(t, op, err) && (!op->has_old || prepare(t, op, err)); break;
		}
		if (!ok)
			return false;
	}
	return true;
}
