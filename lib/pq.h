/* pq.h - PostgreSQL by libpq: connections and questions with deadlines, its SQLSTATE as our statuses.
 *
 * Contract: struct pq is zero-initialised, filled by pq_open, given back by pq_release (AUTO). No error text holds
 * the URL or a password, and none holds a newline. state keeps the SQLSTATE of the last failure, empty when the
 * server did not say one (it did not answer, or is gone). Results are the caller's: AUTO(pq_result_release). */
#ifndef SLIPWAY_PQ_H
#define SLIPWAY_PQ_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"

struct pq {
	PGconn *conn;
	int64_t wait_ms; /* for the connection */
	int64_t limit_ms; /* for an answer; 0 = none */
	char state[6];
	unsigned long position; /* in characters, from 1, of the last failure in its statement; 0 = not known */
	void (*waiting)(void *arg); /* called about once a second while an answer is awaited, or NULL */
	void *arg;
};

/* What is wrong with the URL is STATUS_USE, a server that does not let us in STATUS_SYS. database NULL is that of
 * the URL. name is what the server shows of us. */
bool pq_open(struct pq *p, const char *url, const char *database, const char *name, int64_t wait_ms, struct err *err);
void pq_release(struct pq *p);
/* The database that the URL names. */
const char *pq_database_of(const char *url, struct arena *arena, struct err *err);

/* One statement, with the values of $1 ... in it; NULL on failure. */
PGresult *pq_ask(struct pq *p, const char *sql, int count, const char *const *values, struct err *err);
bool pq_tell(struct pq *p, const char *sql, int count, const char *const *values, struct err *err);
/* One or more statements as they are; more than one are one transaction. */
bool pq_exec(struct pq *p, const char *sql, struct err *err);
void pq_result_release(PGresult **r); /* AUTO */

/* A field as text in the arena; NULL for SQL's NULL. */
const char *pq_text(const PGresult *r, int row, int column, struct arena *arena);
/* name as an SQL identifier, text as a literal. */
const char *pq_name(struct pq *p, const char *name, struct arena *arena);
const char *pq_literal(struct pq *p, const char *text, struct arena *arena);

/* STATUS_USE for what will fail again, STATUS_SYS for what the world refused. */
enum status pq_status(const char state[6]);

#endif
