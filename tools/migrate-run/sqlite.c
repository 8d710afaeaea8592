/* sqlite.c - the ledger in a SQLite database, and files run in it: the effect and its row in one transaction */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auto.h"
#include "engine.h"
#include "foreign.h"
#include "lockwait.h"
#include "sqlite.h"

static const char ledger_make[] = "CREATE TABLE IF NOT EXISTS slipway_ledger (file TEXT NOT NULL PRIMARY KEY, "
    "sha256 TEXT NOT NULL, state TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, who TEXT NOT NULL, "
    "\"release\" TEXT NOT NULL)";
static const char ledger_put[] = "INSERT INTO slipway_ledger (file, sha256, state, started, ended, who, \"release\") "
    "VALUES (?, ?, ?, ?, ?, ?, ?)";

static void
stmt_release(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}

static bool
there(const struct target *t, bool *there, struct err *err)
{
	struct stat st;

	*there = stat(t->url->path, &st) == 0;
	if (!*there)
		return errno == ENOENT || err_sys(err, "cannot look at '%s'", t->url->path);
	return S_ISREG(st.st_mode) || err_set(err, STATUS_USE, "'%s' is not a plain file", t->url->path);
}

/* On the folder: the end of a lock on the file itself would take SQLite's own along. */
static bool
lock(const struct target *t, int *lock, struct err *err)
{
	AUTO(mem_release) char *full = realpath(t->url->path, NULL);
	AUTO(mem_release) char *copy = strdup(full ? full : t->url->path);
	const char *folder = copy ? dirname(copy) : ".";

	*lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return errno == ENOENT || err_sys(err, "cannot open folder '%s'", folder);
	if (lock_wait(*lock, t->wait_ms))
		return true;
	if (errno == EWOULDBLOCK)
		return err_set(err, STATUS_SYS, "another migrate-run is at work in '%s'", folder);
	return err_sys(err, "cannot lock folder '%s'", folder);
}

static bool
allow(const struct migration *m, struct err *err)
{
	static const char *const never[] = { "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH",
		NULL };
	static const char *const pragmas[] = { "application_id", "defer_foreign_keys", "foreign_key_check", "foreign_key_list",
		"foreign_keys", "index_info", "index_list", "index_xinfo", "integrity_check", "legacy_alter_table", "optimize",
		"quick_check", "recursive_triggers", "table_info", "table_list", "table_xinfo", "user_version", NULL };
	size_t i, k;

	for (i = 0; i < m->count; i++) {
		const struct statement *st = &m->statements[i];

		for (k = 0; never[k]; k++)
			if (strcmp(st->word, never[k]) == 0)
				return err_set(err, STATUS_USE, "%s:%lu: %s has no place in a migration: it runs in a transaction of ours",
				    m->shown, st->line, st->word);
		if (!m->transaction)
			continue;
		if (strcmp(st->word, "VACUUM") == 0)
			return err_set(err, STATUS_USE, "%s:%lu: VACUUM needs a file of its own, marked '-- slipway: no-transaction'",
			    m->shown, st->line);
		for (k = 0; strcmp(st->word, "PRAGMA") == 0 && strcmp(st->name, pragmas[k]) != 0; k++)
			if (!pragmas[k + 1])
				return err_set(err, STATUS_USE, "%s:%lu: PRAGMA %s has no place in a transaction; it needs a file of its "
				    "own, marked '-- slipway: no-transaction'", m->shown, st->line, st->name);
	}
	return true;
}

static const char *
column(sqlite3_stmt *s, int i, struct arena *a)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	return arena_str(a, text ? text : "");
}

