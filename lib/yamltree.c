/* yamltree.c - see yamltree.h */
#include "yamltree.h"

#include <string.h>
#include <yaml.h>

#include "auto.h"
#include "utf8.h"

struct load {
	struct arena *arena;
	const char *file;
	struct err *err;
	struct node **pending;           /* children of the open lists and mappings, innermost last */
	size_t used, room;
	struct node *open[YAMLTREE_DEPTH];
	size_t start[YAMLTREE_DEPTH];    /* where the children of open[i] begin in pending */
	size_t depth, aliased, anchors;
	struct { const char *name; struct node *node; } anchor[YAMLTREE_ANCHORS];
};

static bool
bad(struct load *l, size_t line, size_t column, const char *what)
{
	return err_set(l->err, STATUS_USE, "%s:%zu:%zu: %s", l->file, line, column, what);
}

static bool
bad_at(struct load *l, const struct node *n, const char *what)
{
	return bad(l, n->line, n->column, what);
}

static bool
bad_byte(struct load *l, const char *text, size_t at, const char *what)
{
	size_t line = 1, start = 0, i;

	for (i = 0; i < at; i++)
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	return bad(l, line, at - start + 1, what);
}

static bool
bad_syntax(struct load *l, const yaml_parser_t *p, const char *text, size_t length)
{
	size_t line = p->problem_mark.line, column = p->problem_mark.column + 1, at = 0, seen = 0;

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(l->err, STATUS_SYS, "%s: out of memory", l->file);
	if (p->error == YAML_READER_ERROR)
		return bad_byte(l, text, p->problem_offset < length ? p->problem_offset : length, "not YAML: a control character");
	while (at < length && seen < line)
		seen += text[at++] == '\n';
	at += strspn(text + at, " ");
	if (at < length && text[at] == '\t')
		return bad(l, line + 1, column, "not YAML: a tab cannot indent");
	if (!p->context)
		return err_set(l->err, STATUS_USE, "%s:%zu:%zu: not YAML: %s", l->file, line + 1, column, p->problem);
	if (p->context_mark.line == line)
		return err_set(l->err, STATUS_USE, "%s:%zu:%zu: not YAML: %s %s", l->file, line + 1, column, p->problem, p->context);
	return err_set(l->err, STATUS_USE, "%s:%zu:%zu: not YAML: %s %s that begins on line %zu", l->file, line + 1, column,
	    p->problem, p->context, p->context_mark.line + 1);
}

/* Hangs the node into whatever is open; it is the root when nothing is. */
static void
push(struct load *l, struct node *n)
{
	if (l->used == l->room) {
		size_t more = l->room ? 2 * l->room : 1024;

		l->pending = arena_grow(l->arena, l->pending, l->room * sizeof(*l->pending), more * sizeof(*l->pending));
		l->room = more;
	}
	l->pending[l->used++] = n;
}

static bool
name_anchor(struct load *l, const yaml_char_t *name, struct node *n)
{
	if (!name)
		return true;
	if (l->anchors == YAMLTREE_ANCHORS)
		return bad_at(l, n, "too many anchors");
	l->anchor[l->anchors].name = arena_str(l->arena, (const char *)name);
	l->anchor[l->anchors++].node = n;
	return true;
}

/* With room for that many bytes behind it. */
static struct node *
node_at(struct load *l, enum node_kind kind, const yaml_event_t *e, size_t more)
{
	struct node *n = arena_get(l->arena, sizeof(*n) + more);

	n->file = l->file;
	n->kind = kind;
	n->line = (uint32_t)e->start_mark.line + 1;
	n->column = (uint32_t)e->start_mark.column + 1;
	n->weight = 1;
	return n;
}

