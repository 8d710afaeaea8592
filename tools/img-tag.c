/* img-tag [-l] -a APP -e ENVIRONMENT [-c COMMIT] [-d CREATED] VERSION - the image names of a version, or its OCI labels */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "arena.h"
#include "diag.h"
#include "version.h"

static const char usage[] = "img-tag [-l] -a APP -e ENVIRONMENT [-c COMMIT] [-d CREATED] VERSION | img-tag -r TAG";

enum { TAG_LONGEST = 128, NAME_LONGEST = 255 };

/* A tag holds no `+` and a version no `_`, so that the one stands for the other and there is a way back. */
static const char plus = '+', plus_in_tag = '_';

/* A path component of Docker's reference grammar: runs of [a-z0-9] with `.`, `_`, `__` or dashes between. */
static bool
component(const char *what, const char *text, struct err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const char *p = text;

	for (;;) {
		size_t run = strspn(p, plain), gap;

		p += run;
		if (run && !*p && strlen(text) <= NAME_LONGEST)
			return true;
		gap = *p == '-' ? strspn(p, "-") : *p == '_' ? strspn(p, "_") : *p == '.';
		if (!run || !gap || (*p == '_' && gap > 2))
			return err_set(err, STATUS_USE, "%s '%s' cannot be part of an image's name", what, text);
		p += gap;
	}
}

/* Without the v; lives in the arena. */
static char *
version_of(const char *text, struct arena *a, struct err *err)
{
	struct version v;

	if (version_parse(text, strlen(text), &v) && v.text.length <= TAG_LONGEST)
		return arena_dup(a, v.text.at, v.text.length);
	(void)err_set(err, STATUS_USE, "'%s' is no version that fits into a tag", text);
	return NULL;
}

static char *
swap(char *text, char from, char to)
{
	char *p = strchr(text, from);

	if (p)
		*p = to;
	return text;
}

static bool
commit_fit(const char *text, struct err *err)
{
	size_t n = strlen(text);

	return ((n == 40 || n == 64) && strspn(text, "0123456789abcdef") == n) ||
	    err_set(err, STATUS_USE, "'%s' is no commit: 40 or 64 hex digits", text);
}

static bool
created_fit(const char *text, struct err *err)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i;

	for (i = 0; form[i] && (form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]); i++)
		;
	if (!form[i] && text[i] == '.' && text[i + 1] != 'Z')
		i += 1 + strspn(text + i + 1, "0123456789");
	return (i >= sizeof(form) - 1 && strcmp(text + i, "Z") == 0) ||
	    err_set(err, STATUS_USE, "'%s' is no time of the form 2006-01-02T15:04:05Z", text);
}

static int
version_again(const char *tag, struct arena *a, struct err *err)
{
	const char *version = strchr(tag, plus) ? NULL : version_of(swap(arena_str(a, tag), plus_in_tag, plus), a, err);

	if (!version || strcmp(version, swap(arena_str(a, tag), plus_in_tag, plus)) != 0) {
		*err = (struct err){0};
		(void)err_set(err, STATUS_USE, "'%s' is no tag of a version", tag);
		return diag_fail(err);
	}
	(void)puts(version);
	return diag_flush();
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	const char *app = NULL, *env = NULL, *commit = NULL, *created = NULL, *tag = NULL, *version;
	bool labels = false;
	struct err err = {0};
	int c;

	diag_init("img-tag", usage);
	while ((c = getopt(argc, argv, "la:e:c:d:r:h")) != -1)
		switch (c) {
		case 'l': labels = true; break;
		case 'a': app = optarg; break;
		case 'e': env = optarg; break;
		case 'c': commit = optarg; break;
		case 'd': created = optarg; break;
		case 'r': tag = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (tag)
		return argc == optind && !labels && !app && !env && !commit && !created ? version_again(tag, &arena, &err) :
		    diag_usage();
	if (argc - optind != 1 || !app || !env || (!labels && (commit || created)))
		return diag_usage();
	version = version_of(argv[optind], &arena, &err);
	if (!version || !component("application", app, &err) || !component("environment", env, &err) ||
	    !component("name", arena_fmt(&arena, "%s-%s", app, env), &err) || (commit && !commit_fit(commit, &err)) ||
	    (created && !created_fit(created, &err)))
		return diag_fail(&err);
	if (labels) {
		(void)printf("org.opencontainers.image.version=%s\n", version);
		if (commit)
			(void)printf("org.opencontainers.image.revision=%s\n", commit);
		if (created)
			(void)printf("org.opencontainers.image.created=%s\n", created);
		(void)printf("io.slipway.app=%s\nio.slipway.env=%s\n", app, env);
		return diag_flush();
	}
	/* Images of prod are kept for rollback, those of other environments are not. */
	if (strcmp(env, "prod") == 0)
		(void)printf("%s-%s:%s\n", app, env, swap(arena_str(&arena, version), plus, plus_in_tag));
	(void)printf("%s-%s:latest\n", app, env);
	return diag_flush();
}
