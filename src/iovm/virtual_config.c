// SPDX-License-Identifier: BSD-3-Clause
/*
 * virtual_config.c - the configuration space that a VM sees, composed from the PF and the bare VF.
 *
 * A bare VF is not a whole PCI function. What it lacks the manager takes from where the
 * specification puts it:
 *
 *	Vendor ID			from the PF
 *	Device ID			VF Device ID of the PF's SR-IOV capability
 *	Revision, class, subsystem IDs	from the bare VF
 *	Command, Status			the manager's
 *	BAR n				size and type of the PF's VF BAR n; the guest's address
 *	MSI-X				vectors and place of the table from the bare VF
 *	PCI Express, AER		those of a stand-alone endpoint: no control
 *					register is reserved, no link has width 0
 *	ARI, serial number		from the bare VF, where it has them
 *	SR-IOV, INTx, ROM, PM		none
 *
 * Specification: PCI Express Base 5.0, 9.3.4 and 9.3.5.
 */
#include "iovm/internal.h"

#define DSN_LOW 4

static uint16_t config16(const struct pcie_function *function, unsigned int offset)
{
	uint16_t value;

	pcie_config_read(function, (uint16_t)offset, &value, sizeof(value));
	return value;
}

static uint32_t config32(const struct pcie_function *function, unsigned int offset)
{
	uint32_t value;

	pcie_config_read(function, (uint16_t)offset, &value, sizeof(value));
	return value;
}

static void add_ids(struct pcie_layout *layout, const struct pcie_function *pf,
		    const struct pcie_function *bare)
{
	uint32_t class_revision = config32(bare, PCI_CLASS_REVISION);
	struct pcie_ids ids = {
		.vendor = config16(pf, PCI_VENDOR_ID),
		.device = config16(pf, pf->layout->sriov + PCI_SRIOV_VF_DID),
		.subsystem_vendor = config16(bare, PCI_SUBSYSTEM_VENDOR_ID),
		.subsystem = config16(bare, PCI_SUBSYSTEM_ID),
		.revision = (uint8_t)class_revision,
		.class_code = class_revision >> 8,
	};

	pcie_layout_init(layout, &ids, false);
}

static void add_bars_of_vf(struct pcie_layout *layout, const struct pcie_layout *pf)
{
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		const struct pcie_bar *bar = &pf->vf_bar[i];

		if (bar->size)
			pcie_add_bar(layout, i, bar->size, bar->is_64bit, bar->prefetchable);
	}
}

static int add_msix(struct pcie_layout *layout, const struct pcie_function *bare,
		    struct reason *why)
{
	uint16_t msix = bare->layout->msix, vectors = bare->layout->msix_vectors;
	uint32_t table = config32(bare, msix + PCI_MSIX_TABLE);
	uint32_t pba = config32(bare, msix + PCI_MSIX_PBA);
	unsigned int bar = table & PCI_MSIX_TABLE_BIR;
	uint32_t table_offset = table & PCI_MSIX_TABLE_OFFSET;

	/* QEMU crashes on a table in a BAR that does not exist: never show one. */
	if (!vectors || vectors > IOVM_MAX_VECTORS || bar >= PCIE_BARS ||
	    bar != (pba & PCI_MSIX_PBA_BIR) ||
	    table_offset + vectors * PCI_MSIX_ENTRY_SIZE > layout->bar[bar].size ||
	    (pba & PCI_MSIX_PBA_OFFSET) + sizeof(uint64_t) > layout->bar[bar].size)
		return refuse(why, -EINVAL, "MSI-X of the VF: %u vectors, table 0x%x, PBA 0x%x",
			      vectors, table, pba);
	pcie_add_msix(layout, msix, vectors, bar, table_offset, pba & PCI_MSIX_PBA_OFFSET);
	return 0;
}

static void add_extended(struct pcie_layout *layout, const struct pcie_function *bare)
{
	const struct pcie_layout *from = bare->layout;

	if (from->aer)
		pcie_add_aer(layout, from->aer);
	if (from->dsn)
		pcie_add_serial(layout, from->dsn,
				(uint64_t)config32(bare, from->dsn + DSN_LOW + 4u) << 32 |
					config32(bare, from->dsn + DSN_LOW));
	if (from->ari)
		pcie_add_ari(layout, from->ari, 0);
}

int virtual_config_compose(struct pcie_layout *layout, const struct pcie_function *pf,
			   const struct pcie_function *bare, struct reason *why)
{
	int error;

	if (!pf->layout->sriov || !bare->layout->msix || !bare->layout->express)
		return refuse(why, -EINVAL, "not a virtual function of this physical function");
	add_ids(layout, pf, bare);
	add_bars_of_vf(layout, pf->layout);
	error = add_msix(layout, bare, why);
	if (!error) {
		uint32_t link = config32(bare, bare->layout->express + PCI_EXP_LNKCAP);

		pcie_add_express(layout, bare->layout->express, link & PCI_EXP_LNKCAP_SLS,
				 (link & PCI_EXP_LNKCAP_MLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
		add_extended(layout, bare);
	}
	return error;
}
