/* node.h - the tree of a configuration: scalars, lists and mappings that know where they were written.
 *
 * Contract: nodes live in an arena and are read-only once built; one node may hang in the tree several times (an
 * alias, a merge), but never below itself. file and text are NUL-terminated and hold no other NUL. */
#ifndef SLIPWAY_NODE_H
#define SLIPWAY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;
struct node_pair {
	const char *key;
	const struct node *value;
	uint32_t hash, line; /* line of the key */
};

struct node {
	const char *file;
	union {
		const char *text;          /* scalar */
		const struct node **items; /* list */
		struct node_pair *pairs;   /* mapping, in file order */
	};
	uint32_t *slots;           /* mapping: hash table over pairs once there may be more than a few */
	uint32_t count, mask;      /* items or pairs; slots less one */
	uint32_t line, column;     /* from 1 */
	uint32_t weight;           /* nodes at and below it, aliases counted in full */
	uint16_t height;           /* levels of lists and mappings at and below it */
	unsigned kind : 2;         /* enum node_kind */
	bool plain : 1;            /* scalar without quotes or string tag: typed by the core schema */
	bool open : 1;             /* while its parser is inside it */
};

/* "mapping", "list" or "scalar" */
const char *node_kind_name(const struct node *n);
/* A scalar that stands for null, or NULL itself. */
bool node_is_null(const struct node *n);

/* Turns n into a mapping without keys, with room for that many. */
void node_map(struct arena *a, struct node *n, size_t room);
/* False when the key is there already. The key is borrowed. */
bool node_put(struct node *map, const char *key, uint32_t line, const struct node *value);
/* NULL when n is no mapping or lacks the key. */
const struct node_pair *node_pair(const struct node *n, const char *key);
const struct node *node_get(const struct node *n, const char *key);

/* high laid over low: mappings merge key by key, the keys of low first; everything else is high. */
const struct node *node_merge(struct arena *a, const struct node *low, const struct node *high);

#endif
