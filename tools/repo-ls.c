/* repo-ls [-0l] REPO COMMIT - list the files of a commit, when all of them are fit for a server */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "arena.h"
#include "auto.h"
#include "diag.h"
#include "gitrepo.h"
#include "tree.h"

static const char usage[] = "repo-ls [-0l] REPO COMMIT";

/* All sizes are known before the first record is printed. */
static bool
read_sizes(size_t *sizes, const struct tree *tree, git_repository *repo, struct err *err)
{
	AUTO(git_odb_release) git_odb *odb = NULL;
	git_object_t type;
	size_t i;

	if (git_repository_odb(&odb, repo) < 0)
		return gitrepo_fail(err, "cannot open the objects of the repository");
	for (i = 0; i < tree->count; i++) {
		if (git_odb_read_header(sizes + i, &type, odb, &tree->files[i].id) < 0)
			return gitrepo_fail(err, "cannot read '%s'", tree->files[i].path);
		if (type != GIT_OBJECT_BLOB)
			return err_set(err, STATUS_USE, "'%s' is not the content of a file", tree->files[i].path);
	}
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(git_repository_release) git_repository *repo = NULL;
	AUTO(git_commit_release) git_commit *commit = NULL;
	struct tree tree = {0};
	struct err err = {0};
	size_t *sizes = NULL, i;
	char end = '\n';
	bool records = false;
	int c;

	diag_init("repo-ls", usage);
	while ((c = getopt(argc, argv, "0lh")) != -1)
		switch (c) {
		case '0': end = '\0'; break;
		case 'l': records = true; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 2)
		return diag_usage();
	if (!gitrepo_begin(&err) || !gitrepo_open(&repo, argv[optind], &err) ||
	    !gitrepo_commit(&commit, repo, argv[optind + 1], &err))
		return diag_fail(&err);
	if (!tree_read(&tree, repo, commit, &arena, &err)) {
		for (i = 0; i < tree.refused_count && i < TREE_REFUSED_SHOWN; i++)
			diag_warn("%s", tree.refused[i]);
		return diag_fail(&err);
	}
	if (records) {
		sizes = arena_get(&arena, tree.count * sizeof(*sizes));
		if (!read_sizes(sizes, &tree, repo, &err))
			return diag_fail(&err);
	}
	for (i = 0; i < tree.count; i++) {
		if (records)
			(void)printf("%06o\t%zu\t%s\t", tree.files[i].mode, sizes[i], git_oid_tostr_s(&tree.files[i].id));
		(void)fputs(tree.files[i].path, stdout);
		(void)putchar(end);
	}
	return diag_flush();
}
