/* mirror.c - see mirror.h */
#define _GNU_SOURCE
#include "mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "lockwait.h"

static const char lock_name[] = "slipway.lock";

static void
dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static bool
is_empty(const char *path, struct err *err)
{
	AUTO(dir_release) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return err_sys(err, "cannot open folder '%s'", path);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

/* A second look for the lock after a folder was found full: another fetch may have just begun to fill it. */
static bool
lock_open(int *lock, int dir_fd, const char *dir, struct err *err)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW, tries;

	for (tries = 0; tries < 2; tries++) {
		*lock = openat(dir_fd, lock_name, flags);
		if (*lock < 0 && errno == ENOENT && is_empty(dir, err))
			*lock = openat(dir_fd, lock_name, flags | O_CREAT, 0600);
		else if (*lock < 0 && errno != ENOENT)
			return err->status ? false : err_sys(err, "cannot open '%s/%s'", dir, lock_name);
		if (*lock >= 0)
			return true;
	}
	return err_set(err, STATUS_USE, "'%s' is not empty and was not made by repo-fetch", dir);
}

bool
mirror_take(int *lock, const char *dir, int64_t end_ms, struct err *err)
{
	AUTO(fd_release) int dir_fd = -1;
	int64_t left;
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder '%s'", dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 && errno == ENOTDIR)
		return err_set(err, STATUS_USE, "'%s' exists and is not a folder", dir);
	if (dir_fd < 0)
		return err_sys(err, "cannot open folder '%s'", dir);
	if (!lock_open(lock, dir_fd, dir, err))
		return false;
	left = end_ms - clock_ms();
	if (!lock_wait(*lock, left > 0 ? left : 0)) {
		if (errno == EWOULDBLOCK)
			return err_set(err, STATUS_SYS, "another repo-fetch is at work in '%s'", dir);
		return err_sys(err, "cannot lock '%s'", dir);
	}
	if (fstat(*lock, &st) != 0 || st.st_nlink == 0)
		return err_set(err, STATUS_SYS, "'%s' was removed meanwhile", dir);
	return true;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && !strcmp(name + n - e, end);
}

/* In the folder itself: locks of libgit2, temporary files of ours. */
static bool
is_stray(const char *name, int fd)
{
	(void)fd;
	return (ends_with(name, ".lock") && strcmp(name, lock_name) != 0) || strstr(name, ".slipway-");
}

/* In objects/pack: whatever is no pack, and an index that came before its pack. */
static bool
is_stray_pack(const char *name, int fd)
{
	char pack[300];

	if (strncmp(name, "pack-", 5) != 0 || ends_with(name, ".lock"))
		return *name != '.' && strcmp(name, "multi-pack-index") != 0;
	if (!ends_with(name, ".idx") || strlen(name) >= sizeof(pack) - 8)
		return false;
	(void)snprintf(pack, sizeof(pack), "%.*s.pack", (int)strlen(name) - 4, name);
	return faccessat(fd, pack, F_OK, 0) != 0 && errno == ENOENT;
}

static bool
sweep(const char *path, bool stray(const char *name, int fd), struct err *err)
{
	AUTO(dir_release) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT || err_sys(err, "cannot open folder '%s'", path);
	while ((errno = 0, entry = readdir(dir)))
		if (stray(entry->d_name, dirfd(dir)) && unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != EISDIR)
			return err_sys(err, "cannot remove '%s/%s'", path, entry->d_name);
	return errno == 0 || err_sys(err, "cannot read folder '%s'", path);
}

static bool
make(git_repository **repo, const char *dir, struct arena *arena, struct err *err)
{
	git_repository_init_options options;
	const char *parts[] = {"HEAD", "config"};
	size_t i;

	for (i = 0; i < 2; i++)
		if (unlink(arena_fmt(arena, "%s/%s", dir, parts[i])) != 0 && errno != ENOENT)
			return err_sys(err, "cannot remove '%s/%s'", dir, parts[i]);
	if (git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION) < 0)
		return gitrepo_fail(err, "cannot start libgit2");
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_DOTGIT_DIR;
	options.initial_head = "main";
	if (git_repository_init_ext(repo, dir, &options) < 0)
		return gitrepo_fail(err, "cannot make a repository in '%s'", dir);
	return true;
}

