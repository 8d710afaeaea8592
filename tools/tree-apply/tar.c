/* tar.c - the tar on a descriptor: checked, hashed, compared, laid aside; see apply.h */
#define _GNU_SOURCE
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "relpath.h"
#include "apply.h"
#include "writer.h"

enum { CHUNK = 256 * 1024, SMALL = WRITER_ROOM, END_MARK = 1024 };

struct source {
	int fd;
	uint64_t total;
	bool at_end;
	int error; /* errno of a read that failed */
	char buf[CHUNK];
};

struct reading {
	struct tree *t;
	enum tar_use use;
	const struct manifest *was;
	struct source *in;
	struct archive *a;
	struct names spelling; /* folded path -> its spelling; a folder's ends in a slash */
	struct hash hash; /* of large files */
	size_t put;       /* how many the writer got */
};

static void
archive_done(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a);
}

static void
reading_release(struct reading *r)
{
	hash_release(&r->hash);
	archive_done(&r->a);
	free(r->in);
}

static la_ssize_t
source_read(struct archive *a, void *data, const void **buf)
{
	struct source *in = data;
	ssize_t n;

	do
		n = read(in->fd, in->buf, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		in->error = errno;
		archive_set_error(a, errno, "cannot read");
		return -1;
	}
	in->at_end = n == 0;
	in->total += (uint64_t)n;
	*buf = in->buf;
	return n;
}

static bool
damaged(const struct reading *r, struct err *err)
{
	if (r->in->error) {
		errno = r->in->error;
		return err_sys(err, "cannot read the archive");
	}
	if (r->in->at_end)
		return err_set(err, STATUS_USE, "archive ends early");
	return err_set(err, STATUS_USE, "cannot read the archive: %s", archive_error_string(r->a));
}

/* Each path and each of its folders may be spelled in one way only, and be either file or folder. */
static bool
claim(struct reading *r, const char *path, struct err *err)
{
	char key[RELPATH_MAX + 1];
	size_t end;

	relpath_fold(path, key);
	for (end = 1;; end++) {
		const bool whole = !path[end];
		struct name *n;
		const char *before;

		if (!whole && path[end] != '/')
			continue;
		n = names_put(&r->spelling, &r->t->arena, key, end);
		before = n->value;
		if (!before)
			n->value = arena_dup(&r->t->arena, path, whole ? end : end + 1);
		else if (!strncmp(before, path, end) && (before[end] == '/') != !whole)
			return err_set(err, STATUS_USE, "'%.*s' is both file and folder in the archive", (int)end, path);
		else if (!strncmp(before, path, end) && whole)
			return err_set(err, STATUS_USE, "'%s' is twice in the archive", path);
		else if (strncmp(before, path, end) != 0)
			return err_set(err, STATUS_USE, "'%.*s' and '%.*s' differ only in case", (int)end, before, (int)end,
			               path);
		if (whole)
			return true;
	}
}

/* A name of our own making would be taken for a file that was kept aside. */
static bool
is_aside_name(const char *path)
{
	return strstr(base_of(path), ".slipway-local") || strstr(base_of(path), ".slipway-new");
}

