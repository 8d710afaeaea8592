/* check.c - see check.h */
#include "check.h"

#include <string.h>

#include "near.h"
#include "scalar.h"

struct walk {
	struct faults *faults;
	const struct conf *conf;
	const struct key *root;
	const struct conf_place *base; /* where the table begins: the document, or one below a root of another */
};

/* NULL for a fault that is only counted. */
static struct err *
next_fault(struct walk *w)
{
	return w->faults->count++ < FAULTS_TOLD ? &w->faults->told[w->faults->count - 1] : NULL;
}

/* Digits, without the leading zero that a shell would take for octal, and few enough for its arithmetic. */
static bool
is_count(const char *text, bool fraction)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 9 || (digits > 1 && *text == '0'))
		return false;
	text += digits;
	if (fraction && *text == '.') {
		digits = strspn(++text, "0123456789");
		text += digits;
	}
	return digits && !*text;
}

static bool
has_variable(const char *text)
{
	for (; (text = strchr(text, '$')); text += 1 + (text[1] == '$'))
		if (text[1] == '{')
			return true;
	return false;
}

static bool
fits(struct arena *a, const struct node *n, unsigned types)
{
	const char *token;

	switch (n->kind) {
	case NODE_MAP:
		return types & (TYPE_MAP | TYPE_ROOT);
	case NODE_LIST:
		return types & TYPE_LIST;
	default:
		if (types & TYPE_TEXT || (types & TYPE_SCALAR && has_variable(n->text)))
			return true;
		if ((types & TYPE_NUMBER && is_count(n->text, false)) || (types & TYPE_SECONDS && is_count(n->text, true)))
			return true;
		token = types & TYPE_BOOL ? scalar_json(a, n->text) : NULL;
		return token && (*token == 't' || *token == 'f');
	}
}

static const char *
what_it_is(struct arena *a, const struct node *n)
{
	const char *token;

	if (node_is_null(n))
		return "empty";
	if (n->kind != NODE_SCALAR)
		return n->kind == NODE_MAP ? "a mapping" : "a list";
	token = scalar_json(a, n->text);
	return !token ? "text" : *token == 't' || *token == 'f' ? "true or false" : "a number";
}

static void
wrong_type(struct walk *w, const struct conf_place *p, uint32_t line, const struct key *k, unsigned types)
{
	struct arena *a = w->conf->arena;
	struct err *err = next_fault(w);

	if (!err)
		return;
	(void)err_set(err, STATUS_USE, "%s:%u: %s is %s; it must be %s", p->node->file, line, conf_path(w->conf, p),
	    what_it_is(a, p->node), keys_types(a, types));
	if (k->means && *k->means)
		(void)err_hint(err, *k->fallback ? "%s (default %s)" : "%s", k->means, k->fallback);
}

/* Lists of the names below a key, for a reader who meant none that is near. */
static const char *
names_below(struct arena *a, const struct key *up, bool repeated)
{
	const char *names = NULL;
	const struct key *k;

	for (k = up->down; k; k = k->next)
		if (!k->open && !(repeated && k->repeats))
			names = names ? arena_fmt(a, "%s, %s", names, k->name) : k->name;
	return names;
}

static void
unknown(struct walk *w, const struct conf_place *p, uint32_t line, const struct key *up)
{
	struct arena *a = w->conf->arena;
	const struct conf_place *above;
	const char *path[KEYS_DEPTH], *near, *names, *base;
	struct err *err = next_fault(w);
	size_t depth = 0, i;

	if (!err)
		return;
	base = w->base->up ? conf_path(w->conf, w->base) : NULL;
	(void)err_set(err, STATUS_USE, "%s:%u: unknown key '%s'", p->node->file, line, conf_path(w->conf, p));
	for (above = p; above != w->base; above = above->up)
		depth++;
	for (above = p, i = depth; i; above = above->up)
		path[--i] = above->key;
	near = near_key(a, w->root, path, depth, base != NULL);
	if (near) {
		(void)err_hint(err, "did you mean '%s%s%s'?", base ? base : "", base ? "." : "", near);
		return;
	}
	names = names_below(a, up, base != NULL);
	if (names)
		(void)err_hint(err, "known there: %s", names);
}

static void check_value(struct walk *w, const struct conf_place *p, uint32_t line, const struct key *k);

static void
check_map(struct walk *w, const struct conf_place *p, const struct key *up)
{
	uint32_t i;

	for (i = 0; i < p->node->count; i++) {
		struct conf_place child = conf_nth(p, i);
		uint32_t line = p->node->pairs[i].line;
		const struct key *k = keys_find(up, child.key);

		if (!k || (k->repeats && w->base->up))
			unknown(w, &child, line, up);
		else
			check_value(w, &child, line, k);
	}
}

static void
check_value(struct walk *w, const struct conf_place *p, uint32_t line, const struct key *k)
{
	uint32_t i;

	if (k->types & TYPE_ANY || node_is_null(p->node))
		return;
	if (!fits(w->conf->arena, p->node, k->types)) {
		wrong_type(w, p, line, k, k->types);
	} else if (p->node->kind == NODE_LIST) {
		for (i = 0; i < p->node->count; i++) {
			struct conf_place item = conf_nth(p, i);

			if (node_is_null(item.node) || item.node->kind != NODE_SCALAR)
				wrong_type(w, &item, item.node->line, k, TYPE_TEXT);
		}
	} else if (k->types & TYPE_ROOT) {
		struct walk inner = {.faults = w->faults, .conf = w->conf, .root = w->root, .base = p};

		check_map(&inner, p, w->root);
	} else if (p->node->kind == NODE_MAP && k->down) {
		check_map(w, p, k);
	}
}

void
check(struct faults *f, const struct conf *c, const struct key *root)
{
	struct conf_place document = {.node = c->root};
	struct walk w = {.faults = f, .conf = c, .root = root, .base = &document};

	f->count = 0;
	if (c->root->kind == NODE_MAP)
		check_map(&w, &document, root);
	else
		(void)err_set(&f->told[f->count++], STATUS_USE, "%s:%u: the document is %s; it must be a mapping", c->root->file,
		    c->root->line, what_it_is(c->arena, c->root));
}
