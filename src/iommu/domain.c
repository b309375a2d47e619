/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * domain.c - maps and unmaps of one requester.
 *
 * A map is in three places: its slot in the state file (the truth, which outlives the process), the tree of regions
 * (what overlaps?) and the radix table (what workers see). A map enters them in this order once nothing can fail any
 * more, and leaves them in the reverse order; then the generation moves on, which empties all cached translations.
 * The memory of what was taken away (regions, table nodes, mappings of files) is freed after a grace period; one
 * quiesce_call() serves all that one unmap removes, and needs no memory of its own.
 *
 * Unmap follows VFIO's type 1 IOMMU, version 2: everything inside the range goes, nothing there is fine, and a range
 * that cuts a map is refused (linux/vfio.h, VFIO_IOMMU_UNMAP_DMA).
 *
 * File slots. Regions name their file by a slot of the state file, which knows device, inode and size. A slot stands
 * for one mapping that this domain uses, counted by its regions.
 */
#include "iommu/internal.h"

#include <stdlib.h>
#include <sys/random.h>

#include "util/log.h"

/* A map that a client asks for, checked. */
struct request {
	uint64_t iova, last; /* inclusive */
	uint32_t perm;
	int32_t kind; /* 0: file; or IOMMU_FILE_... */
	int fd;
	uint64_t offset; /* file only */
	struct file_info info;
	uint8_t *host; /* IOMMU_FILE_HOST only */
};

static uint64_t region_size(const struct region *region)
{
	return region->last - region->iova + 1;
}

static void generation_next(struct iommu_domain *domain)
{
	atomic_fetch_add_explicit(&domain->generation, 1, memory_order_release);
}

/* Slots of the state file. */

static uint32_t slot_get(struct iommu_private *private)
{
	struct iommu_state *state = private->domain.state;
	uint32_t slot;

	if (!private->free_slots)
		return state->slots++;
	slot = private->free_slots - 1;
	private->free_slots = (uint32_t)state->region[slot].iova;
	return slot;
}

static void slot_write(struct iommu_private *private, const struct region *region, uint64_t offset)
{
	struct iommu_region_state *slot = &private->domain.state->region[region->slot];

	slot->iova = region->iova;
	slot->size = region_size(region);
	slot->offset = offset;
	slot->file = region->file;
	__atomic_store_n(&slot->perm, region->perm, __ATOMIC_RELEASE); /* from here on it exists */
}

static void slot_put(struct iommu_private *private, uint32_t slot)
{
	struct iommu_state *state = private->domain.state;

	__atomic_store_n(&state->region[slot].perm, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&state->region[slot].iova, private->free_slots, __ATOMIC_RELEASE);
	private->free_slots = slot + 1;
}

/* File slots. */

static uint64_t request_file_end(const struct request *request)
{
	return request->offset + (request->last - request->iova) + 1;
}

static bool same_file(const struct iommu_file_state *file, const struct file_info *info)
{
	return file->inode == info->inode && file->device == info->device &&
	       file->writable == info->writable;
}

static int file_use_new(struct iommu_private *private, const struct request *request, int32_t *slot)
{
	struct iommu_state *state = private->domain.state;
	struct iommu_file_state *file;
	struct mapping *mapping;
	uint32_t i = 0;
	uint64_t size;
	int error;

	while (i < IOMMU_MAX_FILES && private->file[i].regions)
		i++;
	if (i == IOMMU_MAX_FILES)
		return -ENOSPC;
	/* A shared mapping may be larger than the file is now, so the sum may have passed the limit. */
	if (request->info.size >
	    IOMMU_MAX_FILE_BYTES - MIN(private->file_bytes, IOMMU_MAX_FILE_BYTES))
		return -ENOSPC;
	error = mapping_get(&mapping, request->fd, &request->info, request_file_end(request),
			    private->quiesce);
	if (error)
		return error;
	size = atomic_load_explicit(&mapping->size, memory_order_relaxed);
	file = &state->file[i];
	file->device = request->info.device;
	file->inode = request->info.inode;
	file->size = size;
	file->writable = request->info.writable;
	__atomic_store_n(&file->used, 1, __ATOMIC_RELEASE);
	private->file[i].mapping = mapping;
	private->file_bytes += size;
	private->files = MAX(private->files, i + 1);
	*slot = (int32_t)i;
	return 0;
}