/* Name, type and target of the entry are fit; *path is NULL for a folder, which needs no entry of its own. */
static bool
entry_fit(struct reading *r, struct archive_entry *ae, const char **path, const char **target, struct err *err)
{
	const char *name = archive_entry_pathname(ae), *why;
	const unsigned type = archive_entry_filetype(ae);

	*path = *target = NULL;
	if (!name)
		return err_set(err, STATUS_USE, "an entry of the archive has no readable name");
	while (!strncmp(name, "./", 2)) /* as `tar -c .` writes them */
		name += 2;
	if (archive_entry_hardlink(ae))
		return err_set(err, STATUS_USE, "'%s' is a hard link", name);
	if (type == AE_IFDIR && (!*name || !strcmp(name, ".")))
		return true;
	if (type == AE_IFDIR) {
		AUTO(mem_release) char *bare = strdup(name);
		size_t n = bare ? strlen(bare) : 0;

		while (n > 1 && bare[n - 1] == '/')
			bare[--n] = '\0';
		return (bare && relpath_fit(bare, &why)) || err_set(err, STATUS_USE, "'%s': %s", name, bare ? why : "no memory");
	}
	if (!relpath_fit(name, &why))
		return err_set(err, STATUS_USE, "'%s': %s", name, why);
	if (type != AE_IFREG && type != AE_IFLNK)
		return err_set(err, STATUS_USE, "'%s' is neither a file, a symlink nor a folder", name);
	if (is_aside_name(name))
		return err_set(err, STATUS_USE, "'%s': names with '.slipway-local' and '.slipway-new' belong to slipway", name);
	if (type == AE_IFLNK) {
		*target = archive_entry_symlink(ae);
		if (!*target || !relpath_link_fit(name, *target, &why))
			return err_set(err, STATUS_USE, "'%s': %s", name, *target ? why : "symlink without a target");
	}
	*path = name;
	return claim(r, name, err);
}

/* The next piece of the entry's data, at most room bytes; *got is 0 at its end. */
static bool
next_data(struct reading *r, char *to, size_t room, size_t *got, struct err *err)
{
	la_ssize_t n = archive_read_data(r->a, to, room);

	*got = n > 0 ? (size_t)n : 0;
	return n >= 0 || damaged(r, err);
}

static bool
read_small(struct reading *r, struct entry *e, struct err *err)
{
	char *room = writer_room(r->t->writer);
	size_t used = 0, got = 0;

	do {
		if (!next_data(r, room + used, SMALL - used, &got, err))
			return false;
		used += got;
	} while (got > 0 && used < SMALL);
	if (used != e->is.size)
		return err_set(err, STATUS_USE, "'%s' is not of the size that the archive says", e->is.path);
	return true;
}

/* A large file goes to BACKUP as it comes; if it turns out to be the same, it is taken away again. */
static bool
read_large(struct reading *r, struct entry *e, struct err *err)
{
	AUTO(fd_release) int fd = -1;
	char *room = writer_room(r->t->writer);
	uint64_t used = 0;
	size_t got = 0;

	if (r->use == TAR_STAGE) {
		e->number = ++r->t->numbers;
		fd = stage_open(r->t, e->number, e->is.mode, err);
		if (fd < 0)
			return false;
	}
	if (!hash_begin(&r->hash, err))
		return false;
	do {
		if (!next_data(r, room, SMALL, &got, err) || !hash_add(&r->hash, room, got, err))
			return false;
		used += got;
		if (fd >= 0 && !write_all(fd, room, got))
			return err_sys(err, "cannot write to '%s'", r->t->backup_name);
	} while (got > 0);
	if (used != e->is.size)
		return err_set(err, STATUS_USE, "'%s' is not of the size that the archive says", e->is.path);
	return hash_end(&r->hash, e->is.sha, err);
}

static bool
drop_same(struct reading *r, struct entry *e, struct err *err)
{
	char name[24];

	if (!e->number)
		return true;
	if (unlinkat(r->t->fresh, number_text(e->number, name), 0) != 0)
		return err_sys(err, "cannot tidy '%s'", r->t->backup_name);
	e->number = 0;
	return true;
}

/* A small file is compared and laid aside from memory, and hashed in the other thread. */
static bool
entry_small(struct reading *r, struct entry *e, const struct manifest_entry *was, struct err *err)
{
	struct writer *w = r->t->writer;

	if (!read_small(r, e, err) ||
	    (r->use != TAR_LIST && !look_for(r->t, e->is.path, &e->is, writer_room(w), was, &e->local, err)))
		return false;
	e->same = e->local.equal && e->local.mode == e->is.mode;
	if (r->use == TAR_STAGE && !e->same)
		e->number = ++r->t->numbers;
	e->put = ++r->put;
	return writer_put(w, e->number, e->is.mode, e->is.size, err);
}

