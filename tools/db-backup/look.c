/* look.c - db-backup where, look and sweep: where the database is, by its URL alone, what is there, and what should not be */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "auto.h"
#include "diag.h"
#include "engine.h"
#include "verbs.h"

int
verb_where(const struct options *o)
{
	struct request r = { .arena = o->store.arena };
	struct err err = {0};
	struct dburl url;
	const char *place;

	r.url = &url;
	if (!dburl_read(&url, o->store.arena, &err) || !(place = engine_of(url.engine)->where(&r, &err)))
		return diag_fail(&err);
	(void)printf("%s\t%s\n", engine_of(url.engine)->name, place);
	return diag_flush();
}

int
verb_look(const struct options *o)
{
	struct request r = { .wait_ms = o->store.wait_ms, .arena = o->store.arena };
	struct err err = {0};
	struct dburl url;
	struct sight sight;

	r.url = &url;
	if (!dburl_read(&url, o->store.arena, &err))
		return diag_fail(&err);
	if (!engine_of(url.engine)->there(&r, &err))
		return err.status ? diag_fail(&err) : STATUS_NO;
	if (!engine_of(url.engine)->look(&r, &sight, &err))
		return diag_fail(&err);
	(void)printf("%s\t%" PRIu64 "\t%s\t%s\n", engine_of(url.engine)->name, sight.bytes, sight.version,
	    sight.replaceable ? "yes" : "no");
	return diag_flush();
}

int
verb_sweep(const struct options *o)
{
	struct request r = { .wait_ms = o->store.wait_ms, .arena = o->store.arena };
	struct err err = {0};
	struct dburl url;

	r.url = &url;
	if (!dburl_read(&url, o->store.arena, &err) ||
	    (engine_of(url.engine)->sweep && !engine_of(url.engine)->sweep(&r, &err)))
		return diag_fail(&err);
	return diag_flush();
}
