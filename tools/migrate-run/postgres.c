/* postgres.c - the ledger in a PostgreSQL database, and files run in it: the effect and its row in one transaction
 *
 * One session does it all and holds an advisory lock meanwhile. When this program is killed, the server may be in the
 * middle of a statement: as long as it is, it holds the lock too, and no other run comes in between. */
#define _GNU_SOURCE
#include <string.h>

#include "auto.h"
#include "engine.h"
#include "lockwait.h"
#include "pq.h"

enum { LOCK_TIMEOUT_MS = 5000, LOCK_TIMEOUT_LEAST_MS = 300, BACKOFF_MS = 500, BACKOFF_MOST_MS = 8000 };

/* Lives as long as the process: the lock is held by it. */
static struct pq session;

/* A file leaves nothing to the next one that runs in this session. Our splitting takes standard strings. */
static const char fresh[] = "RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; UNLISTEN *; DEALLOCATE ALL; DISCARD TEMP; "
    "DISCARD SEQUENCES; SET standard_conforming_strings = on; SET default_transaction_read_only = off; "
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

static const char ledger_make[] = "CREATE SCHEMA IF NOT EXISTS slipway; COMMENT ON SCHEMA slipway IS 'slipway'; "
    "CREATE TABLE slipway.ledger (file text PRIMARY KEY, sha256 text NOT NULL, state text NOT NULL, "
    "started timestamptz NOT NULL, ended timestamptz, who text NOT NULL, release text NOT NULL)";
static const char ledger_put[] = "INSERT INTO slipway.ledger (file, sha256, state, started, ended, who, release) "
    "VALUES ($1, $2, $3, now(), CASE WHEN $3 = 'started' THEN NULL ELSE clock_timestamp() END, $4, $5)";

static bool
refresh(const struct target *t, int64_t lock_ms, struct err *err)
{
	if (lock_ms > t->lock_ms)
		lock_ms = t->lock_ms;
	if (lock_ms < LOCK_TIMEOUT_LEAST_MS)
		lock_ms = LOCK_TIMEOUT_LEAST_MS; /* 0 would be for ever */
	return pq_exec(&session, arena_fmt(t->arena, "%s; SET lock_timeout = %d%s", fresh, (int)lock_ms,
	    PQserverVersion(session.conn) >= 140000 ? "; SET client_connection_check_interval = '1s'" : ""), err);
}

static bool
there(const struct target *t, bool *is, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};

	*is = session.conn || pq_open(&p, t->url->text, NULL, "migrate-run", t->wait_ms, err);
	return *is;
}

static bool
lock_try(bool *got, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(&session,
	    "SELECT pg_try_advisory_lock(hashtextextended('slipway:' || current_database(), 0))", 0, NULL, err);

	*got = rows && *PQgetvalue(rows, 0, 0) == 't';
	return rows != NULL;
}

static bool
lock_refuse(const struct target *t, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(&session,
	    "SELECT string_agg(format('pid %s, user %s, application ''%s''', a.pid, usename, application_name), '; ') "
	    "FROM pg_locks l JOIN pg_stat_activity a USING (pid), hashtextextended('slipway:' || current_database(), 0) k "
	    "WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND l.database = a.datid AND datname = current_database() "
	    "AND (classid::bigint << 32 | objid::bigint) = k", 0, NULL, err);
	const char *who = rows && PQntuples(rows) ? pq_text(rows, 0, 0, t->arena) : NULL;

	return err_set(err, STATUS_SYS, "another migrate-run is at work in the database (%s)", who ? who : "gone by now");
}

/* Asked for again and again, from no transaction: a session that waits in the lock would stand in the way of what
 * CREATE INDEX CONCURRENTLY waits for. */
static bool
lock(const struct target *t, int *lock, struct err *err)
{
	int64_t end = clock_ms() + t->wait_ms;
	bool got = false;

	*lock = -1;
	if (!pq_open(&session, t->url->text, NULL, arena_fmt(t->arena, "migrate-run %.40s", t->who), t->wait_ms, err) ||
	    !refresh(t, LOCK_TIMEOUT_MS, err))
		return false;
	while (lock_try(&got, err) && !got) {
		if (clock_ms() >= end)
			return lock_refuse(t, err);
		sleep_ms(100);
	}
	return got;
}

