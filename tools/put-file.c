/* put-file [-m MODE] FILE - write standard input to FILE, whole or not at all */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "durable.h"

static const char usage[] = "put-file [-m MODE] FILE";

static bool
mode_parse(const char *text, mode_t *mode, struct err *err)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || value > 07777)
		return err_set(err, STATUS_USE, "'%s' is not an octal mode", text);
	*mode = (mode_t)value;
	return true;
}

/* An existing file passes its mode on; a link or anything but a plain file is refused, since a rename would
 * put a file in its place. */
static bool
mode_of_old(const char *path, mode_t *mode, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, STATUS_USE, "'%s' exists and is not a plain file", path);
	*mode = st.st_mode & 07777;
	return true;
}

static bool
copy_in(struct durable *d, struct err *err)
{
	char buf[64 * 1024];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read standard input");
		if (n == 0)
			return true;
		if (!durable_write(d, buf, (size_t)n, err))
			return false;
	}
}

int
main(int argc, char **argv)
{
	AUTO(durable_release) struct durable d = DURABLE_INIT;
	struct err err = {0};
	const char *given = NULL;
	mode_t mode;
	int c;

	diag_init("put-file", usage);
	while ((c = getopt(argc, argv, "m:h")) != -1)
		switch (c) {
		case 'm': given = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 1)
		return diag_usage();
	mode = umask(0);
	(void)umask(mode);
	mode = 0666 & ~mode;
	if (!mode_of_old(argv[optind], &mode, &err) || (given && !mode_parse(given, &mode, &err)) ||
	    !durable_begin(&d, argv[optind], mode, &err) || !copy_in(&d, &err) || !durable_commit(&d, &err))
		return diag_fail(&err);
	return diag_flush();
}
