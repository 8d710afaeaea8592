/* migrate-run [-n [-a]] [-b] [-r RELEASE] [-w SECONDS] -t VERSION DIR - run the migrations up to a version, each once, recorded with its effect */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "engine.h"
#include "lockwait.h"

static const char usage[] = "migrate-run [-n [-a]] [-b] [-r RELEASE] [-w SECONDS] -t VERSION DIR";

enum { WAIT_MS = 10000, LOCK_MS = 60000 };

struct job {
	const struct engine *engine;
	struct target target;
	struct migrations all;
	bool absent; /* the database is not there yet: none is asked */
	struct migration **pending;
	size_t count;
};

static void
warn(const char *text)
{
	diag_warn("%s", text);
}

static const char *
who(struct arena *a)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "?";

	(void)gethostname(host, sizeof(host) - 1);
	return user ? arena_fmt(a, "%s@%s %ld", user->pw_name, host, (long)getpid()) :
	    arena_fmt(a, "%ld@%s %ld", (long)geteuid(), host, (long)getpid());
}

static int
by_file(const void *key, const void *entry)
{
	return strcmp(key, ((const struct entry *)entry)->file);
}

static bool
pending_find(struct job *j, struct err *err)
{
	struct ledger ledger;
	size_t i;

	if (j->absent)
		ledger = (struct ledger){0};
	else if (!j->engine->ledger(&j->target, &ledger, err))
		return false;
	j->pending = arena_get(j->target.arena, (j->all.count + 1) * sizeof(*j->pending));
	for (i = 0; i < j->all.count; i++) {
		struct migration *m = &j->all.list[i];
		const struct entry *e = ledger.count ? bsearch(m->file, ledger.list, ledger.count, sizeof(*ledger.list), by_file) : NULL;

		if (!e)
			j->pending[j->count++] = m;
		else if (!entry_fit(j->engine, e, m, err))
			return false;
	}
	for (i = 0; i < j->count; i++)
		if (!migration_parse(j->pending[i], j->engine->postgres, j->target.arena, err) || !j->engine->allow(j->pending[i], err))
			return false;
	return true;
}

static int
show(const struct job *j)
{
	size_t i;

	for (i = 0; i < j->count; i++) {
		const struct migration *m = j->pending[i];

		(void)printf("%s\t%s\t%s\t%s\n", m->file, m->sha256, m->transaction ? "transaction" : "no-transaction", m->hazards);
	}
	return diag_flush();
}

static int
run(const struct job *j)
{
	struct err err = {0};
	bool any = false;
	size_t i;

	for (i = 0; i < j->count; i++) {
		int64_t begin = clock_ms(), took;
		bool ran = false;

		if (!j->engine->run(&j->target, j->pending[i], &ran, &err)) {
			(void)fflush(stdout);
			return diag_fail(&err);
		}
		if (!ran)
			continue;
		any = true;
		took = clock_ms() - begin;
		(void)printf("%s\t%" PRId64 ".%03d\n", j->pending[i]->file, took / 1000, (int)(took % 1000));
		(void)fflush(stdout); /* who waits for a long run sees how far it is */
	}
	return any ? diag_flush() : STATUS_NO;
}

/* What ran before there was a ledger. A database that is not there has run nothing. */
static int
baseline(const struct job *j, bool dry)
{
	struct ledger ledger;
	struct err err = {0};
	bool fresh = true;
	size_t i;

	if (!j->absent && !j->engine->there(&j->target, &fresh, &err))
		return diag_fail(&err);
	if (j->absent || !fresh || !j->all.count)
		return STATUS_NO;
	if (dry ? !j->engine->ledger(&j->target, &ledger, &err) : !j->engine->baseline(&j->target, &j->all, &fresh, &err))
		return diag_fail(&err);
	if (dry)
		fresh = ledger.count == 0;
	if (!fresh)
		return STATUS_NO;
	for (i = 0; i < j->all.count; i++)
		(void)puts(j->all.list[i].file);
	return diag_flush();
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(fd_release) int lock = -1;
	struct job j = { .target = { .wait_ms = WAIT_MS, .lock_ms = LOCK_MS, .arena = &arena } };
	bool dry = false, base = false;
	struct version version;
	struct dburl url;
	struct err err = {0};
	const char *to = NULL, *wait = NULL;
	char *end = NULL;
	int c;

	diag_init("migrate-run", usage);
	while ((c = getopt(argc, argv, "anbr:t:w:h")) != -1)
		switch (c) {
		case 'a': j.absent = true; break;
		case 'n': dry = true; break;
		case 'b': base = true; break;
		case 'r': j.target.release = optarg; break;
		case 't': to = optarg; break;
		case 'w': wait = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 1 || !to || (j.absent && !dry))
		return diag_usage();
	if (!version_parse(to, strlen(to), &version)) {
		(void)err_set(&err, STATUS_USE, "'%s' is no version", to);
		return diag_fail(&err);
	}
	if (wait) {
		j.target.wait_ms = j.target.lock_ms = *wait >= '0' && *wait <= '9' ? strtol(wait, &end, 10) * 1000 : -1;
		if (j.target.wait_ms < 0 || *end || j.target.wait_ms > 86400000) {
			(void)err_set(&err, STATUS_USE, "'%s' is no number of seconds from 0 to 86400", wait);
			return diag_fail(&err);
		}
	}
	/* 1.2.1-rc-1 needs the folder v1.2.1 as 1.2.1 does. */
	(void)version_parse(version.core.at, version.core.length, &version);
	if (!j.target.release)
		j.target.release = to;
	j.target.who = who(&arena);
	j.target.url = &url;
	if (!dburl_read(&url, &arena, &err))
		return diag_fail(&err);
	j.engine = engine_of(url.engine);
	if (!migrations_find(&j.all, argv[optind], &version, warn, &arena, &err) ||
	    (!dry && !j.engine->lock(&j.target, &lock, &err)))
		return diag_fail(&err);
	if (base)
		return baseline(&j, dry);
	if (!pending_find(&j, &err))
		return diag_fail(&err);
	if (!j.count)
		return STATUS_NO;
	return dry ? show(&j) : run(&j);
}
