/* sqlsplit.c - see sqlsplit.h */
#define _GNU_SOURCE
#include "sqlsplit.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum token_kind { SPACE, LINE_COMMENT, WORD, QUOTED, SEMICOLON, OTHER, END, BAD };

struct token {
	enum token_kind kind;
	const char *text;
	size_t length;
	unsigned long line;
	const char *why;
};

/* PLAIN ends at `;`. A trigger's body holds some: it ends at `; END ;`. */
enum state { NONE, FIRST, CREATE, PLAIN, BODY, BODY_SEMICOLON, BODY_END };

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The length of what is quoted from p on, 0 when it does not end; a doubled quote is one of the text. */
static size_t
quoted(const char *p, size_t left)
{
	char quote = *p == '[' ? ']' : *p;
	size_t i;

	for (i = 1; i < left; i++)
		if (p[i] == quote) {
			if (quote == ']' || i + 1 == left || p[i + 1] != quote)
				return i + 1;
			i++;
		}
	return 0;
}

/* As PostgreSQL: only E'' knows the backslash, and goes on in the next quotes when a line ends between. */
static size_t
string(const char *p, size_t left, bool escapes)
{
	size_t i, k;
	bool line;

	for (i = 1; i < left; i++)
		if (escapes && p[i] == '\\')
			i++;
		else if (p[i] == '\'') {
			if (i + 1 < left && p[i + 1] == '\'') {
				i++;
				continue;
			}
			for (line = false, k = i + 1; k < left && is_space(p[k]); k++)
				line |= p[k] == '\n' || p[k] == '\r';
			if (!escapes || !line || k == left || p[k] != '\'')
				return i + 1;
			i = k;
		}
	return 0;
}

/* Comments of PostgreSQL nest. */
static size_t
comment(const char *p, size_t left)
{
	size_t depth = 1, i;

	for (i = 2; i + 1 < left; i++) {
		bool open = p[i] == '/' && p[i + 1] == '*', close = p[i] == '*' && p[i + 1] == '/';

		if (open)
			depth++;
		if (close && --depth == 0)
			return i + 2;
		i += open || close;
	}
	return 0;
}

/* The length of $tag$, 0 when it is none. */
static size_t
dollar(const char *p, size_t left)
{
	size_t n = 1;

	while (n < left && is_word(p[n]) && p[n] != '$')
		n++;
	return n < left && p[n] == '$' && !(p[1] >= '0' && p[1] <= '9') ? n + 1 : 0;
}

/* What PostgreSQL reads otherwise than SQLite; no length when that is nothing. */
static struct token
postgres_token(const char *p, size_t left)
{
	struct token t = { .kind = BAD, .text = p };
	const char *end;

	if (*p == '/' && left > 1 && p[1] == '*') {
		t.length = comment(p, left);
		t.kind = t.length ? SPACE : BAD;
		t.why = "comment does not end";
	} else if (*p == '\'' || ((*p == 'e' || *p == 'E') && left > 1 && p[1] == '\'')) {
		size_t lead = *p != '\'', n = string(p + lead, left - lead, lead);

		t.length = n ? n + lead : 0;
		t.kind = n ? QUOTED : BAD;
		t.why = "string does not end";
	} else if (*p == '$' && (t.length = dollar(p, left))) {
		end = memmem(p + t.length, left - t.length, p, t.length);
		t.length = end ? (size_t)(end - p) + t.length : 0;
		t.kind = end ? QUOTED : BAD;
		t.why = "dollar quote does not end";
	} else if (*p == '\\')
		t.why = "a command of psql is no SQL";
	else if (*p == '`' || *p == '[' || *p == '$') {
		t.kind = OTHER;
		t.length = 1;
	} else
		t.kind = SPACE;
	return t;
}

