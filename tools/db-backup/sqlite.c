/* sqlite.c - what db-backup does with a SQLite database; how its content comes back is in sqlite_restore.c */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "auto.h"
#include "engine.h"
#include "sqlite.h"
#include "sqlite_restore.h"

/* A file that is missing while its log is there, or behind a link that leads nowhere, is not "no database yet". */
static bool
there(const struct request *r, struct err *err)
{
	const char *path = r->url->path;
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode) || err_set(err, STATUS_USE, "'%s' is not a plain file", path);
	if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(err, "cannot look at '%s'", path);
	if (lstat(path, &st) == 0)
		return err_set(err, STATUS_SYS, "'%s' is a link to a file that is missing", path);
	if (lstat(arena_fmt(r->arena, "%s-wal", path), &st) == 0 || lstat(arena_fmt(r->arena, "%s-journal", path), &st) == 0)
		return err_set(err, STATUS_SYS, "'%s' is missing, but its log or journal is there", path);
	return false;
}

static bool
check_file(const char *raw, const char *what, enum status bad, struct err *err)
{
	AUTO(lite_release) struct lite l = {0};
	struct err why = {0};
	char finding[512];

	if (!lite_open(&l, raw, LITE_STILL, 0, &why)) {
		if ((l.rc & 0xff) != SQLITE_NOTADB && (l.rc & 0xff) != SQLITE_CORRUPT)
			return err_set(err, STATUS_SYS, "%s", why.text);
		return err_set(err, bad, "%s: %s", what, sqlite3_errstr(l.rc));
	}
	if (!lite_check(&l, finding, sizeof(finding), err))
		return false;
	return !finding[0] || err_set(err, bad, "%s: %s", what, finding);
}

static bool
check(const struct request *r, struct err *err)
{
	return check_file(r->raw, "its content is no sound database", STATUS_NO, err);
}

static bool
dump(const struct request *r, const char **notes, struct err *err)
{
	const char *path = r->url->path;
	AUTO(lite_release) struct lite from = {0};
	AUTO(lite_release) struct lite to = {0};
	AUTO(mem_release) char *full = realpath(path, NULL);
	int64_t pages, version;
	struct stat st;
	char *p;

	if (!full || stat(path, &st) != 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!lite_open(&from, path, LITE_READ, r->wait_ms, err) || !lite_open(&to, r->raw, LITE_SCRATCH, 0, err) ||
	    !lite_copy(&to, &from, err))
		return false;
	lite_release(&from);
	lite_release(&to);
	if (!check_file(r->raw, arena_fmt(r->arena, "database '%s' is corrupt", path), STATUS_SYS, err))
		return false;
	if (!lite_open(&to, r->raw, LITE_STILL, 0, err) || !lite_number(&to, "PRAGMA page_count", &pages, err) ||
	    !lite_number(&to, "PRAGMA user_version", &version, err))
		return false;
	for (p = full; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?'; /* a record has lines */
	*notes = arena_fmt(r->arena, "sqlite: %s\npage_count: %" PRId64 "\nuser_version: %" PRId64
	    "\nmode: %o\nsource: %s\n", sqlite3_libversion(), pages, version, (unsigned)(st.st_mode & 0777), full);
	return true;
}

static const char *
where(const struct request *r, struct err *err)
{
	(void)err;
	return r->url->path;
}

static bool
look(const struct request *r, struct sight *s, struct err *err)
{
	const char *path = r->url->path;
	struct stat st, log;

	if (stat(path, &st) != 0)
		return err_sys(err, "cannot look at '%s'", path);
	s->bytes = (uint64_t)st.st_size;
	if (stat(arena_fmt(r->arena, "%s-wal", path), &log) == 0)
		s->bytes += (uint64_t)log.st_size;
	s->version = sqlite3_libversion();
	s->replaceable = true;
	return true;
}

static bool
aside_there(const struct request *r, bool *is, struct err *err)
{
	struct stat st;

	(void)err;
	*is = lstat(r->aside, &st) == 0;
	return true;
}

const struct engine engine_sqlite = {
	.kind = DBURL_SQLITE, .name = "sqlite", .suffix = ".sqlite.zst", .where = where, .look = look,
	.there = there, .dump = dump, .check = check, .aside_there = aside_there, .restore = sqlite_restore,
};
