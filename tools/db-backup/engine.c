/* engine.c - see engine.h */
#include "engine.h"

#include <string.h>

static const struct engine *const engines[] = { &engine_sqlite, &engine_postgres, &engine_postgres_copy, NULL };

const struct engine *
engine_of(enum dburl_engine kind)
{
	size_t i;

	for (i = 0; engines[i + 1] && engines[i]->kind != kind; i++)
		;
	return engines[i];
}

const struct engine *
engine_named(const char *name)
{
	size_t i;

	for (i = 0; engines[i]; i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}
