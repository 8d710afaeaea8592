/* diag.c - see diag.h */
#include "diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *diag_name = "slipway";
static const char *diag_synopsis = "";

static void
say(const char *kind, const char *text)
{
	char clean[4096];
	size_t i;

	for (i = 0; text[i] && i < sizeof(clean) - 1; i++)
		clean[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	clean[i] = '\0';
	(void)fprintf(stderr, "%s: %s%s\n", diag_name, kind, clean);
}

void
diag_init(const char *name, const char *usage)
{
	static const int useless[] = {O_WRONLY, O_RDONLY, O_WRONLY}; /* a closed stdin or stdout is an error when used */
	int fd;

	diag_name = name;
	diag_synopsis = usage;
	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", useless[fd]);
}

int
diag_help(void)
{
	(void)printf("usage: %s\n", diag_synopsis);
	return diag_flush();
}

int
diag_usage(void)
{
	(void)fprintf(stderr, "usage: %s\n", diag_synopsis);
	return STATUS_USE;
}

int
diag_fail(const struct err *err)
{
	say("", err->status ? err->text : "failed without a reason");
	if (err->hint[0])
		say("hint: ", err->hint);
	return err->status ? err->status : STATUS_SYS;
}

int
diag_flush(void)
{
	struct err err = {0};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	if (!errno)
		errno = EIO;
	(void)err_sys(&err, "cannot write to standard output");
	return diag_fail(&err);
}

void
diag_warn(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("", text);
}
