// SPDX-License-Identifier: BSD-3-Clause
/*
 * layout.c - builders of what a kind of function looks like: the type 0 header and the
 * capabilities of the conventional 256 bytes.
 *
 * A layout is four images of configuration space: reset values, writable bits, write-1-to-clear
 * bits and bits that survive a function-level reset. config.c then needs no knowledge of single
 * registers except of the few with side effects. Each builder below is the register table of its
 * capability.
 *
 * The fields that are not parameters have the values of the Intel 82599.
 *
 * Specification: PCI Express Base 5.0, 7.5.1 (header), 7.5.2 (power management), 7.5.3 (PCI
 * Express), 7.7.1 (MSI), 7.7.2 (MSI-X); for a VF the exceptions of 9.3.4 and 9.3.5.
 */
#include <assert.h>
#include "pcie/internal.h"

#define COMMAND_RW                                                                         \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)
#define STATUS_W1C                                                                       \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | \
	 PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

#define HEADER_MULTIFUNCTION 0x80
#define PM_VERSION 3

/* MSI-X: bits 10:0 of Message Control hold the table size minus one (7.7.2.2). */
#define MSIX_MAX_VECTORS (PCI_MSIX_FLAGS_QSIZE + 1)

/* Device Capabilities of the 82599 (7.5.3.3) */
#define DEVCAP_PAYLOAD_512 0x2u
#define DEVCAP_L0S_512NS (0x3u << 6)
#define DEVCAP_L1_64US (0x6u << 9)
/* Link Capabilities (7.5.3.6): links of no power management must say so explicitly */
#define LNKCAP_ASPM_OPTIONALITY 0x00400000u
#define EXPRESS_VERSION 2
#define DEVCTL_REPORTING \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE)
#define DEVCTL_RESET \
	(PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B)
#define DEVSTA_W1C \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)
#define LNKCTL_RW \
	(PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)
#define DEVCAP2_TIMEOUT_ABCD 0xfu
#define LNKCTL2_RW 0x1fbfu /* all but Selectable De-emphasis, which only downstream ports have */

void field16(struct pcie_layout *layout, unsigned int offset, uint16_t bits,
	     enum field_access access)
{
	uint8_t byte[sizeof(bits)];

	put_le16(byte, bits);
	for (unsigned int i = 0; i < sizeof(bits); i++) {
		if (access == FIELD_RW || access == FIELD_RWS)
			layout->mask[offset + i] |= byte[i];
		if (access == FIELD_W1C || access == FIELD_W1CS)
			layout->w1c[offset + i] |= byte[i];
		if (access == FIELD_RWS || access == FIELD_W1CS)
			layout->sticky[offset + i] |= byte[i];
	}
}

void field32(struct pcie_layout *layout, unsigned int offset, uint32_t bits,
	     enum field_access access)
{
	field16(layout, offset, (uint16_t)bits, access);
	field16(layout, offset + sizeof(uint16_t), (uint16_t)(bits >> 16), access);
}

static void init_header(struct pcie_layout *layout, const struct pcie_ids *ids)
{
	memset(layout, 0, sizeof(*layout));
	layout->reset[PCI_REVISION_ID] = ids->revision;
	layout->reset[PCI_CLASS_PROG] = (uint8_t)ids->class_code;
	put_le16(layout->reset + PCI_CLASS_DEVICE, (uint16_t)(ids->class_code >> 8));
	put_le16(layout->reset + PCI_SUBSYSTEM_VENDOR_ID, ids->subsystem_vendor);
	put_le16(layout->reset + PCI_SUBSYSTEM_ID, ids->subsystem);
	field16(layout, PCI_STATUS, STATUS_W1C, FIELD_W1C);
}

void pcie_layout_init(struct pcie_layout *layout, const struct pcie_ids *ids, bool multifunction)
{
	init_header(layout, ids);
	put_le16(layout->reset + PCI_VENDOR_ID, ids->vendor);
	put_le16(layout->reset + PCI_DEVICE_ID, ids->device);
	layout->reset[PCI_HEADER_TYPE] =
		PCI_HEADER_TYPE_NORMAL | (multifunction ? HEADER_MULTIFUNCTION : 0);
	field16(layout, PCI_COMMAND, COMMAND_RW, FIELD_RW);
	layout->mask[PCI_CACHE_LINE_SIZE] = UINT8_MAX;
	layout->mask[PCI_INTERRUPT_LINE] = UINT8_MAX;
}

