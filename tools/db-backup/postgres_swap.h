/* postgres_swap.h - one database takes the name of another, whole or not at all: what restore and the copy share.
 *
 * The live one is renamed away and the incoming one gets its name in one transaction: whoever is killed, and
 * whenever, the name is that of a whole database. What killed runs leave carries a name made of the live one's, and a
 * mark: nothing else is ever dropped. */
#ifndef DB_BACKUP_POSTGRES_SWAP_H
#define DB_BACKUP_POSTGRES_SWAP_H

#include "postgres.h"

/* In the very statement that makes a database of ours, where a comment cannot be. */
#define SWAP_MARK_LIMIT "1917"

struct swap {
	const struct request *r;
	struct pq keeper;
	const char *live, *incoming, *old; /* names */
	const char *mark; /* the comment on incoming */
	bool there; /* the live one */
};

/* Connects to the keeper, keeps other runs out, and knows the names; kind is in that of incoming. Whether the live
 * database is there is noted, and what killed runs left of old is gone. */
bool swap_begin(struct swap *s, const char *kind, const char *mark, struct err *err);
void swap_release(struct swap *s); /* AUTO */
/* What a killed run left of incoming is dropped; what is not ours in its place is refused. */
bool swap_sweep(struct swap *s, struct err *err);
bool swap_drop(struct swap *s, const char *name, struct err *err);
/* Waits until no session of others is in the live database. */
bool swap_alone(struct swap *s, struct err *err);
/* Rights and settings of the record, which no archive and no copy holds, for incoming. */
bool swap_dress(struct swap *s, struct err *err);
/* The exchange; *put as in struct engine. */
bool swap_do(struct swap *s, const char **put, struct err *err);

/* The oid of a database as text, or NULL when it is not there (err empty) or not known. */
const char *swap_oid(struct swap *s, const char *name, struct err *err);
/* A value of the record, and a text as SQL takes it. */
const char *swap_note(const struct swap *s, const char *key, unsigned number);
const char *swap_literal(struct swap *s, const char *text);

#endif
