// SPDX-License-Identifier: BSD-3-Clause
/*
 * sriov.c - the rules of the SR-IOV capability: which of its fields can be written when, what
 * setting and clearing VF Enable does, and where the VFs are (routing IDs and memory).
 *
 * Where the specification calls a result undefined, this card refuses, so that no order of writes
 * leads to a state that nobody tested:
 *  - NumVFs, System Page Size and ARI Capable Hierarchy do not change while VF Enable is set;
 *  - VF Enable stays clear while NumVFs is 0 or exceeds TotalVFs;
 *  - System Page Size keeps its value unless exactly one supported bit is written.
 *
 * A VF BAR is an array of TotalVFs apertures, each as large as one VF's BAR or one system page,
 * whichever is larger; sizing it returns the size of one aperture.
 *
 * Specification: PCI Express Base 5.0, 9.2.1 (routing IDs, memory) and 9.3.3 (capability).
 */
#include "pcie/internal.h"
#include "util/bdf.h"
#include "util/log.h"

#define PAGE_SHIFT_OF_BIT_0 12
#define FUNCTION_MASK 0xff /* of a routing ID, with ARI: 8-bit function number */

static uint8_t *sriov_field(const struct pcie_function *function, unsigned int field)
{
	return function->state->config + function->layout->sriov + field;
}

static uint16_t sriov_control(const struct pcie_function *function)
{
	return function->layout->sriov ? get_le16(sriov_field(function, PCI_SRIOV_CTRL)) : 0;
}

static uint32_t system_page_size(const struct pcie_function *function)
{
	return get_le32(sriov_field(function, PCI_SRIOV_SYS_PGSIZE));
}

struct sriov_before sriov_before(const struct pcie_function *function)
{
	if (!function->layout->sriov)
		return (struct sriov_before){ .vf_enable = false };
	return (struct sriov_before){ .vf_enable = pcie_vf_enabled(function),
				      .system_page_size = system_page_size(function) };
}

uint8_t sriov_locked(const struct pcie_function *function, unsigned int offset)
{
	unsigned int field = offset - function->layout->sriov;
	bool lowest = !(function->routing_id & FUNCTION_MASK);

	if (!function->layout->sriov || offset < function->layout->sriov || field >= PCI_SRIOV_BAR)
		return 0;
	switch (field) {
	case PCI_SRIOV_CTRL: /* 9.3.3.3.5: the bit is in the lowest-numbered PF only */
		return pcie_vf_enabled(function) || !lowest ? PCI_SRIOV_CTRL_ARI : 0;
	case PCI_SRIOV_NUM_VF:
	case PCI_SRIOV_NUM_VF + 1:
	case PCI_SRIOV_SYS_PGSIZE:
	case PCI_SRIOV_SYS_PGSIZE + 1:
	case PCI_SRIOV_SYS_PGSIZE + 2:
	case PCI_SRIOV_SYS_PGSIZE + 3:
		return pcie_vf_enabled(function) ? UINT8_MAX : 0;
	default:
		return 0;
	}
}

uint64_t vf_aperture(const struct pcie_function *pf, unsigned int bar)
{
	uint64_t page = (uint64_t)system_page_size(pf) << PAGE_SHIFT_OF_BIT_0;

	return MAX(pf->layout->vf_bar[bar].size, page);
}

/* The system page size makes more low address bits of a VF BAR read-only than its own size does. */
static void align_vf_bars(struct pcie_function *pf)
{
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		uint8_t *reg = sriov_field(pf, PCI_SRIOV_BAR + i * sizeof(uint32_t));
		uint64_t keep = ~(vf_aperture(pf, i) - 1) | (uint64_t)~PCI_BASE_ADDRESS_MEM_MASK;

		if (!pf->layout->vf_bar[i].size)
			continue;
		put_le32(reg, get_le32(reg) & (uint32_t)keep);
		if (pf->layout->vf_bar[i].is_64bit)
			put_le32(reg + sizeof(uint32_t),
				 get_le32(reg + sizeof(uint32_t)) & (uint32_t)(keep >> 32));
	}
}

static void set_vf_enable(struct pcie_function *pf, bool on)
{
	uint16_t control = sriov_control(pf) & (uint16_t)~PCI_SRIOV_CTRL_VFE;

	put_le16(sriov_field(pf, PCI_SRIOV_CTRL), control | (on ? PCI_SRIOV_CTRL_VFE : 0));
}

static void enable_vfs(struct pcie_function *pf)
{
	static struct log_limit limit;
	unsigned int numvfs = pcie_num_vfs(pf);
	char bdf[16];
	int error = -EINVAL;

	/* The bit is set already: the device model sees its VFs where they will be. */
	if (numvfs && numvfs <= pf->layout->total_vfs)
		error = pf->ops->vf_enable ? pf->ops->vf_enable(pf->ctx, numvfs) : 0;
	if (!error)
		return;
	set_vf_enable(pf, false);
	if (log_ratelimit(&limit))
		log_warning("%s: VF Enable refused: NumVFs %u of TotalVFs %u: %s",
			    bdf_format(0, pf->routing_id, bdf), numvfs, pf->layout->total_vfs,
			    strerror(error < 0 ? -error : error));
}

int sriov_after(struct pcie_function *function, const struct sriov_before *before)
{
	uint32_t page;
	bool enabled;

	if (!function->layout->sriov)
		return PCIE_DONE;
	page = system_page_size(function);
	if (!page || (page & (page - 1)))
		put_le32(sriov_field(function, PCI_SRIOV_SYS_PGSIZE), before->system_page_size);
	align_vf_bars(function);

	enabled = pcie_vf_enabled(function);
	if (enabled && !before->vf_enable)
		enable_vfs(function);
	if (!enabled && before->vf_enable && function->ops->vf_disable)
		return function->ops->vf_disable(function->ctx);
	return PCIE_DONE;
}

bool pcie_vf_enabled(const struct pcie_function *pf)
{
	return sriov_control(pf) & PCI_SRIOV_CTRL_VFE;
}

bool pcie_vf_memory_enabled(const struct pcie_function *pf)
{
	return sriov_control(pf) & PCI_SRIOV_CTRL_MSE;
}

uint16_t pcie_num_vfs(const struct pcie_function *pf)
{
	return pf->layout->sriov ? get_le16(sriov_field(pf, PCI_SRIOV_NUM_VF)) : 0;
}

uint16_t pcie_vf_routing_id(const struct pcie_function *pf, unsigned int vf)
{
	return (uint16_t)(pf->routing_id + get_le16(sriov_field(pf, PCI_SRIOV_VF_OFFSET)) +
			  vf * get_le16(sriov_field(pf, PCI_SRIOV_VF_STRIDE)));
}

uint64_t pcie_vf_bar_address(const struct pcie_function *pf, unsigned int vf, unsigned int bar)
{
	uint64_t base;

	if (!pf->layout->sriov || bar >= PCIE_BARS || !pf->layout->vf_bar[bar].size)
		return 0;
	base = bar_register_address(pf, pf->layout->sriov + PCI_SRIOV_BAR, pf->layout->vf_bar, bar);
	return base + vf * vf_aperture(pf, bar);
}
