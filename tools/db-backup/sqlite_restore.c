/* sqlite_restore.c - see sqlite_restore.h
 *
 * A live file that SQLite can read gets the content through the backup API, in one transaction: inode, owner and
 * mode stay, readers see the old or the new, and a crash leaves one of them. What was there goes to the file
 * aside first, under the same lock, so that no write falls between the two. A file that SQLite cannot read, or
 * that is missing, is replaced by rename, with its -wal, -shm and -journal moved out of the way. */
#define _GNU_SOURCE
#include "sqlite_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "place.h"
#include "sqlite.h"

enum { CHUNK = 64 * 1024, HEADER = 100, HEADER_WRITE_VERSION = 18, WAL = 2 };

/* The bytes of the main file by SQLite's own handle: a second descriptor of ours would drop its locks when closed. */
static bool
main_file(struct lite *l, sqlite3_file **file, struct err *err)
{
	int rc = sqlite3_file_control(l->db, "main", SQLITE_FCNTL_FILE_POINTER, file);

	return (rc == SQLITE_OK && *file && (*file)->pMethods) || lite_fail(l, rc ? rc : SQLITE_ERROR, "read", err);
}

static bool
is_wal(struct lite *l, bool *wal, struct err *err)
{
	unsigned char header[HEADER];
	sqlite3_file *file = NULL;
	int rc;

	if (!main_file(l, &file, err))
		return false;
	rc = file->pMethods->xRead(file, header, sizeof(header), 0);
	*wal = rc == SQLITE_OK && header[HEADER_WRITE_VERSION] == WAL;
	return rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ || lite_fail(l, rc, "read", err);
}

static bool
copy_bytes(struct lite *l, int to, struct err *err)
{
	static char buf[CHUNK];
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0, at, n;
	int rc;

	if (!main_file(l, &file, err))
		return false;
	rc = file->pMethods->xFileSize(file, &size);
	for (at = 0; rc == SQLITE_OK && at < size; at += n) {
		n = size - at < CHUNK ? size - at : CHUNK;
		rc = file->pMethods->xRead(file, buf, (int)n, at);
		if (rc == SQLITE_OK && !write_all(to, buf, (size_t)n))
			return err_sys(err, "cannot write the copy of '%s'", l->path);
	}
	return rc == SQLITE_OK || lite_fail(l, rc, "read", err);
}

/* The writers of live are locked out. With a log, a second connection reads what is committed; without one nobody
 * else may read, and the file alone is the content. */
static bool
set_aside(const struct request *r, struct lite *live, bool wal, const struct owner *o, struct err *err)
{
	AUTO(place_release) struct place p = PLACE_INIT;
	AUTO(lite_release) struct lite reader = {0};
	AUTO(lite_release) struct lite copy = {0};

	if (!place_begin(&p, r->aside, o, r->arena, err))
		return false;
	if (wal) {
		if (!lite_open(&reader, live->path, LITE_READ, r->wait_ms, err) ||
		    !lite_open(&copy, p.temp, LITE_SCRATCH, 0, err) || !lite_copy(&copy, &reader, err))
			return false;
		lite_release(&copy);
	} else if (!copy_bytes(live, p.fd, err))
		return false;
	return place_commit(&p, false, err);
}

static bool
copy_file(const char *from_path, int to, struct err *err)
{
	static char buf[CHUNK];
	AUTO(fd_release) int from = open(from_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (from < 0)
		return err_sys(err, "cannot open '%s'", from_path);
	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && !write_all(to, buf, (size_t)n))
			return err_sys(err, "cannot write the restored database");
	return n == 0 || err_sys(err, "cannot read '%s'", from_path);
}

static const char *const pieces[] = { "", "-journal", "-wal", "-shm" };
enum { PIECES = sizeof(pieces) / sizeof(*pieces) };

static bool
stands(const struct request *r, const char *path, const char *piece)
{
	struct stat st;

	return lstat(arena_fmt(r->arena, "%s%s", path, piece), &st) == 0;
}

