/* conf.h - configuration files laid over each other, and the text of a value at a path.
 *
 * A path is keys joined by dots, `http_server.port`; a number picks an item of a list, `\.` and `\\` are a dot and a
 * backslash inside a key, `.` alone is everything. A value is absent when its key is, or when it is null; the empty
 * string in quotes is a value. What conf_text gives for a scalar, highest first:
 *   the variable SLIPWAY_HTTP_SERVER__PORT for http_server.port (upper case, `__` for the dot, `_` for a dash or a dot
 *     inside a key), taken as it is, even when the files have no such key; lists and mappings are not overridden
 *   the text of the files with ${VAR}, ${VAR:-default} and $$ expanded (expand.h) from the environment, then the .env
 *     file; an unset variable is STATUS_USE, but makes a key `token` absent
 *
 * Contract: everything lives in the arena. A place is where a path leads, in the files or not; it is never NULL. No
 * error text holds a value; those about a value name file, line and path. */
#ifndef SLIPWAY_CONF_H
#define SLIPWAY_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "envfile.h"
#include "err.h"
#include "node.h"

enum { CONF_LIMIT = 16 * 1024 * 1024 };

struct conf {
	struct arena *arena;
	const struct node *root;
	struct envfile dotenv;
	bool overrides; /* some SLIPWAY_ variable is set at all */
};

struct conf_source {
	const char *const *files;  /* the later wins; none: standard input */
	size_t count;
	const char *environment;   /* NULL, or NAME: the mapping environments.NAME, if there, is laid over the root */
	const char *dotenv;        /* NULL, or a .env file, which may be missing */
};

struct conf_place {
	const struct conf_place *up; /* NULL for the root */
	const char *key;             /* NULL for the root and for an item */
	size_t index;                /* of an item */
	const struct node *node;     /* NULL when the files have nothing here */
};

struct conf_value {
	const char *text; /* NULL: absent */
	bool given;       /* the text came, whole or in part, from a variable or its default */
};

bool conf_open(struct conf *c, struct arena *a, const struct conf_source *source, struct err *err);

/* $SLIPWAY_CONFIG, else config/slipway.yaml, else tools/deployment/config.yaml; NULL when none of them is there. */
const char *conf_usual(void);

/* NULL only for a path that is none. */
const struct conf_place *conf_find(const struct conf *c, const char *path, struct err *err);
/* What is below a place; up is borrowed. key: any text, dots and all. nth: item or key in file order, below count. */
struct conf_place conf_child(const struct conf_place *up, const char *key);
struct conf_place conf_nth(const struct conf_place *up, size_t n);
size_t conf_count(const struct conf_place *p);

/* The path of the place, for people. */
const char *conf_path(const struct conf *c, const struct conf_place *p);

/* The text of a scalar; a list or a mapping here is STATUS_USE. */
bool conf_text(const struct conf *c, const struct conf_place *p, struct conf_value *v, struct err *err);

#endif
