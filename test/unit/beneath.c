/* beneath.c - nothing outside the root is ever opened (TAP) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "beneath.h"

static int number;
static int failures;

static void
ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failures += !good;
}

static int
fails(int root, const char *path, int error)
{
	AUTO(fd_release) int fd = beneath_folder(root, path, strlen(path), false);

	return fd < 0 && errno == error;
}

static int
file_fails(int root, const char *name, int error)
{
	AUTO(fd_release) int fd = beneath_file(root, name);

	return fd < 0 && errno == error;
}

int
main(void)
{
	char dir[] = "/tmp/beneath.XXXXXX", long_path[5000];
	AUTO(fd_release) int root = -1;
	AUTO(fd_release) int inner = -1;
	AUTO(fd_release) int file = -1;
	AUTO(fd_release) int pipe_end = -1;
	struct stat st;

	if (!mkdtemp(dir) || (root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 111;
	if (mkdirat(root, "a", 0700) != 0 || mkdirat(root, "a/b", 0700) != 0 || symlinkat("a", root, "link") != 0 ||
	    symlinkat("/", root, "out") != 0 || mkfifoat(root, "fifo", 0600) != 0 || symlinkat("f", root, "flink") != 0 ||
	    (file = openat(root, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) < 0)
		return 111;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';

	printf("1..14\n");
	inner = beneath_folder(root, "a/b/rest", 3, true);
	ok(inner >= 0 && fsync(inner) == 0, "a readable folder can be synced");
	fd_release(&inner);
	inner = beneath_folder(root, "a", 0, false);
	ok(inner >= 0 && fstatat(inner, "f", &st, 0) == 0, "no length is the root");
	ok(fails(root, "no", ENOENT), "a missing folder");
	ok(fails(root, "f", ENOTDIR), "a file is no folder");
	ok(fails(root, "f/x", ENOTDIR), "a file on the way");
	ok(fails(root, "link", ELOOP), "a symlink at the end");
	ok(fails(root, "link/b", ELOOP), "a symlink on the way, although it stays inside");
	ok(fails(root, "out/tmp", ELOOP), "a symlink that leads out");
	ok(fails(root, "..", EXDEV), "the folder above");
	ok(fails(root, "/tmp", EXDEV), "an absolute path");
	ok(fails(root, long_path, ENAMETOOLONG), "a path that is too long");
	ok(file_fails(root, "flink", ELOOP), "a symlink in the place of a file");
	ok(file_fails(root, "../etc", EXDEV), "a file above");
	pipe_end = beneath_file(root, "fifo");
	ok(pipe_end >= 0, "a FIFO does not block");

	(void)unlinkat(root, "a/b", AT_REMOVEDIR);
	(void)unlinkat(root, "a", AT_REMOVEDIR);
	(void)unlinkat(root, "link", 0);
	(void)unlinkat(root, "out", 0);
	(void)unlinkat(root, "flink", 0);
	(void)unlinkat(root, "fifo", 0);
	(void)unlinkat(root, "f", 0);
	(void)rmdir(dir);
	return failures > 0;
}