/* Quotes and `!!str` make text; a tag of the core schema's other types counts as no quotes; any other is ignored. */
static bool
is_plain(const yaml_event_t *e)
{
	const char *tag = (const char *)e->data.scalar.tag, *core = "tag:yaml.org,2002:";

	if (!tag)
		return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (strncmp(tag, core, strlen(core)) == 0)
		return strcmp(tag + strlen(core), "str") != 0;
	return strcmp(tag, "!") != 0 && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool
take_scalar(struct load *l, const yaml_event_t *e)
{
	size_t length = e->data.scalar.length;
	struct node *n = node_at(l, NODE_SCALAR, e, length + 1);

	if (memchr(e->data.scalar.value, '\0', length))
		return bad_at(l, n, "a NUL byte");
	n->text = memcpy(n + 1, e->data.scalar.value, length);
	n->plain = is_plain(e);
	push(l, n);
	return name_anchor(l, e->data.scalar.anchor, n);
}

static bool
take_alias(struct load *l, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	size_t i = l->anchors, line = e->start_mark.line + 1, column = e->start_mark.column + 1;
	struct node *n;

	while (i && strcmp(l->anchor[i - 1].name, name) != 0)
		i--;
	if (!i)
		return err_set(l->err, STATUS_USE, "%s:%zu:%zu: unknown alias '*%s'", l->file, line, column, name);
	n = l->anchor[i - 1].node;
	if (n->open)
		return err_set(l->err, STATUS_USE, "%s:%zu:%zu: alias '*%s' is inside its own anchor", l->file, line, column, name);
	l->aliased += n->weight;
	if (l->aliased > YAMLTREE_ALIASED)
		return bad(l, line, column, "aliases add more than 100000 nodes");
	if (l->depth + n->height > YAMLTREE_DEPTH)
		return bad(l, line, column, "nested deeper than 100 levels");
	push(l, n);
	return true;
}

static bool
take_start(struct load *l, enum node_kind kind, const yaml_event_t *e, const yaml_char_t *anchor)
{
	struct node *n = node_at(l, kind, e, 0);

	if (l->depth == YAMLTREE_DEPTH)
		return bad_at(l, n, "nested deeper than 100 levels");
	n->open = true;
	push(l, n);
	l->open[l->depth] = n;
	l->start[l->depth++] = l->used;
	return name_anchor(l, anchor, n);
}

/* Adds the mapping, or the mappings of the list, behind `<<`; what is there already stays. */
static bool
put_merged(struct load *l, struct node *map, const struct node *from)
{
	uint32_t i;

	if (from->kind == NODE_LIST) {
		for (i = 0; i < from->count; i++)
			if (from->items[i]->kind != NODE_MAP)
				return bad_at(l, from->items[i], "'<<' wants a mapping or a list of mappings");
			else if (!put_merged(l, map, from->items[i]))
				return false;
		return true;
	}
	if (from->kind != NODE_MAP)
		return bad_at(l, from, "'<<' wants a mapping or a list of mappings");
	for (i = 0; i < from->count; i++)
		(void)node_put(map, from->pairs[i].key, from->pairs[i].line, from->pairs[i].value);
	return true;
}

static bool
is_merge(const struct node *key)
{
	return key->plain && strcmp(key->text, "<<") == 0;
}

static size_t
merged_room(const struct node *from)
{
	size_t room = 0;
	uint32_t i;

	if (from->kind == NODE_MAP)
		return from->count;
	if (from->kind == NODE_LIST)
		for (i = 0; i < from->count; i++)
			room += from->items[i]->kind == NODE_MAP ? from->items[i]->count : 0;
	return room;
}

static bool
fill_map(struct load *l, struct node *map, struct node *const *child, size_t count)
{
	size_t room = count / 2, i;
	bool merge = false;

	for (i = 0; i < count; i += 2) {
		if (child[i]->kind != NODE_SCALAR)
			return bad_at(l, child[i], "a key must be a scalar");
		if (is_merge(child[i])) {
			merge = true;
			room += merged_room(child[i + 1]);
		}
	}
	node_map(l->arena, map, room);
	for (i = 0; i < count; i += 2)
		if (!is_merge(child[i]) && !node_put(map, child[i]->text, child[i]->line, child[i + 1]))
			return err_set(l->err, STATUS_USE, "%s:%u:%u: key '%s' is already on line %u", l->file, child[i]->line,
			    child[i]->column, child[i]->text, node_pair(map, child[i]->text)->line);
	for (i = 0; merge && i < count; i += 2)
		if (is_merge(child[i]) && !put_merged(l, map, child[i + 1]))
			return false;
	return true;
}

static bool
take_end(struct load *l)
{
	size_t start = l->start[--l->depth], count = l->used - start, i;
	struct node *n = l->open[l->depth], **child = l->pending + start;

	for (i = 0; i < count; i++) {
		n->weight += child[i]->weight;
		if (child[i]->height > n->height)
			n->height = child[i]->height;
	}
	n->height++;
	n->open = false;
	l->used = start;
	if (n->kind == NODE_MAP)
		return fill_map(l, n, child, count);
	n->count = (uint32_t)count;
	n->items = arena_grow(l->arena, child, count * sizeof(*child), count * sizeof(*child));
	return true;
}

static bool
take(struct load *l, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:         return take_scalar(l, e);
	case YAML_ALIAS_EVENT:          return take_alias(l, e);
	case YAML_SEQUENCE_START_EVENT: return take_start(l, NODE_LIST, e, e->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:  return take_start(l, NODE_MAP, e, e->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:    return take_end(l);
	case YAML_DOCUMENT_START_EVENT:
		return l->used == 0 || bad(l, e->start_mark.line + 1, e->start_mark.column + 1, "a second document");
	default:                        return true;
	}
}

static const struct node *
empty_map(struct load *l)
{
	struct node *n = arena_get(l->arena, sizeof(*n));

	n->file = l->file;
	n->line = n->column = n->weight = 1;
	node_map(l->arena, n, 0);
	return n;
}

const struct node *
yamltree(struct arena *a, const char *file, const char *text, size_t length, struct err *err)
{
	AUTO(yaml_parser_delete) yaml_parser_t parser = {0};
	struct load *l = arena_get(a, sizeof(*l));
	size_t bom = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, good;
	const char *nul;
	bool more = true;

	l->arena = a;
	l->file = file;
	l->err = err;
	text += bom;
	length -= bom;
	nul = length ? memchr(text, '\0', length) : NULL;
	if (nul && !bad_byte(l, text, (size_t)(nul - text), "a NUL byte"))
		return NULL;
	good = utf8_prefix(text, length);
	if (good < length && !bad_byte(l, text, good, "not UTF-8"))
		return NULL;
	if (!yaml_parser_initialize(&parser) && !err_set(err, STATUS_SYS, "%s: out of memory", file))
		return NULL;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (more) {
		AUTO(yaml_event_delete) yaml_event_t e = {0};

		if (!yaml_parser_parse(&parser, &e)) {
			(void)bad_syntax(l, &parser, text, length);
			return NULL;
		}
		if (!take(l, &e))
			return NULL;
		more = e.type != YAML_STREAM_END_EVENT;
	}
	return l->used == 0 || node_is_null(l->pending[0]) ? empty_map(l) : l->pending[0];
}
