// SPDX-License-Identifier: BSD-3-Clause
/*
 * regions.c - what the VM reads and writes: configuration space and the VF's BARs.
 *
 * A VF answers memory accesses while both the Memory Space Enable of its own (virtual) Command
 * register and VF MSE in the PF's SR-IOV capability are set; otherwise a read is all ones and a
 * write is lost (Unsupported Request). Register pages that the VM has mapped are plain memory and
 * escape this. An orphan answers whatever VF MSE says: who reads all ones takes the device for gone,
 * as Linux drivers do, and would not come back with the VF.
 *
 * The MSI-X table lies in one of the BARs and is the device model's. VMMs emulate it: few of their
 * guests' writes arrive here.
 */
#include "iovm/internal.h"

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
	       (vf->orphan || pcie_vf_memory_enabled(vf->config.pf));
}

static int quiesce_too(int result)
{
	return result == PCIE_QUIESCE ? VFIO_USER_QUIESCE : VFIO_USER_DONE;
}

int vf_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len)
{
	struct iovm_vf *vf = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		pcie_config_read(&vf->function, (uint16_t)offset, data, len);
	else if (!memory_enabled(vf))
		memset(data, NO_ANSWER, len);
	else
		return quiesce_too(pcie_bar_read(vf->config.bare, index, offset, data, len));
	return VFIO_USER_DONE;
}

int vf_write(void *ctx, unsigned int index, uint64_t offset, const void *data, uint32_t len)
{
	struct iovm_vf *vf = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		return quiesce_too(pcie_config_write(&vf->function, (uint16_t)offset, data, len));
	if (!memory_enabled(vf))
		return VFIO_USER_DONE;
	return quiesce_too(pcie_bar_write(vf->config.bare, index, offset, data, len));
}
