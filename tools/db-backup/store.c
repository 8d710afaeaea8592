/* store.c - see store.h; the records are in meta.c */
#define _GNU_SOURCE
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "engine.h"
#include "lockwait.h"

static void
dir_release(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

bool
store_name_fit(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && length <= NAME_LONGEST && !name[length] && *name != '.' && *name != '-';
}

char *
store_path(const struct store *s, const char *name, const char *suffix)
{
	return arena_fmt(s->arena, "%s/%s%s", s->dir, name, suffix);
}

bool
store_make(const struct store *s, struct err *err)
{
	char *path = arena_str(s->arena, s->dir), *slash = path;

	do {
		char kept;

		slash += strspn(slash, "/");
		slash += strcspn(slash, "/");
		kept = *slash;
		*slash = '\0';
		if (mkdir(path, 0700) == 0) {
			char *above = strrchr(path, '/');

			if (chmod(path, 0700) != 0 ||
			    !sync_folder(!above ? "." : above == path ? "/" : arena_dup(s->arena, path, (size_t)(above - path)), err))
				return err_sys(err, "cannot make folder '%s'", path);
		} else if (errno != EEXIST)
			return err_sys(err, "cannot make folder '%s'", path);
		*slash = kept;
	} while (*slash);
	return true;
}

bool
store_lock(const struct store *s, int *fd, struct err *err)
{
	const char *path = store_path(s, "", ".lock");

	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (lock_wait(*fd, s->wait_ms))
		return true;
	if (errno == EWOULDBLOCK)
		return err_set(err, STATUS_SYS, "another db-backup holds '%s'", path);
	return err_sys(err, "cannot lock '%s'", path);
}

/* A record that is here, on its way into or out of the store, without its data: that stands in the store alone,
 * ours, but no backup. */
static void
orphan_remove(const struct store *s, const char *folder, const char *name)
{
	struct store part = { .dir = folder, .arena = s->arena };
	AUTO(fd_release) int fd = -1;
	const struct engine *engine;
	struct err ignored = {0};
	char hex[HASH_HEX];
	struct meta m = {0};
	const char *path;
	uint64_t bytes;

	if (!store_name_fit(name) || access(store_path(&part, "stored", ""), F_OK) == 0 ||
	    access(store_path(s, name, ".meta"), F_OK) == 0 || !meta_load(&part, name, &m, &ignored))
		return;
	engine = engine_named(m.engine);
	path = engine ? store_path(s, name, engine->suffix) : "";
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && hash_fd(fd, path, hex, &bytes, &ignored) && bytes == m.packed.stored &&
	    strcmp(hex, m.packed.sha256) == 0) {
		(void)unlink(path);
		if (engine->beside)
			(void)unlink(store_path(s, name, engine->beside));
	}
}

static void
folder_clear(const struct store *s, const char *path)
{
	AUTO(dir_release) DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t length = strlen(e->d_name);

		if (length > 5 && strcmp(e->d_name + length - 5, ".meta") == 0)
			orphan_remove(s, path, arena_dup(s->arena, e->d_name, length - 5));
	}
	if (d)
		rewinddir(d);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)rmdir(path);
}

/* The store's lock is held: a work folder whose own lock is free, or not yet made, has lost its process. */
static void
sweep(const struct store *s)
{
	AUTO(dir_release) DIR *d = opendir(s->dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		AUTO(fd_release) int fd = -1;
		const char *path;

		if (strncmp(e->d_name, ".part-", 6) != 0)
			continue;
		path = store_path(s, e->d_name, "");
		fd = open(arena_fmt(s->arena, "%s/lock", path), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 ? lock_wait(fd, 0) : errno == ENOENT)
			folder_clear(s, path);
	}
}

bool
work_begin(struct work *w, const struct store *s, struct err *err)
{
	AUTO(fd_release) int lock = -1;
	char *path = store_path(s, ".part-XXXXXX", "");

	if (!store_lock(s, &lock, err))
		return false;
	sweep(s);
	if (!mkdtemp(path))
		return err_sys(err, "cannot make a work folder in '%s'", s->dir);
	w->store = s;
	w->path = path;
	w->lock = open(work_file(w, "lock"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->lock < 0 || !lock_wait(w->lock, 0))
		return err_sys(err, "cannot make a work folder in '%s'", s->dir);
	return true;
}

char *
work_file(const struct work *w, const char *name)
{
	return arena_fmt(w->store->arena, "%s/%s", w->path, name);
}

void
work_release(struct work *w)
{
	if (w->path)
		folder_clear(w->store, w->path);
	if (w->lock >= 0)
		(void)close(w->lock);
	w->path = NULL;
	w->lock = -1;
}