bool
mirror_open(git_repository **repo, const char *dir, struct arena *arena, struct err *err)
{
	if (!sweep(dir, is_stray, err) || !sweep(arena_fmt(arena, "%s/objects/pack", dir), is_stray_pack, err))
		return false;
	if (access(arena_fmt(arena, "%s/packed-refs", dir), F_OK) != 0)
		return make(repo, dir, arena, err);
	if (git_repository_open_bare(repo, dir) == 0)
		return true;
	(void)gitrepo_fail(err, "cannot open the mirror '%s'", dir);
	return err_hint(err, "remove '%s': the next repo-fetch makes it anew", dir);
}

static int
by_name(const void *left, const void *right)
{
	return strcmp(((const struct mirror_ref *)left)->name, ((const struct mirror_ref *)right)->name);
}

/* Writes the file unless it says that already. */
static bool
replace(const char *path, const char *text, size_t length, struct err *err)
{
	AUTO(durable_release) struct durable d = DURABLE_INIT;
	AUTO(mem_release) char *old = NULL;
	struct err ignored = {0};
	size_t old_length;

	old = read_whole(path, length, &old_length, &ignored);
	if (old && old_length == length && !memcmp(old, text, length))
		return true;
	return durable_begin(&d, path, 0600, err) && durable_write(&d, text, length, err) && durable_commit(&d, err);
}

/* One line of packed-refs, and a second one with what an annotated tag leads to. */
static bool
write_ref(FILE *out, git_repository *repo, git_odb *odb, const struct mirror_ref *ref, struct err *err)
{
	AUTO(git_object_release) git_object *tag = NULL, *end = NULL;
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, odb, &ref->id) < 0)
		return gitrepo_fail(err, "cannot read '%s'", ref->name);
	(void)fprintf(out, "%s %s\n", git_oid_tostr_s(&ref->id), ref->name);
	if (type != GIT_OBJECT_TAG)
		return true;
	if (git_object_lookup(&tag, repo, &ref->id, type) < 0 || git_object_peel(&end, tag, GIT_OBJECT_ANY) < 0)
		return gitrepo_fail(err, "cannot read '%s'", ref->name);
	(void)fprintf(out, "^%s\n", git_oid_tostr_s(git_object_id(end)));
	return true;
}

/* A loose reference would stand before the packed one. We write none, but a person may have. */
static int
remove_loose(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	if (kind == FTW_DP)
		return at->level > 0 && rmdir(path) != 0 ? -1 : 0;
	return unlink(path);
}

bool
mirror_commit(git_repository *repo, const char *dir, struct mirror_ref *refs, size_t count, const char *head,
    struct arena *arena, struct err *err)
{
	static const char *const folders[] = {"heads", "tags"};
	AUTO(git_odb_release) git_odb *odb = NULL;
	AUTO(mem_release) char *text = NULL;
	AUTO(file_release) FILE *out = NULL;
	const char *line, *folder;
	size_t length, i;

	if (git_repository_odb(&odb, repo) < 0)
		return gitrepo_fail(err, "cannot open the objects of '%s'", dir);
	if (count > 1)
		qsort(refs, count, sizeof(*refs), by_name);
	out = open_memstream(&text, &length);
	if (!out)
		return err_sys(err, "cannot write packed-refs");
	(void)fputs("# pack-refs with: peeled fully-peeled sorted \n", out);
	for (i = 0; i < count; i++)
		if (!write_ref(out, repo, odb, refs + i, err))
			return false;
	if (fflush(out) != 0)
		return err_sys(err, "cannot write packed-refs");
	if (!replace(arena_fmt(arena, "%s/packed-refs", dir), text, length, err))
		return false;
	for (i = 0; i < 2; i++) {
		folder = arena_fmt(arena, "%s/refs/%s", dir, folders[i]);
		if (nftw(folder, remove_loose, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
			return err_sys(err, "cannot clear folder '%s'", folder);
	}
	if (!head)
		return true;
	line = arena_fmt(arena, "ref: %s\n", head);
	return replace(arena_fmt(arena, "%s/HEAD", dir), line, strlen(line), err);
}
