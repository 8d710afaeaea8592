/* gitrepo.c - see gitrepo.h */
#define _GNU_SOURCE
#include "gitrepo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auto.h"

bool
gitrepo_fail(struct err *err, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, STATUS_SYS, "%s: %s", text, last && last->message ? last->message : "git gives no reason");
}

bool
gitrepo_begin(struct err *err)
{
	static const git_config_level_t levels[] = {
		GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
	};
	size_t i;

	if (git_libgit2_init() < 0 || git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) < 0)
		return gitrepo_fail(err, "cannot start libgit2");
	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, (int)levels[i], "") < 0)
			return gitrepo_fail(err, "cannot start libgit2");
	return true;
}

/* A folder that is there but cannot be entered looks to libgit2 like none. */
static bool
folder_readable(const char *path, struct err *err)
{
	AUTO(fd_release) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), git = -1;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, STATUS_USE, "there is no repository '%s'", path);
	if (fd < 0)
		return err_sys(err, "cannot open repository '%s'", path);
	git = openat(fd, ".git", O_RDONLY | O_CLOEXEC);
	return git >= 0 || errno == ENOENT || err_sys(err, "cannot open repository '%s/.git'", path);
}

bool
gitrepo_open(git_repository **repo, const char *path, struct err *err)
{
	const git_error *last;
	int rc;

	if (!folder_readable(path, err))
		return false;
	rc = git_repository_open_ext(repo, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
	if (rc == 0)
		return true;
	if (rc == GIT_ENOTFOUND)
		return err_set(err, STATUS_USE, "'%s' is not a git repository", path);
	last = git_error_last();
	(void)gitrepo_fail(err, "cannot open repository '%s'", path);
	if (!last || last->klass != GIT_ERROR_OS)
		err->status = STATUS_USE;
	return false;
}

bool
gitrepo_ref(char full[GITREPO_REF], const char *folder, const char *name, struct err *err)
{
	int n = snprintf(full, GITREPO_REF, "%s%s", folder, name), valid = 0;

	if (n < 0 || n >= GITREPO_REF || git_reference_name_is_valid(&valid, full) < 0 || !valid)
		return err_set(err, STATUS_USE, "'%s' cannot be a name in git", name);
	return true;
}

bool
gitrepo_peel(git_commit **commit, git_repository *repo, const git_oid *id, struct err *err)
{
	AUTO(git_object_release) git_object *object = NULL;
	char hex[GITREPO_HEX];
	int rc;

	(void)git_oid_tostr(hex, sizeof(hex), id);
	if (git_object_lookup(&object, repo, id, GIT_OBJECT_ANY) < 0)
		return gitrepo_fail(err, "cannot read object %s", hex);
	rc = git_object_peel((git_object **)commit, object, GIT_OBJECT_COMMIT);
	if (rc == 0)
		return true;
	*commit = NULL;
	if (rc != GIT_EPEEL && rc != GIT_EINVALIDSPEC && rc != GIT_EAMBIGUOUS)
		(void)gitrepo_fail(err, "cannot read what tag object %s leads to", hex);
	return false;
}

/* 1: *id is filled, 0: no such thing, -1: err is filled. */
static int
look_up(git_oid *id, git_repository *repo, const char *name, struct err *err)
{
	static const char *const folders[] = {"refs/tags/", "refs/heads/"};
	char full[GITREPO_REF];
	bool whole = !strncmp(name, "refs/", 5) || !strcmp(name, "HEAD");
	size_t i;
	int rc;

	if (strlen(name) == GIT_OID_HEXSZ && git_oid_fromstr(id, name) == 0) {
		AUTO(git_odb_release) git_odb *odb = NULL;

		if (git_repository_odb(&odb, repo) < 0)
			return gitrepo_fail(err, "cannot open the objects of the repository"), -1;
		return git_odb_exists(odb, id);
	}
	for (i = whole ? 1 : 0; i < 2; i++) {
		if (!gitrepo_ref(full, whole ? "" : folders[i], name, err))
			return -1;
		rc = git_reference_name_to_id(id, repo, full);
		if (rc == 0)
			return 1;
		if (rc != GIT_ENOTFOUND)
			return gitrepo_fail(err, "cannot read '%s'", full), -1;
	}
	return 0;
}

bool
gitrepo_commit(git_commit **commit, git_repository *repo, const char *name, struct err *err)
{
	git_oid id;
	int found = look_up(&id, repo, name, err);

	if (found < 0)
		return false;
	if (found == 0)
		return err_set(err, STATUS_USE, "the repository has no commit '%s'", name);
	return gitrepo_peel(commit, repo, &id, err) || err_set(err, STATUS_USE, "'%s' is not a commit", name);
}

bool
gitrepo_date(const git_commit *commit, char date[GITREPO_DATE], struct err *err)
{
	time_t t = (time_t)git_commit_time(commit);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(date, GITREPO_DATE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return err_set(err, STATUS_USE, "commit %.8s has an impossible date",
		    git_oid_tostr_s(git_commit_id(commit)));
	return true;
}

void git_repository_release(git_repository **repo) { git_repository_free(*repo); }
void git_commit_release(git_commit **commit) { git_commit_free(*commit); }
void git_object_release(git_object **object) { git_object_free(*object); }
void git_tree_release(git_tree **tree) { git_tree_free(*tree); }
void git_blob_release(git_blob **blob) { git_blob_free(*blob); }
void git_odb_release(git_odb **odb) { git_odb_free(*odb); }
void git_revwalk_release(git_revwalk **walk) { git_revwalk_free(*walk); }
