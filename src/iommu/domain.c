/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * domain.c - maps and unmaps of one requester.
 *
 * A map is in three places: its slot in the state file (the truth, which outlives the process), the
 * tree of regions (what overlaps?) and the radix table (what workers see). A map enters them in
 * this order once nothing can fail any more, and leaves them in the reverse order; then the
 * generation moves on, which empties all cached translations. The memory of what was taken away
 * (regions, table nodes, mappings of files) is freed after a grace period; one quiesce_call()
 * serves all that one unmap removes, and needs no memory of its own.
 *
 * Unmap follows VFIO's type 1 IOMMU, version 2: everything inside the range goes, nothing there is
 * fine, and a range that cuts a map is refused (linux/vfio.h, VFIO_IOMMU_UNMAP_DMA).
 */
#include "iommu/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "util/log.h"

static uint64_t region_size(const struct region *region)
{
	return region->last - region->iova + 1;
}

/* Slots of the state file. */

static uint32_t slot_get(struct iommu_private *priv)
{
	struct iommu_state *state = priv->domain.state;
	uint32_t slot;

	if (!priv->free_slots)
		return state->slots++;
	slot = priv->free_slots - 1;
	priv->free_slots = (uint32_t)state->region[slot].iova;
	return slot;
}

static void slot_write(struct iommu_private *priv, const struct region *region, uint64_t offset)
{
	struct iommu_region_state *slot = &priv->domain.state->region[region->slot];

	slot->iova = region->iova;
	slot->size = region_size(region);
	slot->offset = offset;
	slot->file = region->file;
	__atomic_store_n(&slot->perm, region->perm, __ATOMIC_RELEASE); /* from here on it exists */
}

static void slot_put(struct iommu_private *priv, uint32_t slot)
{
	struct iommu_state *state = priv->domain.state;

	__atomic_store_n(&state->region[slot].perm, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&state->region[slot].iova, priv->free_slots, __ATOMIC_RELEASE);
	priv->free_slots = slot + 1;
}

/* Regions. */

static uint32_t next_random(struct iommu_private *priv)
{
	priv->random ^= priv->random << 13;
	priv->random ^= priv->random >> 7;
	priv->random ^= priv->random << 17;
	return (uint32_t)(priv->random >> 32);
}

static void region_enter(struct iommu_private *priv, struct region *region)
{
	region->owner = priv;
	region->priority = next_random(priv);
	region_insert(&priv->tree, region);
	priv->domain.state->regions++;
	priv->bytes += region_size(region);
	if (region->file == IOMMU_FILE_NOT_SHARED) {
		priv->not_shared_regions++;
		priv->not_shared_bytes += region_size(region);
	}
}

static void region_leave(struct iommu_private *priv, struct region *region,
			 struct table_node **dead_nodes, bool keep_state)
{
	priv->bytes -= region_size(region);
	if (region->file == IOMMU_FILE_NOT_SHARED) {
		priv->not_shared_regions--;
		priv->not_shared_bytes -= region_size(region);
	}
	if (region->published)
		table_clear(&priv->table, region, dead_nodes);
	if (!keep_state) {
		slot_put(priv, region->slot);
		priv->domain.state->regions--;
		priv->domain.state->unmaps++;
	}
	if (region->file >= 0)
		priv->file[region->file].regions--;
}

static void free_dead(struct quiesce_head *head)
{
	struct region *dead = container_of(head, struct region, reclaim);

	table_recycle(&dead->owner->table, dead->dead_nodes);
	while (dead) {
		struct region *region = dead;

		dead = region->right;
		free(region);
	}
}

/*
 * Take all regions of the tree @cut away; they are not in the domain's tree any more. With
 * @keep_state their slots stay as they are. Return: bytes removed.
 */
