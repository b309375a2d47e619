// SPDX-License-Identifier: BSD-3-Clause
/*
 * regions.c - what the VM reads and writes: configuration space and the VF's BARs.
 *
 * Device models have 32-bit registers. A larger access becomes accesses to each of its dwords in
 * ascending order. A read of less than a dword reads the dword and cuts out the bytes; a write of
 * less is dropped.
 *
 * A VF answers memory accesses while both the Memory Space Enable of its own (virtual) Command
 * register and VF MSE in the PF's SR-IOV capability are set; otherwise a read is all ones and a
 * write is lost (Unsupported Request). Register pages that the VM has mapped are plain memory and
 * escape this.
 *
 * The MSI-X table lies in one of the BARs and is the device model's. VMMs emulate it: few of their
 * guests' writes arrive here.
 */
#include "iovm/internal.h"

#define DWORD 4u
#define NO_ANSWER 0xff

void vf_region(void *ctx, unsigned int index, struct vfio_user_region *region)
{
	const struct iovm_vf *vf = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		region->size = PCIE_CONFIG_SIZE;
	else if (index < PCIE_BARS)
		region->size = vf->layout.bar[index].size;
	region->readable = region->size;
	region->writable = region->size;
	if (index == vf->config.shared_bar && vf->shared_fd >= 0) {
		region->fd = vf->shared_fd;
		region->areas = 1;
		region->area[0].offset = vf->config.shared_offset;
		region->area[0].size = vf->config.shared_size;
	}
}

static bool memory_enabled(const struct iovm_vf *vf)
{
	return (pcie_command(&vf->function) & PCI_COMMAND_MEMORY) &&
	       pcie_vf_memory_enabled(vf->config.pf);
}

/* One register of the device model. A refused read is all ones, as on a bus. */
static int read_dword(struct iovm_vf *vf, unsigned int bar, uint64_t offset, uint8_t value[DWORD])
{
	const struct pcie_function *bare = vf->config.bare;
	int result = bare->ops->bar_read(bare->ctx, bar, offset, value, DWORD);

	if (result < 0)
		memset(value, NO_ANSWER, DWORD);
	return result;
}

static int bar_read(struct iovm_vf *vf, unsigned int bar, uint64_t offset, uint8_t *data,
		    uint32_t len)
{
	int result = VFIO_USER_DONE;

	while (len) {
		uint32_t skip = offset % DWORD, take = MIN(len, DWORD - skip);
		uint8_t value[DWORD];

		if (read_dword(vf, bar, offset - skip, value) == PCIE_QUIESCE)
			result = VFIO_USER_QUIESCE;
		memcpy(data, value + skip, take);
		offset += take;
		data += take;
		len -= take;
	}
	return result;
}

static int bar_write(struct iovm_vf *vf, unsigned int bar, uint64_t offset, const uint8_t *data,
		     uint32_t len)
{
	const struct pcie_function *bare = vf->config.bare;
	uint32_t skip = (uint32_t)(-offset % DWORD); /* bytes before the first whole dword */
	int result = VFIO_USER_DONE;

	for (uint32_t i = skip; i + DWORD <= len; i += DWORD)
		if (bare->ops->bar_write(bare->ctx, bar, offset + i, data + i, DWORD) ==
		    PCIE_QUIESCE)
			result = VFIO_USER_QUIESCE;
	return result;
}

int vf_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len)
{
	struct iovm_vf *vf = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		pcie_config_read(&vf->function, (uint16_t)offset, data, len);
	else if (!memory_enabled(vf))
		memset(data, NO_ANSWER, len);
	else
		return bar_read(vf, index, offset, data, len);
	return VFIO_USER_DONE;
}

int vf_write(void *ctx, unsigned int index, uint64_t offset, const void *data, uint32_t len)
{
	struct iovm_vf *vf = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		return pcie_config_write(&vf->function, (uint16_t)offset, data, len) == PCIE_QUIESCE
			       ? VFIO_USER_QUIESCE
			       : VFIO_USER_DONE;
	if (!memory_enabled(vf))
		return VFIO_USER_DONE;
	return bar_write(vf, index, offset, data, len);
}
