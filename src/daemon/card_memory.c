/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * card_memory.c - in host mode the daemon is the host, firmware too: it gives the BARs and VF BARs addresses before
 * a driver comes, as on a machine with SR-IOV switched on. Nobody decodes them there (the PF driver has its
 * registers by function and BAR), but they are in configuration space and so in what lspci shows. In vm mode the
 * card's VM does this.
 *
 * PCI Express Base 5.0, 7.5.1.2.1 (BARs) and 9.2.1.1.1 (VF BARs: one aperture after the other for all VFs).
 */
#include "daemon/card_internal.h"

#include <linux/pci_regs.h>

/* Above all memory, where firmware puts 64-bit BARs: a terabyte a domain, 4 GiB a card, 16 MiB a PF. */
#define WINDOW 0x380000000000ull
#define DOMAIN_SHIFT 40
#define BUS_SHIFT 32
#define FUNCTION_SHIFT 24

/* Return: the address behind it. */
static uint64_t assign(struct card_pf *pf, unsigned int bar_register, uint64_t address,
		       uint64_t size, uint64_t count)
{
	uint8_t bytes[sizeof(address)];

	address = ALIGN_UP(address, size);
	put_le64(bytes, address);
	(void)pcie_config_write(&pf->pcie, (uint16_t)bar_register, bytes, sizeof(bytes));
	return address + size * count;
}

void card_assign_memory(struct card_pf *pf)
{
	const struct config_card *config = pf->port->card->config;
	uint64_t next = WINDOW + ((uint64_t)config->domain << DOMAIN_SHIFT) +
			((uint64_t)config->bus << BUS_SHIFT) +
			((uint64_t)pf->function << FUNCTION_SHIFT);

	for (unsigned int i = 0; i < PCIE_BARS; i++)
		if (pf->layout.bar[i].size && pf->layout.bar[i].is_64bit)
			next = assign(pf, PCI_BASE_ADDRESS_0 + i * sizeof(uint32_t), next,
				      pf->layout.bar[i].size, 1);
	for (unsigned int i = 0; i < PCIE_BARS; i++) {
		uint64_t aperture =
			pcie_vf_bar_address(&pf->pcie, 1, i) - pcie_vf_bar_address(&pf->pcie, 0, i);

		if (pf->layout.vf_bar[i].size && pf->layout.vf_bar[i].is_64bit)
			next = assign(pf, pf->layout.sriov + PCI_SRIOV_BAR + i * sizeof(uint32_t),
				      next, aperture, pf->layout.total_vfs);
	}
}
