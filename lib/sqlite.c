/* sqlite.c - see sqlite.h */
#define _GNU_SOURCE
#include "sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "lockwait.h"

static int
on_busy(void *arg, int count)
{
	struct lite *l = arg;

	if (count == 0)
		l->waiting_since = clock_ms();
	if (clock_ms() - l->waiting_since >= l->wait_ms)
		return 0;
	sleep_ms(count < 200 ? 1 : 5); /* often: a busy writer lets go for moments only */
	return 1;
}

enum status
lite_status(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_SCHEMA:
	case SQLITE_MISUSE:
	case SQLITE_ABORT:
		return STATUS_USE;
	default:
		return STATUS_SYS;
	}
}

static bool
is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT;
}

/* What a damaged file and its log still hold, nobody shall mix. */
static void
keep_rc(struct lite *l, int rc)
{
	l->rc = rc;
	if (l->db && is_damage(rc))
		(void)sqlite3_db_config(l->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

bool
lite_fail(struct lite *l, int rc, const char *what, struct err *err)
{
	int number = l->db ? sqlite3_system_errno(l->db) : 0;

	keep_rc(l, rc);
	if (number && ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN))
		return err_set(err, STATUS_SYS, "cannot %s '%s': %s (%s)", what, l->path, sqlite3_errstr(rc), strerror(number));
	return err_set(err, lite_status(rc), "cannot %s '%s': %s", what, l->path,
	    l->db && (sqlite3_errcode(l->db) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(l->db) : sqlite3_errstr(rc));
}

/* A path as SQLite's URI, so that no byte of it means anything. */
static char *
uri_of(const char *path, const char *query)
{
	size_t room = 3 * strlen(path) + strlen(query) + sizeof("file:./"), n;
	char *uri = malloc(room);

	if (!uri)
		return NULL;
	n = (size_t)snprintf(uri, room, "file:%s", *path == '/' ? "" : "./");
	for (; *path; path++)
		if ((*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z') || (*path >= '0' && *path <= '9') ||
		    strchr("/._-", *path))
			uri[n++] = *path;
		else
			n += (size_t)snprintf(uri + n, room - n, "%%%02x", (unsigned char)*path);
	(void)snprintf(uri + n, room - n, "%s", query);
	return uri;
}

/* A log with content is somebody's who did not end well, or still runs: the last to close would move it. */
static bool
log_is_full(const char *path)
{
	AUTO(mem_release) char *name = NULL;
	struct stat st;

	return asprintf(&name, "%s-wal", path) < 0 || (stat(name, &st) == 0 && st.st_size > 0);
}

bool
lite_open(struct lite *l, const char *path, enum lite_how how, int64_t wait_ms, struct err *err)
{
	static const char *const query[] = { "?mode=rw", "?mode=rw", "?mode=rwc", "?mode=ro&immutable=1" };
	static const char *const settings[] = {
		"PRAGMA query_only = ON; PRAGMA schema_version",
		"PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = OFF; PRAGMA schema_version",
		"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
		"PRAGMA schema_version",
	};
	AUTO(mem_release) char *uri = uri_of(path, query[how]);
	bool keep_log = how == LITE_READ && log_is_full(path);
	int rc;

	l->path = path;
	l->wait_ms = wait_ms;
	if (!uri)
		return err_sys(err, "cannot open '%s'", path);
	rc = sqlite3_open_v2(uri, &l->db, SQLITE_OPEN_URI | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(l->db, 1);
	if (rc == SQLITE_OK && keep_log)
		rc = sqlite3_db_config(l->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_handler(l->db, on_busy, l);
	if (rc != SQLITE_OK)
		return lite_fail(l, rc, "open", err);
	return lite_exec(l, settings[how], err);
}

void
lite_release(struct lite *l)
{
	(void)sqlite3_close(l->db);
	l->db = NULL;
}

static bool
is_busy(int rc)
{
	return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
}

bool
lite_exec(struct lite *l, const char *sql, struct err *err)
{
	int64_t end = clock_ms() + l->wait_ms;
	int rc;

	/* Some acts (leaving WAL mode) answer busy without asking the busy handler. */
	while (is_busy(rc = sqlite3_exec(l->db, sql, NULL, NULL, NULL)) && clock_ms() < end)
		sleep_ms(20);
	return rc == SQLITE_OK || lite_fail(l, rc, "use", err);
}

bool
lite_number(struct lite *l, const char *sql, int64_t *number, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(l->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*number = sqlite3_column_int64(stmt, 0);
	else
		(void)lite_fail(l, rc, "read", err);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_ROW;
}

static int
copy_step(struct lite_copy *c, int pages)
{
	int64_t end = clock_ms() + (c->to->wait_ms > c->from->wait_ms ? c->to->wait_ms : c->from->wait_ms);
	int rc;

	while (is_busy(rc = sqlite3_backup_step(c->backup, pages)) && clock_ms() < end)
		sleep_ms(20);
	return rc;
}

bool
lite_copy_begin(struct lite_copy *c, struct lite *to, struct lite *from, struct err *err)
{
	int rc;

	c->to = to;
	c->from = from;
	c->backup = sqlite3_backup_init(to->db, "main", from->db, "main");
	if (!c->backup)
		return lite_fail(to, sqlite3_extended_errcode(to->db), "copy into", err);
	rc = copy_step(c, 0);
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return true;
	keep_rc(to, rc);
	return err_set(err, lite_status(rc), "cannot copy '%s' into '%s': %s", from->path, to->path, sqlite3_errstr(rc));
}

bool
lite_copy_all(struct lite_copy *c, struct err *err)
{
	int rc = copy_step(c, -1), end = sqlite3_backup_finish(c->backup);

	c->backup = NULL;
	if (rc == SQLITE_DONE && end == SQLITE_OK)
		return true;
	keep_rc(c->to, rc == SQLITE_DONE ? end : rc);
	return err_set(err, lite_status(c->to->rc), "cannot copy '%s' into '%s': %s", c->from->path, c->to->path,
	    sqlite3_errstr(c->to->rc));
}

void
lite_copy_release(struct lite_copy *c)
{
	(void)sqlite3_backup_finish(c->backup);
	c->backup = NULL;
}

bool
lite_copy(struct lite *to, struct lite *from, struct err *err)
{
	AUTO(lite_copy_release) struct lite_copy c = {0};

	return lite_copy_begin(&c, to, from, err) && lite_copy_all(&c, err);
}

/* The first finding of integrity_check stands behind a heading on a line of its own. */
static void
note(char *finding, size_t room, const char *text)
{
	const char *line = strncmp(text, "***", 3) == 0 && strchr(text, '\n') ? strchr(text, '\n') + 1 : text;

	(void)snprintf(finding, room, "%.*s", (int)strcspn(line, "\n"), line);
}

/* An index may be ordered by a collation of the application's own. Its order cannot be checked, its pages can. */
static int
by_bytes(void *arg, int n, const void *a, int m, const void *b)
{
	int order = memcmp(a, b, (size_t)(n < m ? n : m));

	(void)arg;
	return order ? order : n - m;
}

static void
stand_in(void *arg, sqlite3 *db, int encoding, const char *name)
{
	(void)arg;
	(void)sqlite3_create_collation(db, name, encoding, NULL, by_bytes);
}

bool
lite_check(struct lite *l, char *finding, size_t room, struct err *err)
{
	static const char *const sql[] = { "PRAGMA integrity_check(1)", "PRAGMA quick_check(1)" };
	int rc = SQLITE_ERROR;
	size_t i;

	finding[0] = '\0';
	for (i = 0; i < 2 && (rc & 0xff) == SQLITE_ERROR; i++) {
		sqlite3_stmt *stmt = NULL;

		if (i == 1)
			(void)sqlite3_collation_needed(l->db, NULL, stand_in);
		rc = sqlite3_prepare_v2(l->db, sql[i], -1, &stmt, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			const char *text = (const char *)sqlite3_column_text(stmt, 0);

			if (!text || strcmp(text, "ok") != 0)
				note(finding, room, text ? text : "no answer");
		}
		(void)sqlite3_finalize(stmt);
	}
	if (is_damage(rc))
		note(finding, room, sqlite3_errmsg(l->db));
	return rc == SQLITE_ROW || is_damage(rc) || lite_fail(l, rc, "check", err);
}

bool
lite_create(const char *path, struct err *err)
{
	AUTO(mem_release) char *copy = strdup(path);
	AUTO(fd_release) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (!copy || (fd < 0 && errno != EEXIST))
		return err_sys(err, "cannot create '%s'", path);
	if (fd < 0)
		return true;
	if (stat(dirname(copy), &st) != 0 || fchmod(fd, 0600) != 0)
		return err_sys(err, "cannot create '%s'", path);
	if (fchown(fd, st.st_uid, st.st_gid) != 0 && errno != EPERM)
		return err_sys(err, "cannot pass '%s' to the owner of its folder", path);
	return true;
}