void pcie_layout_init_vf(struct pcie_layout *layout, const struct pcie_ids *ids)
{
	init_header(layout, ids);
	put_le16(layout->reset + PCI_VENDOR_ID, UINT16_MAX);
	put_le16(layout->reset + PCI_DEVICE_ID, UINT16_MAX);
	field16(layout, PCI_COMMAND, PCI_COMMAND_MASTER, FIELD_RW);
}

void add_bars(struct pcie_layout *layout, unsigned int offset, const struct pcie_bar bar[PCIE_BARS])
{
	for (unsigned int i = 0; i < PCIE_BARS; i++, offset += sizeof(uint32_t)) {
		uint64_t writable = ~(bar[i].size - 1);
		uint32_t type = PCI_BASE_ADDRESS_SPACE_MEMORY;

		if (!bar[i].size)
			continue;
		assert((bar[i].size & (bar[i].size - 1)) == 0 &&
		       bar[i].size > PCI_BASE_ADDRESS_MEM_TYPE_MASK);
		if (bar[i].prefetchable)
			type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
		if (bar[i].is_64bit) {
			assert(i + 1 < PCIE_BARS && !bar[i + 1].size);
			type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
			field32(layout, offset + sizeof(uint32_t), (uint32_t)(writable >> 32),
				FIELD_RW);
		}
		put_le32(layout->reset + offset, type);
		field32(layout, offset, (uint32_t)writable & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK,
			FIELD_RW);
	}
}

void pcie_add_bar(struct pcie_layout *layout, unsigned int index, uint64_t size, bool is_64bit,
		  bool prefetchable)
{
	assert(index < PCIE_BARS && !layout_is_vf(layout));
	layout->bar[index] = (struct pcie_bar){ .size = size,
						.is_64bit = is_64bit,
						.prefetchable = prefetchable };
	add_bars(layout, PCI_BASE_ADDRESS_0, layout->bar);
}

void link_capability(struct pcie_layout *layout, uint16_t offset, uint8_t id)
{
	uint16_t pointer = layout->last_cap ? (uint16_t)(layout->last_cap + PCI_CAP_LIST_NEXT)
					    : PCI_CAPABILITY_LIST;
	uint16_t status = get_le16(layout->reset + PCI_STATUS);

	assert(offset >= PCI_STD_HEADER_SIZEOF && offset < PCI_CFG_SPACE_SIZE && offset % 4 == 0);
	layout->reset[pointer] = (uint8_t)offset;
	layout->reset[offset + PCI_CAP_LIST_ID] = id;
	put_le16(layout->reset + PCI_STATUS, status | PCI_STATUS_CAP_LIST);
	layout->last_cap = offset;
}

