/* place.c - see place.h */
#define _GNU_SOURCE
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "lockwait.h"

char *
folder_of(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_dup(a, path, slash == path ? 1 : (size_t)(slash - path)) : arena_str(a, ".");
}

bool
owner_of_folder(const char *path, mode_t mode, struct owner *o, struct arena *a, struct err *err)
{
	const char *folder = folder_of(path, a);
	struct stat st;

	if (stat(folder, &st) != 0)
		return err_sys(err, "cannot look at folder '%s'", folder);
	*o = (struct owner){ .mode = mode, .uid = st.st_uid, .gid = st.st_gid };
	return true;
}

bool
place_begin(struct place *p, const char *path, const struct owner *o, struct arena *a, struct err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct stat opened, named;

	p->path = path;
	p->temp = arena_fmt(a, "%.*s.%s.slipway-new", (int)(name - path), path, name);
	p->fd = open(p->temp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return err_sys(err, "cannot create '%s'", p->temp);
	/* Whoever had it before us may have put it in place before we got its lock. */
	if (!lock_wait(p->fd, 0) || fstat(p->fd, &opened) != 0 || lstat(p->temp, &named) != 0 ||
	    opened.st_ino != named.st_ino || opened.st_dev != named.st_dev || !S_ISREG(opened.st_mode)) {
		(void)close(p->fd);
		p->fd = -1;
		return err_set(err, STATUS_SYS, "another run is at work on '%s'", p->temp);
	}
	if (ftruncate(p->fd, 0) != 0 || (fchown(p->fd, o->uid, o->gid) != 0 && errno != EPERM) ||
	    fchmod(p->fd, o->mode) != 0)
		return err_sys(err, "cannot set up '%s'", p->temp);
	return true;
}

bool
place_commit(struct place *p, bool replace, struct err *err)
{
	const char *slash = strrchr(p->path, '/');
	char folder[4200];
	struct stat st;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - p->path) + 1 : 1, slash ? p->path : ".");
	if (fsync(p->fd) != 0)
		return err_sys(err, "cannot sync '%s'", p->temp);
	if (!replace && lstat(p->path, &st) == 0)
		return err_set(err, STATUS_USE, "'%s' exists already", p->path);
	if (rename(p->temp, p->path) != 0)
		return err_sys(err, "cannot put '%s' in place", p->path);
	(void)close(p->fd);
	p->fd = -1;
	return sync_folder(folder, err);
}

void
place_release(struct place *p)
{
	if (p->fd >= 0) {
		(void)unlink(p->temp);
		(void)close(p->fd);
	}
	p->fd = -1;
}