static uint64_t retire(struct iommu_private *priv, struct region *cut, bool keep_state)
{
	struct iommu_state *state = priv->domain.state;
	struct table_node *dead_nodes = NULL;
	struct region *dead = NULL;
	uint64_t bytes = 0;

	if (!cut)
		return 0;
	while (cut) {
		struct region *region = region_pop(&cut);

		bytes += region_size(region);
		region_leave(priv, region, &dead_nodes, keep_state);
		region->right = dead;
		dead = region;
	}
	if (!keep_state && !state->regions) {
		state->slots = 0;
		priv->free_slots = 0;
	}
	generation_next(priv);
	/* Only now: a grace period that begins before cached translations are void is too short. */
	file_use_trim(priv, keep_state);
	dead->dead_nodes = dead_nodes;
	quiesce_call(priv->quiesce, &dead->reclaim, free_dead);
	return bytes;
}

/* Map. */

static bool range_valid(uint64_t iova, uint64_t size, uint32_t perm)
{
	if (!size || (iova | size) % PAGE_SIZE_4K)
		return false;
	if (iova >> IOMMU_ADDRESS_BITS || size > BIT64(IOMMU_ADDRESS_BITS) - iova)
		return false;
	return perm && !(perm & ~(IOMMU_READ | IOMMU_WRITE));
}

static bool is_same(const struct iommu_private *priv, const struct region *region,
		    const struct request *request)
{
	const struct iommu_state *state = priv->domain.state;

	if (region->iova != request->iova || region->last != request->last ||
	    region->perm != request->perm)
		return false;
	if (request->kind == IOMMU_FILE_NOT_SHARED)
		return region->file == IOMMU_FILE_NOT_SHARED;
	if (request->kind == IOMMU_FILE_HOST)
		return region->file == IOMMU_FILE_HOST &&
		       (!region->host || region->host == request->host);
	return region->file >= 0 && state->region[region->slot].offset == request->offset &&
	       file_use_matches(&state->file[region->file], &request->info);
}

/* An adopted region gets its memory back. */
static int connect_again(struct iommu_private *priv, struct region *region,
			 const struct request *request)
{
	int error = table_reserve(&priv->table);

	if (error)
		return error;
	if (region->file >= 0) {
		struct file_use *use = &priv->file[region->file];
		uint64_t size = priv->domain.state->file[region->file].size;

		/* All regions of the slot must fit, not only this one. */
		if (!use->mapping && request->info.size < size)
			return -EINVAL;
		if (!use->mapping)
			error = mapping_get(&use->mapping, request->fd, &request->info, size,
					    priv->quiesce);
		if (error)
			return error;
		region->host = file_use_host(priv, region->file, request->offset);
	} else {
		region->host = request->host;
	}
	table_set(&priv->table, region);
	generation_next(priv);
	return 0;
}

static int map_new(struct iommu_private *priv, const struct request *request)
{
	struct iommu_state *state = priv->domain.state;
	struct region *region;
	int error;

	if (state->regions >= IOMMU_MAX_REGIONS)
		return -ENOSPC;
	error = table_reserve(&priv->table);
	if (error)
		return error;
	region = calloc(1, sizeof(*region));
	if (!region)
		return -ENOMEM;
	region->iova = request->iova;
	region->last = request->last;
	region->perm = request->perm;
	region->file = request->kind;
	region->host = request->host;
	if (request->kind == 0) {
		error = file_use_get(priv, request, &region->file);
		if (error) {
			free(region);
			return error;
		}
		region->host = file_use_host(priv, region->file, request->offset);
	}
	region->slot = slot_get(priv);
	slot_write(priv, region, request->offset);
	region_enter(priv, region);
	table_set(&priv->table, region);
	state->maps++;
	generation_next(priv);
	return 0;
}

static int map(struct iommu_private *priv, const struct request *request)
{
	struct region *there = region_floor(priv->tree, request->last);

	if (follows(priv))
		return -EBUSY;
	if (!there || there->last < request->iova)
		return map_new(priv, request);
	if (!is_same(priv, there, request))
		return -EEXIST;
	return there->published ? 0 : connect_again(priv, there, request);
}

