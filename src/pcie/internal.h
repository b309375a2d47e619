/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of this room share with each other and with nobody else.
 *
 * Register offsets and bits are those of <linux/pci_regs.h>, which follows the chapters of the PCI
 * Express Base specification.
 */
#ifndef SOFTIOV_PCIE_INTERNAL_H
#define SOFTIOV_PCIE_INTERNAL_H

#include <linux/pci_regs.h>
#include "pcie/function.h"

/* Attributes of a register field: how a write and a reset treat it (chapter 7.4). */
enum field_access {
	FIELD_RO, /* HwInit too */
	FIELD_RW,
	FIELD_RWS,  /* read-write, survives a function-level reset */
	FIELD_W1CS, /* write 1 to clear, survives a function-level reset */
	FIELD_W1C,
};

/* field16(), field32() - add @bits with @access to a register, on top of what is there already. */
void field16(struct pcie_layout *layout, unsigned int offset, uint16_t bits,
	     enum field_access access);
void field32(struct pcie_layout *layout, unsigned int offset, uint32_t bits,
	     enum field_access access);

/* link_capability() - append a capability to the chain that starts at the Capabilities Pointer. */
void link_capability(struct pcie_layout *layout, uint16_t offset, uint8_t id);

/* vpd_written() - a write of @len bytes at @offset was made: answer it if it asks for product data. */
void vpd_written(struct pcie_function *function, uint16_t offset, uint32_t len);

/* layout_is_vf() - is this the layout of a bare VF? Its ID registers read all ones (9.3.4.1.1). */
static inline bool layout_is_vf(const struct pcie_layout *layout)
{
	return get_le16(layout->reset + PCI_VENDOR_ID) == UINT16_MAX;
}

/* add_bars() - the type bits and the writable bits of six BAR registers that start at @offset. */
void add_bars(struct pcie_layout *layout, unsigned int offset,
	      const struct pcie_bar bar[PCIE_BARS]);

/*
 * struct sriov_before - the fields of the SR-IOV capability that decide what a write may do, as
 * they were before it.
 */
struct sriov_before {
	bool vf_enable;
	uint32_t system_page_size;
};
struct sriov_before sriov_before(const struct pcie_function *function);

/* sriov_locked() - is @offset a byte that cannot be written now? */
uint8_t sriov_locked(const struct pcie_function *function, unsigned int offset);

/* sriov_after() - what a write to configuration space has brought about. */
int sriov_after(struct pcie_function *function, const struct sriov_before *before);

/* vf_aperture() - what one VF takes of VF BAR @bar: its size, or a system page if that is larger. */
uint64_t vf_aperture(const struct pcie_function *pf, unsigned int bar);

/*
 * struct pcie_hierarchy - @function: by routing ID; @physical: those of them that are no VFs, the
 * only ones with BAR registers, in no order.
 */
#define ROUTING_IDS 65536
struct pcie_hierarchy {
	struct pcie_function *function[ROUTING_IDS];
	struct pcie_function *physical[PCIE_HIERARCHY_PHYSICAL];
	unsigned int physical_count;
};

/* bar_register_address() - the address in BAR register @bar of the six that start at @offset. */
uint64_t bar_register_address(const struct pcie_function *function, unsigned int offset,
			      const struct pcie_bar bars[PCIE_BARS], unsigned int bar);

#endif
