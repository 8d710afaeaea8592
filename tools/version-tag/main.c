/* version-tag [-l | -b BRANCH | -c COMMIT | -t VERSION] REPO - the newest version tag of a repository, all, or one */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "auto.h"
#include "choose.h"
#include "diag.h"

static const char usage[] = "version-tag [-l | -b BRANCH | -c COMMIT | -t VERSION] REPO";

static bool
print(const struct choice *choice, struct err *err)
{
	struct version_slice version = tags_version(choice->tag).text;
	char date[GITREPO_DATE];

	if (!gitrepo_date(choice->commit, date, err))
		return false;
	(void)printf("%.*s\t%s\t%s\t%s\n", (int)version.length, version.at, choice->tag->name,
	    git_oid_tostr_s(git_commit_id(choice->commit)), date);
	return true;
}

/* False with an empty err: there is none. */
static bool
print_all(struct tags *tags, git_repository *repo, struct err *err)
{
	bool any = false;
	size_t i;

	if (tags->count > 1)
		qsort(tags->at, tags->count, sizeof(*tags->at), tags_order);
	for (i = 0; i < tags->count; i++) {
		AUTO(git_commit_release) git_commit *commit = NULL;
		struct choice choice = {.tag = tags->at + i};

		if (!choose_commit(&commit, repo, choice.tag, err)) {
			if (err->status)
				return false;
			continue;
		}
		choice.commit = commit;
		if (!print(&choice, err))
			return false;
		any = true;
	}
	return any;
}

/* The subject of the sentence `... has no version tag` goes to what. */
static bool
branch_tip(git_commit **commit, git_repository *repo, const char *branch, char what[GITREPO_REF + 64], struct err *err)
{
	char full[GITREPO_REF];
	git_oid id;
	int rc;

	if (!gitrepo_ref(full, "refs/heads/", branch, err))
		return false;
	rc = git_reference_name_to_id(&id, repo, full);
	if (rc == GIT_ENOTFOUND)
		return err_set(err, STATUS_USE, "the repository has no branch '%s'", branch);
	if (rc < 0)
		return gitrepo_fail(err, "cannot read branch '%s'", branch);
	(void)snprintf(what, GITREPO_REF + 64, "branch '%s' is at %.8s, which", branch, git_oid_tostr_s(&id));
	return gitrepo_peel(commit, repo, &id, err) || err_set(err, STATUS_USE, "branch '%s' is not a commit", branch);
}

static bool
commit_named(git_commit **commit, git_repository *repo, const char *name, char what[GITREPO_REF + 64], struct err *err)
{
	if (!gitrepo_commit(commit, repo, name, err))
		return false;
	(void)snprintf(what, GITREPO_REF + 64, "commit %.8s", git_oid_tostr_s(git_commit_id(*commit)));
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(git_repository_release) git_repository *repo = NULL;
	AUTO(git_commit_release) git_commit *commit = NULL;
	AUTO(tags_release) struct tags tags = {0};
	struct choice choice = {0};
	struct err err = {0};
	char what[GITREPO_REF + 64];
	const char *value = NULL;
	int c, mode = 0;
	bool good;

	diag_init("version-tag", usage);
	while ((c = getopt(argc, argv, "lb:c:t:h")) != -1)
		switch (c) {
		case 'l': case 'b': case 'c': case 't':
			if (mode)
				return diag_usage();
			mode = c;
			value = optarg;
			break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 1)
		return diag_usage();
	if (!gitrepo_begin(&err) || !gitrepo_open(&repo, argv[optind], &err) ||
	    (mode == 'b' && !branch_tip(&choice.commit, repo, value, what, &err)) ||
	    (mode == 'c' && !commit_named(&choice.commit, repo, value, what, &err)) ||
	    !tags_read(&tags, git_repository_commondir(repo), &arena, &err))
		return diag_fail(&err);
	switch (mode) {
	case 'l': good = print_all(&tags, repo, &err); break;
	case 't': good = choose_version(&choice, &tags, repo, value, &err); break;
	case 0:   good = choose_newest(&choice, &tags, repo, &err); break;
	default:  good = choose_at(&choice, &tags, repo, what, &err); break;
	}
	commit = choice.commit;
	if (!good)
		return err.status ? diag_fail(&err) : STATUS_NO;
	if (mode != 'l' && !print(&choice, &err))
		return diag_fail(&err);
	return diag_flush();
}