int iommu_map(struct iommu_domain *domain, uint64_t iova, uint64_t size, uint32_t perm, int fd,
	      uint64_t offset)
{
	struct request request = { .iova = iova, .last = iova + size - 1, .perm = perm, .fd = fd };
	int error;

	if (!range_valid(iova, size, perm))
		return -EINVAL;
	if (fd < 0) {
		request.kind = IOMMU_FILE_NOT_SHARED;
		return map(domain->private, &request);
	}
	error = file_inspect(fd, perm, &request.info);
	if (error)
		return error;
	if (offset % PAGE_SIZE_4K || offset > request.info.size ||
	    size > request.info.size - offset)
		return -EINVAL;
	request.offset = offset;
	return map(domain->private, &request);
}

int iommu_map_host(struct iommu_domain *domain, uint64_t iova, uint64_t size, uint32_t perm,
		   void *host)
{
	const struct request request = { .iova = iova,
					 .last = iova + size - 1,
					 .perm = perm,
					 .kind = IOMMU_FILE_HOST,
					 .host = host };

	if (!range_valid(iova, size, perm) || !host)
		return -EINVAL;
	return map(domain->private, &request);
}

/* Unmap. */

static bool cuts_region(struct region *tree, uint64_t iova, uint64_t last)
{
	const struct region *region = region_floor(tree, iova);

	if (region && region->iova < iova && region->last >= iova)
		return true;
	region = region_floor(tree, last);
	return region && region->last > last;
}

int iommu_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	struct iommu_private *priv = domain->private;
	uint64_t bytes = 0;
	int error = -EINVAL;

	if (iova <= last && !cuts_region(priv->tree, iova, last)) {
		bytes = retire(priv, region_cut(&priv->tree, iova, last), false);
		error = 0;
	}
	if (unmapped)
		*unmapped = bytes;
	return error;
}

void iommu_unmap_all(struct iommu_domain *domain)
{
	iommu_unmap(domain, 0, UINT64_MAX, NULL);
	private_check_abandon(domain->private);
	domain->private->private_memory = false;
	domain->state->maps = 0;
	domain->state->unmaps = 0;
}

void iommu_set_bus_master(struct iommu_domain *domain, bool on)
{
	if (atomic_load_explicit(&domain->bus_master, memory_order_relaxed) == on)
		return;
	domain->state->bus_master = on;
	atomic_store_explicit(&domain->bus_master, on, memory_order_relaxed);
	generation_next(domain->private);
}

/* Adoption: build tree, slots and uses of files again from the state file. */

static bool adoptable(const struct iommu_private *priv, const struct iommu_region_state *slot)
{
	const struct iommu_state *state = priv->domain.state;
	const struct region *there;

	if (!range_valid(slot->iova, slot->size, slot->perm))
		return false;
	there = region_floor(priv->tree, slot->iova + slot->size - 1);
	if (there && there->last >= slot->iova)
		return false;
	if (slot->file < 0)
		return slot->file >= IOMMU_FILE_HOST;
	return slot->file < IOMMU_MAX_FILES && state->file[slot->file].used &&
	       slot->offset % PAGE_SIZE_4K == 0 && slot->offset <= state->file[slot->file].size &&
	       slot->size <= state->file[slot->file].size - slot->offset;
}

static int adopt_region(struct iommu_private *priv, uint32_t index)
{
	const struct iommu_region_state *slot = &priv->domain.state->region[index];
	struct region *region = calloc(1, sizeof(*region));

	if (!region)
		return -ENOMEM;
	region->iova = slot->iova;
	region->last = slot->iova + slot->size - 1;
	region->perm = slot->perm;
	region->file = slot->file;
	region->slot = index;
	if (region->file >= 0 && !priv->file[region->file].regions++) {
		priv->file[region->file].taken = true;
		priv->file_bytes += priv->domain.state->file[region->file].size;
		priv->files = MAX(priv->files, (uint32_t)region->file + 1);
	}
	region_enter(priv, region);
	if (region->file != IOMMU_FILE_NOT_SHARED)
		return 0;
	if (table_reserve(&priv->table))
		return -ENOMEM;
	table_set(&priv->table, region);
	return 0;
}

