/* sqlsplit.h - the statements of an SQL text as SQLite or PostgreSQL reads it, and the `-- slipway:` marks between and
 * in them.
 *
 * Knows strings, quoted identifiers, comments and the body of CREATE TRIGGER; for PostgreSQL also dollar quotes,
 * nested comments, E'' strings, parentheses and the body of a function in SQL. Each statement must end with `;`,
 * so that a file that was cut off is noticed. Nothing is checked beyond that; the text stays borrowed. */
#ifndef SLIPWAY_SQLSPLIT_H
#define SLIPWAY_SQLSPLIT_H

#include <stdbool.h>
#include <stddef.h>

enum sqlpart_kind { SQLPART_END, SQLPART_STATEMENT, SQLPART_MARK, SQLPART_BAD };

struct sqlpart {
	enum sqlpart_kind kind;
	const char *text;   /* the statement with its `;`, or what stands behind `slipway:`, trimmed */
	size_t length;
	unsigned long line; /* of its first byte, from 1 */
	bool inside;        /* a mark in the middle of a statement, which comes later */
	char word[16];      /* the first word of a statement in capitals, cut */
	char name[48];      /* of a PRAGMA in small letters, without quotes and schema, cut. PostgreSQL: the words behind the
	                     * first in capitals, with one space between, cut */
	const char *why;    /* SQLPART_BAD: a constant */
};

struct sqlsplit {
	const char *text;
	size_t length, at;
	unsigned long line;
	int state;              /* of the statement that is being read: the rest is its */
	unsigned tokens;
	bool schema;
	bool postgres;
	unsigned parens, blocks; /* that are open (PostgreSQL) */
	char last[8];            /* the word before, in capitals, cut (PostgreSQL) */
	struct sqlpart current;
};

/* A byte order mark in front is passed over. */
void sqlsplit_init(struct sqlsplit *s, const char *text, size_t length);
void sqlsplit_init_postgres(struct sqlsplit *s, const char *text, size_t length);
/* The next part; after SQLPART_END or SQLPART_BAD there is none. */
struct sqlpart sqlsplit_next(struct sqlsplit *s);

#endif
