/* dburl.h - where the application's database is: the environment variable SLIPWAY_DATABASE_URL, never argv.
 *
 * `sqlite:///relative/path`, `sqlite:////absolute/path` (as SQLAlchemy writes it, a driver as in
 * `sqlite+aiosqlite:` and options behind `?` are the application's and passed over) or `sqlite:path`; percent
 * escapes are decoded. `postgresql://user:password@host:port/db?sslmode=...` or `postgres://`, without the driver
 * (`postgresql+psycopg2:`) for libpq, which takes it whole. No error text repeats the URL: it may hold a password. */
#ifndef SLIPWAY_DBURL_H
#define SLIPWAY_DBURL_H

#include <stdbool.h>

#include "arena.h"
#include "err.h"

#define DBURL_VARIABLE "SLIPWAY_DATABASE_URL"

enum dburl_engine { DBURL_SQLITE, DBURL_POSTGRES };

struct dburl {
	enum dburl_engine engine;
	char *path; /* SQLite: of the file; relative = to the current folder */
	char *text; /* PostgreSQL: the whole URL */
};

/* From the environment; unset, empty or malformed is STATUS_USE. What it points at lives in the arena. */
bool dburl_read(struct dburl *url, struct arena *arena, struct err *err);
bool dburl_parse(struct dburl *url, const char *text, struct arena *arena, struct err *err);

#endif
