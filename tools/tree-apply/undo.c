/* undo.c - the plan taken back, from BACKUP alone, in the reverse order; see apply.h
 *
 * It may meet the plan undone, half done or done, and half taken back. What is still in new/ was never put; what is
 * not in old/ any more has come back. A file that somebody changed since is kept beside, never lost. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "apply.h"

static bool
has_number(int folder, unsigned long number)
{
	struct stat st;
	char name[24];

	return folder >= 0 && fstatat(folder, number_text(number, name), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The folder of path; if somebody took it away since, it is made again, as plain as can be. */
static int
folder_for(struct tree *t, const char *path, struct err *err)
{
	size_t end;
	int fd = tree_folder(t, path);

	if (fd >= 0)
		return fd;
	for (end = 1; errno == ENOENT && end <= folder_of(path); end++)
		if (path[end] == '/') {
			char *folder = arena_dup(&t->arena, path, end);

			fd = tree_folder(t, folder);
			if (fd < 0 || (mkdirat(fd, base_of(folder), 0755) != 0 && errno != EEXIST))
				break;
			tree_forget(t);
			errno = ENOENT;
		}
	fd = tree_folder(t, path);
	if (fd < 0)
		(void)tree_failed(t, path, err);
	return fd;
}

/* Moves old/NUMBER to path, where nothing stands, or something that it may replace. */
static bool
bring_back(struct tree *t, const struct op *op, bool over, struct err *err)
{
	const int folder = folder_for(t, op->path, err);
	char name[24];

	if (folder < 0)
		return false;
	(void)number_text(op->number, name);
	if ((over ? renameat(t->old, name, folder, base_of(op->path))
		  : rename_fresh(t->old, name, folder, base_of(op->path))) == 0)
		return true;
	return err_sys(err, "cannot bring back '%s'", op->path);
}

/* Something numbered in new/ says that this put is taken back, whatever comes to stand at its path after that. */
static bool
taken_back(struct tree *t, const struct op *op, struct err *err)
{
	char name[24];

	return mkdirat(t->fresh, number_text(op->number, name), 0700) == 0 ||
	       err_sys(err, "cannot make a folder in '%s'", t->backup_name);
}

/* The file that was put in the place of none goes back to new/, unless it was changed since. */
static bool
take_away(struct tree *t, const struct op *op, const struct local *live, struct err *err)
{
	char name[24];

	if (is_as(live, &op->is)) {
		const int folder = tree_folder(t, op->path);

		if (folder < 0)
			return tree_failed(t, op->path, err);
		return renameat(folder, base_of(op->path), t->fresh, number_text(op->number, name)) == 0 ||
		       err_sys(err, "cannot remove '%s'", op->path);
	}
	if (live->kind != LOCAL_NONE && live->kind != LOCAL_BLOCKED) {
		if (!op->aside && !tree_put_aside(t, op->path, err))
			return false;
		if (op->aside)
			tree_note(t, arena_fmt(&t->arena, "'%s' was changed meanwhile, it stays", op->path));
	}
	return taken_back(t, op, err);
}

static bool
undo_put(struct tree *t, const struct op *op, struct err *err)
{
	const bool put = !has_number(t->fresh, op->number);
	struct local live;
	struct ident now;

	if ((!put && !op->has_old) || (op->has_old && !has_number(t->old, op->number)))
		return true;
	if (!look(t, op->path, &op->is, &live, err))
		return false;
	if (!op->has_old)
		return take_away(t, op, &live, err);
	if (live.kind == LOCAL_NONE)
		return bring_back(t, op, false, err);
	now = ident_of(&live.st);
	if (!put || ident_same(&now, &op->was))
		return true;
	if (is_as(&live, &op->is))
		return bring_back(t, op, true, err);
	return tree_put_aside(t, op->path, err) && bring_back(t, op, false, err);
}

static bool
undo_mkdir(struct tree *t, const struct op *op, struct err *err)
{
	const int folder = has_number(t->fresh, op->number) ? -1 : tree_folder(t, op->path);
	bool ok;

	if (folder < 0)
		return true;
	/* Not empty: what somebody put there stays. */
	ok = unlinkat(folder, base_of(op->path), AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY ||
	     errno == EEXIST || errno == ENOTDIR;
	if (!ok)
		(void)err_sys(err, "cannot remove folder '%s'", op->path);
	tree_forget(t);
	return ok;
}

/* Makes room at path for what comes back: true in *free when nothing stands there any more. */
static bool
make_room(struct tree *t, const struct op *op, bool *free, struct err *err)
{
	struct local live;
	struct ident now;

	*free = true;
	if (!look(t, op->path, NULL, &live, err) || live.kind == LOCAL_NONE || live.kind == LOCAL_BLOCKED)
		return !err->status;
	now = ident_of(&live.st);
	*free = !(op->act == ACT_RMDIR ? live.kind == LOCAL_FOLDER : ident_same(&now, &op->was));
	return !*free || tree_put_aside(t, op->path, err);
}

static bool
undo_removal(struct tree *t, const struct op *op, struct err *err)
{
	bool free;

	if (!has_number(t->old, op->number))
		return true;
	if (!make_room(t, op, &free, err))
		return false;
	if (free && !bring_back(t, op, false, err))
		return false;
	tree_forget(t);
	return true;
}

bool
act_back(struct tree *t, const struct plan *p, struct err *err)
{
	size_t i;

	if (t->fresh < 0 || t->old < 0) /* else all would look as if it had come back */
		return err_set(err, STATUS_USE, "backup '%s' lacks its folder '%s'", t->backup_name, t->fresh < 0 ? "new" : "old");
	tree_forget(t);
	for (i = p->op_count; i-- > 0;) {
		const struct op *op = &p->ops[i];
		bool ok = true;

		switch (op->act) {
		case ACT_PUT:   ok = undo_put(t, op, err); break;
		case ACT_MKDIR: ok = undo_mkdir(t, op, err); break;
		case ACT_RMDIR:
		case ACT_DEL:   ok = undo_removal(t, op, err); break;
		}
		if (!ok)
			return false;
	}
	return sync_touched(t, p, err);
}
