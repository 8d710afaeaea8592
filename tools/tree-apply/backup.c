/* backup.c - the BACKUP folder and where the run stands; see apply.h
 *
 *   state            one line; exists as long as anything of the run does
 *   state.NAME       the later states, written beforehand: to turn to one is a rename, which a full disk allows
 *   new/N old/N      what is put, what goes
 *   plan             planfile.c
 *   manifest.new/old what was delivered, after and before */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "apply.h"
#include "writer.h"

static const char *const state_names[] = {
	[STATE_STAGING] = "staging",
	[STATE_APPLYING] = "applying",
	[STATE_APPLIED] = "applied",
	[STATE_UNDOING] = "undoing",
	[STATE_UNDONE] = "undone",
};

/* All that is in BACKUP beside new/ and old/; the state goes last. */
static const char *const files[] = { "plan", "manifest.new", "manifest.old", "state.applying", "state.applied",
	                             "state.undoing", "state.undone", "state" };

enum { FILES = sizeof(files) / sizeof(*files), STATES = sizeof(state_names) / sizeof(*state_names) };

static void
state_text(enum state state, char out[64])
{
	(void)snprintf(out, 64, "tree-apply 1 %s\n", state_names[state]);
}

char *
backup_path(struct tree *t, const char *name)
{
	return arena_fmt(&t->arena, "%s/%s", t->backup_name, name);
}

