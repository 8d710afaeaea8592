/* conf.c - see conf.h */
#define _GNU_SOURCE
#include "conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "expand.h"
#include "yamltree.h"

extern char **environ;

static const char prefix[] = "SLIPWAY_";

static const struct node *
load_one(struct arena *a, const char *file, struct err *err)
{
	AUTO(mem_release) char *text = NULL;
	const char *name = file ? file : "standard input";
	size_t length;

	text = file ? read_whole(file, CONF_LIMIT, &length, err) : read_all(STDIN_FILENO, name, CONF_LIMIT, &length, err);
	return text ? yamltree(a, arena_str(a, name), text, length, err) : NULL;
}

static bool
lay_environment(struct conf *c, const char *name, struct err *err)
{
	const struct node *all = node_get(c->root, "environments"), *one;

	if (!*name)
		return err_set(err, STATUS_USE, "the name of the environment is empty");
	if (node_is_null(all))
		return true;
	if (all->kind != NODE_MAP)
		return err_set(err, STATUS_USE, "%s:%u: 'environments' is a %s, not a mapping", all->file, all->line,
		    node_kind_name(all));
	one = node_get(all, name);
	if (node_is_null(one))
		return true;
	if (one->kind != NODE_MAP)
		return err_set(err, STATUS_USE, "%s:%u: 'environments.%s' is a %s, not a mapping", one->file, one->line, name,
		    node_kind_name(one));
	c->root = node_merge(c->arena, c->root, one);
	return true;
}

bool
conf_open(struct conf *c, struct arena *a, const struct conf_source *source, struct err *err)
{
	size_t i, files = source->count ? source->count : 1;
	char **e;

	*c = (struct conf){.arena = a};
	for (i = 0; i < files; i++) {
		const struct node *n = load_one(a, source->count ? source->files[i] : NULL, err);

		if (!n)
			return false;
		c->root = c->root ? node_merge(a, c->root, n) : n;
	}
	for (e = environ; e && *e; e++)
		c->overrides |= strncmp(*e, prefix, strlen(prefix)) == 0;
	return (!source->environment || lay_environment(c, source->environment, err)) &&
	    (!source->dotenv || envfile_load(&c->dotenv, a, source->dotenv, err));
}