static bool
entry_read(struct reading *r, struct archive_entry *ae, struct entry *e, const char *target, struct err *err)
{
	const struct manifest_entry *was = r->was ? manifest_find(r->was, e->is.path) : NULL;

	if (!target)
		e->is.mode = archive_entry_perm(ae) & S_IXUSR ? MANIFEST_EXEC : MANIFEST_PLAIN;
	if (!target && e->is.size < SMALL)
		return entry_small(r, e, was, err);
	if (!(target ? hash_bytes(target, e->is.size, e->is.sha, err) : read_large(r, e, err)))
		return false;
	if (r->use != TAR_LIST && !look_for(r->t, e->is.path, &e->is, NULL, was, &e->local, err))
		return false;
	e->same = r->use != TAR_LIST && is_as(&e->local, &e->is);
	if (e->same)
		return drop_same(r, e, err);
	if (r->use != TAR_STAGE || e->number)
		return true;
	e->number = ++r->t->numbers;
	return stage_link(r->t, e->number, target, err);
}

/* The hashes that the other thread made. */
static bool
gather(struct reading *r, struct entries *entries, struct err *err)
{
	size_t i;

	if (!writer_wait(r->t->writer, err))
		return false;
	for (i = 0; i < entries->count; i++) {
		struct entry *e = &entries->at[i];

		if (e->put)
			memcpy(e->is.sha, writer_hash(r->t->writer, e->put - 1), sizeof(e->is.sha));
		if (e->local.equal)
			memcpy(e->local.sha, e->is.sha, sizeof(e->local.sha));
	}
	return true;
}

static struct entry *
entry_new(struct tree *t, struct entries *e)
{
	if (e->count == e->room) {
		const size_t room = e->room ? e->room * 2 : 256;

		e->at = arena_grow(&t->arena, e->at, e->count * sizeof(*e->at), room * sizeof(*e->at));
		e->room = room;
	}
	return &e->at[e->count++];
}

/* The end was a mark of two empty blocks, not merely the end of the data at a place that suits. */
static bool
ended_well(struct reading *r, struct err *err)
{
	const uint64_t mark = (uint64_t)archive_read_header_position(r->a);
	const void *buf;
	la_ssize_t n;

	do
		n = source_read(r->a, r->in, &buf);
	while (n > 0);
	if (n < 0)
		return damaged(r, err);
	return r->in->total >= mark + END_MARK || err_set(err, STATUS_USE, "archive ends early");
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->is.path, ((const struct entry *)b)->is.path);
}

bool
tar_read(struct tree *t, int fd, enum tar_use use, const struct manifest *was, struct entries *entries, struct err *err)
{
	AUTO(reading_release) struct reading r = { .t = t, .use = use, .was = was };
	struct archive_entry *ae;
	int rc;

	r.in = calloc(1, sizeof(*r.in));
	r.a = archive_read_new();
	if (!r.in || !r.a)
		return err_sys(err, "cannot read the archive");
	t->writer = writer_begin(t, err);
	if (!t->writer)
		return false;
	r.in->fd = fd;
	if (archive_read_support_format_tar(r.a) != ARCHIVE_OK ||
	    archive_read_open(r.a, r.in, NULL, source_read, NULL) != ARCHIVE_OK)
		return damaged(&r, err);
	while ((rc = archive_read_next_header(r.a, &ae)) == ARCHIVE_OK) {
		const char *path, *target;
		struct entry *e;

		if (!entry_fit(&r, ae, &path, &target, err))
			return false;
		if (!path)
			continue;
		e = entry_new(t, entries);
		e->is.path = arena_str(&t->arena, path);
		e->is.mode = MANIFEST_LINK;
		e->is.size = target ? strlen(target) : (uint64_t)archive_entry_size(ae);
		if (!entry_read(&r, ae, e, target, err))
			return false;
	}
	if (rc != ARCHIVE_EOF)
		return damaged(&r, err);
	if (!ended_well(&r, err) || !gather(&r, entries, err))
		return false;
	if (entries->count)
		qsort(entries->at, entries->count, sizeof(*entries->at), by_path);
	return true;
}