static int adopt(struct iommu_private *priv)
{
	struct iommu_state *state = priv->domain.state;
	int error = 0;

	fault_adopt(state);
	state->slots = MIN(state->slots, (uint32_t)IOMMU_MAX_REGIONS);
	state->regions = 0;
	for (uint32_t i = 0; i < state->slots && !error; i++) {
		if (state->region[i].perm && adoptable(priv, &state->region[i])) {
			error = adopt_region(priv, i);
			continue;
		}
		if (state->region[i].perm)
			log_warning("iommu: requester %04x: map %u of the adopted state is damaged "
				    "and was dropped",
				    priv->domain.requester, i);
		slot_put(priv, i);
	}
	for (uint32_t i = 0; i < IOMMU_MAX_FILES && !error; i++)
		state->file[i].used = priv->file[i].regions != 0;
	return error;
}

/* Create and destroy. */

static void free_domain(struct quiesce_head *head)
{
	struct iommu_private *priv = container_of(head, struct iommu_private, reclaim);

	table_fini(&priv->table);
	free(priv);
}

void iommu_domain_destroy(struct iommu_domain *domain)
{
	struct iommu_private *priv;

	if (!domain)
		return;
	priv = domain->private;
	assert(!priv->followers);
	iommu_domain_follow(domain, NULL);
	private_check_abandon(priv);
	retire(priv, region_cut(&priv->tree, 0, UINT64_MAX), true);
	quiesce_call(priv->quiesce, &priv->reclaim, free_domain);
}

int iommu_domain_create(struct iommu_domain **domain, uint16_t requester, struct iommu_state *state,
			struct quiesce *quiesce)
{
	struct iommu_private *priv = calloc(1, sizeof(*priv));
	int error;

	if (!priv)
		return -ENOMEM;
	error = table_init(&priv->table);
	if (error) {
		free(priv);
		return error;
	}
	priv->domain.requester = requester;
	priv->domain.state = state;
	priv->domain.private = priv;
	atomic_init(&priv->domain.generation, 1);
	atomic_init(&priv->domain.bus_master, state->bus_master != 0);
	priv->quiesce = quiesce;
	atomic_init(&priv->source, priv);
	if (getrandom(&priv->random, sizeof(priv->random), 0) < 0 || !priv->random)
		priv->random = now_ns() | 1;
	error = adopt(priv);
	if (error) {
		iommu_domain_destroy(&priv->domain);
		return error;
	}
	*domain = &priv->domain;
	return 0;
}

void iommu_summarize(const struct iommu_domain *domain, struct iommu_summary *summary)
{
	const struct iommu_private *priv = domain->private;
	const uint32_t *leaves = priv->table.leaves;

	*summary = (struct iommu_summary){
		.regions = domain->state->regions,
		.not_shared_regions = priv->not_shared_regions,
		.bytes = priv->bytes,
		.not_shared_bytes = priv->not_shared_bytes,
		.leaves_4k = leaves[0],
		.leaves_2m = leaves[1],
		.leaves_1g = leaves[2] + leaves[3] * TABLE_ENTRIES,
		.maps = domain->state->maps,
		.unmaps = domain->state->unmaps,
		.translations = atomic_load(&domain->state->translations),
		.private_memory = priv->private_memory,
	};
	for (unsigned int i = 0; i < IOMMU_FAULT_REASONS; i++)
		summary->faults += atomic_load(&domain->state->fault_count[i]);
}

bool iommu_broken(const struct iommu_domain *domain)
{
	const struct iommu_private *priv = domain->private;

	if (!sigbus_count())
		return false;
	for (uint32_t i = 0; i < priv->files; i++) {
		const struct mapping *mapping = priv->file[i].mapping;

		if (mapping && atomic_load_explicit(&mapping->broken, memory_order_relaxed))
			return true;
	}
	return false;
}