const char *
conf_usual(void)
{
	static const char *const usual[] = {"config/slipway.yaml", "tools/deployment/config.yaml"};
	const char *given = getenv("SLIPWAY_CONFIG");
	size_t i;

	if (given && *given)
		return given;
	for (i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (access(usual[i], F_OK) == 0)
			return usual[i];
	return NULL;
}

struct conf_place
conf_child(const struct conf_place *up, const char *key)
{
	struct conf_place p = {.up = up, .key = key, .node = node_get(up->node, key)};
	size_t digits = strspn(key, "0123456789");

	/* An item by its number: 0, or digits that begin with another one. */
	if (up->node && up->node->kind == NODE_LIST && digits && !key[digits] && digits < 10 && (digits == 1 || *key != '0')) {
		p.index = (size_t)strtoul(key, NULL, 10);
		if (p.index < up->node->count) {
			p.key = NULL;
			p.node = up->node->items[p.index];
		}
	}
	return p;
}

size_t
conf_count(const struct conf_place *p)
{
	return p->node && p->node->kind != NODE_SCALAR ? p->node->count : 0;
}

struct conf_place
conf_nth(const struct conf_place *up, size_t n)
{
	struct conf_place p = {.up = up};

	if (up->node->kind == NODE_MAP) {
		p.key = up->node->pairs[n].key;
		p.node = up->node->pairs[n].value;
	} else {
		p.index = n;
		p.node = up->node->items[n];
	}
	return p;
}

const struct conf_place *
conf_find(const struct conf *c, const char *path, struct err *err)
{
	struct conf_place *p = arena_get(c->arena, sizeof(*p));
	char *key, *k;

	p->node = c->root;
	if (strcmp(path, ".") == 0)
		return p;
	for (;; path++) {
		struct conf_place *up = p;

		key = k = arena_get(c->arena, strlen(path) + 1);
		for (; *path && *path != '.'; path++) {
			if (*path == '\\' && (path[1] == '.' || path[1] == '\\'))
				path++;
			*k++ = *path;
		}
		if (k == key) {
			(void)err_set(err, STATUS_USE, "a key in the path is empty");
			return NULL;
		}
		p = arena_get(c->arena, sizeof(*p));
		*p = conf_child(up, key);
		if (!*path)
			return p;
	}
}

const char *
conf_path(const struct conf *c, const struct conf_place *p)
{
	const char *up, *key = p->key;
	char *shown, *o;

	if (!p->up)
		return ".";
	up = p->up->up ? conf_path(c, p->up) : NULL;
	if (!key)
		return arena_fmt(c->arena, "%s%s%zu", up ? up : "", up ? "." : "", p->index);
	for (shown = o = arena_get(c->arena, 2 * strlen(key) + 1); *key; *o++ = *key++)
		if (*key == '.' || *key == '\\')
			*o++ = '\\';
	return up ? arena_fmt(c->arena, "%s.%s", up, shown) : shown;
}

/* Writes the variable's name of the place; false when it has none. */
static bool
override_name(const struct conf_place *p, char *out, size_t room)
{
	char number[24];
	const char *key = p->key;
	size_t used;

	if (!p->up) {
		(void)snprintf(out, room, "%s", prefix);
		return true;
	}
	if (!override_name(p->up, out, room))
		return false;
	if (!key) {
		(void)snprintf(number, sizeof(number), "%zu", p->index);
		key = number;
	}
	used = strlen(out);
	if (used + strlen(key) + 3 > room || strchr(key, '='))
		return false;
	if (p->up->up) {
		memcpy(out + used, "__", 2);
		used += 2;
	}
	for (; *key; key++)
		out[used++] = *key == '-' || *key == '.' ? '_' : *key >= 'a' && *key <= 'z' ? (char)(*key - 'a' + 'A') : *key;
	out[used] = '\0';
	return true;
}

static const char *
override(const struct conf *c, const struct conf_place *p)
{
	char name[1024];

	return c->overrides && p->up && override_name(p, name, sizeof(name)) ? getenv(name) : NULL;
}

static const char *
lookup(const void *context, const char *name, size_t length)
{
	const struct conf *c = context;
	char **e;

	for (e = environ; e && *e; e++)
		if (strncmp(*e, name, length) == 0 && (*e)[length] == '=')
			return *e + length + 1;
	return envfile_get(&c->dotenv, name, length);
}

static bool
bad_value(const struct conf *c, const struct conf_place *p, const char *what, const char *name, struct err *err)
{
	return err_set(err, STATUS_USE, "%s:%u: %s: ${%s} %s", p->node->file, p->node->line, conf_path(c, p), name, what);
}

bool
conf_text(const struct conf *c, const struct conf_place *p, struct conf_value *v, struct err *err)
{
	const struct node *n = p->node;
	const char *name = "";

	*v = (struct conf_value){0};
	if (n && n->kind != NODE_SCALAR)
		return err_set(err, STATUS_USE, "%s:%u: '%s' is a %s, not one value", n->file, n->line, conf_path(c, p),
		    node_kind_name(n));
	v->text = override(c, p);
	v->given = v->text != NULL;
	if (v->text || node_is_null(n))
		return true;
	switch (expand(c->arena, n->text, lookup, c, &v->text, &name)) {
	case EXPAND_SAME:
	case EXPAND_DONE:
		return true;
	case EXPAND_FILLED:
		v->given = true;
		return true;
	case EXPAND_UNSET:
		v->text = NULL;
		return (p->key && strcmp(p->key, "token") == 0) || bad_value(c, p, "is not set", name, err);
	case EXPAND_NESTED:
		return bad_value(c, p, "has a default that holds another ${", name, err);
	case EXPAND_HUGE:
		break;
	}
	return bad_value(c, p, "makes it larger than 16 MiB", name, err);
}
