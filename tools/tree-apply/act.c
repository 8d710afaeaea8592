/* act.c - the plan done, from BACKUP alone; every act can be met done already; see apply.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"
#include "durable.h"
#include "apply.h"

/* What is in new/ has not been put yet: a rename takes it from there and puts it in one act. */
static bool
waits(int folder, unsigned long number, bool *yes, struct err *err)
{
	struct stat st;
	char name[24];

	*yes = fstatat(folder, number_text(number, name), &st, AT_SYMLINK_NOFOLLOW) == 0;
	return *yes || errno == ENOENT || err_sys(err, "cannot look into the backup");
}

/* What stands at path is what the plan saw there. */
static bool
as_planned(const struct op *op, const struct stat *st)
{
	const struct ident now = ident_of(st);

	return ident_same(&now, &op->was);
}

static bool
do_put(struct tree *t, const struct op *op, struct err *err)
{
	const char *to = base_of(op->path);
	struct stat st;
	char name[24];
	bool todo = true;
	int folder;

	if (t->resumed && (!waits(t->fresh, op->number, &todo, err) || !todo))
		return !err->status;
	folder = tree_folder(t, op->path);
	if (folder < 0)
		return tree_failed(t, op->path, err);
	(void)number_text(op->number, name);
	if (op->has_old && fstatat(folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0 && as_planned(op, &st)) {
		if (renameat(t->fresh, name, folder, to) == 0)
			return true;
	} else if (rename_fresh(t->fresh, name, folder, to) == 0) {
		return true;
	} else if (errno == EEXIST) {
		if (tree_put_aside(t, op->path, err) && rename_fresh(t->fresh, name, folder, to) == 0)
			return true;
	}
	return err_sys(err, "cannot put '%s' in place", op->path);
}

static bool
do_del(struct tree *t, const struct op *op, struct err *err)
{
	const int folder = tree_folder(t, op->path);
	struct stat st;

	if (folder < 0) /* gone with its folder */
		return errno == ENOENT || errno == ENOTDIR || tree_failed(t, op->path, err);
	if (fstatat(folder, base_of(op->path), &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || err_sys(err, "cannot look at '%s'", op->path);
	if (!as_planned(op, &st)) {
		tree_note(t, arena_fmt(&t->arena, "'%s' was changed meanwhile, it stays", op->path));
		return true;
	}
	return unlinkat(folder, base_of(op->path), 0) == 0 || err_sys(err, "cannot remove '%s'", op->path);
}

static bool
do_rmdir(struct tree *t, const struct op *op, struct err *err)
{
	const int folder = tree_folder(t, op->path);
	bool ok;

	if (folder < 0)
		return errno == ENOENT || errno == ENOTDIR || tree_failed(t, op->path, err);
	/* Not empty: something came into it meanwhile, and it stays. ENOTDIR: the file that it made way for is there. */
	ok = unlinkat(folder, base_of(op->path), AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY ||
	     errno == EEXIST || errno == ENOTDIR;
	if (!ok)
		(void)err_sys(err, "cannot remove folder '%s'", op->path);
	tree_forget(t);
	return ok;
}

static bool
do_mkdir(struct tree *t, const struct op *op, struct err *err)
{
	struct stat st;
	char name[24];
	bool todo = true;
	int folder;

	if (t->resumed && (!waits(t->fresh, op->number, &todo, err) || !todo))
		return !err->status;
	folder = tree_folder(t, op->path);
	if (folder < 0)
		return tree_failed(t, op->path, err);
	if (fstatat(folder, base_of(op->path), &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
	    !tree_put_aside(t, op->path, err))
		return false;
	/* A folder that somebody made meanwhile serves as well; ours stays in new/, so that undo leaves theirs alone. */
	if (rename_fresh(t->fresh, number_text(op->number, name), folder, base_of(op->path)) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder '%s'", op->path);
	tree_forget(t);
	return true;
}

bool
sync_touched(struct tree *t, const struct plan *p, struct err *err)
{
	struct names seen = {0};
	size_t i;

	for (i = 0; i < p->op_count; i++) {
		const char *path = p->ops[i].path;
		AUTO(fd_release) int fd = -1;
		struct name *n = names_put(&seen, &t->arena, path, folder_of(path));

		if (n->value)
			continue;
		n->value = "";
		fd = beneath_folder(t->root, path, folder_of(path), true);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue; /* removed; its own folder is among the others */
		if (fd < 0 || fsync(fd) != 0)
			return err_sys(err, "cannot sync the folder of '%s'", path);
	}
	if ((t->fresh >= 0 && fsync(t->fresh) != 0) || (t->old >= 0 && fsync(t->old) != 0))
		return err_sys(err, "cannot sync '%s'", t->backup_name);
	return true;
}

bool
act_forward(struct tree *t, const struct plan *p, struct err *err)
{
	size_t i;

	if (t->fresh < 0)
		return err_set(err, STATUS_USE, "backup '%s' lacks its folder 'new'", t->backup_name);
	tree_forget(t);
	for (i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];
		bool ok = true;

		switch (op->act) {
		case ACT_DEL:   ok = do_del(t, op, err); break;
		case ACT_RMDIR: ok = do_rmdir(t, op, err); break;
		case ACT_MKDIR: ok = do_mkdir(t, op, err); break;
		case ACT_PUT:   ok = do_put(t, op, err); break;
		}
		if (!ok)
			return false;
	}
	return sync_touched(t, p, err);
}

/* ---- MANIFEST ---- */

enum { MANIFEST_MAX = 512 * 1024 * 1024 };

static bool
same_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
	return a && b && a_length == b_length && !memcmp(a, b, a_length);
}

/* Reads the manifest as it is (NULL: there is none), as it is after and as it was before the plan. */
struct manifests {
	char *is, *after, *before;
	size_t is_length, after_length, before_length;
};

static void
manifests_release(struct manifests *m)
{
	free(m->is);
	free(m->after);
	free(m->before);
}

static bool
manifests_read(struct tree *t, const struct plan *p, struct manifests *m, struct err *err)
{
	if (access(t->manifest_name, F_OK) == 0) {
		m->is = read_whole(t->manifest_name, MANIFEST_MAX, &m->is_length, err);
		if (!m->is)
			return false;
	} else if (errno != ENOENT) {
		return err_sys(err, "cannot look at '%s'", t->manifest_name);
	}
	m->after = read_whole(backup_path(t, "manifest.new"), MANIFEST_MAX, &m->after_length, err);
	if (m->after && p->had_manifest)
		m->before = read_whole(backup_path(t, "manifest.old"), MANIFEST_MAX, &m->before_length, err);
	return !err->status;
}

bool
manifest_ours(struct tree *t, const struct plan *p, struct err *err)
{
	AUTO(manifests_release) struct manifests m = {0};

	if (!manifests_read(t, p, &m, err))
		return false;
	if (!m.is || same_text(m.is, m.is_length, m.after, m.after_length) ||
	    same_text(m.is, m.is_length, m.before, m.before_length))
		return true;
	(void)err_set(err, STATUS_USE, "manifest '%s' is not of the run that backup '%s' belongs to", t->manifest_name,
	              t->backup_name);
	return err_hint(err, "a later run changed it: undo that one first");
}

bool
act_manifest(struct tree *t, const struct plan *p, bool back, struct err *err)
{
	AUTO(manifests_release) struct manifests m = {0};
	AUTO(durable_release) struct durable d = DURABLE_INIT;
	AUTO(mem_release) char *copy = NULL;
	const char *slash;

	if (!manifests_read(t, p, &m, err))
		return false;
	if (!back || p->had_manifest) {
		const char *text = back ? m.before : m.after;
		const size_t length = back ? m.before_length : m.after_length;

		return same_text(m.is, m.is_length, text, length) ||
		       (durable_begin(&d, t->manifest_name, 0644, err) && durable_write(&d, text, length, err) &&
		        durable_commit(&d, err));
	}
	if (m.is && unlink(t->manifest_name) != 0)
		return err_sys(err, "cannot remove '%s'", t->manifest_name);
	slash = strrchr(t->manifest_name, '/');
	copy = strndup(t->manifest_name, slash ? (size_t)(slash - t->manifest_name) + 1 : 0);
	return copy ? sync_folder(*copy ? copy : ".", err) : err_sys(err, "cannot sync the folder of '%s'", t->manifest_name);
}
