/* gitrepo.h - libgit2 as slipway uses it: begun, a repository opened, a commit found, a failure in words.
 *
 * Contract: gitrepo_begin comes before everything else. It makes libgit2 blind for the configuration of user and
 * machine (an `insteadOf` there could send a token elsewhere) and for the owner of a repository that we were told
 * to read. Objects are checked against their hash when they are read. Handles go back by AUTO(git..._release). */
#ifndef SLIPWAY_GITREPO_H
#define SLIPWAY_GITREPO_H

#include <git2.h>
#include <stdbool.h>

#include "err.h"

enum { GITREPO_HEX = GIT_OID_HEXSZ + 1, GITREPO_DATE = 32 };

bool gitrepo_begin(struct err *err);
/* path is a bare repository, a working tree or its .git. None there is STATUS_USE, one that cannot be read
 * STATUS_SYS. */
bool gitrepo_open(git_repository **repo, const char *path, struct err *err);
/* Fills err with STATUS_SYS and libgit2's own words behind the text; false, as err_set. */
bool gitrepo_fail(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* name is 40 hex digits, a full name below refs/ or HEAD, a tag, or a branch (tried in this order), peeled to its
 * commit. Unknown, or no commit: STATUS_USE. */
bool gitrepo_commit(git_commit **commit, git_repository *repo, const char *name, struct err *err);
/* The object that id names, peeled to its commit. False with an empty err: it leads to something else. */
bool gitrepo_peel(git_commit **commit, git_repository *repo, const git_oid *id, struct err *err);
/* refs/heads/NAME or the like in full[]; a name that git refuses, or too long a one, is STATUS_USE. */
enum { GITREPO_REF = 1024 };
bool gitrepo_ref(char full[GITREPO_REF], const char *folder, const char *name, struct err *err);
/* The committer's time in UTC, 2026-11-23T17:14:00Z; one that no calendar has is STATUS_USE. */
bool gitrepo_date(const git_commit *commit, char date[GITREPO_DATE], struct err *err);

void git_repository_release(git_repository **repo);
void git_commit_release(git_commit **commit);
void git_object_release(git_object **object);
void git_tree_release(git_tree **tree);
void git_blob_release(git_blob **blob);
void git_odb_release(git_odb **odb);
void git_revwalk_release(git_revwalk **walk);

#endif
