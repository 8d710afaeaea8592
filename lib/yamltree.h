/* yamltree.h - one YAML or JSON document as a tree of nodes.
 *
 * Contract: text is UTF-8, with or without BOM, LF or CRLF; file is borrowed for the life of the arena and named in
 * errors as file:line:column. An empty document is an empty mapping. Refused with STATUS_USE: what is not YAML, a
 * second document, a key twice in one mapping, a key that is no scalar, NUL, invalid UTF-8, more than
 * YAMLTREE_DEPTH levels, more than YAMLTREE_ALIASED nodes that aliases add, more than YAMLTREE_ANCHORS anchors, an
 * alias that is unknown or inside its own anchor. `<<` without quotes merges the mapping, or the mappings of the
 * list, that it names: own keys win, then the earlier mapping; merged keys come last. A value is never part of an
 * error text. */
#ifndef SLIPWAY_YAMLTREE_H
#define SLIPWAY_YAMLTREE_H

#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "node.h"

enum { YAMLTREE_DEPTH = 100, YAMLTREE_ALIASED = 100000, YAMLTREE_ANCHORS = 1000 };

const struct node *yamltree(struct arena *a, const char *file, const char *text, size_t length, struct err *err);

#endif
