/* envfile.c - see envfile.h */
#define _GNU_SOURCE
#include "envfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "auto.h"
#include "durable.h"

enum { LIMIT = 1024 * 1024 };

struct envfile_line {
	struct envfile_line *before;
	const char *name, *value;
};

size_t
envfile_name(const char *text)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

	return *text && strchr(first, *text) ? strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") : 0;
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Nothing but blanks and, behind one, a comment. */
static bool
is_over(const char *s)
{
	const char *rest = skip_blanks(s);

	return !*rest || (*rest == '#' && rest > s);
}

/* The text between the quotes at s, NULL when they do not close or something stands behind them. */
static const char *
quoted(struct arena *a, const char *s)
{
	char quote = *s++, *out = arena_get(a, strlen(s) + 1), *o = out;

	for (; *s && *s != quote; s++) {
		if (quote == '"' && *s == '\\' && s[1] && strchr("n\"\\", s[1]))
			*o++ = *++s == 'n' ? '\n' : *s;
		else
			*o++ = *s;
	}
	return *s && is_over(s + 1) ? out : NULL;
}

static const char *
unquoted(struct arena *a, const char *s)
{
	const char *start = skip_blanks(s), *end = start;
	size_t i;

	for (i = 0; s[i] && !(s[i] == '#' && i && is_blank(s[i - 1])); i++)
		if (!is_blank(s[i]))
			end = s + i + 1;
	return arena_dup(a, start, (size_t)(end - start));
}

/* False for a line that is no assignment, comment or blank. */
static bool
take(struct envfile *e, struct arena *a, const char *s)
{
	const char *value;
	struct envfile_line *l;
	size_t length;

	s = skip_blanks(s);
	if (!*s || *s == '#')
		return true;
	if (strncmp(s, "export", 6) == 0 && is_blank(s[6]))
		s = skip_blanks(s + 6);
	length = envfile_name(s);
	if (!length || s[length] != '=')
		return false;
	l = arena_get(a, sizeof(*l));
	l->name = arena_dup(a, s, length);
	value = skip_blanks(s + length + 1);
	l->value = *value == '\'' || *value == '"' ? quoted(a, value) : unquoted(a, s + length + 1);
	l->before = e->last;
	e->last = l;
	return l->value != NULL;
}

bool
envfile_load(struct envfile *e, struct arena *a, const char *path, struct err *err)
{
	AUTO(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(mem_release) char *text = NULL;
	size_t length, number = 0;
	char *line, *over, *end;

	if (fd < 0)
		return errno == ENOENT || err_sys(err, "cannot open '%s'", path);
	text = read_all(fd, path, LIMIT, &length, err);
	if (!text)
		return false;
	end = text + length;
	line = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
	for (; line < end; line = over + 1) {
		over = memchr(line, '\n', (size_t)(end - line));
		if (!over)
			over = end;
		number++;
		if (memchr(line, '\0', (size_t)(over - line)))
			return err_set(err, STATUS_USE, "%s:%zu: a NUL byte", path, number);
		*over = '\0';
		if (over > line && over[-1] == '\r')
			over[-1] = '\0';
		if (!take(e, a, line))
			return err_set(err, STATUS_USE, "%s:%zu: not KEY=value", path, number);
	}
	return true;
}

const char *
envfile_get(const struct envfile *e, const char *name, size_t length)
{
	const struct envfile_line *l;

	for (l = e->last; l; l = l->before)
		if (strncmp(l->name, name, length) == 0 && !l->name[length])
			return l->value;
	return NULL;
}
