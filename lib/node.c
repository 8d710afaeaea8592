/* node.c - see node.h */
#include "node.h"

#include <string.h>

#include "scalar.h"

enum { FEW = 8 };

const char *
node_kind_name(const struct node *n)
{
	static const char *const names[] = {"scalar", "list", "mapping"};

	return names[n->kind];
}

bool
node_is_null(const struct node *n)
{
	return !n || (n->kind == NODE_SCALAR && n->plain && scalar_is_null(n->text));
}

/* FNV-1a, begun with an address, so that a hostile file cannot know which keys collide. */
static uint32_t
hash_of(const struct node *map, const char *key)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uintptr_t)map->slots;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return (uint32_t)(h ^ h >> 32);
}

void
node_map(struct arena *a, struct node *n, size_t room)
{
	size_t size = 2 * FEW;

	n->kind = NODE_MAP;
	n->count = 0;
	n->pairs = arena_get(a, room * sizeof(*n->pairs));
	n->slots = NULL;
	if (room <= FEW)
		return;
	while (size < 2 * room)
		size *= 2;
	n->mask = (uint32_t)size - 1;
	n->slots = arena_get(a, size * sizeof(*n->slots));
}

/* The pair, or NULL and in *slot where it would go. */
static struct node_pair *
look(const struct node *map, const char *key, uint32_t *hash, uint32_t *slot)
{
	uint32_t i;

	*hash = *slot = 0;
	if (!map->slots) {
		for (i = 0; i < map->count; i++)
			if (strcmp(map->pairs[i].key, key) == 0)
				return &map->pairs[i];
		return NULL;
	}
	*hash = hash_of(map, key);
	for (i = *hash & map->mask; map->slots[i]; i = (i + 1) & map->mask) {
		struct node_pair *p = &map->pairs[map->slots[i] - 1];

		if (p->hash == *hash && strcmp(p->key, key) == 0)
			return p;
	}
	*slot = i;
	return NULL;
}

bool
node_put(struct node *map, const char *key, uint32_t line, const struct node *value)
{
	uint32_t hash, slot;

	if (look(map, key, &hash, &slot))
		return false;
	map->pairs[map->count++] = (struct node_pair){.key = key, .value = value, .hash = hash, .line = line};
	if (map->slots)
		map->slots[slot] = map->count;
	return true;
}

const struct node_pair *
node_pair(const struct node *n, const char *key)
{
	uint32_t hash, slot;

	return n && n->kind == NODE_MAP ? look(n, key, &hash, &slot) : NULL;
}

const struct node *
node_get(const struct node *n, const char *key)
{
	const struct node_pair *p = node_pair(n, key);

	return p ? p->value : NULL;
}

const struct node *
node_merge(struct arena *a, const struct node *low, const struct node *high)
{
	struct node *both;
	uint32_t i;

	if (low->kind != NODE_MAP || high->kind != NODE_MAP)
		return high;
	both = arena_get(a, sizeof(*both));
	*both = *high;
	node_map(a, both, (size_t)low->count + high->count);
	for (i = 0; i < low->count; i++) {
		const struct node_pair *l = &low->pairs[i], *h = node_pair(high, l->key);

		(void)node_put(both, l->key, h ? h->line : l->line, h ? node_merge(a, l->value, h->value) : l->value);
	}
	for (i = 0; i < high->count; i++)
		(void)node_put(both, high->pairs[i].key, high->pairs[i].line, high->pairs[i].value);
	return both;
}