static bool
is_role(const struct statement *st, bool *on)
{
	static const char *const off[] = { "ROLE NONE", "ROLE TO NONE", "SESSION AUTHORIZATION DEFAULT",
		"SESSION_AUTHORIZATION DEFAULT", "SESSION_AUTHORIZATION TO DEFAULT", NULL };
	const char *rest = strncmp(st->name, "LOCAL ", 6) == 0 ? st->name + 6 : st->name;
	size_t i;

	if (strncmp(rest, "SESSION ", 8) == 0 && strncmp(rest, "SESSION AUTHORIZATION", 21) != 0)
		rest += 8;
	if ((strcmp(st->word, "SET") != 0 && strcmp(st->word, "RESET") != 0) ||
	    ((strncmp(rest, "ROLE", 4) != 0 || (rest[4] && rest[4] != ' ')) &&
	    strncmp(rest, "SESSION AUTHORIZATION", 21) != 0 && strncmp(rest, "SESSION_AUTHORIZATION", 21) != 0))
		return false;
	*on = strcmp(st->word, "SET") == 0;
	for (i = 0; off[i]; i++)
		if (strcmp(rest, off[i]) == 0)
			*on = false;
	return true;
}

static bool
has_word(const char *words, const char *word)
{
	size_t length = strlen(word);
	const char *p;

	for (p = words; (p = strstr(p, word)); p += length)
		if ((p == words || p[-1] == ' ') && (!p[length] || p[length] == ' '))
			return true;
	return false;
}

static bool
makes_concurrently(const struct statement *st)
{
	return (strcmp(st->word, "CREATE") == 0 || strcmp(st->word, "DROP") == 0 || strcmp(st->word, "REINDEX") == 0) &&
	    has_word(st->name, "INDEX CONCURRENTLY");
}

static bool
needs_own_file(const struct statement *st)
{
	static const char *const two[][2] = { { "CREATE", "DATABASE" }, { "DROP", "DATABASE" }, { "CREATE", "TABLESPACE" },
		{ "DROP", "TABLESPACE" }, { "ALTER", "SYSTEM" }, { "REINDEX", "DATABASE" }, { "REINDEX", "SYSTEM" } };
	size_t i;

	for (i = 0; i < sizeof(two) / sizeof(*two); i++)
		if (strcmp(st->word, two[i][0]) == 0 && strncmp(st->name, two[i][1], strlen(two[i][1])) == 0 &&
		    strchr(" ", st->name[strlen(two[i][1])]))
			return true;
	return strcmp(st->word, "VACUUM") == 0 || makes_concurrently(st) ||
	    (strcmp(st->word, "REINDEX") == 0 && has_word(st->name, "CONCURRENTLY"));
}

static bool
allow(const struct migration *m, struct err *err)
{
	static const char *const never[] = { "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE",
		NULL };
	const struct statement *role = NULL;
	size_t i, k;

	for (i = 0; i < m->count; i++) {
		const struct statement *st = &m->statements[i];
		bool on;

		for (k = 0; never[k]; k++)
			if (strcmp(st->word, never[k]) == 0)
				return err_set(err, STATUS_USE, "%s:%lu: %s has no place in a migration: it runs in a transaction of ours",
				    m->shown, st->line, st->word);
		if (strcmp(st->word, "PREPARE") == 0 && strncmp(st->name, "TRANSACTION", 11) == 0)
			return err_set(err, STATUS_USE, "%s:%lu: PREPARE TRANSACTION has no place in a migration", m->shown, st->line);
		if (is_role(st, &on))
			role = on ? st : NULL;
		if (m->transaction && needs_own_file(st))
			return err_set(err, STATUS_USE, "%s:%lu: %s %.40s needs a file of its own, marked '-- slipway: no-transaction'",
			    m->shown, st->line, st->word, st->name);
	}
	return !role || err_set(err, STATUS_USE, "%s:%lu: SET %.40s is left on: the file ends with RESET ROLE or "
	    "RESET SESSION AUTHORIZATION", m->shown, role->line, role->name);
}