static struct token
token_next(struct sqlsplit *s)
{
	const char *p = s->text + s->at, *end;
	size_t left = s->length - s->at, n = 1, i;
	struct token t = { .kind = OTHER, .text = p, .line = s->line };

	if (left == 0)
		return (struct token){ .kind = END, .text = p, .line = s->line };
	if (s->postgres) {
		struct token own = postgres_token(p, left);

		own.line = s->line;
		if (own.kind == BAD)
			return own;
		if (own.length) {
			t = own;
			n = own.length;
			for (i = 0; i < n; i++)
				s->line += p[i] == '\n';
			s->at += n;
			return t;
		}
	}
	if (is_space(*p)) {
		t.kind = SPACE;
		while (n < left && is_space(p[n]))
			n++;
	} else if (*p == '-' && left > 1 && p[1] == '-') {
		t.kind = LINE_COMMENT;
		end = memchr(p, '\n', left);
		n = end ? (size_t)(end - p) : left;
	} else if (*p == '/' && left > 1 && p[1] == '*') {
		t.kind = SPACE;
		end = left > 3 ? memmem(p + 2, left - 2, "*/", 2) : NULL;
		if (!end)
			return (struct token){ .kind = BAD, .line = s->line, .why = "comment does not end" };
		n = (size_t)(end - p) + 2;
	} else if (*p && strchr("'\"`[", *p)) {
		t.kind = QUOTED;
		n = quoted(p, left);
		if (!n)
			return (struct token){ .kind = BAD, .line = s->line,
				.why = *p == '\'' ? "string does not end" : "quoted name does not end" };
	} else if (*p == ';')
		t.kind = SEMICOLON;
	else if (is_word(*p)) {
		t.kind = WORD;
		while (n < left && is_word(p[n]))
			n++;
	}
	for (i = 0; i < n; i++)
		s->line += p[i] == '\n';
	s->at += n;
	t.length = n;
	return t;
}

static bool
is(const struct token *t, const char *word)
{
	return t->kind == WORD && t->length == strlen(word) && strncasecmp(t->text, word, t->length) == 0;
}

static void
fold(char *out, size_t room, const struct token *t, int (*change)(int))
{
	size_t skip = t->kind == QUOTED, n = t->length - 2 * skip, i;

	for (i = 0; i < n && i < room - 1; i++)
		out[i] = (char)change((unsigned char)t->text[skip + i]);
	out[i] = '\0';
}

static enum state
advance(enum state state, const struct token *t)
{
	switch (state) {
	case FIRST:
		return is(t, "CREATE") ? CREATE : PLAIN;
	case CREATE:
		if (is(t, "TEMP") || is(t, "TEMPORARY"))
			return CREATE;
		return is(t, "TRIGGER") ? BODY : PLAIN;
	case BODY:
	case BODY_SEMICOLON:
	case BODY_END:
		if (t->kind == SEMICOLON)
			return BODY_SEMICOLON;
		return state == BODY_SEMICOLON && is(t, "END") ? BODY_END : BODY;
	default:
		return PLAIN;
	}
}

/* Fills part when the comment is a mark. */
static bool
mark(const struct token *t, struct sqlpart *part)
{
	static const char lead[] = "slipway";
	const char *p = t->text + 2, *end = t->text + t->length, *q;

	while (p < end && is_space(*p))
		p++;
	if ((size_t)(end - p) < sizeof(lead) || strncasecmp(p, lead, sizeof(lead) - 1) != 0)
		return false;
	for (q = p + sizeof(lead) - 1; q < end && is_space(*q); q++)
		;
	if (q == end || *q != ':')
		return false;
	*part = (struct sqlpart){ .kind = SQLPART_MARK, .line = t->line };
	if (strncmp(p, "slipway:", 8) != 0) {
		part->kind = SQLPART_BAD;
		part->why = "a mark is written '-- slipway: ...', in small letters";
	}
	for (p = q + 1; p < end && is_space(*p); p++)
		;
	while (end > p && is_space(end[-1]))
		end--;
	part->text = p;
	part->length = (size_t)(end - p);
	return true;
}