/* The slot of the requested file, new if need be. file_use_put() undoes it. */
static int file_use_get(struct iommu_private *private, const struct request *request, int32_t *slot)
{
	uint64_t end = request_file_end(request);
	int error;

	*slot = -1;
	for (uint32_t i = 0; i < private->files && *slot < 0; i++) {
		const struct file_use *use = &private->file[i];

		if (use->regions && use->mapping &&
		    mapping_suits(use->mapping, &request->info, end))
			*slot = (int32_t)i;
	}
	if (*slot < 0) {
		error = file_use_new(private, request, slot);
		if (error)
			return error;
	}
	private->file[*slot].regions++;
	return 0;
}

static void file_use_put(struct iommu_private *private, int32_t slot, bool keep_state)
{
	struct iommu_file_state *file = &private->domain.state->file[slot];
	struct file_use *use = &private->file[slot];

	if (--use->regions)
		return;
	private->file_bytes -= file->size;
	if (!keep_state)
		file->used = 0;
	if (use->mapping)
		mapping_put(use->mapping);
	use->mapping = NULL;
}

static uint8_t *file_use_host(const struct iommu_private *private, int32_t slot, uint64_t offset)
{
	const struct mapping *mapping = private->file[slot].mapping;

	return (uint8_t *)atomic_load_explicit(&mapping->base, memory_order_relaxed) + offset;
}

/* Regions. */

static uint32_t next_random(struct iommu_private *private)
{
	private->random ^= private->random << 13;
	private->random ^= private->random >> 7;
	private->random ^= private->random << 17;
	return (uint32_t)(private->random >> 32);
}

static void region_enter(struct iommu_private *private, struct region *region)
{
	region->owner = private;
	region->priority = next_random(private);
	region_insert(&private->tree, region);
	private->domain.state->regions++;
	private->bytes += region_size(region);
	if (region->file == IOMMU_FILE_NOT_SHARED) {
		private->not_shared_regions++;
		private->not_shared_bytes += region_size(region);
	}
}

