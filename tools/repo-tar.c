/* repo-tar [-0] REPO COMMIT - write a tar of the files of a commit that standard input names */
#define _GNU_SOURCE
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "arena.h"
#include "auto.h"
#include "diag.h"
#include "gitrepo.h"
#include "lines.h"
#include "tree.h"

static const char usage[] = "repo-tar [-0] REPO COMMIT <PATHS >TAR";

struct member {
	const struct tree_file *file;
	int64_t size;
};

struct list {
	struct member *at;
	size_t count, room;
};

static void
writer_release(struct archive **a)
{
	(void)archive_write_free(*a);
}

static void
entry_release(struct archive_entry **e)
{
	archive_entry_free(*e);
}

static bool
take_path(struct list *list, const char *path, const struct tree *tree, bool *taken, git_odb *odb, struct arena *arena,
    const struct lines *in, struct err *err)
{
	const struct tree_file *file = tree_find(tree, path);
	git_object_t type;
	size_t size;

	if (!file && tree_has_folder(tree, path))
		return err_set(err, STATUS_USE, "%s:%lu: '%s' is a folder", in->name, in->number, path);
	if (!file)
		return err_set(err, STATUS_USE, "%s:%lu: the commit has no file '%s'", in->name, in->number, path);
	if (taken[file - tree->files])
		return err_set(err, STATUS_USE, "%s:%lu: '%s' is named twice", in->name, in->number, path);
	taken[file - tree->files] = true;
	if (git_odb_read_header(&size, &type, odb, &file->id) < 0)
		return gitrepo_fail(err, "cannot read '%s'", path);
	if (type != GIT_OBJECT_BLOB)
		return err_set(err, STATUS_USE, "'%s' is not the content of a file", path);
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 256;
		list->at = arena_grow(arena, list->at, list->count * sizeof(*list->at), list->room * sizeof(*list->at));
	}
	list->at[list->count++] = (struct member){file, (int64_t)size};
	return true;
}

static bool
read_paths(struct list *list, struct lines *in, const struct tree *tree, git_repository *repo, struct arena *arena,
    struct err *err)
{
	AUTO(git_odb_release) git_odb *odb = NULL;
	bool *taken = arena_get(arena, tree->count * sizeof(*taken));
	size_t length;
	char *path;

	if (git_repository_odb(&odb, repo) < 0)
		return gitrepo_fail(err, "cannot open the objects of the repository");
	while ((path = lines_next(in, &length, err)))
		if (!take_path(list, path, tree, taken, odb, arena, in, err))
			return false;
	return !err->status;
}

/* What libarchive writes goes to stdout until the first failure, and nowhere after it: the end mark that closing
 * writes must not make a cut tar look whole. (Told of a failure, libarchive would not free all that it holds.) */
struct sink {
	bool cut;
	int error; /* errno of a failed write */
};

static la_ssize_t
to_sink(struct archive *a, void *data, const void *bytes, size_t length)
{
	struct sink *sink = data;

	(void)a;
	if (!sink->cut && fwrite(bytes, 1, length, stdout) != length) {
		sink->cut = true;
		sink->error = errno ? errno : EIO;
	}
	return (la_ssize_t)length;
}

static bool
archive_fail(struct archive *a, struct err *err)
{
	const char *why = archive_error_string(a);

	return err_set(err, STATUS_SYS, "cannot write a tar: %s", why ? why : "libarchive gives no reason");
}

static bool
write_member(struct archive *a, struct archive_entry *entry, const struct member *m, git_repository *repo, time_t when,
    struct err *err)
{
	AUTO(git_blob_release) git_blob *blob = NULL;
	bool link = m->file->mode == GIT_FILEMODE_LINK;
	char target[4096];

	(void)archive_entry_clear(entry);
	archive_entry_copy_pathname(entry, m->file->path);
	archive_entry_set_filetype(entry, link ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(entry, link ? 0777 : m->file->mode & 0777);
	archive_entry_set_mtime(entry, when, 0);
	archive_entry_set_size(entry, link ? 0 : m->size);
	if (!link && archive_write_header(a, entry) != ARCHIVE_OK) /* first, so that a tar that ends here is seen as cut */
		return archive_fail(a, err);
	if (git_blob_lookup(&blob, repo, &m->file->id) < 0)
		return gitrepo_fail(err, "cannot read '%s'", m->file->path);
	if (link) {
		(void)snprintf(target, sizeof(target), "%.*s", (int)m->size, (const char *)git_blob_rawcontent(blob));
		archive_entry_copy_symlink(entry, target);
		return archive_write_header(a, entry) == ARCHIVE_OK || archive_fail(a, err);
	}
	return archive_write_data(a, git_blob_rawcontent(blob), (size_t)m->size) == m->size || archive_fail(a, err);
}

/* Without a block size libarchive hands on each header at once; stdout gathers. */
static bool
write_tar(const struct list *list, git_repository *repo, const git_commit *commit, struct err *err)
{
	struct sink sink = {0};
	AUTO(writer_release) struct archive *a = archive_write_new();
	AUTO(entry_release) struct archive_entry *entry = archive_entry_new();
	bool good = true;
	size_t i;

	if (!setlocale(LC_CTYPE, "C.UTF-8")) /* the same bytes in every locale; in C libarchive crashes over UTF-8 */
		return err_set(err, STATUS_SYS, "the machine has no locale C.UTF-8");
	if (!a || !entry || archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
	    archive_write_open(a, &sink, NULL, to_sink, NULL) != ARCHIVE_OK)
		return err_set(err, STATUS_SYS, "cannot start libarchive");
	for (i = 0; good && !sink.cut && i < list->count; i++)
		good = write_member(a, entry, list->at + i, repo, (time_t)git_commit_time(commit), err);
	sink.cut = sink.cut || !good;
	if (archive_write_close(a) != ARCHIVE_OK && good)
		good = archive_fail(a, err);
	errno = sink.error;
	return sink.error ? err_sys(err, "cannot write to standard output") : good;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(git_repository_release) git_repository *repo = NULL;
	AUTO(git_commit_release) git_commit *commit = NULL;
	AUTO(lines_release) struct lines in = {.in = stdin, .name = "standard input", .separator = '\n'};
	struct tree tree = {0};
	struct list list = {0};
	struct err err = {0};
	size_t i;
	int c;

	diag_init("repo-tar", usage);
	(void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, told as such */
	while ((c = getopt(argc, argv, "0h")) != -1)
		switch (c) {
		case '0': in.separator = '\0'; break;
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
	if (!read_paths(&list, &in, &tree, repo, &arena, &err) || !write_tar(&list, repo, commit, &err))
		return diag_fail(&err);
	return diag_flush();
}
