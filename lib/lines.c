/* lines.c - see lines.h */
#define _GNU_SOURCE
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *
lines_next(struct lines *l, size_t *length, struct err *err)
{
	ssize_t n;

	errno = 0;
	n = getdelim(&l->text, &l->room, l->separator, l->in);
	if (n < 0) {
		if (ferror(l->in) || errno)
			(void)err_sys(err, "cannot read '%s'", l->name);
		return NULL;
	}
	l->number++;
	if (n > 0 && l->text[n - 1] == l->separator)
		l->text[--n] = '\0';
	if (memchr(l->text, '\0', (size_t)n)) {
		(void)err_set(err, STATUS_USE, "%s:%lu: record holds a NUL byte", l->name, l->number);
		return NULL;
	}
	*length = (size_t)n;
	return l->text;
}

void
lines_release(struct lines *l)
{
	free(l->text);
	l->text = NULL;
}
