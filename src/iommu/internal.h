/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of this room share: regions and their tree, the radix table, mappings
 * of files.
 *
 * A region is one map of the client. The tree of regions (device thread only) answers "what
 * overlaps?"; the radix table (read by workers) answers "which region is at this address?". Leaves
 * of the table point to regions, so one look-up yields the whole region as a run, however many
 * leaves it has.
 */
#ifndef SOFTIOV_IOMMU_INTERNAL_H
#define SOFTIOV_IOMMU_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "iommu/iommu.h"
#include "util/quiesce.h"

#define TABLE_LEVEL_BITS 9
#define TABLE_LEVELS 4 /* leaves of 4 KiB (level 0), 2 MiB, 1 GiB and 512 GiB */
#define TABLE_ENTRIES (1u << TABLE_LEVEL_BITS)
#define TABLE_PAGE_SHIFT 12
#define TABLE_LEAF 1ull /* in an entry: points to a region, else to a node; 0: nothing here */

/* The most nodes that one more region needs: one per level below the root at each of its two ends.
 */
#define TABLE_NODES_PER_REGION (2 * (TABLE_LEVELS - 1))
/* Per domain, 32 MiB: a guest that scatters its maps must not eat the host's memory. */
#define TABLE_MAX_NODES 8192
#define TABLE_SPARE_NODES 64

/**
 * struct region - one map. What workers read is written before the region is published and constant
 * from then on.
 */
struct region {
	uint64_t iova, last; /* inclusive */
	uint8_t *host;	     /* of @iova; NULL: not shared, or not connected yet */
	uint32_t perm;
	int32_t file; /* slot, or IOMMU_FILE_... */

	/* Device thread: */
	uint32_t priority; /* in the tree */
	uint32_t slot;	   /* in the state file */
	bool published;
	struct iommu_private *owner;
	struct region *left, *right; /* in the tree; @right also links dead regions */

	/* Of the first in a list of dead regions: */
	struct quiesce_head reclaim;
	struct table_node *dead_nodes;
};

/* region.c: a treap ordered by IOVA; regions never overlap. Device thread. */

/** region_floor() - the region with the largest IOVA that is not above @iova, or NULL. */
struct region *region_floor(struct region *root, uint64_t iova);
void region_insert(struct region **root, struct region *region);
/**
 * region_cut() - take all regions that begin in [@first, @last] out of the tree. Return: a tree of
 * them.
 */
struct region *region_cut(struct region **root, uint64_t first, uint64_t last);
/** region_pop() - take the first region out of the tree *@root, which is not empty. */
struct region *region_pop(struct region **root);

/**
 * struct table_node - 512 entries. An unused node (in the spare list) has only zero entries.
 */
struct table_node {
	_Alignas(64) _Atomic uint64_t entry[TABLE_ENTRIES];
	uint32_t used; /* entries that are not 0; device thread */
	struct table_node *next;
};

/** struct table - root and spare nodes of a domain. */
struct table {
	struct table_node *root; /* constant */
	struct table_node *spare;
	uint32_t spares, nodes; /* nodes: below the root */
	uint32_t leaves[TABLE_LEVELS];
};

int table_init(struct table *table);
void table_fini(struct table *table);
/**
 * table_reserve() - make sure that the next table_set() finds its nodes. Return: 0, -ENOSPC or
 * -ENOMEM.
 */
int table_reserve(struct table *table);
/** table_set() - publish @region: enter its leaves. After table_reserve(). */
void table_set(struct table *table, struct region *region);
/** table_clear() - remove the leaves of @region. Nodes that become empty are linked to *@dead. */
void table_clear(struct table *table, struct region *region, struct table_node **dead);
/** table_recycle() - take back the list @dead, after a grace period. */
void table_recycle(struct table *table, struct table_node *dead);
/** table_look_up() - the region at @iova (below 2^48), or NULL. Workers and device thread. */
const struct region *table_look_up(const struct table *table, uint64_t iova);

/**
 * struct mapping - a whole file mapped into the process. In one list per process, which the SIGBUS
 * handler reads; memory of the struct is recycled, never freed, so that even a stray reader finds a
 * mapping.
 */
struct mapping {
	_Atomic(struct mapping *) next;
	_Atomic uintptr_t base;
	_Atomic size_t size;
	_Atomic size_t page_size; /* of the file system: 4 KiB, or that of hugetlbfs */
	_Atomic bool writable;
	_Atomic bool broken; /* the file shrank under it */