static void region_leave(struct iommu_private *private, struct region *region,
			 struct table_node **dead_nodes, bool keep_state)
{
	private->bytes -= region_size(region);
	if (region->file == IOMMU_FILE_NOT_SHARED) {
		private->not_shared_regions--;
		private->not_shared_bytes -= region_size(region);
	}
	if (region->published)
		table_clear(&private->table, region, dead_nodes);
	if (!keep_state) {
		slot_put(private, region->slot);
		private->domain.state->regions--;
		private->domain.state->unmaps++;
	}
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
 * Take all regions of the tree @cut away; they are not in the domain's tree any more. With @keep_state their slots stay
 * as they are. Return: bytes removed.
 */
static uint64_t retire(struct iommu_private *private, struct region *cut, bool keep_state)
{
	struct iommu_state *state = private->domain.state;
	struct table_node *dead_nodes = NULL;
	struct region *dead = NULL;
	uint64_t bytes = 0;

	if (!cut)
		return 0;
	while (cut) {
		struct region *region = region_pop(&cut);

		bytes += region_size(region);
		region_leave(private, region, &dead_nodes, keep_state);
		region->right = dead;
		dead = region;
	}
	if (!keep_state && !state->regions) {
		state->slots = 0;
		private->free_slots = 0;
	}
	generation_next(&private->domain);
	/* Only now: a grace period that begins before the cached translations are void would be too short. */
	for (struct region *region = dead; region; region = region->right) {
		if (region->file >= 0)
			file_use_put(private, region->file, keep_state);
	}
	dead->dead_nodes = dead_nodes;
	quiesce_call(private->quiesce, &dead->reclaim, free_dead);
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

static bool is_same(const struct iommu_private *private, const struct region *region,
		    const struct request *request)
{
	const struct iommu_state *state = private->domain.state;

	if (region->iova != request->iova || region->last != request->last ||
	    region->perm != request->perm)
		return false;
	if (request->kind == IOMMU_FILE_NOT_SHARED)
		return region->file == IOMMU_FILE_NOT_SHARED;
	if (request->kind == IOMMU_FILE_HOST)
		return region->file == IOMMU_FILE_HOST &&
		       (!region->host || region->host == request->host);
	return region->file >= 0 && state->region[region->slot].offset == request->offset &&
	       same_file(&state->file[region->file], &request->info);
}

/* An adopted region gets its memory back. */
static int connect_again(struct iommu_private *private, struct region *region,
			 const struct request *request)
{
	int error = table_reserve(&private->table);

	if (error)
		return error;
	if (region->file >= 0) {
		struct file_use *use = &private->file[region->file];
		uint64_t size = private->domain.state->file[region->file].size;

		/* All regions of the slot must fit, not only this one. */
		if (!use->mapping && request->info.size < size)
			return -EINVAL;
		if (!use->mapping)
			error = mapping_get(&use->mapping, request->fd, &request->info, size,
					    private->quiesce);
		if (error)
			return error;
		region->host = file_use_host(private, region->file, request->offset);
	} else {
		region->host = request->host;
	}
	table_set(&private->table, region);
	generation_next(&private->domain);
	return 0;
}

static int map_new(struct iommu_private *private, const struct request *request)
{
	struct iommu_state *state = private->domain.state;
	struct region *region;
	int error;

	if (state->regions >= IOMMU_MAX_REGIONS)
		return -ENOSPC;
	error = table_reserve(&private->table);
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
		error = file_use_get(private, request, &region->file);
		if (error) {
			free(region);
			return error;
		}
		region->host = file_use_host(private, region->file, request->offset);
	}
	region->slot = slot_get(private);
	slot_write(private, region, request->offset);
	region_enter(private, region);
	table_set(&private->table, region);
	state->maps++;
	generation_next(&private->domain);
	return 0;
}

static int map(struct iommu_private *private, const struct request *request)
{
	struct region *there = region_floor(private->tree, request->last);

	if (!there || there->last < request->iova)
		return map_new(private, request);
	if (!is_same(private, there, request))
		return -EEXIST;
	return there->published ? 0 : connect_again(private, there, request);
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
	struct iommu_private *private = domain->private;
	uint64_t bytes = 0;
	int error = -EINVAL;

	if (iova <= last && !cuts_region(private->tree, iova, last)) {
		bytes = retire(private, region_cut(&private->tree, iova, last), false);
		error = 0;
	}
	if (unmapped)
		*unmapped = bytes;
	return error;
}

void iommu_unmap_all(struct iommu_domain *domain)
{
	iommu_unmap(domain, 0, UINT64_MAX, NULL);
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
	generation_next(domain);
}

/* Adoption: build tree, slots and uses of files again from the state file. */

static bool adoptable(const struct iommu_private *private, const struct iommu_region_state *slot)
{
	const struct iommu_state *state = private->domain.state;
	const struct region *there;

	if (!range_valid(slot->iova, slot->size, slot->perm))
		return false;
	there = region_floor(private->tree, slot->iova + slot->size - 1);
	if (there && there->last >= slot->iova)
		return false;
	if (slot->file < 0)
		return slot->file >= IOMMU_FILE_HOST;
	return slot->file < IOMMU_MAX_FILES && state->file[slot->file].used &&
	       slot->offset % PAGE_SIZE_4K == 0 && slot->offset <= state->file[slot->file].size &&
	       slot->size <= state->file[slot->file].size - slot->offset;
}

static int adopt_region(struct iommu_private *private, uint32_t index)
{
	const struct iommu_region_state *slot = &private->domain.state->region[index];
	struct region *region = calloc(1, sizeof(*region));

	if (!region)
		return -ENOMEM;
	region->iova = slot->iova;
	region->last = slot->iova + slot->size - 1;
	region->perm = slot->perm;
	region->file = slot->file;
	region->slot = index;
	if (region->file >= 0 && !private->file[region->file].regions++) {
		private->file_bytes += private->domain.state->file[region->file].size;
		private->files = MAX(private->files, (uint32_t)region->file + 1);
	}
	region_enter(private, region);
	if (region->file != IOMMU_FILE_NOT_SHARED)
		return 0;
	if (table_reserve(&private->table))
		return -ENOMEM;
	table_set(&private->table, region);
	return 0;
}

static int adopt(struct iommu_private *private)
{
	struct iommu_state *state = private->domain.state;
	int error = 0;

	fault_adopt(state);
	state->slots = MIN(state->slots, (uint32_t)IOMMU_MAX_REGIONS);
	state->regions = 0;
	for (uint32_t i = 0; i < state->slots && !error; i++) {
		if (state->region[i].perm && adoptable(private, &state->region[i])) {
			error = adopt_region(private, i);
			continue;
		}
		if (state->region[i].perm)
			log_warning("iommu: requester %04x: map %u of the adopted state is damaged "
				    "and was dropped",
				    private->domain.requester, i);
		slot_put(private, i);
	}
	for (uint32_t i = 0; i < IOMMU_MAX_FILES && !error; i++)
		state->file[i].used = private->file[i].regions != 0;
	return error;
}

/* Create and destroy. */

static void free_domain(struct quiesce_head *head)
{
	struct iommu_private *private = container_of(head, struct iommu_private, reclaim);

	table_fini(&private->table);
	free(private);
}

void iommu_domain_destroy(struct iommu_domain *domain)
{
	struct iommu_private *private;

	if (!domain)
		return;
	private = domain->private;
	retire(private, region_cut(&private->tree, 0, UINT64_MAX), true);
	quiesce_call(private->quiesce, &private->reclaim, free_domain);
}

int iommu_domain_create(struct iommu_domain **domain, uint16_t requester, struct iommu_state *state,
			struct quiesce *quiesce)
{
	struct iommu_private *private = calloc(1, sizeof(*private));
	int error;