/* *is: the table is there. A schema of this name that is not ours is left alone. */
static bool
ledger_look(struct pq *p, bool *is, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(p, "SELECT to_regclass('slipway.ledger') IS NOT NULL, "
	    "coalesce((SELECT coalesce(obj_description(oid, 'pg_namespace'), '') = 'slipway' FROM pg_namespace WHERE nspname = 'slipway'), true)",
	    0, NULL, err);

	*is = rows && *PQgetvalue(rows, 0, 0) == 't';
	return rows && (*PQgetvalue(rows, 0, 1) == 't' || err_set(err, STATUS_USE, "the schema 'slipway' of the database is not "
	    "ours: its comment is not 'slipway'"));
}

/* Indexes that a CREATE INDEX CONCURRENTLY did not end; with text those that it names. NULL: none. */
static const char *
invalid(struct pq *p, const char *text, struct arena *a, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = pq_ask(p, "SELECT string_agg(indexrelid::regclass::text, ', ') FROM pg_index "
	    "JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND ($1::text IS NULL OR strpos(lower($1), lower(relname)) > 0)",
	    1, &text, err);

	return rows ? pq_text(rows, 0, 0, a) : NULL;
}

static bool
ledger_read(struct pq *p, struct ledger *out, struct arena *a, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = NULL;
	const char *remains = NULL;
	bool is;
	int i;

	*out = (struct ledger){0};
	if (!ledger_look(p, &is, err))
		return false;
	if (!is)
		return true;
	rows = pq_ask(p, "SELECT file, sha256, state, to_char(started AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), who "
	    "FROM slipway.ledger ORDER BY file COLLATE \"C\"", 0, NULL, err);
	if (!rows)
		return false;
	out->list = arena_get(a, ((size_t)PQntuples(rows) + 1) * sizeof(*out->list));
	for (i = 0; i < PQntuples(rows); i++) {
		struct entry e = { pq_text(rows, i, 0, a), pq_text(rows, i, 1, a), pq_text(rows, i, 2, a), pq_text(rows, i, 3, a),
			pq_text(rows, i, 4, a), NULL };

		if (strcmp(e.state, "started") == 0) {
			remains = invalid(p, NULL, a, err);
			if (err->status)
				return false;
			e.remains = remains ? arena_fmt(a, "invalid index: %s", remains) : NULL;
		}
		out->list[out->count++] = e;
	}
	return true;
}

static bool
ledger(const struct target *t, struct ledger *out, struct err *err)
{
	AUTO(pq_release) struct pq p = {0};

	if (session.conn)
		return ledger_read(&session, out, t->arena, err);
	return pq_open(&p, t->url->text, NULL, "migrate-run", t->wait_ms, err) &&
	    pq_exec(&p, "SET default_transaction_read_only = on", err) && ledger_read(&p, out, t->arena, err);
}

static bool
record(const struct target *t, const struct migration *m, const char *state, struct err *err)
{
	const char *values[] = { m->file, m->sha256, state, t->who, t->release };

	return pq_tell(&session, ledger_put, 5, values, err);
}

/* The transaction is open; makes the ledger when there is none. *is: it has this file. */
static bool
recorded(const struct migration *m, bool *is, struct err *err)
{
	AUTO(pq_result_release) PGresult *rows = NULL;
	bool made;

	if (!ledger_look(&session, &made, err) || (!made && !pq_exec(&session, ledger_make, err)))
		return false;
	rows = pq_ask(&session, "SELECT 1 FROM slipway.ledger WHERE file = $1", 1, &m->file, err);
	*is = rows && PQntuples(rows) > 0;
	return rows != NULL;
}

struct watch {
	const struct target *t;
	struct pq other;
	int backend;
	const char *blockers; /* who held us up, as last seen */
};

static void
watch_release(struct watch *w)
{
	session.waiting = NULL;
	pq_release(&w->other);
}

