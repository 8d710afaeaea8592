/* plan.c - what is to be done, path by path, from what was delivered, what lies there and what comes; see apply.h */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "planning.h"
#include "relpath.h"

enum { NAMED_MAX = 20 };

struct op *
op_add(struct planning *g, enum act act, const char *path)
{
	struct plan *p = g->p;
	struct op *op;

	if (p->op_count == p->op_room) {
		const size_t room = p->op_room ? p->op_room * 2 : 256;

		p->ops = arena_grow(&g->t->arena, p->ops, p->op_count * sizeof(*op), room * sizeof(*op));
		p->op_room = room;
	}
	op = &p->ops[p->op_count++];
	op->act = act;
	op->path = path;
	return op;
}

static void
line_add(struct planning *g, char letter, const char *path, const char *reason)
{
	struct plan *p = g->p;

	if (p->line_count == p->line_room) {
		const size_t room = p->line_room ? p->line_room * 2 : 256;

		p->lines = arena_grow(&g->t->arena, p->lines, p->line_count * sizeof(*p->lines), room * sizeof(*p->lines));
		p->line_room = room;
	}
	p->lines[p->line_count++] = (struct line){ letter, path, reason };
}

bool
has(const struct names *n, const char *path)
{
	return names_get(n, path, strlen(path)) != NULL;
}

void
mark(struct planning *g, struct names *n, const char *path, size_t length)
{
	names_put(n, &g->t->arena, path, length)->value = "";
}

/* ---- what was delivered and does not come any more ---- */