/* Not synced: backup_commit does that for all of BACKUP at once. */
bool
backup_file(struct tree *t, const char *name, const char *text, size_t length, struct err *err)
{
	AUTO(fd_release) int fd = openat(t->backup, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return (fd >= 0 && write_all(fd, text, length)) || err_sys(err, "cannot write '%s/%s'", t->backup_name, name);
}

/* Renames must reach from BACKUP into root: the same file system, and the same mount of it. */
static bool
same_mount(struct tree *t, struct err *err)
{
	struct statx root, backup;
	struct stat st;

	if (fstat(t->backup, &st) != 0 || statx(t->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &root) != 0 ||
	    statx(t->backup, "", AT_EMPTY_PATH, STATX_MNT_ID, &backup) != 0)
		return err_sys(err, "cannot look at '%s'", t->backup_name);
	if (t->root_st.st_dev == st.st_dev &&
	    (!(root.stx_mask & backup.stx_mask & STATX_MNT_ID) || root.stx_mnt_id == backup.stx_mnt_id))
		return true;
	return err_set(err, STATUS_USE, "backup '%s' is not on the file system of '%s'", t->backup_name, t->root_name);
}

static bool
is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

static bool
is_temp(const char *name)
{
	return !strncmp(name, ".state.slipway-", 15);
}

static DIR *
list(int folder, const char *name)
{
	AUTO(fd_release) int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		fd = -1;
	return d;
}

/* A folder without a state was never ours: it must be empty, but for a state that was being written, which goes. */
static bool
be_empty(struct tree *t, struct err *err)
{
	AUTO(dir_release) DIR *d = list(t->backup, ".");
	struct dirent *de;

	if (!d)
		return err_sys(err, "cannot read folder '%s'", t->backup_name);
	while ((de = readdir(d)) != NULL)
		if (is_temp(de->d_name))
			(void)unlinkat(t->backup, de->d_name, 0);
		else if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			return err_set(err, STATUS_USE, "backup '%s' holds '%s', which tree-apply did not put there", t->backup_name,
			               de->d_name);
	return true;
}

static bool
state_read(struct tree *t, enum state *state, struct err *err)
{
	AUTO(fd_release) int fd = openat(t->backup, "state", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[64] = "", want[64];
	ssize_t n;
	int s;

	*state = STATE_NONE;
	if (fd < 0)
		return errno == ENOENT ? be_empty(t, err) : err_sys(err, "cannot open '%s/state'", t->backup_name);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_sys(err, "cannot read '%s/state'", t->backup_name);
	for (s = STATE_STAGING; s < STATES; s++) {
		state_text((enum state)s, want);
		if (!strcmp(text, want)) {
			*state = (enum state)s;
			return true;
		}
	}
	return err_set(err, STATUS_USE, "'%s/state' is damaged", t->backup_name);
}

static bool
open_inner(struct tree *t, struct err *err)
{
	t->fresh = openat(t->backup, "new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->fresh < 0 && errno != ENOENT)
		return err_sys(err, "cannot open folder '%s/new'", t->backup_name);
	t->old = openat(t->backup, "old", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return t->old >= 0 || errno == ENOENT || err_sys(err, "cannot open folder '%s/old'", t->backup_name);
}

bool
backup_open(struct tree *t, bool make, enum state *state, struct err *err)
{
	*state = STATE_NONE;
	if (make && mkdir(t->backup_name, 0700) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder '%s'", t->backup_name);
	t->backup = open(t->backup_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->backup < 0 && errno == ENOENT && !make)
		return true;
	if (t->backup < 0)
		return err_sys(err, "cannot open folder '%s'", t->backup_name);
	if (!same_mount(t, err) || !state_read(t, state, err))
		return false;
	if (fchmod(t->backup, 0700) != 0)
		return err_sys(err, "cannot set the mode of '%s'", t->backup_name);
	return open_inner(t, err);
}

bool
backup_begin(struct tree *t, struct err *err)
{
	AUTO(durable_release) struct durable d = DURABLE_INIT;
	char text[64];
	int s;

	state_text(STATE_STAGING, text);
	if (!durable_begin(&d, backup_path(t, "state"), 0600, err) || !durable_write(&d, text, strlen(text), err) ||
	    !durable_commit(&d, err))
		return false;
	if (mkdirat(t->backup, "new", 0700) != 0 || mkdirat(t->backup, "old", 0700) != 0)
		return err_sys(err, "cannot make a folder in '%s'", t->backup_name);
	if (!open_inner(t, err))
		return false;
	/* Else what is made in them would inherit the group or the ACL. */
	if (fchmod(t->fresh, 0700) != 0 || fchmod(t->old, 0700) != 0)
		return err_sys(err, "cannot set the mode of a folder in '%s'", t->backup_name);
	(void)fremovexattr(t->fresh, "system.posix_acl_default");
	(void)fremovexattr(t->old, "system.posix_acl_default");
	for (s = STATE_APPLYING; s < STATES; s++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "state.%s", state_names[s]);
		state_text((enum state)s, text);
		if (!backup_file(t, name, text, strlen(text), err))
			return false;
	}
	return true;
}

bool
backup_turn(struct tree *t, enum state state, struct err *err)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "state.%s", state_names[state]);
	if (renameat(t->backup, name, t->backup, "state") != 0 || fsync(t->backup) != 0)
		return err_sys(err, "cannot record the state '%s' in '%s'", state_names[state], t->backup_name);
	return true;
}

/* The few files of a run that puts nothing: no reason to wait for all that others write. */
static bool
sync_files(struct tree *t)
{
	AUTO(fd_release) int above = openat(t->backup, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	for (i = 0; i < FILES; i++) {
		AUTO(fd_release) int fd = openat(t->backup, files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 ? errno != ENOENT : fsync(fd) != 0)
			return false;
	}
	return fsync(t->backup) == 0 && above >= 0 && fsync(above) == 0;
}

bool
backup_commit(struct tree *t, bool puts, struct err *err)
{
	if (!writer_end(t->writer, err))
		return false;
	if (puts ? syncfs(t->backup) != 0 : !sync_files(t))
		return err_sys(err, "cannot sync '%s'", t->backup_name);
	return backup_turn(t, STATE_APPLYING, err);
}

/* Files, links and empty folders with a number for a name; then the folder itself. */
static bool
clean_inner(struct tree *t, int *fd, const char *name, struct err *err)
{
	AUTO(dir_release) DIR *d = *fd < 0 ? NULL : list(t->backup, name);
	struct dirent *de;

	fd_release(fd);
	*fd = -1;
	while (d && (de = readdir(d)) != NULL)
		if (is_number(de->d_name) && unlinkat(dirfd(d), de->d_name, 0) != 0 &&
		    (errno != EISDIR || unlinkat(dirfd(d), de->d_name, AT_REMOVEDIR) != 0))
			return err_sys(err, "cannot clean '%s/%s'", t->backup_name, name);
	return unlinkat(t->backup, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
	       err_sys(err, "cannot clean '%s/%s'", t->backup_name, name);
}

bool
backup_clean(struct tree *t, bool keep_state, struct err *err)
{
	AUTO(dir_release) DIR *d = list(t->backup, ".");
	struct dirent *de;
	size_t i;

	writer_release(&t->writer); /* it may be writing still */
	if (!clean_inner(t, &t->fresh, "new", err) || !clean_inner(t, &t->old, "old", err))
		return false;
	while (d && (de = readdir(d)) != NULL)
		if (is_temp(de->d_name))
			(void)unlinkat(t->backup, de->d_name, 0);
	for (i = 0; i < FILES - (size_t)keep_state; i++)
		if (unlinkat(t->backup, files[i], 0) != 0 && errno != ENOENT)
			return err_sys(err, "cannot clean '%s'", t->backup_name);
	return true;
}