	/* Device thread: */
	dev_t device;
	ino_t inode;
	uint32_t users; /* file slots of domains */
	uint32_t drops; /* how often @users became 0, and at the time of the call in flight: */
	uint32_t reclaim_drops;
	bool reclaiming;
	struct quiesce *quiesce;
	struct quiesce_head reclaim;
};

/** struct file_info - what a descriptor that a client sent turned out to be. */
struct file_info {
	dev_t device;
	ino_t inode;
	uint64_t size;
	bool writable; /* mapped for writing, because the client asks for it */
};

/**
 * file_inspect() - is @fd a file that a client may have mapped for @perm? Return: 0 or -EINVAL.
 */
int file_inspect(int fd, uint32_t perm, struct file_info *info);
/**
 * mapping_get() - a mapping of the file @fd, at least @end bytes long, new or shared; its users
 * count is one higher. Return: 0, -EINVAL (the file is not one in memory) or -errno of mmap().
 */
int mapping_get(struct mapping **mapping, int fd, const struct file_info *info, uint64_t end,
		struct quiesce *quiesce);
/**
 * mapping_put() - a domain has unpublished its last pointer into @mapping. Unmapped after a grace
 * period.
 */
void mapping_put(struct mapping *mapping);
bool mapping_suits(const struct mapping *mapping, const struct file_info *info, uint64_t end);
/** mapping_find() - the mapping that holds @address, or NULL. Async-signal-safe, any thread. */
struct mapping *mapping_find(uintptr_t address);

/** run_by_thread() - @function(@arg) on a short-lived thread, all signals blocked. Return: 0 or -errno. */
int run_by_thread(void *(*function)(void *arg), void *arg);

/** private_check_abandon() - nobody wants to know any more: the client is gone. */
void private_check_abandon(struct iommu_private *priv);

/** sigbus_count() - how often a file shrank under its map, in this process. */
unsigned int sigbus_count(void);

void fault_adopt(struct iommu_state *state);

/** struct file_use - a file slot of a domain: the mapping and how many regions lie in it. */
struct file_use {
	struct mapping *mapping; /* NULL: adopted, not connected yet */
	uint32_t regions;
	bool taken; /* still so when the last region left, until mapping is put */
};

/**
 * struct iommu_private - the volatile part of a domain. @table and @source are read by workers, the
 * rest is the device thread's.
 */
struct iommu_private {
	struct iommu_domain domain;
	struct table table;
	struct iommu_private *_Atomic source; /* whose table is walked: this one, or the leader's */
	struct iommu_private *followers, *next_follower;
	struct region *tree;
	struct quiesce *quiesce;
	struct quiesce_head reclaim;
	uint64_t random;     /* state of the tree's priorities */
	uint32_t free_slots; /* index + 1 of the first free slot; linked through their @iova */
	uint32_t files;	     /* slots of file[] that may be in use */
	uint64_t file_bytes;
	uint64_t bytes, not_shared_bytes;
	uint32_t not_shared_regions;
	bool private_memory;
	struct private_check *private_check; /* under way, see private.c */
	struct file_use file[IOMMU_MAX_FILES];
};

/* follow.c: device thread. */

/**
 * generation_next() - what was cached of the maps or the bus mastering of @priv is void, in the
 * domains that follow it too.
 */
void generation_next(struct iommu_private *priv);
/** follows() - does @priv use the maps of another domain? */
bool follows(const struct iommu_private *priv);

/** struct request - a map that a client asks for, checked. */
struct request {
	uint64_t iova, last; /* inclusive */
	uint32_t perm;
	int32_t kind; /* 0: file; or IOMMU_FILE_... */
	int fd;
	uint64_t offset; /* file only */
	struct file_info info;
	uint8_t *host; /* IOMMU_FILE_HOST only */
};

/* file_use.c: file slots of a domain. Device thread. */

/**
 * file_use_get() - the slot of the requested file, new if need be, for one more region. Return: 0
 * or -errno.
 */
int file_use_get(struct iommu_private *priv, const struct request *request, int32_t *slot);
/**
 * file_use_trim() - give up the slots that no region uses any more, after the regions and all
 * cached translations are gone. @keep_state: leave them in the state file.
 */
void file_use_trim(struct iommu_private *priv, bool keep_state);
bool file_use_matches(const struct iommu_file_state *file, const struct file_info *info);
/** file_use_host() - where @offset of the file in @slot is mapped. */
uint8_t *file_use_host(const struct iommu_private *priv, int32_t slot, uint64_t offset);

#endif
