/* choose.c - see choose.h */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"

bool
choose_commit(git_commit **commit, git_repository *repo, const struct tag *tag, struct err *err)
{
	char full[GITREPO_REF];
	git_oid id;
	int rc;

	if (tag->hex) {
		if (git_oid_fromstrn(&id, tag->hex, GIT_OID_HEXSZ) < 0)
			return gitrepo_fail(err, "cannot read tag '%s'", tag->name);
	} else {
		if (!gitrepo_ref(full, "refs/tags/", tag->name, err))
			return false;
		rc = git_reference_name_to_id(&id, repo, full);
		if (rc == GIT_ENOTFOUND) /* deleted since its name was read */
			return false;
		if (rc < 0)
			return gitrepo_fail(err, "cannot read tag '%s'", tag->name);
	}
	return gitrepo_peel(commit, repo, &id, err);
}

static void
sort(struct tags *tags)
{
	if (tags->count > 1)
		qsort(tags->at, tags->count, sizeof(*tags->at), tags_order);
}

bool
choose_newest(struct choice *choice, struct tags *tags, git_repository *repo, struct err *err)
{
	const struct tag *best = tags->at;
	struct version version, best_version;
	size_t i;
	int c;

	if (tags->count == 0)
		return false;
	best_version = tags_version(best);
	for (i = 1; i < tags->count; i++) {
		version = tags_version(tags->at + i);
		c = version_compare(&version, &best_version);
		if (c > 0 || (c == 0 && tags_order(tags->at + i, best) > 0)) {
			best = tags->at + i;
			best_version = version;
		}
	}
	choice->tag = best;
	if (choose_commit(&choice->commit, repo, best, err))
		return true;
	if (err->status)
		return false;
	sort(tags);
	for (i = tags->count - 1; i-- > 0;) {
		choice->tag = tags->at + i;
		if (choose_commit(&choice->commit, repo, choice->tag, err))
			return true;
		if (err->status)
			return false;
	}
	return false;
}

bool
choose_version(struct choice *choice, struct tags *tags, git_repository *repo, const char *text, struct err *err)
{
	struct version_slice wanted, has;
	struct version version;
	size_t i;

	if (!version_parse(text, strlen(text), &version))
		return err_set(err, STATUS_USE, "'%s' is not a version", text);
	wanted = version.text;
	sort(tags);
	for (i = tags->count; i-- > 0;) {
		choice->tag = tags->at + i;
		has = tags_version(choice->tag).text;
		if (has.length != wanted.length || memcmp(has.at, wanted.at, has.length) != 0)
			continue;
		if (choose_commit(&choice->commit, repo, choice->tag, err))
			return true;
		if (err->status)
			return false;
	}
	return false;
}

/* Tags with their commits, for the questions that need those of all. */
struct place {
	const struct tag *tag;
	git_oid commit, tree;
};

static bool
places_read(struct place **places, size_t *count, struct tags *tags, git_repository *repo, struct arena *arena,
    struct err *err)
{
	size_t i;

	*places = arena_get(arena, tags->count * sizeof(**places));
	for (i = tags->count; i-- > 0;) {
		AUTO(git_commit_release) git_commit *commit = NULL;
		struct place *place = *places + *count;

		if (!choose_commit(&commit, repo, tags->at + i, err)) {
			if (err->status)
				return false;
			continue;
		}
		place->tag = tags->at + i;
		git_oid_cpy(&place->commit, git_commit_id(commit));
		git_oid_cpy(&place->tree, git_commit_tree_id(commit));
		++*count;
	}
	return true;
}

static int
by_commit(const void *left, const void *right)
{
	return git_oid_cmp(&((const struct place *)left)->commit, &((const struct place *)right)->commit);
}

/* Fills the hint with the tag that the history from tip meets first; without one, or where it cannot be read
 * (a shallow clone), says so. */
static void
hint_nearest(struct place *places, size_t count, git_repository *repo, const git_oid *tip, struct err *err)
{
	AUTO(git_revwalk_release) git_revwalk *walk = NULL;
	size_t ahead, behind;
	struct place key, *found = NULL;

	if (count == 0) {
		(void)err_hint(err, "the repository has no version tag");
		return;
	}
	qsort(places, count, sizeof(*places), by_commit);
	if (git_revwalk_new(&walk, repo) == 0 && git_revwalk_sorting(walk, GIT_SORT_TIME) == 0 &&
	    git_revwalk_push(walk, tip) == 0)
		while (!found && git_revwalk_next(&key.commit, walk) == 0)
			found = bsearch(&key, places, count, sizeof(*places), by_commit);
	if (found && git_graph_ahead_behind(&ahead, &behind, repo, tip, &found->commit) == 0)
		(void)err_hint(err, "the nearest version tag is '%s', %zu commit%s back", found->tag->name, ahead,
		    ahead == 1 ? "" : "s");
	else
		(void)err_hint(err, "no version tag is reachable from it");
}

bool
choose_at(struct choice *choice, struct tags *tags, git_repository *repo, const char *what, struct err *err)
{
	AUTO(arena_release) struct arena arena = {0};
	const git_oid *tip = git_commit_id(choice->commit);
	struct place *places;
	size_t count = 0, i;

	sort(tags);
	if (!places_read(&places, &count, tags, repo, &arena, err))
		return false;
	for (i = 0; i < count; i++) {
		choice->tag = places[i].tag;
		if (git_oid_equal(&places[i].commit, tip))
			return true;
	}
	for (i = 0; i < count; i++) {
		choice->tag = places[i].tag;
		if (git_oid_equal(&places[i].tree, git_commit_tree_id(choice->commit)) &&
		    git_graph_descendant_of(repo, tip, &places[i].commit) == 1)
			return true;
	}
	(void)err_set(err, STATUS_USE, "%s has no version tag", what);
	hint_nearest(places, count, repo, tip, err);
	return false;
}
