/* repo-fetch [-b BRANCH | -t TAG] [-T SECONDS] [-u USER] [-i KEY] [-k KNOWN] URL DIR - fetch into a bare mirror and print a commit */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "auto.h"
#include "diag.h"
#include "fetch.h"
#include "lockwait.h"
#include "mirror.h"

static const char usage[] = "repo-fetch [-b BRANCH | -t TAG] [-T SECONDS] [-u USER] [-i KEY] [-k KNOWN] URL DIR";

enum { SECONDS = 300, SECONDS_MAX = 7 * 24 * 3600 };

static const char *
from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool
seconds_parse(const char *text, long *seconds, struct err *err)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < 1 || value > SECONDS_MAX)
		return err_set(err, STATUS_USE, "'%s' is not a number of seconds from 1 to %d", text, SECONDS_MAX);
	*seconds = value;
	return true;
}

static bool
run(struct fetch *fetch, const char *text, const char *within, char result[CHILD_RESULT], struct err *err)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(fd_release) int lock = -1;
	long seconds = SECONDS;
	const char *late;
	int64_t end;

	if ((within && !seconds_parse(within, &seconds, err)) || !url_read(&fetch->url, text, fetch->token, &arena, err))
		return false;
	end = clock_ms() + seconds * 1000;
	late = arena_fmt(&arena, "no answer from '%s' within %ld s", text, seconds);
	(void)umask(077);
	return mirror_take(&lock, fetch->dir, end, err) && child_run(fetch_run, fetch, end, late, result, err);
}

int
main(int argc, char **argv)
{
	struct fetch fetch = {.user = "x-access-token"};
	char result[CHILD_RESULT];
	const char *within = NULL;
	struct err err = {0};
	int c;

	diag_init("repo-fetch", usage);
	while ((c = getopt(argc, argv, "b:t:T:u:i:k:h")) != -1)
		switch (c) {
		case 'b': fetch.branch = optarg; break;
		case 't': fetch.tag = optarg; break;
		case 'T': within = optarg; break;
		case 'u': fetch.user = optarg; break;
		case 'i': fetch.key = optarg; break;
		case 'k': fetch.known = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 2 || (fetch.branch && fetch.tag))
		return diag_usage();
	fetch.token = from_environment("SLIPWAY_TOKEN");
	fetch.trust = from_environment("SSL_CERT_FILE");
	fetch.dir = argv[optind + 1];
	if (!run(&fetch, argv[optind], within, result, &err))
		return diag_fail(&err);
	(void)puts(result);
	return diag_flush();
}