static const struct entry *
entry_find(const struct entries *e, const char *path)
{
	size_t low = 0, high = e->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(path, e->at[middle].is.path);

		if (order == 0)
			return &e->at[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool
plan_gone(struct planning *g, const struct manifest_entry *was, struct err *err)
{
	const char *reason = NULL;
	struct local l;

	if (!look(g->t, was->path, was, &l, err))
		return false;
	if (l.kind == LOCAL_NONE || l.kind == LOCAL_BLOCKED || l.kind == LOCAL_FOLDER)
		return true; /* taken away by hand: nothing to remove, nothing to remember */
	if (!is_as(&l, was))
		reason = "changed by hand, stays";
	else if (has(&g->o->kept, was->path))
		reason = "in the release, but not chosen any more, stays";
	else if (g->o->adopt)
		reason = "adopted, nothing is removed";
	if (reason) {
		line_add(g, 'S', was->path, reason);
		g->p->manifest.at[g->p->manifest.count++] = *was;
		return true;
	}
	line_add(g, 'D', was->path, "not in the release any more");
	mark(g, &g->removed, was->path, strlen(was->path));
	op_add(g, ACT_DEL, was->path)->was = ident_of(&l.st);
	return true;
}

/* ---- what comes ---- */

static struct op *
put(struct planning *g, const struct entry *e, const char *path)
{
	struct op *op = op_add(g, ACT_PUT, path);

	op->is = e->is;
	op->is.path = path;
	op->number = e->number;
	return op;
}

static void
replaces(struct op *op, const struct local *local)
{
	op->has_old = true;
	op->was = ident_of(&local->st);
	op->model = op->path;
	op->local = local;
}

static bool
name_fits(const char *path, struct err *err)
{
	return (strlen(base_of(path)) <= RELPATH_NAME_MAX && strlen(path) <= RELPATH_MAX) ||
	       err_set(err, STATUS_USE, "name '%s' is too long to keep a file under it", path);
}

/* The local file was changed by hand: a copy of it stays beside the new one. */
static bool
plan_keep(struct planning *g, struct entry *e, struct err *err)
{
	struct arena *a = &g->t->arena;
	const char *path = e->is.path;
	struct local there;
	struct op *op;
	char *kept;
	unsigned k;

	for (k = 1;; k++) {
		kept = k == 1 ? arena_fmt(a, "%s.slipway-local", path) : arena_fmt(a, "%s.slipway-local.%u", path, k);
		if (!name_fits(kept, err) || !look(g->t, kept, NULL, &there, err))
			return false;
		if (there.kind == LOCAL_NONE)
			break;
	}
	op = op_add(g, ACT_PUT, kept);
	op->aside = op->copy = true;
	op->model = path;
	op->local = &e->local;
	op->is.mode = e->local.mode;
	op->is.size = (uint64_t)e->local.st.st_size;
	op->is.path = kept;
	line_add(g, 'L', path, arena_fmt(a, "changed by hand, kept as %s", kept));
	return true;
}

/* The local file was changed by hand and must stay: the new one is put beside it. */
static bool
plan_beside(struct planning *g, struct entry *e, struct err *err)
{
	char *path = arena_fmt(&g->t->arena, "%s.slipway-new", e->is.path);
	struct local *there = arena_get(&g->t->arena, sizeof(*there));
	struct op *op;

	if (!name_fits(path, err) || !look(g->t, path, &e->is, there, err))
		return false;
	if (there->kind == LOCAL_FOLDER || there->kind == LOCAL_OTHER)
		return err_set(err, STATUS_USE, "'%s' is in the way of a new file", path);
	line_add(g, 'C', e->is.path, arena_fmt(&g->t->arena, "edited, new one beside it as %s", path));
	if (is_as(there, &e->is))
		return true;
	op = put(g, e, path);
	op->aside = true;
	if (there->kind != LOCAL_NONE)
		replaces(op, there);
	op->model = e->is.path; /* whoever may read the edited one may read this */
	op->local = &e->local;
	return true;
}

static void
in_way(struct planning *g, const char *path)
{
	if (++g->in_way_count <= NAMED_MAX)
		g->in_way = arena_fmt(&g->t->arena, "%s%s'%s'", g->in_way ? g->in_way : "", g->in_way ? ", " : "", path);
}

/* A file lies there and differs. */
static bool
plan_differs(struct planning *g, struct entry *e, struct err *err)
{
	const struct manifest_entry *was = manifest_find(g->was, e->is.path);
	const bool delivered = was && is_as(&e->local, was);

	if (!delivered && has(&g->o->config, e->is.path))
		return plan_beside(g, e, err);
	if (g->o->first) {
		in_way(g, e->is.path);
		return true;
	}
	if (!delivered && !g->o->adopt) {
		if (!plan_keep(g, e, err))
			return false;
	} else {
		line_add(g, 'M', e->is.path, delivered ? "changed in the release" : "differs, adopted");
	}
	replaces(put(g, e, e->is.path), &e->local);
	return true;
}

static bool
plan_entry(struct planning *g, struct entry *e, struct err *err)
{
	const char *path = e->is.path;

	g->p->manifest.at[g->p->manifest.count++] = e->is;
	if (e->same) {
		line_add(g, '=', path, "same");
		return true;
	}
	switch (e->local.kind) {
	case LOCAL_FILE:
	case LOCAL_LINK:
		return plan_differs(g, e, err);
	case LOCAL_OTHER:
		return err_set(err, STATUS_USE, "'%s' is neither a file, a symlink nor a folder", path);
	case LOCAL_BLOCKED:
		if (!has(&g->removed, e->local.blocker))
			return err_set(err, STATUS_USE, "'%s' is in the way of '%s'", e->local.blocker, path);
		break;
	case LOCAL_FOLDER:
		if (!clear_folder(g, path, path, err))
			return false;
		break;
	case LOCAL_NONE:
		break;
	}
	line_add(g, 'A', path, manifest_find(g->was, path) ? "taken away by hand, put back" : "new");
	(void)put(g, e, path);
	return true;
}

/* ---- all of it ---- */

static int
line_order(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static int
entry_order(const void *a, const void *b)
{
	return strcmp(((const struct manifest_entry *)a)->path, ((const struct manifest_entry *)b)->path);
}

/* Acts in the order del, rmdir, mkdir, put; within each as they were planned. */
static void
order_ops(struct planning *g)
{
	static const enum act order[] = { ACT_DEL, ACT_RMDIR, ACT_MKDIR, ACT_PUT };
	struct plan *p = g->p;
	struct op *sorted = arena_get(&g->t->arena, (p->op_count + 1) * sizeof(*sorted));
	size_t i, k, n = 0;

	for (k = 0; k < sizeof(order) / sizeof(*order); k++)
		for (i = 0; i < p->op_count; i++)
			if (p->ops[i].act == order[k])
				sorted[n++] = p->ops[i];
	for (i = 0; i < n; i++)
		if (!sorted[i].number)
			sorted[i].number = ++g->t->numbers;
	p->ops = sorted;
	p->op_room = p->op_count;
}

bool
plan_make(struct tree *t, const struct options *o, const struct manifest *was, struct entries *e, struct plan *p,
          struct err *err)
{
	struct planning g = { .t = t, .o = o, .was = was, .p = p };
	size_t i, deletions, before_folders;

	p->root_ino = t->root_st.st_ino;
	p->manifest.at = arena_get(&t->arena, (was->count + e->count + 1) * sizeof(*p->manifest.at));
	for (i = 0; i < was->count; i++)
		if (!entry_find(e, was->at[i].path) && !plan_gone(&g, &was->at[i], err))
			return false;
	deletions = p->op_count;
	for (i = 0; i < e->count; i++)
		if (!plan_entry(&g, &e->at[i], err))
			return false;
	if (g.in_way_count > 0)
		return err_set(err, STATUS_USE, "%zu file%s there and differ%s: %s%s", g.in_way_count,
		               g.in_way_count == 1 ? " is" : "s are", g.in_way_count == 1 ? "s" : "", g.in_way,
		               g.in_way_count > NAMED_MAX ? ", ..." : "");
	before_folders = p->op_count;
	for (i = 0; i < before_folders; i++)
		if (p->ops[i].act == ACT_PUT && !plan_folders(&g, p->ops[i].path, err))
			return false;
	if (!plan_emptied(&g, deletions, err))
		return false;
	order_ops(&g);
	if (p->line_count)
		qsort(p->lines, p->line_count, sizeof(*p->lines), line_order);
	qsort(p->manifest.at, p->manifest.count, sizeof(*p->manifest.at), entry_order);
	return true;
}

void
plan_print(const struct plan *p, bool same_too)
{
	size_t i;

	for (i = 0; i < p->line_count; i++)
		if (same_too || p->lines[i].letter != '=')
			(void)printf("%c\t%s\t%s\n", p->lines[i].letter, p->lines[i].path, p->lines[i].reason);
}