/* Of PostgreSQL: false when the statement cannot be one of a migration. */
static bool
note_postgres(struct sqlsplit *s, const struct token *t)
{
	struct sqlpart *c = &s->current;
	size_t used = strlen(c->name);
	bool function = strcmp(c->word, "CREATE") == 0 && (strncmp(c->name, "FUNCTION", 8) == 0 ||
	    strncmp(c->name, "PROCEDURE", 9) == 0 || strncmp(c->name, "OR REPLACE FUNCTION", 19) == 0 ||
	    strncmp(c->name, "OR REPLACE PROCEDURE", 20) == 0);

	if (t->kind == OTHER && *t->text == '(')
		s->parens++;
	else if (t->kind == OTHER && *t->text == ')' && s->parens)
		s->parens--;
	if (t->kind != WORD) {
		s->last[0] = '\0';
		return true;
	}
	if (s->parens == 0 && strcmp(c->word, "COPY") == 0 &&
	    ((strcmp(s->last, "FROM") == 0 && is(t, "STDIN")) || (strcmp(s->last, "TO") == 0 && is(t, "STDOUT"))))
		return false;
	if (function && ((is(t, "ATOMIC") && strcmp(s->last, "BEGIN") == 0) || (s->blocks && is(t, "CASE"))))
		s->blocks++;
	else if (s->blocks && is(t, "END"))
		s->blocks--;
	fold(s->last, sizeof(s->last), t, toupper);
	s->tokens++;
	if (s->tokens == 1)
		fold(c->word, sizeof(c->word), t, toupper);
	else if (used < sizeof(c->name) - 2) {
		if (used)
			c->name[used++] = ' ';
		fold(c->name + used, sizeof(c->name) - used, t, toupper);
	}
	return true;
}

/* PRAGMA name, or PRAGMA schema.name */
static void
note_word(struct sqlsplit *s, const struct token *t)
{
	struct sqlpart *c = &s->current;

	s->tokens++;
	if (s->tokens == 1)
		fold(c->word, sizeof(c->word), t, toupper);
	else if (strcmp(c->word, "PRAGMA") == 0 && (s->tokens == 2 || (s->tokens == 4 && s->schema)))
		fold(c->name, sizeof(c->name), t, tolower);
	else if (s->tokens == 3)
		s->schema = *t->text == '.';
}

void
sqlsplit_init(struct sqlsplit *s, const char *text, size_t length)
{
	*s = (struct sqlsplit){ .text = text, .length = length, .line = 1 };
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		s->at = 3;
}

void
sqlsplit_init_postgres(struct sqlsplit *s, const char *text, size_t length)
{
	sqlsplit_init(s, text, length);
	s->postgres = true;
}

struct sqlpart
sqlsplit_next(struct sqlsplit *s)
{
	struct sqlpart part;

	for (;;) {
		struct token t = token_next(s);

		if (t.kind == SPACE)
			continue;
		if (t.kind == LINE_COMMENT) {
			if (!mark(&t, &part))
				continue;
			part.inside = s->state != NONE;
			return part;
		}
		if (t.kind == BAD)
			return (struct sqlpart){ .kind = SQLPART_BAD, .line = t.line, .why = t.why };
		if (t.kind == END && s->state == NONE)
			return (struct sqlpart){ .kind = SQLPART_END, .line = t.line };
		if (t.kind == END)
			return (struct sqlpart){ .kind = SQLPART_BAD, .line = s->current.line,
				.why = s->state < BODY ? "statement does not end with ';'" :
				"trigger does not end with 'END;'" };
		if (s->state == NONE) {
			if (t.kind == SEMICOLON)
				continue;
			if (!s->postgres && *t.text == '.')
				return (struct sqlpart){ .kind = SQLPART_BAD, .line = t.line,
					.why = "a command of the sqlite3 shell is no SQL" };
			s->current = (struct sqlpart){ .kind = SQLPART_STATEMENT, .text = t.text, .line = t.line };
			s->state = FIRST;
			s->tokens = 0;
			s->schema = false;
			s->parens = s->blocks = 0;
			s->last[0] = '\0';
		}
		if (s->postgres) {
			if (!note_postgres(s, &t))
				return (struct sqlpart){ .kind = SQLPART_BAD, .line = s->current.line,
					.why = "COPY from or to the client has no place in a migration" };
			if (t.kind != SEMICOLON || s->parens || s->blocks)
				continue;
			s->state = PLAIN;
		} else
			note_word(s, &t);
		if (t.kind == SEMICOLON && (s->state < BODY || s->state == BODY_END)) {
			part = s->current;
			part.length = (size_t)(t.text + 1 - part.text);
			s->state = NONE;
			return part;
		}
		s->state = (int)advance((enum state)s->state, &t);
	}
}