/* All entries, or with file that one. */
static bool
ledger_read(struct lite *l, const char *file, struct ledger *out, struct arena *a, struct err *err)
{
	AUTO(stmt_release) sqlite3_stmt *s = NULL;
	size_t room = 0;
	int64_t tables;
	int rc;

	*out = (struct ledger){0};
	if (!lite_number(l, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'slipway_ledger'", &tables, err))
		return false;
	if (!tables)
		return true;
	rc = sqlite3_prepare_v2(l->db, "SELECT file, sha256, state, started, who FROM slipway_ledger "
	    "WHERE ?1 IS NULL OR file = ?1 ORDER BY file", -1, &s, NULL);
	if (rc == SQLITE_OK && file)
		rc = sqlite3_bind_text(s, 1, file, -1, SQLITE_STATIC);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct entry e = { column(s, 0, a), column(s, 1, a), column(s, 2, a), column(s, 3, a), column(s, 4, a), NULL };

		if (out->count == room) {
			out->list = arena_grow(a, out->list, room * sizeof(e), (room ? 2 * room : 64) * sizeof(e));
			room = room ? 2 * room : 64;
		}
		out->list[out->count++] = e;
		rc = SQLITE_OK;
	}
	return rc == SQLITE_DONE || lite_fail(l, rc, "read the ledger of", err);
}

static bool
ledger(const struct target *t, struct ledger *out, struct err *err)
{
	AUTO(lite_release) struct lite l = {0};
	bool is_there;

	*out = (struct ledger){0};
	if (!there(t, &is_there, err))
		return false;
	return !is_there || (lite_open(&l, t->url->path, LITE_READ, t->wait_ms, err) && ledger_read(&l, NULL, out, t->arena, err));
}

static const char *
now(struct arena *a)
{
	char text[32];
	time_t seconds = time(NULL);
	struct tm utc;

	(void)gmtime_r(&seconds, &utc);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return arena_str(a, text);
}

/* ended may be NULL. */
static bool
record(struct lite *l, const struct target *t, const struct migration *m, const char *state, const char *started,
    const char *ended, struct err *err)
{
	AUTO(stmt_release) sqlite3_stmt *s = NULL;
	const char *values[] = { m->file, m->sha256, state, started, ended, t->who, t->release };
	int rc = sqlite3_prepare_v2(l->db, ledger_put, -1, &s, NULL), i;

	for (i = 0; rc == SQLITE_OK && i < 7; i++)
		rc = sqlite3_bind_text(s, i + 1, values[i], -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	return rc == SQLITE_DONE || lite_fail(l, rc, "write the ledger of", err);
}

static bool
ledger_change(struct lite *l, const char *sql, const char *value, const struct migration *m, struct err *err)
{
	AUTO(stmt_release) sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(l->db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, m->file, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && value)
		rc = sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	return rc == SQLITE_DONE || lite_fail(l, rc, "write the ledger of", err);
}

static bool
statement_fail(struct lite *l, int rc, const struct migration *m, const struct statement *st, struct err *err)
{
	int at = sqlite3_error_offset(l->db), i;
	unsigned long line = st->line;

	for (i = 0; i < at && (size_t)i < st->length; i++)
		line += st->text[i] == '\n';
	return err_set(err, lite_status(rc), "%s:%lu: %s", m->shown, line, sqlite3_errmsg(l->db));
}

static bool
act(struct lite *l, const struct migration *m, const struct statement *st, struct err *err)
{
	AUTO(stmt_release) sqlite3_stmt *s = NULL;
	const char *tail = NULL;
	int rc = sqlite3_prepare_v2(l->db, st->text, (int)st->length, &s, &tail);

	if (rc != SQLITE_OK)
		return statement_fail(l, rc, m, st, err);
	if (!s || tail != st->text + st->length)
		return err_set(err, STATUS_USE, "%s:%lu: SQLite reads this as more than one statement", m->shown, st->line);
	if (sqlite3_bind_parameter_count(s) > 0)
		return err_set(err, STATUS_USE, "%s:%lu: a parameter has no value in a migration", m->shown, st->line);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		;
	if (rc != SQLITE_DONE)
		return statement_fail(l, rc, m, st, err);
	return true;
}

static bool
recorded(struct lite *l, const struct target *t, const struct migration *m, bool *is, struct err *err)
{
	struct ledger found;

	if (!lite_exec(l, ledger_make, err) || !ledger_read(l, m->file, &found, t->arena, err))
		return false;
	*is = found.count > 0;
	return !*is || entry_fit(&engine_sqlite, &found.list[0], m, err);
}

/* The caller rolls back when this fails. */
static bool
run_inside(struct lite *l, const struct target *t, const struct migration *m, bool *ran, struct err *err)
{
	AUTO(foreign_release) struct foreign before = {0};
	AUTO(foreign_release) struct foreign after = {0};
	const char *started = now(t->arena);
	bool is;
	size_t i;

	if (!lite_exec(l, "BEGIN IMMEDIATE", err) || !recorded(l, t, m, &is, err))
		return false;
	*ran = !is;
	if (is)
		return lite_exec(l, "ROLLBACK", err);
	if (!foreign_look(&before, l, err))
		return false;
	for (i = 0; i < m->count; i++)
		if (!act(l, m, &m->statements[i], err))
			return false;
	return foreign_look(&after, l, err) && foreign_compare(&before, &after, m->shown, err) &&
	    record(l, t, m, "done", started, now(t->arena), err) && lite_exec(l, "COMMIT", err);
}

/* Of one statement that takes no transaction around it: what a killed run leaves is the row `started`. */
static bool
run_outside(struct lite *l, const struct target *t, const struct migration *m, bool *ran, struct err *err)
{
	bool is;

	if (!lite_exec(l, "BEGIN IMMEDIATE", err) || !recorded(l, t, m, &is, err))
		return false;
	*ran = !is;
	if (is)
		return lite_exec(l, "ROLLBACK", err);
	if (!record(l, t, m, "started", now(t->arena), NULL, err) || !lite_exec(l, "COMMIT", err))
		return false;
	if (!act(l, m, &m->statements[0], err)) {
		struct err second = {0};

		/* SQLite said that it did not happen, so the row must not say that it may have. */
		(void)ledger_change(l, "DELETE FROM slipway_ledger WHERE file = ?1", NULL, m, &second);
		return false;
	}
	return ledger_change(l, "UPDATE slipway_ledger SET state = 'done', ended = ?2 WHERE file = ?1", now(t->arena), m, err);
}

/* A connection for each file: what one sets on it, the next does not inherit. */
static bool
run(const struct target *t, const struct migration *m, bool *ran, struct err *err)
{
	AUTO(lite_release) struct lite l = {0};
	struct err why = {0};

	if (lite_create(t->url->path, &why) && lite_open(&l, t->url->path, LITE_WRITE, t->wait_ms, &why) &&
	    (m->transaction ? run_inside : run_outside)(&l, t, m, ran, &why))
		return true;
	(void)sqlite3_exec(l.db, "ROLLBACK", NULL, NULL, NULL);
	if (strncmp(why.text, m->shown, strlen(m->shown)) == 0)
		*err = why;
	else
		(void)err_set(err, (enum status)why.status, "%s: %s", m->shown, why.text);
	return false;
}

static bool
baseline_inside(struct lite *l, const struct target *t, const struct migrations *all, bool *is, struct err *err)
{
	const char *stamp = now(t->arena);
	struct ledger found;
	size_t i;

	if (!lite_exec(l, "BEGIN IMMEDIATE", err) || !lite_exec(l, ledger_make, err) ||
	    !ledger_read(l, NULL, &found, t->arena, err))
		return false;
	*is = !found.count;
	if (found.count)
		return lite_exec(l, "ROLLBACK", err);
	for (i = 0; i < all->count; i++)
		if (!record(l, t, &all->list[i], "baseline", stamp, stamp, err))
			return false;
	return lite_exec(l, "COMMIT", err);
}

static bool
baseline(const struct target *t, const struct migrations *all, bool *is, struct err *err)
{
	AUTO(lite_release) struct lite l = {0};

	if (!lite_open(&l, t->url->path, LITE_WRITE, t->wait_ms, err))
		return false;
	if (baseline_inside(&l, t, all, is, err))
		return true;
	(void)sqlite3_exec(l.db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

const struct engine engine_sqlite = {
	.kind = DBURL_SQLITE, .table = "slipway_ledger", .there = there, .lock = lock, .allow = allow, .ledger = ledger, .run = run, .baseline = baseline,
};
