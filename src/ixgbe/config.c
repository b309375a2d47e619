// SPDX-License-Identifier: BSD-3-Clause
/*
 * config.c - configuration spaces of PF and VF: which capability stands where.
 *
 * Drivers read some of these offsets without walking the list (MSI-X control word 0x72, device and
 * link status 0xaa and 0xb2), so they are those of the silicon.
 *
 * BARs are 64 bit wide but not prefetchable: reading a register can clear it.
 *
 * docs/card.md compares what lspci shows with a 82599 of silicon.
 *
 * Source: data sheet 9.3; Linux ixgbe, ixgbevf.
 */
#include "ixgbe/registers.h"

#include <linux/pci_regs.h>
#include <stdio.h>

#define VENDOR_INTEL 0x8086
#define VF_DEVICE_ID 0x10ed
#define SUBSYSTEM 0x000c
#define REVISION 0x01
#define CLASS_ETHERNET 0x020000

#define CAP_PM 0x40
#define CAP_MSI 0x50
#define CAP_MSIX 0x70
#define CAP_EXPRESS 0xa0
#define CAP_VPD 0xe0
#define EXT_AER 0x100
#define EXT_SERIAL 0x140
#define EXT_ARI 0x150
#define EXT_SRIOV 0x160

#define LINK_5GT 2
#define LINK_WIDTH 8
/* Link Capabilities (PCI Express Base 5.0, 7.5.3.6), Power Management Control (7.5.2.2) */
#define LNKCAP_ASPM_OPTIONALITY 0x00400000u
#define LNKCAP_L0S_EXIT_4US (7u << 12) /* more than 4 us */
#define LNKCAP_L1_EXIT_8US (3u << 15)  /* 4 to 8 us */
#define PM_DATA_SCALE_TENTH (1u << 13)
#define FIRST_VF_OFFSET 128
#define VF_STRIDE 2
#define SUPPORTED_PAGE_SIZES 0x553

/* The MAC address with ff-ff in the middle (9.4.2). */
static uint64_t serial_number(const uint8_t mac[ETH_ALEN])
{
	uint64_t upper = (uint64_t)get_be16(mac) << 8 | mac[2];
	uint64_t lower = (uint64_t)mac[3] << 16 | get_be16(mac + 4);

	return upper << 40 | 0xffffull << 24 | lower;
}

static struct pcie_ids ids_of(uint16_t device)
{
	return (struct pcie_ids){
		.vendor = VENDOR_INTEL,
		.device = device,
		.subsystem_vendor = VENDOR_INTEL,
		.subsystem = SUBSYSTEM,
		.revision = REVISION,
		.class_code = CLASS_ETHERNET,
	};
}

/*
 * What the silicon says of its power and its link and a software card would not need to: it can be put into L0s, at
 * 4 us or more to leave it, and is of a time before the register of all link speeds (LnkCap2).
 */
static void as_silicon(struct pcie_layout *layout)
{
	uint8_t *link = layout->reset + CAP_EXPRESS + PCI_EXP_LNKCAP;
	uint32_t capabilities = get_le32(link);

	capabilities &= ~(uint32_t)(PCI_EXP_LNKCAP_ASPMS | PCI_EXP_LNKCAP_L0SEL |
				    PCI_EXP_LNKCAP_L1EL | LNKCAP_ASPM_OPTIONALITY);
	put_le32(link,
		 capabilities | PCI_EXP_LNKCAP_ASPM_L0S | LNKCAP_L0S_EXIT_4US | LNKCAP_L1_EXIT_8US);
	put_le32(layout->reset + CAP_EXPRESS + PCI_EXP_LNKCAP2, 0);
}

/* Data_Scale: the power budget, which nobody asks for, would be in tenths of a watt. */
static void power_as_silicon(struct pcie_layout *layout)
{
	uint8_t *pmcsr = layout->reset + CAP_PM + PCI_PM_CTRL;

	put_le16(pmcsr, get_le16(pmcsr) | PM_DATA_SCALE_TENTH);
}

static void add_vpd(struct pcie_layout *layout, const uint8_t mac[ETH_ALEN])
{
	char serial[2 * ETH_ALEN + 1];

	snprintf(serial, sizeof(serial), "%02X%02X%02X%02X%02X%02X", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	pcie_add_vpd(layout, CAP_VPD, "softiov 82599 in software", IXGBE_PART_NUMBER, serial);
}

void ixgbe_pf_layout(const struct ixgbe_config *config, struct pcie_layout *layout)
{
	const struct pcie_ids ids = ids_of(config->device_id);
	struct pcie_sriov_config sriov = {
		.total_vfs = config->total_vfs,
		.first_vf_offset = config->first_vf_offset ? config->first_vf_offset :
							     FIRST_VF_OFFSET,
		.vf_stride = VF_STRIDE,
		.vf_device_id = VF_DEVICE_ID,
		.function_dependency_link = config->function,
		.supported_page_sizes = SUPPORTED_PAGE_SIZES,
		.vf_bar = {
			[0] = { .size = IXGBE_VF_BAR_SIZE, .is_64bit = true },
			[IXGBE_VF_MSIX_BAR] = { .size = IXGBE_MSIX_BAR_SIZE, .is_64bit = true },
		},
	};

	pcie_layout_init(layout, &ids, config->multifunction);
	pcie_add_bar(layout, 0, IXGBE_PF_BAR_SIZE, true, false);
	pcie_add_bar(layout, IXGBE_PF_MSIX_BAR, IXGBE_MSIX_BAR_SIZE, true, false);
	pcie_add_pm(layout, CAP_PM);
	pcie_add_msi(layout, CAP_MSI);
	pcie_add_msix(layout, CAP_MSIX, IXGBE_PF_VECTORS, IXGBE_PF_MSIX_BAR, 0, IXGBE_MSIX_PBA);
	pcie_add_express(layout, CAP_EXPRESS, LINK_5GT, LINK_WIDTH);
	as_silicon(layout);
	power_as_silicon(layout);
	add_vpd(layout, config->mac);
	pcie_add_aer(layout, EXT_AER);
	pcie_add_serial(layout, EXT_SERIAL, serial_number(config->mac));
	pcie_add_ari(layout, EXT_ARI, config->multifunction && !config->function ? 1 : 0);
	if (config->total_vfs)
		pcie_add_sriov(layout, EXT_SRIOV, &sriov);
}

void ixgbe_vf_layout(const struct ixgbe_config *config, struct pcie_layout *layout)
{
	const struct pcie_ids ids = ids_of(VF_DEVICE_ID);

	pcie_layout_init_vf(layout, &ids);
	pcie_add_msix(layout, CAP_MSIX, IXGBE_VF_VECTORS, IXGBE_VF_MSIX_BAR, 0, IXGBE_MSIX_PBA);
	pcie_add_express(layout, CAP_EXPRESS, LINK_5GT, LINK_WIDTH);
	as_silicon(layout);
	pcie_add_aer(layout, EXT_AER);
	pcie_add_ari(layout, EXT_ARI, 0);
}
