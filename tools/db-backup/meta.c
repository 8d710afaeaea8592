/* meta.c - the record of a backup: `key: value` lines, the last one the SHA-256 of those above it */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "store.h"

static const char format[] = "slipway-backup 1";
static const char seal[] = "sha256_meta: ";

enum { META_LARGEST = 64 * 1024 };

static void
dir_release(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

char *
meta_note(struct arena *a, const char *text, const char *key, unsigned number)
{
	size_t length = strlen(key);
	const char *line, *end;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, key, length) == 0 && strncmp(line + length, ": ", 2) == 0 && number-- == 0)
			return arena_dup(a, line + length + 2, (size_t)(end - line) - length - 2);
	}
	return NULL;
}

static char *
value_of(struct arena *a, const char *text, const char *key)
{
	return meta_note(a, text, key, 0);
}

static bool
number_of(struct arena *a, const char *text, const char *key, uint64_t *number)
{
	const char *value = value_of(a, text, key);
	char *end;

	if (!value || *value < '0' || *value > '9')
		return false;
	errno = 0;
	*number = strtoull(value, &end, 10);
	return !*end && errno == 0;
}

static bool
hex_of(struct arena *a, const char *text, const char *key, char hex[HASH_HEX])
{
	const char *value = value_of(a, text, key);

	if (!value || strlen(value) != HASH_HEX - 1 || strspn(value, "0123456789abcdef") != HASH_HEX - 1)
		return false;
	memcpy(hex, value, HASH_HEX);
	return true;
}

static bool
parse(const struct store *s, const char *name, const char *text, size_t length, struct meta *m, struct err *err)
{
	struct arena *a = s->arena;
	const size_t seal_length = sizeof(seal) - 1 + HASH_HEX; /* its LF counted for the NUL */
	const char *last = length > seal_length ? text + length - seal_length : text;
	char hex[HASH_HEX];
	const char *f;

	if (strlen(text) != length || last == text || last[-1] != '\n' || strncmp(last, seal, sizeof(seal) - 1) != 0 ||
	    text[length - 1] != '\n')
		return err_set(err, STATUS_NO, "its record is cut or is none");
	if (!hash_bytes(text, (size_t)(last - text), hex, err))
		return false;
	if (strncmp(last + sizeof(seal) - 1, hex, HASH_HEX - 1) != 0)
		return err_set(err, STATUS_NO, "its record was changed");
	f = value_of(a, text, "format");
	if (!f || strcmp(f, format) != 0)
		return err_set(err, STATUS_NO, "its record has another format than '%s'", format);
	m->name = value_of(a, text, "name");
	m->engine = value_of(a, text, "engine");
	m->created = value_of(a, text, "created");
	if (!number_of(a, text, "number", &m->number))
		m->number = 0;
	if (!m->name || !m->engine || !m->created || strcmp(m->name, name) != 0 ||
	    !number_of(a, text, "bytes", &m->packed.bytes) || !number_of(a, text, "stored", &m->packed.stored) ||
	    !hex_of(a, text, "sha256", m->packed.sha256) || !hex_of(a, text, "sha256_raw", m->packed.sha256_raw))
		return err_set(err, STATUS_NO, "its record is of another backup or lacks a line");
	m->notes = arena_dup(a, text, (size_t)(last - text));
	return true;
}

bool
meta_load(const struct store *s, const char *name, struct meta *m, struct err *err)
{
	const char *path = store_path(s, name, ".meta");
	AUTO(mem_release) char *text = NULL;
	struct err why = {0};
	size_t length = 0;
	struct stat st;

	if (lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, STATUS_USE, "there is no backup '%s' in '%s'", name, s->dir);
	text = read_whole(path, META_LARGEST, &length, &why);
	if (!text && why.status == STATUS_SYS)
		return err_set(err, STATUS_SYS, "%s", why.text);
	if (text && parse(s, name, text, length, m, &why))
		return true;
	return err_set(err, why.status == STATUS_SYS ? STATUS_SYS : STATUS_NO, "backup '%s' is damaged: %s", name, why.text);
}

bool
meta_save(const struct store *s, const char *path, const struct meta *m, struct err *err)
{
	AUTO(durable_release) struct durable d = DURABLE_INIT;
	const struct packed *p = &m->packed;
	char hex[HASH_HEX];
	const char *text = arena_fmt(s->arena, "format: %s\nengine: %s\nname: %s\ncreated: %s\nnumber: %" PRIu64
	    "\nbytes: %" PRIu64 "\nstored: %" PRIu64 "\nsha256: %s\nsha256_raw: %s\n%s", format, m->engine, m->name, m->created, m->number, p->bytes,
	    p->stored, p->sha256, p->sha256_raw, m->notes);

	if (!hash_bytes(text, strlen(text), hex, err))
		return false;
	text = arena_fmt(s->arena, "%s%s%s\n", text, seal, hex);
	return durable_begin(&d, path, 0600, err) && durable_write(&d, text, strlen(text), err) && durable_commit(&d, err);
}

static int
by_age(const void *a, const void *b)
{
	const struct meta *x = a, *y = b;
	int order = strcmp(x->created, y->created);

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return order ? order : strcmp(x->name, y->name);
}

bool
store_list(const struct store *s, struct meta **list, size_t *count, void (*damaged)(const char *), struct err *err)
{
	AUTO(dir_release) DIR *d = opendir(s->dir);
	size_t room = 0;
	struct dirent *e;

	*list = NULL;
	*count = 0;
	if (!d && errno == ENOENT)
		return true;
	if (!d)
		return err_sys(err, "cannot open folder '%s'", s->dir);
	while ((void)(errno = 0), (e = readdir(d))) {
		size_t length = strlen(e->d_name);
		const char *name;
		struct err why = {0};

		if (length <= 5 || strcmp(e->d_name + length - 5, ".meta") != 0)
			continue;
		name = arena_dup(s->arena, e->d_name, length - 5);
		if (!store_name_fit(name))
			continue;
		if (*count == room) {
			*list = arena_grow(s->arena, *list, room * sizeof(**list), (room ? 2 * room : 16) * sizeof(**list));
			room = room ? 2 * room : 16;
		}
		if (meta_load(s, name, &(*list)[*count], &why))
			++*count;
		else if (why.status == STATUS_NO)
			damaged(why.text);
		else if (why.status == STATUS_SYS)
			return err_set(err, STATUS_SYS, "%s", why.text);
		/* STATUS_USE: pruned while we looked. */
	}
	if (errno)
		return err_sys(err, "cannot read folder '%s'", s->dir);
	if (*count)
		qsort(*list, *count, sizeof(**list), by_age);
	return true;
}
