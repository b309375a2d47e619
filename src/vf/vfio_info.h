/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio_info.h - the answers of VFIO's INFO requests: a fixed structure, then a chain of capabilities.
 */
#ifndef SOFTIOV_VF_VFIO_INFO_H
#define SOFTIOV_VF_VFIO_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vfio.h>
#include "vf/transport.h"

/**
 * vfio_info_ask() - put @question, of @size bytes of which the first four ("argsz") are filled in here, to @fd.
 * Return: the whole answer (free it), with argsz its size, or NULL with errno set.
 */
void *vfio_info_ask(int fd, unsigned long request, const void *question, uint32_t size);

/** vfio_info_areas() - which parts of the region may be mapped: @region->areas, with offset and size only. */
void vfio_info_areas(const struct vfio_region_info *info, struct vf_region *region);

/** vfio_info_page_size() - the smallest page of the IOMMU. */
uint64_t vfio_info_page_size(const struct vfio_iommu_type1_info *info);

/** vfio_info_has_iova() - may [@iova, @iova + @size) be mapped? True also when the kernel does not say. */
bool vfio_info_has_iova(const struct vfio_iommu_type1_info *info, uint64_t iova, uint64_t size);

#endif