/* Our session waits; another one sees for whom. That it cannot is no failure. */
static void
look(void *arg)
{
	struct watch *w = arg;
	struct err ignored = {0};
	const char *pid = arena_fmt(w->t->arena, "%d", w->backend), *seen;
	AUTO(pq_result_release) PGresult *rows = NULL;

	if (!w->other.conn && !pq_open(&w->other, w->t->url->text, NULL, "migrate-run", 1000, &ignored))
		return;
	w->other.limit_ms = 2000;
	rows = pq_ask(&w->other, "SELECT string_agg(format('pid %s, user %s, application ''%s'', its last query %s s ago', pid, usename, "
	    "application_name, extract(epoch FROM clock_timestamp() - query_start)::int), '; ') FROM pg_stat_activity "
	    "WHERE pid = ANY (pg_blocking_pids($1::int))", 1, &pid, &ignored);
	seen = rows ? pq_text(rows, 0, 0, w->t->arena) : NULL;
	if (seen)
		w->blockers = seen;
}

static bool
statement_fail(const struct migration *m, const struct statement *st, const struct watch *w, const struct err *why,
    struct err *err)
{
	unsigned long line = st->line, at = session.position;
	size_t i;

	for (i = 0; i < st->length && at > 1; i++) {
		line += st->text[i] == '\n';
		if (i + 1 == st->length || ((unsigned char)st->text[i + 1] & 0xc0) != 0x80)
			at--;
	}
	if (strcmp(session.state, "08P01") == 0)
		return err_set(err, STATUS_USE, "%s:%lu: a parameter has no value in a migration", m->shown, st->line);
	if (strcmp(session.state, "55P03") == 0 && w->blockers)
		return err_set(err, STATUS_SYS, "%s:%lu: %s; held by %.600s", m->shown, line, why->text, w->blockers);
	return err_set(err, (enum status)why->status, "%s:%lu: %s", m->shown, line, why->text);
}

static bool
act(const struct target *t, const struct migration *m, const struct statement *st, struct watch *w, struct err *err)
{
	struct err why = {0};

	session.waiting = look;
	session.arg = w;
	if (pq_tell(&session, arena_dup(t->arena, st->text, st->length), 0, NULL, &why)) {
		session.waiting = NULL;
		return PQtransactionStatus(session.conn) == (m->transaction ? PQTRANS_INTRANS : PQTRANS_IDLE) ||
		    err_set(err, STATUS_USE, "%s:%lu: it ends or begins a transaction", m->shown, st->line);
	}
	session.waiting = NULL;
	return statement_fail(m, st, w, &why, err);
}

