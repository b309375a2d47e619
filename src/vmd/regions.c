// SPDX-License-Identifier: BSD-3-Clause
/*
 * regions.c - the windows: an access of the guest becomes one of a function behind the endpoint.
 *
 * CFGBAR holds configuration spaces as ECAM does: bus, device and function are bits 27:12 of the
 * offset (7.2.2). An access is cut at dwords, so none reaches into two functions.
 *
 * A memory window does not know what is in it: the address of an access is the window's own, from
 * the endpoint's BAR register, plus the offset, and who answers that address is decided by the BAR
 * and VF BAR registers of those behind (pcie/decode.c), at every access. The VMM maps a window
 * where the guest put it, and forwards what the guest writes to the BAR register.
 *
 * A read that nobody answers is all ones, a write is lost (Unsupported Request).
 */
#include "vmd/internal.h"

#define NO_ANSWER 0xff
#define DWORD 4u
#define FUNCTION_SHIFT 12
#define REGISTER_MASK (PCIE_CONFIG_SIZE - 1u)

void vmd_region(void *ctx, unsigned int index, struct vfio_user_region *region)
{
	const struct vmd *vmd = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		region->size = PCIE_CONFIG_SIZE;
	else if (index < PCIE_BARS)
		region->size = vmd->layout.bar[index].size;
	region->readable = region->size;
	region->writable = region->size;
}

/* CFGBAR */

static struct pcie_function *function_at(const struct vmd *vmd, uint64_t offset)
{
	uint64_t slot = offset >> FUNCTION_SHIFT;

	if (slot >= vmd->config.buses * VMD_FUNCTIONS_PER_BUS)
		return NULL;
	return pcie_hierarchy_find(
		vmd->config.hierarchy,
		(uint16_t)(vmd->config.first_bus * VMD_FUNCTIONS_PER_BUS + slot));
}

static int config_read(const struct vmd *vmd, uint64_t offset, uint8_t *data, uint32_t len)
{
	uint32_t take;

	for (; len; offset += take, data += take, len -= take) {
		const struct pcie_function *function = function_at(vmd, offset);

		take = MIN(len, DWORD - (uint32_t)(offset % DWORD));
		if (function)
			pcie_config_read(function, offset & REGISTER_MASK, data, take);
		else
			memset(data, NO_ANSWER, take);
	}
	return VFIO_USER_DONE;
}

static int config_write(struct vmd *vmd, uint64_t offset, const uint8_t *data, uint32_t len)
{
	int result = VFIO_USER_DONE;
	uint32_t take;

	for (; len; offset += take, data += take, len -= take) {
		struct pcie_function *function = function_at(vmd, offset);

		take = MIN(len, DWORD - (uint32_t)(offset % DWORD));
		if (!function)
			continue;
		if (pcie_config_write(function, offset & REGISTER_MASK, data, take) == PCIE_QUIESCE)
			result = VFIO_USER_QUIESCE;
		irqs_written(vmd, (uint16_t)(vmd->config.first_bus * VMD_FUNCTIONS_PER_BUS +
					     (offset >> FUNCTION_SHIFT)));
	}
	return result;
}

/* Memory windows */

/* struct piece - a part of an access that one function answers, or nobody. */
struct piece {
	struct pcie_target target;
	uint32_t len;
};

static struct piece next_piece(const struct vmd *vmd, uint64_t address, uint32_t len)
{
	struct pcie_target target = pcie_hierarchy_decode(
		vmd->config.hierarchy, vmd->config.first_bus, vmd->config.buses, address);

	/* None of the end of the address space is anybody's: do not stay there. */
	return (struct piece){ .target = target,
			       .len = target.len && target.len < len ? (uint32_t)target.len : len };
}

static int memory_read(const struct vmd *vmd, uint64_t address, uint8_t *data, uint32_t len)
{
	int result = VFIO_USER_DONE;

	while (len) {
		struct piece piece = next_piece(vmd, address, len);
		const struct pcie_target *target = &piece.target;

		if (!target->function)
			memset(data, NO_ANSWER, piece.len);
		else if (pcie_bar_read(target->function, target->bar, target->offset, data,
				       piece.len) == PCIE_QUIESCE)
			result = VFIO_USER_QUIESCE;
		address += piece.len;
		data += piece.len;
		len -= piece.len;
	}
	return result;
}

static int memory_write(struct vmd *vmd, uint64_t address, const uint8_t *data, uint32_t len)
{
	int result = VFIO_USER_DONE;

	while (len) {
		struct piece piece = next_piece(vmd, address, len);
		const struct pcie_target *target = &piece.target;

		if (target->function) {
			uint16_t routing_id = target->function->routing_id;

			if (pcie_bar_write(target->function, target->bar, target->offset, data,
					   piece.len) == PCIE_QUIESCE)
				result = VFIO_USER_QUIESCE;
			irqs_written(vmd, routing_id);
		}
		address += piece.len;
		data += piece.len;
		len -= piece.len;
	}
	return result;
}

/* The endpoint's own registers at the start of MEMBAR2: the MSI-X table; its pending bits are 0. */

static void own_read(const struct vmd *vmd, uint64_t offset, uint8_t *data, uint32_t len)
{
	memset(data, 0, len);
	if (offset < sizeof(vmd->table))
		memcpy(data, vmd->table + offset, MIN((size_t)len, sizeof(vmd->table) - offset));
}

static void own_write(struct vmd *vmd, uint64_t offset, const uint8_t *data, uint32_t len)
{
	if (offset < sizeof(vmd->table))
		memcpy(vmd->table + offset, data, MIN((size_t)len, sizeof(vmd->table) - offset));
}

/* Bytes of an access at @offset of @bar that are the endpoint's own. */
static uint32_t own_part(unsigned int bar, uint64_t offset, uint32_t len)
{
	if (bar != VMD_MEMBAR2 || offset >= VMD_MEMBAR2_OWN)
		return 0;
	return (uint32_t)MIN((uint64_t)len, VMD_MEMBAR2_OWN - offset);
}

int vmd_read(void *ctx, unsigned int index, uint64_t offset, void *data, uint32_t len)
{
	const struct vmd *vmd = ctx;
	uint32_t own = own_part(index, offset, len);

	if (index == VFIO_USER_REGION_CONFIG) {
		pcie_config_read(&vmd->endpoint, (uint16_t)offset, data, len);
		return VFIO_USER_DONE;
	}
	if (index == VMD_CFGBAR)
		return config_read(vmd, offset, data, len);
	own_read(vmd, offset, data, own);
	return memory_read(vmd, pcie_bar_address(&vmd->endpoint, index) + offset + own,
			   (uint8_t *)data + own, len - own);
}

int vmd_write(void *ctx, unsigned int index, uint64_t offset, const void *data, uint32_t len)
{
	uint32_t own = own_part(index, offset, len);
	struct vmd *vmd = ctx;

	if (index == VFIO_USER_REGION_CONFIG)
		return quiesce_too(pcie_config_write(&vmd->endpoint, (uint16_t)offset, data, len));
	if (index == VMD_CFGBAR)
		return config_write(vmd, offset, data, len);
	own_write(vmd, offset, data, own);
	return memory_write(vmd, pcie_bar_address(&vmd->endpoint, index) + offset + own,
			    (const uint8_t *)data + own, len - own);
}
