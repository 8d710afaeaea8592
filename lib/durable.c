/* durable.c - see durable.h */
#define _GNU_SOURCE
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"

bool
write_all(int fd, const void *data, size_t length)
{
	const char *p = data;

	while (length > 0) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		length -= (size_t)n;
	}
	return true;
}

bool
durable_begin(struct durable *d, const char *path, mode_t mode, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO(mem_release) char *folder = NULL;
	int tries;

	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strlen(name) > 230)
		return err_set(err, STATUS_USE, "'%s' cannot be the name of a file", path);
	folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!folder)
		return err_sys(err, "cannot write '%s'", path);
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	d->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return err_sys(err, "cannot open folder '%s'", folder);
	for (tries = 0; tries < 100; tries++) {
		uint32_t r;

		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			return err_sys(err, "cannot get random bytes");
		(void)snprintf(d->temp, sizeof(d->temp), ".%s.slipway-%06x", name, r & 0xffffff);
		d->fd = openat(d->dir, d->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (d->fd >= 0 || errno != EEXIST)
			break;
	}
	if (d->fd < 0)
		return err_sys(err, "cannot create a file beside '%s'", path);
	if (fchmod(d->fd, mode) != 0)
		return err_sys(err, "cannot set the mode of a file beside '%s'", path);
	return true;
}

bool
durable_write(struct durable *d, const void *data, size_t length, struct err *err)
{
	return write_all(d->fd, data, length) || err_sys(err, "cannot write '%s'", d->name);
}

bool
durable_commit(struct durable *d, struct err *err)
{
	int fd = d->fd;

	if (fsync(fd) != 0)
		return err_sys(err, "cannot sync '%s'", d->name);
	d->fd = -1;
	if (close(fd) != 0 || renameat(d->dir, d->temp, d->dir, d->name) != 0) {
		(void)err_sys(err, "cannot put '%s' in place", d->name);
		(void)unlinkat(d->dir, d->temp, 0);
		return false;
	}
	if (fsync(d->dir) != 0)
		return err_sys(err, "cannot sync the folder of '%s'", d->name);
	return true;
}

void
durable_release(struct durable *d)
{
	if (d->fd >= 0) {
		(void)close(d->fd);
		(void)unlinkat(d->dir, d->temp, 0);
	}
	if (d->dir >= 0)
		(void)close(d->dir);
	d->fd = d->dir = -1;
}

bool
sync_folder(const char *path, struct err *err)
{
	AUTO(fd_release) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open folder '%s'", path);
	return fsync(fd) == 0 || err_sys(err, "cannot sync folder '%s'", path);
}

char *
read_all(int fd, const char *name, size_t limit, size_t *length, struct err *err)
{
	size_t room = 16 * 1024, used = 0;
	char *text = malloc(room + 1);

	while (text) {
		ssize_t n = read(fd, text + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n == 0) {
			text[used] = '\0';
			*length = used;
			return text;
		}
		used += (size_t)n;
		if (used > limit) {
			free(text);
			(void)err_set(err, STATUS_USE, "'%s' is larger than %zu bytes", name, limit);
			return NULL;
		}
		if (used == room) {
			char *more = realloc(text, (room *= 2) + 1);

			if (!more)
				break;
			text = more;
		}
	}
	(void)err_sys(err, "cannot read '%s'", name);
	free(text);
	return NULL;
}

char *
read_whole(const char *path, size_t limit, size_t *length, struct err *err)
{
	AUTO(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return read_all(fd, path, limit, length, err);
	(void)err_sys(err, "cannot open '%s'", path);
	return NULL;
}
