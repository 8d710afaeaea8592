/* postgres.h - what saving and restoring a PostgreSQL database share. */
#ifndef DB_BACKUP_POSTGRES_H
#define DB_BACKUP_POSTGRES_H

#include "engine.h"
#include "pq.h"

/* To a database beside ours, from where ours can be renamed. */
bool postgres_keeper(const struct request *r, struct pq *p, struct err *err);
bool postgres_there(const struct request *r, struct err *err);
/* The lines of a record about the database itself: owner, encoding, locale, rights, settings. */
bool postgres_describe(const struct request *r, const char **notes, struct err *err);
bool postgres_exists(struct pq *keeper, const char *database, bool *is, struct err *err);

/* What a child needs to come to the same server as p, and to database. */
void postgres_environment(const struct request *r, struct pq *p, const char *database, struct environment *e);
/* STATUS_SYS when the program is older than the server. */
bool postgres_program_fit(const struct request *r, struct pq *p, const char *program, const struct environment *e,
    const char **version, struct err *err);

/* Values of a record: no line ends in them. */
const char *postgres_note(struct arena *a, const char *text);
const char *postgres_unnote(struct arena *a, const char *text);

bool postgres_aside_there(const struct request *r, bool *is, struct err *err);
/* What killed runs left: of save -c, when no record tells of it, and of restore. */
bool postgres_sweep(const struct request *r, struct err *err);
bool postgres_copy_sweep(const struct request *r, struct err *err);
bool postgres_restore(const struct request *r, const char **put, struct err *err);

#endif
