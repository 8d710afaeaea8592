/* find.c - migrations_find of migration.h */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "migration.h"
#include "utf8.h"

enum { FILE_LARGEST = 256 * 1024 * 1024 };

struct folder {
	const char *name;
	char *canonical;
	struct version version;
};

struct search {
	const char *dir;
	void (*warn)(const char *);
	struct arena *arena;
	struct folder *folders;
	size_t folder_count, folder_room;
	struct migrations *out;
	size_t room;
};

static void
dir_release(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static bool
ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* v1.2 and 1.2.0 are one folder in the ledger: at least three numbers, a fourth unless it is 0. */
static char *
canonical(struct arena *a, const struct version *v)
{
	const char *name = "v";
	int i;

	for (i = 0; i < VERSION_NUMBERS; i++) {
		const struct version_slice *n = &v->number[i];

		if (i == 3 && !n->length)
			break;
		name = arena_fmt(a, "%s%s%.*s", name, i ? "." : "", n->length ? (int)n->length : 1, n->length ? n->at : "0");
	}
	return arena_str(a, name);
}

static int
by_version(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;
	int order = version_compare(&x->version, &y->version);

	return order ? order : strcmp(x->name, y->name);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A slip in a name must not mean that a migration is passed over without a word. */
static bool
folder_add(struct search *s, const char *name, struct err *err)
{
	const char *digits = name + (*name == 'v' || *name == 'V');
	struct folder f = { .name = arena_str(s->arena, name) };

	if (*digits < '0' || *digits > '9')
		return true;
	if (!version_parse(f.name, strlen(f.name), &f.version) || f.version.core.length != strlen(digits))
		return err_set(err, STATUS_USE, "'%s' in '%s' is no folder of a version: its name is the numbers alone, as v1.2.3",
		    name, s->dir);
	f.canonical = canonical(s->arena, &f.version);
	if (s->folder_count == s->folder_room) {
		size_t more = s->folder_room ? 2 * s->folder_room : 16;

		s->folders = arena_grow(s->arena, s->folders, s->folder_room * sizeof(f), more * sizeof(f));
		s->folder_room = more;
	}
	s->folders[s->folder_count++] = f;
	return true;
}

static bool
is_folder(const struct search *s, const char *name)
{
	struct stat st;

	return stat(arena_fmt(s->arena, "%s/%s", s->dir, name), &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
folders_find(struct search *s, struct err *err)
{
	AUTO(dir_release) DIR *d = opendir(s->dir);
	struct dirent *e;
	size_t i;

	if (!d && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, STATUS_USE, "there is no folder '%s'", s->dir);
	if (!d)
		return err_sys(err, "cannot open folder '%s'", s->dir);
	while ((void)(errno = 0), (e = readdir(d))) {
		if (is_folder(s, e->d_name)) {
			if (!folder_add(s, e->d_name, err))
				return false;
		} else if (ends(e->d_name, ".sql"))
			s->warn(arena_fmt(s->arena, "'%s/%s' is passed over: it lies in no folder of a version", s->dir, e->d_name));
	}
	if (errno)
		return err_sys(err, "cannot read folder '%s'", s->dir);
	if (s->folder_count)
		qsort(s->folders, s->folder_count, sizeof(*s->folders), by_version);
	for (i = 1; i < s->folder_count; i++)
		if (strcmp(s->folders[i - 1].canonical, s->folders[i].canonical) == 0)
			return err_set(err, STATUS_USE, "'%s' and '%s' in '%s' are folders of the same version", s->folders[i - 1].name,
			    s->folders[i].name, s->dir);
	return true;
}

static bool
file_add(struct search *s, const struct folder *f, const char *name, struct err *err)
{
	struct migration m = { .file = arena_fmt(s->arena, "%s/%s", f->canonical, name),
		.shown = arena_fmt(s->arena, "%s/%s", f->name, name), .version = f->version };
	const char *path = arena_fmt(s->arena, "%s/%s", s->dir, m.shown), *p;
	AUTO(mem_release) char *text = NULL;
	struct stat st;

	for (p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, STATUS_USE, "the name of '%s' holds a control byte", m.shown);
	if (utf8_prefix(name, strlen(name)) != strlen(name))
		return err_set(err, STATUS_USE, "the name of '%s' is not UTF-8", m.shown);
	if (lstat(path, &st) != 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, STATUS_USE, "'%s' is not a plain file", path);
	text = read_whole(path, FILE_LARGEST, &m.length, err);
	if (!text || !hash_bytes(text, m.length, m.sha256, err))
		return false;
	m.text = arena_dup(s->arena, text, m.length);
	if (s->out->count == s->room) {
		size_t more = s->room ? 2 * s->room : 32;

		s->out->list = arena_grow(s->arena, s->out->list, s->room * sizeof(m), more * sizeof(m));
		s->room = more;
	}
	s->out->list[s->out->count++] = m;
	return true;
}

static bool
passed_over_silently(const char *name)
{
	return *name == '.' || ends(name, ".down.sql") || ends(name, ".md") || ends(name, ".txt") ||
	    strncmp(name, "README", 6) == 0;
}

static bool
files_add(struct search *s, const struct folder *f, struct err *err)
{
	const char *path = arena_fmt(s->arena, "%s/%s", s->dir, f->name);
	AUTO(dir_release) DIR *d = opendir(path);
	char **names = NULL;
	size_t count = 0, room = 0, i;
	struct dirent *e;

	if (!d)
		return err_sys(err, "cannot open folder '%s'", path);
	while ((void)(errno = 0), (e = readdir(d))) {
		if (passed_over_silently(e->d_name))
			continue;
		if (!ends(e->d_name, ".sql")) {
			s->warn(arena_fmt(s->arena, "'%s/%s' is passed over: it is no .sql", path, e->d_name));
			continue;
		}
		if (count == room) {
			names = arena_grow(s->arena, names, room * sizeof(*names), (room ? 2 * room : 32) * sizeof(*names));
			room = room ? 2 * room : 32;
		}
		names[count++] = arena_str(s->arena, e->d_name);
	}
	if (errno)
		return err_sys(err, "cannot read folder '%s'", path);
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	for (i = 0; i < count; i++)
		if (!file_add(s, f, names[i], err))
			return false;
	return true;
}

bool
migrations_find(struct migrations *m, const char *dir, const struct version *target, void (*warn)(const char *),
    struct arena *arena, struct err *err)
{
	struct search s = { .dir = dir, .warn = warn, .arena = arena, .out = m };
	size_t i;

	*m = (struct migrations){0};
	if (!folders_find(&s, err))
		return false;
	for (i = 0; i < s.folder_count; i++)
		if (version_compare(&s.folders[i].version, target) <= 0 && !files_add(&s, &s.folders[i], err))
			return false;
	return true;
}