	if (!private)
		return -ENOMEM;
	error = table_init(&private->table);
	if (error) {
		free(private);
		return error;
	}
	private->domain.requester = requester;
	private->domain.state = state;
	private->domain.private = private;
	atomic_init(&private->domain.generation, 1);
	atomic_init(&private->domain.bus_master, state->bus_master != 0);
	private->quiesce = quiesce;
	if (getrandom(&private->random, sizeof(private->random), 0) < 0 || !private->random)
	private->random = now_ns() | 1;
	error = adopt(private);
	if (error) {
		iommu_domain_destroy(&private->domain);
		return error;
	}
	*domain = &private->domain;
	return 0;
}

void iommu_summarize(const struct iommu_domain *domain, struct iommu_summary *summary)
{
	const struct iommu_private *private = domain->private;
	const uint32_t *leaves = private->table.leaves;

	*summary = (struct iommu_summary){
		.regions = domain->state->regions,
		.not_shared_regions = private->not_shared_regions,
		.bytes = private->bytes,
		.not_shared_bytes = private->not_shared_bytes,
		.leaves_4k = leaves[0],
		.leaves_2m = leaves[1],
		.leaves_1g = leaves[2] + leaves[3] * TABLE_ENTRIES,
		.maps = domain->state->maps,
		.unmaps = domain->state->unmaps,
		.translations = atomic_load(&domain->state->translations),
		.private_memory = private->private_memory,
	};
	for (unsigned int i = 0; i < IOMMU_FAULT_REASONS; i++)
		summary->faults += atomic_load(&domain->state->fault_count[i]);
}

bool iommu_broken(const struct iommu_domain *domain)
{
	const struct iommu_private *private = domain->private;

	if (!sigbus_count())
		return false;
	for (uint32_t i = 0; i < private->files; i++) {
		const struct mapping *mapping = private->file[i].mapping;

		if (mapping && atomic_load_explicit(&mapping->broken, memory_order_relaxed))
			return true;
	}
	return false;
}
