/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file_use.c - the file slots of a domain.
 *
 * Regions name their file by a slot of the state file, which knows device, inode and size, so that
 * an adopter can tell which descriptor belongs there. A slot stands for one mapping that this
 * domain uses, counted by its regions. Slots and bytes are limited: entries in the process's table
 * of mappings (vm.max_map_count) and its address space are shared by all guests, and a client can
 * make files of any number and size for nothing.
 */
#include "iommu/internal.h"

static uint64_t request_file_end(const struct request *request)
{
	return request->offset + (request->last - request->iova) + 1;
}

bool file_use_matches(const struct iommu_file_state *file, const struct file_info *info)
{
	return file->inode == info->inode && file->device == info->device &&
	       file->writable == info->writable;
}

static int file_use_new(struct iommu_private *priv, const struct request *request, int32_t *slot)
{
	struct iommu_state *state = priv->domain.state;
	struct iommu_file_state *file;
	struct mapping *mapping;
	uint32_t i = 0;
	uint64_t size;
	int error;

	while (i < IOMMU_MAX_FILES && priv->file[i].taken)
		i++;
	if (i == IOMMU_MAX_FILES)
		return -ENOSPC;
	/*
	 * A shared mapping may be larger than the file is now, so the sum may have passed the
	 * limit.
	 */
	if (request->info.size > IOMMU_MAX_FILE_BYTES - MIN(priv->file_bytes, IOMMU_MAX_FILE_BYTES))
		return -ENOSPC;
	error = mapping_get(&mapping, request->fd, &request->info, request_file_end(request),
			    priv->quiesce);
	if (error)
		return error;
	size = atomic_load_explicit(&mapping->size, memory_order_relaxed);
	file = &state->file[i];
	file->device = request->info.device;
	file->inode = request->info.inode;
	file->size = size;
	file->writable = request->info.writable;
	__atomic_store_n(&file->used, 1, __ATOMIC_RELEASE);
	priv->file[i] = (struct file_use){ .mapping = mapping, .taken = true };
	priv->file_bytes += size;
	priv->files = MAX(priv->files, i + 1);
	*slot = (int32_t)i;
	return 0;
}

int file_use_get(struct iommu_private *priv, const struct request *request, int32_t *slot)
{
	uint64_t end = request_file_end(request);
	int error;

	*slot = -1;
	for (uint32_t i = 0; i < priv->files && *slot < 0; i++) {
		const struct file_use *use = &priv->file[i];

		if (use->mapping && mapping_suits(use->mapping, &request->info, end))
			*slot = (int32_t)i;
	}
	if (*slot < 0) {
		error = file_use_new(priv, request, slot);
		if (error)
			return error;
	}
	priv->file[*slot].regions++;
	return 0;
}

void file_use_trim(struct iommu_private *priv, bool keep_state)
{
	struct iommu_file_state *file = priv->domain.state->file;

	for (uint32_t i = 0; i < priv->files; i++) {
		struct file_use *use = &priv->file[i];

		if (use->regions || !use->taken)
			continue;
		priv->file_bytes -= file[i].size;
		if (!keep_state)
			file[i].used = 0;
		if (use->mapping)
			mapping_put(use->mapping);
		*use = (struct file_use){ 0 };
	}
	while (priv->files && !priv->file[priv->files - 1].taken)
		priv->files--;
}

uint8_t *file_use_host(const struct iommu_private *priv, int32_t slot, uint64_t offset)
{
	const struct mapping *mapping = priv->file[slot].mapping;

	return (uint8_t *)atomic_load_explicit(&mapping->base, memory_order_relaxed) + offset;
}