static bool
run_inside(const struct target *t, const struct migration *m, bool *ran, struct watch *w, struct err *err)
{
	bool is;
	size_t i;

	if (!pq_exec(&session, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", err) || !recorded(m, &is, err))
		return false;
	*ran = !is;
	if (is)
		return pq_exec(&session, "ROLLBACK", err);
	for (i = 0; i < m->count; i++)
		if (!act(t, m, &m->statements[i], w, err))
			return false;
	return record(t, m, "done", err) && pq_exec(&session, "COMMIT", err);
}

/* Of one statement that takes no transaction around it: what a killed run leaves is the row `started`. */
static bool
run_outside(const struct target *t, const struct migration *m, bool *ran, struct watch *w, struct err *err)
{
	const struct statement *st = &m->statements[0];
	const char *text = arena_dup(t->arena, st->text, st->length), *broken;
	struct err second = {0};
	char state[6];
	bool is;

	if (makes_concurrently(st) && strcmp(st->word, "CREATE") == 0 && (broken = invalid(&session, text, t->arena, err))) {
		(void)err_hint(err, "DROP INDEX CONCURRENTLY %.400s", broken);
		return err_set(err, STATUS_USE, "%s:%lu: an earlier CREATE INDEX CONCURRENTLY left an invalid index: %s", m->shown,
		    st->line, broken);
	}
	if (err->status || !pq_exec(&session, "BEGIN READ WRITE", err) || !recorded(m, &is, err))
		return false;
	*ran = !is;
	if (is)
		return pq_exec(&session, "ROLLBACK", err);
	if (!record(t, m, "started", err) || !pq_exec(&session, "COMMIT", err))
		return false;
	if (act(t, m, st, w, err))
		return pq_tell(&session, "UPDATE slipway.ledger SET state = 'done', ended = clock_timestamp() WHERE file = $1", 1,
		    &m->file, err);
	memcpy(state, session.state, sizeof(state));
	if (!session.conn || !state[0])
		return false;
	/* The server said that it failed, so the row must not say that it may have happened. */
	(void)pq_tell(&session, "DELETE FROM slipway.ledger WHERE file = $1", 1, &m->file, &second);
	broken = makes_concurrently(st) ? invalid(&session, text, t->arena, &second) : NULL;
	if (broken)
		(void)err_hint(err, "it left an invalid index: DROP INDEX CONCURRENTLY %.400s", broken);
	memcpy(session.state, state, sizeof(state));
	return false;
}

static bool
run_once(const struct target *t, const struct migration *m, bool *ran, struct watch *w, struct err *err)
{
	struct err why = {0}, second = {0};
	char state[6];
	bool got = false;

	if (refresh(t, m->transaction ? LOCK_TIMEOUT_MS : t->lock_ms, &why) && lock_try(&got, &why) &&
	    (got || err_set(&why, STATUS_SYS, "the lock of this run was lost")) &&
	    (m->transaction ? run_inside : run_outside)(t, m, ran, w, &why))
		return true;
	memcpy(state, session.state, sizeof(state));
	if (session.conn && PQtransactionStatus(session.conn) != PQTRANS_IDLE)
		(void)pq_exec(&session, "ROLLBACK", &second);
	memcpy(session.state, state, sizeof(state));
	if (strncmp(why.text, m->shown, strlen(m->shown)) == 0)
		*err = why;
	else
		(void)err_set(err, (enum status)why.status, "%s: %s", m->shown, why.text);
	return false;
}

/* A file that only could not get its locks in time has left nothing, and may get them later: meanwhile those behind
 * it in the queue go on. */
static bool
run(const struct target *t, const struct migration *m, bool *ran, struct err *err)
{
	AUTO(watch_release) struct watch w = { .t = t, .backend = session.conn ? PQbackendPID(session.conn) : 0 };
	int64_t end = clock_ms() + t->lock_ms, pause = BACKOFF_MS;

	for (;;) {
		struct err why = {0};

		if (run_once(t, m, ran, &w, &why))
			return true;
		if (!m->transaction || strcmp(session.state, "55P03") != 0 || clock_ms() + pause >= end) {
			*err = why;
			return false;
		}
		sleep_ms(pause);
		pause = pause * 2 < BACKOFF_MOST_MS ? pause * 2 : BACKOFF_MOST_MS;
	}
}

static bool
baseline_inside(const struct target *t, const struct migrations *all, bool *is, struct err *err)
{
	struct ledger found;
	bool made;
	size_t i;

	if (!pq_exec(&session, "BEGIN READ WRITE", err) || !ledger_look(&session, &made, err) ||
	    (!made && !pq_exec(&session, ledger_make, err)) || !ledger_read(&session, &found, t->arena, err))
		return false;
	*is = !found.count;
	if (found.count)
		return pq_exec(&session, "ROLLBACK", err);
	for (i = 0; i < all->count; i++)
		if (!record(t, &all->list[i], "baseline", err))
			return false;
	return pq_exec(&session, "COMMIT", err);
}

static bool
baseline(const struct target *t, const struct migrations *all, bool *is, struct err *err)
{
	return refresh(t, LOCK_TIMEOUT_MS, err) && baseline_inside(t, all, is, err);
}

const struct engine engine_postgres = {
	.kind = DBURL_POSTGRES, .table = "slipway.ledger", .postgres = true, .there = there, .lock = lock, .allow = allow,
	.ledger = ledger, .run = run, .baseline = baseline,
};
