/* parse.c - migration_parse of migration.h */
#define _GNU_SOURCE
#include <ctype.h>
#include <string.h>

#include "migration.h"
#include "sqlsplit.h"
#include "utf8.h"

struct marks {
	bool transaction, no_transaction, down;
	unsigned long no_transaction_line;
};

static bool
refuse(const struct migration *m, unsigned long line, struct err *err, const char *why)
{
	return err_set(err, STATUS_USE, "%s:%lu: %s", m->shown, line, why);
}

static unsigned long
line_of(const struct migration *m, size_t at)
{
	unsigned long line = 1;
	size_t i;

	for (i = 0; i < at; i++)
		line += m->text[i] == '\n';
	return line;
}

static bool
text_fit(const struct migration *m, struct err *err)
{
	const char *nul = memchr(m->text, '\0', m->length);
	size_t good = utf8_prefix(m->text, m->length);

	if (nul && (size_t)(nul - m->text) < good)
		return refuse(m, line_of(m, (size_t)(nul - m->text)), err, "holds a NUL byte");
	return good == m->length || refuse(m, line_of(m, good), err, "is not UTF-8");
}

/* `hazard NAME detail`; what would break the record that it goes into becomes a space. */
static bool
hazard(struct migration *m, const struct sqlpart *part, const char *words, struct arena *a, struct err *err)
{
	size_t length = strspn(words, "abcdefghijklmnopqrstuvwxyz0123456789-");
	char *text = arena_dup(a, part->text, part->length), *p;

	if (!length || (words[length] && words[length] != ' ' && words[length] != '\t'))
		return refuse(m, part->line, err, "a hazard is marked '-- slipway: hazard NAME detail', NAME in [a-z0-9-]");
	for (p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == ';')
			*p = ' ';
	m->hazards = *m->hazards ? arena_fmt(a, "%s; %s", m->hazards, text) : text;
	return true;
}

static bool
take_mark(struct migration *m, const struct sqlpart *part, struct marks *marks, struct arena *a, struct err *err)
{
	const char *text = arena_dup(a, part->text, part->length);
	size_t length = strcspn(text, " \t");
	const char *word = arena_dup(a, text, length), *words = text + length + strspn(text + length, " \t");

	if (strcmp(word, "hazard") == 0)
		return hazard(m, part, words, a, err);
	if (strcmp(word, "renamed") == 0)
		return *words || refuse(m, part->line, err, "a new name is marked '-- slipway: renamed TABLE.COL from OLD'");
	if (*words)
		return err_set(err, STATUS_USE, "%s:%lu: the mark '%s' takes no words behind it", m->shown, part->line, word);
	if (strcmp(word, "before") == 0)
		return true;
	if (strcmp(word, "down") == 0) {
		marks->down = true;
		return !part->inside || refuse(m, part->line, err, "the statement before the mark 'down' does not end with ';'");
	}
	if (strcmp(word, "transaction") != 0 && strcmp(word, "no-transaction") != 0)
		return err_set(err, STATUS_USE, "%s:%lu: unknown mark '%s'", m->shown, part->line, word);
	if (m->count || part->inside)
		return err_set(err, STATUS_USE, "%s:%lu: the mark '%s' stands before the first statement", m->shown, part->line, word);
	if (*word == 't')
		marks->transaction = true;
	else if (!marks->no_transaction) {
		marks->no_transaction = true;
		marks->no_transaction_line = part->line;
	}
	if (marks->transaction && marks->no_transaction)
		return refuse(m, part->line, err, "is marked both 'transaction' and 'no-transaction'");
	return true;
}

static void
take_statement(struct migration *m, const struct sqlpart *part, size_t *room, struct arena *a)
{
	struct statement st = { .text = part->text, .length = part->length, .line = part->line };

	memcpy(st.word, part->word, sizeof(st.word));
	memcpy(st.name, part->name, sizeof(st.name));
	if (m->count == *room) {
		size_t more = *room ? 2 * *room : 16;

		m->statements = arena_grow(a, m->statements, *room * sizeof(st), more * sizeof(st));
		*room = more;
	}
	m->statements[m->count++] = st;
}

bool
migration_parse(struct migration *m, bool postgres, struct arena *arena, struct err *err)
{
	struct marks marks = {0};
	struct sqlsplit split;
	struct sqlpart part;
	size_t room = 0;

	m->hazards = "";
	m->count = 0;
	if (!text_fit(m, err))
		return false;
	(postgres ? sqlsplit_init_postgres : sqlsplit_init)(&split, m->text, m->length);
	while (!marks.down && (part = sqlsplit_next(&split)).kind != SQLPART_END) {
		if (part.kind == SQLPART_BAD)
			return refuse(m, part.line, err, part.why);
		if (part.kind == SQLPART_STATEMENT)
			take_statement(m, &part, &room, arena);
		else if (!take_mark(m, &part, &marks, arena, err))
			return false;
	}
	m->transaction = !marks.no_transaction;
	if (!m->transaction && m->count != 1)
		return err_set(err, STATUS_USE, "%s:%lu: a no-transaction file holds one statement, this one %zu", m->shown,
		    marks.no_transaction_line, m->count);
	return true;
}
