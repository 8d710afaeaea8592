/* beneath.c - see beneath.h */
#define _GNU_SOURCE
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_below(int root, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	do /* EAGAIN: a rename elsewhere raced with the walk */
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return (int)fd;
}

int
beneath_folder(int root, const char *path, size_t length, bool readable)
{
	const int flags = O_DIRECTORY | (readable ? O_RDONLY : O_PATH);
	char name[PATH_MAX];

	if (length >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (length == 0)
		return open_below(root, ".", flags);
	memcpy(name, path, length);
	name[length] = '\0';
	return open_below(root, name, flags);
}

int
beneath_file(int folder, const char *name)
{
	return open_below(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}