/* The database file first: what a killed run leaves then is a missing file, never a sound one without its log. */
static bool
move_damaged(const struct request *r, const char *path, const char **put, struct err *err)
{
	char *away = arena_fmt(r->arena, "%s.damaged-%s", path, r->name);
	unsigned number = 1;
	size_t i;

	for (i = 0; i < PIECES; i++)
		if (stands(r, path, pieces[i]) && stands(r, away, pieces[i])) {
			away = arena_fmt(r->arena, "%s.damaged-%s.%u", path, r->name, ++number);
			i = (size_t)-1;
		}
	for (i = 0; i < PIECES; i++) {
		if (!stands(r, path, pieces[i]))
			continue;
		if (rename(arena_fmt(r->arena, "%s%s", path, pieces[i]), arena_fmt(r->arena, "%s%s", away, pieces[i])) != 0)
			return err_sys(err, "cannot rename '%s%s'", path, pieces[i]);
		*put = away;
	}
	return !*put || sync_folder(folder_of(path, r->arena), err);
}

static bool
put_in_place(const struct request *r, const char *path, const struct owner *o, const char **put, struct err *err)
{
	AUTO(place_release) struct place p = PLACE_INIT;

	return place_begin(&p, path, o, r->arena, err) && copy_file(r->raw, p.fd, err) &&
	    (fsync(p.fd) == 0 || err_sys(err, "cannot sync the restored database")) &&
	    move_damaged(r, path, put, err) && place_commit(&p, true, err);
}

/* The live file has to leave its log mode when the backup has none or pages of another size; that takes being
 * alone with it, and changes no content. */
static bool
modes_meet(struct lite *live, struct lite *raw, struct err *err)
{
	bool live_wal, raw_wal;
	int64_t live_page, raw_page;

	if (!is_wal(live, &live_wal, err) || !is_wal(raw, &raw_wal, err) ||
	    !lite_number(live, "PRAGMA page_size", &live_page, err) || !lite_number(raw, "PRAGMA page_size", &raw_page, err))
		return false;
	return !live_wal || (raw_wal && live_page == raw_page) || lite_exec(live, "PRAGMA journal_mode = DELETE", err);
}

static bool
put_into(const struct request *r, struct lite *live, const struct owner *o, const char **put, struct err *err)
{
	AUTO(lite_release) struct lite raw = {0};
	AUTO(lite_copy_release) struct lite_copy copy = {0};
	bool wal;

	if (!lite_open(&raw, r->raw, LITE_STILL, 0, err) || !modes_meet(live, &raw, err) ||
	    !lite_copy_begin(&copy, live, &raw, err))
		return false;
	if (r->aside) {
		if (!is_wal(live, &wal, err) || !set_aside(r, live, wal, o, err))
			return false;
		*put = r->aside;
	}
	return lite_copy_all(&copy, err);
}

static bool
look_again(const struct request *r, const char *path, struct err *err)
{
	AUTO(lite_release) struct lite live = {0};
	char finding[512];

	if (!lite_open(&live, path, LITE_READ, r->wait_ms, err) || !lite_check(&live, finding, sizeof(finding), err))
		return false;
	return !finding[0] || err_set(err, STATUS_SYS, "restored database '%s' is corrupt: %s", path, finding);
}

bool
sqlite_restore(const struct request *r, const char **put, struct err *err)
{
	AUTO(mem_release) char *full = realpath(r->url->path, NULL);
	const char *path = full ? full : r->url->path;
	struct err why = {0};
	struct owner o;
	struct stat st;

	*put = NULL;
	if (stat(path, &st) == 0) {
		AUTO(lite_release) struct lite live = {0};

		if (!S_ISREG(st.st_mode))
			return err_set(err, STATUS_USE, "'%s' is not a plain file", path);
		o = (struct owner){ .mode = st.st_mode & 07777, .uid = st.st_uid, .gid = st.st_gid };
		if (lite_open(&live, path, LITE_WRITE, r->wait_ms, &why) && put_into(r, &live, &o, put, &why))
			return look_again(r, path, err);
		if (*put || ((live.rc & 0xff) != SQLITE_NOTADB && (live.rc & 0xff) != SQLITE_CORRUPT)) {
			*err = why;
			return false;
		}
	} else if (errno != ENOENT)
		return err_sys(err, "cannot look at '%s'", path);
	else if (!owner_of_folder(path, r->mode ? (mode_t)strtoul(r->mode, NULL, 8) & 0777 : 0600, &o, r->arena, err))
		return false;
	return put_in_place(r, path, &o, put, err) && look_again(r, path, err);
}
