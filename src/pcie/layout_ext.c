// SPDX-License-Identifier: BSD-3-Clause
/*
 * layout_ext.c - builders of the extended capabilities, from offset 0x100: error reporting, serial
 * number, ARI, SR-IOV.
 *
 * Their chain has no pointer: the first one lies at 0x100, each header holds ID, version and the
 * offset of the next. All are version 1 as in the 82599.
 *
 * Specification: PCI Express Base 5.0, 7.6.3 (header), 7.8.4 (AER), 7.8.8 (ARI), 7.9.3 (serial
 * number), 9.3.3 (SR-IOV); for a VF the exceptions of 9.3.7 and 9.4.2.
 */
#include <assert.h>
#include "pcie/internal.h"

#define EXT_CAP_VERSION 1
#define EXT_CAP_VERSION_SHIFT 16
#define EXT_CAP_NEXT_SHIFT 20

/* Errors that a VF reports by itself; all others are the PF's (9.4.2). */
#define VF_UNCORRECTABLE                                                           \
	(PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | \
	 PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_UNSUP)
#define PF_UNCORRECTABLE                                                              \
	(VF_UNCORRECTABLE | PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | \
	 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_ECRC)
#define UNCORRECTABLE_FATAL \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP)
#define VF_CORRECTABLE PCI_ERR_COR_ADV_NFAT
#define PF_CORRECTABLE                                                                    \
	(VF_CORRECTABLE | PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | \
	 PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER)

#define DSN_LOW 4 /* serial number registers (7.9.3.2) */
#define DSN_HIGH 8
#define ARI_NEXT_FUNCTION_SHIFT 8
#define SYSTEM_PAGE_4K 1u /* bit n: pages of 2^(n + 12) bytes (9.3.3.12) */

static void link_extended(struct pcie_layout *layout, uint16_t offset, uint16_t id)
{
	assert(offset >= PCI_CFG_SPACE_SIZE && offset < PCIE_CONFIG_SIZE && offset % 4 == 0);
	assert(layout->last_ext_cap || offset == PCI_CFG_SPACE_SIZE);
	put_le32(layout->reset + offset, id | EXT_CAP_VERSION << EXT_CAP_VERSION_SHIFT);
	if (layout->last_ext_cap) {
		uint8_t *previous = layout->reset + layout->last_ext_cap;

		put_le32(previous, get_le32(previous) | (uint32_t)offset << EXT_CAP_NEXT_SHIFT);
	}
	layout->last_ext_cap = offset;
}

void pcie_add_aer(struct pcie_layout *layout, uint16_t offset)
{
	bool vf = layout_is_vf(layout);

	link_extended(layout, offset, PCI_EXT_CAP_ID_ERR);
	layout->aer = offset;
	put_le32(layout->reset + offset + PCI_ERR_CAP,
		 PCI_ERR_CAP_ECRC_GENC | PCI_ERR_CAP_ECRC_CHKC);
	field32(layout, offset + PCI_ERR_UNCOR_STATUS, vf ? VF_UNCORRECTABLE : PF_UNCORRECTABLE,
		FIELD_W1CS);
	field32(layout, offset + PCI_ERR_COR_STATUS, vf ? VF_CORRECTABLE : PF_CORRECTABLE,
		FIELD_W1CS);
	if (vf)
		return;
	field32(layout, offset + PCI_ERR_UNCOR_MASK, PF_UNCORRECTABLE, FIELD_RWS);
	put_le32(layout->reset + offset + PCI_ERR_UNCOR_SEVER, UNCORRECTABLE_FATAL);
	field32(layout, offset + PCI_ERR_UNCOR_SEVER, PF_UNCORRECTABLE, FIELD_RWS);
	put_le32(layout->reset + offset + PCI_ERR_COR_MASK, PCI_ERR_COR_ADV_NFAT);
	field32(layout, offset + PCI_ERR_COR_MASK, PF_CORRECTABLE, FIELD_RWS);
	field32(layout, offset + PCI_ERR_CAP, PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE,
		FIELD_RWS);
}

void pcie_add_serial(struct pcie_layout *layout, uint16_t offset, uint64_t serial)
{
	link_extended(layout, offset, PCI_EXT_CAP_ID_DSN);
	layout->dsn = offset;
	put_le32(layout->reset + offset + DSN_LOW, (uint32_t)serial);
	put_le32(layout->reset + offset + DSN_HIGH, (uint32_t)(serial >> 32));
}

void pcie_add_ari(struct pcie_layout *layout, uint16_t offset, uint8_t next_function)
{
	link_extended(layout, offset, PCI_EXT_CAP_ID_ARI);
	layout->ari = offset;
	put_le16(layout->reset + offset + PCI_ARI_CAP,
		 (uint16_t)(next_function << ARI_NEXT_FUNCTION_SHIFT));
}

void pcie_add_sriov(struct pcie_layout *layout, uint16_t offset,
		    const struct pcie_sriov_config *config)
{
	uint8_t *reset = layout->reset + offset;

	assert(config->supported_page_sizes & SYSTEM_PAGE_4K);
	link_extended(layout, offset, PCI_EXT_CAP_ID_SRIOV);
	layout->sriov = offset;
	layout->total_vfs = config->total_vfs;
	memcpy(layout->vf_bar, config->vf_bar, sizeof(layout->vf_bar));

	/* VF migration is not offered: its capability, control and status bits stay 0. */
	put_le16(reset + PCI_SRIOV_INITIAL_VF, config->total_vfs);
	put_le16(reset + PCI_SRIOV_TOTAL_VF, config->total_vfs);
	reset[PCI_SRIOV_FUNC_LINK] = config->function_dependency_link;
	put_le16(reset + PCI_SRIOV_VF_OFFSET, config->first_vf_offset);
	put_le16(reset + PCI_SRIOV_VF_STRIDE, config->vf_stride);
	put_le16(reset + PCI_SRIOV_VF_DID, config->vf_device_id);
	put_le32(reset + PCI_SRIOV_SUP_PGSIZE, config->supported_page_sizes);
	put_le32(reset + PCI_SRIOV_SYS_PGSIZE, SYSTEM_PAGE_4K);

	field16(layout, offset + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, FIELD_RW);
	/* "Not affected by FLR of a PF or VF" (9.3.3.3.5) */
	field16(layout, offset + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI, FIELD_RWS);
	field16(layout, offset + PCI_SRIOV_NUM_VF, UINT16_MAX, FIELD_RW);
	field32(layout, offset + PCI_SRIOV_SYS_PGSIZE, config->supported_page_sizes, FIELD_RW);
	add_bars(layout, offset + PCI_SRIOV_BAR, layout->vf_bar);
}
