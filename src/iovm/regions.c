// SPDX-License-Identifier: BSD-3-Clause
/*
 * regions.c - what the VM reads and writes: configuration space, the registers in the VF's BARs, the
 * MSI-X table.
 *
 * Device models have 32-bit registers. A larger access becomes accesses to each of its dwords in
 * ascending order. A read of less than a dword reads the dword and cuts out the bytes; a write of less
 * is dropped.
 *
 * A VF answers memory accesses while both the Memory Space Enable of its own (virtual) Command register
 * and VF MSE in the PF's SR-IOV capability are set; otherwise a read is all ones and a write is lost
 * (Unsupported Request). Register pages that the VM has mapped are plain memory and escape this.
 *
 * The MSI-X table is memory to us: VMMs emulate it, few of its writes arrive, none can be relied upon.
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

/* The byte of the MSI-X table at @offset of its BAR, or NULL. */
static uint8_t *msix_table_byte(struct iovm_vf *vf, uint64_t offset)
{
	uint64_t in_table = offset - vf->msix_table_offset;

	return in_table < vf->vectors * IOVM_MSIX_ENTRY_SIZE
		       ? &vf->config.state->msix_table[in_table]
		       : NULL;
}

void msix_table_reset(struct iovm_vf *vf)
{
	uint8_t *table = vf->config.state->msix_table;

	memset(table, 0, sizeof(vf->config.state->msix_table));
	for (unsigned int i = 0; i < vf->vectors; i++)
		table[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
			PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/* Beside the table everything reads 0, the pending bits too: the VMM keeps those the guest sees. */
static void msix_read(struct iovm_vf *vf, uint64_t offset, uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		const uint8_t *byte = msix_table_byte(vf, offset + i);

		data[i] = byte ? *byte : 0;
	}
}

static void msix_write(struct iovm_vf *vf, uint64_t offset, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		uint8_t *byte = msix_table_byte(vf, offset + i);

		if (byte)
			*byte = data[i];
	}
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
	else if (index == vf->msix_bar)
		msix_read(vf, offset, data, len);
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
	if (index != vf->msix_bar)
		return bar_write(vf, index, offset, data, len);
	msix_write(vf, offset, data, len);
	return VFIO_USER_DONE;
}
