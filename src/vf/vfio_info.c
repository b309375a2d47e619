// SPDX-License-Identifier: BSD-3-Clause
/*
 * vfio_info.c - reading the answers of VFIO's INFO requests.
 *
 * An answer says in its first word how long it is, or how long it would have been: then it is asked for again with that
 * much room. Behind its fixed part hangs a chain of capabilities, each with the offset of the next, 0 in the last.
 *
 * Specification: <linux/vfio.h>.
 */
#include "vf/vfio_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util/util.h"

#define ANSWER_MAX 65536u

void *vfio_info_ask(int fd, unsigned long request, const void *question, uint32_t size)
{
	uint32_t room = size;

	for (unsigned int tries = 0; tries < 2 && room <= ANSWER_MAX; tries++) {
		uint8_t *answer = calloc(1, room);
		uint32_t needed;

		if (!answer)
			return NULL;
		memcpy(answer, question, size);
		put_le32(answer, room);
		if (ioctl(fd, request, answer)) {
			free(answer);
			return NULL;
		}
		needed = get_le32(answer);
		if (needed <= room) {
			put_le32(answer, room);
			return answer;
		}
		free(answer);
		room = needed;
	}
	errno = EPROTO;
	return NULL;
}

/* Capability @id in @answer, whose first is at @at, with at least @min bytes. Return: NULL when there is none in bounds. */
static const void *find_capability(const void *answer, uint32_t at, uint16_t id, uint32_t min)
{
	uint32_t size = get_le32(answer);

	while (at && at <= size && size - at >= sizeof(struct vfio_info_cap_header)) {
		struct vfio_info_cap_header header;

		memcpy(&header, (const uint8_t *)answer + at, sizeof(header));
		if (header.id == id)
			return size - at >= min ? (const uint8_t *)answer + at : NULL;
		if (header.next <= at)
			break; /* the end, or a loop */
		at = header.next;
	}
	return NULL;
}

/* How many elements of @each bytes fit between @list and the end of @answer: at most @n. */
static uint32_t bounded(const void *answer, const void *list, uint32_t n, uint32_t each)
{
	uint32_t at = (uint32_t)((const uint8_t *)list - (const uint8_t *)answer);

	return MIN(n, (get_le32(answer) - at) / each);
}

static void add_area(struct vf_region *region, uint64_t offset, uint64_t size)
{
	bool inside = size && offset <= region->size && size <= region->size - offset;

	if (inside && !(offset % PAGE_SIZE_4K) && region->areas < VF_AREAS_MAX)
		region->area[region->areas++] = (struct vf_area){ offset, size, NULL };
}

void vfio_info_areas(const struct vfio_region_info *info, struct vf_region *region)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse = NULL;
	uint32_t n;

	region->size = info->size;
	region->areas = 0;
	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (info->flags & VFIO_REGION_INFO_FLAG_CAPS)
		sparse = find_capability(info, info->cap_offset, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
					 sizeof(*sparse));
	if (!sparse) {
		add_area(region, 0, info->size);
		return;
	}
	n = bounded(info, sparse->areas, sparse->nr_areas, sizeof(sparse->areas[0]));
	for (uint32_t i = 0; i < n; i++)
		add_area(region, sparse->areas[i].offset, sparse->areas[i].size);
}

uint64_t vfio_info_page_size(const struct vfio_iommu_type1_info *info)
{
	if (!(info->flags & VFIO_IOMMU_INFO_PGSIZES) || !info->iova_pgsizes)
		return PAGE_SIZE_4K;
	return info->iova_pgsizes & -info->iova_pgsizes;
}

bool vfio_info_has_iova(const struct vfio_iommu_type1_info *info, uint64_t iova, uint64_t size)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap = NULL;
	uint32_t n;

	if (!size || iova > UINT64_MAX - (size - 1))
		return false;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = find_capability(info, info->cap_offset, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
				      sizeof(*cap));
	if (!cap)
		return true;
	n = bounded(info, cap->iova_ranges, cap->nr_iovas, sizeof(cap->iova_ranges[0]));
	for (uint32_t i = 0; i < n; i++)
		if (iova >= cap->iova_ranges[i].start &&
		    iova + (size - 1) <= cap->iova_ranges[i].end)
			return true;
	return false;
}
