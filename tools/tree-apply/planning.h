/* planning.h - what plan.c (paths) and folders.c (folders) share while a plan is made */
#ifndef TREE_APPLY_PLANNING_H
#define TREE_APPLY_PLANNING_H

#include "apply.h"

struct planning {
	struct tree *t;
	const struct options *o;
	const struct manifest *was;
	struct plan *p;
	struct names removed; /* files that are deleted, folders that are left empty by that */
	struct names needed;  /* folders that something is put into */
	char *in_way;         /* -i: the files that are there and differ, as text */
	size_t in_way_count;
};

struct op *op_add(struct planning *g, enum act act, const char *path);
bool has(const struct names *n, const char *path);
void mark(struct planning *g, struct names *n, const char *path, size_t length);

/* The folder gives way to a file: all in it must go anyway. top is that file, for the text. */
bool clear_folder(struct planning *g, const char *folder, const char *top, struct err *err);
/* Marks the folders of path as needed and plans those that are missing, outermost first. */
bool plan_folders(struct planning *g, const char *path, struct err *err);
/* The folders that the first `deletions` ops leave empty go too, innermost first. */
bool plan_emptied(struct planning *g, size_t deletions, struct err *err);

#endif