void pcie_add_pm(struct pcie_layout *layout, uint16_t offset)
{
	link_capability(layout, offset, PCI_CAP_ID_PM);
	layout->pm = offset;
	put_le16(layout->reset + offset + PCI_PM_PMC,
		 PM_VERSION | PCI_PM_CAP_DSI | PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot);
	/* No_Soft_Reset: nothing is lost in D3hot, so drivers need not restore anything. */
	put_le16(layout->reset + offset + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	field16(layout, offset + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE,
		FIELD_RW);
	field16(layout, offset + PCI_PM_CTRL, PCI_PM_CTRL_PME_STATUS, FIELD_W1C);
}

void pcie_add_msi(struct pcie_layout *layout, uint16_t offset)
{
	link_capability(layout, offset, PCI_CAP_ID_MSI);
	layout->msi = offset;
	put_le16(layout->reset + offset + PCI_MSI_FLAGS,
		 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	field16(layout, offset + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE,
		FIELD_RW);
	field32(layout, offset + PCI_MSI_ADDRESS_LO, ~3u, FIELD_RW);
	field32(layout, offset + PCI_MSI_ADDRESS_HI, UINT32_MAX, FIELD_RW);
	field16(layout, offset + PCI_MSI_DATA_64, UINT16_MAX, FIELD_RW);
	field32(layout, offset + PCI_MSI_MASK_64, 1, FIELD_RW); /* one vector */
}

void pcie_add_msix(struct pcie_layout *layout, uint16_t offset, uint16_t vectors, unsigned int bar,
		   uint32_t table_offset, uint32_t pba_offset)
{
	assert(vectors && vectors <= MSIX_MAX_VECTORS && bar < PCIE_BARS);
	assert(!(table_offset & PCI_MSIX_TABLE_BIR) && !(pba_offset & PCI_MSIX_PBA_BIR));
	link_capability(layout, offset, PCI_CAP_ID_MSIX);
	layout->msix = offset;
	layout->msix_vectors = vectors;
	put_le16(layout->reset + offset + PCI_MSIX_FLAGS, (uint16_t)(vectors - 1));
	put_le32(layout->reset + offset + PCI_MSIX_TABLE, table_offset | bar);
	put_le32(layout->reset + offset + PCI_MSIX_PBA, pba_offset | bar);
	field16(layout, offset + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
		FIELD_RW);
}

/*
 * The link belongs to the physical function: in a VF the control and status registers of the link
 * and the error-reporting enables are reserved (9.3.5). Not reset by FLR (6.6.2): payload size
 * and link control.
 */
static void add_express_control(struct pcie_layout *layout, uint16_t offset, unsigned int speed,
				unsigned int width)
{
	put_le16(layout->reset + offset + PCI_EXP_DEVCTL, DEVCTL_RESET);
	field16(layout, offset + PCI_EXP_DEVCTL,
		DEVCTL_REPORTING | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
			PCI_EXP_DEVCTL_READRQ,
		FIELD_RW);
	field16(layout, offset + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_PAYLOAD, FIELD_RWS);
	field16(layout, offset + PCI_EXP_LNKCTL, LNKCTL_RW, FIELD_RWS);
	put_le16(layout->reset + offset + PCI_EXP_LNKSTA,
		 (uint16_t)(speed | width << PCI_EXP_LNKSTA_NLW_SHIFT | PCI_EXP_LNKSTA_SLC));
	field16(layout, offset + PCI_EXP_DEVCTL2,
		PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS, FIELD_RW);
	put_le16(layout->reset + offset + PCI_EXP_LNKCTL2, (uint16_t)speed);
	field16(layout, offset + PCI_EXP_LNKCTL2, LNKCTL2_RW, FIELD_RWS);
}

void pcie_add_express(struct pcie_layout *layout, uint16_t offset, unsigned int speed,
		      unsigned int width)
{
	link_capability(layout, offset, PCI_CAP_ID_EXP);
	layout->express = offset;
	put_le16(layout->reset + offset + PCI_EXP_FLAGS,
		 EXPRESS_VERSION | PCI_EXP_TYPE_ENDPOINT << 4);
	put_le32(layout->reset + offset + PCI_EXP_DEVCAP,
		 DEVCAP_PAYLOAD_512 | DEVCAP_L0S_512NS | DEVCAP_L1_64US | PCI_EXP_DEVCAP_RBER |
			 PCI_EXP_DEVCAP_FLR);
	put_le32(layout->reset + offset + PCI_EXP_LNKCAP,
		 speed | width << PCI_EXP_LNKSTA_NLW_SHIFT | LNKCAP_ASPM_OPTIONALITY);
	put_le32(layout->reset + offset + PCI_EXP_DEVCAP2,
		 DEVCAP2_TIMEOUT_ABCD | PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
	/* Supported Link Speeds Vector: bit n for the speed of code n */
	put_le32(layout->reset + offset + PCI_EXP_LNKCAP2, (BIT(speed) - 1) << 1);
	field16(layout, offset + PCI_EXP_DEVSTA, DEVSTA_W1C, FIELD_W1C);
	if (!layout_is_vf(layout))
		add_express_control(layout, offset, speed, width);
}
