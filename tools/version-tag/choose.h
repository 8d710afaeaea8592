/* choose.h - which of the tags is asked for: the newest, one version, that of a commit.
 *
 * Contract: tags are as tags_read left them, and get sorted where that helps. A tag that leads to no commit is
 * passed over. False with an empty err: there is no such tag. */
#ifndef VERSION_TAG_CHOOSE_H
#define VERSION_TAG_CHOOSE_H

#include "gitrepo.h"
#include "tags.h"

struct choice {
	const struct tag *tag;
	git_commit *commit; /* the caller's: git_commit_release */
};

bool choose_newest(struct choice *choice, struct tags *tags, git_repository *repo, struct err *err);
bool choose_version(struct choice *choice, struct tags *tags, git_repository *repo, const char *text, struct err *err);
/* The version of choice->commit, which is set and stays: the highest tag on it, else the highest on a commit that
 * it descends from and whose tree is the same. None fills err: `WHAT has no version tag`, and a hint. */
bool choose_at(struct choice *choice, struct tags *tags, git_repository *repo, const char *what, struct err *err);

/* The commit that a tag leads to; false with an empty err when it leads to none. */
bool choose_commit(git_commit **commit, git_repository *repo, const struct tag *tag, struct err *err);

#endif
