/* dburl.c - see dburl.h */
#include "dburl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LONGEST = 4000 };

static bool
refuse(struct err *err, const char *why)
{
	return err_set(err, STATUS_USE, DBURL_VARIABLE ": %s", why);
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind the colon of `NAME:` or `NAME+driver:`; NULL for any other scheme. */
static const char *
scheme_cut(const char *text, const char *name)
{
	if (strncmp(text, name, strlen(name)) != 0)
		return NULL;
	text += strlen(name);
	if (*text == '+')
		text += 1 + strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return *text == ':' ? text + 1 : NULL;
}

bool
dburl_parse(struct dburl *url, const char *text, struct arena *arena, struct err *err)
{
	const char *p = scheme_cut(text, "postgresql");
	size_t length, i, n = 0;

	*url = (struct dburl){0};
	if (!p)
		p = scheme_cut(text, "postgres");
	if (p && strncmp(p, "//", 2) == 0) {
		for (i = 0; p[i]; i++)
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return refuse(err, "holds a control byte");
		url->engine = DBURL_POSTGRES;
		url->text = arena_fmt(arena, "postgresql:%s", p);
		return true;
	}
	p = scheme_cut(text, "sqlite");
	if (!p)
		return refuse(err, "this version knows sqlite: and postgresql:// only");
	if (strncmp(p, "//", 2) == 0) {
		if (p[2] != '/')
			return refuse(err, "a file has no host; write sqlite:///relative/path or sqlite:////absolute/path");
		p += 3;
	}
	length = strcspn(p, "?");
	if (length > PATH_LONGEST)
		return refuse(err, "the path is too long");
	url->engine = DBURL_SQLITE;
	url->path = arena_get(arena, length + 1);
	for (i = 0; i < length; i++) {
		int c = (unsigned char)p[i];

		if (c == '%') {
			int high = length - i > 2 ? digit(p[i + 1]) : -1, low = length - i > 2 ? digit(p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return refuse(err, "'%' without two hex digits behind it");
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return refuse(err, "the path holds a control byte");
		url->path[n++] = (char)c;
	}
	if (n == 0)
		return refuse(err, "names no file");
	if (url->path[n - 1] == '/')
		return refuse(err, "names a folder, not a file");
	if (strcmp(url->path, ":memory:") == 0 || strncmp(url->path, "file:", 5) == 0)
		return refuse(err, "must name a file by its plain path");
	return true;
}

bool
dburl_read(struct dburl *url, struct arena *arena, struct err *err)
{
	const char *text = getenv(DBURL_VARIABLE);

	if (!text || !*text) {
		(void)err_hint(err, "for instance sqlite:///data/app.db or postgresql://user@host/database");
		return err_set(err, STATUS_USE, DBURL_VARIABLE " is not set");
	}
	return dburl_parse(url, text, arena, err);
}
