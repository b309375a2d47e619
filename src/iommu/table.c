/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.c - the radix table that workers walk: 48-bit IOVA, four levels of 9 bits, 4-KiB pages.
 *
 * An entry is 0, the address of a node of the next level, or the address of a region with
 * TABLE_LEAF set. A leaf may stand at every level: the largest that the region's IOVA and size
 * allow is taken, which bounds the entries of even the largest region (512 at each level and end).
 * Host addresses play no role, as the region holds them.
 *
 * The device thread changes entries by single release stores; a worker's acquire load of an entry
 * sees the node or region it points to as it was published. An entry that is cleared makes the node
 * or region unreachable; it is freed or reused after a grace period only, because a worker may be
 * inside. Empty nodes leave the table with the region that emptied them, or maps that wander
 * through the address space (a guest IOMMU) would leave nodes everywhere.
 */
#include "iommu/internal.h"

#include <stdlib.h>

static unsigned int level_shift(unsigned int level)
{
	return TABLE_PAGE_SHIFT + level * TABLE_LEVEL_BITS;
}

static unsigned int index_at(uint64_t iova, unsigned int level)
{
	return (iova >> level_shift(level)) & (TABLE_ENTRIES - 1);
}

static struct table_node *node_create(void)
{
	struct table_node *node = aligned_alloc(_Alignof(struct table_node), sizeof(*node));

	if (node)
		memset(node, 0, sizeof(*node));
	return node;
}

int table_init(struct table *table)
{
	memset(table, 0, sizeof(*table));
	table->root = node_create();
	return table->root ? 0 : -ENOMEM;
}

void table_fini(struct table *table)
{
	while (table->spare) {
		struct table_node *node = table->spare;

		table->spare = node->next;
		free(node);
	}
	free(table->root);
}

int table_reserve(struct table *table)
{
	if (table->nodes + TABLE_NODES_PER_REGION > TABLE_MAX_NODES)
		return -ENOSPC;
	while (table->spares < TABLE_NODES_PER_REGION) {
		struct table_node *node = node_create();

		if (!node)
			return -ENOMEM;
		node->next = table->spare;
		table->spare = node;
		table->spares++;
	}
	return 0;
}

void table_recycle(struct table *table, struct table_node *dead)
{
	while (dead) {
		struct table_node *node = dead;

		dead = node->next;
		if (table->spares >= TABLE_SPARE_NODES) {
			free(node);
			continue;
		}
		node->next = table->spare;
		table->spare = node;
		table->spares++;
	}
}

static struct table_node *node_of(uint64_t entry)
{
	return (struct table_node *)(uintptr_t)entry;
}

static uint64_t entry_get(struct table_node *node, unsigned int index)
{
	/* The device thread is the only writer, so what it reads is its own. */
	return atomic_load_explicit(&node->entry[index], memory_order_relaxed);
}

static void entry_set(struct table_node *node, unsigned int index, uint64_t entry)
{
	node->used += entry ? 1 : -1;
	atomic_store_explicit(&node->entry[index], entry, memory_order_release);
}

/*
 * Does [@iova, @last] cover all of the entry that @iova lies in? @end: set to the entry's last
 * byte.
 */
static bool covers_entry(uint64_t iova, uint64_t last, unsigned int level, uint64_t *end)
{
	uint64_t mask = BIT64(level_shift(level)) - 1;

	*end = iova | mask;
	return level == 0 || ((iova & mask) == 0 && last >= *end);
}

static struct table_node *child_get(struct table *table, struct table_node *node,
				    unsigned int index)
{
	struct table_node *child = node_of(entry_get(node, index));

	if (child)
		return child;
	child = table->spare;
	table->spare = child->next;
	table->spares--;
	table->nodes++;
	entry_set(node, index, (uintptr_t)child);
	return child;
}

static void set_range(struct table *table, struct table_node *node, unsigned int level,
		      uint64_t iova, uint64_t last, uint64_t leaf)
{
	for (uint64_t end; iova <= last; iova = end + 1) {
		unsigned int index = index_at(iova, level);

		if (covers_entry(iova, last, level, &end)) {
			entry_set(node, index, leaf);
			table->leaves[level]++;
		} else {
			set_range(table, child_get(table, node, index), level - 1, iova,
				  MIN(last, end), leaf);
		}
	}
}

static void clear_range(struct table *table, struct table_node *node, unsigned int level,
			uint64_t iova, uint64_t last, struct table_node **dead)
{
	for (uint64_t end; iova <= last; iova = end + 1) {
		unsigned int index = index_at(iova, level);
		struct table_node *child;

		if (covers_entry(iova, last, level, &end)) {
			entry_set(node, index, 0);
			table->leaves[level]--;
			continue;
		}
		child = node_of(entry_get(node, index));
		clear_range(table, child, level - 1, iova, MIN(last, end), dead);
		if (child->used)
			continue;
		entry_set(node, index, 0);
		table->nodes--;
		child->next = *dead;
		*dead = child;
	}
}

void table_set(struct table *table, struct region *region)
{
	set_range(table, table->root, TABLE_LEVELS - 1, region->iova, region->last,
		  (uintptr_t)region | TABLE_LEAF);
	region->published = true;
}

void table_clear(struct table *table, struct region *region, struct table_node **dead)
{
	clear_range(table, table->root, TABLE_LEVELS - 1, region->iova, region->last, dead);
	region->published = false;
}

const struct region *table_look_up(const struct table *table, uint64_t iova)
{
	const struct table_node *node = table->root;

	for (int level = TABLE_LEVELS - 1; level >= 0; level--) {
		uint64_t entry = atomic_load_explicit(&node->entry[index_at(iova, level)],
						      memory_order_acquire);

		if (entry & TABLE_LEAF)
			return (const struct region *)(uintptr_t)(entry & ~TABLE_LEAF);
		if (!entry)
			return NULL;
		node = node_of(entry);
	}
	return NULL; /* never: level 0 has only leaves */
}
