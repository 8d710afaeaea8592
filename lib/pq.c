/* pq.c - see pq.h */
#define _GNU_SOURCE
#include "pq.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "dburl.h"
#include "lockwait.h"

enum { TICK_MS = 1000, FIRST_TICK_MS = 200 };

static void
options_release(PQconninfoOption **o)
{
	PQconninfoFree(*o);
}

void
pq_result_release(PGresult **r)
{
	PQclear(*r);
	*r = NULL;
}

void
pq_release(struct pq *p)
{
	PQfinish(p->conn);
	p->conn = NULL;
}

static void
be_quiet(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* libpq's texts have lines; ours has one. */
static bool
fail(struct err *err, enum status status, const char *what, const char *text)
{
	char line[1024];
	size_t n = 0;

	for (; *text && n < sizeof(line) - 3; text++)
		if (*text != '\n')
			line[n++] = *text == '\t' ? ' ' : *text;
		else if (text[1]) {
			line[n++] = ';';
			line[n++] = ' ';
		}
	line[n] = '\0';
	return err_set(err, status, "%s%s", what, n ? line : "the server is gone");
}

enum status
pq_status(const char state[6])
{
	static const char *const world[] = { "08", "40", "53", "55", "57", "58", "F0", "XX", "3D", "28", "25P03", NULL };
	size_t i;

	if (strcmp(state, "08P01") == 0)
		return STATUS_USE; /* a parameter without a value */
	for (i = 0; world[i]; i++)
		if (strncmp(state, world[i], strlen(world[i])) == 0)
			return STATUS_SYS;
	return state[0] ? STATUS_USE : STATUS_SYS;
}

/* libpq quotes the piece of the URL that it does not like, and that may be the password. */
static PQconninfoOption *
parse(const char *url, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *o = PQconninfoParse(url, &why);

	if (!o)
		(void)err_set(err, STATUS_USE, DBURL_VARIABLE ": %.*s", (int)strcspn(why ? why : "out of memory", ":\"\n"),
		    why ? why : "out of memory");
	PQfreemem(why);
	return o;
}

const char *
pq_database_of(const char *url, struct arena *arena, struct err *err)
{
	AUTO(options_release) PQconninfoOption *all = parse(url, err);
	const PQconninfoOption *o;

	for (o = all; o && o->keyword; o++)
		if (strcmp(o->keyword, "dbname") == 0 && o->val && *o->val)
			return arena_str(arena, o->val);
	if (all)
		(void)err_set(err, STATUS_USE, DBURL_VARIABLE ": names no database");
	return NULL;
}

static bool
connect_wait(struct pq *p, struct err *err)
{
	int64_t end = clock_ms() + p->wait_ms, left;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		struct pollfd f = { .fd = PQsocket(p->conn), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		int n;

		if (state == PGRES_POLLING_FAILED || PQstatus(p->conn) == CONNECTION_BAD)
			return fail(err, STATUS_SYS, "cannot connect to the database: ", PQerrorMessage(p->conn));
		left = end - clock_ms();
		n = poll(&f, 1, left > 0 ? (int)left : 0);
		if (n == 0)
			return err_set(err, STATUS_SYS, "cannot connect to the database: no answer within %d.%03d s",
			    (int)(p->wait_ms / 1000), (int)(p->wait_ms % 1000));
		if (n < 0 && errno != EINTR)
			return err_sys(err, "cannot connect to the database");
		if (n > 0)
			state = PQconnectPoll(p->conn);
	}
	return true;
}

bool
pq_open(struct pq *p, const char *url, const char *database, const char *name, int64_t wait_ms, struct err *err)
{
	enum { MOST = 80 };
	AUTO(options_release) PQconninfoOption *all = parse(url, err);
	const char *keys[MOST] = { NULL }, *values[MOST] = { NULL };
	const PQconninfoOption *o;
	int n = 0;

	if (!all)
		return false;
	keys[n] = "client_encoding";
	values[n++] = "UTF8";
	keys[n] = "fallback_application_name";
	values[n++] = name;
	for (o = all; o->keyword && n < MOST - 1; o++)
		if (o->val && *o->val) {
			keys[n] = o->keyword;
			values[n++] = database && strcmp(o->keyword, "dbname") == 0 ? database : o->val;
		}
	p->wait_ms = wait_ms < 1000 ? 1000 : wait_ms;
	p->state[0] = '\0';
	p->conn = PQconnectStartParams(keys, values, 0);
	if (!p->conn)
		return err_set(err, STATUS_SYS, "cannot connect to the database: out of memory");
	(void)PQsetNoticeProcessor(p->conn, be_quiet, NULL);
	if (connect_wait(p, err))
		return true;
	pq_release(p);
	return false;
}

/* Until a result can be taken without waiting. */
static bool
await(struct pq *p, int64_t begin, struct err *err)
{
	int64_t tell = begin + FIRST_TICK_MS;

	while (PQisBusy(p->conn)) {
		struct pollfd f = { .fd = PQsocket(p->conn), .events = POLLIN };
		int n = poll(&f, 1, p->waiting ? FIRST_TICK_MS : TICK_MS);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "cannot wait for the database");
		if (n > 0 && !PQconsumeInput(p->conn))
			return fail(err, STATUS_SYS, "", PQerrorMessage(p->conn));
		if (p->limit_ms && clock_ms() - begin >= p->limit_ms && PQisBusy(p->conn))
			return err_set(err, STATUS_SYS, "the database does not answer");
		if (p->waiting && clock_ms() >= tell && PQisBusy(p->conn)) {
			p->waiting(p->arg);
			tell = clock_ms() + TICK_MS;
		}
	}
	return true;
}

