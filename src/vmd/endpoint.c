// SPDX-License-Identifier: BSD-3-Clause
/*
 * endpoint.c - the VMD endpoint as the guest's bus sees it, and what it does to those behind it.
 *
 * Device ID 28c0 is the one whose driver lets children interrupt with messages of their own: the
 * driver finds nothing to translate (no shadow registers: VMLOCK is 0), sets VMCONFIG bit 1 and gives
 * each child's MSI-X entries the addresses and data of the guest's interrupt controller. Bus numbers
 * start at 0 (VMCAP bit 0 is clear: not restricted).
 *
 * These three registers are part of no capability. They lie where a header's device-specific
 * registers begin, so the capabilities come behind them.
 *
 * The windows: CFGBAR is 64 bit and prefetchable as on the silicon, so that a BIOS may put it
 * anywhere. The memory windows are 32 bit and not prefetchable, because only there a system places
 * BARs of any kind. The second one is no larger than what the endpoint needs for itself: children
 * find room in the first.
 *
 * Everything behind the endpoint is reset with it: hot reset of a bus (6.6.1). PFs come first; their
 * VFs go with them.
 *
 * Source: Linux drivers/pci/controller/vmd.c. Specification: PCI Express Base 5.0, 6.6.1, 7.5.1.
 */
#include "vmd/internal.h"

#define REG_VMCONFIG 0x44		/* VMCAP 0x40 and VMLOCK 0x70 read 0 */
#define VMCONFIG_BYPASS_REMAPPING 0x02u /* Linux: VMCONFIG_MSI_REMAP, set to switch it off */

#define CAP_MSIX 0x80
#define CAP_EXPRESS 0x90
#define LINK_8GT 3
#define LINK_WIDTH 16

static const struct pcie_ids ids = { .vendor = 0x8086,
				     .device = 0x28c0,
				     .subsystem_vendor = 0x8086,
				     .subsystem = 0x0000,
				     .revision = 0x04,
				     .class_code = 0x010400 };

static uint64_t cfgbar_size(unsigned int buses)
{
	uint64_t size = VMD_BUS_SIZE;

	while (size < buses * VMD_BUS_SIZE)
		size *= 2;
	return size;
}

void endpoint_layout(struct vmd *vmd)
{
	struct pcie_layout *layout = &vmd->layout;

	pcie_layout_init(layout, &ids, false);
	pcie_add_bar(layout, VMD_CFGBAR, cfgbar_size(vmd->config.buses), true, true);
	pcie_add_bar(layout, VMD_MEMBAR1, VMD_MEMBAR1_SIZE, false, false);
	pcie_add_bar(layout, VMD_MEMBAR2, VMD_MEMBAR2_SIZE, false, false);
	pcie_add_msix(layout, CAP_MSIX, VMD_VECTORS, VMD_MEMBAR2, VMD_MSIX_TABLE, VMD_MSIX_PBA);
	pcie_add_express(layout, CAP_EXPRESS, LINK_8GT, LINK_WIDTH);
	layout->mask[REG_VMCONFIG] = VMCONFIG_BYPASS_REMAPPING;
}

bool endpoint_bus_master(const struct vmd *vmd)
{
	return pcie_command_in_force(&vmd->endpoint) & PCI_COMMAND_MASTER;
}

bool endpoint_bypasses_remapping(const struct vmd *vmd)
{
	return vmd->endpoint.state->config[REG_VMCONFIG] & VMCONFIG_BYPASS_REMAPPING;
}

/* Resets of the functions that are there, PFs or the others; a reset may take others away. */
static int reset_functions(struct vmd *vmd, bool pfs)
{
	unsigned int first = vmd->config.first_bus * VMD_FUNCTIONS_PER_BUS;
	unsigned int end = first + vmd->config.buses * VMD_FUNCTIONS_PER_BUS;
	int result = PCIE_DONE;

	for (unsigned int id = first; id < end; id++) {
		struct pcie_function *function =
			pcie_hierarchy_find(vmd->config.hierarchy, (uint16_t)id);

		if (function && (function->layout->sriov != 0) == pfs &&
		    pcie_function_reset(function) == PCIE_QUIESCE)
			result = PCIE_QUIESCE;
	}
	return result;
}

static int on_reset(void *ctx)
{
	struct vmd *vmd = ctx;
	int result = reset_functions(vmd, true);

	if (reset_functions(vmd, false) == PCIE_QUIESCE)
		result = PCIE_QUIESCE;
	irqs_reset(vmd);
	memset(vmd->table, 0, sizeof(vmd->table));
	return result;
}

/* Nothing behind the endpoint masters the bus when the endpoint may not. */
static void on_command(void *ctx, uint16_t command)
{
	struct vmd *vmd = ctx;

	iommu_set_bus_master(vmd->config.domain, command & PCI_COMMAND_MASTER);
}

static const struct function_ops endpoint_ops = { .reset = on_reset, .command = on_command };

void endpoint_power_on(struct vmd *vmd)
{
	pcie_function_init(&vmd->endpoint, &vmd->layout, &vmd->config.state->endpoint, 0,
			   &endpoint_ops, vmd);
	iommu_set_bus_master(vmd->config.domain, false);
	memset(vmd->table, 0, sizeof(vmd->table));
}