static bool
note(struct pq *p, const PGresult *r, struct err *err)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL), *at = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
	char both[900];

	(void)snprintf(p->state, sizeof(p->state), "%s", state ? state : "");
	p->position = at ? strtoul(at, NULL, 10) : 0;
	(void)snprintf(both, sizeof(both), "%.600s%s%.250s%s", text ? text : PQresultErrorMessage(r), detail ? " (" : "",
	    detail ? detail : "", detail ? ")" : "");
	return fail(err, pq_status(p->state), "", both);
}

/* All results of what was sent; the last one that is not a failure, or NULL. */
static PGresult *
collect(struct pq *p, int sent, struct err *err)
{
	AUTO(pq_result_release) PGresult *kept = NULL;
	int64_t begin = clock_ms();
	PGresult *r, *given;

	p->state[0] = '\0';
	p->position = 0;
	if (!sent) {
		(void)fail(err, STATUS_SYS, "", PQerrorMessage(p->conn));
		return NULL;
	}
	for (;;) {
		if (!await(p, begin, err)) {
			pq_release(p); /* what is under way there ends with it */
			return NULL;
		}
		r = PQgetResult(p->conn);
		if (!r)
			break;
		pq_result_release(&kept);
		kept = r;
		switch (PQresultStatus(r)) {
		case PGRES_COMMAND_OK:
		case PGRES_TUPLES_OK:
		case PGRES_EMPTY_QUERY:
			break;
		case PGRES_COPY_IN:
		case PGRES_COPY_OUT:
		case PGRES_COPY_BOTH:
			(void)err_set(err, STATUS_USE, "COPY from or to the client has no place here");
			pq_release(p);
			return NULL;
		default:
			(void)note(p, r, err);
		}
	}
	if (!kept)
		(void)fail(err, STATUS_SYS, "", PQerrorMessage(p->conn));
	if (err->status)
		return NULL;
	given = kept;
	kept = NULL;
	return given;
}

PGresult *
pq_ask(struct pq *p, const char *sql, int count, const char *const *values, struct err *err)
{
	if (!p->conn) {
		(void)err_set(err, STATUS_SYS, "the database is gone");
		return NULL;
	}
	return collect(p, PQsendQueryParams(p->conn, sql, count, NULL, values, NULL, NULL, 0), err);
}

bool
pq_tell(struct pq *p, const char *sql, int count, const char *const *values, struct err *err)
{
	AUTO(pq_result_release) PGresult *r = pq_ask(p, sql, count, values, err);

	return r != NULL;
}

bool
pq_exec(struct pq *p, const char *sql, struct err *err)
{
	AUTO(pq_result_release) PGresult *r = NULL;

	if (!p->conn)
		return err_set(err, STATUS_SYS, "the database is gone");
	r = collect(p, PQsendQuery(p->conn, sql), err);
	return r != NULL;
}

const char *
pq_text(const PGresult *r, int row, int column, struct arena *arena)
{
	return PQgetisnull(r, row, column) ? NULL : arena_str(arena, PQgetvalue(r, row, column));
}

static const char *
escaped(char *made, struct arena *arena)
{
	const char *kept = arena_str(arena, made ? made : "");

	PQfreemem(made);
	return kept;
}

const char *
pq_name(struct pq *p, const char *name, struct arena *arena)
{
	return escaped(PQescapeIdentifier(p->conn, name, strlen(name)), arena);
}

const char *
pq_literal(struct pq *p, const char *text, struct arena *arena)
{
	return escaped(PQescapeLiteral(p->conn, text, strlen(text)), arena);
}
